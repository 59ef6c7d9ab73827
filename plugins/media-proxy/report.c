/* Figures come from the relay while a leg lives, from the call's record afterwards. */
#include "report.h"

#include <stdio.h>

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

	return own && index < own->count && own->streams[index].side ? &own->streams[index] : NULL;
}

void hl_media_figures(const struct hl_media *media, struct hl_call *call, enum hl_side side,
		      unsigned index, struct hl_relay_figures *figures)
{
	const struct hl_media_call *own = hl_media_call(media, call);
	const struct hl_media_stream *stream = hl_media_stream_of(media, call, side, index);

	if (stream)
		hl_relay_side_figures(stream->side, figures);
	else
		*figures = own->records[index].figures[side];
}

static void put_figures(const struct hl_relay_figures *figures, struct hl_json *json)
{
	hl_json_object(json);
	hl_json_put_integer(json, "packets", (int64_t)figures->packets);
	hl_json_put_integer(json, "bytes", (int64_t)figures->bytes);
	hl_json_put_integer(json, "lost", (int64_t)figures->lost);
	hl_json_put_number(json, "jitter_ms", (double)figures->jitter / HL_MILLISECOND);
	hl_json_put_integer(json, "rejected", (int64_t)figures->rejected);
	hl_json_object_end(json);
}

static void put_text(struct hl_json *json, const char *key, const char *text)
{
	hl_json_put_string(json, key, *text ? text : NULL);
}

static void put_streams(const struct hl_media *media, struct hl_call *call, struct hl_json *json)
{
	const struct hl_media_call *own = hl_media_call(media, call);
	struct hl_relay_figures figures;

	hl_json_array(json);
	for (unsigned i = 0; own->verdict.relay && i < own->count; i++) {
		hl_json_object(json);
		put_text(json, "type", own->records[i].type);
		put_text(json, "codec", own->records[i].codec);
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
			hl_media_figures(media, call, side, i, &figures);
			hl_json_key(json, hl_side_text(side));
			put_figures(&figures, json);
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
	snprintf(cdr->media_reason, sizeof(cdr->media_reason), "%s", own->verdict.reason);
	for (unsigned i = 0; i < own->count; i++) {
		if (!*cdr->codec)
			snprintf(cdr->codec, sizeof(cdr->codec), "%s", own->records[i].codec);
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
