/* The one allocation seam: tests make the Nth call fail. Memory from here is freed with hl_free. */
#ifndef HL_BASE_MEMORY_H
#define HL_BASE_MEMORY_H

#include "base/export.h"

#include <stdbool.h>
#include <stddef.h>

/* `size` bytes, uninitialised; NULL when memory is out. */
HL_EXPORT void *hl_alloc(size_t size);
/* `size` zero bytes; NULL when memory is out. */
HL_EXPORT void *hl_zalloc(size_t size);
/* Resizes as realloc does; on NULL the old block is untouched. */
HL_EXPORT void *hl_realloc(void *block, size_t size);
/* A copy of a C string (NULL gives NULL); NULL when memory is out. */
HL_EXPORT char *hl_strdup(const char *text);
HL_EXPORT void hl_free(void *block);

enum { HL_HUGE_PAGE = 2 << 20 }; /* bytes, on most machines */

/* Pages of their own for what will be full of many things: `size` zero bytes, a multiple of
 * HL_HUGE_PAGE and aligned to it. `huge` asks for huge pages, which the processor finds faster;
 * where the kernel grants none they are small ones. NULL when memory is out. */
HL_EXPORT void *hl_pages_new(size_t size, bool huge);
HL_EXPORT void hl_pages_free(void *pages, size_t size);

/* For allocators above this: counts as an allocation; whether it has to fail. */
HL_EXPORT bool hl_memory_fails(void);

/* Tests only: the `countdown`-th allocation from now fails, once; 0 switches it off. */
HL_EXPORT void hl_memory_fail_at(unsigned long countdown);

#endif
