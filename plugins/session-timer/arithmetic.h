/* The arithmetic of RFC 4028, apart from everything else so that it can be tested as such. All
 * values are seconds. */
#ifndef SESSION_TIMER_ARITHMETIC_H
#define SESSION_TIMER_ARITHMETIC_H

#include "holdline.h"

enum refresher { REFRESHER_NONE, REFRESHER_UAC, REFRESHER_UAS };

/* A Session-Expires value. */
struct session_expires {
	uint32_t seconds;
	enum refresher refresher; /* NONE: not said */
};

enum {
	SESSION_EXPIRES_FLOOR = 90,
	SESSION_EXPIRES_CEILING = 86400, /* a peer's interval beyond it would end no zombie */
	EARLY_HANGUP_AUTO = -1
};

/* Reads "1800;refresher=uas". 0 or -EINVAL. */
int session_expires_parse(const char *value, struct session_expires *field);
/* What we ask for: the configured ttl, but never below min_se or the floor of the RFC. */
uint32_t session_expires_offer(int64_t ttl, int64_t min_se);
/* What we grant to a peer that asked for `asked` (0: nothing) with Min-SE `peer_min` (0: none):
 * our own wish, not more than asked, not less than either side's minimum. */
uint32_t session_expires_grant(uint32_t asked, uint32_t peer_min, int64_t ttl, int64_t min_se);
/* How long after a good refresh the next one is due. */
uint32_t session_refresh_interval(uint32_t session, int64_t segments);
/* How long after a refresh that was refused the next try is due: an interval, but so that two more
 * tries fit in before the session's end. */
uint32_t session_retry_delay(uint32_t session, int64_t segments);
/* How long after a good refresh of the peer's we give up: early_hangup before the session's end,
 * EARLY_HANGUP_AUTO for min(32, a third). At least one second. */
uint32_t session_expiry(uint32_t session, int64_t early_hangup);

#endif
