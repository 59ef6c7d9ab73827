/* Text for people about what failed; travels up and is printed once, where there is a user.
 * The machine's answer is the negative errno beside it. */
#ifndef HL_BASE_ERROR_H
#define HL_BASE_ERROR_H

#include "base/export.h"

struct hl_error {
	char text[512]; /* NUL-terminated; what is wrong and what to do */
};

/* Writes the text (cut when too long) and returns `code`, so that `return hl_error_set(…)` reads
 * well. `error` may be NULL. */
HL_EXPORT int hl_error_set(struct hl_error *error, int code, const char *format, ...)
	HL_PRINTF(3, 4);

#endif
