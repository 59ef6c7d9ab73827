/* The relay on real sockets and a real worker thread: bytes unchanged both ways, strangers dropped,
 * RTCP, nothing lost, forks, figures. */
#include "../../plugins/media-proxy/relay.h"

#include "tap.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { RTP, RTCP, PATIENCE = 5000 /* ms */ };

struct phone {
	int fds[2];
	struct hl_address address[2];
};

/* One end of a stream: the phone, and the side of the relay that faces it. */
struct end {
	struct phone phone;
	struct hl_relay_side *side;
	struct hl_address relay[2];
};

static struct hl_relay *relay;
static unsigned worker; /* of the ends that are opened */

static int open_socket(const char *host, struct hl_address *address)
{
	struct sockaddr_storage storage;
	socklen_t length;
	int fd;

	hl_address_parse(hl_slice_of(host), address);
	length = hl_address_to_sockaddr(address, &storage);
	fd = socket(address->family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&storage, length))
		return -1;
	*address = socket_address(fd);
	return fd;
}

static bool end_open(struct end *end, const char *host, const char *leg, bool known)
{
	struct hl_relay_terms terms = {.clock_rate = 8000};
	int fds[2];

	for (int i = RTP; i <= RTCP; i++) {
		end->phone.fds[i] = open_socket(host, &end->phone.address[i]);
		fds[i] = open_socket(host, &end->relay[i]);
		if (fds[i] < 0 || end->phone.fds[i] < 0)
			return false;
	}
	terms.rtp.signalling = terms.rtcp.signalling = end->phone.address[RTP];
	terms.rtp.window = terms.rtcp.window = 3 * HL_SECOND;
	terms.rtp.prefix = terms.rtcp.prefix = 32;
	terms.rtp.prefix6 = terms.rtcp.prefix6 = 128;
	if (known) {
		terms.rtp.sdp = end->phone.address[RTP];
		terms.rtcp.sdp = end->phone.address[RTCP];
	}
	return !hl_relay_side_new(relay, worker, fds, "c1", leg, &terms, &end->side);
}

static void end_close(struct end *end)
{
	hl_relay_side_free(end->side);
	close(end->phone.fds[RTP]);
	close(end->phone.fds[RTCP]);
}

static size_t packet_make(uint8_t *data, uint16_t sequence, uint32_t ssrc, size_t payload)
{
	uint32_t timestamp = htonl(160u * sequence), source = htonl(ssrc);

	data[0] = 0x80;
	data[1] = 0;
	data[2] = (uint8_t)(sequence >> 8);
	data[3] = (uint8_t)sequence;
	memcpy(data + 4, &timestamp, 4);
	memcpy(data + 8, &source, 4);
	for (size_t i = 0; i < payload; i++)
		data[12 + i] = (uint8_t)(sequence * 7 + i);
	return 12 + payload;
}

static void send_to(int fd, const struct hl_address *to, const void *data, size_t length)
{
	struct sockaddr_storage storage;
	socklen_t size = hl_address_to_sockaddr(to, &storage);

	if (sendto(fd, data, length, 0, (struct sockaddr *)&storage, size) < 0)
		diag("sendto: %s", strerror(errno));
}

/* The next datagram, or −1 when none comes. */
static ssize_t receive(int fd, uint8_t *data, size_t size, struct hl_address *from)
{
	struct pollfd wait = {fd, POLLIN, 0};
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	ssize_t got;

	if (poll(&wait, 1, PATIENCE) != 1)
		return -1;
	got = recvfrom(fd, data, size, 0, (struct sockaddr *)&storage, &length);
	if (from)
		hl_address_from_sockaddr(from, (struct sockaddr *)&storage);
	return got;
}

static bool silent(int fd)
{
	uint8_t byte;

	return recv(fd, &byte, 1, 0) < 0;
}

/* Sends one packet from `a` and sees that it arrives at `b` as it was. */
static bool passes(struct end *a, struct end *b, int channel, const uint8_t *data, size_t length)
{
	uint8_t got[9000];
	struct hl_address from;
	ssize_t size;

	send_to(a->phone.fds[channel], &a->relay[channel], data, length);
	size = receive(b->phone.fds[channel], got, sizeof(got), &from);
	return size == (ssize_t)length && !memcmp(got, data, length) &&
	       hl_address_equal(&from, &b->relay[channel]);
}

/* `count` packets both ways, in bursts that fit into any socket buffer. */
static unsigned exchange(struct end *a, struct end *b, unsigned count)
{
	struct end *ends[] = {a, b};
	uint8_t sent[200], got[2048];
	unsigned same = 0;

	for (unsigned first = 0; first < count; first += 20) {
		for (unsigned i = first; i < first + 20; i++)
			for (int e = 0; e < 2; e++)
				send_to(ends[e]->phone.fds[RTP], &ends[e]->relay[RTP], sent,
					packet_make(sent, (uint16_t)(65000 + i), 0xabc0 + e, 160));
		for (unsigned i = first; i < first + 20; i++)
			for (int e = 0; e < 2; e++) {
				size_t length =
					packet_make(sent, (uint16_t)(65000 + i), 0xabc0 + e, 160);

				same += receive(ends[!e]->phone.fds[RTP], got, sizeof(got), NULL) ==
						(ssize_t)length &&
					!memcmp(sent, got, length);
			}
	}
	return same;
}

static void thousand(void)
{
	struct hl_relay_figures figures;
	struct end a, b;

	ok(end_open(&a, "127.0.0.1", "caller", true), "the caller's side");
	ok(end_open(&b, "127.0.0.1", "callee", true), "the callee's");
	is_int(hl_relay_side_link(a.side, b.side), 0, "hear each other");
	is_int(exchange(&a, &b, 1000), 2000,
	       "1,000 packets each way, none lost, every bit the same");
	hl_relay_side_figures(a.side, &figures);
	is_int(figures.packets, 1000, "packets are counted");
	is_int(figures.bytes, 172000, "bytes too");
	is_int(figures.lost, 0, "over the wrap of the sequence number");
	ok(figures.heard > 0, "and when the last came");
	end_close(&a);
	end_close(&b);
}

static void loss_is_counted(void)
{
	struct hl_relay_figures figures;
	uint8_t data[172];
	struct end a, b;

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", true);
	hl_relay_side_link(a.side, b.side);
	for (uint16_t i = 0; i < 20; i++)
		if (i % 5 != 2)
			passes(&a, &b, RTP, data, packet_make(data, i, 1, 160));
	hl_relay_side_figures(a.side, &figures);
	is_int(figures.packets, 16, "16 of 20 came");
	is_int(figures.lost, 4, "4 are lost");
	end_close(&a);
	end_close(&b);
}

static void strangers_and_rubbish(void)
{
	struct hl_relay_figures figures;
	struct hl_address address;
	uint8_t data[10000] = {0};
	size_t length;
	struct end a, b;
	int stranger = open_socket("127.0.0.9", &address);

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", true);
	hl_relay_side_link(a.side, b.side);
	length = packet_make(data, 1, 1, 160);
	ok(passes(&a, &b, RTP, data, length), "the caller is heard");
	for (int i = 0; i < 5; i++)
		send_to(stranger, &a.relay[RTP], data, packet_make(data, 500, 2, 160));
	send_to(a.phone.fds[RTP], &a.relay[RTP], "no RTP", 6);
	send_to(a.phone.fds[RTP], &a.relay[RTP], "", 0);
	send_to(a.phone.fds[RTP], &a.relay[RTP], data, packet_make(data, 2, 1, 9900));
	length = packet_make(data, 2, 1, 160);
	ok(passes(&a, &b, RTP, data, length), "and nobody and nothing else is");
	hl_relay_side_figures(a.side, &figures);
	is_int(figures.rejected, 5, "a stranger's packets are counted");
	is_int(figures.invalid, 3, "rubbish as well");
	is_int(figures.packets, 2, "apart from the caller's");
	ok(silent(stranger), "the stranger hears nothing");
	close(stranger);
	end_close(&a);
	end_close(&b);
}

static void control_and_others(void)
{
	static const uint8_t report[] = {0x80, 200, 0, 1, 0, 0, 0, 1};
	static const uint8_t stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
	static const uint8_t dtls[16] = {22, 0xfe, 0xfd};
	struct hl_relay_figures figures;
	struct end a, b;

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", true);
	hl_relay_side_link(a.side, b.side);
	ok(passes(&a, &b, RTCP, report, sizeof(report)), "RTCP on the odd port");
	ok(passes(&b, &a, RTCP, report, sizeof(report)), "and back");
	ok(passes(&a, &b, RTP, report, sizeof(report)), "RTCP on the RTP port (rtcp-mux)");
	ok(passes(&a, &b, RTP, stun, sizeof(stun)), "STUN");
	ok(passes(&b, &a, RTP, dtls, sizeof(dtls)), "DTLS");
	hl_relay_side_figures(a.side, &figures);
	is_int(figures.packets, 0, "are not in the figures of the stream");
	ok(figures.heard > 0, "but signs of life");
	end_close(&a);
	end_close(&b);
}

static void wait_counted(const struct hl_relay_side *side, uint64_t packets)
{
	struct hl_relay_figures figures;

	for (int i = 0; i < PATIENCE; i++) {
		hl_relay_side_figures(side, &figures);
		if (figures.packets >= packets)
			return;
		poll(NULL, 0, 1);
	}
}

static void learned(void)
{
	uint8_t data[172], got[200];
	struct end a, b;
	size_t length = packet_make(data, 1, 1, 160);

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.2", "callee", false);
	hl_relay_side_link(a.side, b.side);
	send_to(a.phone.fds[RTP], &a.relay[RTP], data, length);
	wait_counted(a.side, 1);
	send_to(b.phone.fds[RTP], &b.relay[RTP], data, length);
	is_int(receive(a.phone.fds[RTP], got, sizeof(got), NULL), (int)length,
	       "the callee, whose address nobody said, is heard");
	ok(silent(b.phone.fds[RTP]), "nothing had been sent to it before");
	length = packet_make(data, 2, 1, 160);
	ok(passes(&a, &b, RTP, data, length), "and now it is answered");
	end_close(&a);
	end_close(&b);
}

static void datagrams(void)
{
	struct hl_relay_terms terms = {.datagrams = true, .clock_rate = 8000};
	struct hl_relay_figures figures;
	struct end a, b;

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", true);
	hl_relay_side_link(a.side, b.side);
	terms.rtp.sdp = a.phone.address[RTP];
	terms.rtp.signalling = terms.rtp.sdp;
	hl_relay_side_expect(a.side, &terms);
	ok(passes(&a, &b, RTP, (const uint8_t *)"\0\1\6UDPTL", 8), "T.38 passes as it is");
	hl_relay_side_figures(a.side, &figures);
	is_int(figures.packets, 1, "and is counted");
	is_int(figures.bytes, 8, "with its bytes");
	end_close(&a);
	end_close(&b);
}

static void drain(struct end *end)
{
	struct pollfd wait = {end->phone.fds[RTP], POLLIN, 0};
	uint8_t got[200];

	while (poll(&wait, 1, 20) == 1)
		receive(end->phone.fds[RTP], got, sizeof(got), NULL);
}

/* Waits until the worker has heard that `from` reaches `to` now. */
static void wait_linked(struct end *from, struct end *to)
{
	struct pollfd wait = {to->phone.fds[RTP], POLLIN, 0};
	uint8_t data[172];
	size_t length = packet_make(data, 0, 1, 160);

	for (int i = 0; i < PATIENCE / 5; i++) {
		send_to(from->phone.fds[RTP], &from->relay[RTP], data, length);
		if (poll(&wait, 1, 5) == 1)
			break;
	}
	drain(to);
}

/* Two phones ring; the one that answered last is heard, the other one is not. */
static void forks(void)
{
	uint8_t data[172];
	struct end a, b, c;
	size_t length = packet_make(data, 1, 1, 160);

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", true);
	end_open(&c, "127.0.0.1", "callee", true);
	hl_relay_side_link(b.side, a.side);
	ok(passes(&a, &b, RTP, data, length), "early media with the first");
	hl_relay_side_link(c.side, a.side);
	wait_linked(&a, &c);
	drain(&b);
	send_to(b.phone.fds[RTP], &b.relay[RTP], data, length);
	ok(passes(&c, &a, RTP, data, length), "then the second");
	ok(passes(&a, &c, RTP, data, length), "both ways");
	ok(silent(b.phone.fds[RTP]) && silent(a.phone.fds[RTP]), "and the first no more");
	end_close(&b);
	ok(passes(&a, &c, RTP, data, length), "the end of the first leaves the call alone");
	end_close(&c);
	send_to(a.phone.fds[RTP], &a.relay[RTP], data, length);
	end_close(&a);
}

static void six(void)
{
	uint8_t data[172];
	struct end a, b;
	size_t length = packet_make(data, 1, 1, 160);

	if (!end_open(&a, "::1", "caller", true)) {
		diag("no IPv6 here");
		return;
	}
	end_open(&b, "127.0.0.1", "callee", true);
	hl_relay_side_link(a.side, b.side);
	ok(passes(&a, &b, RTP, data, length), "from IPv6 to IPv4");
	ok(passes(&b, &a, RTP, data, length), "and back");
	end_close(&a);
	end_close(&b);
}

/* What the callee says before its answer has come reaches the caller, not the reverse. */
static void fed(void)
{
	uint8_t data[172];
	struct end a, b, c;
	size_t length = packet_make(data, 1, 1, 160);

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", false);
	end_open(&c, "127.0.0.1", "callee", false);
	hl_relay_side_feed(b.side, a.side);
	hl_relay_side_feed(c.side, a.side);
	ok(passes(&b, &a, RTP, data, length), "early media of one phone that rings");
	ok(passes(&c, &a, RTP, data, length), "and of another");
	hl_relay_side_link(c.side, a.side);
	wait_linked(&a, &c);
	send_to(b.phone.fds[RTP], &b.relay[RTP], data, length);
	ok(passes(&c, &a, RTP, data, length), "which answers");
	ok(silent(a.phone.fds[RTP]), "and is the only one from then on");
	hl_relay_side_feed(b.side, a.side);
	send_to(b.phone.fds[RTP], &b.relay[RTP], data, length);
	ok(passes(&c, &a, RTP, data, length), "nobody comes in besides");
	ok(silent(a.phone.fds[RTP]), "once there is an answer");
	end_close(&a);
	ok(true, "the caller may go first");
	end_close(&b);
	end_close(&c);
}

/* Reports on their way: the relay measures how far each leg is. */
static void reports(void)
{
	uint8_t sender[28] = {0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0xab, 0xcd, 0x12, 0x34};
	uint8_t receiver[32] = {0x81, 201, 0, 7, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3};
	struct hl_relay_figures figures;
	uint8_t data[172];
	struct end a, b;

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", true);
	hl_relay_side_link(a.side, b.side);
	passes(&a, &b, RTP, data, packet_make(data, 1, 1, 160));
	ok(passes(&a, &b, RTCP, sender, sizeof(sender)), "a sender report passes");
	memcpy(receiver + 24, sender + 10, 4);
	poll(NULL, 0, 20);
	ok(passes(&b, &a, RTCP, receiver, sizeof(receiver)), "the answer to it as well");
	hl_relay_side_figures(b.side, &figures);
	ok(figures.round_trip >= 20 * HL_MILLISECOND && figures.round_trip < 2 * HL_SECOND,
	   "the round trip is known: %d us", (int)figures.round_trip);
	ok(figures.far_reported && figures.far_lost == 3, "and what it lost");
	end_close(&a);
	end_close(&b);
}

/* 50,000 packets from a wrong source, faster than any phone, and none of the phone's is lost. */
static void flood(void)
{
	struct hl_relay_figures figures;
	struct hl_address address;
	struct end a, b;
	uint8_t data[172];
	int stranger = open_socket("127.0.0.9", &address);
	unsigned heard = 0;

	end_open(&a, "127.0.0.1", "caller", true);
	end_open(&b, "127.0.0.1", "callee", true);
	hl_relay_side_link(a.side, b.side);
	for (unsigned i = 0; i < 1000; i++) {
		for (int k = 0; k < 50; k++)
			send_to(stranger, &a.relay[RTP], data,
				packet_make(data, (uint16_t)k, 9, 160));
		heard += passes(&a, &b, RTP, data, packet_make(data, (uint16_t)i, 1, 160));
	}
	is_int(heard, 1000, "a flood does not disturb the call");
	hl_relay_side_figures(a.side, &figures);
	is_int(figures.rejected, 50000, "and is counted");
	ok(silent(stranger) && silent(b.phone.fds[RTP]), "not forwarded");
	close(stranger);
	end_close(&a);
	end_close(&b);
}

static void totals(void)
{
	struct hl_relay_totals figures;

	hl_relay_totals(relay, &figures);
	ok(figures.rejected > 50000 && figures.invalid > 2 && figures.packets > 2000 &&
		   figures.bytes > 344000,
	   "the threads' figures add up");
}

int main(void)
{
	int before = descriptors();
	struct hl_error error;
	struct end left;

	hl_log_setup(HL_LOG_ERROR, HL_LOG_TEXT);
	relay = hl_relay_new(2, &error);
	if (!ok(relay != NULL, "two threads"))
		return done_testing();
	thousand();
	worker = 1;
	loss_is_counted();
	strangers_and_rubbish();
	control_and_others();
	learned();
	datagrams();
	forks();
	six();
	fed();
	reports();
	flood();
	totals();
	end_open(&left, "127.0.0.1", "caller", true);
	close(left.phone.fds[RTP]);
	close(left.phone.fds[RTCP]);
	hl_relay_free(relay);
	is_int(descriptors(), before, "no descriptor is left");
	return done_testing();
}
