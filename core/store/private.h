/* The store's own: who calls queues items (store.c), the writer thread takes them (writer.c) to
 * the file (journal.c) and to the tables (table.c) of the database (database.c). */
#ifndef HL_STORE_PRIVATE_H
#define HL_STORE_PRIVATE_H

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "loop/timer.h"
#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

/* What can be done about a file that cannot be used, behind the reason. */
#define HL_STORE_MEND "; switch.state_dir can name another directory"

/* The database. Used by one thread at a time. */

struct hl_database {
	sqlite3 *db;	     /* owned */
	sqlite3_stmt *state; /* owned; notes how far cdr.jsonl is in the table */
};

/* Opens or creates `path`: ours, and of a version we know. 0 or negative errno. */
int hl_database_open(struct hl_database *database, const char *path, struct hl_error *error);
void hl_database_close(struct hl_database *database);
/* What SQLite says of the last thing that failed: -EIO. */
int hl_database_failed(struct hl_database *database, const char *what, struct hl_error *error);
int hl_database_run(struct hl_database *database, const char *sql, const char *what,
		    struct hl_error *error);
/* Runs, or prepares, what `sql` holds, and empties it. */
int hl_database_run_text(struct hl_database *database, struct hl_text *sql, struct hl_error *error);
int hl_database_prepare(struct hl_database *database, struct hl_text *sql, sqlite3_stmt **statement,
			struct hl_error *error);
/* The first number of the first row; −1: there is none. */
int64_t hl_database_number(struct hl_database *database, const char *sql, const char *argument);
/* Steps a statement that gives no rows, and resets it. 0; -EINVAL: this can never be done; -EIO: it
 * cannot be done now, and the group is undone. */
int hl_database_step(struct hl_database *database, sqlite3_stmt *statement, const char *what,
		     struct hl_error *error);
/* A group: all of it comes into the database with the commit, or nothing. 0 or -EIO. */
int hl_database_begin(struct hl_database *database, struct hl_error *error);
int hl_database_commit(struct hl_database *database, struct hl_error *error);

/* A table. */

struct hl_table {
	struct hl_database *database;		/* borrowed */
	const char *name;			/* static */
	const struct hl_store_layout *layout;	/* borrowed */
	bool numbered;				/* its rows have numbers that are the caller's */
	char (*times)[HL_CLOCK_TEXT];		/* of what is bound, by column; owned */
	sqlite3_stmt *put, *touch, *drop, *all; /* owned; NULL where there is no use for it */
};

/* Makes the table, or gives it the columns it lacks. 0 or negative errno. */
int hl_table_open(struct hl_table *table, struct hl_database *database, const char *name,
		  const struct hl_store_layout *layout, bool numbered, struct hl_error *error);
void hl_table_close(struct hl_table *table);
/* Within a group; errors as hl_database_step. */
int hl_table_put(struct hl_table *table, int64_t number, const struct hl_value *row,
		 struct hl_error *error);
int hl_table_touch(struct hl_table *table, int64_t number, const struct hl_value *values,
		   struct hl_error *error);
int hl_table_drop(struct hl_table *table, int64_t number, struct hl_error *error);
/* Shows every row; what `visit` is given is borrowed. 0 or -EIO: some could not be read. */
int hl_table_each(struct hl_table *table,
		  void (*visit)(void *arg, int64_t number, const struct hl_value *row), void *arg,
		  struct hl_error *error);
/* The rows whose first column is `key`, or follows it. */
int hl_table_find(struct hl_table *table, enum hl_store_match match, struct hl_slice key,
		  unsigned most,
		  void (*visit)(void *arg, int64_t number, const struct hl_value *row), void *arg,
		  struct hl_error *error);
/* Appends the last `count` rows, newest last, as a JSON array. 0 or -EIO. */
int hl_table_last(struct hl_table *table, unsigned count, struct hl_text *json,
		  struct hl_error *error);
/* Puts in a record from its line, unless its row is there. Errors as hl_database_step. */
int hl_table_recover(struct hl_table *table, struct hl_slice line, struct hl_error *error);

/* Refreshes: a table of its own, in the order in which they end. */

/* Behind the name of a table with numbers: `later` is the latest, or null. */
#define HL_REFRESHES_JOIN                                                                          \
	" LEFT JOIN (SELECT number AS whose, strftime('%Y-%m-%dT%H:%M:%S.000Z', max(expires), "    \
	"'unixepoch') AS later FROM refreshes GROUP BY number) ON whose = number"

struct hl_refreshes {
	struct hl_database *database; /* borrowed */
	sqlite3_stmt *put, *forget;   /* owned */
};

/* Once the tables are there. 0 or negative errno. */
int hl_refreshes_open(struct hl_refreshes *refreshes, struct hl_database *database,
		      struct hl_error *error);
void hl_refreshes_close(struct hl_refreshes *refreshes);
/* Within a group; errors as hl_database_step. Forgets those that are over. */
int hl_refreshes_put(struct hl_refreshes *refreshes, const struct hl_store_refresh *items,
		     size_t count, struct hl_error *error);

/* cdr.jsonl. */

struct hl_journal {
	const struct hl_columns *columns; /* borrowed */
	char *name;			  /* owned */
	int file;			  /* owned; −1: cannot be opened */
	struct hl_text text;		  /* lines on their way */
};

/* 0 or negative errno. */
int hl_journal_open(struct hl_journal *journal, struct hl_error *error);
void hl_journal_close(struct hl_journal *journal);
void hl_journal_put(struct hl_journal *journal, const struct hl_value *row);
/* Writes what was put since the last write: all or nothing. 0 or negative errno. */
int hl_journal_write(struct hl_journal *journal, struct hl_error *error);
/* Which file it is, and how long: what a restart compares. */
void hl_journal_mark(const struct hl_journal *journal, uint64_t *file, uint64_t *length);
/* Shows every whole line behind `from`. */
void hl_journal_read(const struct hl_journal *journal, uint64_t from,
		     void (*visit)(void *arg, struct hl_slice line), void *arg);

/* The store. */

struct hl_item {
	struct hl_list node; /* in queue, lines or rows */
	enum { HL_ITEM_PUT, HL_ITEM_TOUCH, HL_ITEM_REFRESH, HL_ITEM_DROP } act;
	enum hl_store_table table;
	int64_t number;
	size_t rows;		/* that it writes */
	size_t size;		/* bytes, with what follows */
	struct hl_value row[];	/* or struct hl_store_refresh */
};

struct hl_store {
	struct hl_worker *worker; /* owned */
	struct hl_loop *loop;	  /* the worker's */
	int claim;		  /* descriptor of the lock on the directory; -1: not held */
	pthread_mutex_t lock;	  /* of `queue`, `counters`, `bytes` */
	pthread_mutex_t reading;  /* held by whoever uses the database */
	struct hl_list queue;	  /* struct hl_item */
	struct hl_store_counters counters;
	size_t bytes;			       /* of all items that wait */
	const struct hl_store_layout *layouts; /* by table; borrowed */
	/* From here on the worker's. */
	struct hl_list lines, rows; /* struct hl_item */
	struct hl_journal journal;
	struct hl_database database;
	struct hl_table tables[HL_STORE_TABLES];
	struct hl_refreshes refreshes;
	struct hl_timer collect; /* the queue is about to be taken */
	struct hl_timer commit;	 /* also retries */
	struct hl_log_limit limit;
	bool failing; /* the last attempt to write failed */
};

/* writer.c */
void hl_writer_init(struct hl_store *store);
/* Takes over what a crash left between file and table. Before the worker begins. */
int hl_writer_recover(struct hl_store *store, struct hl_error *error);
/* In the worker: an item came into the empty queue; write all now; the same, for the last time. */
void hl_writer_queued(void *store);
void hl_writer_flush(struct hl_store *store);
void hl_writer_end(void *store);
void hl_writer_reopen(void *store);
/* Takes an item out of its list and the figures. */
void hl_item_forget(struct hl_store *store, struct hl_item *item, bool written);

#endif
