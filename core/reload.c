/* Configuration, read as a whole and taken as a whole: at start, for --check, and on reload. */
#include "base/log.h"
#include "base/memory.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct hl_section *find_section(void *arg, const char *plugin, const char *plugin_dir,
					     struct hl_place place, struct hl_mistakes *mistakes)
{
	struct hl_modules *modules = arg;
	struct hl_module *module;
	struct hl_error error;
	struct hl_text path;

	if (hl_modules_load(modules, plugin_dir, plugin, &module, &error) == 0)
		return hl_module_section(module);
	hl_text_init(&path);
	hl_text_printf(&path, "plugins.%s", plugin);
	hl_mistake(mistakes, place, hl_text_string(&path), "%s", error.text);
	hl_text_fini(&path);
	return NULL;
}

/* The place of policy.script, for what its script says. */
static struct hl_place script_place(const struct hl_config *config)
{
	const struct hl_node *policy = config->root ? hl_node_get(config->root, "policy") : NULL;
	const struct hl_node *script = policy ? hl_node_get(policy, "script") : NULL;
	return script ? script->place : (struct hl_place){config->file, 1, 1};
}

/* The node of "policy.rules[2].media", or of what stands above it as far as there is anything. */
static const struct hl_node *find_node(const struct hl_node *root, struct hl_slice path)
{
	const struct hl_node *node = root, *child = root;
	while (path.length && child) {
		struct hl_slice rest = hl_slice_cut(&path, '.'), key = hl_slice_cut(&rest, '[');
		char name[64];
		uint64_t index = 0;
		snprintf(name, sizeof(name), "%.*s", HL_SLICE_ARGS(key));
		child = hl_node_get(node, name);
		node = child ? child : node;
		if (!child || hl_slice_number(hl_slice_cut(&rest, ']'), &index) || !index ||
		    node->type != HL_NODE_LIST)
			continue;
		for (child = node->first; child && --index; child = child->next)
			;
		node = child ? child : node;
	}
	return node;
}

/* A line that a selftest says of the configuration, "policy.rules[1].media: must be …", is told at
 * that place. */
static void tell_rule(const struct hl_config *config, struct hl_slice line,
		      struct hl_mistakes *mistakes)
{
	struct hl_slice text = line, unknown = HL_SLICE_LITERAL("unknown key ");
	struct hl_slice where = hl_slice_cut(&text, ':');
	const struct hl_node *node;
	struct hl_text path;
	bool is_key;
	text = hl_slice_trim(text);
	is_key = hl_slice_starts(text, unknown);
	hl_text_init(&path);
	hl_text_slice(&path, where);
	if (is_key)
		hl_text_printf(&path, ".%.*s", (int)(text.length - unknown.length),
			       text.data + unknown.length);
	if (is_key)
		text = HL_SLICE_LITERAL("unknown key");
	node = find_node(config->root, (struct hl_slice){path.data, path.length});
	hl_mistake(mistakes, is_key && node->key_place.file ? node->key_place : node->place,
		   hl_text_string(&path), "%.*s", HL_SLICE_ARGS(text));
	hl_text_fini(&path);
}

/* What is wrong with the script, or each line of what it finds wrong with the configuration. */
static void tell_script(const struct hl_config *config, struct hl_slice text,
			struct hl_mistakes *mistakes)
{
	struct hl_slice rest = text, about = HL_SLICE_LITERAL("policy.rules");
	bool rules = true;
	while (rest.length)
		rules &= hl_slice_starts(hl_slice_cut(&rest, '\n'), about);
	if (!rules)
		hl_mistake(mistakes, script_place(config), "policy.script", "%.*s",
			   HL_SLICE_ARGS(text));
	while (rules && text.length)
		tell_rule(config, hl_slice_cut(&text, '\n'), mistakes);
}

static struct hl_policy *build_policy(struct hl_modules *modules, struct hl_config *config,
				      struct hl_mistakes *mistakes)
{
	struct hl_policy_world world = {.configuration = config->root};
	struct hl_function_library *libraries;
	struct hl_error error = {""};
	struct hl_policy *policy = NULL;
	struct hl_text reason;
	if (!*config->policy.script)
		return NULL;
	hl_text_init(&reason);
	libraries = hl_script_libraries(modules, config, &world.library_count);
	world.libraries = libraries;
	policy = hl_policy_new(&config->policy, &world, &error);
	hl_free(libraries);
	if (!policy)
		hl_text_put(&reason, error.text);
	if (policy && hl_policy_selftest(policy, &reason) < 0) {
		hl_policy_free(policy);
		policy = NULL;
	}
	if (!policy)
		tell_script(config, (struct hl_slice){reason.data, reason.length}, mistakes);
	hl_text_fini(&reason);
	return policy;
}

/* The place of switch.tls.KEY, or of whatever stands above it. */
static struct hl_place tls_place(const struct hl_config *config, const char *key)
{
	const struct hl_node *tls = hl_node_get(hl_node_get(config->root, "switch"), "tls");
	const struct hl_node *node = hl_node_get(tls, key);
	return node ? node->place : tls ? tls->key_place : (struct hl_place){config->file, 1, 1};
}

static struct hl_tls *build_tls(const struct hl_config *config, struct hl_mistakes *mistakes)
{
	static const char *const keys[][2] = {
		[HL_TLS_CERTIFICATE] = {"certificate", "switch.tls.certificate"},
		[HL_TLS_KEY] = {"key", "switch.tls.key"},
		[HL_TLS_CA] = {"ca", "switch.tls.ca"},
	};
	const struct hl_switch_settings *settings = &config->settings;
	struct hl_tls_settings wanted = {
		{settings->tls_certificate, settings->tls_key, settings->tls_ca},
		(enum hl_tls_verify)settings->tls_verify};
	enum hl_tls_file blamed;
	struct hl_error error;
	struct hl_tls *tls = hl_tls_new(&wanted, &blamed, &error);
	if (!tls)
		hl_mistake(mistakes, tls_place(config, keys[blamed][0]), keys[blamed][1], "%s",
			   error.text);
	else if (hl_tls_dated(tls, &error))
		hl_mistake_warning(mistakes, tls_place(config, keys[HL_TLS_CERTIFICATE][0]),
				   keys[HL_TLS_CERTIFICATE][1], "%s: %s", settings->tls_certificate,
				   error.text);
	return tls;
}

void hl_plan_drop(struct hl_plan *plan)
{
	hl_policy_free(plan->policy);
	hl_tls_free(plan->tls);
	hl_config_unref(plan->config);
	hl_free(plan->warnings);
	*plan = (struct hl_plan){.config = NULL};
}

/* What is built from a configuration; on mistakes the plan is dropped. */
static int complete(struct hl_modules *modules, struct hl_plan *plan, struct hl_mistakes *mistakes,
		    struct hl_text *report)
{
	if (plan->config) {
		plan->policy = build_policy(modules, plan->config, mistakes);
		plan->tls = build_tls(plan->config, mistakes);
	}
	if (mistakes->errors)
		hl_plan_drop(plan);
	hl_mistakes_print(mistakes, report);
	hl_mistakes_fini(mistakes);
	if (plan->config)
		plan->warnings = hl_strdup(hl_text_string(report));
	return plan->config ? 0 : -EINVAL;
}

int hl_switch_read(struct hl_modules *modules, const struct hl_options *options,
		   struct hl_plan *plan, struct hl_text *report)
{
	struct hl_mistakes mistakes;
	hl_mistakes_init(&mistakes);
	*plan = (struct hl_plan){.config = hl_config_read(options->files, options->file_count,
							  find_section, modules, &mistakes)};
	return complete(modules, plan, &mistakes, report);
}

/* Where a parameter is set; what is not in a file is at its beginning. */
static struct hl_place place_of(const struct hl_config *config, const struct hl_node *node)
{
	return node && node->place.file ? node->place : (struct hl_place){config->file, 1, 1};
}

static void tell_restart(struct hl_text *report, struct hl_place place, const char *path)
{
	hl_text_printf(report, "%s:%u:%u: %s: cannot change while the switch runs; restart it\n",
		       place.file, place.line, place.column, path);
}

struct comparison {
	const struct hl_config *old, *new;
	struct hl_text *report;
	unsigned differences;
};

static bool same_value(const struct hl_parameter *row, const void *a, const void *b)
{
	struct hl_text texts[2];
	struct hl_json json;
	bool same;
	for (int i = 0; i < 2; i++) {
		hl_text_init(&texts[i]);
		hl_json_init(&json, &texts[i]);
		hl_parameter_json(row, i ? b : a, &json);
	}
	same = !strcmp(hl_text_string(&texts[0]), hl_text_string(&texts[1]));
	for (int i = 0; i < 2; i++)
		hl_text_fini(&texts[i]);
	return same;
}

static void compare(void *arg, const struct hl_config_parameter *new)
{
	struct comparison *comparison = arg;
	struct hl_config_parameter old;
	struct hl_text path;
	if (new->row->reloadable)
		return;
	hl_text_init(&path);
	hl_text_printf(&path, "%s.%s", new->section->name, new->row->key);
	if (hl_config_find(comparison->old, hl_slice_of(hl_text_string(&path)), &old) &&
	    !same_value(new->row, old.settings, new->settings)) {
		comparison->differences++;
		tell_restart(comparison->report,
			     place_of(comparison->new, new->node ? new->node : old.node),
			     hl_text_string(&path));
	}
	hl_text_fini(&path);
}

/* What a running switch cannot change: each of them is told, and the configuration refused before
 * anything is touched. */
static int refuse_restart_only(struct hl_switch *holdline, struct hl_config *config,
			       struct hl_text *report)
{
	struct comparison comparison = {holdline->config, config, report, 0};
	hl_config_each(config, compare, &comparison);
	if (hl_modules_differ(holdline->modules, config)) {
		comparison.differences++;
		tell_restart(report, place_of(config, hl_node_get(config->root, "plugins")),
			     "plugins (one was added or taken away)");
	}
	return comparison.differences ? -EINVAL : 0;
}

struct change {
	struct hl_switch *holdline;
	const struct hl_config *old, *new;
};

/* Whoever was taken out of the file is not an endpoint any more: it neither rings nor gets
 * heartbeats. Users that only the policy knows were never in it. */
static void drop_if_removed(void *arg, struct hl_contact *contact)
{
	struct change *change = arg;
	struct hl_slice user = hl_slice_of(hl_contact_user(contact));
	if (hl_config_account(change->old, user) && !hl_config_account(change->new, user))
		hl_contact_remove(change->holdline->endpoints, contact, "removed");
}

static void take(struct hl_switch *holdline, const struct hl_plan *plan)
{
	struct hl_config *config = plan->config;
	const struct hl_switch_settings *settings = &config->settings;
	struct hl_config *old = holdline->config;
	struct change change = {holdline, old, config};

	holdline->config = config;
	hl_free(holdline->warnings);
	holdline->warnings = plan->warnings;
	hl_subscribers_reload(holdline);
	hl_policy_inherit(plan->policy, holdline->policy);
	hl_policy_free(holdline->policy);
	holdline->policy = plan->policy;
	hl_transport_secure(holdline->transport, plan->tls);
	hl_log_setup((enum hl_log_level)settings->log_level,
		     (enum hl_log_format)settings->log_format);
	hl_switch_configure_transport(holdline, settings);
	hl_loop_gather(holdline->loop, (unsigned)settings->gather);
	hl_endpoints_set_realm(holdline->endpoints, settings->realm);
	hl_calls_set_config(holdline->calls, config);
	if (hl_trunks_set_config(holdline->trunks, config) < 0)
		hl_log(HL_LOG_ERROR, "gateway", "incomplete", hl_str("error", "out of memory"));
	hl_modules_reload(holdline->modules, config);
	hl_contacts_each(holdline->endpoints, drop_if_removed, &change);
	hl_config_unref(old);
	holdline->reloads++;
}

/* Takes a plan as a whole, or drops it with the reason in `report`. */
static int swap(struct hl_switch *holdline, struct hl_plan *plan, bool save, struct hl_text *report)
{
	const struct hl_config *old = holdline->config, *config = plan->config;
	const struct hl_strings *listen = &config->settings.listen;
	struct hl_error error;
	int result = refuse_restart_only(holdline, plan->config, report);

	if (!result) {
		result = hl_transport_relisten(holdline->transport, listen->items, listen->count,
					       &error);
		if (result < 0) {
			struct hl_place place = place_of(
				config, hl_node_get(hl_node_get(config->root, "switch"), "listen"));
			hl_text_printf(report, "%s:%u:%u: switch.listen: %s\n", place.file,
				       place.line, place.column, error.text);
		}
	}
	if (!result && save && (result = hl_config_save(config, &error))) {
		listen = &old->settings.listen;
		hl_text_printf(report, "%s\n", error.text);
		if (hl_transport_relisten(holdline->transport, listen->items, listen->count,
					  &error))
			hl_log(HL_LOG_ERROR, "switch", "roll-back-failed",
			       hl_str("error", error.text));
	}
	if (!result)
		take(holdline, plan);
	else
		hl_plan_drop(plan);
	return result;
}

static void log_report(const char *event, const struct hl_text *report)
{
	struct hl_slice rest = {report->data, report->length};
	while (rest.length) {
		struct hl_slice line = hl_slice_cut(&rest, '\n');
		if (line.length)
			hl_log(HL_LOG_WARN, "config", event, hl_sl("text", line));
	}
}

int hl_switch_reload(struct hl_switch *holdline, const char *by, struct hl_text *report)
{
	struct hl_plan plan;
	int result = hl_switch_read(holdline->modules, &holdline->options, &plan, report);
	if (!result)
		result = swap(holdline, &plan, false, report);
	log_report(result ? "mistake" : "warning", report);
	hl_log(result ? HL_LOG_ERROR : HL_LOG_INFO, "switch", result ? "reload-failed" : "reloaded",
	       hl_str("by", by));
	return result;
}

static bool has_line(const char *lines, struct hl_slice line)
{
	struct hl_slice rest = hl_slice_of(lines ? lines : "");
	while (rest.length)
		if (hl_slice_equal(hl_slice_cut(&rest, '\n'), line))
			return true;
	return false;
}

/* Who sets one parameter need not hear what was odd about the others before. */
static void keep_new(struct hl_text *report, const char *before)
{
	struct hl_slice rest = {report->data, report->length};
	struct hl_text kept;
	hl_text_init(&kept);
	while (rest.length) {
		struct hl_slice line = hl_slice_cut(&rest, '\n');
		if (!has_line(before, line))
			hl_text_printf(&kept, "%.*s\n", HL_SLICE_ARGS(line));
	}
	hl_text_fini(report);
	*report = kept;
}

void hl_warnings_json(const struct hl_text *report, struct hl_json *json)
{
	struct hl_slice rest = {report->data, report->length};
	if (!rest.length)
		return;
	hl_json_key(json, "warnings");
	hl_json_array(json);
	while (rest.length)
		hl_json_slice(json, hl_slice_cut(&rest, '\n'));
	hl_json_array_end(json);
}

int hl_switch_set(struct hl_switch *holdline, const char *name, const char *value, bool save,
		  struct hl_text *report)
{
	struct hl_mistakes mistakes;
	struct hl_plan plan;
	int result;

	hl_mistakes_init(&mistakes);
	plan = (struct hl_plan){.config = hl_config_with(holdline->config, name, hl_slice_of(value),
							 save, find_section, holdline->modules,
							 &mistakes)};
	result = complete(holdline->modules, &plan, &mistakes, report);
	if (!result) {
		keep_new(report, holdline->warnings);
		result = swap(holdline, &plan, save, report);
	}
	if (!result) {
		log_report("warning", report);
		hl_log(HL_LOG_INFO, "switch", "parameter-set", hl_str("name", name),
		       hl_str("value", value), hl_str("saved", save ? "yes" : "no"));
	}
	return result;
}
