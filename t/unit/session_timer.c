/* The arithmetic of RFC 4028. */
#include "../../plugins/session-timer/arithmetic.h"
#include "tap.h"

static void test_parse(void)
{
	struct session_expires field;
	is_int(session_expires_parse("1800", &field), 0, "a bare number is read");
	is_int(field.seconds, 1800, "its seconds");
	is_int(field.refresher, REFRESHER_NONE, "no refresher is said");
	is_int(session_expires_parse(" 600 ;Refresher=UAS", &field), 0, "blanks and case");
	is_int(field.refresher, REFRESHER_UAS, "refresher=uas");
	is_int(session_expires_parse("90;foo=bar;refresher=uac", &field), 0, "other parameters");
	is_int(field.refresher, REFRESHER_UAC, "refresher=uac");
	ok(session_expires_parse("abc", &field) < 0, "no number is refused");
	ok(session_expires_parse("", &field) < 0, "nothing is refused");
	ok(session_expires_parse("99999999999", &field) < 0, "a number too large is refused");
}

static void test_offer_and_grant(void)
{
	is_int(session_expires_offer(600, 90), 600, "the configured ttl is asked for");
	is_int(session_expires_offer(60, 90), 90, "never below 90 s");
	is_int(session_expires_offer(300, 1800), 1800, "never below min_se");
	is_int(session_expires_grant(0, 0, 600, 90), 600, "nothing asked: our ttl");
	is_int(session_expires_grant(1800, 0, 600, 90), 600, "we may lower what was asked");
	is_int(session_expires_grant(300, 0, 600, 90), 300, "we never raise it above");
	is_int(session_expires_grant(1800, 900, 600, 90), 900, "the peer's Min-SE holds");
	is_int(session_expires_grant(0, 900, 600, 90), 900, "also when nothing was asked");
}

static void test_moments(void)
{
	is_int(session_refresh_interval(600, 2), 300, "half of the session");
	is_int(session_refresh_interval(600, 10), 60, "a tenth of it");
	is_int(session_refresh_interval(5, 10), 1, "never less than a second");
	is_int(session_retry_delay(600, 2), 100, "refused at 300 of 600: tries at 400 and 500");
	is_int(session_retry_delay(90, 2), 15, "refused at 45 of 90: tries at 60 and 75");
	is_int(session_retry_delay(600, 10), 60, "with time enough: an interval");
	is_int(session_retry_delay(1, 2), 1, "never at once");
	is_int(session_expiry(600, 0), 600, "the session's end");
	is_int(session_expiry(600, 20), 580, "early_hangup before it");
	is_int(session_expiry(600, EARLY_HANGUP_AUTO), 568, "auto: 32 s before a long session's end");
	is_int(session_expiry(90, EARLY_HANGUP_AUTO), 60, "auto: a third before a short one's");
	is_int(session_expiry(90, 3600), 1, "never in the past");
}

int main(void)
{
	test_parse();
	test_offer_and_grant();
	test_moments();
	return done_testing();
}
