/* The timer wheel (Varghese and Lauck, 1987, scheme 7): a timer waits in the level whose span its
 * remaining time fits in and comes down a level when the time of its slot has come. Bitmaps say
 * which slots are used, so that the next moment with work is found without walking, and an idle
 * switch sleeps. Timers of one millisecond fire in the order in which they were started. */
#include "loop/timer.h"
#include "base/clock.h"
#include "loop/private.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	LEVELS = 5,
	BATCH = 4096, /* timers fired in one turn; sockets have their say in between */
	SETTLE = 1000 /* turns given to one moment of the fake clock */
};

static const struct {
	unsigned shift; /* log2 of the ms that a slot spans */
	unsigned bits;  /* log2 of the slots */
	unsigned first; /* slot */
} levels[LEVELS] = { { 0, 8, 0 }, { 8, 8, 256 }, { 16, 6, 512 }, { 22, 6, 576 }, { 28, 6, 640 } };

static void move_all(struct hl_list *to, struct hl_list *from)
{
	if (hl_list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	hl_list_init(from);
}

static void mark(struct hl_wheel *wheel, size_t slot)
{
	wheel->used[slot / 64] |= 1ull << slot % 64;
}

static void unmark(struct hl_wheel *wheel, size_t slot)
{
	wheel->used[slot / 64] &= ~(1ull << slot % 64);
}

/* Puts the timer into its slot; `older` than what is there already or younger. */
static void place(struct hl_wheel *wheel, struct hl_timer *timer, bool older)
{
	uint64_t left = timer->due - wheel->tick, position = timer->due;
	unsigned level = 0, slot;

	while (level < LEVELS - 1 && left >> (levels[level].shift + levels[level].bits))
		level++;
	/* Beyond the horizon: as far as it goes, and again from there. */
	if (left >> (levels[level].shift + levels[level].bits))
		position = wheel->tick + (1ull << (levels[level].shift + levels[level].bits)) - 1;
	slot = levels[level].first +
	       (unsigned)(position >> levels[level].shift & ((1u << levels[level].bits) - 1));
	if (older)
		hl_list_prepend(&wheel->slots[slot], &timer->node);
	else
		hl_list_append(&wheel->slots[slot], &timer->node);
	mark(wheel, slot);
}

/* How many slots on from `current` the level's next used one is (1 to all of them); 0: none. */
static unsigned next_used(const struct hl_wheel *wheel, unsigned level, unsigned current)
{
	const uint64_t *used = &wheel->used[levels[level].first / 64];
	unsigned size = 1u << levels[level].bits, distance = 1;

	while (distance <= size) {
		unsigned slot = (current + distance) & (size - 1);
		uint64_t ahead = used[slot / 64] >> slot % 64;

		if (ahead) {
			distance += (unsigned)__builtin_ctzll(ahead);
			return distance <= size ? distance : 0;
		}
		distance += 64 - slot % 64;
	}
	return 0;
}

/* The next tick at which a timer is due or a slot comes down; UINT64_MAX: none. */
static uint64_t next_event(const struct hl_wheel *wheel)
{
	uint64_t next = UINT64_MAX;

	for (unsigned level = 0; level < LEVELS; level++) {
		uint64_t turn = wheel->tick >> levels[level].shift;
		unsigned current = (unsigned)(turn & ((1u << levels[level].bits) - 1));
		unsigned distance = next_used(wheel, level, current);
		uint64_t at = (turn + distance) << levels[level].shift;

		if (distance && at < next)
			next = at;
	}
	return next;
}

/* Brings down the slots whose time begins with this tick. What comes down was started before
 * anything that waits below for the same moment; hence backwards, to the front, and the lowest
 * level first. */
static void cascade(struct hl_wheel *wheel)
{
	for (unsigned level = 1; level < LEVELS; level++) {
		uint64_t turn = wheel->tick >> levels[level].shift;
		unsigned slot = levels[level].first +
				(unsigned)(turn & ((1u << levels[level].bits) - 1));
		struct hl_list down;

		if (turn << levels[level].shift != wheel->tick)
			return;
		hl_list_init(&down);
		move_all(&down, &wheel->slots[slot]);
		unmark(wheel, slot);
		while (!hl_list_empty(&down)) {
			struct hl_list *node = down.prev;

			hl_list_remove(node);
			place(wheel, hl_list_entry(node, struct hl_timer, node), true);
		}
	}
}

/* Moves the wheel on to `tick`; what is due until then gets ready, in order. */
static void collect(struct hl_wheel *wheel, uint64_t tick)
{
	uint64_t next;

	while ((next = next_event(wheel)) <= tick) {
		unsigned slot = (unsigned)(next & 255);

		wheel->tick = next;
		cascade(wheel);
		move_all(&wheel->ready, &wheel->slots[slot]);
		unmark(wheel, slot);
	}
	if (tick > wheel->tick)
		wheel->tick = tick;
}

static bool idle(const struct hl_wheel *wheel)
{
	return hl_list_empty(&wheel->ready) && hl_list_empty(&wheel->firing);
}

/* Real µs from now until the switch's clock shows `tick`. */
static uint64_t wait_until(uint64_t tick)
{
	uint64_t now = hl_clock_now(), then = tick * HL_MILLISECOND;

	return then > now ? (then - now + hl_clock_rate() - 1) / hl_clock_rate() : 0;
}

uint64_t hl_wheel_wait(const struct hl_wheel *wheel)
{
	return wheel->armed == UINT64_MAX ? UINT64_MAX : wait_until(wheel->armed);
}

/* Sees to it that the loop wakes at `tick`, in real time. The fake clock moves only when told, so
 * nothing but what is ready can come due by waiting. An alarm that is early anyway stays: one
 * wake-up too many now and then costs less than a system call for each timer. */
static void arm(struct hl_wheel *wheel, uint64_t tick)
{
	uint64_t wait = 0;
	struct itimerspec alarm = {.it_value = {0, 1}};

	if (tick > wheel->tick) {
		if (hl_clock_is_fake())
			return;
		wait = wait_until(tick);
	} else if (!wheel->running) {
		/* Ready, and a handler of the loop said so: its turn comes without the kernel. */
		event_active(wheel->event, EV_TIMEOUT, 1);
		wheel->armed = tick;
		return;
	}
	if (wait)
		alarm.it_value = (struct timespec){(time_t)(wait / HL_SECOND),
						   (long)(wait % HL_SECOND) * 1000};
	if (!timerfd_settime(wheel->alarm, 0, &alarm, NULL))
		wheel->armed = tick;
}

static void fire(struct hl_wheel *wheel)
{
	uint64_t since = hl_clock_real();

	move_all(&wheel->firing, &wheel->ready);
	for (unsigned left = BATCH; left && !hl_list_empty(&wheel->firing); left--) {
		struct hl_list *node = wheel->firing.next;
		struct hl_timer *timer = hl_list_entry(node, struct hl_timer, node);
		const char *name = timer->name;

		hl_list_remove(node);
		timer->fired(timer->arg);
		since = hl_loop_handled(name, since);
	}
}

void hl_wheel_run(struct hl_loop *loop)
{
	struct hl_wheel *wheel = &loop->wheel;
	uint64_t next;

	wheel->running = true;
	collect(wheel, hl_clock_now() / HL_MILLISECOND);
	fire(wheel);
	wheel->armed = UINT64_MAX;
	next = idle(wheel) ? next_event(wheel) : wheel->tick;
	if (next != UINT64_MAX)
		arm(wheel, next);
	wheel->running = false;
}

static void wheel_woken(evutil_socket_t fd, short what, void *arg)
{
	uint64_t expiries;

	/* Nothing to read says that the alarm was set anew meanwhile: harmless. */
	if (what & EV_READ && read(fd, &expiries, sizeof(expiries)) < 0 && errno != EAGAIN)
		return;
	hl_wheel_run(arg);
}

int hl_wheel_init(struct hl_loop *loop)
{
	struct hl_wheel *wheel = &loop->wheel;

	for (size_t i = 0; i < HL_WHEEL_SLOTS; i++)
		hl_list_init(&wheel->slots[i]);
	hl_list_init(&wheel->ready);
	hl_list_init(&wheel->firing);
	wheel->tick = hl_clock_now() / HL_MILLISECOND;
	wheel->armed = UINT64_MAX;
	wheel->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (wheel->alarm < 0)
		return -errno;
	wheel->event =
		event_new(loop->base, wheel->alarm, EV_READ | EV_PERSIST, wheel_woken, loop);
	return wheel->event && !event_add(wheel->event, NULL) ? 0 : -ENOMEM;
}

void hl_wheel_fini(struct hl_loop *loop)
{
	if (loop->wheel.event)
		event_free(loop->wheel.event);
	if (loop->wheel.alarm >= 0)
		close(loop->wheel.alarm);
}

void hl_timer_setup(struct hl_timer *timer, void (*fired)(void *arg), void *arg, const char *name)
{
	hl_list_init(&timer->node);
	timer->due = 0;
	timer->fired = fired;
	timer->arg = arg;
	timer->name = name;
}

void hl_timer_start(struct hl_loop *loop, struct hl_timer *timer, uint64_t delay)
{
	const uint64_t horizon = UINT64_MAX / 4 / HL_MILLISECOND;

	hl_timer_start_at(loop, timer,
			  hl_clock_now() + (delay < horizon ? delay : horizon) * HL_MILLISECOND);
}

/* Only a test's clock goes back; with nothing running the wheel follows it. */
static void follow_clock(struct hl_wheel *wheel, uint64_t tick)
{
	if (tick < wheel->tick && idle(wheel) && next_event(wheel) == UINT64_MAX)
		wheel->tick = tick;
}

void hl_timer_start_at(struct hl_loop *loop, struct hl_timer *timer, uint64_t moment)
{
	struct hl_wheel *wheel = &loop->wheel;
	uint64_t now = hl_clock_now();

	hl_timer_stop(loop, timer);
	follow_clock(wheel, now / HL_MILLISECOND);
	timer->due = moment / HL_MILLISECOND + (moment % HL_MILLISECOND != 0);
	if (moment <= now || timer->due <= wheel->tick) {
		timer->due = wheel->tick;
		hl_list_append(&wheel->ready, &timer->node);
	} else {
		place(wheel, timer, false);
	}
	if (!wheel->running && timer->due < wheel->armed)
		arm(wheel, timer->due);
}

void hl_timer_stop(struct hl_loop *loop, struct hl_timer *timer)
{
	struct hl_wheel *wheel = &loop->wheel;
	uintptr_t head = (uintptr_t)timer->node.next, slots = (uintptr_t)wheel->slots;

	/* The last one of a slot has the slot's head on either side. */
	if (timer->node.next == timer->node.prev && head >= slots &&
	    head < slots + sizeof(wheel->slots))
		unmark(wheel, (head - slots) / sizeof(wheel->slots[0]));
	hl_list_remove(&timer->node);
}

bool hl_timer_running(const struct hl_timer *timer)
{
	return !hl_list_empty(&timer->node);
}

uint64_t hl_timer_remaining(struct hl_loop *loop, const struct hl_timer *timer)
{
	uint64_t now = hl_clock_now(), due = timer->due * HL_MILLISECOND;

	(void)loop;
	if (!hl_timer_running(timer) || due <= now)
		return 0;
	return (due - now + HL_MILLISECOND - 1) / HL_MILLISECOND;
}

static void settle(struct hl_loop *loop)
{
	int turns = 0;

	do
		hl_wheel_run(loop);
	while (!idle(&loop->wheel) && ++turns < SETTLE);
	hl_loop_end_turn(loop);
}

void hl_loop_advance(struct hl_loop *loop, uint64_t duration)
{
	uint64_t now = hl_clock_now(), end = now + duration * HL_MILLISECOND, next;

	follow_clock(&loop->wheel, now / HL_MILLISECOND);
	hl_clock_fake(now);
	settle(loop);
	while ((next = next_event(&loop->wheel)) <= end / HL_MILLISECOND) {
		if (next * HL_MILLISECOND > hl_clock_now())
			hl_clock_fake(next * HL_MILLISECOND);
		settle(loop);
	}
	hl_clock_fake(end);
	settle(loop);
}
