/* Parameters that were set at run time: they lie over the tree that the files gave. Those that are
 * to outlive the process are kept in STATE_DIR/parameters.yaml, a map of names and texts. */
#include "config/sections.h"

#include "base/file.h"
#include "base/memory.h"
#include "config/arena.h"
#include "config/document.h"
#include "config/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { NODES_MOST = 10000, DEPTH_MOST = 8, KEY_MOST = 64 };

static const char file_name[] = "parameters.yaml";

static char *path_in(const char *state_dir, const char *suffix)
{
	struct hl_text path;

	hl_text_init(&path);
	hl_text_printf(&path, "%s/%s%s", state_dir, file_name, suffix);
	return hl_text_take(&path);
}

/* A copy of the map with copies of its children, so that they can be changed; an empty one for
 * NULL. NULL when memory is out. */
static struct hl_node *copy_map(struct hl_config_arena *arena, const struct hl_node *map)
{
	struct hl_node *copy = hl_config_arena_alloc(arena, sizeof(*copy)), **end;

	if (!copy)
		return NULL;
	if (map)
		*copy = *map;
	copy->type = HL_NODE_MAP;
	copy->first = NULL;
	end = &copy->first;
	for (const struct hl_node *child = map && map->type == HL_NODE_MAP ? map->first : NULL;
	     child; child = child->next) {
		*end = hl_config_arena_alloc(arena, sizeof(**end));
		if (!*end)
			return NULL;
		**end = *child;
		(*end)->next = NULL;
		end = &(*end)->next;
	}
	return copy;
}

/* A copy of a map of texts, keys and texts included: whatever it was copied from may go. */
static struct hl_node *copy_texts(struct hl_config_arena *arena, const struct hl_node *map)
{
	struct hl_node *copy = copy_map(arena, map);

	for (struct hl_node *node = copy ? copy->first : NULL; node; node = node->next) {
		node->key = hl_config_arena_copy(arena, hl_slice_of(node->key));
		node->text.data = hl_config_arena_copy(arena, node->text);
		if (!node->key || !node->text.data)
			return NULL;
	}
	return copy;
}

/* Puts `node` into the copied map under `key`, in place of what was there. */
static int put(struct hl_config_arena *arena, struct hl_node *map, const char *key,
	       const struct hl_node *node)
{
	struct hl_node **at = &map->first;

	while (*at && strcmp((*at)->key, key))
		at = &(*at)->next;
	if (!*at) {
		struct hl_node *added = hl_config_arena_alloc(arena, sizeof(*added));

		if (!added)
			return -ENOMEM;
		added->key = hl_config_arena_copy(arena, hl_slice_of(key));
		added->key_place = node->place;
		if (!added->key)
			return -ENOMEM;
		*at = added;
		map->count++;
	}
	struct hl_node kept = **at;
	**at = *node;
	(*at)->key = kept.key;
	(*at)->key_place = node->over ? node->place : kept.key_place;
	(*at)->next = kept.next;
	return 0;
}

/* The map `*root` with `node` at the path of `keys`; the maps on the way are copied. */
static int put_at(struct hl_config_arena *arena, const struct hl_node *root,
		  const struct hl_slice *keys, size_t count, const struct hl_node *node,
		  struct hl_node *out)
{
	struct hl_node *copy = copy_map(arena, root), inner;
	char key[KEY_MOST];
	int error = 0;

	if (!copy)
		return -ENOMEM;
	snprintf(key, sizeof(key), "%.*s", HL_SLICE_ARGS(keys[0]));
	if (count > 1) {
		error = put_at(arena, hl_node_get(root, key), keys + 1, count - 1, node, &inner);
		if (!error)
			error = put(arena, copy, key, &inner);
	} else {
		error = put(arena, copy, key, node);
	}
	*out = *copy;
	return error;
}

/* Lays SECTION.KEY over `*root`. False in `known`: it is of a plugin that is not enabled. */
static int lay_over(struct hl_config_arena *arena, const struct hl_node **root, const char *name,
		    const struct hl_node *node, bool *known)
{
	struct hl_slice keys[DEPTH_MOST] = {HL_SLICE_LITERAL("plugins")}, rest = hl_slice_of(name);
	struct hl_node *changed;
	size_t count = 1;
	int error;

	*known = true;
	if (!strncmp(name, "switch.", 7) || !strncmp(name, "policy.", 7))
		count = 0;
	while (rest.length && count < DEPTH_MOST)
		keys[count++] = hl_slice_cut(&rest, '.');
	if (keys[0].data[0] == 'p' && count > 2 &&
	    hl_slice_equal(keys[0], hl_slice_of("plugins"))) {
		char plugin[KEY_MOST];

		snprintf(plugin, sizeof(plugin), "%.*s", HL_SLICE_ARGS(keys[1]));
		*known = hl_node_get(hl_node_get(*root, "plugins"), plugin);
		if (!*known)
			return 0;
	}
	changed = hl_config_arena_alloc(arena, sizeof(*changed));
	if (!changed)
		return -ENOMEM;
	error = put_at(arena, *root, keys, count, node, changed);
	if (!error)
		*root = changed;
	return error;
}

int hl_saved_read(struct hl_config *config, struct hl_mistakes *mistakes)
{
	const char *state_dir =
		hl_node_text(hl_node_get(config->root, "switch"), "state_dir", HL_STATE_DIR);
	struct hl_document_budget budget = {NODES_MOST};
	char *path = path_in(state_dir, "");
	const char *file;
	struct hl_node *map;
	int error = 0;

	file = path ? hl_config_arena_copy(config->arena, hl_slice_of(path)) : NULL;
	hl_free(path);
	if (!file)
		return -ENOMEM;
	if (access(file, F_OK))
		return 0;
	error = hl_document_read(config->arena, file, (struct hl_place){file, 1, 1}, &budget,
				 mistakes, &map);
	if (error)
		return error;
	for (struct hl_node *node = map->first; node && !error; node = node->next) {
		bool known;

		if (node->type != HL_NODE_SCALAR) {
			hl_mistake(mistakes, node->place, node->key, "must be text");
			continue;
		}
		node->over = true;
		node->plain = false;
		error = lay_over(config->arena, &config->root, node->key, node, &known);
		if (!error && !known)
			hl_mistake_warning(mistakes, node->key_place, node->key,
					   "was saved for a plugin that is not enabled");
	}
	config->saved = map;
	return error;
}

static void offer(void *arg, const struct hl_config_parameter *parameter)
{
	struct hl_text *names = arg;

	hl_text_printf(names, "%s.%s\n", parameter->section->name, parameter->row->key);
}

static void unknown(const struct hl_config *config, const char *name, struct hl_mistakes *mistakes)
{
	char hint[HL_NEAREST_TEXT];
	struct hl_nearest nearest;
	struct hl_slice rest;
	struct hl_text names;

	hl_text_init(&names);
	hl_nearest_init(&nearest, hl_slice_of(name));
	hl_config_each(config, offer, &names);
	rest = (struct hl_slice){names.data, names.length};
	while (rest.length)
		hl_nearest_offer(&nearest, hl_slice_cut(&rest, '\n'));
	hl_mistake(mistakes, (struct hl_place){0}, name, "no parameter has this name%s",
		   hl_nearest_text(&nearest, hint));
	hl_text_fini(&names);
}

/* The files' tree with all that was set at run time over it becomes the configuration's. */
static int lay_all_over(struct hl_config *config)
{
	bool known;
	int error = 0;

	for (const struct hl_node *node = config->changes->first; node && !error; node = node->next)
		error = lay_over(config->arena, &config->root, node->key, node, &known);
	return error;
}

int hl_saved_set(struct hl_config *config, const struct hl_config *before, const char *name,
		 struct hl_slice value, bool save, struct hl_mistakes *mistakes)
{
	struct hl_node node = {.type = HL_NODE_SCALAR, .over = true}, *changes, *saved;
	struct hl_config_parameter found;
	char key[2 * KEY_MOST];

	if (!hl_config_find(before, hl_slice_of(name), &found)) {
		unknown(before, name, mistakes);
		return -EINVAL;
	}
	snprintf(key, sizeof(key), "%s.%s", found.section->name, found.row->key);
	if (!found.row->reloadable) {
		hl_mistake(mistakes, (struct hl_place){0}, key,
			   "cannot change while the switch runs: set it in the file, and restart");
		return -EINVAL;
	}
	node.text = (struct hl_slice){hl_config_arena_copy(config->arena, value), value.length};
	changes = copy_texts(config->arena, before->changes);
	saved = before->saved || save ? copy_texts(config->arena, before->saved) : NULL;
	if (!node.text.data || !changes || (!saved && (before->saved || save)) ||
	    put(config->arena, changes, key, &node) ||
	    (save && put(config->arena, saved, key, &node)))
		return -ENOMEM;
	config->files = config->root = before->files;
	config->changes = changes;
	config->saved = saved;
	return lay_all_over(config);
}

static void write_map(const struct hl_node *map, struct hl_text *text)
{
	hl_text_put(text, "# Parameters that were set at run time and saved: they come over the "
			  "configuration.\n# Take a line out, and reload, to have the "
			  "configuration's value back.\n");
	for (const struct hl_node *node = map ? map->first : NULL; node; node = node->next) {
		hl_json_quote(text, hl_slice_of(node->key));
		hl_text_put(text, ": ");
		hl_json_quote(text, node->text);
		hl_text_put(text, "\n");
	}
}

static int write_file(const char *path, const struct hl_text *text)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640), error = 0;

	if (file < 0)
		return -errno;
	if (write(file, text->data, text->length) != (ssize_t)text->length || fsync(file))
		error = errno ? -errno : -EIO;
	close(file);
	return error;
}

int hl_config_save(const struct hl_config *config, struct hl_error *error)
{
	char *path = path_in(config->settings.state_dir, "");
	char *fresh = path_in(config->settings.state_dir, ".new");
	struct hl_text text;
	int result = -ENOMEM;

	hl_text_init(&text);
	write_map(config->saved, &text);
	if (path && fresh && !text.failed)
		result = write_file(fresh, &text);
	if (!result && rename(fresh, path))
		result = -errno;
	if (result)
		hl_file_refused(fresh ? fresh : file_name, result, "; nothing was changed", error);
	hl_text_fini(&text);
	hl_free(path);
	hl_free(fresh);
	return result;
}
