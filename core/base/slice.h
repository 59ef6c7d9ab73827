/* A slice: pointer and length over bytes that somebody else owns. Not NUL-terminated. */
#ifndef HL_BASE_SLICE_H
#define HL_BASE_SLICE_H

#include "base/export.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hl_slice {
	const char *data; /* borrowed; may be NULL when length is 0 */
	size_t length;    /* bytes */
};

/* For printf's "%.*s". */
#define HL_SLICE_ARGS(s) (int)(s).length, (s).length ? (s).data : ""
#define HL_SLICE_LITERAL(text) ((struct hl_slice){ "" text, sizeof(text) - 1 })

/* The slice over a C string; NULL gives the empty slice. */
static inline struct hl_slice hl_slice_of(const char *text)
{
	return (struct hl_slice){ text, text ? strlen(text) : 0 };
}

/* Byte-wise equality. */
HL_EXPORT bool hl_slice_equal(struct hl_slice a, struct hl_slice b);
/* Equality without regard to ASCII case (SIP tokens, RFC 3261 §7.3.1). */
HL_EXPORT bool hl_slice_equal_nocase(struct hl_slice a, struct hl_slice b);
/* Whether `s` begins with `prefix`, byte-wise. */
HL_EXPORT bool hl_slice_starts(struct hl_slice s, struct hl_slice prefix);
/* `s` without blanks, CR and LF on either side. */
HL_EXPORT struct hl_slice hl_slice_trim(struct hl_slice s);
/* Cuts `*rest` at the first `separator`: returns what is before, leaves what is behind in `*rest`.
 * Without a separator returns all and leaves the empty slice (data NULL). */
HL_EXPORT struct hl_slice hl_slice_cut(struct hl_slice *rest, char separator);
/* Parses all of `s` as a decimal number. 0, -EINVAL (empty or not only digits), -ERANGE. */
HL_EXPORT int hl_slice_number(struct hl_slice s, uint64_t *number);
/* A NUL-terminated copy; the caller frees it with hl_free. NULL when memory is out. */
HL_EXPORT char *hl_slice_copy(struct hl_slice s);
/* Whether `text` matches the glob `pattern` (`*` and `?`), without regard to ASCII case;
 * linear in practice: at most one backtrack point. */
HL_EXPORT bool hl_slice_glob(struct hl_slice pattern, struct hl_slice text);

#endif
