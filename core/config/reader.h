/* Reading nodes into settings by rows, with every mistake told. Private to config. */
#ifndef HL_CONFIG_READER_H
#define HL_CONFIG_READER_H

#include "config/config.h"

struct hl_reader {
	struct hl_mistakes *mistakes; /* borrowed */
	struct hl_text path;	      /* where the reading is: "plugins.keepalive" */
	const char *file;	      /* what is set at run time is relative to that */
	bool no_memory;		      /* the reading is void */
};

/* Goes down to the member `key`; returns what brings hl_reader_up back. */
size_t hl_reader_down(struct hl_reader *reader, const char *key);
void hl_reader_up(struct hl_reader *reader, size_t mark);

/* A mistake, or a warning, at the current path, or below it at `key` (may be NULL). */
void hl_reader_error(struct hl_reader *reader, struct hl_place place, const char *key,
		     const char *format, ...) HL_PRINTF(4, 5);
void hl_reader_warning(struct hl_reader *reader, struct hl_place place, const char *key,
		       const char *format, ...) HL_PRINTF(4, 5);

/* Whether the node is a map; nothing at all counts as the empty one. Else tells so. */
bool hl_reader_is_map(struct hl_reader *reader, const struct hl_node *node);
/* Whether the node is a scalar, or a list of them. Else tells so. */
bool hl_reader_is_texts(struct hl_reader *reader, const struct hl_node *node);
/* The texts of such a node: hl_free; NULL when memory is out. */
struct hl_slice *hl_reader_texts(struct hl_reader *reader, const struct hl_node *node,
				 size_t *count);

/* Sets the row's field from a node. Whether that went well. */
bool hl_reader_set(struct hl_reader *reader, const struct hl_parameter *row, void *settings,
		   const struct hl_node *node);
/* Sets the fields of all members of `map` (may be NULL); a row "log.level" is member `level` of the
 * map `log`. Members named in `others` (NULL-terminated, may be NULL) are somebody else's; the rest
 * is unknown, and told. */
void hl_reader_map(struct hl_reader *reader, const struct hl_parameter *rows, void *settings,
		   const struct hl_node *map, const char *const *others);
/* Calls `read` for each member of `map` (may be NULL), the path being there, while memory lasts. */
void hl_reader_each(struct hl_reader *reader, struct hl_config *config, const struct hl_node *map,
		    void (*read)(struct hl_reader *reader, struct hl_config *config,
				 const struct hl_node *node));
/* The file that a path in `node` is relative to. */
const char *hl_reader_file(const struct hl_reader *reader, const struct hl_node *node);
/* The member a row's dotted key names, or NULL. */
const struct hl_node *hl_reader_member(const struct hl_node *map, const char *key);

/* The place of a list's item, for messages about a LIST field; of the node itself for a scalar. */
struct hl_place hl_reader_item_place(const struct hl_node *node, size_t index);

#endif
