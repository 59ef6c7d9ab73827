#include "pacer.h"

#include <errno.h>

enum {
	RETRY = 2,     /* ms until a full socket is tried again */
	GRAIN = 10000, /* µs: even pacing sends what is due in steps of that, by one system call */
	LATENESS = 20000 /* µs a burst may be late and still keep to the beat of those before */
};

struct pacer_ring {
	struct hl_list node;	/* in pacer.rings */
	struct hl_list active;	/* in pacer.active; alone when its pass is over */
	struct hl_list members; /* in order of registration */
	struct pacer *pacer;	/* borrowed */
	struct hl_timer timer;	/* the next pass */
	uint64_t period;	/* µs */
	uint64_t start;		/* of this pass, on the beat */
	struct hl_list *cursor; /* the member to be served next, while `left` */
	unsigned copies;	/* it has had */
	uint32_t pass;		/* number of this pass */
	uint32_t count;		/* members */
	uint32_t total;		/* members of this pass */
	uint32_t left;		/* of them not yet served */
	uint32_t sent, skipped; /* in this pass */
	uint32_t missed_last;	/* members the pass before did not reach */
};

static struct pacer_member *member_at(struct hl_list *node)
{
	return hl_list_entry(node, struct pacer_member, node);
}

/* The end of a pass, with `left` members not reached. */
static void pass_end(struct pacer_ring *ring)
{
	struct pacer *pacer = ring->pacer;
	struct pacer_pass pass = {
		.period = ring->period,
		.duration = hl_clock_now() - ring->start,
		.sent = ring->sent,
		.skipped = ring->skipped,
		.missed = ring->left,
	};

	hl_list_remove(&ring->active);
	ring->missed_last = ring->left;
	ring->left = 0;
	pacer->missed += pass.missed;
	pacer->passes++;
	pacer->events->passed(pacer->arg, &pass);
}

/* Moves the cursor to the next member that this pass has not served. */
static void cursor_advance(struct pacer_ring *ring)
{
	ring->copies = 0;
	while (ring->left &&
	       (ring->cursor == &ring->members || member_at(ring->cursor)->pass == ring->pass))
		ring->cursor = ring->cursor->next;
}

static void member_served(struct pacer_ring *ring, struct pacer_member *member)
{
	member->pass = ring->pass;
	member->served++;
	ring->left--;
}

/* Starts the timer for whatever comes next. */
static void pacer_schedule(struct pacer *pacer);
/* Sends what may be sent now. Returns whether the socket took it all. */
static bool pacer_turn(struct pacer *pacer);

/* A pass begins while nothing was being sent: a burst that has room left goes on, and the pause
 * behind it counts from here. */
static void pacer_wake(struct pacer *pacer)
{
	uint64_t now = hl_clock_now();

	if (hl_timer_running(&pacer->timer))
		return;
	if (now >= pacer->window + pacer->settings.interval) {
		pacer->used = 0;
		pacer->window = now;
	} else if (pacer->used < pacer->settings.burst && !pacer->settings.even) {
		pacer->window = now;
	}
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
	pacer_wake(pacer);
}

static void ring_free(struct pacer_ring *ring)
{
	hl_timer_stop(ring->pacer->loop, &ring->timer);
	hl_list_remove(&ring->active);
	hl_list_remove(&ring->node);
	hl_free(ring);
}

/* What to do with members that were not reached when the next pass is due (K7). */
static void ring_overrun(struct pacer_ring *ring)
{
	struct hl_list *cursor = ring->cursor;

	pass_end(ring);
	if (ring->pacer->settings.resume) {
		hl_list_remove(&ring->members);
		hl_list_insert(cursor, &ring->members);
	}
}

/* Whole periods that nobody was there to begin, as after a stall: every member missed them. */
static void ring_catch_up(struct pacer_ring *ring)
{
	uint64_t late = (hl_clock_now() - ring->start) / ring->period;

	ring->start += late * ring->period;
	ring->pass += (uint32_t)late;
	ring->pacer->missed += late * ring->count;
	ring->pacer->passes += late;
	if (late)
		ring->missed_last = ring->count;
}

static void ring_begin(void *arg)
{
	struct pacer_ring *ring = arg;

	/* The last step of an even pass would come after its end. */
	if (ring->left && ring->pacer->settings.even)
		pacer_turn(ring->pacer);
	if (ring->left)
		ring_overrun(ring);
	if (!ring->count) {
		ring_free(ring);
		return;
	}
	ring->start += ring->period;
	ring_catch_up(ring);
	ring->pass++;
	ring->cursor = ring->members.next;
	ring->copies = 0;
	ring->total = ring->left = ring->count;
	ring->sent = ring->skipped = 0;
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

/* How many members of the ring may be served now. */
static uint32_t ring_quota(const struct pacer_ring *ring, uint64_t now)
{
	uint32_t done = ring->total - ring->left;

	if (!ring->pacer->settings.even)
		return ring->left;
	uint64_t allowed = (now - ring->start) * ring->total / ring->period + 1;
	if (allowed > ring->total)
		allowed = ring->total;
	return allowed > done ? (uint32_t)allowed - done : 0;
}

/* Takes the ring's next heartbeats into the batch; `count` is what is in it. */
static unsigned ring_gather(struct pacer_ring *ring, uint64_t now, unsigned count, unsigned most)
{
	struct pacer *pacer = ring->pacer;
	struct hl_list *node = ring->cursor;
	unsigned copies = ring->copies;

	for (uint32_t quota = ring_quota(ring, now); quota && count < most; quota--) {
		struct pacer_member *member;
		for (;; node = node->next) {
			if (node == &ring->members)
				return count;
			member = member_at(node);
			if (member->pass != ring->pass)
				break;
		}
		if (!copies && pacer->events->due && !pacer->events->due(pacer->arg, member)) {
			member_served(ring, member);
			ring->skipped++;
		} else {
			do
				pacer->batch[count++] = member;
			while (++copies < pacer->settings.copies && count < most);
		}
		copies = 0;
		node = node->next;
	}
	return count;
}

static void batch_done(struct pacer *pacer, unsigned dealt)
{
	for (unsigned i = 0; i < dealt; i++) {
		struct pacer_member *member = pacer->batch[i];
		if (!member)
			continue;
		struct pacer_ring *ring = member->ring;
		ring->sent++;
		if (++ring->copies < pacer->settings.copies)
			continue;
		member_served(ring, member);
		cursor_advance(ring);
	}
}

/* Ends the passes that have nobody left, and skips cursors over those who needed nothing. */
static void pacer_settle(struct pacer *pacer)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->active)
	{
		struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, active);
		if (!ring->left)
			pass_end(ring);
		else if (member_at(ring->cursor)->pass == ring->pass)
			cursor_advance(ring);
	}
}

/* One turn of sending. Returns whether the socket took it all. */
static bool pacer_send(struct pacer *pacer, uint64_t now)
{
	unsigned burst = pacer->settings.burst, dealt = 0;
	unsigned most = burst > pacer->used ? burst - pacer->used : 0;
	struct hl_list *node, *next;

	if (most > PACER_CHUNK)
		most = PACER_CHUNK;
	pacer->sending = 0;
	hl_list_each(node, next, &pacer->active) pacer->sending = ring_gather(
		hl_list_entry(node, struct pacer_ring, active), now, pacer->sending, most);
	unsigned count = pacer->sending;
	if (count)
		dealt = pacer->events->send(pacer->arg, pacer->batch, count);
	pacer->sending = 0;
	pacer->used += dealt;
	batch_done(pacer, dealt);
	pacer_settle(pacer);
	return dealt == count;
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
		struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, active);
		uint64_t done = ring->total - ring->left;
		uint64_t due = ring->start + (done * ring->period + ring->total - 1) / ring->total;
		if (due < first)
			first = due;
	}
	return (first + GRAIN - 1) / GRAIN * GRAIN;
}

static void pacer_schedule(struct pacer *pacer)
{
	if (hl_list_empty(&pacer->active))
		return;
	uint64_t moment = pacer->used < pacer->settings.burst
				  ? pacer_next(pacer)
				  : pacer->window + pacer->settings.interval;
	hl_timer_start_at(pacer->loop, &pacer->timer, moment);
}

/* A new burst, on the beat of the last unless that has been lost. */
static void pacer_renew(struct pacer *pacer, uint64_t now)
{
	const struct pacer_settings *settings = &pacer->settings;

	if (now < pacer->window + settings->interval ||
	    (pacer->used < settings->burst && !settings->even))
		return;
	pacer->window += settings->interval;
	if (now > pacer->window + LATENESS)
		pacer->window = now;
	pacer->used = 0;
}

static bool pacer_turn(struct pacer *pacer)
{
	uint64_t now = hl_clock_now();

	pacer_renew(pacer, now);
	return pacer_send(pacer, now);
}

static void pacer_run(void *arg)
{
	struct pacer *pacer = arg;

	if (pacer_turn(pacer))
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
			member_at(at)->ring = NULL;
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
	member->pass = member->joined = ring->pass;
	member->served = 0;
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
	member->missed = pacer_missed(member);
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
		cursor_advance(ring);
	}
	if (waiting && !ring->left && !pacer->sending)
		pass_end(ring);
}

uint32_t pacer_missed(const struct pacer_member *member)
{
	const struct pacer_ring *ring = member->ring;

	if (!ring)
		return member->missed;
	uint32_t passes = ring->pass - member->joined - (member->pass != ring->pass);
	return member->missed + passes - member->served;
}

uint32_t pacer_missed_last(const struct pacer *pacer)
{
	uint32_t missed = 0;
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->rings) missed +=
		hl_list_entry(node, struct pacer_ring, node)->missed_last;
	return missed;
}

static uint64_t time_for(const struct pacer *pacer, uint64_t members)
{
	uint64_t datagrams = members * pacer->settings.copies;

	return (datagrams + pacer->settings.burst - 1) / pacer->settings.burst *
	       pacer->settings.interval;
}

uint64_t pacer_needed(const struct pacer *pacer)
{
	return time_for(pacer, pacer->count);
}

uint64_t pacer_load(const struct pacer *pacer)
{
	uint64_t load = 0;
	struct hl_list *node, *next;

	hl_list_each(node, next, &pacer->rings)
	{
		struct pacer_ring *ring = hl_list_entry(node, struct pacer_ring, node);
		load += (time_for(pacer, ring->count) * 1000 + ring->period - 1) / ring->period;
	}
	return load;
}
