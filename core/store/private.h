/* Between the two halves of the store: the writer (store.c) and the database (table.c). */
#ifndef HL_STORE_PRIVATE_H
#define HL_STORE_PRIVATE_H

#include "base/error.h"
#include "base/row.h"

struct hl_table;

/* Opens or creates `path`; `columns` (borrowed) are those of table `cdr`. NULL with `error`. Used
 * by one thread at a time. */
struct hl_table *hl_table_open(const char *path, const struct hl_columns *columns,
			       struct hl_error *error);
void hl_table_close(struct hl_table *table);

/* A group: all of its rows come into the table with the commit, or none. 0; -EIO when the database
 * cannot be written now (the group is undone), with `error`; -EINVAL from insert: this row can
 * never be written, the group goes on. */
int hl_table_begin(struct hl_table *table, struct hl_error *error);
int hl_table_insert(struct hl_table *table, const struct hl_value *row, struct hl_error *error);
int hl_table_commit(struct hl_table *table, struct hl_error *error);

/* Appends the last `count` rows, newest last, as a JSON array. 0 or -EIO with `error`. */
int hl_table_last(struct hl_table *table, unsigned count, struct hl_text *json,
		  struct hl_error *error);

#endif
