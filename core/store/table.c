/* A table of the database. Its columns make the table, the statements and the way back to values;
 * one that an older version made gets the columns it lacks. */
#include "base/memory.h"
#include "store/private.h"

#include <errno.h>
#include <stdio.h>

static const char *const sql_types[HL_KINDS] = {
	[HL_KIND_TEXT] = "TEXT",       [HL_KIND_INTEGER] = "INTEGER", [HL_KIND_NUMBER] = "REAL",
	[HL_KIND_BOOLEAN] = "INTEGER", [HL_KIND_TIME] = "TEXT",	      [HL_KIND_JSON] = "TEXT",
};

/* The columns with something before and behind each. */
static void put_columns(const struct hl_table *table, struct hl_text *sql, const char *before,
			const char *behind)
{
	for (size_t i = 0; i < table->layout->columns.count; i++)
		hl_text_printf(sql, "%s%s%s%s", i ? ", " : "", before,
			       table->layout->columns.items[i].name, behind);
}

static int make_columns(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	const struct hl_columns *columns = &table->layout->columns;
	char find[96];
	int code;

	hl_text_printf(sql, "CREATE TABLE IF NOT EXISTS %s (%s", table->name,
		       table->numbered ? "number INTEGER PRIMARY KEY, " : "");
	for (size_t i = 0; i < columns->count; i++)
		hl_text_printf(sql, "%s%s %s", i ? ", " : "", columns->items[i].name,
			       sql_types[columns->items[i].kind]);
	hl_text_put(sql, ")");
	code = hl_database_run_text(table->database, sql, error);
	snprintf(find, sizeof(find), "SELECT 1 FROM pragma_table_info('%s') WHERE name = ?1",
		 table->name);
	for (size_t i = 0; i < columns->count && !code; i++) {
		const struct hl_column *column = &columns->items[i];

		if (hl_database_number(table->database, find, column->name) == 1)
			continue;
		hl_text_printf(sql, "ALTER TABLE %s ADD COLUMN %s %s", table->name, column->name,
			       sql_types[column->kind]);
		code = hl_database_run_text(table->database, sql, error);
	}
	return code;
}

static int prepare_put(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	hl_text_printf(sql, table->numbered ? "INSERT OR REPLACE INTO %s (number, "
					    : "INSERT INTO %s (", table->name);
	put_columns(table, sql, "", "");
	hl_text_put(sql, table->numbered ? ") VALUES (?, " : ") VALUES (");
	for (size_t i = 0; i < table->layout->columns.count; i++)
		hl_text_put(sql, i ? ", ?" : "?");
	hl_text_put(sql, ")");
	return hl_database_prepare(table->database, sql, &table->put, error);
}

/* All rows, their last column as refreshes left it. */
static int prepare_all(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	const struct hl_columns *columns = &table->layout->columns;
	bool refreshed = table->layout->refreshed;

	hl_text_put(sql, "SELECT number");
	for (size_t i = 0; i < columns->count; i++)
		hl_text_printf(sql, refreshed && i == columns->count - 1
					    ? ", max(%s, ifnull(later, ''))" : ", %s",
			       columns->items[i].name);
	hl_text_printf(sql, " FROM %s%s ORDER BY number", table->name,
		       refreshed ? HL_REFRESHES_JOIN : "");
	return hl_database_prepare(table->database, sql, &table->all, error);
}

/* The number is always the first parameter, the values follow. */
static int prepare_numbered(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	const struct hl_columns *columns = &table->layout->columns;
	size_t first = columns->count - table->layout->changing;
	int code;

	if (!table->layout->changing)
		goto drop;
	hl_text_printf(sql, "UPDATE %s SET ", table->name);
	for (size_t i = first; i < columns->count; i++)
		hl_text_printf(sql, "%s%s = ?%zu", i > first ? ", " : "", columns->items[i].name,
			       i - first + 2);
	hl_text_put(sql, " WHERE number = ?1");
	code = hl_database_prepare(table->database, sql, &table->touch, error);
	if (code)
		return code;
drop:
	hl_text_printf(sql, "DELETE FROM %s WHERE number = ?1", table->name);
	code = hl_database_prepare(table->database, sql, &table->drop, error);
	return code ? code : prepare_all(table, sql, error);
}

static int prepare_last(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	hl_text_put(sql, "SELECT * FROM (SELECT rowid AS row, ");
	put_columns(table, sql, "", "");
	hl_text_printf(sql, " FROM %s ORDER BY rowid DESC LIMIT ?1) ORDER BY row", table->name);
	return hl_database_prepare(table->database, sql, &table->all, error);
}

int hl_table_open(struct hl_table *table, struct hl_database *database, const char *name,
		  const struct hl_store_layout *layout, bool numbered, struct hl_error *error)
{
	struct hl_text sql;
	int code;

	*table = (struct hl_table){
		.database = database, .name = name, .layout = layout, .numbered = numbered};
	table->times = hl_alloc(layout->columns.count * sizeof(*table->times));
	if (!table->times)
		return hl_error_set(error, -ENOMEM, "no memory for the database");
	hl_text_init(&sql);
	code = make_columns(table, &sql, error);
	if (!code)
		code = prepare_put(table, &sql, error);
	if (!code)
		code = numbered ? prepare_numbered(table, &sql, error)
				: prepare_last(table, &sql, error);
	hl_text_fini(&sql);
	return code;
}

void hl_table_close(struct hl_table *table)
{
	sqlite3_finalize(table->put);
	sqlite3_finalize(table->touch);
	sqlite3_finalize(table->drop);
	sqlite3_finalize(table->all);
	hl_free(table->times);
	*table = (struct hl_table){.database = NULL};
}

static void bind(struct hl_table *table, sqlite3_stmt *statement, int at, size_t column,
		 const struct hl_value *value)
{
	if (!value->present) {
		sqlite3_bind_null(statement, at);
		return;
	}
	switch (table->layout->columns.items[column].kind) {
	case HL_KIND_INTEGER:
	case HL_KIND_BOOLEAN: sqlite3_bind_int64(statement, at, value->integer); break;
	case HL_KIND_NUMBER: sqlite3_bind_double(statement, at, value->number); break;
	case HL_KIND_TIME:
		hl_clock_format(value->time, table->times[column]);
		sqlite3_bind_text(statement, at, table->times[column], -1, SQLITE_STATIC);
		break;
	default:
		sqlite3_bind_text64(statement, at, value->text.data, value->text.length,
				    SQLITE_STATIC, SQLITE_UTF8);
	}
}

int hl_table_put(struct hl_table *table, int64_t number, const struct hl_value *row,
		 struct hl_error *error)
{
	int at = 1;

	if (table->numbered && number < 0)
		sqlite3_bind_null(table->put, at++);
	else if (table->numbered)
		sqlite3_bind_int64(table->put, at++, number);
	for (size_t i = 0; i < table->layout->columns.count; i++)
		bind(table, table->put, at++, i, &row[i]);
	return hl_database_step(table->database, table->put, "write a row", error);
}

int hl_table_touch(struct hl_table *table, int64_t number, const struct hl_value *values,
		   struct hl_error *error)
{
	size_t first = table->layout->columns.count - table->layout->changing;

	sqlite3_bind_int64(table->touch, 1, number);
	for (size_t i = 0; i < table->layout->changing; i++)
		bind(table, table->touch, (int)i + 2, first + i, &values[i]);
	return hl_database_step(table->database, table->touch, "change a row", error);
}

int hl_table_drop(struct hl_table *table, int64_t number, struct hl_error *error)
{
	sqlite3_bind_int64(table->drop, 1, number);
	return hl_database_step(table->database, table->drop, "remove a row", error);
}

/* `kind` as it is stored: times stay the text they are when `times` says so. */
static struct hl_value read_value(sqlite3_stmt *row, int at, enum hl_kind kind, bool times)
{
	struct hl_value value = {.present = sqlite3_column_type(row, at) != SQLITE_NULL};

	if (kind == HL_KIND_INTEGER || kind == HL_KIND_BOOLEAN) {
		value.integer = sqlite3_column_int64(row, at);
	} else if (kind == HL_KIND_NUMBER) {
		value.number = sqlite3_column_double(row, at);
	} else {
		value.text.data = (const char *)sqlite3_column_text(row, at);
		value.text.length = (size_t)sqlite3_column_bytes(row, at);
		value.present &= value.text.data != NULL;
		if (kind == HL_KIND_TIME && times) {
			uint64_t wall = 0;
			value.present &= !hl_clock_parse(value.text, &wall);
			value.time = wall;
		}
	}
	return value;
}

static int show(struct hl_table *table, sqlite3_stmt *statement,
		void (*visit)(void *arg, int64_t number, const struct hl_value *row), void *arg,
		struct hl_error *error)
{
	const struct hl_columns *columns = &table->layout->columns;
	struct hl_value *row = hl_alloc(columns->count * sizeof(*row));
	int code;

	if (!row)
		return hl_error_set(error, -EIO, "no memory for the rows");
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		for (size_t i = 0; i < columns->count; i++)
			row[i] = read_value(statement, (int)i + 1, columns->items[i].kind, true);
		visit(arg, sqlite3_column_int64(statement, 0), row);
	}
	if (code != SQLITE_DONE)
		hl_database_failed(table->database, "read the rows", error);
	sqlite3_reset(statement);
	hl_free(row);
	return code == SQLITE_DONE ? 0 : -EIO;
}

int hl_table_each(struct hl_table *table,
		  void (*visit)(void *arg, int64_t number, const struct hl_value *row), void *arg,
		  struct hl_error *error)
{
	return show(table, table->all, visit, arg, error);
}

int hl_table_find(struct hl_table *table, enum hl_store_match match, struct hl_slice key,
		  unsigned most,
		  void (*visit)(void *arg, int64_t number, const struct hl_value *row), void *arg,
		  struct hl_error *error)
{
	const char *first = table->layout->columns.items->name;
	sqlite3_stmt *statement = NULL;
	struct hl_text sql;
	int code;

	hl_text_init(&sql);
	hl_text_put(&sql, "SELECT number, ");
	put_columns(table, &sql, "", "");
	hl_text_printf(&sql, " FROM %s WHERE %s %s ?1 ORDER BY %s LIMIT %u", table->name, first,
		       match == HL_STORE_IS ? "=" : ">", first, most);
	code = hl_database_prepare(table->database, &sql, &statement, error);
	if (!code) {
		sqlite3_bind_text64(statement, 1, key.length ? key.data : "", key.length,
				    SQLITE_STATIC, SQLITE_UTF8);
		code = show(table, statement, visit, arg, error);
	}
	sqlite3_finalize(statement);
	hl_text_fini(&sql);
	return code ? -EIO : 0;
}

int hl_table_last(struct hl_table *table, unsigned count, struct hl_text *text,
		  struct hl_error *error)
{
	const struct hl_columns *columns = &table->layout->columns;
	struct hl_json json;
	int code;

	hl_json_init(&json, text);
	hl_json_array(&json);
	sqlite3_bind_int64(table->all, 1, count);
	while ((code = sqlite3_step(table->all)) == SQLITE_ROW) {
		hl_json_object(&json);
		for (size_t i = 0; i < columns->count; i++) {
			enum hl_kind kind = columns->items[i].kind;
			struct hl_value value = read_value(table->all, (int)i + 1, kind, false);

			hl_json_name(&json, columns->items[i].name);
			hl_value_json(kind == HL_KIND_TIME ? HL_KIND_TEXT : kind, &value, &json);
		}
		hl_json_object_end(&json);
	}
	hl_json_array_end(&json);
	if (code != SQLITE_DONE)
		hl_database_failed(table->database, "read the records", error);
	sqlite3_reset(table->all);
	if (code == SQLITE_DONE && text->failed)
		return hl_error_set(error, -ENOMEM, "no memory for the records");
	return code == SQLITE_DONE ? 0 : -EIO;
}

int hl_table_recover(struct hl_table *table, struct hl_slice line, struct hl_error *error)
{
	sqlite3_stmt *statement = NULL;
	struct hl_text sql;
	int code;

	hl_text_init(&sql);
	hl_text_printf(&sql, "INSERT INTO %s (", table->name);
	put_columns(table, &sql, "", "");
	hl_text_put(&sql, ") SELECT ");
	put_columns(table, &sql, "json_extract(?1, '$.", "')");
	hl_text_printf(&sql,
		       " WHERE NOT EXISTS (SELECT 1 FROM %s WHERE "
		       "started IS json_extract(?1, '$.started') AND "
		       "id IS json_extract(?1, '$.id'))", table->name);
	code = hl_database_prepare(table->database, &sql, &statement, error);
	if (!code) {
		sqlite3_bind_text64(statement, 1, line.data, line.length, SQLITE_STATIC,
				    SQLITE_UTF8);
		code = hl_database_step(table->database, statement, "recover a record", error);
	}
	sqlite3_finalize(statement);
	hl_text_fini(&sql);
	return code;
}
