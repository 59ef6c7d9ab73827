/* One YAML file into a tree of nodes. Private to config. */
#ifndef HL_CONFIG_DOCUMENT_H
#define HL_CONFIG_DOCUMENT_H

#include "config/arena.h"
#include "config/node.h"

/* What all files of one reading share. */
struct hl_document_budget {
	unsigned long nodes; /* that may still come, each alias counted as all that it names */
};

/* Reads `file` (its name stays in the places: it lives as long as the arena) and gives its root, a
 * map, empty for an empty file. `from` is where the file was asked for. 0; -EINVAL after mistakes
 * were told: `*root` is then what is good for finding more, or NULL; -ENOMEM. */
int hl_document_read(struct hl_config_arena *arena, const char *file, struct hl_place from,
		     struct hl_document_budget *budget, struct hl_mistakes *mistakes,
		     struct hl_node **root);

/* The same for a text that is at hand; `file` stands for it in the places. */
int hl_document_parse(struct hl_config_arena *arena, const char *file, struct hl_slice text,
		      struct hl_document_budget *budget, struct hl_mistakes *mistakes,
		      struct hl_node **root);

#endif
