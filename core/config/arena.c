/* The arena: chunks, of which the newest gives out what is asked for; counted as a whole. */
#include "config/arena.h"

#include "base/memory.h"

enum { CHUNK = 64 * 1024, ALIGNMENT = 8 };

struct chunk {
	struct chunk *next;
	size_t used, size; /* bytes of `data` */
	_Alignas(ALIGNMENT) char data[];
};

struct hl_config_arena {
	struct chunk *chunks; /* owned; the first is being filled */
	unsigned references;
};

struct hl_config_arena *hl_config_arena_new(void)
{
	struct hl_config_arena *arena = hl_zalloc(sizeof(*arena));

	if (arena)
		arena->references = 1;
	return arena;
}

struct hl_config_arena *hl_config_arena_ref(struct hl_config_arena *arena)
{
	arena->references++;
	return arena;
}

void hl_config_arena_unref(struct hl_config_arena *arena)
{
	if (!arena || --arena->references)
		return;
	for (struct chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		hl_free(chunk);
	}
	hl_free(arena);
}

static void *take(struct hl_config_arena *arena, size_t size)
{
	struct chunk *chunk = arena->chunks;

	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t data = size > CHUNK ? size : CHUNK;

		chunk = hl_alloc(sizeof(*chunk) + data);
		if (!chunk)
			return NULL;
		*chunk = (struct chunk){.next = arena->chunks, .size = data};
		arena->chunks = chunk;
	}
	chunk->used += size;
	return chunk->data + chunk->used - size;
}

void *hl_config_arena_alloc(struct hl_config_arena *arena, size_t size)
{
	void *block = take(arena, size);

	return block ? memset(block, 0, size) : NULL;
}

char *hl_config_arena_copy(struct hl_config_arena *arena, struct hl_slice text)
{
	char *copy = take(arena, text.length + 1);

	if (!copy)
		return NULL;
	if (text.length)
		memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	return copy;
}
