/* Looking members of a map up. What builds the nodes is document.c. */
#include "config/node.h"

const struct hl_node *hl_node_get(const struct hl_node *map, const char *key)
{
	if (!map || map->type != HL_NODE_MAP)
		return NULL;
	for (const struct hl_node *node = map->first; node; node = node->next)
		if (!strcmp(node->key, key))
			return node;
	return NULL;
}

const char *hl_node_text(const struct hl_node *map, const char *key, const char *fallback)
{
	const struct hl_node *node = hl_node_get(map, key);

	return node && node->type == HL_NODE_SCALAR ? node->text.data : fallback;
}
