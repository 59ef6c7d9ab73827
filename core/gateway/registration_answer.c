/* What a REGISTER came to: granted, challenged, asked to wait, refused; and when the next one is
 * due. Whoever refuses is asked ever more rarely. */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "gateway/private.h"

#include <errno.h>
#include <stdio.h>

enum {
	CHALLENGES_MOST = 3, /* 401 and 407 answered in one attempt: stale ones are more than one */
	RAISES_MOST = 2,     /* 423 answered in one attempt */
	RETRY_MOST = 3600,   /* s between attempts that fail */
	REJECTED_LEAST = 300, /* s after a refusal of user or password */
	MINIMUM_MOST = 86400, /* s that a 423 may ask for */
	MARGIN = 64,	      /* s before the end: a whole failed REGISTER, and a second one */
	SHORTEST = 10,	      /* s of a binding that is refreshed in half its time */
	PULSE_MS = 25000,
};

/* Doubles from `first` with each failure, up to RETRY_MOST; up to a quarter later, so that those
 * who failed together do not come back together. */
static uint64_t back_off(int64_t first, unsigned failures)
{
	uint64_t wait = (uint64_t)first;

	for (unsigned i = 1; i < failures && wait < RETRY_MOST; i++)
		wait *= 2;
	if (wait > RETRY_MOST)
		wait = RETRY_MOST;
	return wait * 1000 + hl_random_below(wait * 250 + 1);
}

void hl_registration_fail(struct hl_trunk *trunk, int code, const char *reason, uint64_t wait)
{
	struct registration *registration = &trunk->registration;
	/* Our word is not good there; what is said to requests in general may pass. */
	bool rejected = code == 401 || code == 403 || code == 404 || code == 407 || code >= 600;
	int64_t first = trunk->gateway->registration.retry_delay;
	uint64_t delay;

	if (rejected && first < REJECTED_LEAST)
		first = REJECTED_LEAST;
	registration->failures++;
	delay = back_off(first, registration->failures);
	if (delay < wait * 1000)
		delay = wait * 1000;
	registration->state = rejected ? REGISTRATION_REJECTED : REGISTRATION_FAILED;
	registration->transaction = HL_HANDLE_NONE;
	registration->last_code = code;
	snprintf(registration->last_reason, sizeof(registration->last_reason), "%s", reason);
	hl_timer_stop(trunk->trunks->parts.loop, &registration->pulse);
	hl_timer_start(trunk->trunks->parts.loop, &registration->timer, delay);
	hl_log(HL_LOG_WARN, "gateway", rejected ? "registration-rejected" : "registration-failed",
	       hl_str("gateway", trunk->gateway->name), hl_int("code", code),
	       hl_str("reason", reason), hl_int("failures", registration->failures),
	       hl_int("next_in", (int64_t)(delay / 1000)));
}

/* The expiry granted: of our Contact in the answer, else of its only one, its Expires, what was
 * asked for (RFC 3261 §10.2.4). */
static int64_t granted(const struct hl_trunk *trunk, const struct hl_message *answer)
{
	const struct registration *registration = &trunk->registration;
	struct hl_contact_field contact;
	struct hl_address own;
	int64_t only = -1;
	uint64_t expires;
	unsigned count = 0;

	hl_transport_visible(trunk->trunks->parts.transport, &registration->flow, &own);
	for (; !hl_message_contact(answer, count, &contact); count++) {
		struct hl_uri uri;
		struct hl_address address;

		only = contact.expires;
		if (contact.star || hl_uri_parse(contact.uri, &uri) < 0 ||
		    hl_address_parse(uri.host, &address) < 0)
			continue;
		address.port = uri.port ? (uint16_t)uri.port : 5060;
		if (contact.expires >= 0 && hl_address_equal(&address, &own) &&
		    hl_slice_equal(uri.user, hl_slice_of(trunk->gateway->registration.user)))
			return contact.expires;
	}
	if (count == 1 && only >= 0)
		return only;
	if (hl_message_header_number(answer, "Expires", &expires) == 0)
		return expires < MINIMUM_MOST ? (int64_t)expires : MINIMUM_MOST;
	return registration->asked;
}

/* When to refresh a binding that ends in `seconds`, ms: early enough for a second try; short ones
 * in their middle; a little earlier by chance. */
static uint64_t refresh_in(int64_t seconds)
{
	int64_t wait = seconds > 2 * MARGIN ? seconds - MARGIN : seconds / 2;

	return (uint64_t)wait * 1000 - hl_random_below((uint64_t)wait * 50 + 1);
}

static void accepted(struct hl_trunk *trunk, const struct hl_message *answer)
{
	struct registration *registration = &trunk->registration;
	struct hl_loop *loop = trunk->trunks->parts.loop;
	int64_t seconds = granted(trunk, answer), refreshed;
	bool first = registration->state != REGISTRATION_REGISTERED;
	char address[HL_ADDRESS_TEXT];

	if (seconds <= 0) {
		hl_registration_fail(trunk, 200, "it granted no time at all", 0);
		return;
	}
	registration->state = REGISTRATION_REGISTERED;
	registration->failures = 0;
	registration->last_code = hl_message_status(answer);
	snprintf(registration->last_reason, sizeof(registration->last_reason), "%s",
		 hl_message_reason(answer));
	registration->granted = hl_clock_now();
	registration->expires = registration->granted + (uint64_t)seconds * HL_SECOND;
	refreshed = seconds < SHORTEST ? SHORTEST : seconds;
	/* Whoever is found to be behind NAT does not stay with the long expiry asked for before. */
	if (registration->behind_nat && trunk->gateway->registration.expire == HL_WORD(0) &&
	    refreshed > 120)
		refreshed = 120;
	hl_timer_start(loop, &registration->timer, refresh_in(refreshed));
	if (registration->behind_nat && registration->flow.type == HL_TRANSPORT_UDP)
		hl_timer_start(loop, &registration->pulse, PULSE_MS);
	else
		hl_timer_stop(loop, &registration->pulse);
	hl_log(first ? HL_LOG_INFO : HL_LOG_DEBUG, "gateway", first ? "registered" : "refreshed",
	       hl_str("gateway", trunk->gateway->name),
	       hl_str("user", trunk->gateway->registration.user),
	       hl_str("address", hl_address_format(&registration->flow.remote, address)),
	       hl_int("expires", seconds), hl_str("nat", registration->behind_nat ? "yes" : "no"));
}

static void send_again(struct hl_trunk *trunk, const struct hl_message *answer)
{
	int result = hl_registration_send(trunk);

	if (result < 0)
		hl_registration_fail(trunk, answer ? hl_message_status(answer) : 0,
				     strerror(-result), 0);
}

/* 401, 407: answered once, and again while only the nonce was too old. */
static void challenged(struct hl_trunk *trunk, const struct hl_message *answer)
{
	struct registration *registration = &trunk->registration;
	bool first = registration->challenges++ == 0, stale = false;
	int result = hl_credentials_challenged(&registration->credentials, answer, &stale);

	if (result < 0)
		hl_registration_fail(trunk, hl_message_status(answer),
				     result == -ENOMEM ? "out of memory"
						       : "it asks for credentials of a kind that "
							 "is not known here",
				     0);
	else if (!*trunk->gateway->registration.password)
		hl_registration_fail(trunk, hl_message_status(answer),
				     "it asks for a password, and none is configured", 0);
	else if ((!first && !stale) || registration->challenges > CHALLENGES_MOST)
		hl_registration_fail(trunk, hl_message_status(answer),
				     "it does not take the password", 0);
	else
		send_again(trunk, answer);
}

/* 423: asks for no less than it wants (RFC 3261 §10.2.8). */
static void too_brief(struct hl_trunk *trunk, const struct hl_message *answer)
{
	struct registration *registration = &trunk->registration;
	uint64_t minimum = 0;

	if (hl_message_header_number(answer, "Min-Expires", &minimum) < 0 ||
	    (int64_t)minimum <= registration->asked || minimum > MINIMUM_MOST ||
	    ++registration->raises > RAISES_MOST) {
		hl_registration_fail(trunk, 423, "it wants another expiry and does not say which",
				     0);
		return;
	}
	registration->minimum = registration->asked = (int64_t)minimum;
	send_again(trunk, answer);
}

/* No answer, or one that says that this server is out of service: the next one, if there is. */
static bool next_server(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;

	if (registration->server + 1 >= registration->server_count)
		return false;
	registration->server++;
	registration->challenges = registration->raises = 0;
	hl_credentials_fini(&registration->credentials);
	return hl_registration_send(trunk) == 0;
}

static void refused(struct hl_trunk *trunk, const struct hl_message *answer)
{
	uint64_t wait = 0;

	if (hl_message_status(answer) == 503 && next_server(trunk))
		return;
	hl_message_header_number(answer, "Retry-After", &wait);
	hl_registration_fail(trunk, hl_message_status(answer), hl_message_reason(answer),
			     wait < RETRY_MOST ? wait : RETRY_MOST);
}

/* The end of an unregistration: a challenge is answered once, everything else is the end. */
static void left(struct hl_trunk *trunk, const struct hl_message *answer)
{
	struct registration *registration = &trunk->registration;
	int code = answer ? hl_message_status(answer) : 0;
	bool stale;

	if ((code == 401 || code == 407) && registration->challenges++ == 0 &&
	    hl_credentials_challenged(&registration->credentials, answer, &stale) == 0 &&
	    hl_registration_send(trunk) == 0)
		return;
	registration->state = REGISTRATION_LEFT;
	registration->transaction = HL_HANDLE_NONE;
	hl_log(code / 100 == 2 ? HL_LOG_INFO : HL_LOG_WARN, "gateway", "unregistered",
	       hl_str("gateway", trunk->gateway->name), hl_int("code", code));
	if (hl_trunk_of(trunk->trunks, trunk->gateway) != trunk)
		hl_trunk_free(trunk);
}

void hl_registration_happened(void *arg, struct hl_handle handle,
			      struct hl_transaction *transaction, enum hl_transaction_event event,
			      struct hl_message *message)
{
	struct hl_trunks *trunks = arg;
	struct hl_trunk *trunk = hl_handle_get(&trunks->handles, handle);
	int code = message ? hl_message_status(message) : 0;

	if (!trunk ||
	    !hl_handle_equal(trunk->registration.transaction, hl_transaction_handle(transaction)) ||
	    (event == HL_TRANSACTION_RESPONSE && code < 200))
		return;
	trunk->registration.transaction = HL_HANDLE_NONE;
	if (trunk->registration.state == REGISTRATION_LEAVING) {
		left(trunk, message);
		return;
	}
	if (!message) {
		if (!next_server(trunk))
			hl_registration_fail(trunk, 0,
					     event == HL_TRANSACTION_TIMEOUT
						     ? "no answer to REGISTER"
						     : "REGISTER cannot be sent",
					     0);
		return;
	}
	hl_registration_mapped(trunk, hl_transaction_flow(transaction), message);
	if (code < 300)
		accepted(trunk, message);
	else if (code == 401 || code == 407)
		challenged(trunk, message);
	else if (code == 423)
		too_brief(trunk, message);
	else
		refused(trunk, message);
}
