/* The NAT verdict (G2): does the device know itself under the address it is seen from? */
#include "endpoint/table.h"

#include <stdio.h>

enum { SIP_PORT = 5060, SIPS_PORT = 5061 };

/* Whether a host and port of the message are another place than the source. */
static bool differs(struct hl_slice host, unsigned port, const struct hl_flow *flow)
{
	struct hl_address address;

	if (hl_address_parse(host, &address) || !hl_address_same_host(&address, &flow->remote))
		return true;
	return flow->type == HL_TRANSPORT_UDP && port != flow->remote.port;
}

/* The port a URI means. */
static unsigned uri_port(const struct hl_uri *uri)
{
	bool secure = hl_slice_equal_nocase(uri->scheme, HL_SLICE_LITERAL("sips"));

	return uri->port ? uri->port : secure ? SIPS_PORT : SIP_PORT;
}

struct hl_nat_verdict hl_nat_verdict(int setting, const struct hl_uri *contact,
				     const struct hl_via *via, const struct hl_flow *flow)
{
	struct hl_nat_verdict verdict = {.reason = HL_NAT_SAME};

	if (setting != HL_AUTO) {
		verdict.nat = setting == HL_ON;
		verdict.reason = verdict.nat ? HL_NAT_YES : HL_NAT_NO;
	} else if (contact && differs(contact->host, uri_port(contact), flow)) {
		verdict.nat = true;
		verdict.reason = HL_NAT_CONTACT;
	} else if (via && differs(via->host, via->port ? via->port : SIP_PORT, flow)) {
		verdict = (struct hl_nat_verdict){true, HL_NAT_VIA, via->host,
						  via->port ? via->port : SIP_PORT};
	}
	return verdict;
}

const char *hl_contact_nat_reason(const struct hl_contact *contact, char text[HL_NAT_REASON_TEXT])
{
	enum { MOST = 255 }; /* bytes of a host that are shown */
	char source[HL_ADDRESS_TEXT];
	struct hl_uri uri = {.host = {"", 0}};

	hl_address_format(&contact->flow.remote, source);
	switch ((enum hl_nat_reason)contact->nat_reason) {
	case HL_NAT_SAME: return strcpy(text, "Contact and Via are the source");
	case HL_NAT_YES: return strcpy(text, "nat: yes");
	case HL_NAT_NO: return strcpy(text, "nat: no");
	case HL_NAT_VIA:
		snprintf(text, HL_NAT_REASON_TEXT, "Via %.*s differs from source %s", MOST,
			 hl_contact_via(contact), source);
		break;
	case HL_NAT_CONTACT:
		hl_uri_parse(hl_slice_of(contact->uri), &uri);
		if (uri.host.length > MOST)
			uri.host.length = MOST;
		snprintf(text, HL_NAT_REASON_TEXT, "Contact %.*s:%u differs from source %s",
			 HL_SLICE_ARGS(uri.host), uri_port(&uri), source);
		break;
	}
	return text;
}
