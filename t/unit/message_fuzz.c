/* The fuzz target of t/fuzz over mutations of good messages, with a fixed seed, for about a second:
 * bytes changed, dropped, doubled, lines moved between messages. It passes when it comes back. */
#include "../fuzz/message.h"

#include "base/clock.h"
#include "base/export.h"

#include "tap.h"

#include <stdlib.h>

enum { ROUNDS = 60000, SIZE = 8192, CHECK_EVERY = 64 };

static const char *const corpus[] = {
	"REGISTER sip:example.com SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.168.1.7:5062;branch=z9hG4bK74bf9;rport, SIP/2.0/TCP [::1]:9;received=::2\r\n"
	"From: \"A \\\"B\\\"\" <sip:1001@example.com;x=%31?a=b&c=d>;tag=9fxced76sl\r\n"
	"To: sip:1001@example.com\r\nCall-ID: 384@192.168.1.7\r\nCSeq: 2 REGISTER\r\n"
	"Contact: <sip:1001@192.168.1.7>;q=0.7;expires=120;+sip.instance=\"<urn:uuid:0>\",\"x,y\" <tel:1>\r\n"
	"m: *\r\nk: path, timer\r\nX-Odd: a\r\n\tb\r\nMax-Forwards: 70\r\n"
	"Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:a\", response=\"d\"\r\n"
	"Content-Length: 0\r\n\r\n",
	"SIP/2.0 200 OK\r\nv: SIP / 2.0 / UDP h : 5060 ;branch = z9hG4bK1\r\n"
	"f: A B <sips:a:pw@[2001:db8::1]:5061>;tag=1\r\nt: <sip:c@d> ; tag = 2 \r\ni: abc\r\n"
	"CSeq: 7 INVITE\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nl: 4\r\n\r\nbody",
	"INVITE sip:%41%20b@[::1]:5060;transport=udp;lr?x=y SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.0.0.1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\n"
	"CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nx: 90;refresher=uas\r\n\r\n"
	"v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1/3\r\nt=0 0\r\n"
	"m=audio 4000/2 RTP/AVP 96 8\r\na=rtpmap:96 opus/48000/2\r\na=rtcp:4001 IN IP6 ::1\r\n"
	"m=video 0 RTP/SAVP 99\r\nc=IN IP6 ::\r\na=inactive\r\n",
};

static const char *const spice[] = {
	"\r\n",
	"\r\n ",
	"\n",
	"\r",
	";",
	",",
	"<",
	"\"",
	">",
	"@",
	"[",
	"]",
	":",
	"%00",
	"\\",
	"*",
	"sip:",
	"=",
	"\t",
	"(",
	"?",
	"&",
	"Via: ",
	"m=audio 1 RTP/AVP 0\r\n",
	"c=IN IP4 0.0.0.0\r\n",
	";rport;rport",
	"4294967296",
	"-1",
	"\xff\xfe",
};

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

static size_t draw(size_t bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return bound ? state % bound : 0;
}

/* Puts `length` bytes in at `at`; what does not fit falls off the end. */
static size_t put_in(char *data, size_t size, size_t at, const char *bytes, size_t length)
{
	if (size + length > SIZE)
		return size;
	memmove(data + at + length, data + at, size - at);
	memcpy(data + at, bytes, length);
	return size + length;
}

static size_t mutate(char *data, size_t size)
{
	size_t at = draw(size), length = draw(20);
	const char *other;

	switch (draw(6)) {
	case 0: data[at] = (char)draw(256); return size;
	case 1:
		length = length < size - at ? length : size - at;
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	case 2:
		other = spice[draw(HL_COUNT(spice))];
		return put_in(data, size, at, other, strlen(other));
	case 3:
		other = corpus[draw(HL_COUNT(corpus))];
		length = draw(80);
		at = draw(strlen(other));
		length = length < strlen(other + at) ? length : strlen(other + at);
		return put_in(data, size, draw(size), other + at, length);
	case 4:
		other = spice[draw(HL_COUNT(spice))];
		for (length = draw(40); length; length--)
			size = put_in(data, size, at, other, strlen(other));
		return size;
	default: return draw(8) ? size : at;
	}
}

int main(void)
{
	uint64_t end = hl_clock_real() + HL_SECOND;
	unsigned round;

	for (size_t i = 0; i < HL_COUNT(corpus); i++)
		LLVMFuzzerTestOneInput((const uint8_t *)corpus[i], strlen(corpus[i]));
	ok(true, "good messages");
	for (round = 0; round < ROUNDS; round++) {
		const char *seed = corpus[draw(HL_COUNT(corpus))];
		size_t size = strlen(seed);
		char *data = malloc(SIZE), *exact;

		memcpy(data, seed, size);
		for (size_t times = 1 + draw(6); times && size; times--)
			size = mutate(data, size);
		exact = malloc(size ? size : 1); /* so that a sanitizer sees one byte too many */
		memcpy(exact, data, size);
		LLVMFuzzerTestOneInput((const uint8_t *)exact, size);
		free(exact);
		free(data);
		if (round % CHECK_EVERY == 0 && hl_clock_real() > end)
			break;
	}
	ok(round > 0, "%u mutations, none of which crashed it or was written otherwise than read",
	   round);
	return done_testing();
}
