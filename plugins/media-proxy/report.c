/* Figures come from the relay while a leg lives, from the call's record afterwards. */
#include "report.h"

#include "quality.h"

#include <math.h>

static struct hl_leg *leg_of(const struct hl_media *media, struct hl_call *call, enum hl_side side)
{
	if (side == HL_SIDE_CALLER)
		return hl_call_leg(call, HL_SIDE_CALLER);
	return hl_leg_get(hl_switch_calls(media->holdline), hl_media_call(media, call)->callee);
}

struct hl_media_stream *hl_media_stream_of(const struct hl_media *media, struct hl_call *call,
					   enum hl_side side, unsigned index)
{
	struct hl_leg *leg = leg_of(media, call, side);
	struct hl_media_leg *own = leg ? hl_media_leg(media, leg) : NULL;

	return own && index < own->count ? &own->streams[index] : NULL;
}

void hl_media_figures(const struct hl_media *media, struct hl_call *call, enum hl_side side,
		      unsigned index, struct hl_relay_figures *figures)
{
	struct hl_leg *leg = leg_of(media, call, side);

	if (!leg || !media->engine->figures(hl_media_leg(media, leg), index, figures))
		*figures = hl_media_call(media, call)->records[index].figures[side];
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* What got lost up to here counts or, if the other end reports more, up to there. */
double hl_media_mos(const struct hl_relay_figures figures[2], int side,
		    const struct hl_media_record *record)
{
	const struct hl_relay_figures *own = &figures[side], *far = &figures[!side];
	double expected = (double)(own->packets + own->lost);
	double lost = larger((double)own->lost, (double)far->far_lost);
	struct hl_quality quality = {
		.codec = record->codec,
		.loss = expected > 0 ? lost / expected : 0,
		.jitter = larger((double)own->jitter, (double)far->far_jitter) / HL_MILLISECOND,
		.round_trip = (double)(own->round_trip + far->round_trip) / HL_MILLISECOND,
	};

	return own->packets && !strcmp(record->type, "audio") ? hl_quality_mos(&quality) : 0;
}

static void put_milliseconds(struct hl_json *json, const char *key, uint64_t time)
{
	hl_json_put_number(json, key, (double)time / HL_MILLISECOND);
}

static void put_figures(const struct hl_relay_figures figures[2], int side,
			const struct hl_media_record *record, struct hl_json *json)
{
	const struct hl_relay_figures *own = &figures[side], *far = &figures[!side];
	double mos = hl_media_mos(figures, side, record);

	hl_json_object(json);
	hl_json_put_integer(json, "packets", (int64_t)own->packets);
	hl_json_put_integer(json, "bytes", (int64_t)own->bytes);
	hl_json_put_integer(json, "lost", (int64_t)own->lost);
	put_milliseconds(json, "jitter_ms", own->jitter);
	hl_json_put_integer(json, "rejected", (int64_t)own->rejected);
	hl_json_put_integer(json, "invalid", (int64_t)own->invalid);
	if (own->round_trip)
		put_milliseconds(json, "rtt_ms", own->round_trip);
	if (far->far_reported) {
		hl_json_put_integer(json, "far_lost", (int64_t)far->far_lost);
		put_milliseconds(json, "far_jitter_ms", far->far_jitter);
	}
	if (mos > 0)
		hl_json_put_number(json, "mos", round(mos * 100) / 100);
	hl_json_object_end(json);
}

static void put_text(struct hl_json *json, const char *key, const char *text)
{
	hl_json_put_string(json, key, *text ? text : NULL);
}

static void put_streams(const struct hl_media *media, struct hl_call *call, struct hl_json *json)
{
	const struct hl_media_call *own = hl_media_call(media, call);
	struct hl_relay_figures figures[2];

	hl_json_array(json);
	for (unsigned i = 0; own->verdict.relay && i < own->count; i++) {
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++)
			hl_media_figures(media, call, side, i, &figures[side]);
		hl_json_object(json);
		put_text(json, "type", own->records[i].type);
		put_text(json, "codec", own->records[i].codec);
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
			hl_json_key(json, hl_side_text(side));
			put_figures(figures, side, &own->records[i], json);
		}
		hl_json_object_end(json);
	}
	hl_json_array_end(json);
}

void hl_media_report_call(const struct hl_media *media, struct hl_call *call, struct hl_json *json)
{
	const struct hl_media_call *own = hl_media_call(media, call);

	hl_json_key(json, "media");
	hl_json_object(json);
	hl_json_put_boolean(json, "relayed", own->verdict.relay);
	put_text(json, "reason", own->verdict.reason);
	hl_json_put_string(json, "one_way", own->one_way ? hl_side_text(own->silent) : NULL);
	hl_json_key(json, "streams");
	put_streams(media, call, json);
	hl_json_object_end(json);
}

void hl_media_report_cdr(const struct hl_media *media, struct hl_call *call, struct hl_cdr *cdr)
{
	const struct hl_media_call *own = hl_media_call(media, call);
	struct hl_relay_figures figures;
	struct hl_json json;

	cdr->media_relayed = own->verdict.relay;
	hl_put_text(cdr->media_reason, cdr->media_reason + sizeof(cdr->media_reason),
		    hl_slice_of(own->verdict.reason));
	for (unsigned i = 0; i < own->count; i++) {
		if (!*cdr->codec)
			hl_put_text(cdr->codec, cdr->codec + sizeof(cdr->codec),
				    hl_slice_of(own->records[i].codec));
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
			uint64_t alive;

			hl_media_figures(media, call, side, i, &figures);
			alive = figures.heard ? hl_clock_wall_at(figures.heard) : 0;
			if (alive > cdr->last_alive)
				cdr->last_alive = alive;
		}
	}
	if (!own->verdict.relay || !own->count)
		return;
	hl_json_init(&json, &cdr->streams);
	put_streams(media, call, &json);
}
