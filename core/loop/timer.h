/* Timers: a hierarchical wheel of 1 ms ticks per loop; start, stop and expiry are O(1) whatever
 * their number. Durations are of the switch's clock. A timer lives inside the struct it serves and
 * must be stopped before that is freed. */
#ifndef HL_LOOP_TIMER_H
#define HL_LOOP_TIMER_H

#include "loop/loop.h"

struct hl_timer {
	struct hl_list node;       /* in its wheel slot; alone when not running */
	uint64_t due;              /* ticks (ms) of the loop */
	void (*fired)(void *arg);  /* called once per start */
	void *arg;                 /* borrowed */
	const char *name;          /* of `fired`, for the log of slow handlers; borrowed */
};

#define hl_timer_init(timer, fired, arg) hl_timer_setup(timer, fired, arg, #fired)
HL_EXPORT void hl_timer_setup(struct hl_timer *timer, void (*fired)(void *arg), void *arg,
			      const char *name);
/* (Re)starts it to fire `delay` ms from now, never early. 0 fires in the next turn of the loop. */
HL_EXPORT void hl_timer_start(struct hl_loop *loop, struct hl_timer *timer, uint64_t delay);
/* The same for an absolute moment of hl_clock_now (µs): what keeps a phase. */
HL_EXPORT void hl_timer_start_at(struct hl_loop *loop, struct hl_timer *timer, uint64_t moment);
/* Harmless when it is not running, and from within `fired`. */
HL_EXPORT void hl_timer_stop(struct hl_loop *loop, struct hl_timer *timer);
HL_EXPORT bool hl_timer_running(const struct hl_timer *timer);
/* Milliseconds until it fires; 0 when it is not running. */
HL_EXPORT uint64_t hl_timer_remaining(struct hl_loop *loop, const struct hl_timer *timer);

/* Tests: moves the fake clock on by `duration` ms, firing every timer at its own moment. */
HL_EXPORT void hl_loop_advance(struct hl_loop *loop, uint64_t duration);

#endif
