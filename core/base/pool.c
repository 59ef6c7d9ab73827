/* Blocks of one size share a slab, and slabs a region, which is a huge page. A slab without blocks
 * may become one of another size. With the address sanitizer every block is malloc's, which then
 * sees more. */
#include "base/pool.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SLAB = 64 * 1024, SLABS = HL_HUGE_PAGE / SLAB };

struct hl_pool_slab {
	struct hl_list node;	     /* in pool.partial or pool.empty; alone when it is full */
	struct hl_pool_slab *region; /* in the first of a region: the region before */
	void *free;		     /* the block freed last, which leads to the others */
	uint32_t fresh;		     /* bytes from here to what never was a block */
	uint16_t used;		     /* blocks */
	uint16_t grains;	     /* of each block */
	_Alignas(HL_POOL_GRAIN) char blocks[];
};

static bool is_for_malloc(size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	return size > 0;
#else
	return size > HL_POOL_MOST;
#endif
}

void hl_pool_init(struct hl_pool *pool)
{
	for (size_t i = 0; i < sizeof(pool->partial) / sizeof(pool->partial[0]); i++)
		hl_list_init(&pool->partial[i]);
	hl_list_init(&pool->empty);
	pool->region = NULL;
	pool->fresh = 0;
}

void hl_pool_fini(struct hl_pool *pool)
{
	for (struct hl_pool_slab *region = pool->region, *before; region; region = before) {
		before = region->region;
		hl_pages_free(region, HL_HUGE_PAGE);
	}
	hl_pool_init(pool);
}

/* A slab for blocks of that size; NULL when memory is out. The few contacts of a small switch take
 * what they touch of the first region and no huge page. */
static struct hl_pool_slab *slab_new(struct hl_pool *pool, size_t grains)
{
	struct hl_pool_slab *slab;

	if (!hl_list_empty(&pool->empty)) {
		slab = hl_list_entry(pool->empty.next, struct hl_pool_slab, node);
		hl_list_remove(&slab->node);
	} else if (pool->fresh) {
		slab = (void *)((char *)pool->region + (SLABS - pool->fresh) * (size_t)SLAB);
		pool->fresh--;
	} else {
		slab = hl_pages_new(HL_HUGE_PAGE, pool->region != NULL);
		if (!slab)
			return NULL;
		slab->region = pool->region;
		pool->region = slab;
		pool->fresh = SLABS - 1;
	}
	hl_list_append(&pool->partial[grains], &slab->node);
	slab->grains = (uint16_t)grains;
	slab->free = NULL;
	slab->fresh = offsetof(struct hl_pool_slab, blocks);
	return slab;
}

void *hl_pool_alloc(struct hl_pool *pool, size_t size)
{
	size_t grains = (size + HL_POOL_GRAIN - 1) / HL_POOL_GRAIN, taken = grains * HL_POOL_GRAIN;
	struct hl_pool_slab *slab;
	void *block;

	if (is_for_malloc(size))
		return hl_zalloc(size);
	if (hl_memory_fails())
		return NULL;
	slab = hl_list_empty(&pool->partial[grains])
		       ? slab_new(pool, grains)
		       : hl_list_entry(pool->partial[grains].next, struct hl_pool_slab, node);
	if (!slab)
		return NULL;
	block = slab->free;
	if (block) {
		memcpy(&slab->free, block, sizeof(slab->free));
	} else {
		block = (char *)slab + slab->fresh;
		slab->fresh += (uint32_t)taken;
	}
	slab->used++;
	if (!slab->free && slab->fresh + taken > SLAB)
		hl_list_remove(&slab->node);
	return memset(block, 0, size);
}

void hl_pool_free(struct hl_pool *pool, void *block, size_t size)
{
	struct hl_pool_slab *slab = (void *)((uintptr_t)block & ~(uintptr_t)(SLAB - 1));

	if (is_for_malloc(size)) {
		hl_free(block);
		return;
	}
	memcpy(block, &slab->free, sizeof(slab->free));
	slab->free = block;
	if (hl_list_empty(&slab->node))
		hl_list_prepend(&pool->partial[slab->grains], &slab->node);
	if (--slab->used == 0) {
		hl_list_remove(&slab->node);
		hl_list_append(&pool->empty, &slab->node);
	}
}
