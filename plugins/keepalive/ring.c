/* One ring: a pass begins, advances by its cursor, settles what was sent, is overrun or ends. */
#include "ring.h"

/* µs. Even pacing sends what is due in steps, by one system call each. When it is behind, a step is
 * at least a pause after the last and sends what comes due within MOST: 1.7 times the rate. */
enum { GRAIN = 5000, PAUSE = GRAIN * 3 / 4, MOST = GRAIN * 5 / 4 };

static uint32_t done(const struct pacer_ring *ring)
{
	return ring->total - ring->left;
}

void ring_pass_end(struct pacer_ring *ring)
{
	struct pacer *pacer = ring->pacer;
	struct pacer_pass pass = {
		.period = ring->period,
		.duration = hl_clock_now() - ring->start,
		.sent = ring->sent,
		.skipped = ring->skipped,
		.missed = ring->left + ring->lost,
	};

	hl_list_remove(&ring->active);
	ring->missed_last = pass.missed;
	ring->left = 0;
	pacer->missed += pass.missed;
	pacer->passes++;
	pacer->events->passed(pacer->arg, &pass);
}

/* Those who have had some of their copies only begin anew with the next pass. They were in the last
 * batch: not far from the cursor. */
static void copies_forget(struct pacer_ring *ring)
{
	struct hl_list *node = ring->cursor;

	for (unsigned seen = 0; seen < PACER_CHUNK && node != &ring->members; node = node->next) {
		struct pacer_member *member = ring_member(node);
		if (member->pass == ring->pass)
			continue;
		member->copies = 0;
		seen++;
	}
}

void ring_overrun(struct pacer_ring *ring)
{
	struct hl_list *cursor = ring->cursor;

	copies_forget(ring);
	ring_pass_end(ring);
	if (ring->pacer->settings.resume) {
		hl_list_remove(&ring->members);
		hl_list_insert(cursor, &ring->members);
	}
}

void ring_pass_begin(struct pacer_ring *ring, uint64_t late)
{
	ring->start += (late + 1) * ring->period;
	ring->pacer->missed += late * ring->count;
	ring->pacer->passes += late;
	if (late)
		ring->missed_last = ring->count;
	ring->pass += (uint32_t)late + 1;
	ring->cursor = ring->members.next;
	ring->total = ring->left = ring->count;
	ring->sent = ring->skipped = ring->lost = 0;
	ring->step = ring->goal = 0;
	if (ring->pacer->events->begun)
		ring->pacer->events->begun(ring->pacer->arg);
}

void ring_advance(struct pacer_ring *ring)
{
	while (ring->left && (ring->cursor == &ring->members ||
			      ring_member(ring->cursor)->pass == ring->pass))
		ring->cursor = ring->cursor->next;
}

static void member_done(struct pacer_ring *ring, struct pacer_member *member)
{
	member->pass = ring->pass;
	member->copies = 0;
	ring->left--;
}

unsigned ring_gather(struct pacer_ring *ring, unsigned count, unsigned most)
{
	struct pacer *pacer = ring->pacer;
	const struct pacer_events *events = pacer->events;
	unsigned copies = pacer->settings.copies;
	uint32_t quota = ring->left;

	if (pacer->settings.even)
		quota = ring->goal > done(ring) ? ring->goal - done(ring) : 0;
	for (struct hl_list *node = ring->cursor;
	     quota && count < most && node != &ring->members; node = node->next) {
		struct pacer_member *member = ring_member(node);
		if (member->pass == ring->pass)
			continue;
		quota--;
		if (!member->copies && events->due && !events->due(pacer->arg, member)) {
			member->debt--;
			member_done(ring, member);
			ring->skipped++;
			pacer->skipped++;
			continue;
		}
		unsigned had = member->copies;
		do
			pacer->batch[count++] = member;
		while (++had < copies && count < most);
	}
	return count;
}

void ring_settle(struct pacer_ring *ring, struct pacer_member *member, enum pacer_result result)
{
	bool lost = result == PACER_LOST && !member->copies;

	/* Not reached, or given up with an earlier copy. */
	if (result == PACER_LEFT || member->pass == ring->pass)
		return;
	if (result == PACER_SENT) {
		ring->sent++;
		if (++member->copies < ring->pacer->settings.copies)
			return;
	}
	if (lost)
		ring->lost++;
	else
		member->debt--;
	member_done(ring, member);
}

/* A step sends the members that come due before the next one. Behind a stall it catches up, but not
 * in a heap: at MOST, or as much faster as it takes to be through in time. */
void ring_step(struct pacer_ring *ring, uint64_t now, bool last)
{
	if (now < ring->step + PAUSE && !last)
		return;
	uint64_t end = ring->start + ring->period;
	uint64_t steps = (now - ring->start) / GRAIN + 1;
	uint64_t allowed = (steps * GRAIN * ring->total + ring->period - 1) / ring->period;
	uint64_t most = ((uint64_t)MOST * ring->total + ring->period - 1) / ring->period;

	if (last || allowed > ring->total)
		allowed = ring->total;
	if (!last && now + 2 * GRAIN < end) {
		uint64_t rest = end - GRAIN - now;
		uint64_t needed = ((uint64_t)ring->left * PAUSE + rest - 1) / rest;
		most = most > needed ? most : needed;
		if (allowed > done(ring) + most)
			allowed = done(ring) + most;
	}
	ring->step = now;
	ring->goal = (uint32_t)allowed;
}

uint64_t ring_next(const struct pacer_ring *ring)
{
	if (done(ring) < ring->goal)
		return 0;
	uint64_t step = ring->period * done(ring) / ((uint64_t)GRAIN * ring->total);
	uint64_t moment = ring->start + step * GRAIN;
	return moment > ring->step + PAUSE ? moment : ring->step + PAUSE;
}
