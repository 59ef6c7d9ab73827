/* Handles: what outlives a pointer. A slot number and a generation; resolving the handle of a thing
 * that is gone gives NULL, even when the slot serves another by now. */
#ifndef HL_BASE_HANDLE_H
#define HL_BASE_HANDLE_H

#include "base/export.h"

#include <stdbool.h>
#include <stdint.h>

struct hl_handle {
	uint32_t slot;       /* index into the table */
	uint32_t generation; /* 0: the handle of nothing */
};

#define HL_HANDLE_NONE ((struct hl_handle){ 0, 0 })

struct hl_handle_slot; /* private */

struct hl_handles {
	struct hl_handle_slot *slots; /* owned */
	uint32_t size;                /* slots allocated */
	uint32_t free;                /* first free slot, UINT32_MAX: none */
	uint32_t count;               /* in use */
};

HL_EXPORT void hl_handles_init(struct hl_handles *table);
HL_EXPORT void hl_handles_fini(struct hl_handles *table);
/* Gives `object` a handle. 0 or -ENOMEM. O(1). */
HL_EXPORT int hl_handle_new(struct hl_handles *table, void *object, struct hl_handle *handle);
/* The object, or NULL when it has been released. O(1). */
HL_EXPORT void *hl_handle_get(const struct hl_handles *table, struct hl_handle handle);
/* Forgets the object; its handles resolve to NULL from now on. */
HL_EXPORT void hl_handle_release(struct hl_handles *table, struct hl_handle handle);

static inline bool hl_handle_equal(struct hl_handle a, struct hl_handle b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

#endif
