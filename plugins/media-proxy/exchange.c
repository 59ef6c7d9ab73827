/* The first offer for a callee's leg decides how its media go; the decision stays with that leg. */
#include "exchange.h"

#include "report.h"

#include <errno.h>

enum { NOT_ACCEPTABLE = 488, SERVER_ERROR = 500, UNAVAILABLE = 503 };

static struct hl_leg *callee_of(struct hl_leg *from, struct hl_leg *to)
{
	return hl_leg_side(from) == HL_SIDE_CALLEE ? from : to;
}

static struct hl_media_party party_of(const struct hl_leg *leg)
{
	return (struct hl_media_party){
		.setting = hl_leg_party(leg)->media_proxy,
		.nat = hl_leg_nat(leg),
		.network = hl_leg_network(leg),
	};
}

/* Whether the offer's media are of another family than what the other leg is reached by. */
static bool families_differ(const struct hl_sdp *sdp, const struct hl_leg *to)
{
	int family = hl_leg_flow(to)->remote.family;

	for (unsigned i = 0; i < sdp->media_count; i++) {
		const struct hl_sdp_media *line = &sdp->media[i];

		if (line->port && line->connection.family && line->connection.family != family)
			return true;
	}
	return false;
}

static void decide(const struct hl_media *media, struct hl_call *call, struct hl_leg *from,
		   struct hl_leg *to, const struct hl_sdp *sdp, struct hl_media_verdict *verdict)
{
	const struct hl_media_settings *settings = hl_media_settings(media);
	struct hl_leg *callee = callee_of(from, to);
	struct hl_media_decision policy;
	struct hl_media_question question = {
		.mode = settings->mode,
		.between_net = settings->between_net,
		.behind_nat = settings->behind_nat,
		.encrypted = sdp->encrypted,
		.families = families_differ(sdp, to),
		.caller = party_of(callee == from ? to : from),
		.callee = party_of(callee),
	};

	if (hl_decide_media(media->holdline, call, callee, &policy)) {
		question.policy = policy.on ? HL_MEDIA_POLICY_ON : HL_MEDIA_POLICY_OFF;
		question.rule = policy.rule;
	}
	hl_media_decide(&question, verdict);
	if (!verdict->relay && question.families)
		hl_log(HL_LOG_WARN, "media", "media-families", hl_str("call", hl_call_id(call)),
		       hl_str("reason", verdict->reason),
		       hl_str("advice", "one side speaks IPv4 and the other IPv6: unless they have "
					"other ways they hear nothing; let the call be relayed"));
	/* Media that another call of ours relays already would run in circles. */
	if (verdict->relay && media->engine->loops(media, sdp))
		*verdict = (struct hl_media_verdict){.reason = "direct: relayed already"};
}

static void remember(struct hl_media *media, struct hl_call *call, struct hl_leg *callee,
		     const struct hl_media_verdict *verdict)
{
	struct hl_media_leg *leg = hl_media_leg(media, callee);
	struct hl_media_call *own = hl_media_call(media, call);

	leg->decided = own->decided = true;
	leg->verdict = own->verdict = *verdict;
	hl_log(HL_LOG_INFO, "media", "media-decision", hl_str("call", hl_call_id(call)),
	       hl_str("callee", hl_leg_user(callee)),
	       hl_str("relayed", verdict->relay ? "true" : "false"),
	       hl_str("reason", verdict->reason));
	if (!verdict->relay || own->listed)
		return;
	own->handle = hl_call_handle(call);
	own->worker = hl_relay_worker(media->relay);
	own->listed = true;
	hl_list_append(&media->calls, &own->node);
}

static void log_refused(const struct hl_call *call, const char *event, const char *why)
{
	static struct hl_log_limit limit;
	uint64_t withheld;

	if (hl_log_allow(&limit, &withheld))
		hl_log(HL_LOG_WARN, "media", event, hl_str("call", hl_call_id(call)),
		       hl_str("error", why), hl_int("withheld", (int64_t)withheld));
}

static int refuse_loop(const struct hl_call *call)
{
	log_refused(call, "media-loop", "the SDP names a port of the relay");
	return NOT_ACCEPTABLE;
}

/* What the stage says to what the engine says. */
static int verdict_of(const struct hl_call *call, int rc)
{
	if (!rc)
		return HL_DONE;
	if (rc == -ENOMEM)
		return SERVER_ERROR;
	if (rc == -ELOOP)
		return refuse_loop(call);
	if (rc == -EADDRINUSE)
		log_refused(call, "ports-exhausted", "no pair of port_range is free");
	else
		log_refused(call, "ports-failed", strerror(-rc));
	return UNAVAILABLE;
}

int hl_media_offer(struct hl_media *media, struct hl_call *call, struct hl_leg *from,
		   struct hl_leg *to, struct hl_slice body, struct hl_text *rewritten)
{
	struct hl_leg *callee = callee_of(from, to);
	struct hl_media_leg *leg = hl_media_leg(media, callee);
	bool first = !leg->decided;
	struct hl_media_verdict verdict;
	struct hl_error error;
	struct hl_sdp sdp;
	int malformed;

	if (!first && !leg->verdict.relay)
		return HL_NEXT;
	malformed = hl_sdp_parse(body, &sdp, &error);
	if (malformed)
		sdp = (struct hl_sdp){.media_count = 0};
	if (first) {
		decide(media, call, from, to, &sdp, &verdict);
		remember(media, call, callee, &verdict);
		if (!verdict.relay)
			return HL_NEXT;
	}
	if (malformed) {
		log_refused(call, "sdp-malformed", error.text);
		return NOT_ACCEPTABLE;
	}
	if (!first && media->engine->loops(media, &sdp))
		return refuse_loop(call);
	return verdict_of(call, media->engine->offer(media, hl_media_call(media, call), from, to,
						     &sdp, rewritten));
}

/* Type and codec of each m-line, for list and record. */
static int note_codecs(struct hl_media_call *own, const struct hl_sdp *sdp)
{
	if (sdp->media_count > own->count) {
		struct hl_media_record *records =
			hl_realloc(own->records, sdp->media_count * sizeof(*records));

		if (!records)
			return -ENOMEM;
		memset(records + own->count, 0, (sdp->media_count - own->count) * sizeof(*records));
		own->records = records;
		own->count = sdp->media_count;
	}
	for (unsigned i = 0; i < sdp->media_count; i++) {
		struct hl_media_record *record = &own->records[i];
		struct hl_slice type = sdp->media[i].type;

		hl_put_text(record->type, record->type + sizeof(record->type), type);
		if (sdp->media[i].port)
			hl_sdp_codec(sdp, i, record->codec);
	}
	return 0;
}

/* Who is heard from now on: the leg that answered, or sent early media, last. */
static int heard(struct hl_media *media, struct hl_call *call, struct hl_leg *callee,
		 const struct hl_sdp *sdp)
{
	struct hl_media_call *own = hl_media_call(media, call);

	own->callee = hl_leg_handle(callee);
	own->verdict = hl_media_leg(media, callee)->verdict;
	own->since = hl_clock_now();
	return note_codecs(own, sdp);
}

int hl_media_answer(struct hl_media *media, struct hl_call *call, struct hl_leg *from,
		    struct hl_leg *to, struct hl_slice body, struct hl_text *rewritten)
{
	struct hl_leg *callee = callee_of(from, to);
	struct hl_media_leg *leg = hl_media_leg(media, callee);
	bool relay = leg->decided && leg->verdict.relay;
	struct hl_error error;
	struct hl_sdp sdp;

	if (!leg->decided)
		return HL_NEXT;
	if (hl_sdp_parse(body, &sdp, &error)) {
		log_refused(call, "sdp-malformed", error.text);
		return relay ? NOT_ACCEPTABLE : HL_NEXT;
	}
	if (relay && media->engine->loops(media, &sdp))
		return refuse_loop(call);
	if (heard(media, call, callee, &sdp))
		return SERVER_ERROR;
	if (!relay)
		return media->engine->unlink(hl_media_leg(media, to)) ? SERVER_ERROR : HL_NEXT;
	return verdict_of(call, media->engine->answer(media, from, to, &sdp, rewritten));
}

void hl_media_leg_ended(struct hl_media *media, struct hl_leg *leg)
{
	struct hl_media_call *own = hl_media_call(media, hl_leg_call(leg));
	struct hl_media_leg *streams = hl_media_leg(media, leg);
	enum hl_side side = hl_leg_side(leg);

	if (side == HL_SIDE_CALLER || hl_handle_equal(hl_leg_handle(leg), own->callee))
		for (unsigned i = 0; i < own->count; i++) {
			struct hl_relay_figures *figures = &own->records[i].figures[side];

			media->engine->figures(streams, i, figures);
			hl_call_alive(hl_leg_call(leg), figures->heard);
		}
	media->engine->close(media, streams);
}

void hl_media_ended(struct hl_media *media, struct hl_call *call, struct hl_cdr *cdr)
{
	struct hl_media_call *own = hl_media_call(media, call);

	hl_media_report_cdr(media, call, cdr);
	if (own->listed)
		hl_list_remove(&own->node);
	own->listed = false;
	hl_free(own->records);
	own->records = NULL;
	own->count = 0;
}
