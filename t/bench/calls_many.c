/*
 * `calls-many`: CPU per call and per session refresh (RFC 4028) while few and while many calls are
 * up, and what one weighs.  Refreshes are the switch's, on both legs; phones choose the session's
 * length, so that few calls refresh as often a second as many do.  What the calls cost at rest is
 * measured apart and taken off: on a clock that runs fast it is many times what it would be.
 */
#include "bench.h"
#include "calls.h"
#include "enrol.h"

#include <stdio.h>

#define MANY_SHORTEST 90 /* s, the shortest session there is (RFC 4028 section 4) */

struct many {
	struct bench_calls calls;
	struct bench_enrol enrol;
	pid_t pid;
	long few, count; /* calls that are up */
	long spare;	 /* pairs beside them, for short calls */
	long rounds, rate, fill, window, settle;
};

static void many_wait(struct many *load, uint64_t ns)
{
	uint64_t start = bench_clock(), now;

	for (now = start; now - start < ns; now = bench_clock())
		bench_wire_drain(load->calls.wire, ns - (now - start), bench_calls_receive,
				 &load->calls);
}

/* Until what went before is over. */
static void many_settle(struct many *load)
{
	many_wait(load, (uint64_t)load->settle * BENCH_MILLISECOND);
}

static void many_hold(struct many *load, unsigned first, long count)
{
	load->calls.manner = CALLS_HOLD;
	bench_calls_run(&load->calls, first, (uint64_t)count, (double)load->fill,
			&load->calls.answered);
}

/* ns of CPU in a window of time. */
static double many_rest(struct many *load)
{
	uint64_t before;

	many_settle(load);
	before = bench_cpu(load->pid);
	many_wait(load, (uint64_t)load->window * BENCH_MILLISECOND);
	return (double)(bench_cpu(load->pid) - before);
}

static void many_short(struct many *load, const char *name, double rest)
{
	struct bench_rounds cpu = {.count = 0};
	uint64_t before, start;
	double spent;
	long i;

	load->calls.manner = CALLS_SHORT;
	for (i = 0; i < load->rounds; i++) {
		before = bench_cpu(load->pid);
		start = bench_clock();
		bench_calls_run(&load->calls, (unsigned)load->count, (uint64_t)load->spare,
				(double)load->rate, &load->calls.completed);
		spent = (double)(bench_cpu(load->pid) - before);
		spent -= rest * (double)(bench_clock() - start) /
			 (double)((uint64_t)load->window * BENCH_MILLISECOND);
		bench_rounds_add(&cpu, spent / (double)load->spare / 1e3);
	}
	bench_rounds_print(&cpu, name);
}

static void many_refreshes(struct many *load, const char *when, double rest)
{
	struct bench_rounds cpu = {.count = 0};
	uint64_t before, refreshed = load->calls.refreshed, seen;
	char name[64];
	long i;

	for (i = 0; i < load->rounds; i++) {
		seen = load->calls.refreshed;
		before = bench_cpu(load->pid);
		many_wait(load, (uint64_t)load->window * BENCH_MILLISECOND);
		seen = load->calls.refreshed - seen;
		if (!seen)
			bench_die("no refresh in %ld ms", load->window);
		bench_rounds_add(&cpu, ((double)(bench_cpu(load->pid) - before) - rest) /
					       (double)seen / 1e3);
	}
	snprintf(name, sizeof(name), "refresh_us_at_%s", when);
	bench_rounds_print(&cpu, name);
	snprintf(name, sizeof(name), "refresh_rate_at_%s", when);
	bench_print(name, (double)(load->calls.refreshed - refreshed) * 1e3 /
				  (double)(load->window * load->rounds));
}

/* As many calls again, with the shortest session, that end afterwards. */
static void many_refresh_few(struct many *load, double rest)
{
	uint64_t goal = load->calls.completed + (uint64_t)load->few;
	unsigned session = load->calls.session, first = (unsigned)load->few, i;

	load->calls.session = MANY_SHORTEST;
	many_hold(load, first, load->few);
	many_settle(load);
	many_refreshes(load, "few", rest);
	for (i = first; i < 2 * first; i++)
		bench_calls_hang_up(&load->calls, i);
	many_settle(load);
	if (load->calls.completed != goal)
		bench_die("of %ld calls not all ended", load->few);
	load->calls.session = session;
}

static void many_measure(struct many *load, long first_refresh)
{
	uint64_t start;
	double before;

	many_hold(load, 0, load->few);
	before = many_rest(load);
	many_short(load, "cpu_us_at_few", before);
	many_refresh_few(load, before);
	many_settle(load);
	before = bench_resident(load->pid);
	start = bench_clock();
	many_hold(load, (unsigned)load->few, load->count - load->few);
	many_settle(load);
	bench_print("bytes_per_call",
		    (bench_resident(load->pid) - before) / (double)(load->count - load->few));
	before = many_rest(load);
	many_short(load, "cpu_us_at_many", before);
	bench_print("rest_us_per_s", before / (double)load->window);
	if (load->calls.refreshed &&
	    bench_clock() - start > (uint64_t)first_refresh * BENCH_MILLISECOND)
		bench_die("the first refresh came before all was measured that it disturbs");
	many_wait(load,
		  start + (uint64_t)(first_refresh + 1000) * BENCH_MILLISECOND - bench_clock());
	many_refreshes(load, "many", before);
}

int bench_calls_many(int argc, char **argv)
{
	long pid = 0, session = 24000, refresh = 60000, sockets = 4;
	struct many load = {.few = 100,
			    .count = 20000,
			    .spare = 400,
			    .rounds = 5,
			    .rate = 400,
			    .fill = 400,
			    .window = 2000,
			    .settle = 1500};
	const char *server = "";
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"few", &load.few, NULL, "calls that are up at first"},
		{"calls", &load.count, NULL, "calls that are up then"},
		{"fill", &load.fill, NULL, "of them begun a second"},
		{"session", &session, NULL, "s, how long their sessions are"},
		{"refresh", &refresh, NULL, "ms from their beginning to their first refresh"},
		{"rate", &load.rate, NULL, "short calls a second"},
		{"count", &load.spare, NULL, "short calls a round"},
		{"window", &load.window, NULL, "ms that refreshes are counted for, a round"},
		{"settle", &load.settle, NULL, "ms until what went before is over"},
		{"rounds", &load.rounds, NULL, "rounds, of which the median counts"},
		{"sockets", &sockets, NULL, "sockets the phones share"},
	};
	struct bench_wire wire;
	unsigned pairs, i;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	if (load.few < 1 || load.count < 2 * load.few)
		bench_die("%ld calls against %ld?", load.count, load.few);
	pairs = (unsigned)(load.count + load.spare);
	load.pid = (pid_t)pid;
	bench_wire_open(&wire, server, (unsigned)sockets);
	bench_enrol_init(&load.enrol, &wire, 2 * pairs);
	bench_enrol_all(&load.enrol, 2 * pairs);
	bench_calls_init(&load.calls, &wire, pairs);
	load.calls.session = (unsigned)session;
	many_measure(&load, refresh);
	i = (unsigned)(load.calls.started - load.calls.answered);
	bench_print("operations", (double)load.calls.started);
	bench_print("completed", (double)load.calls.answered);
	bench_print("refused", (double)load.calls.failed);
	bench_print("lost", i);
	bench_print("repeated", (double)load.calls.repeated);
	bench_calls_fini(&load.calls);
	bench_enrol_fini(&load.enrol);
	bench_wire_close(&wire);
	return i || load.calls.failed ? 1 : 0;
}
