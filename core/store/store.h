/* The store: one writer thread that appends to `cdr.jsonl` and commits to SQLite (`holdline.db`) in
 * groups. Nothing here blocks the caller; what cannot be written is kept, retried and reported. */
#ifndef HL_STORE_STORE_H
#define HL_STORE_STORE_H

#include "base/row.h"
#include "loop/loop.h"

struct hl_store;

enum hl_store_table {
	HL_STORE_CDR,	   /* records of calls: rows are added, and are lines of cdr.jsonl, too */
	HL_STORE_CONTACTS, /* what a restart shall find: rows come and go by their numbers */
	HL_STORE_CALLS,
	HL_STORE_SUBSCRIBERS, /* accounts: changed at once, one for each user */
	HL_STORE_TABLES
};

struct hl_store_layout {
	struct hl_columns columns;
	size_t changing; /* how many of the last columns hl_store_touch sets */
	bool refreshed;	 /* the last column is the time that hl_store_refresh puts off */
};

/* A row of CONTACTS holds longer than it says. */
struct hl_store_refresh {
	int64_t number;	  /* of the row */
	uint64_t expires; /* µs since the epoch */
};

/* Opens (or creates) the directory, database and tables, and starts the thread. `layouts` are the
 * tables' (borrowed). NULL with `error` saying what to do: the directory is created when its parent
 * exists, else explained; so is a database that is damaged, foreign or newer. */
HL_EXPORT struct hl_store *hl_store_open(const char *directory,
					 const struct hl_store_layout layouts[HL_STORE_TABLES],
					 struct hl_error *error);
/* Writes what waits, ends the thread. */
HL_EXPORT void hl_store_close(struct hl_store *store);
/* Opens `cdr.jsonl` anew (SIGUSR1). */
HL_EXPORT void hl_store_reopen(struct hl_store *store);

/* Queues one record: it becomes a line of `cdr.jsonl`, an object with the columns' names as keys,
 * and a row of table `cdr`. All that is queued is copied, and written in this order. 0 or -ENOMEM,
 * which it also is when 256 MiB wait for a disk that takes none. */
HL_EXPORT int hl_store_cdr(struct hl_store *store, const struct hl_value *row);
/* Queues a row of CONTACTS or CALLS, in place of the one with that number. */
HL_EXPORT int hl_store_put(struct hl_store *store, enum hl_store_table table, int64_t number,
			   const struct hl_value *row);
/* Queues new values of its changing columns. */
HL_EXPORT int hl_store_touch(struct hl_store *store, enum hl_store_table table, int64_t number,
			     const struct hl_value *values);
/* Queues `count` refreshes; one that ends before another, or the row's own time, changes nothing.
 * What each costs does not depend on how many rows there are. Who comes after has another number,
 * as long as the store is open: refreshes outlive their rows. */
HL_EXPORT int hl_store_refresh(struct hl_store *store, const struct hl_store_refresh *refreshes,
			       size_t count);
/* Queues its end. */
HL_EXPORT int hl_store_drop(struct hl_store *store, enum hl_store_table table, int64_t number);
/* Shows every row of CONTACTS or CALLS, as they were when the store was opened: at start, it waits
 * for the disk. `visit` may queue what it likes. Calls whose records are written are not among
 * them. 0, or -EIO with `error` when they cannot all be read. */
HL_EXPORT int hl_store_each(struct hl_store *store, enum hl_store_table table,
			    void (*visit)(void *arg, int64_t number, const struct hl_value *row),
			    void *arg, struct hl_error *error);

/* Runs `work(arg)` in the writer thread, behind all that was queued, then `done(arg)` in `loop`. 0
 * or -ENOMEM: neither is. */
HL_EXPORT int hl_store_run(struct hl_store *store, void (*work)(void *arg), struct hl_loop *loop,
			   void (*done)(void *arg), void *arg);
/* For such work; hl_store_each is, too. They wait for the disk. */
/* Shows the rows whose first column is `key`, or those behind it in its order, `most` of them. 0 or
 * -EIO with `error`. */
enum hl_store_match { HL_STORE_IS, HL_STORE_AFTER };
HL_EXPORT int hl_store_find(struct hl_store *store, enum hl_store_table table,
			    enum hl_store_match match, struct hl_slice key, unsigned most,
			    void (*visit)(void *arg, int64_t number, const struct hl_value *row),
			    void *arg, struct hl_error *error);
/* Writes a row, in place of the one with that number (−1: a new one), or removes it; on disk when
 * it returns. 0 or negative errno with `error`. */
HL_EXPORT int hl_store_put_now(struct hl_store *store, enum hl_store_table table, int64_t number,
			       const struct hl_value *row, struct hl_error *error);
HL_EXPORT int hl_store_drop_now(struct hl_store *store, enum hl_store_table table, int64_t number,
				struct hl_error *error);

/* The last `count` records (10,000 at most), newest last, as a JSON array: read by the writer
 * thread, given to `done` in `loop`; the empty slice when they cannot be read. 0 or -ENOMEM. */
HL_EXPORT int hl_store_last_cdrs(struct hl_store *store, unsigned count, struct hl_loop *loop,
				 void (*done)(void *arg, struct hl_slice json), void *arg);

struct hl_store_counters {
	uint64_t written, failed; /* records */
	uint64_t waiting;	  /* records not yet on disk */
	uint64_t rows_written;	  /* puts, touches, refreshes and drops */
	uint64_t rows_failed;
	uint64_t rows_waiting;
	uint64_t failures; /* attempts to write that failed */
};
HL_EXPORT void hl_store_counters(struct hl_store *store, struct hl_store_counters *counters);

#endif
