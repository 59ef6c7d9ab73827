/* A packet's way: epoll, recvfrom, is it valid, is it the leg's, figures, sendto. No locks and no
 * allocation on it, and one look at the clock for a batch. A worker's sockets are in an epoll set
 * of its own, of which its loop sees one descriptor: what libevent does for each event costs half a
 * microsecond, and a packet should cost little more than the two system calls. */
#include "worker.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	RTP = HL_RELAY_RTP,
	RTCP = HL_RELAY_RTCP,
	CHANNELS = HL_RELAY_CHANNELS,
	BATCH = 64,  /* sockets served per epoll_wait */
	ROUNDS = 16, /* batches before the loop has its turn */
	DRAIN = 64,  /* packets of strangers read from one socket in a batch */
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

static const char *channel_name(const struct hl_relay_channel *channel)
{
	return channel == &channel->side->channels[RTP] ? "rtp" : "rtcp";
}

static void place_set(struct hl_relay_place *place, const struct hl_address *address)
{
	struct sockaddr_storage storage;

	place->length = address ? hl_address_to_sockaddr(address, &storage) : 0;
	memcpy(&place->any, &storage, place->length);
}

static bool place_is(const struct hl_relay_place *place, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	if (place->length == sizeof(place->four) && four->sin_family == AF_INET)
		return place->four.sin_addr.s_addr == four->sin_addr.s_addr &&
		       place->four.sin_port == four->sin_port;
	return place->length && !memcmp(&place->any, address, place->length);
}

/* What learning has come to: where packets go, and from where they need no second look. RTCP always
 * gets one: its source falls with that of RTP. */
static void channel_aim(struct hl_relay_channel *channel)
{
	const struct hl_learn *learn = &channel->learn;

	place_set(&channel->to, hl_learn_destination(learn));
	place_set(&channel->known, learn->locked && !learn->sibling ? &learn->source : NULL);
}

static void channel_learned(struct hl_relay_channel *channel, const struct hl_address *source,
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
	struct hl_relay_worker *worker = side->worker;
	uint64_t lost;

	bump(&side->published.packets, 1);
	bump(&side->published.bytes, length);
	bump(&worker->total.packets, 1);
	bump(&worker->total.bytes, length);
	publish(&side->published.spoke, worker->now);
	if (!rtp)
		return;
	hl_rtp_received(&side->source, data, worker->real, side->clock_rate);
	lost = hl_rtp_lost(&side->source);
	/* Less than before when one was only late. */
	bump(&worker->total.lost, lost - side->lost);
	publish(&side->published.lost, side->lost = lost);
	publish(&side->published.jitter, hl_rtp_jitter(&side->source, side->clock_rate));
}

/* RTCP, STUN or DTLS came: what RTCP says is noted. */
static void side_control(struct hl_relay_side *side, const uint8_t *data, size_t length)
{
	struct hl_control *control = &side->control;
	/* Timestamp units are those of the stream that the leg hears. */
	unsigned clock_rate = side->peer ? side->peer->clock_rate : side->clock_rate;

	if (side->encrypted)
		return;
	hl_control_received(control, side->peer ? &side->peer->control : NULL, data, length,
			    side->worker->real);
	publish(&side->published.round_trip, control->round_trip);
	publish(&side->published.far_reported, control->reported);
	publish(&side->published.far_lost, control->lost);
	publish(&side->published.far_jitter, (uint64_t)control->jitter * HL_SECOND / clock_rate);
}

/* What cannot be sent is lost, as anywhere on the way: there is nobody to tell. */
static void channel_send(struct hl_relay_channel *channel, const uint8_t *data, size_t length)
{
	static const int pieces = IP_PMTUDISC_DONT;

	if (sendto(channel->fd, data, length, 0, &channel->to.any, channel->to.length) >= 0 ||
	    errno != EMSGSIZE || channel->fragments)
		return;
	channel->fragments = true;
	setsockopt(channel->fd, IPPROTO_IP, IP_MTU_DISCOVER, &pieces, sizeof(pieces));
	(void)!sendto(channel->fd, data, length, 0, &channel->to.any, channel->to.length);
}

static void channel_forward(struct hl_relay_channel *channel, const uint8_t *data, size_t length)
{
	struct hl_relay_side *side = channel->side, *peer = side->peer;
	struct hl_relay_channel *out;

	if (!peer)
		return;
	out = &peer->channels[channel - side->channels];
	if (out->to.length)
		channel_send(out, data, length);
}

static void side_drop(struct hl_relay_side *side, bool invalid)
{
	struct hl_published *total = &side->worker->total;

	bump(invalid ? &side->published.invalid : &side->published.rejected, 1);
	bump(invalid ? &total->invalid : &total->rejected, 1);
}

/* Whether a packet of a source that is not locked, or not the locked one, is the leg's. */
static bool channel_learn(struct hl_relay_channel *channel, const struct sockaddr_storage *from,
			  const uint8_t *rtp)
{
	struct hl_arrival arrival = {.now = channel->side->worker->now, .rtp = rtp};
	bool locked = channel->learn.locked, ours;
	enum hl_learn_event event;

	hl_address_from_sockaddr(&arrival.source, (const struct sockaddr *)from);
	if (rtp) {
		arrival.ssrc = hl_rtp_ssrc(rtp);
		arrival.sequence = hl_rtp_sequence(rtp);
	}
	ours = hl_learn_packet(&channel->learn, &arrival, &event);
	if (event != HL_LEARN_NOTHING)
		channel_learned(channel, &arrival.source, event);
	else if (channel->learn.locked != locked)
		channel_aim(channel);
	return ours;
}

/* Whether it was the leg's. */
static bool channel_packet(struct hl_relay_channel *channel, const struct sockaddr_storage *from,
			   const uint8_t *data, size_t length)
{
	struct hl_relay_side *side = channel->side;
	enum hl_packet kind = HL_PACKET_RTP;
	bool rtp;

	if (!side->datagrams)
		kind = hl_rtp_classify(data, length);
	rtp = kind == HL_PACKET_RTP && !side->datagrams;
	if (!length || kind == HL_PACKET_INVALID || length > HL_RELAY_PACKET) {
		side_drop(side, true);
		return false;
	}
	if (place_is(&channel->known, from)) {
		channel->learn.heard = side->worker->now;
	} else if (!channel_learn(channel, from, rtp ? data : NULL)) {
		side_drop(side, false);
		return false;
	}
	publish(&side->published.heard, side->worker->now);
	if (kind == HL_PACKET_RTP)
		side_count(side, data, length, rtp);
	else
		side_control(side, data, length);
	channel_forward(channel, data, length);
	return true;
}

/* One packet of the leg's, so that who sends more waits longer. Those of strangers before it are
 * read away at once: a flood must not fill the socket's buffer. */
static void channel_receive(struct hl_relay_channel *channel)
{
	struct hl_relay_worker *worker = channel->side->worker;
	struct sockaddr_storage from;
	ssize_t length;
	int left = DRAIN;

	do {
		socklen_t size = sizeof(from);

		/* MSG_TRUNC: the length it had, even if that is more than fits. */
		length = recvfrom(channel->fd, worker->packet, HL_RELAY_PACKET, MSG_TRUNC,
				  (struct sockaddr *)&from, &size);
	} while (length >= 0 && !channel_packet(channel, &from, worker->packet, (size_t)length) &&
		 --left);
}

static void worker_readable(void *arg, unsigned readable)
{
	struct hl_relay_worker *worker = arg;
	struct epoll_event events[BATCH];
	int count, rounds = 0;

	(void)readable;
	do {
		count = epoll_wait(worker->epoll, events, BATCH, 0);
		worker->now = hl_clock_now();
		worker->real = hl_clock_real();
		for (int i = 0; i < count; i++)
			channel_receive(events[i].data.ptr);
	} while (count > 0 && ++rounds < ROUNDS);
}

/* The messages, as the worker carries them out. */

static void side_part(struct hl_relay_side *side)
{
	if (side->peer)
		hl_list_remove(&side->feeding);
	side->peer = NULL;
}

static void side_silence(struct hl_relay_side *side)
{
	while (!hl_list_empty(&side->feeders))
		side_part(hl_list_entry(side->feeders.next, struct hl_relay_side, feeding));
}

static void side_lead(struct hl_relay_side *side, struct hl_relay_side *peer)
{
	side->peer = peer;
	hl_list_append(&peer->feeders, &side->feeding);
}

static void side_terms(struct hl_relay_side *side, const struct hl_relay_terms *terms)
{
	uint64_t now = hl_clock_now();

	side->datagrams = terms->datagrams;
	side->encrypted = terms->encrypted;
	side->clock_rate = terms->clock_rate;
	hl_learn_expect(&side->channels[RTP].learn, &terms->rtp, now);
	hl_learn_expect(&side->channels[RTCP].learn, &terms->rtcp, now);
	channel_aim(&side->channels[RTP]);
	channel_aim(&side->channels[RTCP]);
}

static void order_begin(void *arg)
{
	struct hl_relay_worker *worker = arg;

	worker->watch = hl_watch_new(worker->loop, "relay", worker->epoll, HL_READABLE,
				     worker_readable, worker);
	if (!worker->watch)
		hl_log(HL_LOG_ERROR, "relay", "no-memory", hl_str("error", "nothing is relayed"));
}

static void order_end(void *arg)
{
	struct hl_relay_worker *worker = arg;

	hl_watch_free(worker->watch);
}

void hl_relay_order_add(void *arg)
{
	struct hl_relay_order *order = arg;
	struct hl_relay_side *side = order->side;

	side_terms(side, &order->terms);
	for (int i = RTP; i < CHANNELS; i++) {
		struct hl_relay_channel *channel = &side->channels[i];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = channel};

		if (epoll_ctl(side->worker->epoll, EPOLL_CTL_ADD, channel->fd, &event))
			hl_log(HL_LOG_ERROR, "relay", "no-watch", hl_str("call", side->call),
			       hl_str("leg", side->leg), hl_str("error", strerror(errno)));
	}
	hl_free(order);
}

void hl_relay_order_terms(void *arg)
{
	struct hl_relay_order *order = arg;

	side_terms(order->side, &order->terms);
	hl_free(order);
}

void hl_relay_order_link(void *arg)
{
	struct hl_relay_order *order = arg;
	struct hl_relay_side *side = order->side, *peer = order->peer;

	side_part(side);
	side_silence(side);
	if (peer) {
		side_part(peer);
		side_silence(peer);
		side_lead(side, peer);
		side_lead(peer, side);
	}
	hl_free(order);
}

void hl_relay_order_feed(void *arg)
{
	struct hl_relay_order *order = arg;

	if (!order->side->peer && !order->peer->peer)
		side_lead(order->side, order->peer);
	hl_free(order);
}

void hl_relay_order_free(void *arg)
{
	struct hl_relay_side *side = arg;

	side_part(side);
	side_silence(side);
	for (int i = RTP; i < CHANNELS; i++) {
		/* Gone from the set already if signalling put another in its place. */
		epoll_ctl(side->worker->epoll, EPOLL_CTL_DEL, side->channels[i].fd, NULL);
		close(side->channels[i].fd);
	}
	hl_free(side);
}

/* Signalling's side of it. */

struct hl_relay_worker *hl_relay_worker_new(unsigned index, struct hl_error *error)
{
	struct hl_relay_worker *worker = hl_zalloc(sizeof(*worker));
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

void hl_relay_worker_free(struct hl_relay_worker *worker)
{
	hl_loop_post(worker->loop, order_end, worker);
	hl_worker_free(worker->thread);
	close(worker->epoll);
	hl_free(worker);
}
