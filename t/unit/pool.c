/* Pools: blocks of many sizes that do not overlap, memory that is used again, and none to spare. */
#include "base/pool.h"
#include "base/memory.h"
#include "base/random.h"

#include "tap.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MANY = 20000, STEPS = 200000, LARGEST = HL_POOL_MOST + 100 };

static struct hl_pool pool;

static struct block {
	unsigned char *data; /* NULL: none */
	size_t size;
	unsigned char mark; /* in every byte */
} blocks[MANY];

static bool all_are(const struct block *block, unsigned char mark)
{
	for (size_t i = 0; i < block->size; i++)
		if (block->data[i] != mark)
			return false;
	return true;
}

/* Whether what it got is aligned and zero. */
static bool take(struct block *block, size_t size)
{
	bool good;

	block->size = size;
	block->data = hl_pool_alloc(&pool, size);
	good = block->data && (uintptr_t)block->data % HL_POOL_GRAIN == 0 && all_are(block, 0);
	block->mark = (unsigned char)(1 + hl_random_below(255));
	memset(block->data, block->mark, size);
	return good;
}

/* Whether nobody else wrote there. */
static bool give_back(struct block *block)
{
	bool good = all_are(block, block->mark);

	hl_pool_free(&pool, block->data, block->size);
	block->data = NULL;
	return good;
}

static void test_at_random(void)
{
	unsigned taken = 0, kept = 0, given = 0;

	for (int i = 0; i < STEPS; i++) {
		struct block *block = &blocks[hl_random_below(MANY)];

		if (block->data) {
			given++;
			kept += give_back(block);
		}
		if (hl_random_below(4)) {
			taken++;
			kept += take(block, 1 + hl_random_below(i % 10 ? 700 : LARGEST));
		}
	}
	for (int i = 0; i < MANY; i++)
		if (blocks[i].data) {
			given++;
			kept += give_back(&blocks[i]);
		}
	is_int(given, taken, "every block is given back");
	is_int(kept, taken + given, "was zero at first, and nobody wrote into another's");
}

#ifndef __SANITIZE_ADDRESS__ /* with which nothing comes from the pool's own pages */
static void fill(size_t size)
{
	for (int i = 0; i < MANY; i++)
		take(&blocks[i], size);
}

static void empty(void)
{
	for (int i = 0; i < MANY; i++)
		give_back(&blocks[i]);
}

static void test_used_again(void)
{
	const struct hl_pool_slab *region;
	unsigned fresh;

	fill(500);
	region = pool.region;
	fresh = pool.fresh;
	for (int i = 0; i < MANY; i += 2)
		give_back(&blocks[i]);
	for (int i = 0; i < MANY; i += 2)
		take(&blocks[i], 500);
	ok(pool.region == region && pool.fresh == fresh, "freed blocks serve the same size");
	empty();
	fill(300);
	ok(pool.region == region && pool.fresh == fresh, "and, when all are free, any other");
	empty();
}

static void test_small(void)
{
	unsigned char in_core[HL_HUGE_PAGE / 4096];
	long page = sysconf(_SC_PAGESIZE), resident = 0;

	for (int i = 0; i < 10; i++)
		take(&blocks[i], 500);
	mincore(pool.region, HL_HUGE_PAGE, in_core);
	for (long i = 0; i < HL_HUGE_PAGE / page; i++)
		resident += (in_core[i] & 1) * page;
	ok(resident <= 16384, "ten blocks take %ld bytes", resident);
	for (int i = 0; i < 10; i++)
		give_back(&blocks[i]);
}
#endif

static void test_no_memory(void)
{
	struct block block = {.size = 100};

	hl_memory_fail_at(1);
	ok(!hl_pool_alloc(&pool, 100), "memory may be out for a block");
	ok(take(&block, 100), "and be there again");
	give_back(&block);
	hl_memory_fail_at(1);
	ok(!hl_pool_alloc(&pool, LARGEST), "or for a large one");
	hl_pool_fini(&pool);
	hl_memory_fail_at(2);
	block.data = hl_pool_alloc(&pool, 100);
	ok(!block.data || !pool.region, "or for a region");
	hl_memory_fail_at(0);
	if (block.data)
		hl_pool_free(&pool, block.data, 100);
	ok(take(&block, 100), "which leaves the pool as it was");
	give_back(&block);
}

static void test_pages(void)
{
	enum { SIZE = 2 * HL_HUGE_PAGE };

	for (int huge = 0; huge < 2; huge++) {
		unsigned char *pages = hl_pages_new(SIZE, huge);

		ok(pages && (uintptr_t)pages % HL_HUGE_PAGE == 0 && !pages[0] && !pages[SIZE - 1],
		   "%s pages are aligned and zero", huge ? "huge" : "small");
		pages[0] = pages[SIZE - 1] = 1;
		hl_pages_free(pages, SIZE);
	}
	hl_memory_fail_at(1);
	ok(!hl_pages_new(SIZE, true), "memory may be out for pages");
}

int main(void)
{
	hl_pool_init(&pool);
#ifndef __SANITIZE_ADDRESS__
	test_small();
	test_used_again();
#endif
	test_at_random();
	test_no_memory();
	test_pages();
	hl_pool_fini(&pool);
	hl_pool_fini(&pool);
	return done_testing();
}
