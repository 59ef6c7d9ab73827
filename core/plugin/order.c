/* The order plugins are asked in: each behind those it needs or comes after, and where that leaves
 * a choice, by name. The order of the file means nothing. */
#include "plugin/private.h"

#include "base/text.h"

#include <errno.h>

static bool named(const struct hl_config *config, const char *name)
{
	for (size_t i = 0; i < config->plugin_count; i++)
		if (!strcmp(config->plugins[i].section->name, name))
			return true;
	return false;
}

static int check_needs(const struct hl_module *module, const struct hl_config *config,
		       struct hl_error *error)
{
	const char *const *need = module->plugin->needs;

	for (; need && *need; need++)
		if (!named(config, *need))
			return hl_error_set(error, -EINVAL,
					    "plugin %s needs %s: add `%s: {}` under plugins",
					    module->plugin->name, *need, *need);
	return 0;
}

/* The first module of the list that is chosen (not marked, thus not placed) and waited for. */
static struct hl_module *first_unplaced(const struct hl_modules *modules,
					const struct hl_config *config, const char *const *names)
{
	for (; names && *names; names++) {
		struct hl_module *other = hl_module_find(modules, *names);

		if (other && !other->mark && named(config, *names))
			return other;
	}
	return NULL;
}

/* What `module` still waits for; NULL: its turn has come. */
static struct hl_module *waits_for(const struct hl_modules *modules, const struct hl_config *config,
				   const struct hl_module *module)
{
	struct hl_module *other = first_unplaced(modules, config, module->plugin->needs);

	return other ? other : first_unplaced(modules, config, module->plugin->after);
}

/* Every module left waits for another one, so following them comes back to where it has been. */
static int circle(const struct hl_modules *modules, const struct hl_config *config,
		  struct hl_module *from, struct hl_error *error)
{
	struct hl_module *module = from;
	struct hl_text path;
	int rc;

	for (size_t i = 0; i < config->plugin_count; i++)
		module = waits_for(modules, config, module);
	from = module;
	hl_text_init(&path);
	do {
		hl_text_printf(&path, "%s -> ", module->plugin->name);
		module = waits_for(modules, config, module);
	} while (module != from);
	rc = hl_error_set(error, -EINVAL,
			  "plugins wait for each other in a circle (%s%s): "
			  "take one of them out from under plugins",
			  hl_text_string(&path), from->plugin->name);
	hl_text_fini(&path);
	return rc;
}

/* The first by name of those whose turn has come; NULL, with one that waits, when there is none. */
static struct hl_module *next_in_turn(const struct hl_modules *modules,
				      const struct hl_config *config, struct hl_module **waiting)
{
	struct hl_module *best = NULL;

	for (size_t i = 0; i < config->plugin_count; i++) {
		struct hl_module *module =
			hl_module_find(modules, config->plugins[i].section->name);

		if (module->mark)
			continue;
		if (waits_for(modules, config, module))
			*waiting = module;
		else if (!best || strcmp(module->plugin->name, best->plugin->name) < 0)
			best = module;
	}
	return best;
}

int hl_modules_order(struct hl_modules *modules, const struct hl_config *config,
		     struct hl_module **order, struct hl_error *error)
{
	for (size_t i = 0; i < config->plugin_count; i++) {
		const char *name = config->plugins[i].section->name;
		struct hl_module *module = hl_module_find(modules, name);
		int rc = module ? check_needs(module, config, error)
				: hl_error_set(error, -EINVAL, "plugin %s is not loaded", name);

		if (rc)
			return rc;
		module->mark = false;
	}
	for (size_t placed = 0; placed < config->plugin_count; placed++) {
		struct hl_module *waiting = NULL;
		struct hl_module *module = next_in_turn(modules, config, &waiting);

		if (!module)
			return circle(modules, config, waiting, error);
		module->mark = true;
		order[placed] = module;
	}
	return 0;
}
