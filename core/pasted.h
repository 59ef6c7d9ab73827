/* A line that somebody pasted from a client's window, a web page or a spreadsheet: what is written
 * in it, and the parameter and the value that it gives. */
#ifndef HL_PASTED_H
#define HL_PASTED_H

#include "base/text.h"

/* Appends the line as plain text: blanks, quotes, signs of full width and table rules of Unicode
 * become those of ASCII, what cannot be seen goes, what is no text is `?`. */
void hl_pasted_clean(struct hl_slice line, struct hl_text *clean);
/* Finds NAME VALUE, NAME = VALUE, `| NAME | VALUE | … |`, "NAME","VALUE" in a clean line; both are
 * slices of it, `value` empty where there is none. False: it gives nothing, because it holds no
 * more than rules and blanks or is a comment. */
bool hl_pasted_read(struct hl_slice line, struct hl_slice *name, struct hl_slice *value);
/* The value without the unit behind it, if it is this one: "180 s" → "180". */
struct hl_slice hl_pasted_without_unit(struct hl_slice value, const char *unit);

#endif
