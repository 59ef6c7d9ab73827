/* Pools: blocks that stay for long and may come by the million. They have pages of their own, huge
 * ones once there are many, so that they lie side by side: what comes and goes meanwhile neither
 * scatters them nor is scattered among them. */
#ifndef HL_BASE_POOL_H
#define HL_BASE_POOL_H

#include "base/list.h"

#include <stddef.h>

enum {
	HL_POOL_GRAIN = 16, /* bytes; a block takes a multiple of it */
	HL_POOL_MOST = 2048 /* bytes; a larger one is malloc's */
};

struct hl_pool {
	struct hl_list partial[HL_POOL_MOST / HL_POOL_GRAIN + 1]; /* slabs with room, by grains */
	struct hl_list empty;	     /* slabs that were full of blocks once */
	struct hl_pool_slab *region; /* private, owned: the latest, which leads to the others */
	unsigned fresh;		     /* slabs of it that never were any */
};

/* Takes no memory yet. */
HL_EXPORT void hl_pool_init(struct hl_pool *pool);
/* Gives all pages back; the caller has freed every block. */
HL_EXPORT void hl_pool_fini(struct hl_pool *pool);
/* `size` zero bytes, aligned for any struct; NULL when memory is out. O(1). */
HL_EXPORT void *hl_pool_alloc(struct hl_pool *pool, size_t size);
/* `size` as allocated. The memory stays the pool's, for blocks of any size. O(1). */
HL_EXPORT void hl_pool_free(struct hl_pool *pool, void *block, size_t size);

#endif
