/* The store: one writer thread that appends to `cdr.jsonl` and commits to SQLite (`holdline.db`) in
 * groups. Nothing here blocks the caller; what cannot be written is kept, retried and reported. */
#ifndef HL_STORE_STORE_H
#define HL_STORE_STORE_H

#include "base/slice.h"
#include "loop/loop.h"

struct hl_store;

/* Opens (or creates) the directory, database and tables, and starts the thread. NULL with `error`
 * saying what to do: the directory is created when its parent exists, else explained. */
HL_EXPORT struct hl_store *hl_store_open(const char *directory, struct hl_error *error);
/* Writes what waits, ends the thread. */
HL_EXPORT void hl_store_close(struct hl_store *store);
/* Opens `cdr.jsonl` anew (SIGUSR1). */
HL_EXPORT void hl_store_reopen(struct hl_store *store);

/* Queues one record: `json` is a JSON object of the contract's keys; it becomes a line of
 * `cdr.jsonl` and a row of table `cdr` (its columns are the keys). 0 or -ENOMEM, which it also is
 * when 256 MiB wait for a disk that takes none. */
HL_EXPORT int hl_store_cdr(struct hl_store *store, struct hl_slice json);
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
