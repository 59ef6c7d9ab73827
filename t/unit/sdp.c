/* SDP: what is read, and that a rewritten body differs from the first only where it was meant to.
 */
#include "sip/sdp.h"

#include "tap.h"

#include <errno.h>

#define CRLF(a) a "\r\n"
#define HEAD CRLF("v=0") CRLF("o=alice 2890844526 2890844527 IN IP4 10.0.0.1") CRLF("s=-")

static const char full[] = HEAD CRLF("c=IN IP4 10.0.0.1/127") CRLF("t=0 0") CRLF("a=sendonly")
	CRLF("m=audio 49170/2 RTP/AVP 96 0 101") CRLF("a=rtpmap:0 PCMU/8000")
		CRLF("a=rtpmap:96 opus/48000/2") CRLF("a=sendrecv") CRLF("a=rtcp:53020")
			CRLF("m=video 51372 UDP/TLS/RTP/SAVPF 99") CRLF("c=IN IP6 2001:db8::1")
				CRLF("a=rtcp:53021 IN IP4 10.0.0.2") CRLF("a=rtcp-mux")
					CRLF("m=image 0 udptl t38") CRLF("a=sendrecv")
						CRLF("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x")
							CRLF("m=audio 5000 RTP/AVP 18")
								CRLF("c=IN IP4 0.0.0.0")
									CRLF("a=sendrecv");

static struct hl_address at(const char *text)
{
	struct hl_address address = {.family = 0};

	hl_address_parse_port(hl_slice_of(text), &address);
	return address;
}

static bool is_slice(struct hl_slice got, const char *want, const char *name)
{
	return ok(hl_slice_equal(got, hl_slice_of(want)), "%s", name);
}

static bool is_host(const struct hl_address *got, const char *want)
{
	struct hl_address address = at(want);

	return hl_address_same_host(got, &address);
}

static void check_read(void)
{
	struct hl_sdp sdp;
	char codec[32];

	if (!is_int(hl_sdp_parse(hl_slice_of(full), &sdp, NULL), 0, "four m-lines are read"))
		return;
	is_int(sdp.media_count, 4, "counted");
	is_slice(sdp.origin_version, "2890844527", "o= version");
	is_slice(sdp.media[0].type, "audio", "type");
	is_int(sdp.media[0].port, 49170, "port");
	is_slice(sdp.media[0].protocol, "RTP/AVP", "protocol");
	is_slice(sdp.media[0].formats, "96 0 101", "formats");
	ok(is_host(&sdp.media[0].connection, "10.0.0.1"), "connection of the session");
	ok(!sdp.media[0].rtcp.family && sdp.media[0].rtcp.port == 53020, "rtcp on the same host");
	ok(!sdp.media[0].on_hold && sdp.media[0].direction == HL_SDP_SENDRECV,
	   "the m-line's direction beats the session's");
	ok(!sdp.media[0].encrypted && !sdp.media[0].rtcp_mux, "plain, without rtcp-mux");
	ok(is_host(&sdp.media[1].connection, "2001:db8::1"), "connection of the m-line");
	ok(is_host(&sdp.media[1].rtcp, "10.0.0.2") && sdp.media[1].rtcp.port == 53021 &&
		   sdp.media[1].rtcp_mux,
	   "rtcp elsewhere, rtcp-mux");
	ok(sdp.media[1].encrypted, "encrypted by its protocol");
	ok(sdp.media[1].on_hold && sdp.media[1].direction == HL_SDP_SENDONLY,
	   "on hold by the session's direction");
	ok(!sdp.media[2].port && sdp.media[2].encrypted, "refused, encrypted by a=crypto");
	ok(sdp.media[3].on_hold && sdp.media[3].direction == HL_SDP_SENDRECV, "on hold by 0.0.0.0");
	ok(sdp.encrypted, "the whole counts as encrypted");
	hl_sdp_codec(&sdp, 0, codec);
	is_str(codec, "opus", "codec by rtpmap, of the first format");
	hl_sdp_codec(&sdp, 1, codec);
	is_str(codec, "", "unknown: another m-line's rtpmap is not looked at");
	hl_sdp_codec(&sdp, 2, codec);
	is_str(codec, "t38", "a format that is a name");
	hl_sdp_codec(&sdp, 3, codec);
	is_str(codec, "G729", "a static payload type");
	hl_sdp_codec(&sdp, 4, codec);
	is_str(codec, "", "no such m-line");
}

static void check_variants(void)
{
	struct hl_sdp sdp;

	ok(!hl_sdp_parse(HL_SLICE_LITERAL("v=0\no=- 1 1 IN IP4 h.example\ns=-\nc=IN IP4 h.example\n"
					  "a=fingerprint:sha-256 AA\nm=audio 9 RTP/AVP 0"),
			 &sdp, NULL),
	   "bare line feeds, a name for an address, no end of the last line");
	ok(!sdp.media[0].connection.family && !sdp.media[0].on_hold, "no address, not on hold");
	ok(sdp.encrypted && sdp.media[0].encrypted, "encrypted by the session's fingerprint");
	ok(!hl_sdp_parse(HL_SLICE_LITERAL(HEAD "c=IN IP6 ::\r\nm=audio 9 RTP/AVP 0\r\n\r\n"), &sdp,
			 NULL) &&
		   sdp.media[0].on_hold,
	   "on hold in IPv6, an empty line at the end");
}

static const char bundle[] = HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("a=group:BUNDLE 0 1 2")
	CRLF("m=audio 4000 RTP/AVP 0") CRLF("m=video 4000 RTP/AVP 99") CRLF("m=audio 9 RTP/AVP 0")
		CRLF("m=text 9 RTP/AVP 98") CRLF("m=video 4002 RTP/AVP 99")
			CRLF("c=IN IP4 10.0.0.2") CRLF("m=video 4002 RTP/AVP 99")
				CRLF("m=audio 0 RTP/AVP 0") CRLF("m=audio 0 RTP/AVP 0");

static void check_bundle(void)
{
	static const unsigned shares[] = {0, 0, 2, 3, 4, 5, 6, 7};
	struct hl_sdp sdp;

	ok(!hl_sdp_parse(hl_slice_of(bundle), &sdp, NULL), "a bundle is read");
	for (unsigned i = 0; i < sdp.media_count; i++)
		is_int(sdp.media[i].shares, shares[i], "m-line %u goes over that of %u", i,
		       shares[i]);
}

static void check_ice(void)
{
	struct hl_sdp sdp;

	ok(!hl_sdp_parse(HL_SLICE_LITERAL(HEAD CRLF("c=IN IP4 0.0.0.0") CRLF("m=audio 9 RTP/AVP 0")
						  CRLF("a=ice-ufrag:x")),
			 &sdp, NULL) &&
		   sdp.media[0].ice && !sdp.media[0].on_hold && !sdp.media[0].connection.family,
	   "with ICE, 0.0.0.0 is no hold: the candidates are to come");
}

static void check_codecs(void)
{
	struct hl_sdp sdp;
	char codec[32];

	hl_sdp_parse(HL_SLICE_LITERAL(HEAD CRLF("m=audio 9 RTP/AVP 101 13 8 0") CRLF(
			     "a=rtpmap:101 telephone-event/8000") CRLF("m=audio 9 RTP/AVP 101")
					      CRLF("a=rtpmap:101 telephone-event/8000")),
		     &sdp, NULL);
	hl_sdp_codec(&sdp, 0, codec);
	is_str(codec, "PCMA", "events and noise are no codec");
	hl_sdp_codec(&sdp, 1, codec);
	is_str(codec, "telephone-event", "unless there is nothing else");
}

static void check_bad(void)
{
	static const char *const bad[] = {
		"",
		"hello",
		"o=- 1 1 IN IP4 a\r\nv=0\r\n",
		HEAD "garbage\r\n",
		HEAD "x\r\n",
		"v=0\r\no=- 1\r\n",
		HEAD "c=IN IP5 1.2.3.4\r\n",
		HEAD "c=IN IP4\r\n",
		HEAD "m=audio\r\n",
		HEAD "m=audio 70000 RTP/AVP 0\r\n",
		HEAD "m=audio x RTP/AVP 0\r\n",
		HEAD "m=audio 9 RTP/AVP\r\n",
		HEAD "m=audio 9 RTP/AVP 0\r\na=rtcp:x\r\n",
		HEAD "c=IN IP4 2001:db8::1\r\n",
		HEAD "c=IN IP6 192.0.2.1\r\n",
		HEAD "m=audio 9 RTP/AVP 0\r\na=rtcp:9 IN IP4 ::1\r\n",
	};
	char many[1024] = HEAD;
	struct hl_error error;
	struct hl_sdp sdp;

	for (size_t i = 0; i < HL_COUNT(bad); i++)
		is_int(hl_sdp_parse(hl_slice_of(bad[i]), &sdp, &error), -EBADMSG, "refused: %s",
		       error.text);
	is_int(hl_sdp_parse((struct hl_slice){"v=0\r\ns=\0\r\n", 10}, &sdp, &error), -EBADMSG,
	       "a NUL byte");
	for (int i = 0; i < HL_SDP_MEDIA + 1; i++)
		strcat(many, "m=audio 9 RTP/AVP 0\r\n");
	is_int(hl_sdp_parse(hl_slice_of(many), &sdp, &error), -EBADMSG, "17 m-lines");
}

/* A body before and after, relayed where `ours` names an address. */
static const struct {
	const char *name, *before, *origin, *ours[2];
	unsigned rtcp[2];
	const char *after;
	enum hl_sdp_ice ice;
} rewrites[] = {
	{"nothing relayed: nothing changes",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000/2 RTP/AVP 0") CRLF("a=rtcp:4001"),
	 NULL,
	 {NULL, NULL},
	 {0, 0},
	 .after = HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000/2 RTP/AVP 0")
		 CRLF("a=rtcp:4001")},
	{"one m-line: the session's c= and the port",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("t=0 0") CRLF("m=audio 4000 RTP/AVP 8  0")
		 CRLF("a=x:  y"),
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10001, 0},
	 .after = HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("t=0 0") CRLF("m=audio 10000 RTP/AVP 8  0")
		 CRLF("a=x:  y")},
	{"the m-line's own c=, into IPv6, and our o=",
	 HEAD CRLF("m=audio 4000 RTP/AVP 0") CRLF("c=IN IP4 10.0.0.1")
		 CRLF("a=rtcp:4444 IN IP4 10.0.0.9"),
	 "- 7 8 IN IP6 2001:db8::5",
	 {"[2001:db8::5]:10000", NULL},
	 {10001, 0},
	 .after = CRLF("v=0") CRLF("o=- 7 8 IN IP6 2001:db8::5") CRLF("s=-")
		 CRLF("m=audio 10000 RTP/AVP 0") CRLF("c=IN IP6 2001:db8::5") CRLF("a=rtcp:10001")},
	{"an m-line that is not relayed keeps the session's c=",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000 RTP/AVP 0") CRLF("i=title")
		 CRLF("b=AS:64") CRLF("m=video 5000 RTP/AVP 99"),
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {0, 0},
	 .after = HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 10000 RTP/AVP 0") CRLF("i=title")
		 CRLF("c=IN IP4 192.0.2.1") CRLF("b=AS:64") CRLF("m=video 5000 RTP/AVP 99")},
	{"two relayed at different addresses",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000 RTP/AVP 0") "m=video 5000 RTP/AVP 99",
	 NULL,
	 {"192.0.2.1:10000", "192.0.2.2:10002"},
	 {10001, 10009},
	 .after = HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("m=audio 10000 RTP/AVP 0")
		 CRLF("m=video 10002 RTP/AVP 99") CRLF("c=IN IP4 192.0.2.2") CRLF("a=rtcp:10009")},
	{"hold by 0.0.0.0 stays hold, in the session and in an m-line",
	 HEAD CRLF("c=IN IP4 0.0.0.0") CRLF("m=audio 4000 RTP/AVP 0")
		 CRLF("m=video 5000 RTP/AVP 99") CRLF("c=IN IP4 0.0.0.0"),
	 NULL,
	 {"192.0.2.1:10000", "[2001:db8::5]:10002"},
	 {0, 0},
	 .after = HEAD CRLF("c=IN IP4 0.0.0.0") CRLF("m=audio 10000 RTP/AVP 0")
		 CRLF("m=video 10002 RTP/AVP 99") CRLF("c=IN IP4 0.0.0.0")},
	{"port 0 stays 0, and what it says about RTCP too",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 0 RTP/AVP 0") CRLF("a=rtcp:1")
		 CRLF("m=audio 4000 RTP/AVP 0") CRLF("a=rtcp:1"),
	 NULL,
	 {"192.0.2.1:10000", "192.0.2.1:10002"},
	 {10001, 0},
	 .after = HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("m=audio 0 RTP/AVP 0") CRLF("a=rtcp:1")
		 CRLF("m=audio 10002 RTP/AVP 0")},
	{"rtcp-mux: a=rtcp may name the RTP port",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000 RTP/AVP 0") CRLF("a=rtcp:4000")
		 CRLF("a=rtcp-mux"),
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10001, 0},
	 .after = HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("m=audio 10000 RTP/AVP 0")
		 CRLF("a=rtcp:10000") CRLF("a=rtcp-mux")},
	{"crypto, fingerprint and what nobody knows pass",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("b=AS:64") CRLF("m=audio 4000 RTP/SAVP 0  8")
		 CRLF("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x|2^20") CRLF("a=fingerprint:a B")
			 CRLF("a=x-new: \t odd ") CRLF("y=?"),
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10001, 0},
	 .after =
		 HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("b=AS:64") CRLF("m=audio 10000 RTP/SAVP 0  8")
			 CRLF("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x|2^20")
				 CRLF("a=fingerprint:a B") CRLF("a=x-new: \t odd ") CRLF("y=?")},
#define ICE                                                                                        \
	CRLF("a=ice-ufrag:u")                                                                      \
	CRLF("a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host")                              \
	CRLF("a=candidate:1 2 UDP 2130706430 10.0.0.1 4001 typ host")
	{"ICE passed",
	 HEAD CRLF("c=IN IP4 0.0.0.0") CRLF("m=audio 9 RTP/AVP 0") ICE,
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10001, 0},
	 .after = HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("m=audio 10000 RTP/AVP 0") ICE},
	{"ICE with the relay for a last resort",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000 RTP/AVP 0")
		 ICE CRLF("a=end-of-candidates"),
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10001, 0},
	 .after = HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("m=audio 10000 RTP/AVP 0") CRLF(
		 "a=ice-ufrag:u")
		 CRLF("a=candidate:holdline 1 UDP 16777215 192.0.2.1 10000 typ relay raddr 0.0.0.0 rport 9")
			 CRLF("a=candidate:holdline 2 UDP 16777214 192.0.2.1 10001 typ relay raddr 0.0.0.0 "
			      "rport 9")
				 CRLF("a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host") CRLF(
					 "a=candidate:1 2 UDP 2130706430 10.0.0.1 4001 typ host")
					 CRLF("a=end-of-candidates"),
	 .ice = HL_SDP_ICE_RELAY},
	{"the same before any candidate is known, with rtcp-mux and IPv6",
	 HEAD CRLF("a=ice-ufrag:u") CRLF("m=audio 9 RTP/AVP 0") CRLF("c=IN IP4 0.0.0.0")
		 CRLF("a=rtcp-mux"),
	 NULL,
	 {"[2001:db8::1]:10000", NULL},
	 {10001, 0},
	 .after = HEAD CRLF("a=ice-ufrag:u") CRLF("m=audio 10000 RTP/AVP 0")
		 CRLF("c=IN IP6 2001:db8::1") CRLF("a=rtcp-mux")
			 CRLF("a=candidate:holdline 1 UDP 16777215 2001:db8::1 10000 typ relay "
			      "raddr :: rport 9"),
	 .ice = HL_SDP_ICE_RELAY},
	{"ICE taken out",
	 HEAD CRLF("a=ice-lite") CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000 RTP/AVP 0")
		 ICE CRLF("a=ice-pwd:p") CRLF("a=ice-options:trickle") CRLF("a=sendrecv"),
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10001, 0},
	 .after =
		 HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("m=audio 10000 RTP/AVP 0") CRLF("a=sendrecv"),
	 .ice = HL_SDP_ICE_REMOVE},
	{"no ICE, nothing added",
	 HEAD CRLF("c=IN IP4 10.0.0.1") CRLF("m=audio 4000 RTP/AVP 0"),
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10001, 0},
	 .after = HEAD CRLF("c=IN IP4 192.0.2.1") CRLF("m=audio 10000 RTP/AVP 0"),
	 .ice = HL_SDP_ICE_RELAY},
	{"bare line feeds stay, a missing c= is put in",
	 "v=0\no=- 1 1 IN IP4 h\nm=audio 4000 RTP/AVP 0",
	 NULL,
	 {"192.0.2.1:10000", NULL},
	 {10005, 0},
	 .after =
		 "v=0\no=- 1 1 IN IP4 h\nm=audio 10000 RTP/AVP 0\nc=IN IP4 192.0.2.1\na=rtcp:10005\n"},
};

static void check_rewrites(void)
{
	for (size_t i = 0; i < HL_COUNT(rewrites); i++) {
		struct hl_sdp_edit edit = {.origin = rewrites[i].origin, .ice = rewrites[i].ice};
		struct hl_text out;
		struct hl_sdp sdp;

		for (int m = 0; m < 2; m++) {
			edit.media[m].relayed = rewrites[i].ours[m];
			edit.media[m].rtcp_port = rewrites[i].rtcp[m];
			if (rewrites[i].ours[m])
				edit.media[m].rtp = at(rewrites[i].ours[m]);
		}
		hl_text_init(&out);
		ok(!hl_sdp_parse(hl_slice_of(rewrites[i].before), &sdp, NULL) &&
			   !hl_sdp_rewrite(&sdp, &edit, &out),
		   "%s", rewrites[i].name);
		is_str(hl_text_string(&out), rewrites[i].after, "byte for byte");
		hl_text_fini(&out);
	}
}

int main(void)
{
	check_read();
	check_variants();
	check_bundle();
	check_ice();
	check_codecs();
	check_bad();
	check_rewrites();
	return done_testing();
}
