/* The terminal: how wide, whether coloured, and text made safe for it. */
#ifndef HL_TOOLS_TERMINAL_H
#define HL_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum shade { SHADE_NONE, SHADE_DIM, SHADE_GOOD, SHADE_WARN, SHADE_BAD, SHADE_TITLE };

/* Looks at the locale, the environment and standard output; first of all. */
void terminal_setup(void);
/* Columns to fit into; 0: no bound, output goes to a file or a pipe. */
size_t terminal_width(void);
/* A copy that shows control characters as escapes and what the locale has no letters for as `?`:
 * names and agents come from the network. Newlines stay if `lines`. The caller frees it. */
char *terminal_clean(const char *text, bool lines);
/* Columns that cleaned text takes. */
size_t terminal_columns(const char *text);
/* Bytes of cleaned text that fit into `columns`, up to a blank where there is one; at least one
 * character, as long as there is any. */
size_t terminal_wrap(const char *text, size_t columns);
/* Prints cleaned text in exactly `columns`, cut with … or filled with blanks, and coloured. */
void terminal_cell(const char *text, size_t columns, bool right, enum shade shade);

#endif
