/* The writer thread. An item goes through three lists: `queue`, where any thread puts it, `lines`,
 * until a record stands in cdr.jsonl, and `rows`, until it is committed. Lines are written at once;
 * rows are gathered for a moment, because a commit waits for the disk. What fails is tried again.
 * With each commit goes how far cdr.jsonl was then: what is behind that after a crash are records
 * whose rows are missing. */
#include "base/memory.h"
#include "store/private.h"

#include <errno.h>
#include <string.h>

enum {
	COLLECT = 20, /* ms that a first item waits for others: one wake-up for all */
	GATHER = 100, /* ms between a line and the commit of its row */
	RETRY = 1000, /* ms until what failed is tried again */
	LINES = 64,   /* lines per system call, at most */
};

void hl_item_forget(struct hl_store *store, struct hl_item *item, bool written)
{
	struct hl_store_counters *counters = &store->counters;
	bool record = item->table == HL_STORE_CDR;

	hl_list_remove(&item->node);
	pthread_mutex_lock(&store->lock);
	store->bytes -= item->size;
	if (record) {
		counters->waiting -= item->rows;
		*(written ? &counters->written : &counters->failed) += item->rows;
	} else {
		counters->rows_waiting -= item->rows;
		*(written ? &counters->rows_written : &counters->rows_failed) += item->rows;
	}
	pthread_mutex_unlock(&store->lock);
	hl_free(item);
}

static void write_failed(struct hl_store *store, const char *why)
{
	struct hl_store_counters counters;
	uint64_t withheld;

	store->failing = true;
	pthread_mutex_lock(&store->lock);
	store->counters.failures++;
	counters = store->counters;
	pthread_mutex_unlock(&store->lock);
	if (hl_log_allow(&store->limit, &withheld))
		hl_log(HL_LOG_ERROR, "store", "write-failed", hl_str("reason", why),
		       hl_int("waiting", (int64_t)counters.waiting),
		       hl_int("rows_waiting", (int64_t)counters.rows_waiting));
	hl_timer_start(store->loop, &store->commit, RETRY);
}

/* The next items whose lines go into one system call, moved on to `rows` once they are written. 0
 * or negative errno. */
static int write_some(struct hl_store *store, struct hl_error *error)
{
	struct hl_list *node, *next;
	int lines = 0, count = 0, code = 0;

	hl_list_each(node, next, &store->lines) {
		struct hl_item *item = hl_list_entry(node, struct hl_item, node);

		if (item->table == HL_STORE_CDR && lines++ == LINES)
			break;
		if (item->table == HL_STORE_CDR)
			hl_journal_put(&store->journal, item->row);
		count++;
	}
	if (lines && store->journal.file < 0)
		code = hl_journal_open(&store->journal, error);
	if (lines && !code)
		code = hl_journal_write(&store->journal, error);
	if (code) {
		hl_text_clear(&store->journal.text);
		return code;
	}
	while (count--) {
		node = store->lines.next;
		hl_list_remove(node);
		hl_list_append(&store->rows, node);
	}
	return 0;
}

static bool write_lines(struct hl_store *store)
{
	while (!hl_list_empty(&store->lines)) {
		struct hl_error error;

		if (write_some(store, &error)) {
			write_failed(store, error.text);
			return false;
		}
	}
	return true;
}

static int write_item(struct hl_store *store, struct hl_item *item, struct hl_error *error)
{
	struct hl_table *table = &store->tables[item->table];

	switch (item->act) {
	case HL_ITEM_TOUCH: return hl_table_touch(table, item->number, item->row, error);
	case HL_ITEM_REFRESH:
		return hl_refreshes_put(&store->refreshes, (void *)item->row, item->rows, error);
	case HL_ITEM_DROP: return hl_table_drop(table, item->number, error);
	default: return hl_table_put(table, item->number, item->row, error);
	}
}

/* Notes in the group that all lines up to now have their rows in it. */
static int write_mark(struct hl_store *store, struct hl_error *error)
{
	uint64_t file, length;

	hl_journal_mark(&store->journal, &file, &length);
	sqlite3_bind_int64(store->database.state, 1, (sqlite3_int64)file);
	sqlite3_bind_int64(store->database.state, 2, (sqlite3_int64)length);
	return hl_database_step(&store->database, store->database.state, "write to the database",
				error);
}

/* A row that the table cannot take is dropped: a record stands in cdr.jsonl, and none must keep the
 * others out. */
static void refuse(struct hl_store *store, struct hl_item *item, const char *why)
{
	hl_text_clear(&store->journal.text);
	if (item->act == HL_ITEM_PUT) {
		struct hl_json json;

		hl_json_init(&json, &store->journal.text);
		hl_row_json(&store->layouts[item->table].columns, item->row, &json);
	}
	hl_log(HL_LOG_ERROR, "store", "record-refused",
	       hl_str("table", store->tables[item->table].name), hl_str("reason", why),
	       hl_str("record", hl_text_string(&store->journal.text)));
	hl_text_clear(&store->journal.text);
	hl_item_forget(store, item, false);
}

/* All that waits for a row, in one group. */
static int write_group(struct hl_store *store, struct hl_error *error)
{
	struct hl_list *node, *next;
	bool records = false;
	int code = hl_database_begin(&store->database, error);

	if (code)
		return code;
	hl_list_each(node, next, &store->rows) {
		struct hl_item *item = hl_list_entry(node, struct hl_item, node);

		records |= item->table == HL_STORE_CDR;
		code = write_item(store, item, error);
		if (code == -EINVAL)
			refuse(store, item, error->text);
		else if (code)
			return code;
	}
	code = records ? write_mark(store, error) : 0;
	return code ? code : hl_database_commit(&store->database, error);
}

static bool write_rows(struct hl_store *store)
{
	struct hl_list *node, *next;
	struct hl_error error;
	int code;

	if (hl_list_empty(&store->rows))
		return true;
	pthread_mutex_lock(&store->reading);
	code = write_group(store, &error);
	pthread_mutex_unlock(&store->reading);
	if (code) {
		write_failed(store, error.text);
		return false;
	}
	hl_list_each(node, next, &store->rows)
		hl_item_forget(store, hl_list_entry(node, struct hl_item, node), true);
	return true;
}

static void write_all(void *arg)
{
	struct hl_store *store = arg;

	if (!write_lines(store) || !write_rows(store))
		return;
	hl_timer_stop(store->loop, &store->commit);
	if (store->failing)
		hl_log(HL_LOG_INFO, "store", "write-resumed");
	store->failing = false;
}

static void take_queue(struct hl_store *store)
{
	struct hl_list *node, *next;

	pthread_mutex_lock(&store->lock);
	hl_list_each(node, next, &store->queue) {
		hl_list_remove(node);
		hl_list_append(&store->lines, node);
	}
	pthread_mutex_unlock(&store->lock);
}

void hl_writer_flush(struct hl_store *store)
{
	take_queue(store);
	write_all(store);
}

void hl_writer_queued(void *arg)
{
	struct hl_store *store = arg;

	hl_timer_start(store->loop, &store->collect, COLLECT);
}

/* While the disk takes nothing, the retry is soon enough for what comes now. */
static void collected(void *arg)
{
	struct hl_store *store = arg;

	take_queue(store);
	if (!store->failing && write_lines(store) && !hl_timer_running(&store->commit))
		hl_timer_start(store->loop, &store->commit, GATHER);
}

/* The rows of the old file come first: the mark speaks of one file. What is still in the queue is
 * for the new one. */
void hl_writer_reopen(void *arg)
{
	struct hl_store *store = arg;
	struct hl_error error;

	write_all(store);
	if (hl_journal_open(&store->journal, &error))
		hl_log(HL_LOG_ERROR, "store", "reopen-failed", hl_str("file", store->journal.name),
		       hl_str("reason", error.text));
}

void hl_writer_end(void *arg)
{
	struct hl_store *store = arg;

	hl_writer_flush(store);
	hl_timer_stop(store->loop, &store->collect);
	hl_timer_stop(store->loop, &store->commit);
}

void hl_writer_init(struct hl_store *store)
{
	hl_list_init(&store->queue);
	hl_list_init(&store->lines);
	hl_list_init(&store->rows);
	hl_timer_init(&store->collect, collected, store);
	hl_timer_init(&store->commit, write_all, store);
}

struct recovery {
	struct hl_store *store;
	unsigned lines;
	int code; /* the first failure */
	struct hl_error error;
};

static void recover_line(void *arg, struct hl_slice line)
{
	struct recovery *recovery = arg;
	struct hl_error error;
	int code = recovery->code ? 0 : hl_table_recover(&recovery->store->tables[HL_STORE_CDR],
							 line, &error);

	recovery->lines++;
	if (code == -EINVAL) {
		/* A torn line: its call has no record yet. */
		hl_log(HL_LOG_WARN, "store", "line-unreadable", hl_str("reason", error.text),
		       hl_sl("line", line));
	} else if (code) {
		recovery->code = code;
		recovery->error = error;
	}
}

int hl_writer_recover(struct hl_store *store, struct hl_error *error)
{
	struct recovery recovery = {.store = store};
	uint64_t file, length;
	int64_t known = hl_database_number(&store->database, "SELECT file FROM journal", NULL);
	int64_t from = hl_database_number(&store->database, "SELECT length FROM journal", NULL);

	hl_journal_mark(&store->journal, &file, &length);
	recovery.code = hl_database_begin(&store->database, &recovery.error);
	if (!recovery.code && known == (int64_t)file && from >= 0 && from < (int64_t)length)
		hl_journal_read(&store->journal, (uint64_t)from, recover_line, &recovery);
	if (!recovery.code)
		recovery.code = hl_database_run(
			&store->database,
			"DELETE FROM active_calls WHERE EXISTS (SELECT 1 FROM cdr WHERE "
			"cdr.started IS active_calls.started AND cdr.id IS active_calls.id)",
			"read the calls", &recovery.error);
	if (!recovery.code)
		recovery.code = write_mark(store, &recovery.error);
	if (!recovery.code)
		recovery.code = hl_database_commit(&store->database, &recovery.error);
	if (recovery.code)
		return hl_error_set(error, recovery.code, "holdline.db: %s", recovery.error.text);
	if (recovery.lines)
		hl_log(HL_LOG_INFO, "store", "recovered", hl_int("lines", recovery.lines));
	return 0;
}
