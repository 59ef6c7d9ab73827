/* The engine that is our own relay: a leg's streams, their ports, and the SDP that passes through
 * (RFC 3264). Ports belong to the leg and stay the same for its life, whatever is offered by whom
 * (rules 28 and 29). An offer opens what it needs on both legs before anything is sent, so that a
 * call is never half set up; an answer puts both descriptions in force. */
#include "media.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Hz, by type of m-line and codec (RFC 3551, RFC 7587); what is not named here is 8000. */
static const struct {
	const char *type, *codec;
	unsigned rate;
} clock_rates[] = {
	{"video", "*", 90000},	   {"audio", "opus", 48000},  {"audio", "AMR-WB*", 16000},
	{"audio", "G7221", 16000}, {"audio", "speex", 16000}, {"text", "*", 1000},
};

static unsigned clock_rate(const struct hl_sdp *sdp, unsigned index)
{
	char codec[32];

	hl_sdp_codec(sdp, index, codec);
	for (size_t i = 0; i < HL_COUNT(clock_rates); i++)
		if (hl_slice_equal_nocase(hl_slice_of(clock_rates[i].type),
					  sdp->media[index].type) &&
		    hl_slice_glob(hl_slice_of(clock_rates[i].codec), hl_slice_of(codec)))
			return clock_rates[i].rate;
	return 8000;
}

static bool protocol_has(const struct hl_sdp_media *line, const char *glob)
{
	return hl_slice_glob(hl_slice_of(glob), line->protocol);
}

/* Whether a datagram relay can carry that m-line: everything but TCP. */
static bool relayable(const struct hl_sdp_media *line)
{
	return !protocol_has(line, "TCP*");
}

static struct hl_remote remote_read(const struct hl_sdp_media *line)
{
	struct hl_remote remote = {
		.rtp = line->connection,
		.rtcp = line->rtcp,
		.active = line->port != 0,
		.held = line->on_hold,
		.muted = line->connection.family && hl_address_wildcard(&line->connection),
		.datagrams = !protocol_has(line, "*RTP/*"),
		.encrypted = line->encrypted,
	};

	remote.rtp.port = (uint16_t)line->port;
	if (!remote.rtcp.family) {
		remote.rtcp = remote.rtp;
		remote.rtcp.port = line->rtcp.port ? line->rtcp.port : (uint16_t)(line->port + 1);
	}
	return remote;
}

static void terms_make(const struct hl_media *media, const struct hl_leg *leg,
		       const struct hl_remote *remote, unsigned rate, struct hl_relay_terms *terms)
{
	const struct hl_media_settings *settings = hl_media_settings(media);
	struct hl_expectation common = {
		.signalling = hl_leg_flow(leg)->remote,
		.nat = hl_leg_nat(leg),
		.muted = remote->muted,
		.strangers = settings->learn_from == HL_LEARN_FROM_ANY,
		.prefix = (uint8_t)settings->learn_prefix,
		.prefix6 = (uint8_t)settings->learn_prefix6,
		.window = (uint64_t)settings->learn_window * HL_SECOND,
	};

	*terms = (struct hl_relay_terms){
		.rtp = common,
		.rtcp = common,
		.datagrams = remote->datagrams,
		.encrypted = remote->encrypted,
		.clock_rate = rate,
	};
	terms->rtp.sdp = remote->rtp;
	terms->rtcp.sdp = remote->rtcp;
}

/* The address the leg's sockets are bound to, and the one its SDP names: the family and the
 * interface are those its signalling came by. */
static void leg_addresses(const struct hl_media *media, struct hl_leg *leg,
			  struct hl_media_leg *own)
{
	const struct hl_flow *flow = hl_leg_flow(leg);

	if (own->local.family)
		return;
	own->local = flow->local;
	hl_transport_visible(hl_switch_transport(media->holdline), flow, &own->visible);
	if (own->visible.family != own->local.family)
		own->visible = own->local;
}

static int leg_resize(struct hl_media_leg *own, unsigned count)
{
	struct hl_media_stream *streams;

	if (count <= own->count)
		return 0;
	streams = hl_realloc(own->streams, count * sizeof(*streams));
	if (!streams)
		return -ENOMEM;
	memset(streams + own->count, 0, (count - own->count) * sizeof(*streams));
	own->streams = streams;
	own->count = count;
	return 0;
}

static int stream_open(struct hl_media *media, const struct hl_media_call *call, struct hl_leg *leg,
		       unsigned index, bool datagrams)
{
	struct hl_media_leg *own = hl_media_leg(media, leg);
	struct hl_remote nothing = {.datagrams = datagrams};
	struct hl_relay_terms terms;
	struct hl_port_pair pair;
	int rc = hl_ports_open(media->ports, &own->local, own, &pair);

	if (rc)
		return rc;
	terms_make(media, leg, &nothing, 8000, &terms);
	rc = hl_relay_side_new(media->relay, call->worker, pair.fds, hl_call_id(hl_leg_call(leg)),
			       hl_side_text(hl_leg_side(leg)), &terms, &own->streams[index].side);
	if (rc) {
		close(pair.fds[0]);
		close(pair.fds[1]);
		hl_ports_release(media->ports, pair.port, false);
		return rc;
	}
	own->streams[index].port = pair.port;
	return 0;
}

static void stream_close(struct hl_media *media, struct hl_media_stream *stream, bool used)
{
	if (!stream->side)
		return;
	hl_relay_side_free(stream->side);
	hl_ports_release(media->ports, stream->port, used);
	stream->side = NULL;
	stream->port = 0;
}

/* Opens what the leg lacks; the m-lines that were opened are set in `opened`. */
static int leg_open(struct hl_media *media, const struct hl_media_call *call, struct hl_leg *leg,
		    const struct hl_sdp *sdp, bool opened[HL_SDP_MEDIA])
{
	struct hl_media_leg *own = hl_media_leg(media, leg);
	int rc = leg_resize(own, sdp->media_count);

	leg_addresses(media, leg, own);
	for (unsigned i = 0; !rc && i < sdp->media_count; i++) {
		const struct hl_sdp_media *line = &sdp->media[i];

		if (own->streams[i].side || !line->port || line->shares != i || !relayable(line))
			continue;
		rc = stream_open(media, call, leg, i, !protocol_has(line, "*RTP/*"));
		opened[i] = !rc;
	}
	return rc;
}

static bool names_us(const struct hl_media *media, const struct hl_address *host, unsigned port)
{
	const struct hl_media_leg *owner = hl_ports_owner(media->ports, (uint16_t)port);

	return owner && host->family &&
	       (hl_address_same_host(host, &owner->visible) ||
		hl_address_same_host(host, &owner->local));
}

static bool loops(const struct hl_media *media, const struct hl_sdp *sdp)
{
	for (unsigned i = 0; i < sdp->media_count; i++) {
		const struct hl_sdp_media *line = &sdp->media[i];

		if (names_us(media, &line->connection, line->port))
			return true;
		if (line->rtcp.port &&
		    names_us(media, line->rtcp.family ? &line->rtcp : &line->connection,
			     line->rtcp.port))
			return true;
	}
	return false;
}

static int open_both(struct hl_media *media, struct hl_media_call *call, struct hl_leg *from,
		     struct hl_leg *to, const struct hl_sdp *sdp)
{
	struct hl_leg *legs[] = {from, to};
	bool opened[2][HL_SDP_MEDIA] = {{false}};
	int rc = 0;

	for (unsigned side = 0; !rc && side < 2; side++)
		rc = leg_open(media, call, legs[side], sdp, opened[side]);
	/* A port that was free when the offer came may be its own now. */
	if (!rc && loops(media, sdp))
		rc = -ELOOP;
	for (unsigned side = 0; rc && side < 2; side++)
		for (unsigned i = 0; i < HL_SDP_MEDIA; i++)
			if (opened[side][i])
				stream_close(media, &hl_media_leg(media, legs[side])->streams[i],
					     false);
	return rc;
}

static int stream_expect(const struct hl_media *media, const struct hl_leg *leg,
			 const struct hl_media_stream *stream, unsigned rate)
{
	struct hl_relay_terms terms;

	if (!stream->side || !stream->remote.active)
		return 0;
	terms_make(media, leg, &stream->remote, rate, &terms);
	return hl_relay_side_expect(stream->side, &terms);
}

/* Notes what an offer says about the leg it came from; it holds once it is answered. Where nothing
 * is in force yet, the offerer may be sent to already: what the other leg says before its answer
 * comes is not lost (RFC 3264 §5.1). */
static int note_offer(const struct hl_media *media, struct hl_leg *from, struct hl_leg *to,
		      const struct hl_sdp *sdp)
{
	struct hl_media_leg *offerer = hl_media_leg(media, from);
	struct hl_media_leg *answerer = hl_media_leg(media, to);
	int rc = 0;

	for (unsigned i = 0; !rc && i < sdp->media_count; i++) {
		struct hl_media_stream *stream = &offerer->streams[i];
		struct hl_relay_terms terms;

		stream->offered = remote_read(&sdp->media[i]);
		if (!stream->side || stream->remote.active || !answerer->streams[i].side)
			continue;
		terms_make(media, from, &stream->offered, clock_rate(sdp, i), &terms);
		rc = hl_relay_side_expect(stream->side, &terms);
		if (!rc)
			rc = hl_relay_side_feed(answerer->streams[i].side, stream->side);
	}
	return rc;
}

/* Whether the m-line goes over ports of its own: not refused, not part of another's bundle. */
static bool stands_alone(const struct hl_sdp *sdp, unsigned index)
{
	return sdp->media[index].port && sdp->media[index].shares == index;
}

static int connect_legs(struct hl_media *media, struct hl_leg *from, struct hl_leg *to,
			const struct hl_sdp *sdp)
{
	struct hl_media_leg *answerer = hl_media_leg(media, from);
	struct hl_media_leg *offerer = hl_media_leg(media, to);
	int rc = 0;

	for (unsigned i = 0; !rc && i < sdp->media_count; i++) {
		unsigned rate = clock_rate(sdp, i);
		struct hl_media_stream *a, *b;
		bool linked;

		if (i >= answerer->count || i >= offerer->count)
			break;
		a = &answerer->streams[i];
		b = &offerer->streams[i];
		a->remote = remote_read(&sdp->media[i]);
		a->remote.active = stands_alone(sdp, i);
		b->remote = b->offered;
		linked = a->side && b->side && a->remote.active && b->remote.active;
		rc = stream_expect(media, from, a, rate);
		if (!rc)
			rc = stream_expect(media, to, b, rate);
		if (!rc && linked)
			rc = hl_relay_side_link(a->side, b->side);
		if (!rc && !linked && b->side)
			rc = hl_relay_side_link(b->side, NULL);
	}
	return rc;
}

static int unlink_leg(struct hl_media_leg *leg)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < leg->count; i++)
		if (leg->streams[i].side)
			rc = hl_relay_side_link(leg->streams[i].side, NULL);
	return rc;
}

static void close_leg(struct hl_media *media, struct hl_media_leg *leg)
{
	for (unsigned i = 0; i < leg->count; i++)
		stream_close(media, &leg->streams[i], true);
	hl_free(leg->streams);
	leg->streams = NULL;
	leg->count = 0;
}

static int write_sdp(const struct hl_media_leg *leg, const struct hl_sdp *sdp,
		     struct hl_sdp_edit *edit, struct hl_text *rewritten)
{
	char host[HL_ADDRESS_TEXT], origin[HL_ADDRESS_TEXT + 64];

	snprintf(origin, sizeof(origin), "- %" PRIu64 " %" PRIu64 " IN %s %s", leg->session,
		 leg->version, leg->visible.family == AF_INET6 ? "IP6" : "IP4",
		 hl_address_host(&leg->visible, host));
	edit->origin = origin;
	hl_text_clear(rewritten);
	return hl_sdp_rewrite(sdp, edit, rewritten);
}

static void edit_make(const struct hl_media *media, const struct hl_media_leg *leg,
		      const struct hl_sdp *sdp, struct hl_sdp_edit *edit)
{
	*edit = (struct hl_sdp_edit){.ice = (enum hl_sdp_ice)hl_media_settings(media)->ice};
	for (unsigned i = 0; i < sdp->media_count && i < leg->count; i++) {
		/* What shares a port on one side shares ours on the other (RFC 8843). */
		unsigned port = leg->streams[sdp->media[i].shares].port;

		edit->media[i].relayed = relayable(&sdp->media[i]);
		edit->media[i].rtp = leg->visible;
		edit->media[i].rtp.port = (uint16_t)port;
		edit->media[i].rtcp_port = port ? port + 1u : 0;
	}
}

/* Writes `sdp` as the leg shall see it: our addresses, our origin. 0 or -ENOMEM. */
static int rewrite(const struct hl_media *media, struct hl_media_leg *leg, const struct hl_sdp *sdp,
		   struct hl_text *rewritten)
{
	struct hl_sdp_edit edit;
	int rc;

	edit_make(media, leg, sdp, &edit);
	if (!leg->session) {
		leg->session = hl_random_below(INT64_MAX - 1) + 1;
		leg->version = 1;
	}
	rc = write_sdp(leg, sdp, &edit, rewritten);
	if (rc)
		return rc;
	/* A refresh repeats the same bytes; the version counts changes (RFC 3264 §8). */
	if (leg->sent && hl_hash_bytes(rewritten->data, rewritten->length) != leg->sent) {
		leg->version++;
		rc = write_sdp(leg, sdp, &edit, rewritten);
	}
	if (!rc)
		leg->sent = hl_hash_bytes(rewritten->data, rewritten->length);
	return rc;
}

static int engine_offer(struct hl_media *media, struct hl_media_call *call, struct hl_leg *from,
			struct hl_leg *to, const struct hl_sdp *sdp, struct hl_text *rewritten)
{
	int rc = open_both(media, call, from, to, sdp);

	if (!rc)
		rc = note_offer(media, from, to, sdp);
	return rc ? rc : rewrite(media, hl_media_leg(media, to), sdp, rewritten);
}

static int engine_answer(struct hl_media *media, struct hl_leg *from, struct hl_leg *to,
			 const struct hl_sdp *sdp, struct hl_text *rewritten)
{
	int rc = connect_legs(media, from, to, sdp);

	return rc ? rc : rewrite(media, hl_media_leg(media, to), sdp, rewritten);
}

static bool engine_figures(const struct hl_media_leg *leg, unsigned index,
			   struct hl_relay_figures *figures)
{
	if (index >= leg->count || !leg->streams[index].side)
		return false;
	hl_relay_side_figures(leg->streams[index].side, figures);
	return true;
}

const struct hl_media_engine hl_engine_relay = {
	.offer = engine_offer,
	.answer = engine_answer,
	.unlink = unlink_leg,
	.close = close_leg,
	.loops = loops,
	.figures = engine_figures,
};
