/* Compiler attributes used across the house. */
#ifndef HL_BASE_EXPORT_H
#define HL_BASE_EXPORT_H

#include <stddef.h>

/* A function or constant that plugins may link to; everything else is hidden. */
#define HL_EXPORT __attribute__((visibility("default")))

/* printf-style checking: position of the format, position of its first argument (0: a va_list). */
#define HL_PRINTF(position, first) __attribute__((format(printf, position, first)))

/* The struct of `type` whose `member` is at `pointer`. */
#define hl_container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define HL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
