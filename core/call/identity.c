/* Who the caller is to a callee: From and To, and towards gateways what privacy (RFC 3323, RFC
 * 3325) and identity headers their settings ask for (D7). Endpoints see the realm, gateways
 * addresses. */
#include "call/private.h"

#include <errno.h>

#define ANONYMOUS "\"Anonymous\" <sip:anonymous@anonymous.invalid>"

/* The display name, with its blank behind, as the callee shall see it. */
static void put_display(const struct hl_leg *leg, struct hl_text *text)
{
	const struct hl_call *call = leg->call;
	int display = leg->gateway ? leg->gateway->display : HL_DISPLAY_ON;
	const char *name = display == HL_DISPLAY_ON	  ? call->display
			   : display == HL_DISPLAY_NUMBER ? hl_leg_user(call->caller)
							  : "";

	if (*name)
		hl_text_printf(text, "\"%s\" ", name);
}

static void put_uri(struct hl_text *text, const char *user, const char *host)
{
	hl_text_put(text, "<sip:");
	hl_text_put(text, user);
	hl_text_put(text, *user ? "@" : "");
	hl_text_put(text, host);
	hl_text_put(text, ">");
}

/* The caller with the host that this callee is to see: "name" <sip:user@host>. */
static void put_caller(const struct hl_leg *leg, struct hl_text *text)
{
	const struct hl_call *call = leg->call;
	const char *user = hl_leg_user(call->caller), *host = call->config->settings.realm;
	struct hl_address own;
	char own_text[HL_ADDRESS_TEXT];

	if (leg->gateway) {
		hl_transport_visible(call->calls->parts.transport, &leg->flow, &own);
		host = hl_address_uri_host(&own, own_text);
	}
	put_display(leg, text);
	put_uri(text, user, host);
}

int hl_leg_name_parties(struct hl_leg *leg)
{
	struct hl_call *call = leg->call;
	bool hidden = leg->gateway && leg->gateway->privacy == HL_PRIVACY_ID;
	struct hl_text from, to;

	hl_text_init(&from);
	hl_text_init(&to);
	if (hidden)
		hl_text_put(&from, ANONYMOUS);
	else
		put_caller(leg, &from);
	put_uri(&to, call->number,
		leg->gateway ? leg->gateway->host : call->config->settings.realm);
	leg->local = hl_text_take(&from);
	leg->remote = hl_text_take(&to);
	return leg->local && leg->remote ? 0 : -ENOMEM;
}

const char *hl_leg_contact_user(const struct hl_leg *leg)
{
	const struct hl_gateway *gateway = leg->gateway;

	if (leg->side == HL_SIDE_CALLER)
		return leg->call->number;
	if (gateway && gateway->invite_use_contact && *gateway->registration.user)
		return gateway->registration.user;
	if (gateway && gateway->privacy == HL_PRIVACY_ID)
		return "anonymous";
	return leg->call->caller->user;
}

/* What another gateway said of the caller. An endpoint could claim to be anybody. */
static int pass_identity(const struct hl_leg *leg, struct hl_message *invite)
{
	static const char *const names[] = {"P-Asserted-Identity", "P-Preferred-Identity",
					    "Remote-Party-ID"};
	const struct hl_leg *caller = leg->call->caller;
	const struct hl_transaction *asked =
		hl_transaction_get(leg->call->calls->parts.transactions, caller->invite);
	const struct hl_message *heard = asked ? hl_transaction_request(asked) : NULL;
	int result = 0;

	for (size_t i = 0; i < HL_COUNT(names) && !result; i++) {
		const char *value;

		result = hl_message_set_header(invite, names[i], NULL);
		for (unsigned n = 0; !result && heard && caller->gateway &&
				     (value = hl_message_header(heard, names[i], n));
		     n++)
			if (hl_message_add_header(invite, names[i], value) == -ENOMEM)
				result = -ENOMEM;
	}
	return result;
}

static int assert_identity(const struct hl_leg *leg, struct hl_message *invite)
{
	static const char *const names[] = {[HL_IDENTITY_PAI] = "P-Asserted-Identity",
					    [HL_IDENTITY_PPI] = "P-Preferred-Identity",
					    [HL_IDENTITY_RPID] = "Remote-Party-ID"};
	const struct hl_gateway *gateway = leg->gateway;
	struct hl_text value;
	int result;

	if (!*hl_leg_user(leg->call->caller))
		return 0;
	hl_text_init(&value);
	put_caller(leg, &value);
	if (gateway->identity == HL_IDENTITY_RPID)
		hl_text_printf(&value, ";party=calling;screen=yes;privacy=%s",
			       gateway->privacy == HL_PRIVACY_ID ? "full" : "off");
	result = value.failed ? -ENOMEM
			      : hl_message_set_header(invite, names[gateway->identity],
						      hl_text_string(&value));
	hl_text_fini(&value);
	return result;
}

int hl_leg_identify(const struct hl_leg *leg, struct hl_message *invite)
{
	const struct hl_gateway *gateway = leg->gateway;
	int result = 0;

	if (!gateway)
		return 0;
	if (gateway->privacy != HL_PRIVACY_IGNORE)
		result = hl_message_set_header(invite, "Privacy",
					       gateway->privacy == HL_PRIVACY_ID ? "id" : "none");
	if (result || gateway->identity == HL_IDENTITY_NONE)
		return result;
	return gateway->identity == HL_IDENTITY_PASS ? pass_identity(leg, invite)
						     : assert_identity(leg, invite);
}
