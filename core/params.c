/* What the switch can be asked without running: its parameters, and what a plugin says of itself.
 */
#include "run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 64 };

static int only_modules(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

/* Loads every plugin of the directory, in order of name, and adds its section. */
static size_t add_plugins(struct hl_modules *modules, const char *directory,
			  const struct hl_section **sections, size_t count, size_t most)
{
	struct dirent **entries;
	int found = scandir(directory, &entries, only_modules, alphasort);
	for (int i = 0; i < found; i++) {
		char name[256];
		struct hl_module *module;
		struct hl_error error;
		snprintf(name, sizeof(name), "%.*s", (int)strlen(entries[i]->d_name) - 3,
			 entries[i]->d_name);
		if (hl_modules_load(modules, directory, name, &module, &error) < 0)
			fprintf(stderr, "holdline: %s\n", error.text);
		else if (count < most)
			sections[count++] = hl_module_section(module);
		free(entries[i]);
	}
	if (found <= 0)
		fprintf(stderr,
			"holdline: there are no plugins in %s, their parameters are left "
			"out; $HOLDLINE_PLUGIN_DIR names another directory\n",
			directory);
	if (found >= 0)
		free(entries);
	return count;
}

size_t hl_params_sections(struct hl_modules *modules, const struct hl_section **sections,
			  size_t most)
{
	size_t count = 0;

	for (const struct hl_section *core = hl_config_core_sections; core->name; core++)
		sections[count++] = core;
	return add_plugins(modules, hl_config_plugin_dir(), sections, count, most);
}

int hl_switch_params(bool json)
{
	const struct hl_section *sections[SECTIONS_MAX];
	struct hl_modules *modules = hl_modules_new(NULL);
	struct hl_text out;
	size_t count;

	if (!modules)
		return HL_EXIT_FAILED;
	count = hl_params_sections(modules, sections, SECTIONS_MAX);
	hl_text_init(&out);
	hl_config_print_params(sections, count, json, &out);
	fputs(hl_text_string(&out), stdout);
	hl_text_fini(&out);
	hl_modules_free(modules);
	return HL_EXIT_OK;
}

static void print_names(const char *label, const char *const *names)
{
	if (!names || !*names)
		return;
	printf("%-9s", label);
	for (; *names; names++)
		printf(" %s", *names);
	putchar('\n');
}

int hl_switch_plugin_info(const char *path)
{
	struct hl_modules *modules = hl_modules_new(NULL);
	struct hl_module *module;
	struct hl_error error;

	if (!modules)
		return HL_EXIT_FAILED;
	if (hl_modules_load_file(modules, path, &module, &error) < 0) {
		fprintf(stderr, "holdline: %s\n", error.text);
		hl_modules_free(modules);
		return HL_EXIT_CONFIGURATION;
	}
	const struct hl_plugin *plugin = hl_module_plugin(module);
	printf("name      %s\nversion   %s\nabi       %u\nsummary   %s\n", plugin->name,
	       plugin->version, plugin->abi, plugin->summary);
	print_names("needs", plugin->needs);
	print_names("after", plugin->after);
	const struct hl_section *section = hl_module_section(module);
	struct hl_text rows;
	hl_text_init(&rows);
	if (plugin->parameters)
		hl_config_print_params(&section, 1, false, &rows);
	printf("\n%s", hl_text_string(&rows));
	hl_text_fini(&rows);
	hl_modules_free(modules);
	return HL_EXIT_OK;
}
