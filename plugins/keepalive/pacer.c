/* The pacer: rings by period, the burst that all of them share, and one timer for what is next. */
#include "pacer.h"

#include "ring.h"

#include <errno.h>

enum {
	RETRY = 2,     /* ms until a full socket is tried again */
	SHORT = 20000, /* µs: intervals shorter than that are within what a timer may be late */
	BEHIND = 4     /* intervals that bursts may be late and still catch up with their beat */
};

/* Starts the timer for whatever comes next. */
static void pacer_schedule(struct pacer *pacer);
/* Sends what may be sent now. Returns whether the sockets took it all. */
static bool pacer_turn(struct pacer *pacer, bool last);

/* When the next burst may begin: on the beat, never `now + interval`, so that a late one delays no
 * other. Behind a late one the pause may be half as long; so the beat is found again, and the rate
 * is what it is said to be, without two bursts becoming one. */
static uint64_t burst_next(const struct pacer *pacer)
{
	uint64_t interval = pacer->settings.interval;
	uint64_t beat = pacer->window + interval;
	uint64_t pause = pacer->began + (interval < SHORT ? 0 : interval / 2);

	return beat > pause ? beat : pause;
}

/* A burst begins that was due at `beat`. What a stall has cost is not made up for. */
static void burst_begin(struct pacer *pacer, uint64_t beat, uint64_t now)
{
	uint64_t interval = pacer->settings.interval;
	uint64_t patience = BEHIND * interval > SHORT ? BEHIND * interval : SHORT;

	if (now > beat + patience)
		beat += (now - beat) / interval * interval;
	pacer->window = beat;
	pacer->began = now;
	pacer->used = 0;
}

/* A pass begins, due at `beat`, while nothing was being sent: a burst that has room left goes on,
 * and the pause behind it counts from here. */
static void pacer_wake(struct pacer *pacer, uint64_t beat)
{
	uint64_t now = hl_clock_now();

	if (hl_timer_running(&pacer->timer))
		return;
	if (now >= burst_next(pacer))
		burst_begin(pacer, beat, now);
	else if (pacer->used < pacer->settings.burst && !pacer->settings.even)
		pacer->window = pacer->began = now;
	pacer_schedule(pacer);
}

static void ring_activate(struct pacer_ring *ring)
{
	struct pacer *pacer = ring->pacer;
	struct hl_list *at = pacer->active.next;

	while (at != &pacer->active) {
		struct pacer_ring *other = hl_list_entry(at, struct pacer_ring, active);
		if (other->start + other->period > ring->start + ring->period)
			break;
		at = at->next;
	}
	hl_list_insert(at, &ring->active);
	pacer_wake(pacer, ring->start);
}

static void ring_free(struct pacer_ring *ring)
{
	hl_timer_stop(ring->pacer->loop, &ring->timer);
	hl_list_remove(&ring->active);
	hl_list_remove(&ring->node);
	hl_free(ring);
}

static void ring_begin(void *arg)
{
	struct pacer_ring *ring = arg;

	/* The last step of an even pass, if the loop was too late for it. */
	if (ring->left && ring->pacer->settings.even)
		pacer_turn(ring->pacer, true);
	if (ring->left)
		ring_overrun(ring);
	if (!ring->count) {
		ring_free(ring);
		return;
	}
	/* Whole periods that nobody was there to begin, as after a stall. */
	ring_pass_begin(ring, (hl_clock_now() - ring->start) / ring->period - 1);
	hl_timer_start_at(ring->pacer->loop, &ring->timer, ring->start + ring->period);
	ring_activate(ring);
}

static struct pacer_ring *ring_get(struct pacer *pacer, uint64_t period)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->rings)
	{
		struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, node);
		if (ring->period == period)
			return ring;
	}
	struct pacer_ring *ring = hl_zalloc(sizeof(*ring));
	if (!ring)
		return NULL;
	ring->pacer = pacer;
	ring->period = period;
	ring->start = hl_clock_now();
	hl_list_init(&ring->members);
	hl_list_init(&ring->active);
	hl_list_append(&pacer->rings, &ring->node);
	hl_timer_init(&ring->timer, ring_begin, ring);
	hl_timer_start_at(pacer->loop, &ring->timer, ring->start + period);
	return ring;
}

/* Notes what became of the batch. Returns whether the sockets took it all. */
static bool batch_done(struct pacer *pacer, unsigned count)
{
	bool all = true;

	for (unsigned i = 0; i < count; i++) {
		struct pacer_member *member = pacer->batch[i];
		if (pacer->results[i] == PACER_LEFT && member)
			all = false;
		else
			pacer->used++;
		if (member)
			ring_settle(member->ring, member, pacer->results[i]);
	}
	return all;
}

/* Ends the passes that have nobody left, and moves cursors past those who were dealt with. */
static void pacer_settle(struct pacer *pacer)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->active)
	{
		struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, active);
		if (ring->left)
			ring_advance(ring);
		else
			ring_pass_end(ring);
	}
}

static bool pacer_send(struct pacer *pacer)
{
	unsigned burst = pacer->settings.burst;
	unsigned most = burst > pacer->used ? burst - pacer->used : 0;
	struct hl_list *node, *next;

	if (most > PACER_CHUNK)
		most = PACER_CHUNK;
	pacer->sending = 0;
	hl_list_each(node, next, &pacer->active) pacer->sending = ring_gather(
		hl_list_entry(node, struct pacer_ring, active), pacer->sending, most);
	unsigned count = pacer->sending;
	if (count)
		pacer->events->send(pacer->arg, pacer->batch, count, pacer->results);
	pacer->sending = 0;
	bool all = batch_done(pacer, count);
	pacer_settle(pacer);
	return all;
}

static bool pacer_turn(struct pacer *pacer, bool last)
{
	uint64_t now = hl_clock_now();
	bool even = pacer->settings.even;
	struct hl_list *node, *next;

	if (now >= burst_next(pacer) && (pacer->used >= pacer->settings.burst || even))
		burst_begin(pacer, pacer->window + pacer->settings.interval, now);
	if (even) {
		hl_list_each(node, next, &pacer->active) ring_step(
			hl_list_entry(node, struct pacer_ring, active), now, last);
	}
	return pacer_send(pacer);
}

/* The moment the next member is due. */
static uint64_t pacer_next(const struct pacer *pacer)
{
	uint64_t first = UINT64_MAX;
	struct hl_list *node, *next;

	if (!pacer->settings.even)
		return 0;
	hl_list_each(node, next, &pacer->active)
	{
		uint64_t moment = ring_next(hl_list_entry(node, struct pacer_ring, active));
		if (moment < first)
			first = moment;
	}
	return first;
}

static void pacer_schedule(struct pacer *pacer)
{
	if (hl_list_empty(&pacer->active))
		return;
	uint64_t moment = pacer->used < pacer->settings.burst ? pacer_next(pacer)
							      : burst_next(pacer);
	hl_timer_start_at(pacer->loop, &pacer->timer, moment);
}

static void pacer_run(void *arg)
{
	struct pacer *pacer = arg;

	if (pacer_turn(pacer, false))
		pacer_schedule(pacer);
	else
		hl_timer_start(pacer->loop, &pacer->timer, RETRY);
}

void pacer_init(struct pacer *pacer, struct hl_loop *loop, const struct pacer_events *events,
		void *arg, const struct pacer_settings *settings)
{
	memset(pacer, 0, sizeof(*pacer));
	pacer->loop = loop;
	pacer->events = events;
	pacer->arg = arg;
	pacer->settings = *settings;
	hl_list_init(&pacer->rings);
	hl_list_init(&pacer->active);
	hl_timer_init(&pacer->timer, pacer_run, pacer);
}

void pacer_fini(struct pacer *pacer)
{
	struct hl_list *node, *next, *at, *after;

	hl_timer_stop(pacer->loop, &pacer->timer);
	hl_list_each(node, next, &pacer->rings)
	{
		struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, node);
		hl_list_each(at, after, &ring->members)
		{
			ring_member(at)->ring = NULL;
			hl_list_remove(at);
		}
		ring_free(ring);
	}
	pacer->count = 0;
}

void pacer_configure(struct pacer *pacer, const struct pacer_settings *settings)
{
	pacer->settings = *settings;
	if (hl_timer_running(&pacer->timer))
		pacer_schedule(pacer);
}

int pacer_add(struct pacer *pacer, struct pacer_member *member, uint64_t period)
{
	if (member->ring && member->ring->period == period)
		return 0;
	pacer_remove(pacer, member);
	struct pacer_ring *ring = ring_get(pacer, period);
	if (!ring)
		return -ENOMEM;
	member->ring = ring;
	member->pass = ring->pass;
	member->debt -= ring->pass;
	member->copies = 0;
	hl_list_append(&ring->members, &member->node);
	ring->count++;
	pacer->count++;
	return 0;
}

void pacer_remove(struct pacer *pacer, struct pacer_member *member)
{
	struct pacer_ring *ring = member->ring;

	if (!ring)
		return;
	for (unsigned i = 0; i < pacer->sending; i++)
		if (pacer->batch[i] == member)
			pacer->batch[i] = NULL;
	member->debt = pacer_missed(member);
	bool waiting = member->pass != ring->pass;
	if (waiting) {
		ring->left--;
		ring->total--;
	}
	struct hl_list *after = member->node.next;
	hl_list_remove(&member->node);
	member->ring = NULL;
	ring->count--;
	pacer->count--;
	if (ring->cursor == &member->node) {
		ring->cursor = after;
		ring_advance(ring);
	}
	if (waiting && !ring->left && !pacer->sending)
		ring_pass_end(ring);
}

uint32_t pacer_missed(const struct pacer_member *member)
{
	const struct pacer_ring *ring = member->ring;

	if (!ring)
		return member->debt;
	return member->debt + ring->pass - (member->pass != ring->pass);
}

uint32_t pacer_missed_last(const struct pacer *pacer)
{
	uint32_t missed = 0;
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->rings) missed +=
		hl_list_entry(node, struct pacer_ring, node)->missed_last;
	return missed;
}

uint64_t pacer_time(const struct pacer_settings *settings, uint64_t members)
{
	uint64_t datagrams = members * settings->copies;

	return (datagrams + settings->burst - 1) / settings->burst * settings->interval;
}

uint64_t pacer_needed(const struct pacer *pacer)
{
	return pacer_time(&pacer->settings, pacer->count);
}

uint64_t pacer_load(const struct pacer *pacer, const struct pacer_settings *settings,
		    uint64_t instead_of, uint64_t period)
{
	uint64_t load = 0;
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->rings)
	{
		struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, node);
		uint64_t its = ring->period == instead_of ? period : ring->period;
		load += (pacer_time(settings, ring->count) * 1000000 + its - 1) / its;
	}
	return load;
}

void pacer_each_ring(const struct pacer *pacer,
		     void (*visit)(void *arg, const struct pacer_progress *progress), void *arg)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->rings)
	{
		const struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, node);
		struct pacer_progress progress = {
			.period = ring->period,
			.next = ring->start + ring->period,
			.members = ring->count,
			.total = ring->total,
			.left = ring->left,
			.sent = ring->sent,
			.skipped = ring->skipped,
			.missed_last = ring->missed_last,
		};
		visit(arg, &progress);
	}
}
