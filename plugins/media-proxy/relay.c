/* A packet's way: epoll, recvmmsg, is it valid, is it the leg's, figures, sendto. No locks and no
 * allocation on it. Every struct below belongs to the worker once it was posted there, except where
 * a comment says otherwise. */
#include "relay.h"

#include "rtp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum {
	RTP,
	RTCP,
	CHANNELS,
	BATCH = 16,    /* packets read at once from a socket, and per wake-up */
	PACKET = 8192, /* bytes; more is no media: dropped, never cut */
};

struct channel {
	struct hl_relay_side *side; /* around it */
	struct hl_watch *watch;	    /* owned */
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
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct sockaddr_storage from[BATCH];
	uint8_t packets[BATCH][PACKET];
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

static void channel_packet(struct channel *channel, const struct msghdr *header,
			   const uint8_t *data, size_t length, uint64_t now)
{
	struct hl_relay_side *side = channel->side;
	enum hl_packet kind = side->datagrams ? HL_PACKET_RTP : hl_rtp_classify(data, length);
	enum hl_learn_event event;
	struct hl_address source;
	bool ours;

	if (!length || kind == HL_PACKET_INVALID || header->msg_flags & MSG_TRUNC) {
		bump(&side->published.invalid, 1);
		return;
	}
	hl_address_from_sockaddr(&source, header->msg_name);
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

static void channel_readable(void *arg, unsigned events)
{
	struct channel *channel = arg;
	struct worker *worker = channel->side->worker;
	uint64_t now;
	int count;

	(void)events;
	for (unsigned i = 0; i < BATCH; i++)
		worker->messages[i].msg_hdr.msg_namelen = sizeof(worker->from[i]);
	count = recvmmsg(channel->fd, worker->messages, BATCH, MSG_DONTWAIT, NULL);
	now = hl_clock_now();
	for (int i = 0; i < count; i++)
		channel_packet(channel, &worker->messages[i].msg_hdr, worker->packets[i],
			       worker->messages[i].msg_len, now);
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

static void order_add(void *arg)
{
	struct order *order = arg;
	struct hl_relay_side *side = order->side;
	static const char *const names[] = {"relay rtp", "relay rtcp"};

	for (int i = RTP; i < CHANNELS; i++) {
		struct channel *channel = &side->channels[i];

		channel->watch = hl_watch_new(side->worker->loop, names[i], channel->fd,
					      HL_READABLE, channel_readable, channel);
		if (!channel->watch)
			hl_log(HL_LOG_ERROR, "relay", "no-memory", hl_str("call", side->call),
			       hl_str("leg", side->leg));
	}
	side_terms(side, &order->terms);
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
		hl_watch_free(side->channels[i].watch);
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
	for (unsigned i = 0; i < BATCH; i++) {
		worker->vectors[i] = (struct iovec){worker->packets[i], PACKET};
		worker->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &worker->from[i],
			.msg_iov = &worker->vectors[i],
			.msg_iovlen = 1,
		};
	}
	snprintf(name, sizeof(name), "relay-%u", index);
	worker->thread = hl_worker_new(name, error);
	if (!worker->thread) {
		hl_free(worker);
		return NULL;
	}
	worker->loop = hl_worker_loop(worker->thread);
	return worker;
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
	for (unsigned i = 0; i < relay->count; i++) {
		hl_worker_free(relay->workers[i]->thread);
		hl_free(relay->workers[i]);
	}
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
