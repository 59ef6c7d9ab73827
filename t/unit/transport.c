/* The transport over real sockets on loopback: flows and the way back, streams cut into messages,
 * pings, connections that end, listeners that come and go. */
#include "sip/transport.h"

#include "base/clock.h"
#include "base/text.h"
#include "sip/frame.h"

#include "tap.h"
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { TRIES = 2000, LISTENERS = 8 };

#define SHORT "OPTIONS sip:a SIP/2.0\r\n"
#define WITH_BODY SHORT "l : 4\r\n\r\nbody"

/* What the transport has told. */
static struct {
	unsigned received, disconnected;
	struct hl_flow flow;  /* of the last event */
	struct hl_text bytes; /* of all that was received, with "|" behind each */
} seen;

static struct hl_loop *loop;
static struct hl_transport *transport;

static void received(void *arg, const struct hl_flow *flow, struct hl_slice bytes)
{
	(void)arg;
	seen.received++;
	seen.flow = *flow;
	hl_text_slice(&seen.bytes, bytes);
	hl_text_put(&seen.bytes, "|");
}

static void disconnected(void *arg, const struct hl_flow *flow)
{
	(void)arg;
	seen.disconnected++;
	seen.flow = *flow;
}

static const struct hl_transport_events events = {.received = received,
						   .disconnected = disconnected};

static void forget(void)
{
	seen.received = seen.disconnected = 0;
	hl_text_clear(&seen.bytes);
}

/* Reads what comes to a socket, the loop turning meanwhile: the bytes, "" at its end. */
static const char *read_from(int fd)
{
	static char text[256];
	struct pollfd wait = {fd, POLLIN, 0};
	ssize_t length;

	for (int i = 0; i < TRIES; i++) {
		hl_loop_turn(loop);
		if (poll(&wait, 1, 1) == 1)
			break;
	}
	length = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (length < 0)
		return "(nothing)";
	text[length] = '\0';
	return text;
}

static struct hl_address at(const char *text)
{
	struct hl_address address = {.family = 0};

	hl_address_parse_port(hl_slice_of(text), &address);
	return address;
}

/* A socket of the test's, bound to any port of `host`; connected when `to` is given. */
static int open_socket(int type, const char *host, const struct hl_address *to)
{
	struct hl_address address = at(host);
	struct sockaddr_storage name;
	socklen_t length = hl_address_to_sockaddr(&address, &name);
	int fd = socket(address.family, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, length))
		exit(1);
	if (to) {
		length = hl_address_to_sockaddr(to, &name);
		if (connect(fd, (struct sockaddr *)&name, length))
			exit(1);
	} else if (type == SOCK_STREAM && listen(fd, 4)) {
		exit(1);
	}
	return fd;
}

static struct {
	char text[LISTENERS][HL_ADDRESS_TEXT + 8];
	unsigned count;
} listeners;

static void list_one(void *arg, const char *text)
{
	(void)arg;
	snprintf(listeners.text[listeners.count++], sizeof(listeners.text[0]), "%s", text);
}

static void list_all(void)
{
	listeners.count = 0;
	hl_transport_each_listener(transport, list_one, NULL);
}

/* The address of the listener number `index`. */
static struct hl_address listener_at(unsigned index)
{
	list_all();
	return at(strchr(listeners.text[index], ':') + 1);
}

static void check_listen(void)
{
	struct hl_error error;
	char taken[HL_ADDRESS_TEXT + 8];

	ok(!hl_transport_listen(transport, "udp:127.0.0.1:0", &error) &&
		   !hl_transport_listen(transport, "tcp:127.0.0.1:0", &error) &&
		   !hl_transport_listen(transport, "UDP:127.0.0.2:0", &error),
	   "three listeners on port 0");
	list_all();
	is_int(listeners.count, 3, "are three");
	ok(!strncmp(listeners.text[0], "udp:127.0.0.1:", 14) &&
		   !strncmp(listeners.text[1], "tcp:127.0.0.1:", 14) && listener_at(0).port &&
		   listener_at(1).port,
	   "with their real ports");
	snprintf(taken, sizeof(taken), "%s", listeners.text[1]);
	ok(hl_transport_listen(transport, taken, &error) < 0 &&
		   strstr(error.text, strchr(taken, ':') + 1),
	   "a port in use is refused and named: %s", error.text);
	is_int(hl_transport_listen(transport, "sctp:127.0.0.1:0", &error), -EINVAL, "%s",
	       error.text);
	is_int(hl_transport_listen(transport, "udp:localhost", &error), -EINVAL, "%s", error.text);
	list_all();
	is_int(listeners.count, 3, "and three they stay");
}

static void check_udp(void)
{
	struct hl_address ours = listener_at(0), peer;
	int fd = open_socket(SOCK_DGRAM, "127.0.0.1", &ours);

	forget();
	peer = socket_address(fd);
	send(fd, "ping\0\1", 6, 0);
	ok(wait_for(loop, &seen.received, 1) && seen.bytes.length == 7 &&
		   !memcmp(seen.bytes.data, "ping\0\1|", 7),
	   "a datagram comes up as it is");
	ok(seen.flow.type == HL_TRANSPORT_UDP && hl_address_equal(&seen.flow.remote, &peer) &&
		   hl_address_equal(&seen.flow.local, &ours),
	   "its flow knows both ends");
	is_int(hl_transport_post(transport, &seen.flow, HL_SLICE_LITERAL("pong")), 0,
	       "the way back");
	is_str(read_from(fd), "pong", "leads to the sender, from the socket he wrote to");
	close(fd);
}

static void check_frames(void)
{
	static const struct {
		const char *bytes;
		enum hl_frame_kind kind;
		size_t length;
	} frames[] = {
		{SHORT "\r\n", HL_FRAME_MESSAGE, sizeof(SHORT) + 1},
		{WITH_BODY "next", HL_FRAME_MESSAGE, sizeof(WITH_BODY) - 1},
		{SHORT "Content-Length: 4\r\n\r\nbod", HL_FRAME_INCOMPLETE, 0},
		{SHORT "X: y\r\n", HL_FRAME_INCOMPLETE, 0},
		{"\r\n\r\nOPTIONS", HL_FRAME_PING, 4},
		{"\r\nOPTIONS", HL_FRAME_PONG, 2},
		{"\r\n", HL_FRAME_PONG, 2},
		{"\r\n\r", HL_FRAME_INCOMPLETE, 0},
		{"\r", HL_FRAME_INCOMPLETE, 0},
		{"", HL_FRAME_INCOMPLETE, 0},
		{"\rx", HL_FRAME_BROKEN, 0},
		{SHORT "Content-Length: 65536\r\n\r\n", HL_FRAME_LARGE, 0},
		{SHORT "Content-Length: -1\r\n\r\n", HL_FRAME_BROKEN, 0},
		{SHORT "l: 4\r\nl: 0\r\n\r\nbody", HL_FRAME_BROKEN, 0},
		{SHORT "l: 4\r\nl: 4\r\n\r\nbody", HL_FRAME_MESSAGE, sizeof(SHORT) + 17},
		{SHORT "Content-Length: 99999999999999999999\r\n\r\n", HL_FRAME_BROKEN, 0},
	};

	for (size_t i = 0; i < HL_COUNT(frames); i++) {
		struct hl_slice frame = {NULL, 0};

		ok(hl_frame_next(hl_slice_of(frames[i].bytes), &frame) == frames[i].kind &&
			   (!frames[i].length || frame.length == frames[i].length),
		   "frame %zu is cut", i);
	}
}

/* Gives bytes to a connection and waits until `count` slices have come up. */
static bool stream_gives(int fd, const char *bytes, unsigned count, const char *want,
			 const char *name)
{
	forget();
	send(fd, bytes, strlen(bytes), MSG_NOSIGNAL);
	return ok(wait_for(loop, &seen.received, count), "%s", name) &&
	       is_str(hl_text_string(&seen.bytes), want, "%s, as it is", name);
}

static void check_tcp(void)
{
	struct hl_address ours = listener_at(1), peer;
	int fd = open_socket(SOCK_STREAM, "127.0.0.1", &ours);
	struct hl_flow flow, again;

	peer = socket_address(fd);
	stream_gives(fd, WITH_BODY, 1, WITH_BODY "|", "one message");
	flow = seen.flow;
	ok(flow.type == HL_TRANSPORT_TCP && hl_address_equal(&flow.remote, &peer),
	   "its flow is the connection");
	stream_gives(fd, WITH_BODY SHORT "\r\n", 2, WITH_BODY "|" SHORT "\r\n|", "two at once");
	forget();
	send(fd, SHORT "l: 2", sizeof(SHORT) + 3, MSG_NOSIGNAL);
	for (int i = 0; i < 10; i++)
		hl_loop_turn(loop);
	is_int(seen.received, 0, "half a message waits");
	stream_gives(fd, "\r\n\r\nab", 1, SHORT "l: 2\r\n\r\nab|", "for its other half");
	stream_gives(fd, "\r\n\r\n", 1, "\r\n\r\n|", "a ping comes up as life");
	is_str(read_from(fd), "\r\n", "and is answered");
	stream_gives(fd, "\r\n", 1, "\r\n|", "a pong comes up as life");
	is_int(hl_transport_post(transport, &flow, HL_SLICE_LITERAL("hello")), 0, "the way back");
	is_str(read_from(fd), "hello", "without another answer before it");
	ok(!hl_transport_flow_to(transport, HL_TRANSPORT_TCP, &peer, &again) &&
		   hl_flow_equal(&flow, &again) && hl_flow_hash(&flow) == hl_flow_hash(&again),
	   "the connection serves requests the other way too");
	forget();
	close(fd);
	ok(wait_for(loop, &seen.disconnected, 1) && hl_flow_equal(&seen.flow, &flow),
	   "the peer's leaving is told");
	is_int(hl_transport_post(transport, &flow, HL_SLICE_LITERAL("x")), -ENOTCONN,
	       "and the flow leads nowhere");
}

static void check_broken_streams(void)
{
	static char endless[70000];
	static const char lying[] = SHORT "Content-Length: 70000\r\n\r\n";
	struct hl_address ours = listener_at(1);
	uint64_t malformed = hl_transport_counters(transport).malformed;
	int fd = open_socket(SOCK_STREAM, "127.0.0.1", &ours);

	forget();
	send(fd, lying, sizeof(lying) - 1, MSG_NOSIGNAL);
	is_str(read_from(fd), "", "a length that cannot be closes the connection");
	is_int(seen.disconnected, 1, "which is told");
	close(fd);
	fd = open_socket(SOCK_STREAM, "127.0.0.1", &ours);
	memset(endless, 'x', sizeof(endless));
	send(fd, endless, sizeof(endless), MSG_NOSIGNAL);
	ok(wait_for(loop, &seen.disconnected, 2), "headers without end too");
	is_int(seen.received, 0, "nothing of it comes up");
	is_int(hl_transport_counters(transport).malformed, malformed + 2, "and both are counted");
	close(fd);
}

static void check_connect(void)
{
	int fd = open_socket(SOCK_STREAM, "127.0.0.1", NULL), peer;
	struct hl_address there = socket_address(fd);
	struct hl_flow flow, again;

	ok(!hl_transport_flow_to(transport, HL_TRANSPORT_TCP, &there, &flow) &&
		   !hl_transport_flow_to(transport, HL_TRANSPORT_TCP, &there, &again) &&
		   hl_flow_equal(&flow, &again),
	   "a connection is opened once");
	is_int(hl_transport_post(transport, &flow, HL_SLICE_LITERAL("early")), 0,
	       "and may be written to before it stands");
	for (int i = 0; i < 10; i++)
		hl_loop_turn(loop);
	peer = accept(fd, NULL, NULL);
	is_str(read_from(peer), "early", "what was written arrives");
	stream_gives(peer, WITH_BODY, 1, WITH_BODY "|", "and the peer may answer on it");
	forget();
	close(peer);
	wait_for(loop, &seen.disconnected, 1);
	close(fd);
	forget();
	ok(hl_transport_flow_to(transport, HL_TRANSPORT_TCP, &there, &flow) < 0 ||
		   wait_for(loop, &seen.disconnected, 1),
	   "where nobody listens, the flow fails");
}

static void check_flow_to(void)
{
	struct hl_address there = at("127.0.0.1:9"), elsewhere = at("[::1]:9"),
			  far = at("192.0.2.1:9");
	struct hl_flow flow = {.type = 0}, other;
	struct hl_address ours = listener_at(0);

	is_int(hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &there, &flow), 0, "a UDP flow");
	ok(hl_address_equal(&flow.local, &ours) && hl_address_equal(&flow.remote, &there),
	   "from a listener of ours");
	other = flow;
	ok(hl_flow_equal(&flow, &other) && hl_flow_hash(&flow) == hl_flow_hash(&other),
	   "flows to one place are equal");
	other.remote.port++;
	ok(!hl_flow_equal(&flow, &other), "another port is another place");
	is_int(hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &elsewhere, &flow), -EAFNOSUPPORT,
	       "no way to IPv6 without a listener for it");
	is_int(hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &far, &flow), -EAFNOSUPPORT,
	       "nor off loopback from a listener on it");
}

static void check_send_many(void)
{
	int one = open_socket(SOCK_DGRAM, "127.0.0.1", NULL);
	int two = open_socket(SOCK_DGRAM, "127.0.0.1", NULL);
	struct hl_address there = socket_address(one), elsewhere = socket_address(two);
	struct hl_flow flows[4];
	struct hl_parcel parcels[4];
	uint64_t sent = hl_transport_counters(transport).sent;

	hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &there, &flows[0]);
	hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &elsewhere, &flows[1]);
	flows[2] = (struct hl_flow){.type = HL_TRANSPORT_TCP, .connection = {7, 7}};
	flows[3] = flows[0];
	flows[3].listener = 2;
	flows[3].local = listener_at(2);
	for (int i = 0; i < 4; i++)
		parcels[i] = (struct hl_parcel){&flows[i], {"0123" + i, 1}, 1};
	is_int(hl_transport_send_many(transport, parcels, 4), 4, "four parcels are dealt with");
	ok(!parcels[0].result && !parcels[1].result && !parcels[3].result, "three went");
	is_int(parcels[2].result, -ENOTCONN, "one has no connection any more");
	is_int(hl_transport_counters(transport).sent, sent + 3, "which is counted so");
	is_str(read_from(one), "0", "the first");
	is_str(read_from(two), "1", "the second");
	is_str(read_from(one), "3", "the fourth, by another socket of ours");
	close(one);
	close(two);
}

static void check_relisten(void)
{
	char first[HL_ADDRESS_TEXT + 8], *good[] = {"udp:127.0.0.1:0", "udp:[::1]:0"};
	char *bad[] = {"tcp:127.0.0.1:0", "udp:nowhere"};
	struct hl_address there = at("[::1]:9");
	struct hl_error error;
	struct hl_flow flow;

	list_all();
	snprintf(first, sizeof(first), "%s", listeners.text[0]);
	ok(hl_transport_relisten(transport, bad, 2, &error) < 0 &&
		   strstr(error.text, "udp:nowhere"),
	   "a list with a mistake is refused");
	list_all();
	ok(listeners.count == 3 && !strcmp(listeners.text[0], first), "and nothing has changed");
	is_int(hl_transport_relisten(transport, good, 2, &error), 0, "another list");
	list_all();
	ok(listeners.count == 2 && !strcmp(listeners.text[0], first) &&
		   !strncmp(listeners.text[1], "udp:[::1]:", 10),
	   "keeps what both have, at its port, closes and opens the others");
	is_int(hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &there, &flow), 0,
	       "IPv6 can be reached now");
	flow.listener = 1;
	is_int(hl_transport_post(transport, &flow, HL_SLICE_LITERAL("x")), -ENOTCONN,
	       "a flow of a closed listener leads nowhere");
}

/* Nobody may send to everybody: the kernel says so when the turn ends. */
static void check_counters(void)
{
	struct hl_address there = at("127.0.0.1:9");
	struct hl_transport_counters before = hl_transport_counters(transport), after;
	struct hl_flow flow;

	hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &there, &flow);
	hl_transport_post(transport, &flow, HL_SLICE_LITERAL("x"));
	hl_address_parse_port(HL_SLICE_LITERAL("255.255.255.255:9"), &flow.remote);
	hl_transport_post(transport, &flow, HL_SLICE_LITERAL("x"));
	hl_loop_turn(loop);
	after = hl_transport_counters(transport);
	ok(after.sent == before.sent + 1 && after.refused == before.refused + 1,
	   "what the kernel refuses is not counted as sent");
}

static bool is_self(const char *text)
{
	struct hl_uri uri;

	return !hl_uri_parse(hl_slice_of(text), &uri) && hl_transport_is_self(transport, &uri);
}

static void check_names(void)
{
	struct hl_address ours = listener_at(0), public = at("203.0.113.10"), shown;
	struct hl_address there = at("127.0.0.1:9");
	char want[128], got[128], text[HL_ADDRESS_TEXT];
	struct hl_flow flow;

	hl_transport_flow_to(transport, HL_TRANSPORT_UDP, &there, &flow);
	hl_transport_contact(transport, &flow, "1001", got, sizeof(got));
	snprintf(want, sizeof(want), "<sip:1001@%s>", hl_address_format(&ours, text));
	is_str(got, want, "our Contact");
	snprintf(want, sizeof(want), "sip:x@%s", hl_address_format(&ours, text));
	ok(is_self(want) && !is_self("sip:x@127.0.0.1:9") && !is_self("sip:x@example.com"),
	   "we know ourselves, and not others");
	hl_transport_advertise(transport, &public);
	hl_transport_visible(transport, &flow, &shown);
	ok(hl_address_same_host(&shown, &public) && shown.port == ours.port,
	   "the advertised address, with the port of the listener");
	flow.type = HL_TRANSPORT_TCP;
	hl_transport_contact(transport, &flow, "", got, sizeof(got));
	ok(!strncmp(got, "<sip:203.0.113.10:", 18) && strstr(got, ";transport=tcp>"),
	   "advertised in a Contact, without user, for TCP: %s", got);
	is_str(hl_transport_name(HL_TRANSPORT_TCP), "tcp", "a transport's name");
}

int main(void)
{
	struct hl_transport_counters before;

	hl_text_init(&seen.bytes);
	loop = hl_loop_new(NULL);
	transport = loop ? hl_transport_new(loop, &events, NULL) : NULL;
	if (!transport)
		return 1;
	check_listen();
	check_udp();
	check_frames();
	check_tcp();
	check_broken_streams();
	check_connect();
	check_flow_to();
	check_send_many();
	check_counters();
	before = hl_transport_counters(transport);
	check_relisten();
	ok(hl_transport_counters(transport).received >= before.received &&
		   hl_transport_counters(transport).sent >= before.sent,
	   "what a listener counted that is closed is not forgotten");
	check_names();
	hl_transport_free(transport);
	hl_loop_free(loop);
	hl_text_fini(&seen.bytes);
	return done_testing();
}
