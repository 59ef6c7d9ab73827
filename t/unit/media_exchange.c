/* Offers and answers of media-proxy on a core that is made of stubs: what each leg sees, which
 * ports it gets and keeps, forks, a full range, loops, hold, and the media time-out. */
#include "../../plugins/media-proxy/exchange.h"
#include "../../plugins/media-proxy/report.h"
#include "../../plugins/media-proxy/silence.h"

#include "media_stub.h"
#include "tap.h"
#include "wire.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The phones. */

struct phone {
	int fd;
	struct hl_address address;
};

static struct phone phones[LEGS];

static void phone_open(struct phone *phone)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	phone->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (bind(phone->fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	phone->address = socket_address(phone->fd);
}

static void call_begin(int mode)
{
	memset(&call, 0, sizeof(call));
	for (int i = 0; i < LEGS; i++) {
		struct hl_leg *leg = &call.legs[i];

		leg->call = &call;
		leg->side = i ? HL_SIDE_CALLEE : HL_SIDE_CALLER;
		leg->network = "";
		leg->flow.remote = phones[i].address;
		hl_address_parse_port(HL_SLICE_LITERAL("127.0.0.1:5060"), &leg->flow.local);
	}
	settings.mode = mode;
}

static void call_finish(struct hl_cdr *cdr)
{
	memset(cdr, 0, sizeof(*cdr));
	hl_text_init(&cdr->streams);
	for (int i = 0; i < LEGS; i++)
		hl_media_leg_ended(&media, &call.legs[i]);
	hl_media_ended(&media, &call, cdr);
}

static void call_drop(void)
{
	struct hl_cdr cdr;

	call_finish(&cdr);
	hl_text_fini(&cdr.streams);
}

/* An SDP with one audio m-line at that port, and `more` behind it. */
static const char *sdp(unsigned port, const char *more)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "v=0\r\no=phone 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n%s",
		 port, more);
	return text;
}

static const char *own_sdp(int phone, const char *more)
{
	return sdp(phones[phone].address.port, more);
}

static char seen[2048]; /* what the stage wrote last */

static int stage(int (*run)(struct hl_media *, struct hl_call *, struct hl_leg *, struct hl_leg *,
			    struct hl_slice, struct hl_text *),
		 int from, int to, const char *body)
{
	struct hl_text text;
	int answer;

	hl_text_init(&text);
	answer = run(&media, &call, &call.legs[from], &call.legs[to], hl_slice_of(body), &text);
	snprintf(seen, sizeof(seen), "%s", hl_text_string(&text));
	hl_text_fini(&text);
	return answer;
}

static int offer(int from, int to, const char *body)
{
	return stage(hl_media_offer, from, to, body);
}

static int answer(int from, int to, const char *body)
{
	return stage(hl_media_answer, from, to, body);
}

/* The port of the first m-line in `seen`, 0 when there is none. */
static unsigned seen_port(void)
{
	const char *line = strstr(seen, "m=audio ");

	return line ? (unsigned)strtoul(line + 8, NULL, 10) : 0;
}

static unsigned seen_version(void)
{
	const char *line = strstr(seen, "o=- ");

	return line ? (unsigned)strtoul(strchr(line + 4, ' ') + 1, NULL, 10) : 0;
}

static void send_rtp(int phone, unsigned port)
{
	uint8_t packet[172] = {0x80};
	struct hl_address to = phones[phone].address;
	struct sockaddr_storage storage;
	socklen_t length;

	to.port = (uint16_t)port;
	length = hl_address_to_sockaddr(&to, &storage);
	sendto(phones[phone].fd, packet, sizeof(packet), 0, (struct sockaddr *)&storage, length);
}

static bool hears(int phone)
{
	struct pollfd wait = {phones[phone].fd, POLLIN, 0};
	uint8_t packet[200];

	return poll(&wait, 1, 5000) == 1 &&
	       recv(phones[phone].fd, packet, sizeof(packet), 0) == 172;
}

/* What is said before the worker has heard of the answer is lost, as on the wire: a phone goes on
 * talking, and so do we. */
static bool reaches(int from, unsigned port, int to)
{
	struct pollfd wait = {phones[to].fd, POLLIN, 0};

	for (int tries = 0; tries < 100; tries++) {
		send_rtp(from, port);
		if (poll(&wait, 1, 50) == 1)
			return hears(to);
	}
	return false;
}

static bool deaf(int phone)
{
	uint8_t packet[200];

	return recv(phones[phone].fd, packet, sizeof(packet), 0) < 0;
}

static struct hl_port_figures ports_now(void)
{
	struct hl_port_figures figures;

	hl_ports_figures(media.ports, &figures);
	return figures;
}

/* The tests. */

static void relayed(void)
{
	struct hl_cdr cdr;
	unsigned to_callee, to_caller;

	call_begin(HL_MEDIA_ON);
	is_int(offer(0, 1, own_sdp(0, "")), HL_DONE, "an offer is rewritten");
	to_callee = seen_port();
	is_int(to_callee % 2, 0, "the callee gets an even port");
	ok(to_callee && to_callee != phones[0].address.port, "of ours");
	ok(!strstr(seen, "o=phone"), "and an origin of ours");
	is_int(answer(1, 0, own_sdp(1, "")), HL_DONE, "so is the answer");
	to_caller = seen_port();
	ok(to_caller && to_caller != to_callee, "the caller gets another port");
	is_int(ports_now().used, 2, "a pair for each leg");
	ok(reaches(0, to_caller, 1), "the callee hears the caller");
	ok(reaches(1, to_callee, 0), "and the caller the callee");
	call_finish(&cdr);
	ok(cdr.media_relayed, "the record says relayed");
	is_str(cdr.media_reason, "mode:on", "why");
	is_str(cdr.codec, "PCMU", "which codec");
	ok(strstr(hl_text_string(&cdr.streams), "\"caller\":{\"packets\":1,\"bytes\":172"),
	   "and what came from the caller");
	ok(strstr(hl_text_string(&cdr.streams), "\"callee\":{\"packets\":1,\"bytes\":172"),
	   "and from the callee");
	hl_text_fini(&cdr.streams);
	is_int(ports_now().used, 0, "the ports are free again");
}

static void direct(void)
{
	struct hl_cdr cdr;

	call_begin(HL_MEDIA_OFF);
	is_int(offer(0, 1, own_sdp(0, "")), HL_NEXT, "mode off: the offer passes untouched");
	is_int(answer(1, 0, own_sdp(1, "")), HL_NEXT, "the answer too");
	is_int(offer(1, 0, own_sdp(1, "a=sendonly\r\n")), HL_NEXT, "and later ones");
	is_int(ports_now().used, 0, "no port is used");
	call_finish(&cdr);
	ok(!cdr.media_relayed, "the record says direct");
	is_str(cdr.media_reason, "mode:off", "why");
	is_str(cdr.codec, "PCMU", "and which codec all the same");
	is_int(cdr.streams.length, 0, "no streams");
	call_begin(HL_MEDIA_OFF);
	is_int(offer(0, 1, "no SDP"), HL_NEXT, "what is no SDP is not ours to refuse");
	call_drop();
}

static void decisions(void)
{
	call_begin(HL_MEDIA_AUTO);
	offer(0, 1, own_sdp(0, "a=fingerprint:sha-256 AA\r\n"));
	is_str(call.space.verdict.reason, "auto:3 encrypted media", "the SDP is asked");
	call_drop();
	call_begin(HL_MEDIA_AUTO);
	call.legs[1].nat = true;
	offer(0, 1, own_sdp(0, ""));
	is_str(call.space.verdict.reason, "auto:5 callee behind NAT", "the callee's leg is asked");
	call.legs[2].network = "office";
	offer(0, 2, own_sdp(0, ""));
	is_str(call.space.verdict.reason, "auto:4 different networks", "each fork by itself");
	answer(1, 0, own_sdp(1, ""));
	is_str(call.space.verdict.reason, "auto:5 callee behind NAT",
	       "the one that answers counts");
	call_drop();
	call_begin(HL_MEDIA_AUTO);
	call.legs[1].party.media_proxy = HL_MEDIA_ON;
	offer(1, 0, own_sdp(1, ""));
	is_str(call.space.verdict.reason, "auto:1 callee requires it",
	       "an offer of the callee's (in its 200) decides too");
	call_drop();
	call_begin(HL_MEDIA_AUTO);
	policy = (struct hl_media_decision){.on = true, .rule = "branch office"};
	policy_decides = true;
	offer(0, 1, own_sdp(0, ""));
	policy_decides = false;
	is_str(call.space.verdict.reason, "policy: branch office", "the policy is asked");
	call_drop();
}

/* IPv4 and IPv6 cannot hear each other without the relay. */
static void families(void)
{
	call_begin(HL_MEDIA_AUTO);
	call.legs[1].flow.remote.family = AF_INET6;
	offer(0, 1, own_sdp(0, ""));
	is_str(call.space.verdict.reason, "families: IPv4 and IPv6", "two families are relayed");
	call_drop();
	call_begin(HL_MEDIA_OFF);
	call.legs[1].flow.remote.family = AF_INET6;
	is_int(offer(0, 1, own_sdp(0, "")), HL_NEXT, "unless somebody says no: then it is logged");
	is_str(call.space.verdict.reason, "mode:off", "and stays as it was told");
	call_drop();
}

/* Two m-lines over one port on one side go over one port on the other (RFC 8843). */
static void bundled(void)
{
	char lines[128];
	unsigned port;

	call_begin(HL_MEDIA_ON);
	offer(0, 1, own_sdp(0, "m=video 7000 RTP/AVP 99\r\nm=text 0 RTP/AVP 98\r\n"));
	is_int(ports_now().used, 4, "a bundle is offered with a port for each m-line");
	snprintf(lines, sizeof(lines), "m=video %u RTP/AVP 99\r\nm=text %u RTP/AVP 98\r\n",
		 phones[1].address.port, phones[1].address.port);
	answer(1, 0, own_sdp(1, lines));
	port = seen_port();
	snprintf(lines, sizeof(lines), "m=video %u ", port);
	ok(strstr(seen, lines), "and answered with the first one's for all:\n%s", seen);
	snprintf(lines, sizeof(lines), "m=text %u ", port);
	ok(strstr(seen, lines), "those that had none as well");
	ok(reaches(0, port, 1), "which is relayed");
	snprintf(lines, sizeof(lines), "m=video %u RTP/AVP 99\r\nm=text %u RTP/AVP 98\r\n",
		 phones[0].address.port, phones[0].address.port);
	offer(0, 1, own_sdp(0, lines));
	snprintf(lines, sizeof(lines), "m=text %u ", seen_port());
	ok(strstr(seen, lines), "the next offer goes on with it");
	call_drop();
}

/* What a phone says before its answer has come is not lost. */
static void before_the_answer(void)
{
	unsigned to_callee;

	call_begin(HL_MEDIA_ON);
	offer(0, 1, own_sdp(0, ""));
	to_callee = seen_port();
	ok(reaches(1, to_callee, 0), "the caller hears the callee before its answer");
	answer(1, 0, own_sdp(1, ""));
	ok(reaches(1, to_callee, 0), "and after it");
	call_drop();
}

static void versions_and_ports(void)
{
	unsigned to_callee, to_caller;
	char before[sizeof(seen)];

	call_begin(HL_MEDIA_ON);
	offer(0, 1, own_sdp(0, ""));
	to_callee = seen_port();
	is_int(seen_version(), 1, "the first SDP is version 1");
	answer(1, 0, own_sdp(1, ""));
	to_caller = seen_port();
	memcpy(before, seen, sizeof(seen));
	answer(1, 0, own_sdp(1, ""));
	is_str(seen, before, "the same answer again is the same, byte for byte");
	offer(1, 0, own_sdp(1, "a=sendonly\r\n"));
	is_int(seen_version(), 2, "a change raises the version");
	is_int(seen_port(), to_caller, "and keeps the port");
	answer(0, 1, own_sdp(0, "a=recvonly\r\n"));
	is_int(seen_version(), 2, "on the other leg as well");
	is_int(seen_port(), to_callee, "whoever offers");
	is_int(ports_now().used, 2, "no further port is used");
	offer(0, 1, own_sdp(0, "m=video 6000 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"));
	is_int(ports_now().used, 4, "but for a new m-line");
	is_int(seen_port(), to_callee, "beside the old one");
	call_drop();
	is_int(ports_now().used, 0, "all are given back");
}

static void other_lines(void)
{
	call_begin(HL_MEDIA_ON);
	offer(0, 1,
	      own_sdp(0,
		      "m=video 0 RTP/AVP 99\r\nm=message 7654 TCP/MSRP *\r\nm=image 7000 udptl t38\r\n"));
	ok(strstr(seen, "m=video 0 "), "a refused m-line stays refused");
	ok(strstr(seen, "m=message 7654 "), "TCP is left alone");
	ok(!strstr(seen, "m=image 7000 ") && strstr(seen, "udptl t38"), "T.38 is relayed");
	is_int(ports_now().used, 4, "two m-lines on two legs need four pairs");
	call_drop();
}

static void forks(void)
{
	unsigned first, second, to_caller;

	call_begin(HL_MEDIA_ON);
	offer(0, 1, own_sdp(0, ""));
	first = seen_port();
	offer(0, 2, own_sdp(0, ""));
	second = seen_port();
	is_int(ports_now().used, 3, "two phones ring: three legs, three pairs");
	answer(1, 0, own_sdp(1, ""));
	to_caller = seen_port();
	ok(reaches(1, first, 0), "early media of the first");
	answer(2, 0, own_sdp(2, ""));
	is_int(seen_port(), to_caller, "the caller's port stays when the second answers");
	hl_media_leg_ended(&media, &call.legs[1]);
	is_int(ports_now().used, 2, "the loser's port is given back");
	ok(reaches(2, second, 0), "the second is heard");
	ok(reaches(0, to_caller, 2), "and hears");
	ok(deaf(1), "the first does not");
	call_drop();
}

static void full_range(void)
{
	char lines[512] = "";

	for (int i = 1; i < 11; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			 "m=video %d RTP/AVP 99\r\n", 6000 + 2 * i);
	call_begin(HL_MEDIA_ON);
	is_int(offer(0, 1, own_sdp(0, lines)), 503, "22 pairs where there are 20: 503");
	is_int(ports_now().used, 0, "and nothing is held");
	is_int(ports_now().refused, 1, "it is counted");
	is_int(offer(0, 2, own_sdp(0, "")), HL_DONE, "another phone may be called with less");
	call_drop();
}

static void loops(void)
{
	unsigned to_callee;

	call_begin(HL_MEDIA_ON);
	offer(0, 1, own_sdp(0, ""));
	to_callee = seen_port();
	is_int(answer(1, 0, sdp(to_callee, "")), 488, "an answer that is our own port: 488");
	is_int(answer(1, 0, own_sdp(1, "")), HL_DONE, "a true one");
	is_int(offer(0, 1, sdp(to_callee, "")), 488, "an offer that is our own port");
	is_int(offer(0, 2, sdp(to_callee + 1u, "")), HL_NEXT, "as a first offer");
	is_str(call.space.verdict.reason, "direct: relayed already", "goes direct");
	call_drop();
}

static void say(int phone, unsigned port, int listener)
{
	send_rtp(phone, port);
	if (!hears(listener))
		diag("phone %d is not heard", phone);
}

/* A call that has been answered, with media; the ports that the two send to. */
static void talk(unsigned *to_switch)
{
	call_begin(HL_MEDIA_ON);
	offer(0, 1, own_sdp(0, ""));
	to_switch[1] = seen_port();
	answer(1, 0, own_sdp(1, ""));
	to_switch[0] = seen_port();
	call.answered = hl_clock_now();
	say(0, to_switch[0], 1);
	say(1, to_switch[1], 0);
}

static void timeouts(void)
{
	unsigned to_switch[2];

	settings.media_timeout = 60;
	hl_silence_start(&media);
	talk(to_switch);
	hl_loop_advance(loop, 50000);
	say(0, to_switch[0], 1);
	hl_loop_advance(loop, 58000);
	ok(!call.ended, "both: a call is left alone while one side talks");
	hl_loop_advance(loop, 4000);
	is_str(call.ended, "media-timeout", "and ended when both are silent");
	call_drop();

	settings.media_timeout_when = HL_TIMEOUT_EITHER;
	talk(to_switch);
	hl_loop_advance(loop, 50000);
	say(0, to_switch[0], 1);
	ok(!call.ended, "either: not yet");
	hl_loop_advance(loop, 12000);
	is_str(call.ended, "media-timeout", "one side silent is enough");
	call_drop();

	settings.media_timeout = 0;
	talk(to_switch);
	hl_loop_advance(loop, 86400000);
	ok(!call.ended, "0: never");
	call_drop();
	hl_silence_stop(&media);
}

static void one_way(void)
{
	unsigned to_switch[2];

	settings.media_timeout = 0;
	settings.one_way_after = 10;
	hl_silence_start(&media);
	talk(to_switch);
	hl_loop_advance(loop, 8000);
	say(0, to_switch[0], 1);
	hl_loop_advance(loop, 1000);
	ok(!call.space.one_way, "a pause is no fault");
	hl_loop_advance(loop, 3000);
	ok(call.space.one_way, "one side silent for one_way_after while the other talks is");
	is_int(call.space.silent, HL_SIDE_CALLEE, "and which one is known");
	say(1, to_switch[1], 0);
	hl_loop_advance(loop, 2000);
	ok(!call.space.one_way, "when both are heard it is over");
	hl_loop_advance(loop, 60000);
	ok(!call.space.one_way, "silence on both sides is something else");
	call_drop();
	hl_silence_stop(&media);
}

static void hold(void)
{
	unsigned to_switch[2];

	settings.media_timeout = 60;
	settings.media_timeout_when = HL_TIMEOUT_BOTH;
	hl_silence_start(&media);
	talk(to_switch);
	offer(1, 0, own_sdp(1, "a=sendonly\r\n"));
	answer(0, 1, own_sdp(0, "a=recvonly\r\n"));
	hl_loop_advance(loop, 600000);
	ok(!call.ended, "a call on hold is left alone");
	offer(1, 0, own_sdp(1, ""));
	answer(0, 1, own_sdp(0, ""));
	hl_loop_advance(loop, 50000);
	ok(!call.ended, "taken back, it has its time again");
	hl_loop_advance(loop, 12000);
	is_str(call.ended, "media-timeout", "and no more");
	call_drop();
	call_begin(HL_MEDIA_ON);
	offer(0, 1, own_sdp(0, ""));
	answer(1, 0, own_sdp(1, ""));
	hl_loop_advance(loop, 600000);
	ok(!call.ended, "early media are left alone");
	call_drop();
	hl_silence_stop(&media);
}

int main(void)
{
	struct hl_error error;

	hl_log_setup(HL_LOG_ERROR, HL_LOG_TEXT);
	loop = hl_loop_new(&error);
	settings.learn_window = 3;
	settings.learn_prefix = 32;
	settings.learn_prefix6 = 128;
	media.engine = &hl_engine_relay;
	settings.between_net = settings.behind_nat = true;
	settings.port_range.low = 20000 + getpid() % 250 * 40;
	settings.port_range.high = settings.port_range.low + 39;
	hl_clock_fake(hl_clock_now());
	hl_list_init(&media.calls);
	media.ports = hl_ports_new(&settings.port_range);
	media.relay = hl_relay_new(1, &error);
	for (int i = 0; i < LEGS; i++)
		phone_open(&phones[i]);
	relayed();
	direct();
	decisions();
	families();
	bundled();
	before_the_answer();
	versions_and_ports();
	other_lines();
	forks();
	full_range();
	loops();
	timeouts();
	one_way();
	hold();
	ok(hl_list_empty(&media.calls), "no call is left");
	for (int i = 0; i < LEGS; i++)
		close(phones[i].fd);
	hl_relay_free(media.relay);
	hl_ports_free(media.ports);
	hl_loop_free(loop);
	return done_testing();
}
