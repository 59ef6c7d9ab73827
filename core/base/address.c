/* IP addresses: text in and out (RFC 3986 §3.2.2 for brackets), sockaddr, classes. */
#include "base/address.h"
#include "base/text.h"
#include "base/hash.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

_Static_assert(sizeof(struct hl_address) == 24, "compared and hashed as bytes: no padding");

struct block {
	uint8_t family;
	uint8_t prefix; /* bits */
	uint8_t bytes[4];
};

static const struct block private_blocks[] = {
	{AF_INET, 8, {10}},	      /* RFC 1918 */
	{AF_INET, 12, {172, 16}},     /* RFC 1918 */
	{AF_INET, 16, {192, 168}},    /* RFC 1918 */
	{AF_INET, 10, {100, 64}},     /* RFC 6598, carrier-grade NAT */
	{AF_INET, 16, {169, 254}},    /* RFC 3927, link-local */
	{AF_INET6, 10, {0xfe, 0x80}}, /* RFC 4291, link-local */
	{AF_INET6, 7, {0xfc}},	      /* RFC 4193, unique local */
};

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return !memcmp(a, b, whole) && (!rest || !((a[whole] ^ b[whole]) >> (8 - rest)));
}

int hl_address_parse(struct hl_slice text, struct hl_address *address)
{
	struct hl_address parsed = {.family = AF_INET};
	char copy[INET6_ADDRSTRLEN];

	if (text.length >= 2 && text.data[0] == '[' && text.data[text.length - 1] == ']') {
		parsed.family = AF_INET6;
		text.data++;
		text.length -= 2;
	} else if (text.length && memchr(text.data, ':', text.length)) {
		parsed.family = AF_INET6;
	}
	if (!text.length || text.length >= sizeof(copy) || memchr(text.data, '\0', text.length))
		return -EINVAL;
	memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	if (inet_pton(parsed.family, copy, parsed.bytes) != 1)
		return -EINVAL;
	*address = parsed;
	return 0;
}

/* Where the port's colon is: behind the bracket of an IPv6 address, or the only colon. */
static const char *port_colon(struct hl_slice text)
{
	const char *last = text.length ? memrchr(text.data, ':', text.length) : NULL;

	if (!last)
		return NULL;
	if (text.data[0] == '[')
		return last[-1] == ']' ? last : NULL;
	return last == memchr(text.data, ':', text.length) ? last : NULL;
}

int hl_address_parse_port(struct hl_slice text, struct hl_address *address)
{
	const char *colon = port_colon(text);
	struct hl_address parsed;
	uint64_t port = 0;
	int error;

	if (colon) {
		size_t host = (size_t)(colon - text.data);
		struct hl_slice digits = {colon + 1, text.length - host - 1};

		if (hl_slice_number(digits, &port) || port > 65535)
			return -EINVAL;
		text.length = host;
	}
	error = hl_address_parse(text, &parsed);
	if (error)
		return error;
	parsed.port = (uint16_t)port;
	*address = parsed;
	return 0;
}

/* IPv4 is written by hand: inet_ntop goes through printf, and this is in every response. */
static char *put_host(char *at, const struct hl_address *address, bool brackets)
{
	if (address->family == AF_INET) {
		for (int i = 0; i < 4; i++) {
			if (i)
				*at++ = '.';
			at = hl_put_number(at, address->bytes[i]);
		}
	} else if (address->family == AF_INET6) {
		if (brackets)
			*at++ = '[';
		inet_ntop(AF_INET6, address->bytes, at, INET6_ADDRSTRLEN);
		at += strlen(at);
		if (brackets)
			*at++ = ']';
	}
	*at = '\0';
	return at;
}

const char *hl_address_host(const struct hl_address *address, char text[HL_ADDRESS_TEXT])
{
	put_host(text, address, false);
	return text;
}

const char *hl_address_uri_host(const struct hl_address *address, char text[HL_ADDRESS_TEXT])
{
	put_host(text, address, true);
	return text;
}

const char *hl_address_format(const struct hl_address *address, char text[HL_ADDRESS_TEXT])
{
	char *at = put_host(text, address, true);

	if (address->family) {
		*at++ = ':';
		*hl_put_number(at, address->port) = '\0';
	}
	return text;
}

void hl_address_from_sockaddr(struct hl_address *address, const struct sockaddr *from)
{
	*address = (struct hl_address){0};
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)from;

		address->family = AF_INET;
		address->port = ntohs(in->sin_port);
		memcpy(address->bytes, &in->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)from;

		address->family = AF_INET6;
		address->port = ntohs(in6->sin6_port);
		address->scope = in6->sin6_scope_id;
		memcpy(address->bytes, &in6->sin6_addr, 16);
	}
}

socklen_t hl_address_to_sockaddr(const struct hl_address *address, struct sockaddr_storage *to)
{
	if (address->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (void *)to;

		*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					     .sin6_port = htons(address->port),
					     .sin6_scope_id = address->scope};
		memcpy(&in6->sin6_addr, address->bytes, 16);
		return sizeof(*in6);
	} else {
		struct sockaddr_in *in = (void *)to;

		*in = (struct sockaddr_in){.sin_family = address->family,
					   .sin_port = htons(address->port)};
		memcpy(&in->sin_addr, address->bytes, 4);
		return sizeof(*in);
	}
}

bool hl_address_equal(const struct hl_address *a, const struct hl_address *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool hl_address_same_host(const struct hl_address *a, const struct hl_address *b)
{
	return a->family == b->family && a->scope == b->scope && !memcmp(a->bytes, b->bytes, 16);
}

uint64_t hl_address_hash(const struct hl_address *address)
{
	return hl_hash_bytes(address, sizeof(*address));
}

bool hl_address_private(const struct hl_address *address)
{
	for (size_t i = 0; i < HL_COUNT(private_blocks); i++)
		if (private_blocks[i].family == address->family &&
		    same_bits(private_blocks[i].bytes, address->bytes, private_blocks[i].prefix))
			return true;
	return false;
}

bool hl_address_loopback(const struct hl_address *address)
{
	if (address->family == AF_INET6)
		return !memcmp(address->bytes, &in6addr_loopback, 16);
	return address->family == AF_INET && address->bytes[0] == 127;
}

bool hl_address_wildcard(const struct hl_address *address)
{
	static const uint8_t any[16];

	return address->family && !memcmp(address->bytes, any, sizeof(any));
}

int hl_network_parse(struct hl_slice text, struct hl_network *network)
{
	struct hl_slice rest = text, host = hl_slice_cut(&rest, '/');
	struct hl_network parsed;
	uint64_t prefix;
	unsigned bits;

	if (hl_address_parse(host, &parsed.base))
		return -EINVAL;
	bits = parsed.base.family == AF_INET6 ? 128 : 32;
	prefix = bits;
	if (rest.data && (hl_slice_number(rest, &prefix) || prefix > bits))
		return -EINVAL;
	parsed.prefix = (unsigned)prefix;
	for (unsigned bit = parsed.prefix; bit < 128; bit++)
		parsed.base.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	*network = parsed;
	return 0;
}

bool hl_network_contains(const struct hl_network *network, const struct hl_address *address)
{
	return network->base.family == address->family &&
	       same_bits(network->base.bytes, address->bytes, network->prefix);
}
