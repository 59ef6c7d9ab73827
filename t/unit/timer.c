/* Timers: never early, in order, at every distance; and what may be done to them from `fired`. */
#include "loop/timer.h"
#include "base/clock.h"
#include "base/random.h"

#include "tap.h"

#include <stdlib.h>

#define START (1000 * HL_SECOND) /* µs, where the fake clock begins */

enum { MANY = 20000 };

struct probe {
	struct hl_timer timer;
	uint64_t asked; /* µs, when it should fire */
	uint64_t at;    /* µs, when it fired */
	unsigned order; /* its place among all that fired */
	unsigned times;
};

static struct hl_loop *loop;
static unsigned fired_count;
static struct probe probes[MANY];

static void fired(void *arg)
{
	struct probe *probe = arg;

	probe->at = hl_clock_now();
	probe->order = fired_count++;
	probe->times++;
}

static void begin(void)
{
	fired_count = 0;
	memset(probes, 0, sizeof(probes));
	for (size_t i = 0; i < MANY; i++)
		hl_timer_init(&probes[i].timer, fired, &probes[i]);
}

static void start(struct probe *probe, uint64_t delay)
{
	probe->asked = hl_clock_now() + delay * HL_MILLISECOND;
	hl_timer_start(loop, &probe->timer, delay);
}

static void distances(void)
{
	/* Around the borders of every level, and beyond the last. */
	static const uint64_t delays[] = { 1,        2,        255,        256,        257,
					   500,      16383,    32000,      65535,      65536,
					   65537,    131072,   4194303,    4194304,    4194305,
					   86400000, 268435456, 17179869183, 17179869184,
					   60000000000 };
	unsigned wrong = 0;

	begin();
	for (size_t i = 0; i < HL_COUNT(delays); i++)
		start(&probes[i], delays[i]);
	is_int(hl_timer_remaining(loop, &probes[6].timer), 16383,
	       "it says how long it still takes");
	hl_loop_advance(loop, 60000000001);
	for (size_t i = 0; i < HL_COUNT(delays); i++)
		if (probes[i].at != probes[i].asked || probes[i].times != 1) {
			diag("%llu ms: %lld µs off", (unsigned long long)delays[i],
			     (long long)(probes[i].at - probes[i].asked));
			wrong++;
		}
	is_int(wrong, 0, "from 1 ms to two years, each fires once, exactly then");
	is_int(hl_timer_remaining(loop, &probes[6].timer), 0, "fired, nothing remains");
	ok(!hl_timer_running(&probes[6].timer), "and it does not run");
}

static int by_order(const void *a, const void *b)
{
	const struct probe *const *x = a, *const *y = b;

	return (*x)->order < (*y)->order ? -1 : 1;
}

/* Random starts, restarts and stops in random steps of the clock. */
static void at_random(void)
{
	static struct probe *sorted[MANY];
	uint64_t ranges[] = { 10, 300, 5000, 70000, 5000000 };
	unsigned wrong = 0, stopped = 0, back = 0, count = 0;

	begin();
	for (size_t i = 0; i < MANY; i++) {
		struct probe *victim = &probes[hl_random_below(i + 1)];

		hl_loop_advance(loop, hl_random_below(4));
		start(&probes[i], 1 + hl_random_below(ranges[i % 5]));
		if (i % 3 == 0 && hl_timer_running(&victim->timer)) {
			hl_timer_stop(loop, &victim->timer);
			victim->asked = 0;
		} else if (i % 7 == 0 && hl_timer_running(&victim->timer)) {
			start(victim, 1 + hl_random_below(ranges[i % 4]));
		}
	}
	hl_loop_advance(loop, 6000000);
	for (size_t i = 0; i < MANY; i++) {
		if (probes[i].times)
			sorted[count++] = &probes[i];
		stopped += !probes[i].asked;
		wrong += probes[i].asked ? probes[i].times != 1 || probes[i].at != probes[i].asked
					 : probes[i].times != 0;
	}
	is_int(wrong, 0, "20,000 at random: each once at its moment, the stopped never");
	ok(stopped > 500, "of which %u were stopped", stopped);
	qsort(sorted, count, sizeof(sorted[0]), by_order);
	for (size_t i = 1; i < count; i++)
		back += sorted[i]->at < sorted[i - 1]->at;
	is_int(back, 0, "in the order of their moments");
}

static void first_come_first(void)
{
	uint64_t moment;
	unsigned wrong = 0;

	begin();
	moment = hl_clock_now() + 200 * HL_SECOND;
	/* The first from far off, in an upper level; the later ones from nearer and nearer. */
	for (size_t i = 0; i < 1000; i++) {
		hl_timer_start_at(loop, &probes[i].timer, moment);
		hl_loop_advance(loop, 199);
	}
	is_int(fired_count, 0, "none fires early");
	hl_loop_advance(loop, 2000);
	for (size_t i = 0; i < 1000; i++)
		wrong += probes[i].order != i;
	is_int(fired_count, 1000, "all fire");
	is_int(wrong, 0, "those of one moment in the order of their starts");
}

static void roundings(void)
{
	begin();
	hl_clock_fake(hl_clock_now() / HL_SECOND * HL_SECOND + 300);
	start(&probes[0], 5);
	hl_timer_start_at(loop, &probes[1].timer, hl_clock_now() + 1);
	probes[1].asked = hl_clock_now() + 1;
	hl_loop_advance(loop, 10);
	ok(probes[0].at >= probes[0].asked && probes[0].at < probes[0].asked + HL_MILLISECOND,
	   "a start between two ticks is rounded up");
	ok(probes[1].at >= probes[1].asked, "so is a moment");
	start(&probes[2], 0);
	hl_timer_start_at(loop, &probes[3].timer, hl_clock_now() - 5 * HL_SECOND);
	is_int(probes[2].times + probes[3].times, 0, "nothing fires from within its start");
	hl_loop_turn(loop);
	is_int(probes[2].times, 1, "without delay it fires in the next turn");
	is_int(probes[3].times, 1, "and so does one for a moment past");
	start(&probes[4], UINT64_MAX);
	hl_loop_advance(loop, 1000);
	is_int(probes[4].times, 0, "for ever is far away");
	hl_timer_stop(loop, &probes[4].timer);
	hl_timer_stop(loop, &probes[4].timer);
	ok(!hl_timer_running(&probes[4].timer), "stopping twice is harmless");
}

static struct hl_timer self, victim;
static unsigned self_count;

static void restart_self(void *arg)
{
	(void)arg;
	self_count++;
	hl_timer_stop(loop, &self);
	hl_timer_stop(loop, &victim);
	hl_timer_start(loop, &self, 0);
}

static void from_within(void)
{
	begin();
	self_count = 0;
	hl_timer_init(&self, restart_self, NULL);
	hl_timer_init(&victim, fired, &probes[0]);
	hl_timer_start(loop, &self, 10);
	hl_timer_start(loop, &victim, 10);
	hl_loop_advance(loop, 9);
	is_int(self_count, 0, "not yet");
	hl_clock_fake(hl_clock_now() + 2 * HL_MILLISECOND);
	hl_loop_turn(loop);
	ok(self_count >= 1 && self_count <= 2,
	   "one that restarts itself without delay ends the turn");
	is_int(probes[0].times, 0, "one that is due may still be stopped by another");
	hl_timer_stop(loop, &self);
}

/* With the real clock: the loop sleeps and wakes by itself. */
static struct probe real_probes[3];

static void stop_loop(void *arg)
{
	fired(arg);
	hl_loop_stop(loop);
}

static void real_time(void)
{
	static const uint64_t delays[] = { 40, 5, 60000 };
	uint64_t late = 0;

	hl_clock_fake(0);
	loop = hl_loop_new(NULL);
	fired_count = 0;
	for (size_t i = 0; i < 3; i++) {
		hl_timer_init(&real_probes[i].timer, i == 0 ? stop_loop : fired, &real_probes[i]);
		start(&real_probes[i], delays[i]);
	}
	hl_loop_run(loop);
	is_int(fired_count, 2, "the loop wakes for each that is due");
	ok(real_probes[0].at >= real_probes[0].asked && real_probes[1].at >= real_probes[1].asked,
	   "and never early");
	late = real_probes[0].at - real_probes[0].asked;
	ok(late < 2 * HL_SECOND, "nor late (%llu µs)", (unsigned long long)late);
	hl_timer_stop(loop, &real_probes[2].timer);
	hl_clock_set_rate(100);
	start(&real_probes[0], 2000);
	late = hl_clock_real();
	hl_loop_run(loop);
	late = hl_clock_real() - late;
	ok(real_probes[0].at >= real_probes[0].asked, "at rate 100 it is not early either");
	ok(late >= 19 * HL_MILLISECOND && late < HL_SECOND,
	   "two seconds took much less (%llu µs)", (unsigned long long)late);
	hl_clock_set_rate(1);
	hl_loop_free(loop);
}

int main(void)
{
	struct hl_error error;

	hl_clock_fake(START);
	loop = hl_loop_new(&error);
	if (!ok(loop != NULL, "a loop"))
		return done_testing();
	distances();
	at_random();
	first_come_first();
	roundings();
	from_within();
	hl_loop_free(loop);
	real_time();
	return done_testing();
}
