/* Table `cdr` of the SQLite database. Its columns make the table, the statements and the way back
 * to JSON; a database of an older version gets the columns it lacks. */
#include "base/clock.h"
#include "base/memory.h"
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

enum { SCHEMA = 1 }; /* PRAGMA user_version */

static const char *const sql_types[HL_KINDS] = {
	[HL_KIND_TEXT] = "TEXT",       [HL_KIND_INTEGER] = "INTEGER", [HL_KIND_NUMBER] = "REAL",
	[HL_KIND_BOOLEAN] = "INTEGER", [HL_KIND_TIME] = "TEXT",	      [HL_KIND_JSON] = "TEXT",
};

struct hl_table {
	const struct hl_columns *columns; /* borrowed */
	char (*times)[HL_CLOCK_TEXT];     /* of the row that is bound, by column; owned */
	sqlite3 *db;          /* owned */
	sqlite3_stmt *insert; /* owned */
	sqlite3_stmt *last;   /* owned */
};

static int failed(struct hl_table *table, const char *what, struct hl_error *error)
{
	return hl_error_set(error, -EIO, "cannot %s: %s", what,
			    table->db ? sqlite3_errmsg(table->db) : "no memory");
}

static int run(struct hl_table *table, const char *sql, const char *what, struct hl_error *error)
{
	return sqlite3_exec(table->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : failed(table, what, error);
}

static void put_columns(const struct hl_table *table, struct hl_text *sql, bool types)
{
	for (size_t i = 0; i < table->columns->count; i++) {
		const struct hl_column *column = &table->columns->items[i];

		hl_text_printf(sql, "%s%s%s%s", i ? "," : "", column->name, types ? " " : "",
			       types ? sql_types[column->kind] : "");
	}
}

/* Runs or prepares what `sql` holds, and empties it. */
static int run_text(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	int code = sql->failed ? hl_error_set(error, -ENOMEM, "no memory for the database")
			       : run(table, hl_text_string(sql), "make the tables", error);

	hl_text_clear(sql);
	return code;
}

static int prepare_text(struct hl_table *table, struct hl_text *sql, sqlite3_stmt **statement,
			struct hl_error *error)
{
	int code = 0;

	if (sql->failed)
		code = hl_error_set(error, -ENOMEM, "no memory for the database");
	else if (sqlite3_prepare_v3(table->db, hl_text_string(sql), -1, SQLITE_PREPARE_PERSISTENT,
				    statement, NULL) != SQLITE_OK)
		code = failed(table, "use the tables", error);
	hl_text_clear(sql);
	return code;
}

static int number_of(struct hl_table *table, const char *sql, const char *argument)
{
	sqlite3_stmt *statement;
	int number = -1;

	if (sqlite3_prepare_v2(table->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (argument)
		sqlite3_bind_text(statement, 1, argument, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

static int make_columns(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	int code;

	hl_text_put(sql, "CREATE TABLE IF NOT EXISTS cdr (");
	put_columns(table, sql, true);
	hl_text_put(sql, ")");
	code = run_text(table, sql, error);
	for (size_t i = 0; i < table->columns->count && !code; i++) {
		const struct hl_column *column = &table->columns->items[i];

		if (number_of(table, "SELECT 1 FROM pragma_table_info('cdr') WHERE name = ?1",
			      column->name) == 1)
			continue;
		hl_text_printf(sql, "ALTER TABLE cdr ADD COLUMN %s %s", column->name,
			       sql_types[column->kind]);
		code = run_text(table, sql, error);
	}
	if (code)
		return code;
	hl_text_printf(sql, "CREATE INDEX IF NOT EXISTS cdr_started ON cdr (started);"
		       "PRAGMA user_version = %d", SCHEMA);
	return run_text(table, sql, error);
}

static int prepare_all(struct hl_table *table, struct hl_text *sql, struct hl_error *error)
{
	int code;

	hl_text_put(sql, "INSERT INTO cdr (");
	put_columns(table, sql, false);
	hl_text_put(sql, ") VALUES (");
	for (size_t i = 0; i < table->columns->count; i++)
		hl_text_put(sql, i ? ",?" : "?");
	hl_text_put(sql, ")");
	code = prepare_text(table, sql, &table->insert, error);
	if (code)
		return code;
	hl_text_put(sql, "SELECT * FROM (SELECT ");
	put_columns(table, sql, false);
	hl_text_put(sql, ", rowid AS row FROM cdr ORDER BY rowid DESC LIMIT ?1) ORDER BY row");
	return prepare_text(table, sql, &table->last, error);
}

/* WAL lets others read meanwhile; FULL makes a commit survive the loss of power. */
static int set_up(struct hl_table *table, struct hl_error *error)
{
	struct hl_text sql;
	int version, code;

	sqlite3_busy_timeout(table->db, 1000);
	code = run(table, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
		   "use the database", error);
	if (code)
		return code;
	version = number_of(table, "PRAGMA user_version", NULL);
	if (version > SCHEMA)
		return hl_error_set(error, -EINVAL,
				    "was written by a newer version (schema %d, this one knows "
				    "%d): update, or move the file away", version, SCHEMA);
	hl_text_init(&sql);
	code = make_columns(table, &sql, error);
	if (!code)
		code = prepare_all(table, &sql, error);
	hl_text_fini(&sql);
	return code;
}

struct hl_table *hl_table_open(const char *path, const struct hl_columns *columns,
			       struct hl_error *error)
{
	struct hl_table *table = hl_zalloc(sizeof(*table));
	struct hl_error cause;
	int code;

	if (table)
		table->times = hl_alloc(columns->count * sizeof(*table->times));
	if (!table || !table->times) {
		hl_error_set(error, -ENOMEM, "no memory for the database");
		hl_free(table);
		return NULL;
	}
	table->columns = columns;
	/* SQLite would let everybody read who called whom; its -wal and -shm follow this mode. */
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (file >= 0)
		close(file);
	if (sqlite3_open_v2(path, &table->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		code = failed(table, "open it", &cause);
	else
		code = set_up(table, &cause);
	if (!code)
		return table;
	hl_error_set(error, code, "%s: %s", path, cause.text);
	hl_table_close(table);
	return NULL;
}

void hl_table_close(struct hl_table *table)
{
	if (!table)
		return;
	sqlite3_finalize(table->insert);
	sqlite3_finalize(table->last);
	sqlite3_close(table->db);
	hl_free(table->times);
	hl_free(table);
}

int hl_table_begin(struct hl_table *table, struct hl_error *error)
{
	return run(table, "BEGIN IMMEDIATE", "write to the database", error);
}

/* SQLite has undone the group by itself when the disk is full or broken. */
static void undo(struct hl_table *table)
{
	if (!sqlite3_get_autocommit(table->db))
		sqlite3_exec(table->db, "ROLLBACK", NULL, NULL, NULL);
}

static void bind(struct hl_table *table, size_t column, const struct hl_value *value)
{
	int at = (int)column + 1;

	if (!value->present) {
		sqlite3_bind_null(table->insert, at);
		return;
	}
	switch (table->columns->items[column].kind) {
	case HL_KIND_INTEGER:
	case HL_KIND_BOOLEAN: sqlite3_bind_int64(table->insert, at, value->integer); break;
	case HL_KIND_NUMBER: sqlite3_bind_double(table->insert, at, value->number); break;
	case HL_KIND_TIME:
		hl_clock_format(value->time, table->times[column]);
		sqlite3_bind_text(table->insert, at, table->times[column], -1, SQLITE_STATIC);
		break;
	default:
		sqlite3_bind_text64(table->insert, at, value->text.data, value->text.length,
				    SQLITE_STATIC, SQLITE_UTF8);
	}
}

int hl_table_insert(struct hl_table *table, const struct hl_value *row, struct hl_error *error)
{
	int code;

	for (size_t i = 0; i < table->columns->count; i++)
		bind(table, i, &row[i]);
	code = sqlite3_step(table->insert);
	/* Says what went wrong only until the reset. */
	if (code != SQLITE_DONE)
		failed(table, "write a record", error);
	sqlite3_reset(table->insert);
	switch (code & 0xff) {
	case SQLITE_DONE:
		return 0;
	case SQLITE_ERROR:
	case SQLITE_TOOBIG:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return -EINVAL;
	default:
		undo(table);
		return -EIO;
	}
}

int hl_table_commit(struct hl_table *table, struct hl_error *error)
{
	int code = run(table, "COMMIT", "write to the database", error);

	if (code)
		undo(table);
	return code;
}

static void put_value(const struct hl_column *column, sqlite3_stmt *row, int i,
		      struct hl_json *json)
{
	enum hl_kind kind = column->kind == HL_KIND_TIME ? HL_KIND_TEXT : column->kind;
	struct hl_value value = {.present = sqlite3_column_type(row, i) != SQLITE_NULL};

	if (kind == HL_KIND_INTEGER || kind == HL_KIND_BOOLEAN) {
		value.integer = sqlite3_column_int64(row, i);
	} else if (kind == HL_KIND_NUMBER) {
		value.number = sqlite3_column_double(row, i);
	} else {
		value.text.data = (const char *)sqlite3_column_text(row, i);
		value.text.length = (size_t)sqlite3_column_bytes(row, i);
		value.present &= value.text.data != NULL;
	}
	hl_json_name(json, column->name);
	hl_value_json(kind, &value, json);
}

int hl_table_last(struct hl_table *table, unsigned count, struct hl_text *text,
		  struct hl_error *error)
{
	struct hl_json json;
	int code;

	hl_json_init(&json, text);
	hl_json_array(&json);
	sqlite3_bind_int64(table->last, 1, count);
	while ((code = sqlite3_step(table->last)) == SQLITE_ROW) {
		hl_json_object(&json);
		for (size_t i = 0; i < table->columns->count; i++)
			put_value(&table->columns->items[i], table->last, (int)i, &json);
		hl_json_object_end(&json);
	}
	hl_json_array_end(&json);
	if (code != SQLITE_DONE)
		failed(table, "read the records", error);
	sqlite3_reset(table->last);
	if (code == SQLITE_DONE && text->failed)
		return hl_error_set(error, -ENOMEM, "no memory for the records");
	return code == SQLITE_DONE ? 0 : -EIO;
}
