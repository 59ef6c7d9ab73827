/* SIP URIs: what is read out of them, what is refused, which are equal. */
#include "sip/uri.h"

#include "tap.h"

#include <errno.h>

/* Parts that must come out of a text, joined by blanks: scheme user host port parameters headers.
 */
static const struct {
	const char *text, *parts;
} good[] = {
	{"sip:1001@example.com", "sip 1001 example.com 0 - -"},
	{"sip:1001@192.168.1.7:5062;transport=tcp;ob",
	 "sip 1001 192.168.1.7 5062 transport=tcp;ob -"},
	{"SIPS:alice:secret@[2001:db8::1]:5061", "SIPS alice [2001:db8::1] 5061 - -"},
	{"sip:gw.example.com?Subject=a;b", "sip - gw.example.com 0 - Subject=a;b"},
	{"sip:+49301234;phone-context=x@host;user=phone?Priority=urgent",
	 "sip +49301234;phone-context=x host 0 user=phone Priority=urgent"},
	{"sip:#31#1002@host", "sip #31#1002 host 0 - -"},
	{"sip:j%40n@host", "sip j%40n host 0 - -"},
	{"sip:a?b/c@host", "sip a?b/c host 0 - -"},
	{"sip:[::1]", "sip - [::1] 0 - -"},
	{"tel:+49-30-1234;phone-context=example.com",
	 "tel +49-30-1234 - 0 phone-context=example.com -"},
};

static const char *const bad[] = {
	"",
	"sip",
	"sip:",
	"sip:@host",
	"sip:1001@",
	"sip:1001@host:",
	"sip:1001@host:0",
	"sip:1001@host:65536",
	"sip:1001@host:50a",
	"sip:1001@ho st",
	"sip:10 01@host",
	"sip:a@b@c",
	"sip:1001%00@host",
	"sip:1001%0@host",
	"sip:1001%zz@host",
	"sip:%",
	"sip:<1001@host",
	"sip:1001@host;x=\"y\"",
	"sip:[::1",
	"sip:[]",
	"sip:[::1]x",
	"sip:[v6.x]",
	"sip::pw@host",
	"http://host/",
	"urn:service:sos",
	"tel:",
	"tel:;x",
	"1001@host",
};

static const struct {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{"sip:alice@Example.COM", "SIP:alice@example.com", true},
	{"sip:alice@example.com", "sip:Alice@example.com", false},
	{"sip:%61lice@example.com", "sip:alice@example.com", true},
	{"sip:alic@example.com", "sip:alice@example.com", false},
	{"sip:alice@example.com", "sip:alice@example.com:5060", false},
	{"sip:alice@example.com", "sips:alice@example.com", false},
	{"sip:alice@example.com;transport=udp", "sip:alice@example.com", false},
	{"sip:alice@example.com;transport=UDP", "sip:alice@example.com;Transport=udp", true},
	{"sip:alice@example.com;transport=udp", "sip:alice@example.com;transport=tcp", false},
	{"sip:alice@example.com;ob;user=phone", "sip:alice@example.com;user=phone", true},
	{"sip:alice@example.com;user=phone", "sip:alice@example.com", false},
	{"sip:example.com;maddr=1.2.3.4", "sip:example.com", false},
};

static const char *or_dash(struct hl_slice s, char *text, size_t size)
{
	snprintf(text, size, "%.*s", HL_SLICE_ARGS(s));
	return *text ? text : "-";
}

static void check_good(const char *text, const char *want)
{
	char got[512], part[5][64];
	struct hl_uri uri;

	if (!is_int(hl_uri_parse(hl_slice_of(text), &uri), 0, "%s is read", text))
		return;
	snprintf(got, sizeof(got), "%s %s %s %u %s %s",
		 or_dash(uri.scheme, part[0], sizeof(part[0])),
		 or_dash(uri.user, part[1], sizeof(part[1])),
		 or_dash(uri.host, part[2], sizeof(part[2])), uri.port,
		 or_dash(uri.parameters, part[3], sizeof(part[3])),
		 or_dash(uri.headers, part[4], sizeof(part[4])));
	is_str(got, want, "and falls into its parts");
}

static void check_parameters(void)
{
	struct hl_slice parameters = hl_slice_of("lr;Transport=tcp;maddr=;x=a=b");
	struct hl_slice value = hl_slice_of("untouched");

	ok(!hl_uri_parameter(parameters, "ttl", &value) &&
		   hl_slice_equal(value, HL_SLICE_LITERAL("untouched")),
	   "a parameter that is not there leaves the value alone");
	ok(hl_uri_parameter(parameters, "lr", &value) && !value.length,
	   "a flag has an empty value");
	ok(hl_uri_parameter(parameters, "transport", &value) &&
		   hl_slice_equal(value, HL_SLICE_LITERAL("tcp")),
	   "names are found without regard to case");
	ok(hl_uri_parameter(parameters, "x", &value) &&
		   hl_slice_equal(value, HL_SLICE_LITERAL("a=b")),
	   "the value ends at the semicolon only");
	ok(!hl_uri_parameter(parameters, "trans", &value), "half a name is not the name");
}

static void check_plain(void)
{
	static const struct {
		const char *user, *plain;
	} users[] = {
		{"1002", "1002"},
		{"%31002", "1002"},
		{"10%302", "1002"},
		{"%2B4930%2d1", "+4930-1"},
		{"%%", "%%"},
		{"100%3", "100%3"},
		{"a%40b%2Fc", "a%40b%2Fc"},
		{"%e4", "%e4"},
		{"%00", "%00"},
		{"", ""},
	};
	char text[16];

	for (size_t i = 0; i < HL_COUNT(users); i++) {
		struct hl_slice plain =
			hl_uri_user_plain(hl_slice_of(users[i].user), text, sizeof(text));

		ok(hl_slice_equal(plain, hl_slice_of(users[i].plain)), "user \"%s\" is \"%s\"",
		   users[i].user, users[i].plain);
	}
	struct hl_slice longer = HL_SLICE_LITERAL("%31%31%31%31%31%31");
	ok(hl_uri_user_plain(longer, text, sizeof(text)).data == longer.data,
	   "one too long for the text is left as it is");
}

int main(void)
{
	for (size_t i = 0; i < HL_COUNT(good); i++)
		check_good(good[i].text, good[i].parts);
	for (size_t i = 0; i < HL_COUNT(bad); i++) {
		struct hl_uri uri;

		is_int(hl_uri_parse(hl_slice_of(bad[i]), &uri), -EBADMSG, "\"%s\" is refused",
		       bad[i]);
	}
	ok(hl_uri_parse((struct hl_slice){"sip:10\0@host", 12}, &(struct hl_uri){.port = 0}) ==
		   -EBADMSG,
	   "a NUL byte is refused");
	for (size_t i = 0; i < HL_COUNT(pairs); i++) {
		struct hl_uri a, b;

		ok(!hl_uri_parse(hl_slice_of(pairs[i].a), &a) &&
			   !hl_uri_parse(hl_slice_of(pairs[i].b), &b) &&
			   hl_uri_equal(&a, &b) == pairs[i].equal &&
			   hl_uri_equal(&b, &a) == pairs[i].equal,
		   "%s %s %s", pairs[i].a, pairs[i].equal ? "equals" : "differs from", pairs[i].b);
	}
	check_parameters();
	check_plain();
	return done_testing();
}
