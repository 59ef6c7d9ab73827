/* Intrusive doubly linked list: a head and the nodes inside the structs it links. */
#ifndef HL_BASE_LIST_H
#define HL_BASE_LIST_H

#include "base/export.h"

#include <stdbool.h>

/* may_alias: gcc 12 (-O2) otherwise takes a head inside a struct and a node's way back to it for
 * different memory, and moves the same node for ever; plugins built elsewhere inline this, too. */
struct hl_list {
	struct hl_list *next; /* a node alone and an empty head point at themselves */
	struct hl_list *prev;
} __attribute__((may_alias));

static inline void hl_list_init(struct hl_list *head)
{
	head->next = head->prev = head;
}

static inline bool hl_list_empty(const struct hl_list *head)
{
	return head->next == head;
}

/* Puts `node` right before `position`; with a head as position, at the end of the list. */
static inline void hl_list_insert(struct hl_list *position, struct hl_list *node)
{
	node->prev = position->prev;
	node->next = position;
	position->prev->next = node;
	position->prev = node;
}

static inline void hl_list_append(struct hl_list *head, struct hl_list *node)
{
	hl_list_insert(head, node);
}

static inline void hl_list_prepend(struct hl_list *head, struct hl_list *node)
{
	hl_list_insert(head->next, node);
}

/* Takes `node` out and leaves it alone; harmless on a node that is alone already. */
static inline void hl_list_remove(struct hl_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	hl_list_init(node);
}

#define hl_list_entry(node, type, member) hl_container_of(node, type, member)

/* Walks the nodes of `head`; the current node may be removed (or freed) in the body. The body
 * begins with hl_list_entry(). Both cursors are declared by the caller. */
#define hl_list_each(node, next_node, head) \
	for ((node) = (head)->next, (next_node) = (node)->next; (node) != (head); \
	     (node) = (next_node), (next_node) = (node)->next)

#endif
