/* YAML: libyaml's events become nodes in the arena. The only file that knows libyaml. */
#include "config/document.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "config/base64.h"

#include <errno.h>
#include <yaml.h>

enum {
	DEPTH_MOST = 32,     /* maps and lists inside each other */
	WALKED_KEYS = 16,    /* maps up to this size are searched by walking */
	BINARY_MOST = 65536, /* bytes of a !!binary value */
};
static const size_t FILE_MOST = (size_t)1 << 30; /* bytes */

struct key_entry {
	struct hl_hash_node by_key; /* in frame.keys */
	struct hl_node *node;
};

struct anchor {
	struct anchor *next;
	const char *name;
	struct hl_node *node;
	unsigned long weight; /* nodes, aliases counted as what they name */
	bool complete;	      /* its end was seen: may be named */
};

/* A map or list that is being read. */
struct frame {
	struct hl_node *node;
	struct hl_node *last; /* child */
	struct hl_hash keys;  /* of a large map */
	bool hashed;
	const char *key; /* read, its value is due; NULL: none */
	struct hl_place key_place;
	bool duplicate;	       /* there before, or no key of ours: read on, keep nothing */
	struct anchor *anchor; /* NULL: it has none */
	unsigned long budget;  /* left when it began */
};

struct builder {
	yaml_parser_t parser;
	struct hl_config_arena *arena;
	struct hl_document_budget *budget;
	struct hl_mistakes *mistakes;
	const char *file;
	struct frame frames[DEPTH_MOST];
	unsigned depth;
	struct anchor *anchors;
	struct hl_node *root;
	struct hl_text path;
	unsigned errors;
	bool stop; /* nothing behind this place can be understood */
	bool no_memory;
};

static struct hl_place place_of(const struct builder *builder, yaml_mark_t mark)
{
	return (struct hl_place){builder->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* Where the reading is, from the root: "plugins.keepalive". */
static const char *path_of(struct builder *builder)
{
	hl_text_clear(&builder->path);
	for (unsigned i = 0; i < builder->depth; i++) {
		const struct frame *frame = &builder->frames[i];

		if (frame->node->type == HL_NODE_LIST)
			hl_text_printf(&builder->path, "[%u]", frame->node->count);
		else if (frame->key)
			hl_text_printf(&builder->path, "%s%s", builder->path.length ? "." : "",
				       frame->key);
	}
	return hl_text_string(&builder->path);
}

HL_PRINTF(3, 4)
static void complain(struct builder *builder, struct hl_place place, const char *format, ...)
{
	struct hl_text text;
	va_list arguments;

	va_start(arguments, format);
	hl_text_init(&text);
	hl_text_vprintf(&text, format, arguments);
	hl_mistake(builder->mistakes, place, path_of(builder), "%s", hl_text_string(&text));
	hl_text_fini(&text);
	va_end(arguments);
	builder->errors++;
}

static void *builder_alloc(struct builder *builder, size_t size)
{
	void *block = hl_config_arena_alloc(builder->arena, size);

	builder->no_memory |= !block;
	return block;
}

static const char *builder_copy(struct builder *builder, struct hl_slice text)
{
	const char *copy = hl_config_arena_copy(builder->arena, text);

	builder->no_memory |= !copy;
	return copy;
}

/* Keys */

static bool entry_matches(const struct hl_hash_node *node, const void *key)
{
	return !strcmp(hl_container_of(node, const struct key_entry, by_key)->node->key, key);
}

static void remember_key(struct builder *builder, struct frame *frame, struct hl_node *node)
{
	struct key_entry *entry = builder_alloc(builder, sizeof(*entry));

	if (!entry)
		return;
	entry->node = node;
	hl_hash_insert(&frame->keys, &entry->by_key, hl_hash_bytes(node->key, strlen(node->key)));
}

/* From a certain size on a map's keys are hashed, or a large one would take for ever. */
static void note_child(struct builder *builder, struct frame *frame, struct hl_node *node)
{
	if (frame->hashed) {
		remember_key(builder, frame, node);
		return;
	}
	if (frame->node->count < WALKED_KEYS)
		return;
	if (hl_hash_init(&frame->keys)) {
		builder->no_memory = true;
		return;
	}
	frame->hashed = true;
	for (struct hl_node *child = frame->node->first; child; child = child->next)
		remember_key(builder, frame, child);
}

static const struct hl_node *known_key(const struct frame *frame, const char *key)
{
	struct hl_hash_node *found;

	if (!frame->hashed)
		return hl_node_get(frame->node, key);
	found = hl_hash_find(&frame->keys, hl_hash_bytes(key, strlen(key)), entry_matches, key);
	return found ? hl_container_of(found, struct key_entry, by_key)->node : NULL;
}

static void take_key(struct builder *builder, struct frame *frame, const yaml_event_t *event)
{
	struct hl_place place = place_of(builder, event->start_mark);
	struct hl_slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
	const struct hl_node *before;

	if (text.length && memchr(text.data, '\0', text.length)) {
		complain(builder, place, "a key must not hold a NUL");
		text.length = 0;
	}
	frame->duplicate = hl_slice_equal(text, HL_SLICE_LITERAL("<<")) &&
			   event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (frame->duplicate)
		complain(builder, place, "merge keys (<<) are not supported: write the keys out");
	frame->key = builder_copy(builder, text);
	frame->key_place = place;
	if (!frame->key || frame->duplicate)
		return;
	before = known_key(frame, frame->key);
	if (!before)
		return;
	frame->duplicate = true;
	complain(builder, place, "is here twice; the first is at %s:%u:%u", builder->file,
		 before->key_place.line, before->key_place.column);
}

/* Values */

/* Puts a finished scalar, or a beginning map or list, where it belongs. */
static void attach(struct builder *builder, struct hl_node *node)
{
	struct frame *frame;

	if (!builder->depth) {
		builder->root = node;
		return;
	}
	frame = &builder->frames[builder->depth - 1];
	node->key = frame->key;
	node->key_place = frame->key_place;
	if (frame->duplicate)
		return;
	if (frame->last)
		frame->last->next = node;
	else
		frame->node->first = node;
	frame->last = node;
	frame->node->count++;
	if (node->key)
		note_child(builder, frame, node);
}

/* The value of a key has been read. */
static void value_done(struct builder *builder)
{
	struct frame *frame;

	if (!builder->depth)
		return;
	frame = &builder->frames[builder->depth - 1];
	frame->key = NULL;
	frame->duplicate = false;
}

static bool key_is_due(const struct builder *builder)
{
	const struct frame *frame;

	if (!builder->depth)
		return false;
	frame = &builder->frames[builder->depth - 1];
	return frame->node->type == HL_NODE_MAP && !frame->key;
}

static bool spend(struct builder *builder, const yaml_event_t *event, unsigned long nodes)
{
	if (nodes <= builder->budget->nodes) {
		builder->budget->nodes -= nodes;
		return true;
	}
	complain(builder, place_of(builder, event->start_mark),
		 "too large: aliases or includes make too many values of it");
	builder->stop = true;
	return false;
}

static struct anchor *anchor_new(struct builder *builder, const yaml_char_t *name,
				 struct hl_node *node)
{
	struct anchor *anchor;

	if (!name)
		return NULL;
	anchor = builder_alloc(builder, sizeof(*anchor));
	if (!anchor)
		return NULL;
	anchor->name = builder_copy(builder, hl_slice_of((const char *)name));
	anchor->node = node;
	anchor->next = builder->anchors;
	if (anchor->name)
		builder->anchors = anchor;
	return anchor;
}

static bool is_tag(const yaml_char_t *tag, const char *name)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	return tag && !strncmp((const char *)tag, prefix, sizeof(prefix) - 1) &&
	       !strcmp((const char *)tag + sizeof(prefix) - 1, name);
}

static bool known_tag(const yaml_char_t *tag)
{
	static const char *const names[] = {"str",  "int", "float", "bool",
					    "null", "map", "seq",   "binary"};

	if (!tag || !strcmp((const char *)tag, "!"))
		return true;
	for (size_t i = 0; i < HL_COUNT(names); i++)
		if (is_tag(tag, names[i]))
			return true;
	return false;
}

static void take_binary(struct builder *builder, struct hl_node *node, struct hl_slice text)
{
	struct hl_text bytes;

	hl_text_init(&bytes);
	node->binary = true;
	if (!hl_base64_decode(text, &bytes) || bytes.length > BINARY_MOST)
		complain(builder, node->place,
			 "is not base64, as !!binary must be (up to %d bytes)", BINARY_MOST);
	builder->no_memory |= bytes.failed;
	text = (struct hl_slice){bytes.data, bytes.length};
	node->text = (struct hl_slice){builder_copy(builder, text), text.length};
	hl_text_fini(&bytes);
}

static struct hl_node *node_new(struct builder *builder, const yaml_event_t *event,
				enum hl_node_type type, const yaml_char_t *tag)
{
	struct hl_node *node;

	if (!spend(builder, event, 1))
		return NULL;
	node = builder_alloc(builder, sizeof(*node));
	if (!node)
		return NULL;
	node->type = type;
	node->place = place_of(builder, event->start_mark);
	if (!known_tag(tag))
		complain(builder, node->place, "the tag %s is not known", (const char *)tag);
	return node;
}

static void take_scalar(struct builder *builder, const yaml_event_t *event)
{
	struct hl_slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
	struct hl_node *node;
	struct anchor *anchor;

	if (key_is_due(builder)) {
		take_key(builder, &builder->frames[builder->depth - 1], event);
		return;
	}
	node = node_new(builder, event, HL_NODE_SCALAR, event->data.scalar.tag);
	if (!node)
		return;
	if (is_tag(event->data.scalar.tag, "binary")) {
		take_binary(builder, node, text);
	} else {
		node->plain = event->data.scalar.plain_implicit && !event->data.scalar.tag &&
			      event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		node->text = (struct hl_slice){builder_copy(builder, text), text.length};
	}
	anchor = anchor_new(builder, event->data.scalar.anchor, node);
	if (anchor) {
		anchor->weight = 1;
		anchor->complete = true;
	}
	attach(builder, node);
	value_done(builder);
}

static void open_frame(struct builder *builder, const yaml_event_t *event, enum hl_node_type type,
		       const yaml_char_t *name, const yaml_char_t *tag)
{
	unsigned long budget = builder->budget->nodes;
	struct hl_node *node;
	struct frame *frame;

	if (key_is_due(builder)) {
		complain(builder, place_of(builder, event->start_mark),
			 "a key must be text, not a %s", type == HL_NODE_MAP ? "map" : "list");
		builder->no_memory |= !(builder->frames[builder->depth - 1].key =
						builder_copy(builder, hl_slice_of("?")));
		builder->frames[builder->depth - 1].duplicate = true;
	}
	if (builder->depth == DEPTH_MOST) {
		complain(builder, place_of(builder, event->start_mark),
			 "more than %d maps and lists inside each other", DEPTH_MOST);
		builder->stop = true;
		return;
	}
	node = node_new(builder, event, type, tag);
	if (!node)
		return;
	attach(builder, node);
	frame = &builder->frames[builder->depth++];
	*frame = (struct frame){
		.node = node, .anchor = anchor_new(builder, name, node), .budget = budget};
}

static void close_frame(struct builder *builder)
{
	struct frame *frame = &builder->frames[--builder->depth];

	if (frame->hashed)
		hl_hash_fini(&frame->keys);
	if (frame->anchor) {
		frame->anchor->weight = frame->budget - builder->budget->nodes;
		frame->anchor->complete = true;
	}
	value_done(builder);
}

/* An alias is a node of its own in its list, with the children of the node it names. */
static void take_alias(struct builder *builder, const yaml_event_t *event)
{
	struct hl_place place = place_of(builder, event->start_mark);
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *anchor = builder->anchors;
	struct hl_node *node;

	while (anchor && strcmp(anchor->name, name))
		anchor = anchor->next;
	if (key_is_due(builder)) {
		complain(builder, place, "a key must be text, not an alias");
		builder->frames[builder->depth - 1].key = "?";
		builder->frames[builder->depth - 1].duplicate = true;
		return;
	}
	if (!anchor || !anchor->complete) {
		complain(builder, place,
			 anchor ? "*%s is inside what it names"
				: "nothing is named &%s before this",
			 name);
		value_done(builder);
		return;
	}
	if (!spend(builder, event, anchor->weight))
		return;
	node = builder_alloc(builder, sizeof(*node));
	if (!node)
		return;
	*node = *anchor->node;
	node->next = NULL;
	node->place = place;
	attach(builder, node);
	value_done(builder);
}

/* Places the offset of a byte that is not text at all: libyaml gives no line for it. */
static struct hl_place place_at(const struct builder *builder, struct hl_slice text, size_t offset)
{
	struct hl_place place = {builder->file, 1, 1};

	for (size_t i = 0; i < offset && i < text.length; i++) {
		if (text.data[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if ((text.data[i] & 0xc0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

static void syntax_error(struct builder *builder, struct hl_slice text)
{
	const yaml_parser_t *parser = &builder->parser;

	builder->stop = true;
	if (parser->error == YAML_MEMORY_ERROR) {
		builder->no_memory = true;
	} else if (parser->error == YAML_READER_ERROR) {
		complain(builder, place_at(builder, text, parser->problem_offset),
			 "%s (byte 0x%02x)", parser->problem, (unsigned)parser->problem_value);
	} else {
		struct hl_place place = place_of(builder, parser->problem_mark);

		if (parser->context)
			complain(builder, place, "%s, %s at line %lu", parser->problem,
				 parser->context, (unsigned long)parser->context_mark.line + 1);
		else
			complain(builder, place, "%s", parser->problem);
	}
}

static void take_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT: take_alias(builder, event); break;
	case YAML_SCALAR_EVENT: take_scalar(builder, event); break;
	case YAML_SEQUENCE_START_EVENT:
		open_frame(builder, event, HL_NODE_LIST, event->data.sequence_start.anchor,
			   event->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		open_frame(builder, event, HL_NODE_MAP, event->data.mapping_start.anchor,
			   event->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: close_frame(builder); break;
	case YAML_DOCUMENT_START_EVENT:
		if (builder->root)
			complain(builder, place_of(builder, event->start_mark),
				 "a second document: one file holds one");
		break;
	default: break;
	}
}

/* Until the end, a syntax error, a want of memory or an empty budget. */
static void read_events(struct builder *builder, struct hl_slice text)
{
	bool more = true;

	while (more && !builder->no_memory && !builder->stop) {
		yaml_event_t event;

		if (!yaml_parser_parse(&builder->parser, &event)) {
			syntax_error(builder, text);
			return;
		}
		more = event.type != YAML_STREAM_END_EVENT &&
		       !(event.type == YAML_DOCUMENT_START_EVENT && builder->root);
		take_event(builder, &event);
		yaml_event_delete(&event);
	}
}

static int build(struct builder *builder, struct hl_slice text)
{
	if (!yaml_parser_initialize(&builder->parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&builder->parser, (const unsigned char *)text.data,
				     text.length);
	hl_text_init(&builder->path);
	read_events(builder, text);
	while (builder->depth)
		close_frame(builder);
	yaml_parser_delete(&builder->parser);
	hl_text_fini(&builder->path);
	if (builder->no_memory)
		return -ENOMEM;
	return builder->errors ? -EINVAL : 0;
}

static bool is_null(const struct hl_node *node)
{
	return !node || (node->type == HL_NODE_SCALAR && node->plain && !node->text.length);
}

int hl_document_parse(struct hl_config_arena *arena, const char *file, struct hl_slice text,
		      struct hl_document_budget *budget, struct hl_mistakes *mistakes,
		      struct hl_node **root)
{
	struct builder builder = {
		.arena = arena, .budget = budget, .mistakes = mistakes, .file = file};
	int error = build(&builder, text);

	*root = NULL;
	if (error == -ENOMEM || builder.stop)
		return error;
	if (is_null(builder.root)) {
		builder.root = hl_config_arena_alloc(arena, sizeof(*builder.root));
		if (!builder.root)
			return -ENOMEM;
		*builder.root = (struct hl_node){.type = HL_NODE_MAP, .place = {file, 1, 1}};
	}
	if (builder.root->type != HL_NODE_MAP) {
		hl_mistake(mistakes, builder.root->place, "",
			   "the file must be a map (switch: …, plugins: …)");
		return -EINVAL;
	}
	*root = builder.root;
	return error;
}

int hl_document_read(struct hl_config_arena *arena, const char *file, struct hl_place from,
		     struct hl_document_budget *budget, struct hl_mistakes *mistakes,
		     struct hl_node **root)
{
	struct hl_text text;
	int error;

	hl_text_init(&text);
	error = hl_file_read(file, FILE_MOST, &text);
	if (!error) {
		error = hl_document_parse(arena, file,
					  (struct hl_slice){hl_text_string(&text), text.length},
					  budget, mistakes, root);
	} else if (error != -ENOMEM) {
		hl_mistake(mistakes, from, from.file == file ? "" : "include", "cannot read %s: %s",
			   file, strerror(-error));
		error = -EINVAL;
	}
	hl_text_fini(&text);
	return error;
}
