/* The SQLite database: whose it is, its version, and groups of changes. */
#include "base/file.h"
#include "base/memory.h"
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	SCHEMA = 3,		  /* PRAGMA user_version */
	APPLICATION = 0x486f4c64, /* PRAGMA application_id: "HoLd" */
	CACHE_KIB = 16384,
};

/* What each version brought, from the one before; tables get their columns from table.c. */
static const char *const migrations[SCHEMA] = {
	"",
	/* How far cdr.jsonl is in table cdr: the file's inode and its length then. */
	"CREATE TABLE journal (one INTEGER PRIMARY KEY CHECK (one = 1), file INTEGER, "
	"length INTEGER);",
	/* Until when which row of contacts holds, as refreshes put it off: refresh.c. */
	"CREATE TABLE refreshes (expires INTEGER, number INTEGER, PRIMARY KEY (expires, number)) "
	"WITHOUT ROWID;",
};

int hl_database_failed(struct hl_database *database, const char *what, struct hl_error *error)
{
	return hl_error_set(error, -EIO, "cannot %s: %s", what,
			    database->db ? sqlite3_errmsg(database->db) : "no memory");
}

int hl_database_run(struct hl_database *database, const char *sql, const char *what,
		    struct hl_error *error)
{
	return sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : hl_database_failed(database, what, error);
}

int hl_database_run_text(struct hl_database *database, struct hl_text *sql, struct hl_error *error)
{
	int code = sql->failed ? hl_error_set(error, -ENOMEM, "no memory for the database")
			       : hl_database_run(database, hl_text_string(sql), "make the tables",
						 error);

	hl_text_clear(sql);
	return code;
}

int hl_database_prepare(struct hl_database *database, struct hl_text *sql, sqlite3_stmt **statement,
			struct hl_error *error)
{
	int code = 0;

	if (sql->failed)
		code = hl_error_set(error, -ENOMEM, "no memory for the database");
	else if (sqlite3_prepare_v3(database->db, hl_text_string(sql), -1,
				    SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK)
		code = hl_database_failed(database, "use the tables", error);
	hl_text_clear(sql);
	return code;
}

int64_t hl_database_number(struct hl_database *database, const char *sql, const char *argument)
{
	sqlite3_stmt *statement;
	int64_t number = -1;

	if (sqlite3_prepare_v2(database->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (argument)
		sqlite3_bind_text(statement, 1, argument, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* SQLite has undone the group by itself when the disk is full or broken. */
static void undo(struct hl_database *database)
{
	if (!sqlite3_get_autocommit(database->db))
		sqlite3_exec(database->db, "ROLLBACK", NULL, NULL, NULL);
}

int hl_database_step(struct hl_database *database, sqlite3_stmt *statement, const char *what,
		     struct hl_error *error)
{
	int code = sqlite3_step(statement);

	/* Says what went wrong only until the reset. */
	if (code != SQLITE_DONE)
		hl_database_failed(database, what, error);
	sqlite3_reset(statement);
	switch (code & 0xff) {
	case SQLITE_DONE: return 0;
	case SQLITE_ERROR:
	case SQLITE_TOOBIG:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH: return -EINVAL;
	default: undo(database); return -EIO;
	}
}

int hl_database_begin(struct hl_database *database, struct hl_error *error)
{
	return hl_database_run(database, "BEGIN IMMEDIATE", "write to the database", error);
}

int hl_database_commit(struct hl_database *database, struct hl_error *error)
{
	int code = hl_database_run(database, "COMMIT", "write to the database", error);

	if (code)
		undo(database);
	return code;
}

/* Before version 2 a database did not say whose it is; but it had table cdr. */
static int check_owner(struct hl_database *database, int64_t version, struct hl_error *error)
{
	int64_t application = hl_database_number(database, "PRAGMA application_id", NULL);
	bool others = hl_database_number(database, "SELECT 1 FROM sqlite_master", NULL) == 1;
	bool cdr = hl_database_number(database,
				      "SELECT 1 FROM sqlite_master WHERE name = 'cdr'", NULL) == 1;

	if (application < 0 || version < 0)
		return hl_database_failed(database, "read it", error);
	if (application != APPLICATION && (application || (others && !cdr)))
		return hl_error_set(error, -EINVAL, "is the database of another program");
	if (version > SCHEMA)
		return hl_error_set(error, -EINVAL,
				    "was written by a newer version (schema %lld, this one knows "
				    "%d): update", (long long)version, SCHEMA);
	return 0;
}

static int migrate(struct hl_database *database, int64_t version, struct hl_error *error)
{
	struct hl_text sql;
	int code;

	if (version == SCHEMA)
		return 0;
	hl_text_init(&sql);
	hl_text_put(&sql, "BEGIN IMMEDIATE;");
	for (; version < SCHEMA; version++)
		hl_text_put(&sql, migrations[version]);
	hl_text_printf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		       APPLICATION, SCHEMA);
	code = hl_database_run_text(database, &sql, error);
	hl_text_fini(&sql);
	if (code)
		undo(database);
	return code;
}

/* WAL lets others read meanwhile; FULL makes a commit survive the loss of power. */
static int set_up(struct hl_database *database, struct hl_error *error)
{
	struct hl_text sql;
	int64_t version;
	int code;

	sqlite3_busy_timeout(database->db, 1000);
	version = hl_database_number(database, "PRAGMA user_version", NULL);
	code = check_owner(database, version, error);
	hl_text_init(&sql);
	hl_text_printf(&sql,
		       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
		       "PRAGMA cache_size = -%d", CACHE_KIB);
	if (!code)
		code = hl_database_run_text(database, &sql, error);
	if (!code)
		code = migrate(database, version, error);
	hl_text_clear(&sql);
	hl_text_put(&sql, "INSERT OR REPLACE INTO journal VALUES (1, ?, ?)");
	if (!code)
		code = hl_database_prepare(database, &sql, &database->state, error);
	hl_text_fini(&sql);
	return code;
}

/* SQLite knows of rights only that it "cannot open" or that a database is "readonly". Says which of
 * its files cannot be written; 0: none. */
static int check_rights(const char *path, struct hl_error *error)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	struct hl_text name;
	int code = 0;

	hl_text_init(&name);
	for (size_t i = 0; i < HL_COUNT(suffixes) && !code; i++) {
		int file;

		hl_text_clear(&name);
		hl_text_printf(&name, "%s%s", path, suffixes[i]);
		if (name.failed) {
			code = hl_error_set(error, -ENOMEM, "no memory for the store");
			continue;
		}
		/* SQLite would let everybody read who called whom; the others follow this mode. */
		file = open(hl_text_string(&name), O_RDWR | O_CLOEXEC | (i ? 0 : O_CREAT), 0640);
		if (file >= 0)
			close(file);
		else if (!i || errno != ENOENT)
			code = hl_file_refused(hl_text_string(&name), -errno, HL_STORE_MEND,
					       error);
	}
	hl_text_fini(&name);
	return code;
}

int hl_database_open(struct hl_database *database, const char *path, struct hl_error *error)
{
	struct hl_error cause;
	int code = check_rights(path, error);

	if (code)
		return code;
	if (sqlite3_open_v2(path, &database->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		code = hl_database_failed(database, "open it", &cause);
	else
		code = set_up(database, &cause);
	if (!code)
		return 0;
	return hl_error_set(error, code,
			    "%s: %s; move the file away to begin with an empty one, or set "
			    "switch.state_dir", path, cause.text);
}

void hl_database_close(struct hl_database *database)
{
	sqlite3_finalize(database->state);
	sqlite3_close(database->db);
	*database = (struct hl_database){NULL};
}
