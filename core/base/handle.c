/* The table behind handles: an array of slots, the free ones chained. A slot's generation moves on
 * when its object is released, and skips 0. */
#include "base/handle.h"
#include "base/memory.h"

#include <errno.h>

enum { INITIAL_SIZE = 16 };

struct hl_handle_slot {
	void *object;	     /* borrowed; NULL: free */
	uint32_t generation; /* of the handle that is valid, or that will be given out next */
	uint32_t next;	     /* free slot behind this one, UINT32_MAX: none */
};

void hl_handles_init(struct hl_handles *table)
{
	*table = (struct hl_handles){.free = UINT32_MAX};
}

void hl_handles_fini(struct hl_handles *table)
{
	hl_free(table->slots);
	hl_handles_init(table);
}

static int grow(struct hl_handles *table)
{
	uint32_t size = table->size ? table->size * 2 : INITIAL_SIZE;
	struct hl_handle_slot *slots;

	if (table->size > UINT32_MAX / 2)
		return -ENOMEM;
	slots = hl_realloc(table->slots, size * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = table->size; i < size; i++)
		slots[i] = (struct hl_handle_slot){NULL, 1, i + 1 < size ? i + 1 : UINT32_MAX};
	table->free = table->size;
	table->slots = slots;
	table->size = size;
	return 0;
}

int hl_handle_new(struct hl_handles *table, void *object, struct hl_handle *handle)
{
	struct hl_handle_slot *slot;

	if (table->free == UINT32_MAX) {
		int error = grow(table);

		if (error)
			return error;
	}
	slot = &table->slots[table->free];
	*handle = (struct hl_handle){table->free, slot->generation};
	table->free = slot->next;
	table->count++;
	slot->object = object;
	return 0;
}

static struct hl_handle_slot *find(const struct hl_handles *table, struct hl_handle handle)
{
	struct hl_handle_slot *slot;

	if (handle.slot >= table->size)
		return NULL;
	slot = &table->slots[handle.slot];
	return slot->generation == handle.generation && slot->object ? slot : NULL;
}

void *hl_handle_get(const struct hl_handles *table, struct hl_handle handle)
{
	struct hl_handle_slot *slot = find(table, handle);

	return slot ? slot->object : NULL;
}

void hl_handle_release(struct hl_handles *table, struct hl_handle handle)
{
	struct hl_handle_slot *slot = find(table, handle);

	if (!slot)
		return;
	slot->object = NULL;
	if (!++slot->generation)
		slot->generation = 1;
	slot->next = table->free;
	table->free = handle.slot;
	table->count--;
}
