/* Silence is told for each direction by itself: half-dead calls are found, and held or unanswered
 * ones are left alone. For the time-out any packet counts as life, RTCP too: a muted phone sends
 * nothing else. One-way audio is told by sound alone. */
#include "silence.h"

#include "report.h"

enum { PERIOD = 1000 }; /* ms */

/* When each side of a call gave a sign. */
struct signs {
	uint64_t heard[2]; /* any packet, hl_clock_now */
	uint64_t spoke[2]; /* sound */
	uint64_t rejected[2];
};

static bool stream_runs(const struct hl_media_stream *stream)
{
	return stream && stream->port && stream->remote.active && !stream->remote.held;
}

static void later(uint64_t *moment, uint64_t than)
{
	if (than > *moment)
		*moment = than;
}

/* Of all streams that run both ways; false: there is none. */
static bool read_signs(const struct hl_media *media, struct hl_call *call, struct signs *signs)
{
	const struct hl_media_call *own = hl_media_call(media, call);
	struct hl_relay_figures figures;
	bool runs = false;

	for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
		signs->heard[side] = signs->spoke[side] = own->since;
		signs->rejected[side] = 0;
	}
	for (unsigned i = 0; i < own->count; i++) {
		if (!stream_runs(hl_media_stream_of(media, call, HL_SIDE_CALLER, i)) ||
		    !stream_runs(hl_media_stream_of(media, call, HL_SIDE_CALLEE, i)))
			continue;
		runs = true;
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
			hl_media_figures(media, call, side, i, &figures);
			later(&signs->heard[side], figures.heard);
			later(&signs->spoke[side], figures.spoke);
			signs->rejected[side] += figures.rejected;
		}
	}
	return runs;
}

static bool silent(uint64_t heard, uint64_t now, uint64_t limit)
{
	return now > heard && now - heard >= limit;
}

static void time_out(struct hl_media *media, struct hl_call *call, const struct signs *signs,
		     uint64_t now)
{
	const struct hl_media_settings *settings = hl_media_settings(media);
	uint64_t limit = (uint64_t)settings->media_timeout * HL_SECOND;
	bool caller = silent(signs->heard[HL_SIDE_CALLER], now, limit);
	bool callee = silent(signs->heard[HL_SIDE_CALLEE], now, limit);

	if (!limit || !(settings->media_timeout_when == HL_TIMEOUT_EITHER ? caller || callee
									  : caller && callee))
		return;
	hl_log(HL_LOG_WARN, "media", "media-timeout", hl_str("call", hl_call_id(call)),
	       hl_str("silent", !callee	  ? "caller"
				: !caller ? "callee"
					  : "both"));
	hl_call_end(call, "Media Timeout", "media-timeout", HL_ENDED_BY_SERVER);
}

static void flag_one_way(struct hl_media_call *own, const struct hl_call *call,
			 const struct signs *signs, enum hl_side side)
{
	own->one_way = true;
	own->silent = side;
	hl_log(HL_LOG_WARN, "media", "one-way-audio", hl_str("call", hl_call_id(call)),
	       hl_str("silent", hl_side_text(side)),
	       hl_str("rtcp", signs->heard[side] > signs->spoke[side] ? "heard" : "none"),
	       hl_int("rejected", (int64_t)signs->rejected[side]));
}

static void watch_one_way(const struct hl_media *media, const struct hl_call *call,
			  struct hl_media_call *own, const struct signs *signs, uint64_t now)
{
	uint64_t limit = (uint64_t)hl_media_settings(media)->one_way_after * HL_SECOND;
	bool quiet[] = {
		silent(signs->spoke[HL_SIDE_CALLER], now, limit),
		silent(signs->spoke[HL_SIDE_CALLEE], now, limit),
	};

	if (limit && quiet[0] != quiet[1]) {
		if (!own->one_way)
			flag_one_way(own, call, signs, quiet[0] ? HL_SIDE_CALLER : HL_SIDE_CALLEE);
	} else if (own->one_way) {
		own->one_way = false;
		hl_log(HL_LOG_INFO, "media", "one-way-over", hl_str("call", hl_call_id(call)));
	}
}

/* Any packet of any stream, on hold or not, shows that the call is alive. */
static void note_life(const struct hl_media *media, struct hl_call *call)
{
	const struct hl_media_call *own = hl_media_call(media, call);
	struct hl_relay_figures figures;

	for (unsigned i = 0; i < own->count; i++)
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
			hl_media_figures(media, call, side, i, &figures);
			hl_call_alive(call, figures.heard);
		}
}

static void check(struct hl_media *media, struct hl_call *call)
{
	struct hl_media_call *own = hl_media_call(media, call);
	uint64_t now = hl_clock_now();
	struct signs signs;

	note_life(media, call);
	if (!hl_call_answered(call) || !own->verdict.relay || !read_signs(media, call, &signs)) {
		own->since = now;
		own->one_way = false;
		return;
	}
	watch_one_way(media, call, own, &signs, now);
	time_out(media, call, &signs, now);
}

static void tick(void *arg)
{
	struct hl_media *media = arg;
	struct hl_calls *calls = hl_switch_calls(media->holdline);
	struct hl_list *node, *next;

	hl_timer_start(hl_switch_loop(media->holdline), &media->tick, PERIOD);
	hl_list_each(node, next, &media->calls)
	{
		struct hl_media_call *own = hl_list_entry(node, struct hl_media_call, node);
		struct hl_call *call = hl_call_get(calls, own->handle);

		if (call)
			check(media, call);
	}
}

void hl_silence_start(struct hl_media *media)
{
	hl_timer_init(&media->tick, tick, media);
	hl_timer_start(hl_switch_loop(media->holdline), &media->tick, PERIOD);
}

void hl_silence_stop(struct hl_media *media)
{
	hl_timer_stop(hl_switch_loop(media->holdline), &media->tick);
}
