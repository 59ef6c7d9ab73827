/* Silence is told for each direction by itself: half-dead calls are found, and held or unanswered
 * ones are left alone. Any packet counts as life, RTCP too: a muted phone sends nothing else. */
#include "silence.h"

#include "report.h"

enum { PERIOD = 1000 }; /* ms */

static bool stream_runs(const struct hl_media_stream *stream)
{
	return stream && stream->remote.active && !stream->remote.held;
}

/* When each side was last heard on a stream that runs both ways; false: there is none. */
static bool last_heard(const struct hl_media *media, struct hl_call *call, uint64_t heard[2])
{
	const struct hl_media_call *own = hl_media_call(media, call);
	struct hl_relay_figures figures;
	bool runs = false;

	for (unsigned i = 0; i < own->count; i++) {
		if (!stream_runs(hl_media_stream_of(media, call, HL_SIDE_CALLER, i)) ||
		    !stream_runs(hl_media_stream_of(media, call, HL_SIDE_CALLEE, i)))
			continue;
		runs = true;
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
			hl_media_figures(media, call, side, i, &figures);
			if (figures.heard > heard[side])
				heard[side] = figures.heard;
		}
	}
	return runs;
}

static bool silent(uint64_t heard, uint64_t now, uint64_t limit)
{
	return now > heard && now - heard >= limit;
}

static void check(struct hl_media *media, struct hl_call *call, uint64_t limit)
{
	struct hl_media_call *own = hl_media_call(media, call);
	uint64_t now = hl_clock_now(), heard[2] = {own->since, own->since};
	bool caller, callee;

	if (!hl_call_answered(call) || !own->verdict.relay || !last_heard(media, call, heard)) {
		own->since = now;
		return;
	}
	caller = silent(heard[HL_SIDE_CALLER], now, limit);
	callee = silent(heard[HL_SIDE_CALLEE], now, limit);
	if (hl_media_settings(media)->media_timeout_when == HL_TIMEOUT_EITHER ? caller || callee
									      : caller && callee) {
		hl_log(HL_LOG_WARN, "media", "media-timeout", hl_str("call", hl_call_id(call)),
		       hl_str("silent", !callee	  ? "caller"
					: !caller ? "callee"
						  : "both"));
		hl_call_end(call, "Media Timeout", "media-timeout", HL_ENDED_BY_SERVER);
	}
}

static void tick(void *arg)
{
	struct hl_media *media = arg;
	struct hl_calls *calls = hl_switch_calls(media->holdline);
	uint64_t limit = (uint64_t)hl_media_settings(media)->media_timeout * HL_SECOND;
	struct hl_list *node, *next;

	hl_timer_start(hl_switch_loop(media->holdline), &media->tick, PERIOD);
	if (!limit)
		return;
	hl_list_each(node, next, &media->calls)
	{
		struct hl_media_call *own = hl_list_entry(node, struct hl_media_call, node);
		struct hl_call *call = hl_call_get(calls, own->handle);

		if (call)
			check(media, call, limit);
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
