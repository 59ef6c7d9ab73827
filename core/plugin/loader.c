/* Loading: from a name or a file to a module whose plugin has been looked over. The ABI number is
 * read first; nothing else of the struct can be trusted before it is right. */
#include "plugin/private.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct hl_modules *hl_modules_new(struct hl_switch *holdline)
{
	struct hl_modules *modules = hl_zalloc(sizeof *modules);

	if (!modules)
		return NULL;
	modules->holdline = holdline;
	hl_list_init(&modules->loaded);
	hl_list_init(&modules->metrics);
	if (!hl_commands_init(modules))
		return modules;
	hl_free(modules);
	return NULL;
}

static void module_free(struct hl_module *module)
{
	hl_list_remove(&module->node);
	hl_free(module->path);
	hl_free(module);
}

/* The shared objects stay mapped: others may still hold texts of theirs, and the process is
 * about to end anyway. */
void hl_modules_free(struct hl_modules *modules)
{
	struct hl_list *node, *next;

	if (!modules)
		return;
	hl_registry_drop(&modules->commands, NULL);
	hl_registry_drop(&modules->metrics, NULL);
	/* Its settings are freed by the rows of the modules. */
	if (modules->config)
		hl_config_unref(modules->config);
	hl_list_each(node, next, &modules->loaded)
		module_free(hl_list_entry(node, struct hl_module, node));
	hl_free(modules->enabled);
	hl_free(modules);
}

struct hl_module *hl_module_find(const struct hl_modules *modules, const char *name)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &modules->loaded)
	{
		struct hl_module *module = hl_list_entry(node, struct hl_module, node);

		if (!strcmp(module->plugin->name, name))
			return module;
	}
	return NULL;
}

/* A plugin's name is part of a path: letters, digits, - and _ only. */
static bool name_valid(const char *name)
{
	return *name && strlen(name) <= 64 &&
	       !name[strspn(name,
			    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")];
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The plugins of a directory, "a, b, c", for people whose plugin is not there. */
static void list_directory(const char *directory, struct hl_text *text)
{
	enum { SHOWN = 32 };
	const struct dirent *entry;
	char *names[SHOWN];
	size_t count = 0;
	DIR *handle = opendir(directory);

	while (handle && count < SHOWN && (entry = readdir(handle))) {
		size_t length = strlen(entry->d_name);

		if (length <= 3 || strcmp(entry->d_name + length - 3, ".so"))
			continue;
		names[count] = hl_slice_copy((struct hl_slice){entry->d_name, length - 3});
		count += names[count] != NULL;
	}
	if (handle)
		closedir(handle);
	qsort(names, count, sizeof *names, by_text);
	for (size_t i = 0; i < count; i++) {
		hl_text_printf(text, "%s%s", i ? ", " : "", names[i]);
		hl_free(names[i]);
	}
}

static int missing(const char *directory, const char *name, const char *path,
		   struct hl_error *error)
{
	struct hl_text there;

	hl_text_init(&there);
	list_directory(directory, &there);
	hl_error_set(error, -ENOENT, "plugin %s: there is no %s; %s%s", name, path,
		     there.length ? "the plugins there are "
				  : "no plugin is there: set switch.plugin_dir",
		     hl_text_string(&there));
	hl_text_fini(&there);
	return -ENOENT;
}

static int look_over(const struct hl_plugin *plugin, const char *name, const char *path,
		     struct hl_error *error)
{
	if (plugin->abi != HL_PLUGIN_ABI)
		return hl_error_set(error, -ELIBBAD,
				    "plugin %s: %s is built for plugin ABI %u, this switch has %u: "
				    "rebuild it against the headers of holdline " PACKAGE_VERSION,
				    name, path, plugin->abi, HL_PLUGIN_ABI);
	if (!plugin->name || !plugin->version || !plugin->summary)
		return hl_error_set(error, -ELIBBAD,
				    "plugin %s: %s leaves out .name, .version or .summary: "
				    "set all three in hl_plugin",
				    name, path);
	if (strcmp(plugin->name, name))
		return hl_error_set(
			error, -ELIBBAD,
			"plugin %s: %s calls itself %s: its file, its .name and its key "
			"under plugins must agree",
			name, path, plugin->name);
	return 0;
}

/* A default that its own row refuses would look like the operator's mistake later. */
static int check_parameters(const struct hl_plugin *plugin, struct hl_error *error)
{
	char *settings = hl_zalloc(plugin->settings_size + 1);
	struct hl_error why = {""};
	int rc = 0;

	if (!settings)
		return hl_error_set(error, -ENOMEM, "plugin %s: out of memory", plugin->name);
	for (const struct hl_parameter *row = plugin->parameters; !rc && row->key; row++) {
		if (row->offset >= plugin->settings_size)
			rc = hl_error_set(&why, -ELIBBAD, "lies outside .settings_size");
		else
			rc = hl_parameter_set(row, settings,
					      hl_slice_of(row->fallback ? row->fallback : ""),
					      &why);
		if (rc)
			hl_error_set(error, rc, "plugin %s: its parameter %s: %s: mend its row",
				     plugin->name, row->key, why.text);
	}
	hl_parameters_free(plugin->parameters, settings);
	hl_free(settings);
	return rc;
}

static int module_new(struct hl_modules *modules, const struct hl_plugin *plugin, const char *path,
		      struct hl_module **out)
{
	struct hl_module *module = hl_zalloc(sizeof *module);
	char *copy = hl_strdup(path);

	if (!module || !copy) {
		hl_free(module);
		hl_free(copy);
		return -ENOMEM;
	}
	module->modules = modules;
	module->plugin = plugin;
	module->path = copy;
	module->section = (struct hl_section){
		.name = plugin->name,
		.rows = plugin->parameters,
		.size = plugin->settings_size,
		.check = plugin->check,
		.review = plugin->review,
	};
	hl_list_append(&modules->loaded, &module->node);
	*out = module;
	return 0;
}

/* Opens the shared object at `path` (which holds a slash) as plugin `name`. */
static int open_file(struct hl_modules *modules, const char *path, const char *name,
		     struct hl_module **module, struct hl_error *error)
{
	const struct hl_plugin *plugin;
	void *library;
	int rc = hl_shared_object_check(path, name, error);

	if (rc)
		return rc;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		const char *why = dlerror();

		return hl_error_set(
			error, -ELIBACC, "plugin %s: %s%s", name, why,
			strstr(why, "undefined symbol")
				? ": this switch does not have that; rebuild the plugin "
				  "against the headers of holdline " PACKAGE_VERSION
				: ": install the plugin again, or take it out of `plugins`");
	}
	plugin = dlsym(library, "hl_plugin");
	if (!plugin) {
		rc = hl_error_set(
			error, -ELIBBAD,
			"plugin %s: %s has no symbol hl_plugin: it is no plugin of Holdline, "
			"or its `const struct hl_plugin hl_plugin` lacks HL_EXPORT",
			name, path);
		goto out;
	}
	rc = look_over(plugin, name, path, error);
	if (!rc && plugin->parameters)
		rc = check_parameters(plugin, error);
	if (rc)
		goto out;
	rc = module_new(modules, plugin, path, module);
	if (rc)
		hl_error_set(error, rc, "plugin %s: out of memory", name);
out:
	if (rc)
		dlclose(library);
	return rc;
}

int hl_modules_load(struct hl_modules *modules, const char *directory, const char *name,
		    struct hl_module **module, struct hl_error *error)
{
	struct hl_module *known = hl_module_find(modules, name);
	struct hl_text path;
	int rc;

	if (known) {
		*module = known;
		return 0;
	}
	if (!name_valid(name))
		return hl_error_set(error, -EINVAL,
				    "`%s` cannot be a plugin's name: letters, digits, - and _ only",
				    name);
	hl_text_init(&path);
	hl_text_printf(&path, "%s%s/%s.so", strchr(directory, '/') ? "" : "./", directory, name);
	if (path.failed)
		rc = hl_error_set(error, -ENOMEM, "plugin %s: out of memory", name);
	else if (access(path.data, F_OK) && errno == ENOENT)
		rc = missing(directory, name, path.data, error);
	else
		rc = open_file(modules, path.data, name, module, error);
	hl_text_fini(&path);
	return rc;
}

int hl_modules_load_file(struct hl_modules *modules, const char *path, struct hl_module **module,
			 struct hl_error *error)
{
	char *real = realpath(path, NULL);
	char *name = NULL;
	const char *base;
	size_t length;
	int rc;

	if (!real)
		return hl_error_set(error, -errno, "%s: %s", path, strerror(errno));
	base = strrchr(real, '/') + 1;
	length = strlen(base);
	if (length <= 3 || strcmp(base + length - 3, ".so")) {
		rc = hl_error_set(error, -EINVAL, "%s: a plugin's file is called NAME.so", path);
		goto out;
	}
	name = hl_slice_copy((struct hl_slice){base, length - 3});
	if (!name) {
		rc = hl_error_set(error, -ENOMEM, "%s: out of memory", path);
		goto out;
	}
	*module = hl_module_find(modules, name);
	rc = *module ? 0 : open_file(modules, real, name, module, error);
out:
	hl_free(name);
	free(real);
	return rc;
}

const struct hl_section *hl_module_section(struct hl_module *module)
{
	return &module->section;
}
