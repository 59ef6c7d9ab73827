/* Configuration, read as a whole and taken as a whole: at start, for --check, and on reload. */
#include "base/log.h"
#include "base/memory.h"
#include "run.h"

#include <errno.h>
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

static struct hl_policy *build_policy(struct hl_modules *modules, struct hl_config *config,
				      struct hl_mistakes *mistakes)
{
	struct hl_policy_world world = {.configuration = config->root};
	struct hl_function_library *libraries;
	struct hl_error error = {""};
	struct hl_policy *policy = NULL;
	if (!*config->policy.script)
		return NULL;
	libraries = hl_modules_functions(modules, config, &world.library_count);
	world.libraries = libraries;
	policy = hl_policy_new(&config->policy, &world, &error);
	hl_free(libraries);
	if (policy && hl_policy_selftest(policy, &error) < 0) {
		hl_policy_free(policy);
		policy = NULL;
	}
	if (!policy)
		hl_mistake(mistakes, script_place(config), "policy.script", "%s", error.text);
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
	*plan = (struct hl_plan){.config = NULL};
}

int hl_switch_read(struct hl_modules *modules, const struct hl_options *options,
		   struct hl_plan *plan, struct hl_text *report)
{
	struct hl_mistakes mistakes;
	hl_mistakes_init(&mistakes);
	*plan = (struct hl_plan){.config = hl_config_read(options->files, options->file_count,
							  find_section, modules, &mistakes)};
	if (plan->config) {
		plan->policy = build_policy(modules, plan->config, &mistakes);
		plan->tls = build_tls(plan->config, &mistakes);
	}
	if (mistakes.errors)
		hl_plan_drop(plan);
	hl_mistakes_print(&mistakes, report);
	hl_mistakes_fini(&mistakes);
	return plan->config ? 0 : -EINVAL;
}

/* What a running switch cannot change: told, and refused, before anything is touched. */
static int refuse_restart_only(struct hl_switch *holdline, struct hl_config *config,
			       struct hl_text *report)
{
	const struct hl_switch_settings *old = &holdline->config->settings;
	const struct hl_switch_settings *new = &config->settings;
	const char *what = NULL;
	if (strcmp(old->state_dir, new->state_dir) != 0)
		what = "switch.state_dir";
	else if (strcmp(old->control, new->control) != 0)
		what = "switch.control";
	else if (hl_modules_differ(holdline->modules, config))
		what = "plugins (one was added or taken away)";
	if (!what)
		return 0;
	hl_text_printf(report, "%s:1:1: %s: cannot change while the switch runs; restart it\n",
		       config->file, what);
	return -EINVAL;
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
	struct hl_address advertise = {0};
	struct hl_config *old = holdline->config;
	struct change change = {holdline, old, config};

	holdline->config = config;
	hl_policy_inherit(plan->policy, holdline->policy);
	hl_policy_free(holdline->policy);
	holdline->policy = plan->policy;
	hl_transport_secure(holdline->transport, plan->tls);
	hl_log_setup((enum hl_log_level)settings->log_level,
		     (enum hl_log_format)settings->log_format);
	hl_address_parse(hl_slice_of(settings->advertise), &advertise);
	hl_transport_advertise(holdline->transport, &advertise);
	hl_endpoints_set_realm(holdline->endpoints, settings->realm);
	hl_calls_set_config(holdline->calls, config);
	hl_modules_reload(holdline->modules, config);
	hl_contacts_each(holdline->endpoints, drop_if_removed, &change);
	hl_config_unref(old);
	holdline->reloads++;
}

int hl_switch_reload(struct hl_switch *holdline, struct hl_text *report)
{
	struct hl_plan plan;
	struct hl_error error;

	int result = hl_switch_read(holdline->modules, &holdline->options, &plan, report);
	if (!result)
		result = refuse_restart_only(holdline, plan.config, report);
	if (!result) {
		const struct hl_strings *listen = &plan.config->settings.listen;
		result = hl_transport_relisten(holdline->transport, listen->items, listen->count,
					       &error);
		if (result < 0)
			hl_text_printf(report, "%s:1:1: switch.listen: %s\n", plan.config->file,
				       error.text);
	}
	if (!result)
		take(holdline, &plan);
	else
		hl_plan_drop(&plan);
	return result;
}
