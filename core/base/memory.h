/* The one allocation seam: tests make the Nth call fail. Memory from here is freed with hl_free. */
#ifndef HL_BASE_MEMORY_H
#define HL_BASE_MEMORY_H

#include "base/export.h"

/* `size` bytes, uninitialised; NULL when memory is out. */
HL_EXPORT void *hl_alloc(size_t size);
/* `size` zero bytes; NULL when memory is out. */
HL_EXPORT void *hl_zalloc(size_t size);
/* Resizes as realloc does; on NULL the old block is untouched. */
HL_EXPORT void *hl_realloc(void *block, size_t size);
/* A copy of a C string (NULL gives NULL); NULL when memory is out. */
HL_EXPORT char *hl_strdup(const char *text);
HL_EXPORT void hl_free(void *block);

/* Tests only: the `countdown`-th allocation from now fails, once; 0 switches it off. */
HL_EXPORT void hl_memory_fail_at(unsigned long countdown);

#endif
