/* The NAT verdict (G2): does the device know itself under the address it is seen from? */
#include "endpoint/endpoint.h"

enum { SIP_PORT = 5060, SIPS_PORT = 5061 };

/* What a host and port of the message say, against the source. */
enum difference { SAME, HOST, PORT };

static enum difference place_compare(struct hl_slice host, unsigned port, unsigned usual,
				     const struct hl_flow *flow)
{
	struct hl_address address;

	if (hl_address_parse(host, &address) || !hl_address_same_host(&address, &flow->remote))
		return HOST;
	if (flow->type != HL_TRANSPORT_UDP)
		return SAME;
	return (port ? port : usual) == flow->remote.port ? SAME : PORT;
}

bool hl_nat_verdict(int setting, const struct hl_uri *contact, const struct hl_via *via,
		    const struct hl_flow *flow, const char **reason)
{
	static const char *const contact_words[] = {
		[HOST] = "Contact host differs from source",
		[PORT] = "Contact port differs from source",
	};
	static const char *const via_words[] = {
		[HOST] = "Via host differs from source",
		[PORT] = "Via port differs from source",
	};
	enum difference difference = SAME;

	if (setting != HL_AUTO) {
		*reason = setting == HL_ON ? "nat: yes" : "nat: no";
		return setting == HL_ON;
	}
	if (contact) {
		bool secure = hl_slice_equal_nocase(contact->scheme, HL_SLICE_LITERAL("sips"));
		difference = place_compare(contact->host, contact->port,
					   secure ? SIPS_PORT : SIP_PORT, flow);
		*reason = contact_words[difference];
	}
	if (difference == SAME && via) {
		difference = place_compare(via->host, via->port, SIP_PORT, flow);
		*reason = via_words[difference];
	}
	if (difference == SAME)
		*reason = "Contact and Via are the source";
	return difference != SAME;
}
