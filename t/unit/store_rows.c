/* The store's rows that come and go: put, changed, refreshed, dropped, found again; damage, and a
 * full disk. */
#include "store/store.h"
#include "base/clock.h"
#include "base/memory.h"

#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char directory[64], database[96];

static const struct hl_column cdr_items[] = {{"id", HL_KIND_TEXT}, {"started", HL_KIND_TIME}};
static const struct hl_column row_items[] = {
	{"name", HL_KIND_TEXT}, {"count", HL_KIND_INTEGER}, {"until", HL_KIND_TIME}};
static const struct hl_column user_items[] = {
	{"user", HL_KIND_TEXT}, {"count", HL_KIND_INTEGER}, {"until", HL_KIND_TIME}};
static const struct hl_store_layout layouts[HL_STORE_TABLES] = {
	[HL_STORE_CDR] = {.columns = {cdr_items, HL_COUNT(cdr_items)}},
	[HL_STORE_CONTACTS] = {.columns = {row_items, HL_COUNT(row_items)},
			       .changing = 2,
			       .refreshed = true},
	[HL_STORE_CALLS] = {.columns = {cdr_items, HL_COUNT(cdr_items)}, .changing = 1},
	[HL_STORE_SUBSCRIBERS] = {.columns = {user_items, HL_COUNT(user_items)}},
};

static const uint64_t moment = 1795362787123000ull;

static struct hl_store *open_store(void)
{
	struct hl_error error;
	struct hl_store *store = hl_store_open(directory, layouts, &error);

	if (!store) {
		diag("%s", error.text);
		exit(1);
	}
	return store;
}

static void put(struct hl_store *store, int64_t number, const char *name)
{
	const struct hl_value row[] = {hl_value_text(name), hl_value_integer(number * 10),
				       hl_value_time(moment)};

	hl_store_put(store, HL_STORE_CONTACTS, number, row);
}

static struct hl_text seen;

static void see(void *arg, int64_t number, const struct hl_value *row)
{
	(void)arg;
	hl_text_printf(&seen, "%lld:%.*s:%lld:%s ", (long long)number, HL_SLICE_ARGS(row[0].text),
		       (long long)row[1].integer, row[2].time == moment ? "then" : "later");
}

static const char *rows(struct hl_store *store)
{
	struct hl_error error;

	hl_text_clear(&seen);
	if (hl_store_each(store, HL_STORE_CONTACTS, see, NULL, &error))
		return error.text[0] ? "unreadable" : "unreadable without a reason";
	return hl_text_string(&seen);
}

static struct hl_store *again(struct hl_store *store)
{
	hl_store_close(store);
	return open_store();
}

static void coming_and_going(void)
{
	struct hl_store *store = open_store();
	const struct hl_value later[] = {hl_value_integer(7), hl_value_time(moment + HL_SECOND)};
	struct hl_store_counters counters;

	put(store, 1, "a");
	put(store, 2, "b");
	put(store, 3, "c");
	hl_store_touch(store, HL_STORE_CONTACTS, 2, later);
	hl_store_drop(store, HL_STORE_CONTACTS, 3);
	hl_store_touch(store, HL_STORE_CONTACTS, 99, later);
	hl_store_drop(store, HL_STORE_CONTACTS, 98);
	store = again(store);
	is_str(rows(store), "1:a:10:then 2:b:7:later ", "what was queued is done in its order");
	put(store, 1, "z");
	store = again(store);
	is_str(rows(store), "1:z:10:then 2:b:7:later ", "a row is put in place of the old one");
	hl_store_counters(store, &counters);
	is_int(counters.rows_waiting + counters.rows_failed, 0, "nothing waits, nothing failed");
	hl_store_close(store);
}

static void run_sql(const char *sql)
{
	sqlite3 *db;

	sqlite3_open(database, &db);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		diag("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void remove_all(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -f %s/*", directory);
	if (system(command))
		diag("cannot remove");
}

static int took_number(void *number, int columns, char **values, char **names)
{
	(void)columns, (void)names;
	*(int64_t *)number = atoll(values[0]);
	return 0;
}

static int64_t refreshes_stored(void)
{
	int64_t stored = -1;
	sqlite3 *db;

	sqlite3_open(database, &db);
	sqlite3_exec(db, "SELECT count(*) FROM refreshes", took_number, &stored, NULL);
	sqlite3_close(db);
	return stored;
}

static void refreshed(void)
{
	struct hl_store *store;
	uint64_t later = hl_clock_wall() + 3600 * HL_SECOND;
	const struct hl_store_refresh refreshes[] = {{2, later}, {3, moment - HL_SECOND},
						     {1, later}, {4, later},
						     {2, later - HL_SECOND}};

	remove_all();
	store = open_store();
	put(store, 1, "a");
	put(store, 2, "b");
	put(store, 3, "c");
	put(store, 4, "d");
	hl_store_refresh(store, refreshes, HL_COUNT(refreshes));
	hl_store_drop(store, HL_STORE_CONTACTS, 4);
	store = again(store);
	is_str(rows(store), "1:a:10:later 2:b:20:later 3:c:30:then ",
	       "a refresh puts off the end, one that ends earlier does not");
	is_int(refreshes_stored(), 3, "what is over, and whose row was the last, is forgotten");
	put(store, 2, "e");
	put(store, 4, "f");
	store = again(store);
	is_str(rows(store), "1:a:10:later 2:e:20:later 3:c:30:then 4:f:40:then ",
	       "a number that comes again after a restart has no refreshes of its own");
	hl_store_refresh(store, refreshes, HL_COUNT(refreshes));
	store = again(store);
	is_int(refreshes_stored(), 4, "the same refresh is stored once");
	hl_store_close(store);
}

static void seen_later(void *arg, int64_t number, const struct hl_value *row)
{
	(void)number;
	*(unsigned *)arg += row[2].time > moment + HL_SECOND;
}

static void refreshed_together(void)
{
	enum { MANY = 100 };
	struct hl_store_refresh refreshes[MANY];
	struct hl_store_counters counters;
	struct hl_store *store;
	struct hl_error error;
	unsigned later = 0;

	remove_all();
	store = open_store();
	for (int i = 0; i < MANY; i++) {
		put(store, i + 1, "x");
		refreshes[i] = (struct hl_store_refresh){
			i + 1, hl_clock_wall() + (unsigned)(i + 3600) * HL_SECOND};
	}
	hl_store_refresh(store, refreshes, MANY);
	do {
		usleep(5000);
		hl_store_counters(store, &counters);
	} while (counters.rows_waiting);
	is_int(counters.rows_written, 2 * MANY, "each refresh counts as a row");
	store = again(store);
	hl_store_each(store, HL_STORE_CONTACTS, seen_later, &later, &error);
	is_int(later, MANY, "many refreshes at once");
	hl_store_close(store);
}

static void count(void *arg, int64_t number, const struct hl_value *row)
{
	(void)number, (void)row;
	++*(unsigned *)arg;
}

static unsigned calls_left(struct hl_store *store)
{
	struct hl_error error;
	unsigned calls = 0;

	hl_store_each(store, HL_STORE_CALLS, count, &calls, &error);
	return calls;
}

/* A call whose record is written leaves no row to be recorded again, however it died. */
static void records_of_calls(void)
{
	struct hl_store *store = open_store();
	const struct hl_value call[] = {hl_value_text("c1"), hl_value_time(moment)};

	hl_store_put(store, HL_STORE_CALLS, 5, call);
	hl_store_cdr(store, call);
	store = again(store);
	is_int(calls_left(store), 0, "a row whose record is there is not shown");
	hl_store_put(store, HL_STORE_CALLS, 6,
		     (const struct hl_value[]){hl_value_text("c2"), hl_value_time(moment)});
	store = again(store);
	is_int(calls_left(store), 1, "one without is");
	hl_store_close(store);
}

static void at_once(void)
{
	struct hl_store *store = open_store();
	struct hl_error error = {""};
	const struct hl_value row[] = {hl_value_text("u1"), hl_value_integer(1),
				       hl_value_time(moment)};
	const struct hl_value other[] = {hl_value_text("u2"), hl_value_integer(2),
					 hl_value_time(moment)};

	is_int(hl_store_put_now(store, HL_STORE_SUBSCRIBERS, -1, row, &error), 0, "put at once");
	hl_store_put_now(store, HL_STORE_SUBSCRIBERS, -1, other, &error);
	hl_text_clear(&seen);
	hl_store_find(store, HL_STORE_SUBSCRIBERS, HL_STORE_IS, HL_SLICE_LITERAL("u2"), 1, see,
		      NULL, &error);
	is_str(hl_text_string(&seen), "2:u2:2:then ", "found by its first column");
	hl_text_clear(&seen);
	hl_store_find(store, HL_STORE_SUBSCRIBERS, HL_STORE_AFTER, HL_SLICE_LITERAL(""), 1, see,
		      NULL, &error);
	is_str(hl_text_string(&seen), "1:u1:1:then ", "or in order, so many");
	hl_store_drop_now(store, HL_STORE_SUBSCRIBERS, 2, &error);
	hl_text_clear(&seen);
	hl_store_find(store, HL_STORE_SUBSCRIBERS, HL_STORE_AFTER, HL_SLICE_LITERAL("u1"), 9, see,
		      NULL, &error);
	is_str(hl_text_string(&seen), "", "and gone at once");
	hl_store_close(store);
}

/* The file of the database may not grow: what SQLite says is "disk is full" or "I/O error". */
static void full_disk(void)
{
	struct hl_store *store = open_store();
	struct hl_store_counters counters;
	struct rlimit before, low;
	uint64_t until = hl_clock_real() + 10 * HL_SECOND;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	low = before;
	low.rlim_cur = 100;
	setrlimit(RLIMIT_FSIZE, &low);
	put(store, 11, "full");
	do {
		usleep(5000);
		hl_store_counters(store, &counters);
	} while (!counters.failures && hl_clock_real() < until);
	ok(counters.failures > 0, "a database that cannot grow is counted");
	is_int(counters.rows_waiting, 1, "and the row waits");
	setrlimit(RLIMIT_FSIZE, &before);
	do {
		usleep(5000);
		hl_store_counters(store, &counters);
	} while (counters.rows_waiting && hl_clock_real() < until);
	is_int(counters.rows_written, 1, "until there is room, unasked");
	hl_store_close(store);
}

static void versions(void)
{
	struct hl_store *store;
	struct hl_error error = {""};

	remove_all();
	run_sql("CREATE TABLE cdr (id TEXT, started TEXT); INSERT INTO cdr VALUES ('old', '2026');"
		"PRAGMA user_version = 1");
	store = open_store();
	put(store, 1, "new");
	store = again(store);
	is_str(rows(store), "1:new:10:then ", "a database of version 1 gets the tables it lacks");
	is_int(refreshes_stored(), 0, "all of them");
	hl_store_close(store);
	remove_all();
	run_sql("CREATE TABLE songs (name)");
	ok(!hl_store_open(directory, layouts, &error) && strstr(error.text, "another program"),
	   "%s", error.text);
	run_sql("PRAGMA application_id = 77");
	ok(!hl_store_open(directory, layouts, &error) && strstr(error.text, "move the file away"),
	   "what to do is said");
}

int main(void)
{
	snprintf(directory, sizeof(directory), "/tmp/holdline-rows-XXXXXX");
	if (!mkdtemp(directory))
		return 1;
	snprintf(database, sizeof(database), "%s/holdline.db", directory);
	hl_clock_set_rate(100);
	coming_and_going();
	refreshed();
	refreshed_together();
	records_of_calls();
	at_once();
	full_disk();
	versions();
	remove_all();
	rmdir(directory);
	hl_text_fini(&seen);
	return done_testing();
}
