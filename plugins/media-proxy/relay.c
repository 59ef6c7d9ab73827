/* A packet's way: epoll, recvfrom, is it valid, is it the leg's, figures, sendto. No locks and no
 * allocation on it. A worker's sockets are in an epoll set of its own, of which its loop sees one
 * descriptor: what libevent does for each event costs half a microsecond, and a packet should cost
 * little more than the two system calls. Every struct below belongs to the worker once it was
 * posted there, except where a comment says otherwise. */
#include "relay.h"

#include "rtp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	RTP,
	RTCP,
	CHANNELS,
	BATCH = 64,  /* sockets served per epoll_wait, one packet each: who sends more waits longer
		      */
	ROUNDS = 16, /* batches before the loop has its turn */
	PACKET = 8192, /* bytes; more is no media: dropped, never cut */
};

struct channel {
	struct hl_relay_side *side; /* around it */
	int fd;			    /* owned */
	struct hl_learn learn;
	struct sockaddr_storage to; /* where packets for the leg go */
	socklen_t to_length;	    /* 0: nowhere yet */
};

/* Written by the worker alone, read by signalling: no order between them is promised. */
struct published {
	_Atomic uint64_t packets, bytes, lost, jitter, rejected, invalid, heard;
};

struct hl_relay_side {
	struct hl_list node;	/* signalling's: in relay->sides */
	struct hl_relay *relay; /* borrowed */
	struct worker *worker;	/* borrowed: where it lives */
	struct hl_relay_side
		*peer; /* the side that gets what comes here, and the reverse; or NULL */
	struct channel channels[CHANNELS];
	struct hl_rtp_source source; /* of the RTP that came */
	bool datagrams;		     /* not RTP: anything passes */
	unsigned clock_rate;	     /* Hz */
	struct published published;
	char call[40];	 /* for the log */
	const char *leg; /* static */
};

struct worker {
	struct hl_worker *thread; /* signalling's; owned */
	struct hl_loop *loop;	  /* borrowed from the thread */
	unsigned sides;		  /* signalling's: how many live here */
	int epoll;		  /* owned: the sockets of all sides */
	struct hl_watch *watch;	  /* owned: on `epoll` */
	uint8_t packet[PACKET];	  /* the one being relayed */
};

struct hl_relay {
	int nothing;	       /* owned; a Unix socket: takes the place of sockets that are gone */
	struct hl_list sides;  /* signalling's: all that were not freed yet */
	struct hl_list doomed; /* … to be freed, but the message could not be sent */
	unsigned count;	       /* of workers */
	struct worker *workers[]; /* owned */
};

/* A message to a worker. */
struct order {
	struct hl_relay_side *side, *peer;
	struct hl_relay_terms terms;
};

static void bump(_Atomic uint64_t *counter, uint64_t by)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + by, memory_order_relaxed);
}

static void publish(_Atomic uint64_t *figure, uint64_t value)
{
	atomic_store_explicit(figure, value, memory_order_relaxed);
}

static const char *channel_name(const struct channel *channel)
{
	return channel == &channel->side->channels[RTP] ? "rtp" : "rtcp";
}

static void channel_aim(struct channel *channel)
{
	const struct hl_address *to = hl_learn_destination(&channel->learn);

	channel->to_length = to ? hl_address_to_sockaddr(to, &channel->to) : 0;
}

static void channel_learned(struct channel *channel, const struct hl_address *source,
			    enum hl_learn_event event)
{
	static const struct {
		enum hl_log_level level;
		const char *name;
	} events[] = {
		[HL_LEARN_LEARNED] = {HL_LOG_DEBUG, "media-learned"},
		[HL_LEARN_MOVED] = {HL_LOG_INFO, "media-moved"},
		[HL_LEARN_REJECTED] = {HL_LOG_WARN, "media-rejected"},
	};
	char text[HL_ADDRESS_TEXT];

	channel_aim(channel);
	hl_log(events[event].level, "relay", events[event].name,
	       hl_str("call", channel->side->call), hl_str("leg", channel->side->leg),
	       hl_str("stream", channel_name(channel)),
	       hl_str("source", hl_address_format(source, text)));
}

/* The figures of what came. */
static void side_count(struct hl_relay_side *side, const uint8_t *data, size_t length, bool rtp)
{
	bump(&side->published.packets, 1);
	bump(&side->published.bytes, length);
	if (!rtp)
		return;
	hl_rtp_received(&side->source, data, hl_clock_real(), side->clock_rate);
	publish(&side->published.lost, hl_rtp_lost(&side->source));
	publish(&side->published.jitter, hl_rtp_jitter(&side->source, side->clock_rate));
}

static void channel_forward(struct channel *channel, const uint8_t *data, size_t length)
{
	struct hl_relay_side *side = channel->side, *peer = side->peer;
	struct channel *out;

	if (!peer)
		return;
	out = &peer->channels[channel - side->channels];
	/* What cannot be sent is lost, as anywhere on the way: there is nobody to tell. */
	if (out->to_length)
		(void)!sendto(out->fd, data, length, 0, (struct sockaddr *)&out->to,
			      out->to_length);
}

static void channel_packet(struct channel *channel, const struct sockaddr_storage *from,
			   const uint8_t *data, size_t length, uint64_t now)
{
	struct hl_relay_side *side = channel->side;
	enum hl_packet kind = side->datagrams ? HL_PACKET_RTP : hl_rtp_classify(data, length);
	enum hl_learn_event event;
	struct hl_address source;
	bool ours;

	if (!length || kind == HL_PACKET_INVALID || length > PACKET) {
		bump(&side->published.invalid, 1);
		return;
	}
	hl_address_from_sockaddr(&source, (const struct sockaddr *)from);
	ours = hl_learn_packet(&channel->learn, &source, now, &event);
	if (event != HL_LEARN_NOTHING)
		channel_learned(channel, &source, event);
	if (!ours) {
		bump(&side->published.rejected, 1);
		return;
	}
	publish(&side->published.heard, now);
	if (kind == HL_PACKET_RTP)
		side_count(side, data, length, !side->datagrams);
	channel_forward(channel, data, length);
}

static void channel_receive(struct channel *channel, uint64_t now)
{
	struct worker *worker = channel->side->worker;
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	/* MSG_TRUNC: the length it had, even if that is more than fits. */
	ssize_t length = recvfrom(channel->fd, worker->packet, PACKET, MSG_TRUNC,
				  (struct sockaddr *)&from, &size);

	if (length >= 0)
		channel_packet(channel, &from, worker->packet, (size_t)length, now);
}

static void worker_readable(void *arg, unsigned readable)
{
	struct worker *worker = arg;
	struct epoll_event events[BATCH];
	int count, rounds = 0;

	(void)readable;
	do {
		uint64_t now;

		count = epoll_wait(worker->epoll, events, BATCH, 0);
		now = hl_clock_now();
		for (int i = 0; i < count; i++)
			channel_receive(events[i].data.ptr, now);
	} while (count == BATCH && ++rounds < ROUNDS);
}

static void side_part(struct hl_relay_side *side)
{
	if (side->peer)
		side->peer->peer = NULL;
	side->peer = NULL;
}

static void side_terms(struct hl_relay_side *side, const struct hl_relay_terms *terms)
{
	side->datagrams = terms->datagrams;
	side->clock_rate = terms->clock_rate;
	hl_learn_expect(&side->channels[RTP].learn, &terms->rtp);
	hl_learn_expect(&side->channels[RTCP].learn, &terms->rtcp);
	channel_aim(&side->channels[RTP]);
	channel_aim(&side->channels[RTCP]);
}

/* The messages, as the worker carries them out. */

static void order_begin(void *arg)
{
	struct worker *worker = arg;

	worker->watch = hl_watch_new(worker->loop, "relay", worker->epoll, HL_READABLE,
				     worker_readable, worker);
	if (!worker->watch)
		hl_log(HL_LOG_ERROR, "relay", "no-memory", hl_str("error", "nothing is relayed"));
}

static void order_end(void *arg)
{
	struct worker *worker = arg;

	hl_watch_free(worker->watch);
}

static void order_add(void *arg)
{
	struct order *order = arg;
	struct hl_relay_side *side = order->side;

	side_terms(side, &order->terms);
	for (int i = RTP; i < CHANNELS; i++) {
		struct channel *channel = &side->channels[i];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = channel};

		if (epoll_ctl(side->worker->epoll, EPOLL_CTL_ADD, channel->fd, &event))
			hl_log(HL_LOG_ERROR, "relay", "no-watch", hl_str("call", side->call),
			       hl_str("leg", side->leg), hl_str("error", strerror(errno)));
	}
	hl_free(order);
}

static void order_terms(void *arg)
{
	struct order *order = arg;

	side_terms(order->side, &order->terms);
	hl_free(order);
}

static void order_link(void *arg)
{
	struct order *order = arg;

	side_part(order->side);
	if (order->peer) {
		side_part(order->peer);
		order->side->peer = order->peer;
		order->peer->peer = order->side;
	}
	hl_free(order);
}

static void order_free(void *arg)
{
	struct hl_relay_side *side = arg;

	side_part(side);
	for (int i = RTP; i < CHANNELS; i++) {
		/* Gone from the set already if signalling put another in its place. */
		epoll_ctl(side->worker->epoll, EPOLL_CTL_DEL, side->channels[i].fd, NULL);
		close(side->channels[i].fd);
	}
	hl_free(side);
}

/* Signalling's side of it. */

static int post(struct hl_relay_side *side, void (*carry_out)(void *arg),
		struct hl_relay_side *peer, const struct hl_relay_terms *terms)
{
	struct order *order = hl_zalloc(sizeof(*order));
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
		if (hl_loop_post(side->worker->loop, order_free, side)) {
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
	snprintf(new->call, sizeof(new->call), "%s", call);
	for (int i = RTP; i < CHANNELS; i++) {
		new->channels[i].side = new;
		new->channels[i].fd = fds[i];
		hl_learn_init(&new->channels[i].learn,
			      i == RTCP ? &new->channels[RTP].learn : NULL);
	}
	rc = post(new, order_add, NULL, terms);
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
	for (int i = RTP; i < CHANNELS; i++)
		dup3(relay->nothing, side->channels[i].fd, O_CLOEXEC);
	side->worker->sides--;
	hl_list_remove(&side->node);
	hl_list_append(&relay->doomed, &side->node);
	bury(relay);
}

int hl_relay_side_expect(struct hl_relay_side *side, const struct hl_relay_terms *terms)
{
	return post(side, order_terms, NULL, terms);
}

int hl_relay_side_link(struct hl_relay_side *a, struct hl_relay_side *b)
{
	return post(a, order_link, b, NULL);
}

void hl_relay_side_figures(const struct hl_relay_side *side, struct hl_relay_figures *figures)
{
	const struct published *published = &side->published;

	*figures = (struct hl_relay_figures){
		.packets = atomic_load_explicit(&published->packets, memory_order_relaxed),
		.bytes = atomic_load_explicit(&published->bytes, memory_order_relaxed),
		.lost = atomic_load_explicit(&published->lost, memory_order_relaxed),
		.jitter = atomic_load_explicit(&published->jitter, memory_order_relaxed),
		.rejected = atomic_load_explicit(&published->rejected, memory_order_relaxed),
		.invalid = atomic_load_explicit(&published->invalid, memory_order_relaxed),
		.heard = atomic_load_explicit(&published->heard, memory_order_relaxed),
	};
}

static struct worker *worker_new(unsigned index, struct hl_error *error)
{
	struct worker *worker = hl_zalloc(sizeof(*worker));
	char name[24];

	if (!worker) {
		hl_error_set(error, -ENOMEM, "no memory for a relay thread");
		return NULL;
	}
	snprintf(name, sizeof(name), "relay-%u", index);
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0) {
		hl_error_set(error, -errno, "epoll of a relay thread: %s", strerror(errno));
		goto out;
	}
	worker->thread = hl_worker_new(name, error);
	if (!worker->thread)
		goto out;
	worker->loop = hl_worker_loop(worker->thread);
	if (!hl_loop_post(worker->loop, order_begin, worker))
		return worker;
	hl_error_set(error, -ENOMEM, "no memory for a relay thread");
	hl_worker_free(worker->thread);
out:
	if (worker->epoll >= 0)
		close(worker->epoll);
	hl_free(worker);
	return NULL;
}

static void worker_free(struct worker *worker)
{
	hl_loop_post(worker->loop, order_end, worker);
	hl_worker_free(worker->thread);
	close(worker->epoll);
	hl_free(worker);
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
		struct worker *worker = worker_new(relay->count, error);

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
		worker_free(relay->workers[i]);
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
