/* The allocation seam over malloc. The countdown is atomic, because workers and the store allocate
 * too; it costs one relaxed load while it is off. */
#include "base/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong countdown; /* allocations until one fails; 0: off */

static bool must_fail(void)
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
	return must_fail() ? NULL : malloc(size);
}

void *hl_zalloc(size_t size)
{
	return must_fail() ? NULL : calloc(1, size);
}

void *hl_realloc(void *block, size_t size)
{
	return must_fail() ? NULL : realloc(block, size);
}

char *hl_strdup(const char *text)
{
	return !text || must_fail() ? NULL : strdup(text);
}

void hl_free(void *block)
{
	free(block);
}

void hl_memory_fail_at(unsigned long count)
{
	atomic_store(&countdown, count);
}
