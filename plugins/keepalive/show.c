/* What people see of the heartbeats: the command, and each contact's part of `endpoints`. */
#include "keepalive.h"

static void ring_json(void *arg, const struct pacer_progress *ring)
{
	struct hl_json *json = arg;
	uint64_t now = hl_clock_now();

	hl_json_object(json);
	hl_json_put_integer(json, "period", (int64_t)(ring->period / HL_SECOND));
	hl_json_put_integer(json, "endpoints", ring->members);
	hl_json_put_integer(json, "reached", ring->total - ring->left);
	hl_json_put_integer(json, "of", ring->total);
	hl_json_put_integer(json, "sent", ring->sent);
	hl_json_put_integer(json, "skipped", ring->skipped);
	hl_json_put_integer(json, "missed_last_cycle", ring->missed_last);
	hl_json_put_number(json, "next_in",
			   ring->next > now ? (double)(ring->next - now) / HL_SECOND : 0);
	hl_json_object_end(json);
}

int keepalive_show(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		   struct hl_error *error)
{
	const struct keepalive *keepalive = arg;
	const struct keepalive_settings *settings = keepalive->settings;
	const struct pacer *pacer = &keepalive->pacer;

	(void)arguments;
	(void)error;
	hl_json_object(result);
	hl_json_put_integer(result, "endpoints", pacer->count);
	hl_json_put_integer(result, "cycles", (int64_t)pacer->passes);
	hl_json_put_integer(result, "sent", (int64_t)keepalive->sent);
	hl_json_put_integer(result, "skipped", (int64_t)pacer->skipped);
	hl_json_put_integer(result, "missed_last_cycle", pacer_missed_last(pacer));
	hl_json_put_integer(result, "missed", (int64_t)pacer->missed);
	hl_json_put_integer(result, "refused", (int64_t)keepalive->refused);
	hl_json_put_number(result, "needed_period", (double)pacer_needed(pacer) / HL_SECOND);
	hl_json_put_slice(result, "message", settings->message);
	hl_json_put_integer(result, "period", settings->period);
	hl_json_put_integer(result, "send_interval", settings->send_interval);
	hl_json_put_integer(result, "send_one_time", settings->send_one_time);
	hl_json_key(result, "rings");
	hl_json_array(result);
	pacer_each_ring(pacer, ring_json, result);
	hl_json_array_end(result);
	outlets_json(&keepalive->outlets, result);
	hl_json_object_end(result);
	return 0;
}

void beat_json(const struct beat *beat, struct hl_json *json)
{
	const struct profile *profile = beat->profile;
	bool enabled = profile && profile->period;
	static const char *const names[] = {
		[KEEPALIVE_UDP] = "udp",
		[KEEPALIVE_OPTIONS] = "options",
		[KEEPALIVE_CRLF] = "crlf",
	};

	hl_json_key(json, "keepalive");
	hl_json_object(json);
	hl_json_put_boolean(json, "enabled", enabled);
	if (enabled) {
		hl_json_put_slice(json, "message",
				  (struct hl_slice){profile->message, profile->length});
		hl_json_put_integer(json, "period", (int64_t)(profile->period / HL_SECOND));
	} else {
		hl_json_put_null(json, "message");
		hl_json_put_null(json, "period");
	}
	hl_json_put_string(json, "method", enabled ? names[profile->method] : NULL);
	hl_json_put_string(json, "decided_by", profile ? profile->decided_by : "default");
	hl_json_put_integer(json, "sent", beat->sent);
	hl_json_put_integer(json, "skipped", beat->skipped);
	hl_json_put_integer(json, "missed", pacer_missed(&beat->member));
	hl_json_put_integer(json, "refused", beat->refused);
	hl_json_put_integer(json, "unanswered", beat->failures);
	if (beat->last)
		hl_json_put_number(json, "last_sent_ago",
				   (double)(hl_clock_now() - beat->last) / HL_SECOND);
	else
		hl_json_put_null(json, "last_sent_ago");
	hl_json_object_end(json);
}
