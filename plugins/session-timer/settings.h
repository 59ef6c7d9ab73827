/* What session-timer is told by its parameters. */
#ifndef SESSION_TIMER_SETTINGS_H
#define SESSION_TIMER_SETTINGS_H

#include "holdline.h"

struct settings {
	int64_t ttl; /* s, as all but the counts */
	int64_t update_segment;
	int64_t early_hangup; /* HL_WORD(0): auto */
	int64_t no_timer_max_duration;
	int64_t min_se;
	int64_t probe_fail_limit;
};

extern const struct hl_parameter session_timer_rows[];
/* Checks values against each other. */
void session_timer_check(const void *values, const struct hl_node *map,
			 struct hl_mistakes *mistakes);

#endif
