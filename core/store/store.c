/* The store as its callers see it: items go into the queue, questions to the writer thread. */
#include "store/store.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LAST = 10000,	     /* records that can be asked for at once */
	WAITING = 256 << 20, /* bytes of items kept while the disk takes none */
};

static const struct {
	const char *name;
	bool numbered;
} kinds[HL_STORE_TABLES] = {
	[HL_STORE_CDR] = {"cdr", false},
	[HL_STORE_CONTACTS] = {"contacts", true},
	[HL_STORE_CALLS] = {"active_calls", true},
	[HL_STORE_SUBSCRIBERS] = {"subscribers", true},
};

/* Work for the writer thread, and who waits for it. */
struct errand {
	struct hl_store *store;	    /* borrowed */
	struct hl_loop *loop;	    /* where `done` is called; borrowed */
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg; /* borrowed */
};

/* A question for the last records, and its answer. */
struct question {
	struct hl_store *store; /* borrowed */
	void (*done)(void *arg, struct hl_slice json);
	void *arg; /* borrowed */
	unsigned count;
	struct hl_text json;
};

/* Room for so many bytes behind `head`; NULL: no memory. */
static struct hl_item *new_item(const struct hl_item *head, size_t behind)
{
	struct hl_item *item = hl_alloc(sizeof(*item) + behind);

	if (item) {
		*item = *head;
		item->size = sizeof(*item) + behind;
		hl_list_init(&item->node);
	}
	return item;
}

/* Takes the item over, which may be NULL. One wake-up serves all that is queued until then. */
static int append(struct hl_store *store, const struct hl_item *head, struct hl_item *item)
{
	struct hl_store_counters *counters = &store->counters;
	bool record = head->table == HL_STORE_CDR;
	int code = 0;

	pthread_mutex_lock(&store->lock);
	if (!item || store->bytes + item->size > WAITING)
		code = -ENOMEM;
	else if (hl_list_empty(&store->queue))
		code = hl_loop_post(store->loop, hl_writer_queued, store);
	if (code) {
		*(record ? &counters->failed : &counters->rows_failed) += head->rows;
	} else {
		hl_list_append(&store->queue, &item->node);
		*(record ? &counters->waiting : &counters->rows_waiting) += head->rows;
		store->bytes += item->size;
	}
	pthread_mutex_unlock(&store->lock);
	if (code)
		hl_free(item);
	return code;
}

/* Queues a copy; `columns` are those of the values (none: nothing but the number). */
static int queue(struct hl_store *store, struct hl_item head, const struct hl_columns *columns,
		 const struct hl_value *values)
{
	struct hl_item *item;

	head.rows = 1;
	item = new_item(&head, hl_row_size(columns, values));
	if (item)
		hl_row_copy(columns, values, item->row);
	return append(store, &head, item);
}

int hl_store_cdr(struct hl_store *store, const struct hl_value *row)
{
	return queue(store, (struct hl_item){.act = HL_ITEM_PUT, .table = HL_STORE_CDR},
		     &store->layouts[HL_STORE_CDR].columns, row);
}

int hl_store_put(struct hl_store *store, enum hl_store_table table, int64_t number,
		 const struct hl_value *row)
{
	return queue(store,
		     (struct hl_item){.act = HL_ITEM_PUT, .table = table, .number = number},
		     &store->layouts[table].columns, row);
}

int hl_store_touch(struct hl_store *store, enum hl_store_table table, int64_t number,
		   const struct hl_value *values)
{
	const struct hl_store_layout *layout = &store->layouts[table];
	struct hl_columns changing = {
		layout->columns.items + layout->columns.count - layout->changing,
		layout->changing};

	return queue(store,
		     (struct hl_item){.act = HL_ITEM_TOUCH, .table = table, .number = number},
		     &changing, values);
}

int hl_store_refresh(struct hl_store *store, const struct hl_store_refresh *refreshes, size_t count)
{
	struct hl_item head = {.act = HL_ITEM_REFRESH, .table = HL_STORE_CONTACTS, .rows = count};
	struct hl_item *item = new_item(&head, count * sizeof(*refreshes));

	if (item)
		memcpy(item->row, refreshes, count * sizeof(*refreshes));
	return append(store, &head, item);
}

int hl_store_drop(struct hl_store *store, enum hl_store_table table, int64_t number)
{
	return queue(store,
		     (struct hl_item){.act = HL_ITEM_DROP, .table = table, .number = number},
		     &(struct hl_columns){NULL, 0}, NULL);
}

int hl_store_each(struct hl_store *store, enum hl_store_table table,
		  void (*visit)(void *arg, int64_t number, const struct hl_value *row), void *arg,
		  struct hl_error *error)
{
	int code;

	pthread_mutex_lock(&store->reading);
	code = hl_table_each(&store->tables[table], visit, arg, error);
	pthread_mutex_unlock(&store->reading);
	return code;
}

void hl_store_reopen(struct hl_store *store)
{
	if (hl_loop_post(store->loop, hl_writer_reopen, store))
		hl_log(HL_LOG_ERROR, "store", "reopen-failed", hl_str("reason", "no memory"));
}

/* For what somebody waits for, and memory will come back. */
static void post(struct hl_loop *loop, void (*call)(void *arg), void *arg)
{
	struct timespec pause = {.tv_nsec = 10000000};

	while (hl_loop_post(loop, call, arg))
		nanosleep(&pause, NULL);
}

static void finish_errand(void *arg)
{
	struct errand *errand = arg;

	errand->done(errand->arg);
	hl_free(errand);
}

static void run_errand(void *arg)
{
	struct errand *errand = arg;

	hl_writer_flush(errand->store);
	errand->work(errand->arg);
	post(errand->loop, finish_errand, errand);
}

int hl_store_run(struct hl_store *store, void (*work)(void *arg), struct hl_loop *loop,
		 void (*done)(void *arg), void *arg)
{
	struct errand *errand = hl_alloc(sizeof(*errand));

	if (!errand)
		return -ENOMEM;
	*errand = (struct errand){store, loop, work, done, arg};
	if (hl_loop_post(store->loop, run_errand, errand)) {
		hl_free(errand);
		return -ENOMEM;
	}
	return 0;
}

int hl_store_find(struct hl_store *store, enum hl_store_table table, enum hl_store_match match,
		  struct hl_slice key, unsigned most,
		  void (*visit)(void *arg, int64_t number, const struct hl_value *row), void *arg,
		  struct hl_error *error)
{
	int code;

	pthread_mutex_lock(&store->reading);
	code = hl_table_find(&store->tables[table], match, key, most, visit, arg, error);
	pthread_mutex_unlock(&store->reading);
	return code;
}

int hl_store_put_now(struct hl_store *store, enum hl_store_table table, int64_t number,
		     const struct hl_value *row, struct hl_error *error)
{
	int code;

	pthread_mutex_lock(&store->reading);
	code = hl_table_put(&store->tables[table], number, row, error);
	pthread_mutex_unlock(&store->reading);
	return code;
}

int hl_store_drop_now(struct hl_store *store, enum hl_store_table table, int64_t number,
		      struct hl_error *error)
{
	int code;

	pthread_mutex_lock(&store->reading);
	code = hl_table_drop(&store->tables[table], number, error);
	pthread_mutex_unlock(&store->reading);
	return code;
}

static void read_last(void *arg)
{
	struct question *question = arg;
	struct hl_store *store = question->store;
	struct hl_error error;
	int code;

	pthread_mutex_lock(&store->reading);
	code = hl_table_last(&store->tables[HL_STORE_CDR], question->count, &question->json,
			     &error);
	pthread_mutex_unlock(&store->reading);
	if (code) {
		hl_log(HL_LOG_ERROR, "store", "read-failed", hl_str("reason", error.text));
		hl_text_fini(&question->json);
	}
}

static void answer(void *arg)
{
	struct question *question = arg;
	struct hl_slice json = {question->json.data, question->json.length};

	question->done(question->arg, json);
	hl_text_fini(&question->json);
	hl_free(question);
}

int hl_store_last_cdrs(struct hl_store *store, unsigned count, struct hl_loop *loop,
		       void (*done)(void *arg, struct hl_slice json), void *arg)
{
	struct question *question = hl_alloc(sizeof(*question));

	if (!question)
		return -ENOMEM;
	*question = (struct question){
		.store = store, .done = done, .arg = arg, .count = count < LAST ? count : LAST};
	if (hl_store_run(store, read_last, loop, answer, question)) {
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
	char user[HL_FILE_USER];
	struct stat status;
	int code;

	if (!mkdir(directory, 0750))
		return 0;
	code = -errno;
	if (code == -EEXIST && !stat(directory, &status) && S_ISDIR(status.st_mode))
		return 0;
	if (code == -EACCES)
		return hl_error_set(error, code,
				    "state directory %s: %s, whom holdline runs as, may not make "
				    "it: make it and chown it to that user, or set "
				    "switch.state_dir", directory, hl_file_user(user));
	return hl_error_set(error, code, "state directory %s: %s%s", directory,
			    code == -EEXIST ? "is no directory" : strerror(-code),
			    code == -ENOENT ? "; create the one above it, or set switch.state_dir"
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

/* One switch writes there: a second one would take the calls of the first for interrupted. */
static int claim_directory(struct hl_store *store, const char *directory, struct hl_error *error)
{
	char *name = path_of(directory, "holdline.lock");
	int code = 0;

	if (!name)
		return hl_error_set(error, -ENOMEM, "no memory for the store");
	store->claim = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (store->claim < 0)
		code = hl_file_refused(name, -errno, HL_STORE_MEND, error);
	else if (flock(store->claim, LOCK_EX | LOCK_NB))
		code = hl_error_set(error, -errno,
				    "state directory %s: another holdline uses it; stop that one, "
				    "or give each a switch.state_dir of its own", directory);
	else if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS))
		code = hl_file_refused(directory, -errno, HL_STORE_MEND, error);
	hl_free(name);
	return code;
}

static int open_tables(struct hl_store *store, struct hl_error *error)
{
	int code = 0;

	for (unsigned i = 0; i < HL_STORE_TABLES && !code; i++)
		code = hl_table_open(&store->tables[i], &store->database, kinds[i].name,
				     &store->layouts[i], kinds[i].numbered, error);
	if (!code)
		code = hl_database_run(&store->database,
				       "CREATE INDEX IF NOT EXISTS cdr_started ON cdr (started);"
				       "CREATE UNIQUE INDEX IF NOT EXISTS subscribers_user ON "
				       "subscribers (user)",
				       "make the tables", error);
	return code ? code : hl_refreshes_open(&store->refreshes, &store->database, error);
}

static int open_both(struct hl_store *store, const char *directory, struct hl_error *error)
{
	char *database = path_of(directory, "holdline.db");
	int code;

	store->journal.name = path_of(directory, "cdr.jsonl");
	if (!database || !store->journal.name) {
		hl_free(database);
		return hl_error_set(error, -ENOMEM, "no memory for the store");
	}
	code = hl_database_open(&store->database, database, error);
	if (!code)
		code = open_tables(store, error);
	hl_free(database);
	if (code)
		return code;
	code = hl_journal_open(&store->journal, error);
	return code ? code : hl_writer_recover(store, error);
}

struct hl_store *hl_store_open(const char *directory,
			       const struct hl_store_layout layouts[HL_STORE_TABLES],
			       struct hl_error *error)
{
	struct hl_store *store = hl_zalloc(sizeof(*store));

	if (!store) {
		hl_error_set(error, -ENOMEM, "no memory for the store");
		return NULL;
	}
	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->reading, NULL);
	hl_writer_init(store);
	store->layouts = layouts;
	store->journal.columns = &layouts[HL_STORE_CDR].columns;
	store->journal.file = -1;
	store->claim = -1;
	if (!make_directory(directory, error) && !claim_directory(store, directory, error) &&
	    !open_both(store, directory, error))
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
		hl_item_forget(store, hl_list_entry(node, struct hl_item, node), false);
}

void hl_store_close(struct hl_store *store)
{
	if (!store)
		return;
	if (store->worker) {
		/* Behind all that was queued. */
		post(store->loop, hl_writer_end, store);
		hl_worker_free(store->worker);
	}
	if (store->counters.waiting || store->counters.rows_waiting)
		hl_log(HL_LOG_ERROR, "store", "records-lost",
		       hl_int("records", (int64_t)store->counters.waiting),
		       hl_int("rows", (int64_t)store->counters.rows_waiting));
	drop(store, &store->queue);
	drop(store, &store->lines);
	drop(store, &store->rows);
	for (unsigned i = 0; i < HL_STORE_TABLES; i++)
		hl_table_close(&store->tables[i]);
	hl_refreshes_close(&store->refreshes);
	hl_database_close(&store->database);
	hl_journal_close(&store->journal);
	if (store->claim >= 0)
		close(store->claim);
	pthread_mutex_destroy(&store->lock);
	pthread_mutex_destroy(&store->reading);
	hl_free(store);
}
