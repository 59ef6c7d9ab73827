/* IP addresses, with port, IPv4 or IPv6, and networks. */
#ifndef HL_BASE_ADDRESS_H
#define HL_BASE_ADDRESS_H

#include "base/slice.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct hl_address {
	uint8_t bytes[16];  /* network order; IPv4 in the first four, the rest zero */
	uint16_t port;      /* host order; 0: none */
	uint8_t family;     /* AF_INET, AF_INET6; 0: no address */
	uint8_t unused;     /* zero, so that two equal addresses are equal bytes */
	uint32_t scope;     /* IPv6 link-local interface index */
};

struct hl_network {
	struct hl_address base; /* host bits zero, port 0 */
	unsigned prefix;        /* bits */
};

enum { HL_ADDRESS_TEXT = 64 };

/* An address from text: "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; port 0. 0 or -EINVAL. */
HL_EXPORT int hl_address_parse(struct hl_slice text, struct hl_address *address);
/* The same with a port: "192.0.2.1:5060", "[::1]:5060"; the port may be missing (0). */
HL_EXPORT int hl_address_parse_port(struct hl_slice text, struct hl_address *address);
/* Without port, IPv6 bare ("::1"), for `received` and SDP. */
HL_EXPORT const char *hl_address_host(const struct hl_address *address, char text[HL_ADDRESS_TEXT]);
/* Without port, IPv6 in brackets, for URIs and Via. */
HL_EXPORT const char *hl_address_uri_host(const struct hl_address *address,
					  char text[HL_ADDRESS_TEXT]);
/* With port, IPv6 in brackets. */
HL_EXPORT const char *hl_address_format(const struct hl_address *address,
					char text[HL_ADDRESS_TEXT]);

HL_EXPORT void hl_address_from_sockaddr(struct hl_address *address, const struct sockaddr *from);
/* Fills `to` and returns its length. */
HL_EXPORT socklen_t hl_address_to_sockaddr(const struct hl_address *address,
					   struct sockaddr_storage *to);
/* Equal host and port. */
HL_EXPORT bool hl_address_equal(const struct hl_address *a, const struct hl_address *b);
/* Equal host, whatever the ports. */
HL_EXPORT bool hl_address_same_host(const struct hl_address *a, const struct hl_address *b);
HL_EXPORT uint64_t hl_address_hash(const struct hl_address *address);
/* RFC 1918, 100.64/10, link-local, ULA. 127/8 counts as public. */
HL_EXPORT bool hl_address_private(const struct hl_address *address);
HL_EXPORT bool hl_address_loopback(const struct hl_address *address);
HL_EXPORT bool hl_address_wildcard(const struct hl_address *address);

/* "192.168.0.0/16", "2001:db8::/32", or a lone address. 0 or -EINVAL; host bits are cleared. */
HL_EXPORT int hl_network_parse(struct hl_slice text, struct hl_network *network);
HL_EXPORT bool hl_network_contains(const struct hl_network *network,
				   const struct hl_address *address);

#endif
