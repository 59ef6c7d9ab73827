/* Signalling's side of the relay: sides are made and freed here, and all that their worker is to do
 * is posted to it as an order. Nothing here touches what belongs to a worker but its atomics. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct hl_relay {
	int nothing;	       /* owned; a Unix socket: takes the place of sockets that are gone */
	struct hl_list sides;  /* signalling's: all that were not freed yet */
	struct hl_list doomed; /* … to be freed, but the message could not be sent */
	unsigned count;	       /* of workers */
	struct hl_relay_worker *workers[]; /* owned */
};

static int post(struct hl_relay_side *side, void (*carry_out)(void *arg),
		struct hl_relay_side *peer, const struct hl_relay_terms *terms)
{
	struct hl_relay_order *order = hl_zalloc(sizeof(*order));
	int rc;

	if (!order)
		return -ENOMEM;
	order->side = side;
	order->peer = peer;
	if (terms)
		order->terms = *terms;
	rc = hl_loop_post(side->worker->loop, carry_out, order);
	if (rc)
		hl_free(order);
	return rc;
}

/* A side that could not be freed for want of memory is tried again whenever one is. */
static void bury(struct hl_relay *relay)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &relay->doomed)
	{
		struct hl_relay_side *side = hl_list_entry(node, struct hl_relay_side, node);

		hl_list_remove(&side->node);
		if (hl_loop_post(side->worker->loop, hl_relay_order_free, side)) {
			hl_list_prepend(&relay->doomed, &side->node);
			return;
		}
	}
}

int hl_relay_side_new(struct hl_relay *relay, unsigned worker, const int fds[2], const char *call,
		      const char *leg, const struct hl_relay_terms *terms,
		      struct hl_relay_side **side)
{
	struct hl_relay_side *new = hl_zalloc(sizeof(*new));
	int rc;

	if (!new)
		return -ENOMEM;
	new->relay = relay;
	new->worker = relay->workers[worker];
	new->leg = leg;
	hl_list_init(&new->feeders);
	snprintf(new->call, sizeof(new->call), "%s", call);
	for (int i = HL_RELAY_RTP; i < HL_RELAY_CHANNELS; i++) {
		new->channels[i].side = new;
		new->channels[i].fd = fds[i];
		hl_learn_init(&new->channels[i].learn,
			      i == HL_RELAY_RTCP ? &new->channels[HL_RELAY_RTP].learn : NULL);
	}
	rc = post(new, hl_relay_order_add, NULL, terms);
	if (rc) {
		hl_free(new);
		return rc;
	}
	hl_list_append(&relay->sides, &new->node);
	new->worker->sides++;
	*side = new;
	return 0;
}

void hl_relay_side_free(struct hl_relay_side *side)
{
	struct hl_relay *relay;

	if (!side)
		return;
	relay = side->relay;
	/* The ports are free at once, whenever the worker comes to close the descriptors: until
	 * then they lead nowhere, but are nobody else's. */
	for (int i = HL_RELAY_RTP; i < HL_RELAY_CHANNELS; i++)
		dup3(relay->nothing, side->channels[i].fd, O_CLOEXEC);
	side->worker->sides--;
	hl_list_remove(&side->node);
	hl_list_append(&relay->doomed, &side->node);
	bury(relay);
}

int hl_relay_side_expect(struct hl_relay_side *side, const struct hl_relay_terms *terms)
{
	return post(side, hl_relay_order_terms, NULL, terms);
}

int hl_relay_side_link(struct hl_relay_side *a, struct hl_relay_side *b)
{
	return post(a, hl_relay_order_link, b, NULL);
}

int hl_relay_side_feed(struct hl_relay_side *a, struct hl_relay_side *b)
{
	return post(a, hl_relay_order_feed, b, NULL);
}

static uint64_t read_figure(const _Atomic uint64_t *figure)
{
	return atomic_load_explicit(figure, memory_order_relaxed);
}

void hl_relay_side_figures(const struct hl_relay_side *side, struct hl_relay_figures *figures)
{
	const struct hl_published *published = &side->published;

	*figures = (struct hl_relay_figures){
		.packets = read_figure(&published->packets),
		.bytes = read_figure(&published->bytes),
		.lost = read_figure(&published->lost),
		.jitter = read_figure(&published->jitter),
		.rejected = read_figure(&published->rejected),
		.invalid = read_figure(&published->invalid),
		.heard = read_figure(&published->heard),
		.spoke = read_figure(&published->spoke),
		.round_trip = read_figure(&published->round_trip),
		.far_reported = read_figure(&published->far_reported),
		.far_lost = read_figure(&published->far_lost),
		.far_jitter = read_figure(&published->far_jitter),
	};
}

void hl_relay_totals(const struct hl_relay *relay, struct hl_relay_totals *totals)
{
	*totals = (struct hl_relay_totals){.packets = 0};
	for (unsigned i = 0; i < relay->count; i++) {
		const struct hl_published *total = &relay->workers[i]->total;

		totals->packets += read_figure(&total->packets);
		totals->bytes += read_figure(&total->bytes);
		totals->lost += read_figure(&total->lost);
		totals->rejected += read_figure(&total->rejected);
		totals->invalid += read_figure(&total->invalid);
	}
}

struct hl_relay *hl_relay_new(unsigned threads, struct hl_error *error)
{
	struct hl_relay *relay = hl_zalloc(sizeof(*relay) + threads * sizeof(relay->workers[0]));

	if (!relay) {
		hl_error_set(error, -ENOMEM, "no memory for the relay");
		return NULL;
	}
	hl_list_init(&relay->sides);
	hl_list_init(&relay->doomed);
	relay->nothing = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (relay->nothing < 0) {
		hl_error_set(error, -errno, "socket of the relay: %s", strerror(errno));
		hl_free(relay);
		return NULL;
	}
	while (relay->count < threads) {
		struct hl_relay_worker *worker = hl_relay_worker_new(relay->count, error);

		if (!worker) {
			hl_relay_free(relay);
			return NULL;
		}
		relay->workers[relay->count++] = worker;
	}
	return relay;
}

void hl_relay_free(struct hl_relay *relay)
{
	if (!relay)
		return;
	while (!hl_list_empty(&relay->sides))
		hl_relay_side_free(hl_list_entry(relay->sides.next, struct hl_relay_side, node));
	for (unsigned i = 0; i < relay->count; i++)
		hl_relay_worker_free(relay->workers[i]);
	close(relay->nothing);
	hl_free(relay);
}

unsigned hl_relay_worker(const struct hl_relay *relay)
{
	unsigned best = 0;

	for (unsigned i = 1; i < relay->count; i++)
		if (relay->workers[i]->sides < relay->workers[best]->sides)
			best = i;
	return best;
}
