/* A growing text buffer. A failed allocation makes it stick in `failed`: append freely,
 * ask once. */
#ifndef HL_BASE_TEXT_H
#define HL_BASE_TEXT_H

#include "base/slice.h"

#include <stdarg.h>
#include <stdint.h>

struct hl_text {
	char *data;      /* owned; NUL-terminated once anything was appended */
	size_t length;   /* bytes without the NUL */
	size_t capacity; /* bytes allocated */
	bool failed;     /* an allocation failed; the content is incomplete */
};

HL_EXPORT void hl_text_init(struct hl_text *text);
HL_EXPORT void hl_text_fini(struct hl_text *text);
/* Empties it and keeps its memory. */
HL_EXPORT void hl_text_clear(struct hl_text *text);
/* Makes room for that many bytes more: one allocation instead of several. */
HL_EXPORT void hl_text_reserve(struct hl_text *text, size_t length);
HL_EXPORT void hl_text_append(struct hl_text *text, const void *data, size_t length);
/* Lengthens the content by `length` bytes, which are the caller's to write: where they begin. NULL
 * when it failed. */
HL_EXPORT char *hl_text_room(struct hl_text *text, size_t length);
HL_EXPORT void hl_text_put(struct hl_text *text, const char *string);
HL_EXPORT void hl_text_slice(struct hl_text *text, struct hl_slice slice);
HL_EXPORT void hl_text_printf(struct hl_text *text, const char *format, ...) HL_PRINTF(2, 3);
HL_EXPORT void hl_text_vprintf(struct hl_text *text, const char *format, va_list arguments)
	HL_PRINTF(2, 0);
HL_EXPORT void hl_text_number(struct hl_text *text, uint64_t number);
enum { HL_NUMBER_TEXT = 20 }; /* digits of the largest number */
/* Writes a number in decimal, without a NUL; returns where it ends. */
HL_EXPORT char *hl_put_number(char *at, uint64_t number);
/* Writes what fits in front of `end`, with a NUL; returns where that is. For texts in arrays. */
HL_EXPORT char *hl_put_text(char *at, const char *end, struct hl_slice text);
/* The C string (never NULL), still owned by the buffer. */
HL_EXPORT const char *hl_text_string(const struct hl_text *text);
/* Hands the string to the caller (hl_free) and leaves the buffer empty; NULL when it failed. */
HL_EXPORT char *hl_text_take(struct hl_text *text);

#endif
