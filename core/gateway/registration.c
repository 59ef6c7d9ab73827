/* The switch as a user of a gateway: REGISTER (RFC 3261 §10.2) with credentials, refreshed before
 * it ends, removed in the end. Behind a NAT the expiry is short, the mapping is kept by a double
 * CRLF, and a new mapping is registered at once. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "gateway/private.h"

#include <errno.h>
#include <stdio.h>

enum {
	AUTO_EXPIRE = 3600, /* s */
	NAT_EXPIRE = 120,
	LASTING = 30, /* s that a connection holds which is worth being opened again at once */
	PULSE_MS = 25000, /* NATs forget UDP after 30 s (RFC 5626 §3.5.2) */
};

static void attempt_due(void *arg)
{
	hl_registration_attempt(arg);
}

static void pulse_due(void *arg)
{
	struct hl_trunk *trunk = arg;
	struct registration *registration = &trunk->registration;
	struct hl_trunks_parts *parts = &trunk->trunks->parts;

	hl_transport_post(parts->transport, &registration->flow, HL_SLICE_LITERAL("\r\n\r\n"));
	hl_timer_start(parts->loop, &registration->pulse, PULSE_MS);
}

const char *hl_registration_text(enum registration_state state)
{
	static const char *const texts[] = {
		[REGISTRATION_OFF] = "off",	    [REGISTRATION_WAITING] = "waiting",
		[REGISTRATION_TRYING] = "trying",   [REGISTRATION_REGISTERED] = "registered",
		[REGISTRATION_FAILED] = "failed",   [REGISTRATION_REJECTED] = "rejected",
		[REGISTRATION_LEAVING] = "leaving", [REGISTRATION_LEFT] = "left",
	};

	return texts[state];
}

void hl_registration_init(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;

	hl_timer_init(&registration->timer, attempt_due, trunk);
	hl_timer_init(&registration->pulse, pulse_due, trunk);
	hl_credentials_init(&registration->credentials);
	hl_random_token(registration->call_id, sizeof(registration->call_id));
	registration->cseq = (uint32_t)hl_random_below(1u << 16);
	if (*trunk->gateway->registration.user)
		registration->state = REGISTRATION_WAITING;
}

void hl_registration_stop(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;

	hl_timer_stop(trunk->trunks->parts.loop, &registration->timer);
	hl_timer_stop(trunk->trunks->parts.loop, &registration->pulse);
	hl_credentials_fini(&registration->credentials);
	registration->transaction = HL_HANDLE_NONE;
}

static struct hl_message *new_request(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;
	const char *user = trunk->gateway->registration.user;
	struct hl_text uri, aor, from, to;
	struct hl_message *request = NULL;

	hl_text_init(&uri);
	hl_text_init(&aor);
	hl_text_init(&from);
	hl_text_init(&to);
	hl_trunk_put_uri(trunk, "", &uri);
	/* An address of record has no port and no transport (RFC 3261 §10.3 step 5). */
	hl_text_printf(&aor, "<sip:%s@%s>", user, trunk->gateway->host);
	hl_text_printf(&from, "%s;tag=%s", hl_text_string(&aor), registration->tag);
	if (!uri.failed && !aor.failed && !from.failed)
		request = hl_message_request(HL_METHOD_REGISTER, hl_text_string(&uri),
					     hl_text_string(&from), hl_text_string(&aor),
					     registration->call_id, ++registration->cseq);
	hl_text_fini(&uri);
	hl_text_fini(&aor);
	hl_text_fini(&from);
	hl_text_fini(&to);
	return request;
}

/* The REGISTER over registration->flow; asked 0 removes the binding. */
static struct hl_message *make_request(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;
	const struct hl_registration_settings *settings = &trunk->gateway->registration;
	struct hl_message *request = new_request(trunk);
	char contact[256], expires[24];
	int result;

	if (!request)
		return NULL;
	hl_transport_contact(trunk->trunks->parts.transport, &registration->flow, settings->user,
			     contact, sizeof(contact));
	snprintf(expires, sizeof(expires), "%lld", (long long)registration->asked);
	result = hl_message_add_header(request, "Contact", contact);
	if (!result)
		result = hl_message_add_header(request, "Expires", expires);
	if (!result)
		result = hl_message_add_header(request, "User-Agent", "Holdline/" PACKAGE_VERSION);
	if (!result)
		result = hl_credentials_apply(&registration->credentials, request, settings->user,
					      settings->password);
	if (result < 0) {
		hl_message_free(request);
		return NULL;
	}
	return request;
}

/* Over the flow of before while that is the same server's: a connection may be gone. */
static int choose_flow(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;

	return hl_gateway_flow(trunk->trunks->parts.transport, trunk->gateway,
			       &registration->servers[registration->server].address,
			       &registration->flow);
}

int hl_registration_send(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;
	struct hl_transaction_owner owner = {hl_registration_happened, trunk->trunks,
					     trunk->handle};
	int result = -EHOSTUNREACH;

	while (registration->server < registration->server_count) {
		struct hl_message *request;

		result = choose_flow(trunk);
		request = result ? NULL : make_request(trunk);
		if (!result)
			result = request ? hl_transaction_start(trunk->trunks->parts.transactions,
								&registration->flow, request, owner,
								&registration->transaction)
					 : -ENOMEM;
		if (!result)
			return 0;
		registration->server++;
	}
	return result;
}

static int64_t expire_wanted(const struct hl_trunk *trunk)
{
	const struct registration *registration = &trunk->registration;
	int64_t expire = trunk->gateway->registration.expire;

	if (expire == HL_WORD(0))
		expire = registration->behind_nat ? NAT_EXPIRE : AUTO_EXPIRE;
	return expire < registration->minimum ? registration->minimum : expire;
}

void hl_registration_attempt(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;
	int result;

	if (registration->state == REGISTRATION_OFF || registration->state >= REGISTRATION_LEAVING)
		return;
	hl_timer_stop(trunk->trunks->parts.loop, &registration->timer);
	registration->server_count = hl_trunk_order(trunk, registration->servers);
	registration->server = 0;
	registration->challenges = registration->raises = 0;
	registration->asked = expire_wanted(trunk);
	hl_random_token(registration->tag, sizeof(registration->tag));
	if (!registration->server_count) {
		hl_registration_fail(
			trunk, 0,
			trunk->location.fault ? trunk->location.fault : "its name is unknown", 0);
		return;
	}
	if (registration->state != REGISTRATION_REGISTERED)
		registration->state = REGISTRATION_TRYING;
	result = hl_registration_send(trunk);
	if (result < 0)
		hl_registration_fail(trunk, 0, strerror(-result), 0);
}

/* Nobody reaches us there any more: at once, unless the peer hangs up all the time. */
void hl_registration_lost(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;

	registration->expires = 0;
	if (hl_clock_now() - registration->granted < LASTING * HL_SECOND)
		hl_registration_fail(trunk, 0, "the connection was lost", 0);
	else
		hl_registration_attempt(trunk);
}

void hl_registration_located(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;
	bool known = false;

	if (trunk->trunks->stopping)
		return;
	for (size_t i = 0; i < trunk->location.count; i++)
		known |= hl_address_equal(&trunk->location.servers[i].address,
					  &registration->flow.remote);
	/* A name that is not found yet is looked up again; what failed for want of it goes on. */
	bool due =
		registration->state == REGISTRATION_WAITING ||
		(registration->state == REGISTRATION_FAILED && !registration->last_code &&
		 !registration->server_count && trunk->location.count) ||
		(registration->state == REGISTRATION_REGISTERED && trunk->location.count && !known);
	if (due)
		hl_registration_attempt(trunk);
}

void hl_registration_changed(struct hl_trunk *trunk, const struct hl_gateway *before)
{
	const struct hl_registration_settings *old = &before->registration;
	const struct hl_registration_settings *new = &trunk->gateway->registration;
	bool password = strcmp(old->password, new->password) != 0;

	if (!password && old->expire == new->expire && old->retry_delay == new->retry_delay)
		return;
	if (password)
		hl_credentials_fini(&trunk->registration.credentials);
	trunk->registration.failures = 0;
	trunk->registration.minimum = 0;
	if (trunk->location.count)
		hl_registration_attempt(trunk);
}

bool hl_registration_leave(struct hl_trunk *trunk)
{
	struct registration *registration = &trunk->registration;
	bool bound = registration->expires > hl_clock_now() ||
		     registration->state == REGISTRATION_TRYING;

	hl_timer_stop(trunk->trunks->parts.loop, &registration->timer);
	hl_timer_stop(trunk->trunks->parts.loop, &registration->pulse);
	registration->transaction = HL_HANDLE_NONE;
	if (registration->state == REGISTRATION_OFF)
		return false;
	registration->state = REGISTRATION_LEFT;
	if (!bound || !trunk->gateway->registration.send_unregister)
		return false;
	/* Where the binding is, and nowhere else. */
	registration->servers[0].address = registration->flow.remote;
	registration->server_count = 1;
	registration->server = 0;
	registration->challenges = registration->raises = 0;
	registration->asked = 0;
	if (hl_registration_send(trunk) < 0)
		return false;
	registration->state = REGISTRATION_LEAVING;
	hl_log(HL_LOG_INFO, "gateway", "unregistering", hl_str("gateway", trunk->gateway->name));
	return true;
}

/* Our address as the answer's Via has it (RFC 3581); the port counts over UDP only, where the
 * socket that sends is the one that listens. */
static bool seen_as(const struct hl_flow *flow, const struct hl_message *answer,
		    struct hl_address *seen)
{
	struct hl_via via;

	if (!hl_message_via(answer, 0, &via) || (!via.received.length && !via.rport_value))
		return false;
	*seen = flow->local;
	if (via.received.length && hl_address_parse(via.received, seen) < 0)
		return false;
	seen->port = flow->type == HL_TRANSPORT_UDP && via.rport_value ? (uint16_t)via.rport_value
								       : flow->local.port;
	return true;
}

void hl_registration_mapped(struct hl_trunk *trunk, const struct hl_flow *flow,
			    const struct hl_message *answer)
{
	struct registration *registration = &trunk->registration;
	struct hl_address seen, own;
	char before[HL_ADDRESS_TEXT] = "", now[HL_ADDRESS_TEXT];

	if (!hl_address_equal(&flow->remote, &registration->flow.remote) ||
	    !seen_as(flow, answer, &seen))
		return;
	hl_transport_visible(trunk->trunks->parts.transport, flow, &own);
	if (flow->type != HL_TRANSPORT_UDP)
		own.port = seen.port;
	registration->behind_nat = !hl_address_equal(&own, &seen);
	bool moved = registration->mapped.family && !hl_address_equal(&registration->mapped, &seen);
	if (moved || (registration->behind_nat && !registration->mapped.family))
		hl_log(HL_LOG_INFO, "gateway", "mapped", hl_str("gateway", trunk->gateway->name),
		       hl_str("address", hl_address_format(&seen, now)),
		       hl_str("before", registration->mapped.family
						? hl_address_format(&registration->mapped, before)
						: ""));
	registration->mapped = seen;
	/* What another request found out is news to the registrar. */
	if (moved && hl_message_method(answer) != HL_METHOD_REGISTER &&
	    registration->state == REGISTRATION_REGISTERED)
		hl_registration_attempt(trunk);
}
