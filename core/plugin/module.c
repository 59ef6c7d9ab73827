/* A module's life: enabled with settings and space, init, start, reload, stop, fini. What began is
 * undone in the reverse order when a later one fails. */
#include "plugin/private.h"

#include "base/memory.h"

#include <errno.h>
#include <stddef.h>

static const struct hl_plugin_config *settings_of(const struct hl_config *config,
						  const struct hl_module *module)
{
	for (size_t i = 0; i < config->plugin_count; i++)
		if (!strcmp(config->plugins[i].section->name, module->plugin->name))
			return &config->plugins[i];
	return NULL;
}

static void take_config(struct hl_modules *modules, struct hl_config *config)
{
	struct hl_config *old = modules->config;

	modules->config = hl_config_ref(config);
	for (size_t i = 0; i < modules->count; i++)
		modules->enabled[i]->settings = settings_of(config, modules->enabled[i])->settings;
	if (old)
		hl_config_unref(old);
}

/* Room for `size` bytes at the end of `*total`, where any C type may begin. */
static size_t reserve(size_t *total, size_t size)
{
	size_t offset = *total;

	*total += (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	return offset;
}

static void lay_out_spaces(struct hl_modules *modules)
{
	modules->contact_space = modules->call_space = modules->leg_space = 0;
	for (size_t i = 0; i < modules->count; i++) {
		struct hl_module *module = modules->enabled[i];
		const struct hl_plugin *plugin = module->plugin;

		module->contact_offset = reserve(&modules->contact_space, plugin->contact_space);
		module->call_offset = reserve(&modules->call_space, plugin->call_space);
		module->leg_offset = reserve(&modules->leg_space, plugin->leg_space);
	}
}

int hl_modules_enable(struct hl_modules *modules, struct hl_config *config, struct hl_error *error)
{
	struct hl_module **order =
		hl_zalloc((config->plugin_count + 1) * sizeof(struct hl_module *));
	int rc;

	if (!order)
		return hl_error_set(error, -ENOMEM, "plugins: out of memory");
	rc = hl_modules_order(modules, config, order, error);
	if (rc) {
		hl_free(order);
		return rc;
	}
	hl_free(modules->enabled);
	modules->enabled = order;
	modules->count = config->plugin_count;
	lay_out_spaces(modules);
	take_config(modules, config);
	return 0;
}

static void module_stop(struct hl_module *module)
{
	if (module->phase != HL_MODULE_STARTED)
		return;
	module->phase = HL_MODULE_INITED;
	if (module->plugin->stop)
		module->plugin->stop(module);
}

static void module_fini(struct hl_module *module)
{
	if (module->phase != HL_MODULE_INITED)
		return;
	module->phase = HL_MODULE_LOADED;
	hl_registry_drop(&module->modules->commands, module);
	hl_registry_drop(&module->modules->metrics, module);
	if (module->plugin->fini)
		module->plugin->fini(module);
	module->state = NULL;
}

/* Puts the plugin's name before what it said, and says something where it said nothing. */
static int failed(const struct hl_module *module, const char *what, int code,
		  const struct hl_error *said, struct hl_error *error)
{
	return hl_error_set(error, code < 0 ? code : -EINVAL, "plugin %s: %s failed: %s",
			    module->plugin->name, what,
			    said->text[0] ? said->text
			    : code < 0	  ? strerror(-code)
					  : "its answer is neither 0 nor a negative errno");
}

static int module_init(struct hl_module *module, struct hl_error *error)
{
	struct hl_modules *modules = module->modules;
	struct hl_error said = {""};
	int rc = 0;

	modules->beginning = module;
	if (module->plugin->init)
		rc = module->plugin->init(module, &said);
	modules->beginning = NULL;
	if (!rc) {
		module->phase = HL_MODULE_INITED;
		return 0;
	}
	hl_registry_drop(&modules->commands, module);
	hl_registry_drop(&modules->metrics, module);
	module->state = NULL;
	return failed(module, "init", rc, &said, error);
}

static int module_start(struct hl_module *module, struct hl_error *error)
{
	struct hl_error said = {""};
	int rc = module->plugin->start ? module->plugin->start(module, &said) : 0;

	if (rc)
		return failed(module, "start", rc, &said, error);
	module->phase = HL_MODULE_STARTED;
	return 0;
}

int hl_modules_init(struct hl_modules *modules, struct hl_error *error)
{
	for (size_t i = 0; i < modules->count; i++) {
		int rc = module_init(modules->enabled[i], error);

		if (rc) {
			hl_modules_fini(modules);
			return rc;
		}
	}
	return 0;
}

int hl_modules_start(struct hl_modules *modules, struct hl_error *error)
{
	for (size_t i = 0; i < modules->count; i++) {
		int rc = module_start(modules->enabled[i], error);

		if (rc) {
			hl_modules_stop(modules);
			return rc;
		}
	}
	return 0;
}

void hl_modules_stop(struct hl_modules *modules)
{
	for (size_t i = modules->count; i > 0; i--)
		module_stop(modules->enabled[i - 1]);
}

void hl_modules_fini(struct hl_modules *modules)
{
	for (size_t i = modules->count; i > 0; i--)
		module_fini(modules->enabled[i - 1]);
}

bool hl_modules_differ(const struct hl_modules *modules, const struct hl_config *config)
{
	if (modules->count != config->plugin_count)
		return true;
	for (size_t i = 0; i < modules->count; i++)
		if (!settings_of(config, modules->enabled[i]))
			return true;
	return false;
}

void hl_modules_reload(struct hl_modules *modules, struct hl_config *config)
{
	take_config(modules, config);
	for (size_t i = 0; i < modules->count; i++) {
		struct hl_module *module = modules->enabled[i];

		if (module->phase != HL_MODULE_LOADED && module->plugin->stages.reload)
			module->plugin->stages.reload(module);
	}
}

size_t hl_modules_contact_space(const struct hl_modules *modules)
{
	return modules->contact_space;
}

size_t hl_modules_call_space(const struct hl_modules *modules)
{
	return modules->call_space;
}

size_t hl_modules_leg_space(const struct hl_modules *modules)
{
	return modules->leg_space;
}

void hl_modules_json(const struct hl_modules *modules, struct hl_json *json)
{
	hl_json_array(json);
	for (size_t i = 0; i < modules->count; i++) {
		const struct hl_plugin *plugin = modules->enabled[i]->plugin;

		hl_json_object(json);
		hl_json_put_string(json, "name", plugin->name);
		hl_json_put_string(json, "version", plugin->version);
		hl_json_put_string(json, "summary", plugin->summary);
		hl_json_object_end(json);
	}
	hl_json_array_end(json);
}

void hl_modules_each(struct hl_modules *modules, void (*visit)(void *arg, struct hl_module *module),
		     void *arg)
{
	for (size_t i = 0; i < modules->count; i++)
		visit(arg, modules->enabled[i]);
}

static int call_function(struct hl_module *self, const struct hl_function *function,
			 const struct hl_script_value *arguments, size_t count,
			 struct hl_script_value *result, struct hl_error *error)
{
	*result = (struct hl_script_value){.type = HL_SCRIPT_NIL};
	if (self->phase == HL_MODULE_LOADED)
		return 0;
	return function->call(self, arguments, count, result, error);
}

struct hl_function_library *hl_modules_functions(const struct hl_modules *modules,
						 const struct hl_config *config, size_t *count)
{
	struct hl_function_library *libraries =
		hl_zalloc((config->plugin_count + 1) * sizeof(*libraries));

	*count = 0;
	for (size_t i = 0; libraries && i < config->plugin_count; i++) {
		const char *name = config->plugins[i].section->name;
		struct hl_module *module = hl_module_find(modules, name);

		if (module && module->plugin->functions)
			libraries[(*count)++] = (struct hl_function_library){
				name, module->plugin->functions, call_function, module};
	}
	return libraries;
}

struct hl_switch *hl_module_switch(const struct hl_module *module)
{
	return module->modules->holdline;
}

const struct hl_plugin *hl_module_plugin(const struct hl_module *module)
{
	return module->plugin;
}

const void *hl_module_settings(const struct hl_module *module)
{
	return module->settings;
}

void hl_module_set_state(struct hl_module *module, void *state)
{
	module->state = state;
}

void *hl_module_state(const struct hl_module *module)
{
	return module->state;
}
