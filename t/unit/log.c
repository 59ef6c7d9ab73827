/* The log: a line is one line, whatever is in it; and the clock whose time it bears. */
#include "base/log.h"
#include "base/clock.h"
#include "base/memory.h"

#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int real_stderr;
static FILE *captured;
static char line[16384];

/* From here to `caught` stderr is a file. */
static void catch_lines(void)
{
	captured = tmpfile();
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	dup2(fileno(captured), STDERR_FILENO);
}

/* What was written meanwhile, behind the time where `time` does not ask for it. */
static const char *caught(bool time)
{
	size_t length;

	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	rewind(captured);
	length = fread(line, 1, sizeof(line) - 1, captured);
	line[length] = '\0';
	fclose(captured);
	return time || length < 25 ? line : line + 25;
}

#define LOGGED(...)                                                                        \
	logged((const struct hl_log_field[]){ __VA_ARGS__, { .key = NULL } })

static const char *logged(const struct hl_log_field *fields)
{
	catch_lines();
	hl_log_write(HL_LOG_INFO, "unit", "tried", fields);
	return caught(false);
}

static void as_text(void)
{
	hl_log_setup(HL_LOG_INFO, HL_LOG_TEXT);
	is_str(LOGGED(hl_str("aor", "sip:a@b;x=1"), hl_int("n", -3), hl_num("rtt", 1.25)),
	       "level=info tag=unit event=tried aor=sip:a@b;x=1 n=-3 rtt=1.25\n", "plain values");
	is_str(LOGGED(hl_words("mend", "period ≥ 42 s")),
	       "level=info tag=unit event=tried mend=\"period ≥ 42 s\"\n", "words of our own");
	is_str(LOGGED(hl_str("v", "a b"), hl_str("e", ""), hl_str("none", NULL)),
	       "level=info tag=unit event=tried v=\"a b\" e=\"\" none=\"\"\n", "blank and empty");
	is_str(LOGGED(hl_str("v", "x\r\nlevel=error tag=root\t\"\\\x01\x7f\xc3\xbc")),
	       "level=info tag=unit event=tried v=\"x\\r\\nlevel=error tag=root\\t"
	       "\\\"\\\\\\x01\\x7f\\xc3\\xbc\"\n", "nobody begins a line or a field from outside");
	is_str(LOGGED(hl_sl("v", HL_SLICE_LITERAL("a\0b"))),
	       "level=info tag=unit event=tried v=\"a\\x00b\"\n", "a NUL is shown");
	catch_lines();
	hl_log(HL_LOG_WARN, "unit", "alone");
	is_str(caught(false), "level=warn tag=unit event=alone\n", "no fields at all");
}

static void as_json(void)
{
	hl_log_setup(HL_LOG_INFO, HL_LOG_JSON);
	hl_clock_fake(HL_SECOND);
	catch_lines();
	hl_log(HL_LOG_ERROR, "unit", "tried", hl_str("v", "a\n\xff"), hl_int("n", 7));
	caught(true);
	ok(!strncmp(line, "{\"time\":\"", 9), "the time comes first");
	is_str(line + 9 + 24, "\",\"level\":\"error\",\"tag\":\"unit\",\"event\":\"tried\","
	       "\"v\":\"a\\n\\u00ff\",\"n\":7}\n", "the same keys as an object");
	hl_clock_fake(0);
	hl_log_setup(HL_LOG_INFO, HL_LOG_TEXT);
}

static void bounds(void)
{
	static char huge[10000];

	memset(huge, 'x', sizeof(huge) - 1);
	is_int(strlen(LOGGED(hl_str("v", huge))),
	       strlen("level=info tag=unit event=tried v=\n") + 4096, "a huge value is cut");
	hl_memory_fail_at(2);
	is_str(LOGGED(hl_str("v", huge)),
	       "level=info tag=unit event=tried fields=lost,no-memory\n",
	       "the event survives ENOMEM");
	hl_memory_fail_at(0);
}

static void levels(void)
{
	catch_lines();
	hl_log(HL_LOG_DEBUG, "unit", "hidden");
	is_str(caught(true), "", "below the level nothing is written");
	ok(!hl_log_enabled(HL_LOG_DEBUG) && hl_log_enabled(HL_LOG_ERROR), "and one can ask before");
}

static void gathered(void)
{
	char two[2 * 1024], big[2048];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	hl_log_gather(true);
	catch_lines();
	hl_log(HL_LOG_INFO, "unit", "first");
	is_str(caught(true), "", "a line of a loop waits for the end of its turn");
	catch_lines();
	hl_log_flush();
	is_str(caught(false), "level=info tag=unit event=first\n", "and is written then");
	hl_log(HL_LOG_INFO, "unit", "second");
	catch_lines();
	hl_log(HL_LOG_WARN, "unit", "third");
	snprintf(two, sizeof(two), "%s", caught(false));
	ok(strstr(two, "event=second\n") && strstr(two, "event=third\n") >
		   strstr(two, "event=second\n"), "a warning is written at once, in its place");
	catch_lines();
	for (int i = 0; i < 20; i++)
		hl_log(HL_LOG_INFO, "unit", "big", hl_str("value", big));
	ok(strlen(caught(true)) > 8192, "what is too much to wait is written");
	hl_log_gather(false);
	catch_lines();
	hl_log(HL_LOG_INFO, "unit", "last");
	ok(strstr(caught(true), "event=last\n"), "and without waiting all of it is there");
}

static void limits(void)
{
	struct hl_log_limit limit = { 0 };
	uint64_t withheld = 99;

	ok(hl_log_allow(&limit, &withheld), "the first is allowed");
	is_int(withheld, 0, "nothing was held back before it");
	ok(!hl_log_allow(&limit, &withheld), "the next is not");
	ok(!hl_log_allow(&limit, &withheld), "nor the one after");
	limit.next -= HL_SECOND;
	ok(hl_log_allow(&limit, &withheld), "a second later one is");
	is_int(withheld, 2, "and tells of the two");
}

static void *write_many(void *arg)
{
	for (int i = 0; i < 200; i++)
		hl_log(HL_LOG_INFO, "unit", "many", hl_str("name", arg), hl_int("i", i));
	return NULL;
}

static void threads(void)
{
	pthread_t threads[2];
	char one[256];
	int whole = 0, all = 0;

	catch_lines();
	pthread_create(&threads[0], NULL, write_many, (char[]){ "aaaaaaaaaaaaaaaaaaaaaaaaaaaa" });
	pthread_create(&threads[1], NULL, write_many, (char[]){ "bbbbbbbbbbbbbbbbbbbbbbbbbbbb" });
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	rewind(captured);
	while (fgets(one, sizeof(one), captured)) {
		char name[64];
		int number;

		all++;
		whole += sscanf(one, "%*s level=info tag=unit event=many name=%63s i=%d\n", name,
				&number) == 2 && strlen(name) == 28;
	}
	caught(true);
	is_int(all, 400, "two threads write all their lines");
	is_int(whole, 400, "and none into another's");
}

static void clock_texts(void)
{
	char text[HL_CLOCK_TEXT];
	uint64_t now = hl_clock_now(), real = hl_clock_real(), wall = hl_clock_wall_at(now);

	hl_clock_format(1795362787123456ull, text);
	is_str(text, "2026-11-22T15:53:07.123Z", "RFC 3339 in milliseconds");
	hl_clock_format(1709164799999999ull, text);
	is_str(text, "2024-02-28T23:59:59.999Z", "cut, not rounded into the next day");
	is_int(hl_clock_wall_at(now + 5) - wall, 5, "the time of day goes with the clock");
	hl_clock_set_rate(100);
	is_int(hl_clock_rate(), 100, "the rate is set");
	ok(hl_clock_now() >= now, "which lets no time go back");
	now = hl_clock_now();
	real = hl_clock_real();
	while (hl_clock_real() - real < 2000)
		;
	ok(hl_clock_now() - now >= 200000, "at rate 100, 2 ms are 200 ms");
	hl_clock_set_rate(1);
	hl_clock_fake(12345);
	ok(hl_clock_now() == 12345 && hl_clock_is_fake(), "a fake clock stands");
	ok(hl_clock_real() > 12345, "the real one does not");
	hl_clock_fake(0);
	ok(hl_clock_now() > 12345 && !hl_clock_is_fake(), "and goes again");
}

int main(void)
{
	as_text();
	as_json();
	bounds();
	levels();
	gathered();
	limits();
	threads();
	clock_texts();
	return done_testing();
}
