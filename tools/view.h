/* What people see of an answer: tables, and cards of one object. */
#ifndef HL_TOOLS_VIEW_H
#define HL_TOOLS_VIEW_H

#include "terminal.h"

#include <jansson.h>

/* One column of a table, or one line of a card. Lists of them end with a NULL title. */
struct field {
	const char *title;
	const char *path; /* dotted; of the value in its row */
	/* Writes the value (NULL when it is not there) in words; returns its colour. */
	enum shade (*cell)(FILE *out, const json_t *value, const json_t *row);
	bool right;   /* aligned */
	bool wraps;   /* a text: goes on below itself where it is too long */
	bool shrinks; /* may be cut when the terminal is narrow */
};

/* The value at a dotted path, or NULL. */
const json_t *view_get(const json_t *row, const char *path);
void view_table(const struct field *fields, const json_t *rows);
void view_card(const struct field *fields, const json_t *object);
/* For answers that have no view of their own. */
void view_any(const json_t *value);

#endif
