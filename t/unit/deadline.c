/* Deadlines: at most a second late and never early, far or near, one or very many. */
#include "loop/deadline.h"
#include "base/clock.h"
#include "base/random.h"

#include "tap.h"

enum { MANY = 30000 };

struct probe {
	struct hl_deadline deadline;
	uint64_t asked; /* µs */
	uint64_t at;    /* µs */
	unsigned times;
};

static struct hl_loop *loop;
static struct hl_deadlines ring;
static struct probe probes[MANY];
static struct probe *again, *cleared; /* what the next one that passes sets anew, and clears */

static void passed(void *arg, struct hl_deadline *deadline)
{
	struct probe *probe = hl_container_of(deadline, struct probe, deadline);

	if (arg != &ring)
		diag("wrong arg");
	probe->at = hl_clock_now();
	probe->times++;
	if (cleared)
		hl_deadline_clear(&ring, &cleared->deadline);
	cleared = NULL;
	if (again)
		hl_deadline_set(&ring, &again->deadline, hl_clock_now() + 3 * HL_SECOND);
	again = NULL;
}

static void set(struct probe *probe, uint64_t moment)
{
	probe->asked = moment;
	hl_deadline_set(&ring, &probe->deadline, moment);
}

static void begin(void)
{
	memset(probes, 0, sizeof(probes));
	for (size_t i = 0; i < MANY; i++)
		hl_deadline_init(&probes[i].deadline);
}

static unsigned wrong_ones(size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++) {
		struct probe *probe = &probes[i];

		if (probe->asked ? probe->times != 1 || probe->at < probe->asked ||
					   probe->at > probe->asked + HL_SECOND
				 : probe->times != 0) {
			diag("%zu: %u times, %lld us late", i, probe->times,
			     (long long)(probe->at - probe->asked));
			wrong++;
		}
	}
	return wrong;
}

static void near_and_far(void)
{
	uint64_t now = hl_clock_now();

	begin();
	set(&probes[0], now + 1);
	set(&probes[1], now + HL_SECOND);
	set(&probes[2], now + 4095 * HL_SECOND);
	set(&probes[3], now + 4096 * HL_SECOND);
	set(&probes[4], now + 4097 * HL_SECOND);
	set(&probes[5], now + 50000 * HL_SECOND + 77);
	is_int(ring.count, 6, "six are set");
	hl_loop_advance(loop, 4000000);
	is_int(ring.count, 4, "two of them are near");
	hl_loop_advance(loop, 47000000);
	is_int(wrong_ones(6), 0, "each passes once, never early, a second late at most");
	is_int(ring.count, 0, "none is left");
	ok(!hl_timer_running(&ring.tick), "and nothing ticks");
}

static void at_random(void)
{
	begin();
	for (size_t i = 0; i < MANY; i++) {
		struct probe *other = &probes[hl_random_below(i + 1)];

		if (i % 100 == 0)
			hl_loop_advance(loop, 37);
		set(&probes[i], hl_clock_now() + 1 + hl_random_below(9000 * HL_SECOND));
		if (i % 3 == 0 && !other->times) {
			hl_deadline_clear(&ring, &other->deadline);
			other->asked = 0;
		} else if (i % 5 == 0 && !other->times) {
			set(other, hl_clock_now() + 1 + hl_random_below(100 * HL_SECOND));
		} else if (i % 7 == 0 && other->asked && !other->times) {
			set(other, other->asked + hl_random_below(6000 * HL_SECOND));
		}
	}
	hl_loop_advance(loop, 60000000);
	is_int(wrong_ones(MANY), 0, "30,000 at random, some cleared, some set anew");
	is_int(ring.count, 0, "none is left");
}

static void put_off(void)
{
	begin();
	set(&probes[0], hl_clock_now() + 10 * HL_SECOND);
	for (int i = 0; i < 5000; i++) {
		hl_loop_advance(loop, 3000);
		set(&probes[0], hl_clock_now() + 10 * HL_SECOND);
	}
	is_int(probes[0].times, 0, "one that is put off all the time does not pass");
	set(&probes[0], hl_clock_now() + 5000 * HL_SECOND);
	set(&probes[0], hl_clock_now() + 20 * HL_SECOND);
	hl_loop_advance(loop, 30000);
	is_int(wrong_ones(1), 0, "put off further than the ring and back, it passes in time");
	set(&probes[1], hl_clock_now() + HL_SECOND);
	set(&probes[2], hl_clock_now() + HL_SECOND);
	hl_deadline_clear(&ring, &probes[1].deadline);
	hl_loop_advance(loop, 500);
	set(&probes[1], probes[2].asked + HL_SECOND);
	hl_loop_advance(loop, 5000);
	is_int(wrong_ones(3), 0, "so does one that was cleared in between");
	is_int(ring.count, 0, "none is left");
}

static void jumps(void)
{
	begin();
	for (size_t i = 0; i < 6000; i++)
		set(&probes[i], hl_clock_now() + (1 + i) * HL_SECOND);
	hl_clock_fake(hl_clock_now() + 5500 * HL_SECOND + 900 * HL_MILLISECOND);
	for (int i = 0; i < 10; i++)
		hl_loop_turn(loop);
	is_int(ring.count, 500, "a jump over more than the ring passes all that are due");
	hl_loop_advance(loop, 600000);
	is_int(ring.count, 0, "and the rest in time");
}

static void batches(void)
{
	begin();
	for (size_t i = 0; i < MANY; i++)
		set(&probes[i], hl_clock_now() + 10 * HL_SECOND);
	hl_clock_fake(hl_clock_now() + 11 * HL_SECOND);
	hl_loop_turn(loop);
	ok(ring.count < MANY && ring.count >= MANY - 3000, "a mass expiry takes several turns");
	for (size_t i = 0; i < MANY; i++)
		if (!probes[i].times)
			hl_deadline_clear(&ring, &probes[i].deadline);
	is_int(ring.count, 0, "those that wait for theirs can still be cleared");
	hl_loop_turn(loop);
	is_int(ring.count, 0, "which does not pass them");
}

static void from_within(void)
{
	begin();
	set(&probes[0], hl_clock_now() + HL_SECOND);
	set(&probes[1], probes[0].asked);
	again = &probes[0];
	cleared = &probes[1];
	hl_loop_advance(loop, 2000);
	is_int(probes[0].times, 1, "one passes");
	is_int(probes[1].times, 0, "and clears the other");
	hl_loop_advance(loop, 4000);
	is_int(probes[0].times, 2, "set anew from within it passes again");
	set(&probes[2], hl_clock_now() - 100 * HL_SECOND);
	is_int(probes[2].times, 0, "one in the past waits for the next second");
	hl_loop_advance(loop, 1000);
	is_int(probes[2].times, 1, "and no longer");
	set(&probes[3], hl_clock_now() + HL_SECOND);
	hl_deadline_clear(&ring, &probes[3].deadline);
	hl_deadline_clear(&ring, &probes[3].deadline);
	is_int(ring.count, 0, "clearing twice is harmless");
}

int main(void)
{
	hl_clock_fake(777 * HL_SECOND + 123456);
	loop = hl_loop_new(NULL);
	hl_deadlines_init(&ring, loop, passed, &ring);
	near_and_far();
	at_random();
	put_off();
	jumps();
	batches();
	from_within();
	set(&probes[9], hl_clock_now() + HL_SECOND);
	hl_deadlines_fini(&ring);
	is_int(ring.count, 0, "the end forgets what was set");
	hl_loop_free(loop);
	return done_testing();
}
