/* Parameters of a configuration by name, whichever section they are in. */
#include "config/sections.h"
#include "config/vos3000.h"

enum { CORE_SECTIONS = 2 };

/* Section `index` of all; false behind the last. */
static bool section_at(const struct hl_config *config, size_t index,
		       struct hl_config_parameter *found, const struct hl_node **map)
{
	if (index < CORE_SECTIONS) {
		found->section = &hl_config_core_sections[index];
		found->settings = index ? (const void *)&config->policy : &config->settings;
		*map = hl_node_get(config->root, found->section->name);
		return true;
	}
	index -= CORE_SECTIONS;
	if (index >= config->plugin_count)
		return false;
	found->section = config->plugins[index].section;
	found->settings = config->plugins[index].settings;
	*map = config->plugins[index].map;
	return true;
}

/* Who sets a row: its own key, else its VOS3000 name. */
static const struct hl_node *node_of(const struct hl_config *config, const struct hl_node *map,
				     const struct hl_parameter *row)
{
	const struct hl_node *node = hl_reader_member(map, row->key), *vos3000;

	if (node || !row->vos3000)
		return node;
	vos3000 = hl_node_get(config->root, "vos3000");
	for (node = vos3000 ? vos3000->first : NULL; node; node = node->next)
		if (hl_vos3000_names(row, hl_slice_of(node->key)))
			return node;
	return NULL;
}

/* Whether `name` is SECTION.KEY, or the row's VOS3000 name. */
static bool is_called(const struct hl_section *section, const struct hl_parameter *row,
		      struct hl_slice name)
{
	size_t length = strlen(section->name);

	if (hl_vos3000_names(row, name))
		return true;
	if (name.length <= length + 1 || memcmp(name.data, section->name, length) ||
	    name.data[length] != '.')
		return false;
	return hl_slice_equal((struct hl_slice){name.data + length + 1, name.length - length - 1},
			      hl_slice_of(row->key));
}

bool hl_config_find(const struct hl_config *config, struct hl_slice name,
		    struct hl_config_parameter *found)
{
	struct hl_config_parameter parameter;
	const struct hl_node *map;

	for (size_t i = 0; section_at(config, i, &parameter, &map); i++)
		for (const struct hl_parameter *row = parameter.section->rows; row && row->key;
		     row++) {
			if (!is_called(parameter.section, row, name))
				continue;
			parameter.row = row;
			parameter.node = node_of(config, map, row);
			*found = parameter;
			return true;
		}
	return false;
}

void hl_config_each(const struct hl_config *config,
		    void (*visit)(void *arg, const struct hl_config_parameter *parameter),
		    void *arg)
{
	struct hl_config_parameter parameter;
	const struct hl_node *map;

	for (size_t i = 0; section_at(config, i, &parameter, &map); i++)
		for (const struct hl_parameter *row = parameter.section->rows; row && row->key;
		     row++) {
			parameter.row = row;
			parameter.node = node_of(config, map, row);
			visit(arg, &parameter);
		}
}

int64_t hl_config_integer(const struct hl_config *config, const char *name, int64_t fallback)
{
	struct hl_config_parameter found;

	if (!hl_config_find(config, hl_slice_of(name), &found) ||
	    found.row->type != HL_PARAMETER_INTEGER)
		return fallback;
	return *(const int64_t *)(const void *)((const char *)found.settings + found.row->offset);
}
