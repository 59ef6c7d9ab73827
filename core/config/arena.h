/* The arena a configuration's nodes and texts live in: allocated piece by piece, freed at once. */
#ifndef HL_CONFIG_ARENA_H
#define HL_CONFIG_ARENA_H

#include "base/slice.h"

struct hl_config_arena;

/* One reference. */
struct hl_config_arena *hl_config_arena_new(void);
/* Another one, for a configuration that shares nodes with the one before it. */
struct hl_config_arena *hl_config_arena_ref(struct hl_config_arena *arena);
/* Gives one back; frees everything with the last. */
void hl_config_arena_unref(struct hl_config_arena *arena);
/* `size` zero bytes, aligned for any struct; NULL when memory is out. */
void *hl_config_arena_alloc(struct hl_config_arena *arena, size_t size);
/* A copy with a NUL behind it; NULL when memory is out. */
char *hl_config_arena_copy(struct hl_config_arena *arena, struct hl_slice text);

#endif
