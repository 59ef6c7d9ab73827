/* Messages: literal SIP in and out. What is read, what is refused and with which words, what is
 * written, and that memory running out at any point loses nothing. */
#include "sip/message.h"

#include "base/memory.h"

#include "tap.h"

#include <errno.h>
#include <stdlib.h>

#define REQUEST(method)                                                                            \
	method " sip:example.com SIP/2.0\r\n"                                                      \
	       "Via: SIP/2.0/UDP 192.168.1.7:5062;branch=z9hG4bK74bf9;rport\r\n"                   \
	       "Max-Forwards: 70\r\n"                                                              \
	       "From: \"A \\\"Big\\\" Phone\" <sip:1001@example.com;x=%31>;tag=9fxced76sl\r\n"     \
	       "To: Bob <sip:bob%40home@example.com:5070>\r\n"                                     \
	       "Call-ID: 3848276298220188511@192.168.1.7\r\n"                                      \
	       "CSeq: 2 " method "\r\n"

static const char reg[] = REQUEST(
	"REGISTER") "Contact: <sip:1001@192.168.1.7:5062;transport=udp>;q=0.75;expires=120;"
		    "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1,"
		    "\"Me, too\" <sip:me@[2001:db8::1]>\r\n"
		    "m: sip:third@h;expires=now;q=1.5\r\n"
		    "k: path, timer\r\n"
		    "Supported: gruu\r\n"
		    "x: 1800;refresher=uac\r\n"
		    "X-Odd:  a \r\n\tb\r\n"
		    "Expires: 3600\r\n"
		    "Content-Length: 0\r\n\r\n";

static const char response[] = "SIP/2.0 180 Ringing now\r\n"
			       "v: SIP/2.0/TCP [2001:db8::9]:5061;branch=z9hG4bK1;received=::1, "
			       "SIP/2.0/UDP b.example;branch=z9hG4bK2\r\n"
			       "f: sip:a@b.example;tag=1\r\n"
			       "t: <sip:c@d.example> ; tag = 2 \r\n"
			       "i: abc\r\n"
			       "CSeq: 7 INVITE\r\n"
			       "l: 0\r\n\r\n";

static struct hl_message *parse(const char *text)
{
	struct hl_message *message = NULL;
	struct hl_error error = {""};

	if (hl_message_parse(hl_slice_of(text), &message, &error)) {
		diag("%s", error.text);
		ok(false, "the message is read");
		exit(1);
	}
	return message;
}

static bool is_slice(struct hl_slice got, const char *want, const char *name)
{
	char text[512];

	snprintf(text, sizeof(text), "%.*s", HL_SLICE_ARGS(got));
	return is_str(text, want, "%s", name);
}

static void is_written(const struct hl_message *message, const char *want, const char *name)
{
	struct hl_text text;

	hl_text_init(&text);
	is_int(hl_message_write(message, &text), 0, "%s", name);
	is_str(hl_text_string(&text), want, "%s: byte for byte", name);
	hl_text_fini(&text);
}

static void check_fields(void)
{
	struct hl_message *message = parse(reg);
	struct hl_uri uri;
	struct hl_via via;

	ok(hl_message_is_request(message) && !hl_message_status(message), "a request");
	is_int(hl_message_method(message), HL_METHOD_REGISTER, "of method REGISTER");
	is_str(hl_message_method_text(message), "REGISTER", "as text too");
	is_str(hl_message_request_uri(message), "sip:example.com", "Request-URI");
	is_int(hl_message_cseq(message), 2, "CSeq");
	is_str(hl_message_call_id(message), "3848276298220188511@192.168.1.7", "Call-ID");
	is_str(hl_message_from(message),
	       "\"A \\\"Big\\\" Phone\" <sip:1001@example.com;x=%31>;tag=9fxced76sl", "From");
	is_str(hl_message_from_tag(message), "9fxced76sl", "From tag");
	is_str(hl_message_to_tag(message), "", "no To tag");
	is_str(hl_message_from_display(message), "A \"Big\" Phone", "display name, unquoted");
	is_str(hl_message_from_display(message), "A \"Big\" Phone", "display name, from memory");
	ok(!hl_message_from_uri(message, &uri), "From URI");
	is_slice(uri.parameters, "x=%31", "parameters inside the brackets are the URI's");
	ok(!hl_message_to_uri(message, &uri), "To URI");
	is_slice(uri.user, "bob%40home", "the user part stays escaped");
	is_int(uri.port, 5070, "port");
	ok(hl_message_via(message, 0, &via) && via.rport && !via.rport_value && via.port == 5062,
	   "top Via with sent-by port and an empty rport");
	is_slice(via.host, "192.168.1.7", "sent-by host");
	is_slice(via.transport, "UDP", "transport");
	is_slice(via.branch, "z9hG4bK74bf9", "branch");
	ok(!hl_message_via(message, 1, &via), "no second Via");
	hl_message_free(message);
}

static void check_contacts(void)
{
	struct hl_message *message = parse(reg);
	struct hl_contact_field contact;

	ok(!hl_message_contact(message, 0, &contact), "first Contact");
	is_slice(contact.uri, "sip:1001@192.168.1.7:5062;transport=udp", "as it was sent");
	is_int(contact.expires, 120, "expires");
	is_int(contact.q, 750, "q in thousandths");
	is_int(contact.reg_id, 1, "reg-id");
	is_slice(contact.instance, "urn:uuid:00000000-0000-1000-8000-000A95A0E128", "instance");
	ok(!hl_message_contact(message, 1, &contact), "a second behind the comma");
	is_slice(contact.uri, "sip:me@[2001:db8::1]", "not the comma in the quotes");
	ok(contact.expires == -1 && contact.q == -1 && !contact.reg_id && !contact.instance.length,
	   "which has no parameters");
	ok(!hl_message_contact(message, 2, &contact), "a third in compact form");
	is_slice(contact.uri, "sip:third@h", "whose parameters are the header's");
	ok(contact.expires == -2 && contact.q == -2, "and unreadable");
	is_int(hl_message_contact(message, 3, &contact), -ENOENT, "and no fourth");
	hl_message_free(message);

	message = parse(
		REQUEST("REGISTER") "Contact: *\r\nContact: <sip:a@b>;expires=99999999999\r\n\r\n");
	ok(!hl_message_contact(message, 0, &contact) && contact.star, "the star");
	ok(!hl_message_contact(message, 1, &contact) && !contact.star && contact.expires == -2,
	   "an expiry beyond the protocol is none");
	hl_message_free(message);
}

static void check_headers(void)
{
	struct hl_message *message = parse(reg);
	uint64_t number = 5;

	is_str(hl_message_header(message, "Session-Expires", 0), "1800;refresher=uac",
	       "a compact form is found by its full name");
	is_str(hl_message_header(message, "x", 0), "1800;refresher=uac", "and by itself");
	is_str(hl_message_header(message, "x-ODD", 0), "a    b", "folded lines are joined");
	is_str(hl_message_header(message, "Supported", 1), "gruu", "the second of a name");
	is_str(hl_message_header(message, "Supported", 2), NULL, "no third");
	is_str(hl_message_header(message, "Contact", 1), "\"Me, too\" <sip:me@[2001:db8::1]>",
	       "typed headers come as text, value by value");
	is_int(hl_message_header_number(message, "Session-Expires", &number), 0, "a number");
	is_int(number, 1800, "before its parameters");
	is_int(hl_message_header_number(message, "Min-SE", &number), -ENOENT, "not there");
	is_int(hl_message_header_number(message, "k", &number), -EINVAL, "no number");
	is_int(number, 1800, "which leaves the value alone");
	ok(hl_message_lists(message, "Supported", "TIMER"), "a listed token, without case");
	ok(hl_message_lists(message, "Supported", "gruu"), "on another line");
	ok(!hl_message_lists(message, "Supported", "time"), "half a token is none");
	hl_message_free(message);
}

static void check_response_read(void)
{
	struct hl_message *message = parse(response);
	struct hl_via via;

	ok(!hl_message_is_request(message), "a response");
	is_int(hl_message_status(message), 180, "status");
	is_str(hl_message_reason(message), "Ringing now", "reason");
	is_int(hl_message_method(message), HL_METHOD_INVITE, "the method is the CSeq's");
	is_str(hl_message_to_tag(message), "2", "blanks around a tag");
	is_str(hl_message_from_tag(message), "1", "a tag behind a URI without brackets");
	is_str(hl_message_from_display(message), "", "no display name");
	ok(hl_message_via(message, 0, &via) && via.port == 5061, "first of two Vias in a line");
	is_slice(via.host, "[2001:db8::9]", "IPv6 keeps its brackets");
	is_slice(via.received, "::1", "received");
	ok(hl_message_via(message, 1, &via) && !via.port && !via.rport, "the second, without port");
	is_slice(via.host, "b.example", "and its host");
	hl_message_free(message);
}

static void check_written(void)
{
	struct hl_message *message = parse(response), *request;

	is_written(message,
		   "SIP/2.0 180 Ringing now\r\n"
		   "Via: SIP/2.0/TCP [2001:db8::9]:5061;branch=z9hG4bK1;received=::1\r\n"
		   "Via: SIP/2.0/UDP b.example;branch=z9hG4bK2\r\n"
		   "From: sip:a@b.example;tag=1\r\n"
		   "To: <sip:c@d.example> ; tag = 2\r\n"
		   "Call-ID: abc\r\n"
		   "CSeq: 7 INVITE\r\n"
		   "Content-Length: 0\r\n\r\n",
		   "a parsed message, names in full");
	hl_message_free(message);

	request = hl_message_request(HL_METHOD_INVITE, "sip:b@h", "<sip:a@h>;tag=1", "<sip:b@h>",
				     "id1", 4711);
	ok(!hl_message_add_header(request, "X-Plain", " kept ") &&
		   !hl_message_add_header(request, "s", "weather"),
	   "headers are added");
	is_int(hl_message_add_header(request, "X-Plain", "a\r\nVia: evil"), -EINVAL,
	       "a line break is refused");
	is_int(hl_message_add_header(request, "X Plain", "a"), -EINVAL, "a name with a blank too");
	is_int(hl_message_add_header(request, "Contact", "<sip:a"), -EINVAL,
	       "and a Contact that does not parse");
	is_int(hl_message_set_header(request, "To", "nobody"), -EINVAL, "or a To");
	ok(!hl_message_set_body(request, "application/sdp", HL_SLICE_LITERAL("v=0\r\n")) &&
		   !hl_message_set_header(request, "max-forwards", "69") &&
		   !hl_message_via_push(request, "SIP/2.0/UDP a;branch=z9hG4bK1"),
	   "a body, a replaced header, a Via");
	ok(hl_message_has_sdp(request), "it has SDP");
	is_written(request,
		   "INVITE sip:b@h SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
		   "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: id1\r\n"
		   "CSeq: 4711 INVITE\r\nX-Plain: kept\r\nSubject: weather\r\n"
		   "Content-Type: application/sdp\r\nMax-Forwards: 69\r\n"
		   "Content-Length: 5\r\n\r\nv=0\r\n",
		   "a request of ours");
	ok(!hl_message_set_body(request, NULL, hl_slice_of("")) &&
		   !hl_message_set_header(request, "Subject", NULL) &&
		   !hl_message_header(request, "Content-Type", 0) &&
		   !hl_message_header(request, "Subject", 0) && !hl_message_has_sdp(request),
	   "an empty body takes its type along, NULL takes a header away");
	hl_message_free(request);
	ok(!hl_message_request(HL_METHOD_BYE, "sip:b@h", "garbage", "<sip:b@h>", "1", 1) &&
		   !hl_message_request(HL_METHOD_BYE, "sip:b@h", "<sip:b@h>", "<sip:b@h>", "", 1) &&
		   !hl_message_request(HL_METHOD_BYE, "sip: b", "<sip:b@h>", "<sip:b@h>", "1", 1),
	   "malformed values make no request");
}

static void check_end_to_end(void)
{
	struct hl_message *message = parse(REQUEST(
		"INVITE") "Subject: one\r\nx-odd: no\r\no: two\r\nReason: three\r\n\r\n");
	static const char *const want[][2] = {
		{"Subject", "one"}, {"Event", "two"}, {"Reason", "three"}};
	const char *name, *value;
	unsigned place = 0;

	for (size_t i = 0; i < HL_COUNT(want); i++)
		ok(hl_message_end_to_end(message, &place, &name, &value) &&
			   !strcmp(name, want[i][0]) && !strcmp(value, want[i][1]),
		   "%s means the same on both legs", want[i][0]);
	ok(!hl_message_end_to_end(message, &place, &name, &value), "and nothing else does");
	hl_message_free(message);

	message = hl_message_request(HL_METHOD_BYE, "sip:b@h", "<sip:a@h>", "<sip:b@h>", "1", 2);
	ok(!hl_message_set_number(message, "Max-Forwards", 7) &&
		   !hl_message_add_constant(message, "Allow", "BYE, ACK"),
	   "a number, a constant");
	is_written(message,
		   "BYE sip:b@h SIP/2.0\r\nFrom: <sip:a@h>\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\n"
		   "CSeq: 2 BYE\r\nMax-Forwards: 7\r\nAllow: BYE, ACK\r\n"
		   "Content-Length: 0\r\n\r\n",
		   "are headers");
	hl_message_free(message);
}

static void check_response_made(void)
{
	struct hl_message *request = parse(REQUEST(
		"INVITE") "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nTimestamp: 54\r\n\r\n");
	struct hl_message *made;
	char want[1024];
	static const char rest[] =
		"From: \"A \\\"Big\\\" Phone\" <sip:1001@example.com;x=%31>;tag=9fxced76sl\r\n";

	made = hl_message_response(request, 200, NULL, "mytag");
	snprintf(want, sizeof(want),
		 "SIP/2.0 200 OK\r\n"
		 "Via: SIP/2.0/UDP 192.168.1.7:5062;branch=z9hG4bK74bf9;rport\r\n%s"
		 "To: Bob <sip:bob%%40home@example.com:5070>;tag=mytag\r\n"
		 "Call-ID: 3848276298220188511@192.168.1.7\r\nCSeq: 2 INVITE\r\n"
		 "Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n"
		 "Content-Length: 0\r\n\r\n",
		 rest);
	is_written(made, want, "a 200");
	is_str(hl_message_to_tag(made), "mytag", "whose To tag can be read back");
	is_int(hl_message_method(made), HL_METHOD_INVITE, "and its method");
	hl_message_free(made);

	made = hl_message_response(request, 100, NULL, NULL);
	snprintf(want, sizeof(want),
		 "SIP/2.0 100 Trying\r\n"
		 "Via: SIP/2.0/UDP 192.168.1.7:5062;branch=z9hG4bK74bf9;rport\r\n%s"
		 "To: Bob <sip:bob%%40home@example.com:5070>\r\n"
		 "Call-ID: 3848276298220188511@192.168.1.7\r\nCSeq: 2 INVITE\r\n"
		 "Timestamp: 54\r\nContent-Length: 0\r\n\r\n",
		 rest);
	is_written(made, want, "a 100: no tag, no routes, the timestamp");
	hl_message_free(made);

	made = hl_message_response(request, 422, "Too Small", "t");
	ok(!hl_message_header(made, "Record-Route", 0) &&
		   !strcmp(hl_message_reason(made), "Too Small"),
	   "a failure has no routes, and the reason given");
	hl_message_free(made);
	hl_message_free(request);

	request = parse("BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\n"
			"To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n");
	made = hl_message_response(request, 200, NULL, "other");
	is_str(hl_message_to(made), "<sip:a@b>;tag=2", "a To tag that is there stays");
	hl_message_free(made);
	hl_message_free(request);
}

static void check_received(void)
{
	static const struct {
		const char *sent, *source, *want, *name;
	} cases[] = {
		{"SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1", "198.51.100.7:1024",
		 "SIP/2.0/UDP 10.0.0.1:5060;received=198.51.100.7;rport=1024;branch=z9hG4bK1",
		 "rport asked for: both are set"},
		{"SIP/2.0/UDP 198.51.100.7:1024;branch=z9hG4bK1;rport", "198.51.100.7:1024",
		 "SIP/2.0/UDP 198.51.100.7:1024;received=198.51.100.7;rport=1024;branch=z9hG4bK1",
		 "even when nothing differs"},
		{"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", "198.51.100.7:1024",
		 "SIP/2.0/UDP 10.0.0.1;received=198.51.100.7;branch=z9hG4bK1",
		 "rport not asked for: another host is told"},
		{"SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1", "198.51.100.7:1024",
		 "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1", "the same host is not"},
		{"SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK1", "[2001:db8::1]:7",
		 "SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK1", "nor in IPv6"},
		{"SIP/2.0/UDP a.b;received=6.6.6.6;rport=1;rport;branch=z9hG4bK1",
		 "[2001:db8::1]:7", "SIP/2.0/UDP a.b;received=2001:db8::1;rport=7;branch=z9hG4bK1",
		 "what the sender claims about itself is replaced"},
	};

	for (size_t i = 0; i < HL_COUNT(cases); i++) {
		char text[1024];
		struct hl_address source;
		struct hl_message *message;
		struct hl_via via;

		snprintf(text, sizeof(text),
			 "OPTIONS sip:a SIP/2.0\r\nVia: %s\r\nFrom: <sip:a@b>\r\n"
			 "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
			 cases[i].sent);
		message = parse(text);
		hl_address_parse_port(hl_slice_of(cases[i].source), &source);
		is_int(hl_message_via_received(message, &source), 0, "%s", cases[i].name);
		is_str(hl_message_header(message, "Via", 0), cases[i].want, "written so");
		ok(hl_message_via(message, 0, &via) &&
			   via.rport == !!strstr(cases[i].want, "rport") &&
			   (!via.rport || via.rport_value == source.port),
		   "and read so");
		hl_message_free(message);
	}
}

#define HEAD "OPTIONS sip:a SIP/2.0\r\n"
#define VIA "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
#define NAMES "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
#define IDS "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"

/* What is refused, and a word that the text about it has. */
static const struct {
	const char *text, *word;
} bad[] = {
	{"", "no end"},
	{"\r\n\r\n", "no end"},
	{HEAD VIA NAMES IDS, "no end"},
	{"OPTIONS sip:a\r\n" VIA NAMES IDS "\r\n", "neither"},
	{"OPTIONS  sip:a SIP/2.0\r\n" VIA NAMES IDS "\r\n", "neither"},
	{"OPTIONS sip:a SIP/3.0\r\n" VIA NAMES IDS "\r\n", "SIP/2.0"},
	{"OPTIONS <sip:a> SIP/2.0\r\n" VIA NAMES IDS "\r\n", "Request-URI"},
	{"OPTIONS sip:a@b:99999 SIP/2.0\r\n" VIA NAMES IDS "\r\n", "Request-URI"},
	{"SIP/2.0 20 OK\r\n" VIA NAMES IDS "\r\n", "status code"},
	{"SIP/2.0 1000 OK\r\n" VIA NAMES IDS "\r\n", "status code"},
	{"SIP/2.0 099 OK\r\n" VIA NAMES IDS "\r\n", "status code"},
	{HEAD " folded: first\r\n" VIA NAMES IDS "\r\n", "SIP/2.0"},
	{HEAD VIA "no colon here\r\n" NAMES IDS "\r\n", "no header line"},
	{HEAD VIA "Bad name: x\r\n" NAMES IDS "\r\n", "no header line"},
	{HEAD VIA ": x\r\n" NAMES IDS "\r\n", "no header line"},
	{HEAD VIA "X: a\rb\r\n" NAMES IDS "\r\n", "carriage return"},
	{HEAD NAMES IDS "\r\n", "Via is missing"},
	{HEAD "Via: \r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/2.0/UDP\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/2.0/UDP h;branch=z9hG4bK1 (x)\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/2.0/UDP h x;branch=z9hG4bK1\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/2.0/UDP h:70000\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/2.0/UDP h:\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/2.0/UDP [::1\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/2.0/UDP [::1]x\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD "Via: SIP/3.0/UDP h\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD VIA "Via: HTTP/2.0/UDP h\r\n" NAMES IDS "\r\n", "Via cannot be read"},
	{HEAD VIA "From: <sip:a@b\r\nTo: <sip:a@b>\r\n" IDS "\r\n", "From cannot be read"},
	{HEAD VIA "To: <sip:a@b>\r\n" IDS "\r\n", "From is missing"},
	{HEAD VIA "From: \"a <sip:a@b>\r\nTo: <sip:a@b>\r\n" IDS "\r\n", "From cannot be read"},
	{HEAD VIA "From: <sip:a@b>\r\nTo:\r\n" IDS "\r\n", "To cannot be read"},
	{HEAD VIA NAMES "To: <sip:a@b>\r\n" IDS "\r\n", "To comes twice"},
	{HEAD VIA NAMES "t: <sip:a@b>\r\n" IDS "\r\n", "comes twice"},
	{HEAD VIA NAMES "CSeq: 1 OPTIONS\r\n\r\n", "Call-ID"},
	{HEAD VIA NAMES "Call-ID: a b\r\nCSeq: 1 OPTIONS\r\n\r\n", "Call-ID"},
	{HEAD VIA NAMES "Call-ID: 1\r\n\r\n", "CSeq is missing"},
	{HEAD VIA NAMES "Call-ID: 1\r\nCSeq: 1OPTIONS\r\n\r\n", "CSeq cannot be read"},
	{HEAD VIA NAMES "Call-ID: 1\r\nCSeq: OPTIONS\r\n\r\n", "CSeq cannot be read"},
	{HEAD VIA NAMES "Call-ID: 1\r\nCSeq: 2147483648 OPTIONS\r\n\r\n", "CSeq cannot be read"},
	{HEAD VIA NAMES "Call-ID: 1\r\nCSeq: 36893488147419103232 OPTIONS\r\n\r\n", "CSeq cannot"},
	{HEAD VIA NAMES "Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n", "CSeq names INVITE"},
	{HEAD VIA NAMES IDS "Contact: <sip:\r\n\r\n", "Contact cannot be read"},
	{HEAD VIA NAMES IDS "Contact: *x\r\n\r\n", "Contact cannot be read"},
	{HEAD VIA NAMES IDS "Max-Forwards: many\r\n\r\n", "Max-Forwards"},
	{HEAD VIA NAMES IDS "Content-Length: 5\r\n\r\nabcd", "Content-Length says 5"},
	{HEAD VIA NAMES IDS "Content-Length: -1\r\n\r\n", "Content-Length is no number"},
	{HEAD VIA NAMES IDS "l: 99999999999999999999999\r\n\r\n", "Content-Length is no number"},
	{HEAD VIA NAMES IDS "l: 1\r\nContent-Length: 0\r\n\r\na", "comes twice"},
};

static void check_bad(void)
{
	static char many[HL_MESSAGE_MAX + 64] = HEAD VIA NAMES IDS;
	struct hl_contact_field contact;
	struct hl_message *message = NULL;
	struct hl_error error;
	size_t length = strlen(many);

	for (size_t i = 0; i < HL_COUNT(bad); i++) {
		int result = hl_message_parse(hl_slice_of(bad[i].text), &message, &error);

		ok(result == -EBADMSG && strstr(error.text, bad[i].word), "refused: %s",
		   result ? error.text : "(nothing)");
	}
	is_int(hl_message_parse((struct hl_slice){HEAD VIA NAMES IDS "X: a\0b\r\n\r\n",
						  sizeof(HEAD VIA NAMES IDS) + 9},
				&message, &error),
	       -EBADMSG, "a NUL byte among the headers");
	for (int i = 0; i < 252; i++)
		length += (size_t)sprintf(many + length, "X: %d\r\n", i);
	strcpy(many + length, "\r\n");
	is_int(hl_message_parse(hl_slice_of(many), &message, &error), -EBADMSG, "257 headers");
	length = strlen(HEAD VIA NAMES IDS);
	length += (size_t)sprintf(many + length, "Contact: <sip:a@b>");
	for (int i = 0; i < 300; i++)
		length += (size_t)sprintf(many + length, ",<sip:a@b>");
	strcpy(many + length, "\r\n\r\n");
	is_int(hl_message_parse(hl_slice_of(many), &message, &error), -EBADMSG,
	       "301 Contacts in one line");
	length = (size_t)sprintf(many, "REGISTER sip:a SIP/2.0\r\n" VIA NAMES
				       "Call-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@b>");
	for (int i = 0; i < 129; i++)
		length += (size_t)sprintf(many + length, ";a=b");
	strcpy(many + length, "\r\n\r\n");
	message = parse(many);
	is_int(hl_message_contact(message, 0, &contact), -EBADMSG, "a Contact of 129 parameters");
	hl_message_free(message);
	message = NULL;
	memset(many + length, 'x', sizeof(many) - length);
	is_int(hl_message_parse((struct hl_slice){many, HL_MESSAGE_MAX + 1}, &message, &error),
	       -EBADMSG, "65,536 bytes");
	is_int(hl_message_parse(hl_slice_of("?"), &message, NULL), -EBADMSG, "error may be NULL");
	ok(!message, "and no message was made of any of them");
}

static void check_good_will(void)
{
	struct hl_contact_field contact;
	struct hl_message *message;
	struct hl_via via;

	message = parse("\r\n\r\n" HEAD VIA NAMES IDS "l: 3\r\n\r\nabcdef");
	is_slice(hl_message_body(message), "abc", "empty lines before, bytes behind the body");
	hl_message_free(message);
	message = parse("OPTIONS sip:a SIP/2.0\nVia : SIP / 2.0 / UDP  h: 5061 ;branch=z9hG4bK1\n"
			"From:sip:a@b\nTo:<sip:a@b>\n"
			"Call-ID: 1\nCSeq:   1   OPTIONS\n\nbody");
	is_slice(hl_message_body(message), "body", "bare line feeds, blanks anywhere, no length");
	is_str(hl_message_content_type(message), "", "a body without a type");
	hl_message_free(message);
	message = parse("FOO urn:service:sos SIP/2.0\r\n" VIA NAMES
			"Call-ID: 1\r\nCSeq: 0 FOO\r\n\r\n");
	is_int(hl_message_method(message), HL_METHOD_OTHER, "an unknown method");
	is_str(hl_message_method_text(message), "FOO", "keeps its name");
	is_int(hl_message_request_uri_parts(message, &(struct hl_uri){.port = 0}), -EBADMSG,
	       "an unknown scheme is the routing's to refuse");
	hl_message_free(message);
	message = parse("OPTIONS sip:a SIP/2.0\r\nVia:sip/2.0/TLS\t[2001:db8::1] : 7;;x=\"a;branch=1\""
			";Branch = z9hG4bK1;rport=1\r\n" NAMES IDS
			"Contact: <sip:a@b>;x=\"q=0.1;expires=1\";Expires=2;+sip.instance=\"<u;v>\"\r\n\r\n");
	ok(hl_message_via(message, 0, &via) && via.port == 7 && via.rport_value == 1,
	   "a Via with blanks, and an empty parameter");
	is_slice(via.host, "[2001:db8::1]", "its host");
	is_slice(via.transport, "TLS", "its transport");
	is_slice(via.branch, "z9hG4bK1", "a parameter is not looked for inside of quotes");
	ok(!hl_message_contact(message, 0, &contact) && contact.expires == 2 && contact.q == -1,
	   "nor are those of a Contact");
	is_slice(contact.instance, "u;v", "whose instance may have a semicolon");
	hl_message_free(message);
	message = parse("SIP/2.0 200\r\n" VIA NAMES IDS
			"Content-Type: Application/SDP ;x=y\r\n\r\nv");
	is_str(hl_message_reason(message), "", "a status line without reason");
	ok(hl_message_has_sdp(message), "a content type in another case, with a parameter");
	hl_message_free(message);
}

static void check_salvage(void)
{
	struct hl_address source;
	struct hl_text text;

	hl_text_init(&text);
	hl_address_parse_port(HL_SLICE_LITERAL("198.51.100.7:1024"), &source);
	is_int(hl_message_salvage(
		       HL_SLICE_LITERAL("INVITE sip:a SIP/2.0\r\nno header\r\n"
					"v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport\r\n"
					"Via: SIP/2.0/UDP p\r\nFrom: <sip:a@b\r\n ;tag=1\r\n"
					"To: <sip:c@d>;tag=2\r\nTo: twice\r\nCall-ID: 1\1\r\n"
					"CSeq: x INVITE\r\n\r\nVia: no more"),
		       400, "Bad Request", &source, &text),
	       0, "a malformed INVITE can be answered");
	is_str(hl_text_string(&text),
	       "SIP/2.0 400 Bad Request\r\n"
	       "Via: SIP/2.0/UDP 10.0.0.1;received=198.51.100.7;rport=1024;branch=z9hG4bK1\r\n"
	       "Via: SIP/2.0/UDP p\r\nFrom: <sip:a@b   ;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
	       "Call-ID: 1 \r\nCSeq: x INVITE\r\nContent-Length: 0\r\n\r\n",
	       "with the lines that could be made out");
	is_int(hl_message_salvage(
		       HL_SLICE_LITERAL("OPTIONS x SIP/1\r\n" VIA "To: <sip:a@b>\r\n" IDS), 400,
		       "No", &source, &text),
	       0, "without From, without an end");
	ok(strstr(hl_text_string(&text), "To: <sip:a@b>;tag="), "To gets a tag");
	is_int(hl_message_salvage(HL_SLICE_LITERAL("SIP/2.0 200 OK\r\n" VIA NAMES IDS), 400, "No",
				  &source, &text),
	       -EBADMSG, "a response is not answered");
	is_int(hl_message_salvage(HL_SLICE_LITERAL("ACK sip:a SIP/2.0\r\n" VIA NAMES IDS), 400,
				  "No", &source, &text),
	       -EBADMSG, "an ACK neither");
	is_int(hl_message_salvage(HL_SLICE_LITERAL(HEAD NAMES IDS), 400, "No", &source, &text),
	       -EBADMSG, "nor what has no Via");
	is_int(hl_message_salvage(HL_SLICE_LITERAL("GET / HTTP/1.1\r\n" VIA NAMES IDS), 400, "No",
				  &source, &text),
	       -EBADMSG, "nor another protocol");
	is_int(hl_message_salvage(HL_SLICE_LITERAL("\r\n"), 400, "No", &source, &text), -EBADMSG,
	       "nor nothing");
	hl_text_fini(&text);
}

/* Everything a message goes through, with the `nth` allocation failing. */
static int everything(unsigned long nth)
{
	struct hl_message *message = NULL, *answer = NULL;
	struct hl_contact_field contact;
	struct hl_text text;
	int error;

	hl_text_init(&text);
	hl_memory_fail_at(nth);
	error = hl_message_parse(hl_slice_of(reg), &message, NULL);
	if (!error)
		answer = hl_message_response(message, 200, NULL, "tag");
	if (!error && !answer)
		error = -ENOMEM;
	if (!error)
		error = hl_message_add_header(answer, "Contact",
					      hl_message_header(message, "m", 0));
	if (!error)
		error = hl_message_contact(answer, 0, &contact);
	if (!error)
		error = hl_message_set_body(answer, "a/b", HL_SLICE_LITERAL("body"));
	if (!error)
		error = hl_message_write(answer, &text);
	hl_memory_fail_at(0);
	hl_text_fini(&text);
	hl_message_free(answer);
	hl_message_free(message);
	return error;
}

static void check_memory(void)
{
	unsigned long nth = 1;

	while (everything(nth) == -ENOMEM && nth < 1000)
		nth++;
	ok(nth > 1 && nth < 1000 && !everything(nth),
	   "each of %lu allocations may fail, and -ENOMEM is all that comes of it", nth - 1);
}

int main(void)
{
	check_fields();
	check_contacts();
	check_headers();
	check_response_read();
	check_written();
	check_end_to_end();
	check_response_made();
	check_received();
	check_bad();
	check_good_will();
	check_salvage();
	check_memory();
	return done_testing();
}
