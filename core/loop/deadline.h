/* Deadlines: expiries that need no better than a second and come by the million (contacts, nonces,
 * suspensions). A ring of one-second buckets walked by a single timer; O(1) each. */
#ifndef HL_LOOP_DEADLINE_H
#define HL_LOOP_DEADLINE_H

#include "loop/timer.h"

enum { HL_DEADLINE_BUCKETS = 4096 };

struct hl_deadline {
	struct hl_list node; /* in its bucket; alone when not set */
	uint64_t second;     /* of the switch's clock, when it passes */
};

struct hl_deadlines {
	struct hl_loop *loop;                          /* borrowed */
	struct hl_list buckets[HL_DEADLINE_BUCKETS];
	struct hl_list due;                            /* past, waiting for their call */
	struct hl_timer tick;
	uint64_t second;                               /* last second walked */
	uint64_t count;                                /* deadlines set */
	void (*passed)(void *arg, struct hl_deadline *deadline);
	void *arg;                                     /* borrowed */
};

/* `passed` is called once for each deadline, after it was taken out; it may set or free any. */
HL_EXPORT void hl_deadlines_init(struct hl_deadlines *ring, struct hl_loop *loop,
				 void (*passed)(void *arg, struct hl_deadline *deadline),
				 void *arg);
HL_EXPORT void hl_deadlines_fini(struct hl_deadlines *ring);
HL_EXPORT void hl_deadline_init(struct hl_deadline *deadline);
/* (Re)sets it to pass at `moment` (µs of hl_clock_now), at most a second late, never early. */
HL_EXPORT void hl_deadline_set(struct hl_deadlines *ring, struct hl_deadline *deadline,
			       uint64_t moment);
HL_EXPORT void hl_deadline_clear(struct hl_deadlines *ring, struct hl_deadline *deadline);

#endif
