/* Parameters under their VOS3000 names. */
#include "config/vos3000.h"

#include "config/nearest.h"

#include <dirent.h>
#include <stdio.h>

struct lookup {
	const struct hl_vos3000_target *target;
	const struct hl_parameter *row;
};

bool hl_vos3000_names(const struct hl_parameter *row, struct hl_slice name)
{
	const struct hl_parameter alone[] = {*row, HL_PARAMETERS_END};

	return row->vos3000 && !hl_slice_equal(hl_slice_of(row->key), name) &&
	       hl_parameter_find(alone, name);
}

static const struct hl_parameter *row_of(const struct hl_section *section, struct hl_slice name)
{
	for (const struct hl_parameter *row = section->rows; row && row->key; row++)
		if (hl_vos3000_names(row, name))
			return row;
	return NULL;
}

static struct lookup look_up(const struct hl_vos3000_target *targets, size_t count,
			     struct hl_slice name)
{
	for (size_t i = 0; i < count; i++) {
		const struct hl_parameter *row = row_of(targets[i].section, name);

		if (row)
			return (struct lookup){&targets[i], row};
	}
	return (struct lookup){NULL, NULL};
}

/* The plugin in `plugin_dir` that has this name; `plugin` takes its name. Loading plugins only to
 * ask them is no matter: the configuration is refused anyway. */
static bool find_elsewhere(const struct hl_vos3000_others *others, struct hl_slice name,
			   char *plugin, size_t size)
{
	DIR *dir = others->find ? opendir(others->plugin_dir) : NULL;
	bool found = false;

	for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
		const char *dot = strrchr(entry->d_name, '.');
		const struct hl_section *section;
		struct hl_mistakes ignored;

		if (!dot || strcmp(dot, ".so"))
			continue;
		snprintf(plugin, size, "%.*s", (int)(dot - entry->d_name), entry->d_name);
		hl_mistakes_init(&ignored);
		section = others->find(others->arg, plugin, others->plugin_dir,
				       (struct hl_place){0}, &ignored);
		found = section && row_of(section, name);
		hl_mistakes_fini(&ignored);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void unknown_name(struct hl_reader *reader, const struct hl_node *node,
			 const struct hl_vos3000_target *targets, size_t count,
			 const struct hl_vos3000_others *others)
{
	char hint[HL_NEAREST_TEXT], plugin[256];
	struct hl_nearest nearest;

	if (find_elsewhere(others, hl_slice_of(node->key), plugin, sizeof(plugin))) {
		hl_reader_error(reader, node->key_place, NULL,
				"is a parameter of the plugin %s, which is not enabled: name it "
				"below `plugins`",
				plugin);
		return;
	}
	hl_nearest_init(&nearest, hl_slice_of(node->key));
	for (size_t i = 0; i < count; i++)
		for (const struct hl_parameter *row = targets[i].section->rows; row && row->key;
		     row++)
			hl_nearest_offer(&nearest, hl_slice_of(row->vos3000));
	hl_reader_error(reader, node->key_place, NULL, "no parameter has this VOS3000 name%s",
			hl_nearest_text(&nearest, hint));
}

/* Another member before `node` that names the same parameter, or the parameter under its own. */
static const struct hl_node *set_before(const struct hl_node *map, const struct hl_node *node,
					const struct lookup *found)
{
	const struct hl_node *own = hl_reader_member(found->target->map, found->row->key);

	if (own)
		return own;
	for (const struct hl_node *other = map->first; other != node; other = other->next)
		if (hl_vos3000_names(found->row, hl_slice_of(other->key)))
			return other;
	return NULL;
}

static void read_one(struct hl_reader *reader, const struct hl_node *map,
		     const struct hl_node *node, const struct lookup *found)
{
	const struct hl_node *before = set_before(map, node, found);

	if (before && before->over)
		return;
	if (!before) {
		hl_reader_set(reader, found->row, found->target->settings, node);
		return;
	}
	hl_reader_error(reader, node->key_place, NULL,
			"is set twice: it is %s.%s, which is also set at %s:%u:%u",
			found->target->section->name, found->row->key, before->key_place.file,
			before->key_place.line, before->key_place.column);
}

void hl_vos3000_read(struct hl_reader *reader, const struct hl_node *map,
		     const struct hl_vos3000_target *targets, size_t count,
		     const struct hl_vos3000_others *others)
{
	size_t mark = hl_reader_down(reader, "vos3000");

	if (hl_reader_is_map(reader, map) && map)
		for (const struct hl_node *node = map->first; node; node = node->next) {
			struct lookup found = look_up(targets, count, hl_slice_of(node->key));
			size_t inner = hl_reader_down(reader, node->key);

			if (found.row)
				read_one(reader, map, node, &found);
			else
				unknown_name(reader, node, targets, count, others);
			hl_reader_up(reader, inner);
		}
	hl_reader_up(reader, mark);
}
