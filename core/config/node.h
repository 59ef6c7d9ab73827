/* YAML as read: a tree of nodes with their places. Aliases share the node they name. */
#ifndef HL_CONFIG_NODE_H
#define HL_CONFIG_NODE_H

#include "config/mistake.h"

enum hl_node_type { HL_NODE_SCALAR, HL_NODE_LIST, HL_NODE_MAP };

struct hl_node {
	enum hl_node_type type;
	struct hl_place place;	   /* of the value */
	struct hl_place key_place; /* of its key, in a map */
	const char *key;	   /* in a map; NULL else */
	struct hl_slice text;	   /* SCALAR: the value, escapes resolved, NUL behind */
	bool plain;  /* SCALAR: written without quotes (so `on`, `12`, `~` mean themselves) */
	bool over;   /* set at run time or saved so: comes over a VOS3000 name for the same */
	bool binary; /* SCALAR: !!binary, already decoded into `text` */
	struct hl_node *first; /* LIST, MAP: children, in order */
	struct hl_node *next;  /* the next sibling */
	unsigned count;	       /* of children */
};

/* The member of that key, or NULL. Linear; large maps are walked, not searched. */
HL_EXPORT const struct hl_node *hl_node_get(const struct hl_node *map, const char *key);
/* The text of a scalar member, or `fallback`. */
HL_EXPORT const char *hl_node_text(const struct hl_node *map, const char *key,
				   const char *fallback);

#endif
