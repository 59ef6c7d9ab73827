/* Addresses and networks: text both ways, what is equal, what is private. */
#include "base/address.h"

#include "tap.h"

#include <errno.h>

static struct hl_address parsed(const char *text)
{
	struct hl_address address = { 0 };

	if (hl_address_parse_port(hl_slice_of(text), &address))
		diag("cannot parse %s", text);
	return address;
}

static bool same_text(const char *in, const char *out)
{
	struct hl_address address = parsed(in);
	char text[HL_ADDRESS_TEXT];

	return is_str(hl_address_format(&address, text), out, "%s is %s", in, out);
}

static void texts(void)
{
	static const char *const bad[] = { "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4 ",
					   "[::1", "::1]", "[1.2.3.4]", ":::", "[]", "a.b.c.d",
					   "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:x", "[::1]x:5",
					   "[::1]:-1", "1.2.3.4:5:6", "fe80::1%lo" };
	struct hl_address address = { .port = 9 };
	char text[HL_ADDRESS_TEXT];
	unsigned taken = 0;

	same_text("192.0.2.1:5060", "192.0.2.1:5060");
	same_text("0.0.0.0", "0.0.0.0:0");
	same_text("255.255.255.255:65535", "255.255.255.255:65535");
	same_text("[2001:DB8:0:0::1]:5061", "[2001:db8::1]:5061");
	same_text("::1", "[::1]:0");
	same_text("[::]", "[::]:0");
	for (size_t i = 0; i < HL_COUNT(bad); i++)
		if (hl_address_parse_port(hl_slice_of(bad[i]), &address) != -EINVAL) {
			diag("taken: %s", bad[i]);
			taken++;
		}
	is_int(taken, 0, "what is no address is refused");
	is_int(address.port, 9, "and nothing is written");
	is_int(hl_address_parse(HL_SLICE_LITERAL("1.2.3.4:5"), &address), -EINVAL,
	       "without port means without port");
	is_int(hl_address_parse(HL_SLICE_LITERAL("1.2.3.4\0"), &address), -EINVAL,
	       "a NUL ends nothing");
	address = parsed("[2001:db8::1]:5061");
	is_str(hl_address_host(&address, text), "2001:db8::1", "host of IPv6 is bare");
	is_str(hl_address_uri_host(&address, text), "[2001:db8::1]", "in a URI it has brackets");
	address = (struct hl_address){ 0 };
	is_str(hl_address_format(&address, text), "", "no address is no text");
}

static void sockaddrs(void)
{
	static const char *const all[] = { "192.0.2.1:5060", "[2001:db8::1]:5061", "127.0.0.1:1" };
	struct sockaddr_storage storage;

	for (size_t i = 0; i < HL_COUNT(all); i++) {
		struct hl_address in = parsed(all[i]), out;
		socklen_t length;

		memset(&storage, 0xee, sizeof(storage));
		length = hl_address_to_sockaddr(&in, &storage);
		hl_address_from_sockaddr(&out, (struct sockaddr *)&storage);
		ok(hl_address_equal(&in, &out), "%s through a sockaddr and back", all[i]);
		is_int(length, in.family == AF_INET ? sizeof(struct sockaddr_in)
						    : sizeof(struct sockaddr_in6),
		       "of its family's length");
		is_int(hl_address_hash(&in), hl_address_hash(&out), "with the same hash");
	}
}

static void classes(void)
{
	static const struct {
		const char *text;
		bool private;
	} rows[] = {
		{ "10.0.0.1", true },       { "11.0.0.1", false },
		{ "172.15.255.255", false },
		{ "172.16.0.0", true },     { "172.31.255.255", true },  { "172.32.0.0", false },
		{ "192.168.255.1", true },  { "192.169.0.1", false },
		{ "100.63.255.255", false },
		{ "100.64.0.1", true },     { "100.127.255.255", true }, { "100.128.0.0", false },
		{ "169.254.1.1", true },    { "127.0.0.1", false },      { "8.8.8.8", false },
		{ "fe80::1", true },        { "febf::1", true },         { "fec0::1", false },
		{ "fc00::1", true },        { "fdff::1", true },         { "2001:db8::1", false },
		{ "::1", false },
	};
	struct hl_address a, b;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		a = parsed(rows[i].text);
		is_int(hl_address_private(&a), rows[i].private, "%s is %s", rows[i].text,
		       rows[i].private ? "private" : "public");
	}
	a = parsed("127.9.9.9");
	b = parsed("::1");
	ok(hl_address_loopback(&a) && hl_address_loopback(&b), "loopbacks");
	a = parsed("128.0.0.1");
	ok(!hl_address_loopback(&a), "and what is none");
	a = parsed("0.0.0.0:5060");
	b = parsed("[::]:5060");
	ok(hl_address_wildcard(&a) && hl_address_wildcard(&b), "wildcards");
	ok(!hl_address_equal(&a, &b) && !hl_address_same_host(&a, &b), "of different families");
	a = (struct hl_address){ 0 };
	ok(!hl_address_wildcard(&a) && !hl_address_private(&a), "no address is neither");
	a = parsed("192.0.2.1:5060");
	b = parsed("192.0.2.1:5062");
	ok(!hl_address_equal(&a, &b) && hl_address_same_host(&a, &b), "ports tell hosts not apart");
}

static bool inside(const char *network, const char *address)
{
	struct hl_network parsed_network;
	struct hl_address parsed_address = parsed(address);

	return !hl_network_parse(hl_slice_of(network), &parsed_network) &&
	       hl_network_contains(&parsed_network, &parsed_address);
}

static void networks(void)
{
	static const char *const bad[] = { "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "/8",
					   "::/129", "10.0.0.0/8/8", "10.0.0.0/-1" };
	struct hl_network network;
	unsigned taken = 0;

	ok(inside("192.168.0.0/16", "192.168.255.1:5060"), "the port does not matter");
	ok(!inside("192.168.0.0/16", "192.169.0.1"), "outside is outside");
	ok(inside("10.1.2.3/9", "10.127.0.1") && !inside("10.1.2.3/9", "10.128.0.1"),
	   "host bits are no bits");
	ok(inside("0.0.0.0/0", "203.0.113.9") && !inside("0.0.0.0/0", "::1"), "all of one family");
	ok(inside("203.0.113.9", "203.0.113.9") && !inside("203.0.113.9", "203.0.113.8"),
	   "a lone address is itself");
	ok(inside("2001:db8::/33", "2001:db8:7fff::1"), "IPv6 inside to the bit");
	ok(!inside("2001:db8::/33", "2001:db8:8000::"), "and outside");
	for (size_t i = 0; i < HL_COUNT(bad); i++)
		taken += hl_network_parse(hl_slice_of(bad[i]), &network) != -EINVAL;
	is_int(taken, 0, "what is no network is refused");
}

int main(void)
{
	texts();
	sockaddrs();
	classes();
	networks();
	return done_testing();
}
