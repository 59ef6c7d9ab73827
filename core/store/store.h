/* The store: one writer thread that appends to `cdr.jsonl` and commits to SQLite (`holdline.db`) in
 * groups. Nothing here blocks the caller; what cannot be written is kept, retried and reported. */
#ifndef HL_STORE_STORE_H
#define HL_STORE_STORE_H

#include "base/row.h"
#include "loop/loop.h"

struct hl_store;

/* Opens (or creates) the directory, database and tables, and starts the thread. `columns` are a
 * record's (borrowed). NULL with `error` saying what to do: the directory is created when its
 * parent exists, else explained. */
HL_EXPORT struct hl_store *hl_store_open(const char *directory, const struct hl_columns *columns,
					 struct hl_error *error);
/* Writes what waits, ends the thread. */
HL_EXPORT void hl_store_close(struct hl_store *store);
/* Opens `cdr.jsonl` anew (SIGUSR1). */
HL_EXPORT void hl_store_reopen(struct hl_store *store);

/* Queues a copy of one record: it becomes a line of `cdr.jsonl`, an object with the columns' names
 * as keys, and a row of table `cdr`. 0 or -ENOMEM, which it also is when 256 MiB wait for a disk
 * that takes none. */
HL_EXPORT int hl_store_cdr(struct hl_store *store, const struct hl_value *row);
/* The last `count` records (10,000 at most), newest last, as a JSON array: read by the writer
 * thread, given to `done` in `loop`; the empty slice when they cannot be read. 0 or -ENOMEM. */
HL_EXPORT int hl_store_last_cdrs(struct hl_store *store, unsigned count, struct hl_loop *loop,
				 void (*done)(void *arg, struct hl_slice json), void *arg);

struct hl_store_counters {
	uint64_t written, failed; /* records */
	uint64_t waiting;         /* records not yet on disk */
};
HL_EXPORT void hl_store_counters(struct hl_store *store, struct hl_store_counters *counters);

#endif
