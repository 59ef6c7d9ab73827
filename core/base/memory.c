/* The allocation seam over malloc. The countdown is atomic, because workers and the store allocate
 * too; it costs one relaxed load while it is off. */
#include "base/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_ulong countdown; /* allocations until one fails; 0: off */

bool hl_memory_fails(void)
{
	unsigned long left = atomic_load_explicit(&countdown, memory_order_relaxed);

	while (left)
		if (atomic_compare_exchange_weak(&countdown, &left, left - 1)) {
			if (left > 1)
				return false;
			errno = ENOMEM;
			return true;
		}
	return false;
}

void *hl_alloc(size_t size)
{
	return hl_memory_fails() ? NULL : malloc(size);
}

void *hl_zalloc(size_t size)
{
	return hl_memory_fails() ? NULL : calloc(1, size);
}

void *hl_realloc(void *block, size_t size)
{
	return hl_memory_fails() ? NULL : realloc(block, size);
}

char *hl_strdup(const char *text)
{
	return !text || hl_memory_fails() ? NULL : strdup(text);
}

void hl_free(void *block)
{
	free(block);
}

void *hl_pages_new(size_t size, bool huge)
{
	size_t mapped = size + HL_HUGE_PAGE, before;
	char *map, *pages;

	if (hl_memory_fails())
		return NULL;
	map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	/* Only what is aligned can be huge; the rest of it goes back. */
	before = -(uintptr_t)map % HL_HUGE_PAGE;
	pages = map + before;
	if (before)
		munmap(map, before);
	munmap(pages + size, mapped - size - before);
	if (huge)
		madvise(pages, size, MADV_HUGEPAGE); /* no more than a wish */
	return pages;
}

void hl_pages_free(void *pages, size_t size)
{
	munmap(pages, size);
}

void hl_memory_fail_at(unsigned long count)
{
	atomic_store(&countdown, count);
}
