/* Mistakes: everything that is wrong with a configuration, collected and shown together. */
#ifndef HL_CONFIG_MISTAKE_H
#define HL_CONFIG_MISTAKE_H

#include "base/list.h"
#include "base/text.h"

struct hl_place {
	const char *file; /* borrowed from the configuration; NULL: nowhere in a file */
	unsigned line;	  /* from 1 */
	unsigned column;  /* from 1 */
};

struct hl_mistakes {
	struct hl_list list; /* of struct hl_mistake, in order of report */
	unsigned errors;
	unsigned warnings;
};

HL_EXPORT void hl_mistakes_init(struct hl_mistakes *mistakes);
HL_EXPORT void hl_mistakes_fini(struct hl_mistakes *mistakes);
/* "FILE:LINE:COL: path: text"; the text says what is wrong, what is allowed, did you mean. */
HL_EXPORT void hl_mistake(struct hl_mistakes *mistakes, struct hl_place place, const char *path,
			  const char *format, ...) HL_PRINTF(4, 5);
HL_EXPORT void hl_mistake_warning(struct hl_mistakes *mistakes, struct hl_place place,
				  const char *path, const char *format, ...) HL_PRINTF(4, 5);
/* All of them, a line each, sorted by file, line and column. */
HL_EXPORT void hl_mistakes_print(const struct hl_mistakes *mistakes, struct hl_text *text);

#endif
