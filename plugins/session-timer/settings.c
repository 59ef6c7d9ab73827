/* The parameters of session-timer, and which of them go together. */
#include "settings.h"

#include "arithmetic.h"

static const char *const auto_word[] = {"auto", NULL};

#define ROW(name) .offset = HL_FIELD(struct settings, name, int64_t), .type = HL_PARAMETER_INTEGER

const struct hl_parameter session_timer_rows[] = {
	{.key = "ttl",
	 .vos3000 = "SS_SIP_SESSION_TTL",
	 ROW(ttl),
	 .fallback = "600",
	 .min = 60,
	 .max = SESSION_EXPIRES_CEILING,
	 .unit = "s",
	 .reloadable = true,
	 .help = "Session-Expires the switch asks for."},
	{.key = "update_segment",
	 .vos3000 = "SS_SIP_SESSION_UPDATE_SEGMENT",
	 ROW(update_segment),
	 .fallback = "2",
	 .min = 2,
	 .max = 10,
	 .reloadable = true,
	 .help = "A session is refreshed this many times within its Session-Expires."},
	{.key = "early_hangup",
	 .vos3000 = "SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP",
	 ROW(early_hangup),
	 .fallback = "0",
	 .min = 0,
	 .max = 3600,
	 .values = auto_word,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long before its end a session that the peer did not refresh is hung up; "
		 "auto: 32 s or a third of it."},
	{.key = "no_timer_max_duration",
	 .vos3000 = "SS_SIP_NO_TIMER_REINVITE_INTERVAL",
	 ROW(no_timer_max_duration),
	 .fallback = "7200",
	 .min = 0,
	 .max = 86400,
	 .unit = "s",
	 .reloadable = true,
	 .help = "Longest call with a leg that has no session timer; 0: no limit."},
	{.key = "min_se",
	 .vos3000 = "SS_SIP_SESSION_MIN_SE",
	 ROW(min_se),
	 .fallback = "90",
	 .min = 90,
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "Shortest Session-Expires the switch accepts."},
	{.key = "probe_fail_limit",
	 ROW(probe_fail_limit),
	 .fallback = "3",
	 .min = 1,
	 .max = 10,
	 .reloadable = true,
	 .help = "A probed leg is dead when so many probes in a row got no answer at all; 481 is "
		 "final at once."},
	HL_PARAMETERS_END};

static struct hl_place place_of(const struct hl_node *map, const char *key)
{
	const struct hl_node *node = map ? hl_node_get(map, key) : NULL;
	return node ? node->place : map ? map->place : (struct hl_place){0};
}

void session_timer_check(const void *values, const struct hl_node *map,
			 struct hl_mistakes *mistakes)
{
	const struct settings *settings = values;
	uint32_t wire = session_expires_offer(settings->ttl, settings->min_se);
	if (wire != settings->ttl)
		hl_mistake_warning(
			mistakes, place_of(map, "ttl"), "plugins.session-timer.ttl",
			"%lld s is below min_se or the 90 s of RFC 4028: %u s is asked for",
			(long long)settings->ttl, wire);
	if (settings->early_hangup >= settings->ttl)
		hl_mistake(mistakes, place_of(map, "early_hangup"),
			   "plugins.session-timer.early_hangup",
			   "%lld s is not less than ttl (%lld s): every call would end at once",
			   (long long)settings->early_hangup, (long long)settings->ttl);
	if (!settings->no_timer_max_duration)
		hl_mistake_warning(
			mistakes, place_of(map, "no_timer_max_duration"),
			"plugins.session-timer.no_timer_max_duration",
			"0: a zombie call on a leg without session timer is never ended");
}
