/* A ring of the pacer: the members of one period, and the pass over them that is under way. */
#ifndef RING_H
#define RING_H

#include "pacer.h"

struct pacer_ring {
	struct hl_list node;	/* in pacer.rings */
	struct hl_list active;	/* in pacer.active; alone when its pass is over */
	struct hl_list members; /* in order of registration */
	struct pacer *pacer;	/* borrowed */
	struct hl_timer timer;	/* the next pass */
	uint64_t period;	/* µs */
	uint64_t start;		/* of this pass, on the beat */
	uint64_t step;		/* even: when the last step was */
	struct hl_list *cursor; /* the first member not yet dealt with, while `left` */
	uint32_t pass : 28;	/* number of this pass */
	uint32_t count;		/* members */
	uint32_t total;		/* members of this pass */
	uint32_t left;		/* of them not yet dealt with */
	uint32_t goal;		/* even: how many may be dealt with in this step */
	uint32_t sent, skipped; /* in this pass; datagrams, members */
	uint32_t lost;		/* members it could not send to */
	uint32_t missed_last;	/* members the pass before did not reach */
};

static inline struct pacer_member *ring_member(struct hl_list *node)
{
	return hl_list_entry(node, struct pacer_member, node);
}

/* Begins the next pass, due `late` whole periods after the last: those in between every member has
 * missed. */
void ring_pass_begin(struct pacer_ring *ring, uint64_t late);
/* The end of a pass, with `left` members not reached. */
void ring_pass_end(struct pacer_ring *ring);
/* What to do with members that were not reached when the next pass is due (K7). */
void ring_overrun(struct pacer_ring *ring);
/* Takes the ring's next heartbeats into the pacer's batch, in which `count` are; returns how many
 * are there then, at most `most`. */
unsigned ring_gather(struct pacer_ring *ring, unsigned count, unsigned most);
/* Notes what became of a heartbeat of that member. */
void ring_settle(struct pacer_ring *ring, struct pacer_member *member, enum pacer_result result);
/* Moves the cursor to the next member that this pass has not dealt with. */
void ring_advance(struct pacer_ring *ring);
/* Even: allows what is due at `now`; all of it when this is the last `moment`. */
void ring_step(struct pacer_ring *ring, uint64_t now, bool last);
/* Even: when its next member is due. */
uint64_t ring_next(const struct pacer_ring *ring);

#endif
