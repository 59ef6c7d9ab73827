/* The arena a configuration's nodes and texts live in: allocated piece by piece, freed at once. */
#ifndef HL_CONFIG_ARENA_H
#define HL_CONFIG_ARENA_H

#include "base/slice.h"

struct hl_config_arena;

struct hl_config_arena *hl_config_arena_new(void);
void hl_config_arena_free(struct hl_config_arena *arena);
/* `size` zero bytes, aligned for any struct; NULL when memory is out. */
void *hl_config_arena_alloc(struct hl_config_arena *arena, size_t size);
/* A copy with a NUL behind it; NULL when memory is out. */
char *hl_config_arena_copy(struct hl_config_arena *arena, struct hl_slice text);

#endif
