/* Session-Expires and Min-SE (RFC 4028 §4, §5) as text and as numbers: what is offered and
 * granted, and when a refresh is due. */
#include "arithmetic.h"

#include <errno.h>

int session_expires_parse(const char *value, struct session_expires *field)
{
	struct hl_slice rest = hl_slice_of(value);
	struct hl_slice number = hl_slice_trim(hl_slice_cut(&rest, ';'));
	struct session_expires read = {0, REFRESHER_NONE};
	struct hl_slice who;
	uint64_t seconds;

	if (hl_slice_number(number, &seconds) < 0 || seconds > UINT32_MAX)
		return -EINVAL;
	read.seconds = (uint32_t)seconds;
	if (hl_uri_parameter(rest, "refresher", &who)) {
		if (hl_slice_equal_nocase(who, HL_SLICE_LITERAL("uac")))
			read.refresher = REFRESHER_UAC;
		else if (hl_slice_equal_nocase(who, HL_SLICE_LITERAL("uas")))
			read.refresher = REFRESHER_UAS;
	}
	*field = read;
	return 0;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

uint32_t session_expires_offer(int64_t ttl, int64_t min_se)
{
	return (uint32_t)larger(ttl, larger(min_se, SESSION_EXPIRES_FLOOR));
}

uint32_t session_expires_grant(uint32_t asked, uint32_t peer_min, int64_t ttl, int64_t min_se)
{
	int64_t wish = session_expires_offer(ttl, min_se);
	if (asked && asked < wish)
		wish = asked;
	return (uint32_t)larger(wish, larger(peer_min, larger(min_se, SESSION_EXPIRES_FLOOR)));
}

uint32_t session_refresh_interval(uint32_t session, int64_t segments)
{
	return (uint32_t)larger(1, session / (segments > 0 ? segments : 1));
}

uint32_t session_retry_delay(uint32_t session, int64_t segments)
{
	uint32_t interval = session_refresh_interval(session, segments);
	uint32_t third = (session - interval) / 3;
	return third && third < interval ? third : interval;
}

uint32_t session_expiry(uint32_t session, int64_t early_hangup)
{
	if (early_hangup == EARLY_HANGUP_AUTO)
		early_hangup = session / 3 < 32 ? session / 3 : 32;
	return (uint32_t)larger(1, (int64_t)session - early_hangup);
}
