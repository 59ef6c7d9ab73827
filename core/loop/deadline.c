/* The ring of one-second buckets. A deadline further away than the ring is long stays in its bucket
 * while the walk passes. One that is put off stays in it, too, and goes on to its new one only when
 * the walk comes by: so a refresh touches none of its neighbours. What is due is collected first
 * and handed out in batches, so that a mass expiry leaves room for signalling. */
#include "loop/deadline.h"
#include "base/clock.h"

enum { BATCH = 1000 };

static void wait_for_next(struct hl_deadlines *ring)
{
	if (!hl_list_empty(&ring->due))
		hl_timer_start(ring->loop, &ring->tick, 0);
	else if (ring->count)
		hl_timer_start_at(ring->loop, &ring->tick, (ring->second + 1) * HL_SECOND);
}

static struct hl_list *bucket_of(struct hl_deadlines *ring, uint64_t second)
{
	return &ring->buckets[second % HL_DEADLINE_BUCKETS];
}

static void collect_second(struct hl_deadlines *ring, uint64_t second)
{
	struct hl_list *bucket = bucket_of(ring, second), *node, *next;

	hl_list_each(node, next, bucket) {
		uint64_t due = hl_list_entry(node, struct hl_deadline, node)->second;
		/* Not == : a jump of the clock over the whole ring walks every bucket once. */
		struct hl_list *place = due <= ring->second ? &ring->due : bucket_of(ring, due);

		if (place == bucket)
			continue;
		hl_list_remove(node);
		hl_list_append(place, node);
	}
}

static void ticked(void *arg)
{
	struct hl_deadlines *ring = arg;
	uint64_t now = hl_clock_now() / HL_SECOND, from = ring->second + 1;

	if (now >= from + HL_DEADLINE_BUCKETS)
		from = now - HL_DEADLINE_BUCKETS + 1;
	if (now > ring->second)
		ring->second = now;
	for (uint64_t second = from; second <= now; second++)
		collect_second(ring, second);
	for (int left = BATCH; left && !hl_list_empty(&ring->due); left--) {
		struct hl_list *node = ring->due.next;

		hl_list_remove(node);
		ring->count--;
		ring->passed(ring->arg, hl_list_entry(node, struct hl_deadline, node));
	}
	wait_for_next(ring);
}

void hl_deadlines_init(struct hl_deadlines *ring, struct hl_loop *loop,
		       void (*passed)(void *arg, struct hl_deadline *deadline), void *arg)
{
	ring->loop = loop;
	for (size_t i = 0; i < HL_DEADLINE_BUCKETS; i++)
		hl_list_init(&ring->buckets[i]);
	hl_list_init(&ring->due);
	hl_timer_init(&ring->tick, ticked, ring);
	ring->tick.name = "deadlines";
	ring->second = hl_clock_now() / HL_SECOND;
	ring->count = 0;
	ring->passed = passed;
	ring->arg = arg;
}

static void forget(struct hl_list *list)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, list)
		hl_list_remove(node);
}

void hl_deadlines_fini(struct hl_deadlines *ring)
{
	hl_timer_stop(ring->loop, &ring->tick);
	for (size_t i = 0; i < HL_DEADLINE_BUCKETS; i++)
		forget(&ring->buckets[i]);
	forget(&ring->due);
	ring->count = 0;
}

void hl_deadline_init(struct hl_deadline *deadline)
{
	hl_list_init(&deadline->node);
	deadline->second = 0;
}

void hl_deadline_set(struct hl_deadlines *ring, struct hl_deadline *deadline, uint64_t moment)
{
	uint64_t second = moment / HL_SECOND + (moment % HL_SECOND != 0), before = deadline->second;

	if (!hl_list_empty(&deadline->node)) {
		/* Its bucket's turn comes no later than `before`, unless it is due by now. */
		if (before > ring->second && second >= before) {
			deadline->second = second;
			return;
		}
		hl_list_remove(&deadline->node);
		ring->count--;
	}
	/* Nothing was walked while nothing was set. */
	if (!ring->count)
		ring->second = hl_clock_now() / HL_SECOND;
	deadline->second = second > ring->second ? second : ring->second + 1;
	hl_list_append(bucket_of(ring, deadline->second), &deadline->node);
	ring->count++;
	if (!hl_timer_running(&ring->tick))
		wait_for_next(ring);
}

void hl_deadline_clear(struct hl_deadlines *ring, struct hl_deadline *deadline)
{
	if (hl_list_empty(&deadline->node))
		return;
	hl_list_remove(&deadline->node);
	if (!--ring->count)
		hl_timer_stop(ring->loop, &ring->tick);
}
