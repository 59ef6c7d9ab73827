/* The rules, in order:
 *  1. While nothing is learned, the first packet teaches, whoever sent it: a gateway's media may
 * come from a host that neither SDP nor signalling name.
 *  2. Whoever was learned as a stranger yields to an expected host at any time; the exact address
 * of the SDP wins over its host within the window.
 *  3. Otherwise the source is locked. Only its own host may go on from another port, after silence.
 *  4. An offer or answer opens 1 for expected hosts, and for all if it names another place.
 * A stranger is not answered while the SDP names a place that can be reached: there the media
 * belong (RFC 3264 §5.1), and a guesser of ports hears nothing. */
#include "learn.h"

void hl_learn_init(struct hl_learn *learn, const struct hl_learn *sibling)
{
	*learn = (struct hl_learn){.sibling = sibling, .open = true};
}

static bool host_known(const struct hl_address *known, const struct hl_address *source)
{
	return known->family && hl_address_same_host(known, source);
}

static enum hl_learn_rank rank_of(const struct hl_learn *learn, const struct hl_address *source)
{
	const struct hl_expectation *expected = &learn->expected;

	if (expected->sdp.family && hl_address_equal(&expected->sdp, source))
		return HL_LEARN_EXACT;
	if (host_known(&expected->sdp, source) || host_known(&expected->signalling, source))
		return HL_LEARN_HOST;
	if (learn->sibling && host_known(&learn->sibling->source, source))
		return HL_LEARN_HOST;
	return HL_LEARN_STRANGER;
}

static bool same_place(const struct hl_expectation *a, const struct hl_expectation *b)
{
	/* Hold is no move, and nothing said is no other place. */
	return hl_address_same_host(&a->signalling, &b->signalling) &&
	       (b->muted || !a->sdp.family || hl_address_equal(&a->sdp, &b->sdp));
}

void hl_learn_expect(struct hl_learn *learn, const struct hl_expectation *expected)
{
	struct hl_expectation before = learn->expected;

	learn->expected = *expected;
	if (expected->muted)
		learn->expected.sdp = before.sdp;
	if (!same_place(&before, expected))
		learn->source = (struct hl_address){.family = 0};
	else if (learn->source.family)
		learn->rank = rank_of(learn, &learn->source);
	learn->open = true;
	learn->refused = false;
}

static bool takes_over(const struct hl_learn *learn, const struct hl_address *source,
		       enum hl_learn_rank rank, uint64_t now)
{
	if (!learn->source.family)
		return true;
	if (rank > learn->rank && learn->rank == HL_LEARN_STRANGER)
		return true;
	if (rank >= HL_LEARN_HOST && learn->open)
		return true;
	if (rank > learn->rank && now - learn->first < learn->expected.window)
		return true;
	return hl_address_same_host(source, &learn->source) &&
	       now - learn->heard >= HL_LEARN_SILENCE;
}

static void accept_source(struct hl_learn *learn, uint64_t now)
{
	if (learn->open)
		learn->first = now;
	learn->open = false;
	learn->heard = now;
}

bool hl_learn_packet(struct hl_learn *learn, const struct hl_address *source, uint64_t now,
		     enum hl_learn_event *event)
{
	enum hl_learn_rank rank;

	*event = HL_LEARN_NOTHING;
	if (learn->source.family && hl_address_equal(source, &learn->source)) {
		accept_source(learn, now);
		return true;
	}
	rank = rank_of(learn, source);
	if (takes_over(learn, source, rank, now)) {
		*event = host_known(&learn->source, source) ? HL_LEARN_MOVED : HL_LEARN_LEARNED;
		learn->source = *source;
		learn->rank = rank;
		accept_source(learn, now);
		return true;
	}
	if (!learn->refused)
		*event = HL_LEARN_REJECTED;
	learn->refused = true;
	return false;
}

/* Whether packets sent to the SDP's address can arrive there. */
static bool reachable(const struct hl_expectation *expected)
{
	const struct hl_address *sdp = &expected->sdp;

	if (!sdp->family || !sdp->port || hl_address_wildcard(sdp))
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
