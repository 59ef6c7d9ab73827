/* Nodes into settings by rows. */
#include "config/reader.h"

#include "base/memory.h"
#include "config/nearest.h"

#include <errno.h>
#include <stdio.h>

enum { KEY_MOST = 128 }; /* bytes of a dotted key; no row's is longer */

size_t hl_reader_down(struct hl_reader *reader, const char *key)
{
	size_t mark = reader->path.length;

	if (mark)
		hl_text_put(&reader->path, ".");
	hl_text_put(&reader->path, key);
	reader->no_memory |= reader->path.failed;
	return mark;
}

void hl_reader_up(struct hl_reader *reader, size_t mark)
{
	if (reader->path.length <= mark)
		return;
	reader->path.length = mark;
	reader->path.data[mark] = '\0';
}

HL_PRINTF(5, 0)
static void tell(struct hl_reader *reader, bool warning, struct hl_place place, const char *key,
		 const char *format, va_list arguments)
{
	size_t mark = reader->path.length;
	struct hl_text text;

	hl_text_init(&text);
	hl_text_vprintf(&text, format, arguments);
	if (key)
		hl_reader_down(reader, key);
	(warning ? hl_mistake_warning : hl_mistake)(reader->mistakes, place,
						    hl_text_string(&reader->path), "%s",
						    hl_text_string(&text));
	hl_reader_up(reader, mark);
	hl_text_fini(&text);
}

void hl_reader_error(struct hl_reader *reader, struct hl_place place, const char *key,
		     const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(reader, false, place, key, format, arguments);
	va_end(arguments);
}

void hl_reader_warning(struct hl_reader *reader, struct hl_place place, const char *key,
		       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(reader, true, place, key, format, arguments);
	va_end(arguments);
}

/* Written without quotes: nothing, `~` or `null`. */
static bool is_null(const struct hl_node *node)
{
	return node->type == HL_NODE_SCALAR && node->plain &&
	       (!node->text.length || hl_slice_equal(node->text, HL_SLICE_LITERAL("~")) ||
		hl_slice_equal_nocase(node->text, HL_SLICE_LITERAL("null")));
}

bool hl_reader_is_map(struct hl_reader *reader, const struct hl_node *node)
{
	if (!node || node->type == HL_NODE_MAP || is_null(node))
		return true;
	hl_reader_error(reader, node->place, NULL, "is a %s; it must be a map (key: value)",
			node->type == HL_NODE_LIST ? "list" : "single value");
	return false;
}

void hl_reader_each(struct hl_reader *reader, struct hl_config *config, const struct hl_node *map,
		    void (*read)(struct hl_reader *reader, struct hl_config *config,
				 const struct hl_node *node))
{
	for (const struct hl_node *node = map ? map->first : NULL; node && !reader->no_memory;
	     node = node->next) {
		size_t mark = hl_reader_down(reader, node->key);

		read(reader, config, node);
		hl_reader_up(reader, mark);
	}
}

bool hl_reader_is_texts(struct hl_reader *reader, const struct hl_node *node)
{
	bool good = true;

	if (node->type == HL_NODE_MAP) {
		hl_reader_error(reader, node->place, NULL, "is a map; it must be a list");
		return false;
	}
	for (const struct hl_node *item = node->first; item; item = item->next) {
		if (item->type == HL_NODE_SCALAR && !memchr(item->text.data, 0, item->text.length))
			continue;
		hl_reader_error(reader, item->place, NULL, "every item must be text");
		good = false;
	}
	return good;
}

struct hl_slice *hl_reader_texts(struct hl_reader *reader, const struct hl_node *node,
				 size_t *count)
{
	size_t size = node->type == HL_NODE_LIST ? node->count : 1;
	struct hl_slice *texts = hl_zalloc((size + 1) * sizeof(*texts));

	*count = 0;
	if (!texts) {
		reader->no_memory = true;
		return NULL;
	}
	for (const struct hl_node *item = node->first; item; item = item->next)
		texts[(*count)++] = item->text;
	if (node->type == HL_NODE_SCALAR && !is_null(node))
		texts[(*count)++] = node->text;
	return texts;
}

struct hl_place hl_reader_item_place(const struct hl_node *node, size_t index)
{
	const struct hl_node *item = node->first;

	for (; item && index; index--)
		item = item->next;
	return item ? item->place : node->place;
}

static bool set_text(struct hl_reader *reader, const struct hl_parameter *row, void *settings,
		     const struct hl_node *node, struct hl_slice text)
{
	struct hl_error error;
	int bad = hl_parameter_set(row, settings, text, &error);

	reader->no_memory |= bad == -ENOMEM;
	if (bad && bad != -ENOMEM)
		hl_reader_error(reader, node->place, NULL, "%s", error.text);
	return !bad;
}

static bool set_list(struct hl_reader *reader, const struct hl_parameter *row, void *settings,
		     const struct hl_node *node)
{
	struct hl_slice *texts;
	struct hl_error error;
	size_t count;
	int bad;

	if (node->over && node->type == HL_NODE_SCALAR)
		return set_text(reader, row, settings, node, node->text);
	if (!hl_reader_is_texts(reader, node))
		return false;
	texts = hl_reader_texts(reader, node, &count);
	if (!texts)
		return false;
	bad = hl_parameter_set_list(row, settings, texts, count, &error);
	hl_free(texts);
	if (bad && bad != -ENOMEM)
		hl_reader_error(reader, node->place, NULL, "%s", error.text);
	reader->no_memory |= bad == -ENOMEM;
	return !bad;
}

static void wrong_shape(struct hl_reader *reader, const struct hl_parameter *row,
			const struct hl_node *node)
{
	struct hl_text allowed;

	hl_text_init(&allowed);
	hl_parameter_allowed(row, &allowed);
	hl_reader_error(reader, node->place, NULL, "is a %s; it takes one value: %s",
			node->type == HL_NODE_LIST ? "list" : "map", hl_text_string(&allowed));
	hl_text_fini(&allowed);
}

bool hl_reader_set(struct hl_reader *reader, const struct hl_parameter *row, void *settings,
		   const struct hl_node *node)
{
	struct hl_slice text = node->text;

	if (row->type == HL_PARAMETER_LIST)
		return set_list(reader, row, settings, node);
	if (node->type != HL_NODE_SCALAR) {
		wrong_shape(reader, row, node);
		return false;
	}
	if (is_null(node))
		text.length = 0;
	if (row->type == HL_PARAMETER_BYTES && !node->binary &&
	    memchr(text.data, '\\', text.length))
		hl_reader_warning(
			reader, node->place, NULL,
			"holds a backslash as such; escapes like \\r\\n need double quotes");
	return set_text(reader, row, settings, node, text);
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* What stands behind `prefix` in a row's key up to the next dot; empty when it begins otherwise. */
static struct hl_slice next_part(const struct hl_parameter *row, const char *prefix)
{
	size_t length = strlen(prefix);
	struct hl_slice rest;

	if (strncmp(row->key, prefix, length))
		return (struct hl_slice){0};
	rest = hl_slice_of(row->key + length);
	return hl_slice_cut(&rest, '.');
}

static void unknown_key(struct hl_reader *reader, const struct hl_parameter *rows,
			const char *prefix, const char *const *others, const struct hl_node *node)
{
	char hint[HL_NEAREST_TEXT];
	struct hl_nearest nearest;

	hl_nearest_init(&nearest, hl_slice_of(node->key));
	for (const struct hl_parameter *row = rows; row->key; row++)
		hl_nearest_offer(&nearest, next_part(row, prefix));
	for (; !*prefix && others && *others; others++)
		hl_nearest_offer(&nearest, hl_slice_of(*others));
	hl_reader_error(reader, node->key_place, NULL, "unknown key%s",
			hl_nearest_text(&nearest, hint));
}

/* The row of a member; one that is written with a dot has none: its parts are nested maps. */
static const struct hl_parameter *exact_row(const struct hl_parameter *rows, const char *key,
					    const char *member)
{
	if (strchr(member, '.'))
		return NULL;
	for (; rows->key; rows++)
		if (!strcmp(rows->key, key))
			return rows;
	return NULL;
}

static bool has_rows_below(const struct hl_parameter *rows, const char *prefix)
{
	for (; rows->key; rows++)
		if (next_part(rows, prefix).length)
			return true;
	return false;
}

static void read_map(struct hl_reader *reader, const struct hl_parameter *rows, void *settings,
		     const struct hl_node *map, const char *prefix, const char *const *others)
{
	if (!hl_reader_is_map(reader, map) || !map)
		return;
	for (const struct hl_node *node = map->first; node; node = node->next) {
		const struct hl_parameter *row;
		char key[KEY_MOST];
		size_t mark;

		if (!*prefix && listed(others, node->key))
			continue;
		mark = hl_reader_down(reader, node->key);
		snprintf(key, sizeof(key), "%s%s", prefix, node->key);
		row = exact_row(rows, key, node->key);
		if (row) {
			hl_reader_set(reader, row, settings, node);
		} else {
			snprintf(key, sizeof(key), "%s%s.", prefix, node->key);
			if (has_rows_below(rows, key))
				read_map(reader, rows, settings, node, key, NULL);
			else
				unknown_key(reader, rows, prefix, others, node);
		}
		hl_reader_up(reader, mark);
	}
}

void hl_reader_map(struct hl_reader *reader, const struct hl_parameter *rows, void *settings,
		   const struct hl_node *map, const char *const *others)
{
	read_map(reader, rows, settings, map, "", others);
}

const struct hl_node *hl_reader_member(const struct hl_node *map, const char *key)
{
	while (map) {
		const char *dot = strchr(key, '.');
		char part[KEY_MOST];

		if (!dot)
			return hl_node_get(map, key);
		snprintf(part, sizeof(part), "%.*s", (int)(dot - key), key);
		map = hl_node_get(map, part);
		key = dot + 1;
	}
	return NULL;
}

const char *hl_reader_file(const struct hl_reader *reader, const struct hl_node *node)
{
	return node->over ? reader->file : node->place.file;
}
