/* Files, includes and their merging. */
#include "config/source.h"

#include "base/hash.h"
#include "base/memory.h"
#include "config/config.h"
#include "config/document.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	FILES_MOST = 256,      /* files and includes of one configuration */
	NODES_MOST = 16000000, /* values; half a million endpoints with ten settings are 6 */
	WALKED_KEYS = 16,      /* maps up to this size are merged by walking */
};

#ifndef HL_SCENARIO_DIR
#define HL_SCENARIO_DIR "/usr/local/share/holdline/scenarios"
#endif

struct source {
	struct hl_config_arena *arena;
	struct hl_mistakes *mistakes;
	struct hl_document_budget budget;
	unsigned files; /* read so far */
	unsigned errors;
};

/* A file that is being read, and the one that included it. */
struct open_file {
	const struct open_file *parent;
	char real[PATH_MAX];
};

struct merge_entry {
	struct hl_hash_node by_key;
	const char *key;
	struct hl_node *node; /* in the merged map */
};

static bool entry_matches(const struct hl_hash_node *node, const void *key)
{
	return !strcmp(hl_container_of(node, const struct merge_entry, by_key)->key, key);
}

static uint64_t key_hash(const char *key)
{
	return hl_hash_bytes(key, strlen(key));
}

static struct hl_node *append_copy(struct source *source, struct hl_node *map,
				   struct hl_node **last, const struct hl_node *child)
{
	struct hl_node *copy = hl_config_arena_alloc(source->arena, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *child;
	copy->next = NULL;
	if (*last)
		(*last)->next = copy;
	else
		map->first = copy;
	*last = copy;
	map->count++;
	return copy;
}

static int merge(struct source *source, const struct hl_node *low, const struct hl_node *high,
		 struct hl_node *merged);

/* `node` stands in the merged map; `high` has the same key and comes over it. */
static int overlay(struct source *source, struct hl_node *node, const struct hl_node *high)
{
	struct hl_node *next = node->next, low = *node;
	const char *key = node->key;

	if (low.type == HL_NODE_MAP && high->type == HL_NODE_MAP) {
		int error = merge(source, &low, high, node);

		if (error)
			return error;
	} else {
		*node = *high;
	}
	node->key = key;
	node->next = next;
	return 0;
}

/* One of the first `count` children; the others came after them and have keys of their own. */
static struct hl_node *find_child(const struct hl_hash *index, const struct hl_node *map,
				  unsigned count, const char *key)
{
	struct hl_node *child = map->first;
	struct hl_hash_node *found;

	if (!index) {
		for (; count && strcmp(child->key, key); count--)
			child = child->next;
		return count ? child : NULL;
	}
	found = hl_hash_find(index, key_hash(key), entry_matches, key);
	return found ? hl_container_of(found, struct merge_entry, by_key)->node : NULL;
}

/* Indexes the children of a map; the entries live in the arena. */
static int index_children(struct source *source, struct hl_hash *index, const struct hl_node *map)
{
	if (hl_hash_init(index))
		return -ENOMEM;
	for (struct hl_node *child = map->first; child; child = child->next) {
		struct merge_entry *entry = hl_config_arena_alloc(source->arena, sizeof(*entry));

		if (!entry) {
			hl_hash_fini(index);
			return -ENOMEM;
		}
		*entry = (struct merge_entry){.key = child->key, .node = child};
		hl_hash_insert(index, &entry->by_key, key_hash(child->key));
	}
	return 0;
}

/* Makes `merged` the map of all keys of both; where both have one, `high` wins. Children are
 * copied, for an alias may share them with another map. */
static int merge(struct source *source, const struct hl_node *low, const struct hl_node *high,
		 struct hl_node *merged)
{
	bool large = low->count > WALKED_KEYS && high->count > 1;
	struct hl_node *last = NULL, map = *high;
	struct hl_hash index;
	int error = 0;

	map.first = NULL;
	map.count = 0;
	for (const struct hl_node *child = low->first; child; child = child->next)
		if (!append_copy(source, &map, &last, child))
			return -ENOMEM;
	if (large && index_children(source, &index, &map))
		return -ENOMEM;
	for (const struct hl_node *child = high->first; child && !error; child = child->next) {
		struct hl_node *known =
			find_child(large ? &index : NULL, &map, low->count, child->key);

		if (known)
			error = overlay(source, known, child);
		else if (!append_copy(source, &map, &last, child))
			error = -ENOMEM;
	}
	if (large)
		hl_hash_fini(&index);
	*merged = map;
	return error;
}

char *hl_source_beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');
	struct hl_text path;

	hl_text_init(&path);
	if (*name != '/' && slash)
		hl_text_append(&path, file, (size_t)(slash - file) + 1);
	hl_text_put(&path, name);
	return hl_text_take(&path);
}

static const char *scenario_dir(void)
{
	const char *dir = getenv("HOLDLINE_SCENARIO_DIR");

	return dir && *dir ? dir : HL_SCENARIO_DIR;
}

/* Beside the including file, else an installed scenario. `found` is in the arena: places keep it.
 */
static int find_include(struct source *source, const struct hl_node *name, const char **found)
{
	static const char folder[] = "scenarios/";
	const char *plain = name->text.data;
	char *path = hl_source_beside(name->place.file, plain);

	if (path && access(path, F_OK) && *plain != '/') {
		struct hl_text text;

		if (!strncmp(plain, folder, sizeof(folder) - 1))
			plain += sizeof(folder) - 1;
		hl_text_init(&text);
		hl_text_printf(&text, "%s/%s", scenario_dir(), plain);
		if (!text.failed && !access(text.data, F_OK)) {
			hl_free(path);
			path = hl_text_take(&text);
		}
		hl_text_fini(&text);
	}
	*found = path ? hl_config_arena_copy(source->arena, hl_slice_of(path)) : NULL;
	hl_free(path);
	return *found ? 0 : -ENOMEM;
}

static int read_file(struct source *source, const char *file, struct hl_place from,
		     const struct open_file *parent, struct hl_node *merged);

static int include_one(struct source *source, const struct hl_node *name,
		       const struct open_file *parent, struct hl_node *merged)
{
	const char *file;
	int error;

	if (name->type != HL_NODE_SCALAR || !name->text.length) {
		hl_mistake(source->mistakes, name->place, "include",
			   "must be a file name, or a list of them");
		source->errors++;
		return 0;
	}
	if (strlen(name->text.data) != name->text.length) {
		hl_mistake(source->mistakes, name->place, "include", "must not hold a NUL");
		source->errors++;
		return 0;
	}
	error = find_include(source, name, &file);
	return error ? error : read_file(source, file, name->place, parent, merged);
}

/* Reads what `include` names, each over the one before. */
static int read_includes(struct source *source, const struct hl_node *include,
			 const struct open_file *parent, struct hl_node *merged)
{
	int error = 0;

	if (include->type != HL_NODE_LIST)
		return include_one(source, include, parent, merged);
	for (const struct hl_node *name = include->first; name && !error; name = name->next)
		error = include_one(source, name, parent, merged);
	return error;
}

/* Takes `include` out of the root: it has done its work then. */
static const struct hl_node *take_include(struct hl_node *root)
{
	for (struct hl_node **at = &root->first; *at; at = &(*at)->next) {
		const struct hl_node *include = *at;

		if (strcmp(include->key, "include"))
			continue;
		*at = include->next;
		root->count--;
		return include;
	}
	return NULL;
}

/* Notes a mistake of `file`, asked for at `from`, unless it may be read. */
static bool may_read(struct source *source, struct open_file *here, const char *file,
		     struct hl_place from)
{
	if (++source->files > FILES_MOST) {
		hl_mistake(source->mistakes, from, "include", "more than %d files", FILES_MOST);
		return false;
	}
	if (!realpath(file, here->real))
		here->real[0] = '\0'; /* the reader says why it cannot be opened */
	for (const struct open_file *above = here->parent; above; above = above->parent) {
		if (!here->real[0] || strcmp(above->real, here->real))
			continue;
		hl_mistake(source->mistakes, from, "include", "%s includes itself", file);
		return false;
	}
	return true;
}

/* Reads a file with its includes and merges it over what is in `merged`. */
static int read_file(struct source *source, const char *file, struct hl_place from,
		     const struct open_file *parent, struct hl_node *merged)
{
	struct open_file here = {.parent = parent};
	const struct hl_node *include;
	struct hl_node *root = NULL;
	int error;

	if (!may_read(source, &here, file, from)) {
		source->errors++;
		return 0;
	}
	error = hl_document_read(source->arena, file, from, &source->budget, source->mistakes,
				 &root);
	if (error == -EINVAL) {
		source->errors++;
		error = 0;
	}
	if (error || !root)
		return error;
	include = take_include(root);
	if (include)
		error = read_includes(source, include, &here, merged);
	return error ? error : merge(source, merged, root, merged);
}

int hl_source_read(struct hl_config_arena *arena, const char *const *files, size_t count,
		   struct hl_mistakes *mistakes, const struct hl_node **root)
{
	struct source source = {.arena = arena, .mistakes = mistakes, .budget = {NODES_MOST}};
	struct hl_node *merged = hl_config_arena_alloc(arena, sizeof(*merged));
	int error = 0;

	if (!merged)
		return -ENOMEM;
	merged->type = HL_NODE_MAP;
	for (size_t i = 0; i < count && !error; i++) {
		const char *file = hl_config_arena_copy(arena, hl_slice_of(files[i]));

		error = file ? read_file(&source, file, (struct hl_place){file, 1, 1}, NULL, merged)
			     : -ENOMEM;
	}
	if (error)
		return error;
	*root = merged;
	return source.errors ? -EINVAL : 0;
}

int hl_config_parse(const char *name, struct hl_slice text, struct hl_parsed *parsed,
		    struct hl_mistakes *mistakes)
{
	struct hl_document_budget budget = {NODES_MOST};
	struct hl_config_arena *arena = hl_config_arena_new();
	struct hl_node *root = NULL;
	int error =
		arena ? hl_document_parse(arena, name, text, &budget, mistakes, &root) : -ENOMEM;

	if (error)
		hl_config_arena_unref(arena);
	else
		*parsed = (struct hl_parsed){root, arena};
	return error;
}

void hl_config_parse_free(struct hl_parsed *parsed)
{
	hl_config_arena_unref(parsed->arena);
	*parsed = (struct hl_parsed){NULL, NULL};
}
