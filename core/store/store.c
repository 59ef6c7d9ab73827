/* The writer thread. A record goes through three lists: `queue`, where any thread puts it, `lines`,
 * until it stands in cdr.jsonl, and `rows`, until it is committed. Lines are written at once; rows
 * are gathered for a moment, because a commit waits for the disk. What fails is tried again. */
#include "store/store.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/timer.h"
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	COLLECT = 20,            /* ms that a first record waits for others: one wake-up for all */
	GATHER = 100,            /* ms between a line and the commit of its row */
	RETRY = 1000,            /* ms until what failed is tried again */
	LINES = 64,              /* lines per system call, at most */
	LAST = 10000,            /* records that can be asked for at once */
	WAITING = 256 << 20      /* bytes of records kept while the disk takes none */
};

struct record {
	struct hl_list node; /* in queue, lines or rows */
	size_t size;         /* bytes of `row` */
	struct hl_value row[];
};

struct hl_store {
	struct hl_worker *worker;  /* owned */
	struct hl_loop *loop;      /* the worker's */
	char *file_name;           /* of cdr.jsonl, owned */
	pthread_mutex_t lock;      /* of `queue`, `counters`, `bytes` */
	struct hl_list queue;
	struct hl_store_counters counters;
	size_t bytes;              /* of all records that wait */
	const struct hl_columns *columns; /* of a record; borrowed */
	/* From here on the worker's. */
	struct hl_list lines, rows;
	struct hl_text text;       /* lines on their way to the file */
	struct hl_table *table;    /* owned */
	int file;                  /* cdr.jsonl; −1: cannot be opened; owned */
	struct hl_timer collect;   /* the queue is about to be taken */
	struct hl_timer commit;    /* also retries */
	struct hl_log_limit limit;
	bool failing;              /* the last attempt to write failed */
};

/* A question for the last records, and its answer. */
struct question {
	struct hl_store *store;    /* borrowed */
	struct hl_loop *loop;      /* where the answer goes; borrowed */
	void (*done)(void *arg, struct hl_slice json);
	void *arg;                 /* borrowed */
	unsigned count;
	struct hl_text json;
};

static void forget(struct hl_store *store, struct record *record, bool written)
{
	hl_list_remove(&record->node);
	pthread_mutex_lock(&store->lock);
	store->counters.waiting--;
	store->bytes -= record->size;
	if (written)
		store->counters.written++;
	else
		store->counters.failed++;
	pthread_mutex_unlock(&store->lock);
	hl_free(record);
}

static void write_failed(struct hl_store *store, const char *why)
{
	struct hl_store_counters counters;
	uint64_t withheld;

	store->failing = true;
	hl_store_counters(store, &counters);
	if (hl_log_allow(&store->limit, &withheld))
		hl_log(HL_LOG_ERROR, "store", "write-failed", hl_str("reason", why),
		       hl_int("waiting", (int64_t)counters.waiting));
	hl_timer_start(store->loop, &store->commit, RETRY);
}

/* A process that died in the middle of a line must not spoil the next one. */
static void end_last_line(int file)
{
	off_t size = lseek(file, 0, SEEK_END);
	char last = '\n';

	if (size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n' &&
	    write(file, "\n", 1) != 1)
		hl_log(HL_LOG_WARN, "store", "torn-line", hl_str("reason", strerror(errno)));
}

static int open_file(const char *name)
{
	int file = open(name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

	if (file >= 0)
		end_last_line(file);
	return file;
}

static void put_line(struct hl_store *store, const struct record *record)
{
	struct hl_json json;

	hl_json_init(&json, &store->text);
	hl_row_json(store->columns, record->row, &json);
	hl_text_append(&store->text, "\n", 1);
}

/* Writes up to LINES lines; all or nothing. 0 or negative errno. */
static int write_some(struct hl_store *store)
{
	struct hl_list *node, *next;
	int count = 0, code;
	off_t before = lseek(store->file, 0, SEEK_END);
	ssize_t written;

	hl_text_clear(&store->text);
	hl_list_each(node, next, &store->lines) {
		put_line(store, hl_list_entry(node, struct record, node));
		if (++count == LINES)
			break;
	}
	if (store->text.failed)
		return -ENOMEM;
	written = write(store->file, store->text.data, store->text.length);
	if (written != (ssize_t)store->text.length) {
		code = written < 0 ? -errno : -ENOSPC;
		/* Half a line would be half a record. */
		if (written > 0 && ftruncate(store->file, before))
			end_last_line(store->file);
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
		int code = 0;

		if (store->file < 0)
			store->file = open_file(store->file_name);
		code = store->file < 0 ? -errno : write_some(store);
		if (code) {
			struct hl_error error;

			hl_error_set(&error, code, "%s: %s", store->file_name, strerror(-code));
			write_failed(store, error.text);
			return false;
		}
	}
	return true;
}

/* Inserts all that waits for a row. A record that the table cannot take is dropped: it stands in
 * cdr.jsonl, and it must not keep the others out. */
static int insert_rows(struct hl_store *store, struct hl_error *error)
{
	struct hl_list *node, *next;
	int code = hl_table_begin(store->table, error);

	if (code)
		return code;
	hl_list_each(node, next, &store->rows) {
		struct record *record = hl_list_entry(node, struct record, node);

		code = hl_table_insert(store->table, record->row, error);
		if (code == -EINVAL) {
			hl_text_clear(&store->text);
			put_line(store, record);
			hl_log(HL_LOG_ERROR, "store", "record-refused",
			       hl_str("reason", error->text),
			       hl_str("record", hl_text_string(&store->text)));
			forget(store, record, false);
		} else if (code) {
			return code;
		}
	}
	return hl_table_commit(store->table, error);
}

static bool write_rows(struct hl_store *store)
{
	struct hl_list *node, *next;
	struct hl_error error;

	if (hl_list_empty(&store->rows))
		return true;
	if (insert_rows(store, &error)) {
		write_failed(store, error.text);
		return false;
	}
	hl_list_each(node, next, &store->rows)
		forget(store, hl_list_entry(node, struct record, node), true);
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

static void queued(void *arg)
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

int hl_store_cdr(struct hl_store *store, const struct hl_value *row)
{
	size_t size = hl_row_size(store->columns, row);
	struct record *record = hl_alloc(sizeof(*record) + size);
	int code = 0;

	if (record) {
		hl_list_init(&record->node);
		record->size = size;
		hl_row_copy(store->columns, row, record->row);
	}
	pthread_mutex_lock(&store->lock);
	if (!record || store->bytes + size > WAITING) {
		code = -ENOMEM;
	} else {
		/* One wake-up serves all that is queued until then. */
		if (hl_list_empty(&store->queue))
			code = hl_loop_post(store->loop, queued, store);
		if (!code)
			hl_list_append(&store->queue, &record->node);
	}
	if (code) {
		store->counters.failed++;
	} else {
		store->counters.waiting++;
		store->bytes += size;
	}
	pthread_mutex_unlock(&store->lock);
	if (code)
		hl_free(record);
	return code;
}

static void reopen(void *arg)
{
	struct hl_store *store = arg;

	if (store->file >= 0)
		close(store->file);
	store->file = open_file(store->file_name);
	if (store->file < 0)
		hl_log(HL_LOG_ERROR, "store", "reopen-failed", hl_str("file", store->file_name),
		       hl_str("reason", strerror(errno)));
}

void hl_store_reopen(struct hl_store *store)
{
	if (hl_loop_post(store->loop, reopen, store))
		hl_log(HL_LOG_ERROR, "store", "reopen-failed", hl_str("reason", "no memory"));
}

static void answer(void *arg)
{
	struct question *question = arg;
	struct hl_slice json = { question->json.data, question->json.length };

	question->done(question->arg, json);
	hl_text_fini(&question->json);
	hl_free(question);
}

static void read_last(void *arg)
{
	struct question *question = arg;
	struct hl_store *store = question->store;
	struct timespec pause = { .tv_nsec = 10000000 };
	struct hl_error error;

	take_queue(store);
	write_all(store);
	if (hl_table_last(store->table, question->count, &question->json, &error)) {
		hl_log(HL_LOG_ERROR, "store", "read-failed", hl_str("reason", error.text));
		hl_text_fini(&question->json);
	}
	/* Whoever asked waits for it. */
	while (hl_loop_post(question->loop, answer, question))
		nanosleep(&pause, NULL);
}

int hl_store_last_cdrs(struct hl_store *store, unsigned count, struct hl_loop *loop,
		       void (*done)(void *arg, struct hl_slice json), void *arg)
{
	struct question *question = hl_alloc(sizeof(*question));

	if (!question)
		return -ENOMEM;
	*question = (struct question){ .store = store, .loop = loop, .done = done, .arg = arg,
				       .count = count < LAST ? count : LAST };
	if (hl_loop_post(store->loop, read_last, question)) {
		hl_free(question);
		return -ENOMEM;
	}
	return 0;
}

void hl_store_counters(struct hl_store *store, struct hl_store_counters *counters)
{
	pthread_mutex_lock(&store->lock);
	*counters = store->counters;
	pthread_mutex_unlock(&store->lock);
}

static int make_directory(const char *directory, struct hl_error *error)
{
	struct stat status;
	int code;

	if (!mkdir(directory, 0750))
		return 0;
	code = -errno;
	if (code == -EEXIST && !stat(directory, &status) && S_ISDIR(status.st_mode))
		return 0;
	return hl_error_set(error, code, "state directory %s: %s%s", directory,
			    code == -EEXIST ? "is no directory" : strerror(-code),
			    code == -ENOENT   ? "; create the one above it, or set switch.state_dir"
			    : code == -EACCES ? "; give the switch's user the right to write, or "
						"set switch.state_dir"
					      : "");
}

/* DIR/NAME, or NULL. */
static char *path_of(const char *directory, const char *name)
{
	struct hl_text path;

	hl_text_init(&path);
	hl_text_printf(&path, "%s/%s", directory, name);
	return hl_text_take(&path);
}

static int open_both(struct hl_store *store, const char *directory, struct hl_error *error)
{
	char *database = path_of(directory, "holdline.db");

	store->file_name = path_of(directory, "cdr.jsonl");
	if (!database || !store->file_name) {
		hl_free(database);
		return hl_error_set(error, -ENOMEM, "no memory for the store");
	}
	store->table = hl_table_open(database, store->columns, error);
	hl_free(database);
	if (!store->table)
		return -EIO;
	store->file = open_file(store->file_name);
	return store->file >= 0 ? 0
				: hl_error_set(error, -errno, "%s: %s", store->file_name,
					       strerror(errno));
}

struct hl_store *hl_store_open(const char *directory, const struct hl_columns *columns,
			       struct hl_error *error)
{
	struct hl_store *store = hl_zalloc(sizeof(*store));

	if (!store) {
		hl_error_set(error, -ENOMEM, "no memory for the store");
		return NULL;
	}
	pthread_mutex_init(&store->lock, NULL);
	hl_list_init(&store->queue);
	hl_list_init(&store->lines);
	hl_list_init(&store->rows);
	hl_timer_init(&store->collect, collected, store);
	hl_timer_init(&store->commit, write_all, store);
	hl_text_init(&store->text);
	store->columns = columns;
	store->file = -1;
	if (!make_directory(directory, error) && !open_both(store, directory, error))
		store->worker = hl_worker_new("store", error);
	if (!store->worker) {
		hl_store_close(store);
		return NULL;
	}
	store->loop = hl_worker_loop(store->worker);
	return store;
}

static void drop(struct hl_store *store, struct hl_list *list)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, list)
		forget(store, hl_list_entry(node, struct record, node), false);
}

/* In the worker, behind all that was queued. */
static void write_last(void *arg)
{
	struct hl_store *store = arg;

	take_queue(store);
	write_all(store);
	hl_timer_stop(store->loop, &store->collect);
	hl_timer_stop(store->loop, &store->commit);
}

void hl_store_close(struct hl_store *store)
{
	if (!store)
		return;
	if (store->worker) {
		struct timespec pause = { .tv_nsec = 10000000 };

		while (hl_loop_post(store->loop, write_last, store))
			nanosleep(&pause, NULL);
		hl_worker_free(store->worker);
	}
	if (store->counters.waiting)
		hl_log(HL_LOG_ERROR, "store", "records-lost",
		       hl_int("records", (int64_t)store->counters.waiting));
	drop(store, &store->queue);
	drop(store, &store->lines);
	drop(store, &store->rows);
	hl_table_close(store->table);
	if (store->file >= 0)
		close(store->file);
	pthread_mutex_destroy(&store->lock);
	hl_text_fini(&store->text);
	hl_free(store->file_name);
	hl_free(store);
}
