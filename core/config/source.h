/* The files of a configuration: includes followed, all of them merged into one tree. Private. */
#ifndef HL_CONFIG_SOURCE_H
#define HL_CONFIG_SOURCE_H

#include "config/arena.h"
#include "config/node.h"

/* Reads the files and what they include; the later wins over the earlier, a file over its
 * includes, map by map and key by key. 0; -EINVAL after mistakes were told (`root` then holds what
 * could be read); -ENOMEM. */
int hl_source_read(struct hl_config_arena *arena, const char *const *files, size_t count,
		   struct hl_mistakes *mistakes, const struct hl_node **root);
/* The path `name` means in the file of that place: as it is when absolute, else beside the file.
 * hl_free; NULL when memory is out. */
char *hl_source_beside(const char *file, const char *name);

#endif
