/* The store: every record once in the file and once in the table, whatever fails meanwhile. */
#include "store/store.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], state[128], jsonl[160], database[160];
static struct hl_loop *loop;

static const struct hl_column items[] = {
	{"id", HL_KIND_TEXT},	       {"started", HL_KIND_TIME},  {"answered", HL_KIND_TIME},
	{"duration", HL_KIND_NUMBER},  {"pdd_ms", HL_KIND_INTEGER}, {"caller", HL_KIND_TEXT},
	{"relayed", HL_KIND_BOOLEAN}, {"streams", HL_KIND_JSON},
};
static const struct hl_column row_items[] = {
	{"name", HL_KIND_TEXT}, {"count", HL_KIND_INTEGER}, {"until", HL_KIND_TIME}};
static const struct hl_column user_items[] = {{"user", HL_KIND_TEXT}, {"realm", HL_KIND_TEXT}};
static const struct hl_store_layout layouts[HL_STORE_TABLES] = {
	[HL_STORE_CDR] = {.columns = {items, HL_COUNT(items)}},
	[HL_STORE_CONTACTS] = {.columns = {row_items, HL_COUNT(row_items)}, .changing = 2},
	[HL_STORE_CALLS] = {.columns = {items, HL_COUNT(items)}, .changing = 1},
	[HL_STORE_SUBSCRIBERS] = {.columns = {user_items, HL_COUNT(user_items)}},
};

static const struct hl_value whole[] = {
	{.present = true, .text = {"c1", 2}},
	{.present = true, .time = 1795362787123456},
	{.present = false},
	{.present = true, .number = 1.5},
	{.present = true, .integer = -7},
	{.present = true, .text = {"J\xc3\xbcrgen \"x\"", 11}},
	{.present = true, .integer = 1},
	{.present = true, .text = {"[{\"type\":\"audio\"}]", 18}},
};
static const char whole_json[] =
	"{\"id\":\"c1\",\"started\":\"2026-11-22T15:53:07.123Z\",\"answered\":null,"
	"\"duration\":1.5,\"pdd_ms\":-7,\"caller\":\"J\xc3\xbcrgen \\\"x\\\"\","
	"\"relayed\":true,\"streams\":[{\"type\":\"audio\"}]}";

/* The file's content; freed by the next call. */
static const char *content(void)
{
	static struct hl_text text;
	char part[4096];
	ssize_t got;
	int fd = open(jsonl, O_RDONLY);

	hl_text_clear(&text);
	while (fd >= 0 && (got = read(fd, part, sizeof(part))) > 0)
		hl_text_append(&text, part, (size_t)got);
	if (fd >= 0)
		close(fd);
	return hl_text_string(&text);
}

static unsigned lines(void)
{
	unsigned count = 0;

	for (const char *at = content(); (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

static char *last_json;

static void got_last(void *arg, struct hl_slice json)
{
	(void)arg;
	last_json = hl_slice_copy(json);
	hl_loop_stop(loop);
}

static const char *last(struct hl_store *store, unsigned count)
{
	hl_free(last_json);
	last_json = NULL;
	if (!hl_store_last_cdrs(store, count, loop, got_last, NULL))
		hl_loop_run(loop);
	return last_json;
}

static struct hl_store *try_open(const char *where, struct hl_error *error)
{
	return hl_store_open(where, layouts, error);
}

static struct hl_store *open_store(void)
{
	struct hl_error error;
	struct hl_store *store = try_open(state, &error);

	if (!store) {
		diag("%s", error.text);
		exit(1);
	}
	return store;
}

static int put(struct hl_store *store, unsigned number)
{
	char id[16];
	struct hl_value row[HL_COUNT(items)] = {{.present = false}};

	snprintf(id, sizeof(id), "n%u", number);
	row[0] = hl_value_text(id);
	return hl_store_cdr(store, row);
}

/* How often `id` stands in the records. */
static unsigned occurrences(const char *text, const char *id)
{
	unsigned count = 0;

	for (; text && (text = strstr(text, id)); text++)
		count++;
	return count;
}

static void remove_all(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", state);
	if (system(command))
		diag("cannot remove %s", state);
}

static void one_record(void)
{
	struct hl_store *store = open_store();
	struct hl_store_counters counters;
	char want[sizeof(whole_json) + 2];
	struct stat status;

	ok(!stat(state, &status) && (status.st_mode & 0777) == 0750, "the directory is made");
	ok(!stat(database, &status) && (status.st_mode & 0777) == 0640, "and the database, private");
	is_int(hl_store_cdr(store, whole), 0, "a record is taken");
	snprintf(want, sizeof(want), "[%s]", whole_json);
	is_str(last(store, 5), want, "out of the table it comes as it went in");
	snprintf(want, sizeof(want), "%s\n", whole_json);
	is_str(content(), want, "and it is a line of the file");
	hl_store_counters(store, &counters);
	is_int(counters.written, 1, "one is written");
	is_int(counters.waiting + counters.failed, 0, "and none waits");
	hl_store_close(store);
}

enum { MANY = 500 };

static void *put_many(void *arg)
{
	for (unsigned i = 0; i < MANY; i++)
		put(arg, i);
	return NULL;
}

static void many(void)
{
	struct hl_store *store;
	pthread_t threads[2];
	const char *text;

	remove_all();
	store = open_store();
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, put_many, store);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	put(store, 7001);
	put(store, 7002);
	put(store, 7003);
	hl_store_close(store);
	is_int(lines(), 2 * MANY + 3, "closing writes what waits, of all threads");
	store = open_store();
	text = last(store, 1000000);
	is_int(occurrences(text, "\"id\":"), 2 * MANY + 3, "all are in the table, too");
	is_int(occurrences(text, "\"n123\""), 2, "each as often as it was given");
	text = last(store, 2);
	ok(text && strstr(text, "7002") && strstr(text, "7003") &&
		   strstr(text, "7002") < strstr(text, "7003") && !strstr(text, "7001"),
	   "the last two, newest last");
	is_str(last(store, 0), "[]", "none is an empty array");
	hl_store_close(store);
}

static void run_sql(const char *sql)
{
	sqlite3 *db;

	remove_all();
	mkdir(state, 0750);
	sqlite3_open(database, &db);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		diag("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void bad_records(void)
{
	struct hl_store *store;
	struct hl_store_counters counters;
	const char *text;

	run_sql("CREATE TABLE cdr (id TEXT CHECK (id <> 'n66'))");
	store = open_store();
	put(store, 1);
	put(store, 66);
	put(store, 2);
	text = last(store, 10);
	ok(text && strstr(text, "n1") && strstr(text, "n2"),
	   "a record that the table refuses keeps none out");
	hl_store_counters(store, &counters);
	is_int(counters.failed, 1, "it is counted");
	is_int(counters.written, 2, "as are the others");
	is_int(lines(), 3, "and stands in the file all the same");
	hl_store_close(store);
}

static void files(void)
{
	struct hl_store *store;
	char moved[180];
	int fd;

	remove_all();
	store = open_store();
	put(store, 1);
	last(store, 1);
	snprintf(moved, sizeof(moved), "%s.1", jsonl);
	if (rename(jsonl, moved))
		diag("cannot rename");
	hl_store_reopen(store);
	put(store, 2);
	hl_store_close(store);
	ok(strstr(content(), "{\"id\":\"n2\",") == content() && lines() == 1,
	       "after a rotation the new file is used");
	fd = open(jsonl, O_WRONLY | O_APPEND);
	if (write(fd, "{\"id\":\"torn", 11) != 11)
		diag("cannot write");
	close(fd);
	store = open_store();
	put(store, 3);
	hl_store_close(store);
	ok(strstr(content(), "torn\n{\"id\":\"n3\""), "a torn line spoils no other");
}

/* A file that may not grow is a full disk. */
static void full_disk(void)
{
	struct hl_store *store;
	struct hl_store_counters counters;
	struct rlimit before, low;
	uint64_t until;

	remove_all();
	signal(SIGXFSZ, SIG_IGN);
	store = open_store();
	put(store, 1);
	last(store, 1);
	getrlimit(RLIMIT_FSIZE, &before);
	low = before;
	low.rlim_cur = 40;
	setrlimit(RLIMIT_FSIZE, &low);
	for (unsigned i = 2; i < 300; i++)
		put(store, i);
	usleep(20000);
	hl_store_counters(store, &counters);
	is_int(counters.waiting, 298, "while the disk is full they wait");
	is_int(lines(), 1, "and no part of a line is left");
	setrlimit(RLIMIT_FSIZE, &before);
	until = hl_clock_real() + 10 * HL_SECOND;
	do {
		usleep(10000);
		hl_store_counters(store, &counters);
	} while (counters.waiting && hl_clock_real() < until);
	is_int(counters.written, 299, "when there is room again they are written, unasked");
	is_int(lines(), 299, "each one a line");
	is_int(occurrences(last(store, 1000), "\"id\":"), 299, "and a row");
	hl_store_close(store);
}

static void versions(void)
{
	struct hl_store *store;
	struct hl_error error = { "" };
	const char *text;

	run_sql("CREATE TABLE cdr (id TEXT, callee TEXT); INSERT INTO cdr VALUES ('old', '1002')");
	store = open_store();
	hl_store_cdr(store, whole);
	text = last(store, 5);
	ok(text && strstr(text, "\"id\":\"old\"") && strstr(text, "audio"),
	   "a table of fewer columns gets the others and keeps its rows");
	hl_store_close(store);
	run_sql("PRAGMA user_version = 99");
	ok(!try_open(state, &error), "a newer version's database is left alone");
	ok(strstr(error.text, database) && strstr(error.text, "newer"), "%s", error.text);
	remove_all();
}

static void refusals(void)
{
	struct hl_error error = { "" };
	char nested[200];
	int fd;

	snprintf(nested, sizeof(nested), "%s/not/there", directory);
	ok(!try_open(nested, &error) && strstr(error.text, "switch.state_dir"), "%s",
	   error.text);
	remove_all();
	fd = open(state, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ok(!try_open(state, &error) && strstr(error.text, "no directory"), "%s", error.text);
	unlink(state);
	mkdir(state, 0750);
	fd = open(database, O_CREAT | O_WRONLY, 0600);
	if (write(fd, "This is a text file and no database at all.", 43) != 43)
		diag("cannot write");
	close(fd);
	ok(!try_open(state, &error) && strstr(error.text, database), "%s", error.text);
	remove_all();
}

static void without_memory(void)
{
	struct hl_store *store = NULL;
	struct hl_error error;
	unsigned long at = 0;
	unsigned silent = 0;

	while (!store && ++at < 100) {
		hl_memory_fail_at(at);
		error.text[0] = '\0';
		store = try_open(state, &error);
		silent += !store && !error.text[0];
	}
	hl_memory_fail_at(0);
	ok(at > 5 && at < 100, "whichever of its %lu allocations fails, opening fails", at - 1);
	is_int(silent, 0, "and says why");
	last(store, 1);
	for (at = 1; at <= 2; at++) {
		hl_memory_fail_at(at);
		is_int(put(store, 1), -ENOMEM, "a record without memory is refused (%lu)", at);
	}
	hl_memory_fail_at(1);
	is_int(hl_store_last_cdrs(store, 1, loop, got_last, NULL), -ENOMEM, "a question, too");
	put(store, 2);
	is_int(occurrences(last(store, 9), "\"id\":"), 1, "the next one is taken");
	hl_store_close(store);
}

int main(void)
{
	snprintf(directory, sizeof(directory), "/tmp/holdline-store-XXXXXX");
	if (!mkdtemp(directory))
		return 1;
	snprintf(state, sizeof(state), "%s/state", directory);
	snprintf(jsonl, sizeof(jsonl), "%s/cdr.jsonl", state);
	snprintf(database, sizeof(database), "%s/holdline.db", state);
	hl_clock_set_rate(100);
	loop = hl_loop_new(NULL);
	one_record();
	many();
	bad_records();
	files();
	full_disk();
	versions();
	refusals();
	without_memory();
	hl_store_close(NULL);
	hl_free(last_json);
	hl_loop_free(loop);
	remove_all();
	rmdir(directory);
	return done_testing();
}
