/* Reading a configuration: files into a tree, the tree into settings, checks last. */
#include "config/config.h"

#include "base/memory.h"
#include "config/arena.h"
#include "config/nearest.h"
#include "config/sections.h"
#include "config/source.h"
#include "config/vos3000.h"

#include <errno.h>

const struct hl_section hl_config_core_sections[] = {
	{.name = "switch",
	 .rows = hl_switch_rows,
	 .size = sizeof(struct hl_switch_settings),
	 .check = hl_switch_rows_check},
	{.name = "policy", .rows = hl_policy_rows, .size = sizeof(struct hl_policy_settings)},
	{.name = NULL}};
enum { SECTION_SWITCH, SECTION_POLICY, CORE_SECTIONS };

/* A plugin without parameters has no rows at all. */
static const struct hl_parameter no_rows[] = {HL_PARAMETERS_END};

static const struct hl_parameter *rows_of(const struct hl_section *section)
{
	return section->rows ? section->rows : no_rows;
}

static void check_root(struct hl_reader *reader, const struct hl_node *root)
{
	static const char *const names[] = {"include",	 "switch",   "plugins", "policy",
					    "endpoints", "gateways", "vos3000"};

	for (const struct hl_node *node = root->first; node; node = node->next) {
		char hint[HL_NEAREST_TEXT];
		struct hl_nearest nearest;
		bool known = false;

		hl_nearest_init(&nearest, hl_slice_of(node->key));
		for (size_t i = 0; i < HL_COUNT(names); i++) {
			known |= !strcmp(names[i], node->key);
			hl_nearest_offer(&nearest, hl_slice_of(names[i]));
		}
		if (!known)
			hl_reader_error(reader, node->key_place, node->key, "unknown section%s",
					hl_nearest_text(&nearest, hint));
	}
}

/* What the switch reads is looked for beside the file that names it. */
static void relative_to_file(struct hl_reader *reader, const struct hl_node *named, char **path)
{
	char *beside;

	if (!named || !**path || **path == '/')
		return;
	beside = hl_source_beside(hl_reader_file(reader, named), *path);
	if (!beside) {
		reader->no_memory = true;
		return;
	}
	hl_free(*path);
	*path = beside;
}

static void read_switch(struct hl_reader *reader, struct hl_config *config)
{
	const struct hl_node *map = hl_node_get(config->root, "switch");
	struct hl_switch_settings *settings = &config->settings;
	const struct hl_node *plugin_dir = hl_node_get(map, "plugin_dir");
	const struct hl_node *tls = hl_node_get(map, "tls");
	size_t mark = hl_reader_down(reader, "switch");
	char *built_in;

	hl_reader_map(reader, hl_switch_rows, settings, map, hl_switch_others);
	hl_networks_read(reader, config, hl_node_get(map, "networks"));
	relative_to_file(reader, plugin_dir, &settings->plugin_dir);
	relative_to_file(reader, hl_node_get(tls, "certificate"), &settings->tls_certificate);
	relative_to_file(reader, hl_node_get(tls, "key"), &settings->tls_key);
	relative_to_file(reader, hl_node_get(tls, "ca"), &settings->tls_ca);
	if (!plugin_dir) {
		built_in = hl_strdup(hl_config_plugin_dir());
		reader->no_memory |= !built_in;
		hl_free(settings->plugin_dir);
		settings->plugin_dir = built_in;
	}
	hl_reader_up(reader, mark);
}

static void read_policy(struct hl_reader *reader, struct hl_config *config)
{
	const struct hl_node *map = hl_node_get(config->root, "policy");
	size_t mark = hl_reader_down(reader, "policy");

	hl_reader_map(reader, hl_policy_rows, &config->policy, map, hl_policy_others);
	hl_policy_find_script(reader, &config->policy, map);
	hl_rules_check(reader, &config->policy, map);
	hl_reader_up(reader, mark);
}

static void read_plugin(struct hl_reader *reader, struct hl_config *config,
			const struct hl_section *section, const struct hl_node *node)
{
	struct hl_plugin_config *plugin = &config->plugins[config->plugin_count];

	plugin->settings = hl_zalloc(section->size ? section->size : 1);
	if (!plugin->settings) {
		reader->no_memory = true;
		return;
	}
	plugin->section = section;
	plugin->map = node;
	config->plugin_count++;
	if (hl_parameters_default(rows_of(section), plugin->settings)) {
		reader->no_memory = true;
		return;
	}
	hl_reader_map(reader, rows_of(section), plugin->settings, node, NULL);
}

static void read_plugins(struct hl_reader *reader, struct hl_config *config,
			 hl_config_find_section *find, void *arg)
{
	const struct hl_node *map = hl_node_get(config->root, "plugins");
	size_t mark = hl_reader_down(reader, "plugins");

	if (!hl_reader_is_map(reader, map) || !map || !map->first)
		goto out;
	config->plugins = hl_zalloc(map->count * sizeof(*config->plugins));
	reader->no_memory |= !config->plugins;
	for (const struct hl_node *node = map->first; node && !reader->no_memory;
	     node = node->next) {
		size_t inner = hl_reader_down(reader, node->key);
		const struct hl_section *section =
			find ? find(arg, node->key, config->settings.plugin_dir, node->key_place,
				    reader->mistakes)
			     : NULL;

		if (section)
			read_plugin(reader, config, section, node);
		hl_reader_up(reader, inner);
	}
out:
	hl_reader_up(reader, mark);
}

/* The core's sections and the plugins': where VOS3000 names are looked up, and what is checked. */
static struct hl_vos3000_target *all_sections(struct hl_config *config, size_t *count)
{
	struct hl_vos3000_target *all =
		hl_zalloc((CORE_SECTIONS + config->plugin_count) * sizeof(*all));

	if (!all)
		return NULL;
	all[SECTION_SWITCH] =
		(struct hl_vos3000_target){&hl_config_core_sections[SECTION_SWITCH],
					   &config->settings, hl_node_get(config->root, "switch")};
	all[SECTION_POLICY] =
		(struct hl_vos3000_target){&hl_config_core_sections[SECTION_POLICY],
					   &config->policy, hl_node_get(config->root, "policy")};
	*count = CORE_SECTIONS;
	for (size_t i = 0; i < config->plugin_count; i++)
		all[(*count)++] = (struct hl_vos3000_target){config->plugins[i].section,
							     config->plugins[i].settings,
							     config->plugins[i].map};
	return all;
}

/* What only shows when all sections are read: one plugin's figures against another's. */
static void review(const struct hl_config *config, struct hl_mistakes *mistakes)
{
	for (size_t i = 0; i < config->plugin_count; i++) {
		const struct hl_plugin_config *plugin = &config->plugins[i];

		if (plugin->section->review)
			plugin->section->review(config, plugin->settings, plugin->map, mistakes);
	}
}

static void read_vos3000(struct hl_reader *reader, struct hl_config *config,
			 hl_config_find_section *find, void *arg)
{
	const struct hl_vos3000_others others = {find, arg, config->settings.plugin_dir};
	struct hl_vos3000_target *all;
	size_t count;

	all = all_sections(config, &count);
	if (!all) {
		reader->no_memory = true;
		return;
	}
	hl_vos3000_read(reader, hl_node_get(config->root, "vos3000"), all, count, &others);
	for (size_t i = 0; i < count && !reader->no_memory; i++)
		if (all[i].section->check)
			all[i].section->check(all[i].settings, all[i].map, reader->mistakes);
	hl_free(all);
}

/* All sections; every mistake there is in one pass. */
static int read_tree(struct hl_config *config, hl_config_find_section *find, void *arg,
		     struct hl_mistakes *mistakes)
{
	struct hl_reader reader = {.mistakes = mistakes, .file = config->file};

	hl_text_init(&reader.path);
	if (hl_parameters_default(hl_switch_rows, &config->settings) ||
	    hl_parameters_default(hl_policy_rows, &config->policy)) {
		reader.no_memory = true;
		goto out;
	}
	check_root(&reader, config->root);
	read_switch(&reader, config);
	read_policy(&reader, config);
	read_plugins(&reader, config, find, arg);
	if (!reader.no_memory)
		read_vos3000(&reader, config, find, arg);
	hl_accounts_read(&reader, config, hl_node_get(config->root, "endpoints"));
	hl_gateways_read(&reader, config, hl_node_get(config->root, "gateways"));
	if (!reader.no_memory)
		review(config, mistakes);
out:
	hl_text_fini(&reader.path);
	return reader.no_memory ? -ENOMEM : 0;
}

static void config_free(struct hl_config *config)
{
	hl_parameters_free(hl_switch_rows, &config->settings);
	hl_parameters_free(hl_policy_rows, &config->policy);
	hl_networks_free(config);
	hl_accounts_free(config);
	hl_gateways_free(config);
	for (size_t i = 0; i < config->plugin_count; i++) {
		hl_parameters_free(rows_of(config->plugins[i].section),
				   config->plugins[i].settings);
		hl_free(config->plugins[i].settings);
	}
	hl_free(config->plugins);
	hl_free(config->file);
	hl_config_arena_unref(config->arena);
	hl_config_arena_unref(config->files_arena);
	hl_free(config);
}

/* `files_arena`: whose nodes it builds upon; NULL: none. */
static struct hl_config *config_new(const char *file, struct hl_config_arena *files_arena)
{
	struct hl_config *config = hl_zalloc(sizeof(*config));

	if (!config)
		return NULL;
	if (hl_hash_init(&config->accounts)) {
		hl_free(config);
		return NULL;
	}
	config->references = 1;
	hl_list_init(&config->gateways);
	config->files_arena = files_arena ? hl_config_arena_ref(files_arena) : NULL;
	config->arena = hl_config_arena_new();
	config->file = hl_strdup(file);
	if (config->arena && config->file)
		return config;
	config_free(config);
	return NULL;
}

struct hl_config *hl_config_read(const char *const *files, size_t count,
				 hl_config_find_section *find, void *arg,
				 struct hl_mistakes *mistakes)
{
	const char *first = count ? files[0] : "";
	struct hl_config *config = config_new(first, NULL);
	int error = -ENOMEM;

	if (config)
		error = hl_source_read(config->arena, files, count, mistakes, &config->root);
	if (!error)
		error = hl_saved_read(config, mistakes);
	if (config)
		config->files = config->root;
	if (!error || error == -EINVAL) {
		int bad = read_tree(config, find, arg, mistakes);

		error = bad ? bad : error;
	}
	if (error == -ENOMEM)
		hl_mistake(mistakes, (struct hl_place){first, 1, 1}, "", "out of memory");
	if (config && (error == -ENOMEM || !config->root)) {
		config_free(config);
		return NULL;
	}
	return config;
}

struct hl_config *hl_config_with(const struct hl_config *before, const char *name,
				 struct hl_slice value, bool save, hl_config_find_section *find,
				 void *arg, struct hl_mistakes *mistakes)
{
	struct hl_config *config = config_new(
		before->file, before->files_arena ? before->files_arena : before->arena);
	int error = -ENOMEM;

	if (config)
		error = hl_saved_set(config, before, name, value, save, mistakes);
	if (!error)
		error = read_tree(config, find, arg, mistakes);
	if (error == -ENOMEM)
		hl_mistake(mistakes, (struct hl_place){0}, name, "out of memory");
	if (config && (error || mistakes->errors)) {
		config_free(config);
		return NULL;
	}
	return config;
}

struct hl_config *hl_config_ref(struct hl_config *config)
{
	config->references++;
	return config;
}

void hl_config_unref(struct hl_config *config)
{
	if (config && !--config->references)
		config_free(config);
}
