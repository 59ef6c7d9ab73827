/* The address of a gateway: sip:HOST[:PORT][;transport=tcp|tls], sips:HOST[:PORT]. */
#include "config/gateway.h"

#include <ctype.h>

enum { SIP_PORT = 5060, SIPS_PORT = 5061, NAME_MAX_LENGTH = 253 };

/* The parameters of a SIP URI behind its host: only `transport` means something here. */
static const char *read_transport(struct hl_slice rest, int *transport)
{
	while (rest.length) {
		struct hl_slice value = hl_slice_cut(&rest, ';'), name = hl_slice_cut(&value, '=');

		if (!hl_slice_equal_nocase(name, HL_SLICE_LITERAL("transport")))
			return "has an unknown parameter; allowed: transport=udp, tcp or tls";
		if (hl_slice_equal_nocase(value, HL_SLICE_LITERAL("tcp")))
			*transport = HL_GATEWAY_TCP;
		else if (hl_slice_equal_nocase(value, HL_SLICE_LITERAL("tls")))
			*transport = HL_GATEWAY_TLS;
		else if (!hl_slice_equal_nocase(value, HL_SLICE_LITERAL("udp")))
			return "has an unknown transport; allowed: udp, tcp, tls";
	}
	return NULL;
}

/* Letters, digits, hyphens and dots, and something other than digits and dots: what is only those
 * is an address gone wrong. */
static bool good_name(struct hl_slice name)
{
	bool letters = false;

	for (size_t i = 0; i < name.length; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (!isalnum(c) && c != '-' && c != '.' && c != '_')
			return false;
		if (c == '.' && (i == 0 || name.data[i - 1] == '.'))
			return false;
		letters |= !isdigit(c) && c != '.';
	}
	return letters && name.length <= NAME_MAX_LENGTH;
}

/* "NAME[:PORT]" */
static const char *read_name(struct hl_slice text, struct hl_gateway *gateway)
{
	struct hl_slice rest = text, name = hl_slice_cut(&rest, ':');
	uint64_t port = 0;

	if (!good_name(name))
		return "has neither an IP address (IPv6 in brackets) nor a host name";
	if (rest.data && (hl_slice_number(rest, &port) || port < 1 || port > 65535))
		return "has a port that is none; allowed: 1 to 65535";
	gateway->port = (uint16_t)port;
	gateway->host = hl_slice_copy(name);
	return NULL;
}

const char *hl_gateway_read_address(struct hl_gateway *gateway)
{
	struct hl_slice rest = hl_slice_of(gateway->address_text);
	struct hl_slice scheme = hl_slice_cut(&rest, ':'), host;
	const char *fault = NULL;
	bool secure = hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("sips"));

	if ((!secure && !hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("sip"))) || !rest.length)
		return "must be " HL_GATEWAY_ADDRESS;
	host = hl_slice_cut(&rest, ';');
	if (host.length && memchr(host.data, '@', host.length))
		return "must not have a user part: " HL_GATEWAY_ADDRESS;
	gateway->transport = secure ? HL_GATEWAY_TLS : HL_GATEWAY_UDP;
	if (!hl_address_parse_port(host, &gateway->address)) {
		char text[HL_ADDRESS_TEXT];

		if (hl_address_wildcard(&gateway->address))
			return "is no address anybody can be reached at";
		gateway->port = gateway->address.port;
		gateway->host =
			hl_slice_copy(hl_slice_of(hl_address_uri_host(&gateway->address, text)));
	} else {
		gateway->address = (struct hl_address){0};
		fault = read_name(host, gateway);
	}
	if (!fault)
		fault = read_transport(rest, &gateway->transport);
	if (!fault && secure && gateway->transport != HL_GATEWAY_TLS)
		fault = "is sips: and asks for another transport than tls";
	if (gateway->address.family && !gateway->address.port)
		gateway->address.port = gateway->transport == HL_GATEWAY_TLS ? SIPS_PORT : SIP_PORT;
	return fault;
}
