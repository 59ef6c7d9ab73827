/* The core's control commands (contract: "Control socket"): one row and one function each. */
#include "base/clock.h"
#include "run.h"

#include <errno.h>
#include <string.h>

static void put_text(void *arg, const char *text)
{
	hl_json_string(arg, text);
}

static void put_name(void *arg, struct hl_module *module)
{
	hl_json_string(arg, hl_module_plugin(module)->name);
}

static void put_refused(const struct hl_call_counters *counters, struct hl_json *json)
{
	hl_json_key(json, "refused");
	hl_json_object(json);
	hl_json_put_integer(json, "looped", (int64_t)counters->looped);
	hl_json_put_integer(json, "limit_calls", (int64_t)counters->limited_calls);
	hl_json_put_integer(json, "limit_rate", (int64_t)counters->limited_rate);
	hl_json_put_integer(json, "limit_endpoint", (int64_t)counters->limited_endpoint);
	hl_json_put_integer(json, "reaped", (int64_t)counters->reaped);
	hl_json_object_end(json);
}

static void put_policy(const struct hl_policy *policy, struct hl_json *json)
{
	if (!policy) {
		hl_json_null(json);
		return;
	}
	hl_json_object(json);
	hl_json_put_string(json, "script", hl_policy_path(policy));
	hl_json_put_string(json, "version", hl_policy_version(policy));
	hl_json_key(json, "functions");
	hl_json_array(json);
	for (int i = 0; i < HL_POLICY_FUNCTIONS; i++)
		if (hl_policy_has(policy, (enum hl_policy_function)i))
			hl_json_string(json, hl_policy_names[i]);
	hl_json_array_end(json);
	hl_json_object_end(json);
}

static int status(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		  struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	struct hl_store_counters store;
	(void)arguments, (void)error;

	hl_store_counters(holdline->store, &store);
	hl_json_object(result);
	hl_json_put_string(result, "version", PACKAGE_VERSION);
	hl_json_put_number(result, "uptime",
			   (double)(hl_clock_now() - holdline->started) / HL_SECOND);
	hl_json_key(result, "listen");
	hl_json_array(result);
	hl_transport_each_listener(holdline->transport, put_text, result);
	hl_json_array_end(result);
	hl_json_put_integer(result, "endpoints", (int64_t)hl_endpoints_count(holdline->endpoints));
	hl_json_put_integer(result, "contacts", (int64_t)hl_contacts_count(holdline->endpoints));
	hl_json_put_integer(result, "calls", (int64_t)hl_calls_count(holdline->calls));
	put_refused(hl_calls_counters(holdline->calls), result);
	hl_json_put_integer(result, "transactions",
			    (int64_t)hl_transactions_count(holdline->transactions));
	hl_json_put_integer(result, "malformed", (int64_t)hl_traffic_malformed(holdline));
	hl_json_put_integer(result, "cdr_waiting", (int64_t)store.waiting);
	hl_json_key(result, "policy");
	put_policy(holdline->policy, result);
	hl_json_put_integer(result, "rows_waiting", (int64_t)store.rows_waiting);
	hl_json_put_integer(result, "rows_written", (int64_t)store.rows_written);
	hl_json_put_integer(result, "store_failures", (int64_t)store.failures);
	hl_json_key(result, "plugins");
	hl_json_array(result);
	hl_modules_each(holdline->modules, put_name, result);
	hl_json_array_end(result);
	hl_json_object_end(result);
	return 0;
}

struct listing {
	struct hl_switch *holdline;
	struct hl_json *json;
	bool ladder; /* of each call */
};

static void put_contact(void *arg, struct hl_contact *contact)
{
	struct listing *listing = arg;
	hl_json_object(listing->json);
	hl_contact_json(contact, listing->json);
	hl_stage_contact_json(listing->holdline->modules, contact, listing->json);
	hl_json_object_end(listing->json);
}

static void each_contact_of(struct hl_endpoint *endpoint,
			    void (*visit)(void *arg, struct hl_contact *contact), void *arg)
{
	struct hl_list *node, *next;
	if (!endpoint)
		return;
	hl_list_each(node, next, &endpoint->contacts)
		visit(arg, hl_list_entry(node, struct hl_contact, node));
}

static int endpoints(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		     struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	struct listing listing = {holdline, result, false};
	const char *user = hl_argument(arguments, "user");
	(void)error;

	hl_json_array(result);
	if (user)
		each_contact_of(hl_endpoint_find(holdline->endpoints, hl_slice_of(user)),
				put_contact, &listing);
	else
		hl_contacts_each(holdline->endpoints, put_contact, &listing);
	hl_json_array_end(result);
	return 0;
}

static void put_leg(void *arg, struct hl_leg *leg)
{
	struct listing *listing = arg;
	hl_json_object(listing->json);
	hl_leg_json(leg, listing->json);
	hl_stage_leg_json(listing->holdline->modules, leg, listing->json);
	hl_json_object_end(listing->json);
}

static void put_call(void *arg, struct hl_call *call)
{
	struct listing *listing = arg;
	hl_json_object(listing->json);
	hl_call_json(call, listing->json);
	hl_stage_call_json(listing->holdline->modules, call, listing->json);
	hl_json_key(listing->json, "legs");
	hl_json_array(listing->json);
	hl_legs_each(call, put_leg, listing);
	hl_json_array_end(listing->json);
	if (listing->ladder)
		hl_call_ladder_json(call, listing->json);
	hl_json_object_end(listing->json);
}

static int calls(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		 struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	struct listing listing = {holdline, result, false};
	(void)arguments, (void)error;
	hl_json_array(result);
	hl_calls_each(holdline->calls, put_call, &listing);
	hl_json_array_end(result);
	return 0;
}

static struct hl_call *find_call(struct hl_switch *holdline, const struct hl_arguments *arguments,
				 struct hl_error *error)
{
	const char *id = hl_argument(arguments, "id");
	struct hl_call *call = id ? hl_calls_find(holdline->calls, id) : NULL;
	if (!id)
		hl_error_set(error, -EINVAL, "which call? give its id (see `calls`)");
	else if (!call)
		hl_error_set(error, -ENOENT, "no call %s is up (ended ones: see `cdr`)", id);
	return call;
}

static int call(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		struct hl_error *error)
{
	struct listing listing = {arg, result, true};
	struct hl_call *found = find_call(arg, arguments, error);
	if (!found)
		return -ENOENT;
	put_call(&listing, found);
	return 0;
}

static int hangup(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		  struct hl_error *error)
{
	struct hl_call *found = find_call(arg, arguments, error);
	if (!found)
		return -ENOENT;
	hl_call_end(found, "Normal", "hangup", HL_ENDED_BY_SERVER);
	hl_json_object(result);
	hl_json_object_end(result);
	return 0;
}

static int kick(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	const char *user = hl_argument(arguments, "user");
	struct hl_endpoint *endpoint;
	int64_t removed = 0;

	if (!user)
		return hl_error_set(error, -EINVAL, "which user? give the user part of its AOR");
	while ((endpoint = hl_endpoint_find(holdline->endpoints, hl_slice_of(user)))) {
		struct hl_list *first = endpoint->contacts.next;
		hl_contact_remove(holdline->endpoints,
				  hl_list_entry(first, struct hl_contact, node), "kicked");
		removed++;
	}
	if (!removed)
		return hl_error_set(error, -ENOENT, "%s is not registered", user);
	hl_json_object(result);
	hl_json_put_integer(result, "removed", removed);
	hl_json_object_end(result);
	return 0;
}

/* Answers as it begins: a list of mistakes may be longer than an error's text. */
static int reload(void *arg, const struct hl_arguments *arguments, struct hl_answer *answer,
		  struct hl_error *error)
{
	struct hl_text report, text;
	struct hl_json json;
	(void)arguments, (void)error;
	hl_text_init(&report);
	hl_text_init(&text);
	hl_json_init(&json, &text);
	if (hl_switch_reload(arg, "control", &report) < 0) {
		hl_answer_error(answer, hl_text_string(&report));
	} else {
		hl_json_object(&json);
		hl_warnings_json(&report, &json);
		hl_json_object_end(&json);
		hl_answer_result(answer, (struct hl_slice){text.data, text.length});
	}
	hl_text_fini(&report);
	hl_text_fini(&text);
	return 0;
}

static int gateways(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		    struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	(void)arguments, (void)error;
	hl_json_array(result);
	hl_trunks_json(holdline->trunks, result);
	hl_json_array_end(result);
	return 0;
}

static int plugins(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		   struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	(void)arguments, (void)error;
	hl_modules_json(holdline->modules, result);
	return 0;
}

enum { CDR_DEFAULT = 10, CDR_MOST = 1000 };

static void answer_records(void *arg, struct hl_slice json)
{
	hl_answer_result(arg, json);
}

static int cdr(void *arg, const struct hl_arguments *arguments, struct hl_answer *answer,
	       struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	const char *last = hl_argument(arguments, "last");
	uint64_t count = CDR_DEFAULT;
	if (last &&
	    (hl_slice_number(hl_slice_of(last), &count) < 0 || count < 1 || count > CDR_MOST))
		return hl_error_set(error, -EINVAL, "last %s: 1 to %d is allowed", last, CDR_MOST);
	return hl_store_last_cdrs(holdline->store, (unsigned)count, holdline->loop, answer_records,
				  answer);
}

int hl_commands_register_core(struct hl_switch *holdline)
{
	const struct hl_command rows[] = {
		{.name = "status", .summary = "version, uptime, listeners, counts", .run = status},
		{.name = "endpoints",
		 .summary = "registered contacts [of USER], with NAT facts",
		 .run = endpoints},
		{.name = "calls", .summary = "calls that are up", .run = calls},
		{.name = "call", .summary = "one call with both its legs", .run = call},
		{.name = "hangup", .summary = "end a call: BYE to both legs", .run = hangup},
		{.name = "kick", .summary = "remove a user's contacts", .run = kick},
		{.name = "reload",
		 .summary = "read the configuration again, all or nothing",
		 .begin = reload},
		{.name = "gateways",
		 .summary = "gateways: reachability, calls, registration",
		 .run = gateways},
		{.name = "plugins", .summary = "enabled plugins, in order", .run = plugins},
		{.name = "cdr", .summary = "the last records of calls", .begin = cdr},
	};
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		struct hl_command row = rows[i];
		row.arg = holdline;
		int result = hl_commands_add(holdline->modules, &row);
		if (result < 0)
			return result;
	}
	return hl_subscriber_command_register(holdline);
}
