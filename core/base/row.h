/* A row: typed values under the names of its columns, as a record is kept, written as JSON and
 * bound to a statement. */
#ifndef HL_BASE_ROW_H
#define HL_BASE_ROW_H

#include "base/json.h"

enum hl_kind {
	HL_KIND_TEXT,
	HL_KIND_INTEGER,
	HL_KIND_NUMBER,
	HL_KIND_BOOLEAN, /* 0 or 1 where there are no booleans */
	HL_KIND_TIME,	 /* µs since the epoch; written as RFC 3339 */
	HL_KIND_JSON,	 /* text that is JSON already */
	HL_KINDS
};

struct hl_column {
	const char *name; /* static; an identifier */
	enum hl_kind kind;
};

/* All zeros is null. */
struct hl_value {
	bool present;
	union {
		int64_t integer; /* and booleans */
		double number;
		uint64_t time;
		struct hl_slice text; /* borrowed; and JSON */
	};
};

/* A table's layout: the columns, in order. */
struct hl_columns {
	const struct hl_column *items; /* static */
	size_t count;
};

HL_EXPORT struct hl_value hl_value_text(const char *text); /* borrowed; NULL and "" are null */
HL_EXPORT struct hl_value hl_value_integer(int64_t integer);
HL_EXPORT struct hl_value hl_value_number(double number);
HL_EXPORT struct hl_value hl_value_boolean(bool boolean);
HL_EXPORT struct hl_value hl_value_time(uint64_t time); /* 0 is null */

/* Writes one value. */
HL_EXPORT void hl_value_json(enum hl_kind kind, const struct hl_value *value, struct hl_json *json);
/* Writes the row as an object: every column, null where there is no value. */
HL_EXPORT void hl_row_json(const struct hl_columns *columns, const struct hl_value *row,
			   struct hl_json *json);

/* The bytes that `row` takes in one piece, and its copy there: `to` has room for them, aligned for
 * any type. The copy borrows nothing. */
HL_EXPORT size_t hl_row_size(const struct hl_columns *columns, const struct hl_value *row);
HL_EXPORT struct hl_value *hl_row_copy(const struct hl_columns *columns, const struct hl_value *row,
				       void *to);

#endif
