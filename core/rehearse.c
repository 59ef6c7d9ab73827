/* `--policy-test`: a policy without a switch. Its tests are run, and what it decides about one
 * endpoint, and about a call of that endpoint, is printed as a table. */
#include "base/memory.h"
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The endpoint as the command line describes it; a member for each of the view. */
struct description {
	char *user, *realm, *contact, *received, *transport, *user_agent, *network, *alg, *calls;
	int64_t received_port, expires;
	bool nat, timer;
	const struct hl_node *settings; /* borrowed: any map */
};

#define FIELD(field, ctype) HL_FIELD(struct description, field, ctype)
#define TEXT(name, value)                                                                          \
	{                                                                                          \
		.key = #name, .type = HL_PARAMETER_STRING, .fallback = value,                      \
		.offset = FIELD(name, char *)                                                      \
	}

static const struct hl_parameter rows[] = {
	TEXT(user, "1001"),
	TEXT(realm, "holdline"),
	TEXT(contact, "sip:1001@10.0.0.7:5060"),
	TEXT(received, "192.0.2.7"),
	TEXT(transport, "udp"),
	TEXT(user_agent, ""),
	TEXT(network, ""),
	TEXT(alg, ""),
	TEXT(calls, "1002"),
	{.key = "received_port",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "5060",
	 .max = 65535,
	 .offset = FIELD(received_port, int64_t)},
	{.key = "expires",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "300",
	 .max = 86400,
	 .offset = FIELD(expires, int64_t)},
	{.key = "nat", .type = HL_PARAMETER_BOOLEAN, .fallback = "on", .offset = FIELD(nat, bool)},
	{.key = "timer",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "off",
	 .offset = FIELD(timer, bool)},
	HL_PARAMETERS_END};

static void describe(struct description *description, const struct hl_node *root,
		     struct hl_mistakes *mistakes)
{
	for (const struct hl_node *node = root->first; node; node = node->next) {
		const struct hl_parameter *row = hl_parameter_find(rows, hl_slice_of(node->key));
		struct hl_error error;

		if (!strcmp(node->key, "settings"))
			description->settings = node;
		else if (!row)
			hl_mistake(mistakes, node->key_place, node->key,
				   "is nothing an endpoint has");
		else if (hl_parameter_set(row, description, node->text, &error))
			hl_mistake(mistakes, node->place, node->key, "%s", error.text);
	}
}

static void view(const struct description *description, struct hl_endpoint_view *endpoint)
{
	*endpoint = (struct hl_endpoint_view){.user = description->user,
					      .contact = description->contact,
					      .transport = description->transport,
					      .nat = description->nat,
					      .user_agent = description->user_agent,
					      .expires = description->expires,
					      .network = description->network,
					      .alg = description->alg,
					      .settings = description->settings};
	snprintf(endpoint->aor, sizeof(endpoint->aor), "%s@%s", description->user,
		 description->realm);
	hl_address_parse(hl_slice_of(description->received), &endpoint->received);
	endpoint->received.port = (uint16_t)description->received_port;
}

/* A call of that endpoint to the number in `calls`, each leg without a session timer. */
static void explain_call(struct hl_policy *policy, const struct description *description,
			 const struct hl_endpoint_view *endpoint, struct hl_json *json)
{
	const struct hl_leg_view legs[] = {{"caller", description->user_agent, "INVITE, BYE"},
					   {"callee", "", "INVITE, BYE"}};
	struct hl_text from, to;
	struct hl_call_view call = {
		.id = "a call",
		.caller = {.user = description->user,
			   .gateway = "",
			   .received = endpoint->received,
			   .nat = description->nat,
			   .network = description->network,
			   .user_agent = description->user_agent,
			   .timer = description->timer},
		.callee = {.user = description->calls,
			   .gateway = "",
			   .network = "",
			   .user_agent = ""},
		.started = 1,
	};

	hl_text_init(&from);
	hl_text_init(&to);
	hl_text_printf(&from, "sip:%s", endpoint->aor);
	hl_text_printf(&to, "sip:%s@%s", description->calls, description->realm);
	call.from = hl_text_string(&from);
	call.to = call.request_uri = hl_text_string(&to);
	hl_policy_explain_call(policy, &call, &call, legs, HL_COUNT(legs), json);
	hl_text_fini(&from);
	hl_text_fini(&to);
}

static const char *const columns[] = {"about", "decision", "answer", "rule", "line"};

/* The decisions (JSON, as `policy explain` answers them) as a table. Returns how many failed. */
static unsigned print_table(const struct hl_node *decisions)
{
	static const char *const titles[] = {"ABOUT", "DECISION", "ANSWER", "BY", "AT"};
	int widths[HL_COUNT(columns)] = {0};
	unsigned failed = 0;

	for (size_t i = 0; i < HL_COUNT(columns); i++) {
		widths[i] = (int)strlen(titles[i]);
		for (const struct hl_node *row = decisions->first; row; row = row->next) {
			int length = (int)strlen(hl_node_text(row, columns[i], ""));
			widths[i] = length > widths[i] ? length : widths[i];
		}
	}
	for (size_t i = 0; i < HL_COUNT(columns); i++)
		printf("%-*s%s", widths[i], titles[i], i + 1 < HL_COUNT(columns) ? "  " : "\n");
	for (const struct hl_node *row = decisions->first; row; row = row->next) {
		const char *why = hl_node_text(row, "failed", "null");
		for (size_t i = 0; i < HL_COUNT(columns); i++) {
			const char *text = hl_node_text(row, columns[i], "");
			printf("%-*s%s", widths[i], strcmp(text, "null") ? text : "",
			       i + 1 < HL_COUNT(columns) ? "  " : "\n");
		}
		if (strcmp(why, "null")) {
			printf("  FAILED: %s\n", why);
			failed++;
		}
	}
	return failed;
}

static void told(void *arg, const char *name, const char *failure)
{
	(void)arg;
	printf("%s %s%s%s\n", failure ? "FAILED" : "ok", name, failure ? ": " : "",
	       failure ? failure : "");
}

/* What the policy decides about the endpoint. Returns an exit code. */
static int decide(const struct hl_policy *policy, const struct description *description)
{
	struct hl_mistakes mistakes;
	struct hl_endpoint_view endpoint;
	struct hl_parsed parsed;
	struct hl_error error;
	struct hl_text text;
	struct hl_json json;
	int code = HL_EXIT_FAILED;
	struct hl_policy *rehearsal = hl_policy_rehearsal(policy, &error);

	if (!rehearsal) {
		fprintf(stderr, "holdline: %s\n", error.text);
		return code;
	}
	hl_text_init(&text);
	hl_mistakes_init(&mistakes);
	hl_text_put(&text, "{\"rows\":[");
	text.length--; /* the writer brings its own bracket */
	hl_json_init(&json, &text);
	hl_json_array(&json);
	view(description, &endpoint);
	hl_policy_explain_endpoint(rehearsal, &endpoint, description->realm, &json);
	explain_call(rehearsal, description, &endpoint, &json);
	hl_json_array_end(&json);
	hl_text_put(&text, "}");
	if (!hl_config_parse("decisions", (struct hl_slice){text.data, text.length}, &parsed,
			     &mistakes)) {
		putchar('\n');
		code = print_table(hl_node_get(parsed.root, "rows")) ? HL_EXIT_FAILED : HL_EXIT_OK;
		hl_config_parse_free(&parsed);
	}
	hl_mistakes_fini(&mistakes);
	hl_text_fini(&text);
	hl_policy_free(rehearsal);
	return code;
}

/* The policy with the configuration's rules and limits, if one was given. */
static struct hl_policy *load(struct hl_modules *modules, const struct hl_options *options,
			      const char *script, struct hl_plan *plan, struct hl_error *error)
{
	struct hl_policy_settings settings = {
		.max_instructions = 1000000, .max_time_ms = 50, .max_memory_mb = 64};
	struct hl_policy_world world = {.configuration = NULL};
	struct hl_function_library *libraries = NULL;
	struct hl_policy *policy;
	struct hl_text report;

	if (options->file_count) {
		hl_text_init(&report);
		int result = hl_switch_read(modules, options, plan, &report);
		fputs(hl_text_string(&report), stderr);
		hl_text_fini(&report);
		if (result) {
			hl_error_set(error, result, "the configuration has mistakes");
			return NULL;
		}
		settings = plan->config->policy;
		world.configuration = plan->config->root;
	}
	libraries = hl_script_libraries(modules, plan->config, &world.library_count);
	world.libraries = libraries;
	settings.script = (char *)(uintptr_t)script; /* read, not kept */
	policy = hl_policy_new(&settings, &world, error);
	hl_free(libraries);
	return policy;
}

static int run_all(const struct hl_policy_test_order *order, struct hl_modules *modules)
{
	struct description description = {.settings = NULL};
	struct hl_parsed parsed = {NULL, NULL};
	struct hl_plan plan = {.config = NULL};
	struct hl_policy *policy = NULL;
	struct hl_mistakes mistakes;
	struct hl_error error = {""};
	struct hl_text report;
	int code = HL_EXIT_CONFIGURATION;

	hl_mistakes_init(&mistakes);
	hl_text_init(&report);
	if (hl_parameters_default(rows, &description))
		goto out;
	if (order->described &&
	    !hl_config_parse("--endpoint", hl_slice_of(order->described), &parsed, &mistakes))
		describe(&description, parsed.root, &mistakes);
	hl_mistakes_print(&mistakes, &report);
	fputs(hl_text_string(&report), stderr);
	if (mistakes.errors)
		goto out;
	policy = load(modules, order->options, order->script, &plan, &error);
	if (!policy) {
		fprintf(stderr, "holdline: %s\n", error.text);
		goto out;
	}
	printf("%s, version %s\n", hl_policy_path(policy), hl_policy_version(policy));
	code = hl_policy_test(policy, told, NULL) ? HL_EXIT_FAILED : HL_EXIT_OK;
	if (decide(policy, &description) != HL_EXIT_OK)
		code = HL_EXIT_FAILED;
out:
	hl_policy_free(policy);
	hl_plan_drop(&plan);
	hl_config_parse_free(&parsed);
	hl_parameters_free(rows, &description);
	hl_text_fini(&report);
	hl_mistakes_fini(&mistakes);
	return code;
}

int hl_switch_policy_test(const struct hl_policy_test_order *order)
{
	struct hl_modules *modules = hl_modules_new(NULL);
	int code = modules ? run_all(order, modules) : HL_EXIT_FAILED;

	if (modules)
		hl_modules_free(modules);
	return code;
}
