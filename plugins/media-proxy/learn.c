/* The rules, in order:
 *  1. While nothing is learned, the first packet from an expected host (of the SDP or of the
 * signalling) teaches: it is answered there from then on. With `strangers`, another host may
 * teach too, within the window and after a run of packets.
 *  2. The source is locked when it has made a run of one SSRC in sequence. Until then, another
 * expected source takes its place by making that run first, if it is worth as much or the source
 * has fallen silent.
 *  3. The exact address of the SDP wins over another port of its host within the window; a stranger
 * yields to an expected host at any time.
 *  4. Otherwise the source is locked. Only its own host may go on from another port, when the old
 * one has been silent: at once with the same SSRC, else after a run.
 *  5. An offer or answer opens 2 again, and 1 if it names another place.
 *  6. RTCP comes from the host that RTP was learned from, and from nowhere else.
 * A stranger is not answered while the SDP names a place that can be reached: there the media
 * belong (RFC 3264 §5.1), and a guesser of ports hears nothing. */
#include "learn.h"

enum { GAP = 4 }; /* so far a sequence number may be ahead and still be "in sequence" */

void hl_learn_init(struct hl_learn *learn, const struct hl_learn *sibling)
{
	*learn = (struct hl_learn){.sibling = sibling};
}

static bool same_network(const struct hl_learn *learn, const struct hl_address *known,
			 const struct hl_address *source)
{
	struct hl_network network = {.base = *known};

	if (!known->family)
		return false;
	network.prefix =
		known->family == AF_INET6 ? learn->expected.prefix6 : learn->expected.prefix;
	return hl_network_contains(&network, source);
}

static enum hl_learn_rank rank_of(const struct hl_learn *learn, const struct hl_address *source)
{
	const struct hl_expectation *expected = &learn->expected;
	const struct hl_learn *sibling = learn->sibling;

	if (expected->sdp.family && hl_address_equal(&expected->sdp, source))
		return HL_LEARN_EXACT;
	if (sibling && sibling->source.family)
		return hl_address_same_host(&sibling->source, source) ? HL_LEARN_HOST
								      : HL_LEARN_STRANGER;
	if (same_network(learn, &expected->sdp, source) ||
	    same_network(learn, &expected->signalling, source))
		return HL_LEARN_HOST;
	return HL_LEARN_STRANGER;
}

static bool same_place(const struct hl_expectation *a, const struct hl_expectation *b)
{
	/* Hold is no move, and nothing said is no other place. */
	return hl_address_same_host(&a->signalling, &b->signalling) &&
	       (b->muted || !a->sdp.family || hl_address_equal(&a->sdp, &b->sdp));
}

void hl_learn_expect(struct hl_learn *learn, const struct hl_expectation *expected, uint64_t now)
{
	struct hl_expectation before = learn->expected;

	learn->expected = *expected;
	if (expected->muted)
		learn->expected.sdp = before.sdp;
	if (!same_place(&before, expected))
		learn->source = (struct hl_address){.family = 0};
	else if (learn->source.family)
		learn->rank = rank_of(learn, &learn->source);
	learn->locked = false;
	learn->run.count = 0;
	learn->rival.count = 0;
	learn->refused = false;
	learn->opened = now;
}

/* Takes the packet into a run; true when it is long enough. */
static bool run_on(struct hl_run *run, const struct hl_arrival *arrival)
{
	uint16_t step = (uint16_t)(arrival->sequence - run->sequence);
	bool follows = run->count && run->rtp == arrival->rtp &&
		       hl_address_equal(&run->source, &arrival->source);

	if (follows && arrival->rtp)
		follows = run->ssrc == arrival->ssrc && step > 0 && step <= GAP;
	*run = (struct hl_run){
		.source = arrival->source,
		.rtp = arrival->rtp,
		.ssrc = arrival->ssrc,
		.sequence = arrival->sequence,
		.count = follows ? run->count + 1 : 1,
	};
	return run->count >= HL_LEARN_RUN;
}

/* Whether the locked source has fallen silent, and this is its host on another port. */
static bool moved(struct hl_learn *learn, const struct hl_arrival *arrival)
{
	const struct hl_run *known = &learn->run;

	if (!hl_address_same_host(&arrival->source, &learn->source) ||
	    arrival->now - learn->heard < HL_LEARN_SILENCE)
		return false;
	if (!arrival->rtp || !known->rtp || known->ssrc == arrival->ssrc)
		return true;
	return run_on(&learn->rival, arrival);
}

static bool takes_over(struct hl_learn *learn, const struct hl_arrival *arrival,
		       enum hl_learn_rank rank)
{
	bool window = arrival->now - learn->opened < learn->expected.window;
	bool silent = arrival->now - learn->heard >= HL_LEARN_SILENCE;

	if (rank == HL_LEARN_STRANGER)
		return !learn->source.family && learn->expected.strangers && !learn->sibling &&
		       window && run_on(&learn->rival, arrival);
	if (!learn->source.family || learn->rank == HL_LEARN_STRANGER)
		return true;
	if (rank > learn->rank && window)
		return true;
	if (!learn->locked)
		return (rank >= learn->rank || silent) && run_on(&learn->rival, arrival);
	return moved(learn, arrival);
}

static void accept_packet(struct hl_learn *learn, const struct hl_arrival *arrival)
{
	learn->heard = arrival->now;
	if (!learn->locked)
		learn->locked = run_on(&learn->run, arrival);
}

static bool refuse(struct hl_learn *learn, const struct hl_address *source,
		   enum hl_learn_event *event)
{
	/* Who is on its way to a run is not reported as a stranger. */
	if (learn->rival.count && hl_address_equal(&learn->rival.source, source))
		return false;
	if (!learn->refused)
		*event = HL_LEARN_REJECTED;
	learn->refused = true;
	return false;
}

/* RTCP that was learned before RTP settled elsewhere is not believed any more. */
static bool source_stands(const struct hl_learn *learn)
{
	const struct hl_learn *sibling = learn->sibling;

	return !sibling || !sibling->source.family || learn->rank == HL_LEARN_EXACT ||
	       hl_address_same_host(&sibling->source, &learn->source);
}

bool hl_learn_packet(struct hl_learn *learn, const struct hl_arrival *arrival,
		     enum hl_learn_event *event)
{
	const struct hl_address *source = &arrival->source;
	enum hl_learn_rank rank;

	*event = HL_LEARN_NOTHING;
	if (learn->source.family && hl_address_equal(source, &learn->source) &&
	    source_stands(learn)) {
		accept_packet(learn, arrival);
		return true;
	}
	if (!source_stands(learn))
		learn->source = (struct hl_address){.family = 0};
	rank = rank_of(learn, source);
	if (!takes_over(learn, arrival, rank))
		return refuse(learn, source, event);
	*event = learn->source.family && hl_address_same_host(&learn->source, source)
			 ? HL_LEARN_MOVED
			 : HL_LEARN_LEARNED;
	/* A rival has made its run already. */
	learn->locked = learn->rival.count >= HL_LEARN_RUN;
	learn->run = learn->locked ? learn->rival : (struct hl_run){.count = 0};
	learn->rival.count = 0;
	learn->source = *source;
	learn->rank = rank;
	accept_packet(learn, arrival);
	return true;
}

static bool multicast(const struct hl_address *address)
{
	return address->bytes[0] >= (address->family == AF_INET6 ? 0xff : 0xe0);
}

/* Whether packets sent to the SDP's address can arrive there, and are a phone's business: nobody
 * elsewhere has us talk to this machine's own programs, or to many. */
static bool reachable(const struct hl_expectation *expected)
{
	const struct hl_address *sdp = &expected->sdp;

	if (!sdp->family || !sdp->port || hl_address_wildcard(sdp) || multicast(sdp))
		return false;
	if (hl_address_loopback(sdp) && !hl_address_loopback(&expected->signalling))
		return false;
	if (!hl_address_private(sdp) || hl_address_same_host(sdp, &expected->signalling))
		return true;
	return !expected->nat && hl_address_private(&expected->signalling);
}

const struct hl_address *hl_learn_destination(const struct hl_learn *learn)
{
	bool known = learn->source.family != 0;

	if (learn->expected.muted)
		return NULL;
	if (known && learn->rank != HL_LEARN_STRANGER)
		return &learn->source;
	if (reachable(&learn->expected))
		return &learn->expected.sdp;
	return known ? &learn->source : NULL;
}
