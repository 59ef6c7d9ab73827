/* Pairs of relay ports: even and odd, both or none, at rest before they are used again. */
#include "../../plugins/media-proxy/ports.h"

#include "tap.h"
#include "wire.h"

#include <errno.h>
#include <unistd.h>

enum { SECOND_PAIRS = 3 };

static struct hl_address loopback;
static struct hl_range range; /* of SECOND_PAIRS pairs that are free now */
static int owner;

static int occupy(unsigned port)
{
	struct hl_address address = loopback;
	struct sockaddr_storage storage;
	socklen_t length;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	address.port = (uint16_t)port;
	length = hl_address_to_sockaddr(&address, &storage);
	if (!bind(fd, (struct sockaddr *)&storage, length))
		return fd;
	close(fd);
	return -1;
}

/* A stretch of ports nobody uses, so that the tests of a parallel run keep out of each other's way.
 */
static bool find_range(void)
{
	for (int64_t low = 30000 + (getpid() % 200) * 8; low < 32700; low += 8) {
		int fds[2 * SECOND_PAIRS], got = 0;

		while (got < 2 * SECOND_PAIRS && (fds[got] = occupy((unsigned)low + got)) >= 0)
			got++;
		for (int i = 0; i < got; i++)
			close(fds[i]);
		range = (struct hl_range){low, low + 2 * SECOND_PAIRS - 1};
		if (got == 2 * SECOND_PAIRS)
			return true;
	}
	return false;
}

static void drop(struct hl_ports *ports, struct hl_port_pair *pair, bool used)
{
	close(pair->fds[0]);
	close(pair->fds[1]);
	hl_ports_release(ports, pair->port, used);
}

static void ranges(void)
{
	static const struct {
		struct hl_range range;
		unsigned pairs;
	} rows[] = {
		{{10000, 20000}, 5000}, {{10000, 10001}, 1}, {{10001, 10002}, 0},
		{{10001, 10003}, 1},	{{10000, 10000}, 0}, {{10001, 10001}, 0},
		{{10000, 10002}, 1},	{{65534, 65535}, 1}, {{65535, 65535}, 0},
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++)
		is_int(hl_ports_in_range(&rows[i].range), rows[i].pairs, "%d-%d holds %u pairs",
		       (int)rows[i].range.low, (int)rows[i].range.high, rows[i].pairs);
}

static void pairs_and_exhaustion(struct hl_ports *ports)
{
	struct hl_port_pair pairs[SECOND_PAIRS], more;
	struct hl_port_figures figures;

	for (int i = 0; i < SECOND_PAIRS; i++) {
		is_int(hl_ports_open(ports, &loopback, &owner, &pairs[i]), 0, "a pair");
		is_int(pairs[i].port % 2, 0, "whose RTP port is even");
		is_int(socket_address(pairs[i].fds[0]).port, pairs[i].port, "and bound");
		is_int(socket_address(pairs[i].fds[1]).port, pairs[i].port + 1, "RTCP on the next");
	}
	ok(hl_ports_owner(ports, pairs[1].port) == &owner, "the pair knows its owner");
	ok(hl_ports_owner(ports, pairs[1].port + 1) == &owner, "by either port");
	ok(!hl_ports_owner(ports, (uint16_t)range.low - 1), "a port below the range has none");
	ok(!hl_ports_owner(ports, (uint16_t)range.high + 1), "nor has one above");
	is_int(hl_ports_open(ports, &loopback, &owner, &more), -EADDRINUSE,
	       "then the range is full");
	hl_ports_figures(ports, &figures);
	is_int(figures.refused, 1, "which is counted");
	is_int(figures.used, SECOND_PAIRS, "all are in use");
	for (int i = 0; i < SECOND_PAIRS; i++)
		drop(ports, &pairs[i], true);
	ok(!hl_ports_owner(ports, pairs[1].port), "a pair given back has no owner");
}

static void quarantine(struct hl_ports *ports)
{
	struct hl_port_pair pair, other;
	struct hl_port_figures figures;

	hl_ports_figures(ports, &figures);
	is_int(figures.resting, SECOND_PAIRS, "pairs given back rest");
	is_int(hl_ports_open(ports, &loopback, &owner, &pair), -EADDRINUSE, "and cannot be had");
	hl_clock_fake(hl_clock_now() + 10 * HL_SECOND - 1);
	is_int(hl_ports_open(ports, &loopback, &owner, &pair), -EADDRINUSE, "until the last µs");
	hl_clock_fake(hl_clock_now() + 1);
	is_int(hl_ports_open(ports, &loopback, &owner, &pair), 0, "of the quarantine");
	drop(ports, &pair, false);
	is_int(hl_ports_open(ports, &loopback, &owner, &other), 0, "a pair never shown rests not");
	is_int(other.port, pair.port, "and is the next to be used");
	drop(ports, &other, true);
	is_int(hl_ports_open(ports, &loopback, &owner, &pair), 0, "the next call");
	ok(pair.port != other.port, "gets another pair than the last had");
	drop(ports, &pair, true);
	hl_ports_quarantine(ports, 0);
	is_int(hl_ports_open(ports, &loopback, &owner, &pair), 0, "without quarantine");
	drop(ports, &pair, true);
	hl_ports_figures(ports, &figures);
	is_int(figures.resting, 0, "none rests");
}

/* Somebody has the odd port of each pair (rule 27). */
static void second_bind_fails(struct hl_ports *ports)
{
	int taken[SECOND_PAIRS], before;
	struct hl_port_pair pair;

	for (int i = 0; i < SECOND_PAIRS; i++)
		taken[i] = occupy((unsigned)range.low + 2 * i + 1);
	before = descriptors();
	for (int i = 0; i < 100; i++)
		hl_ports_open(ports, &loopback, &owner, &pair);
	is_int(hl_ports_open(ports, &loopback, &owner, &pair), -EADDRINUSE,
	       "no pair when every odd port is somebody else's");
	is_int(descriptors(), before, "and no descriptor leaks");
	close(taken[1]);
	is_int(hl_ports_open(ports, &loopback, &owner, &pair), 0, "one is given up");
	is_int(pair.port, range.low + 2, "and found");
	drop(ports, &pair, true);
	close(taken[0]);
	close(taken[2]);
}

static void elsewhere(struct hl_ports *ports)
{
	struct hl_address address;
	struct hl_port_figures figures;
	struct hl_port_pair pair;
	int before = descriptors();

	hl_address_parse(HL_SLICE_LITERAL("192.0.2.1"), &address);
	is_int(hl_ports_open(ports, &address, &owner, &pair), -EADDRNOTAVAIL,
	       "an address that is not ours is told apart from a full range");
	is_int(descriptors(), before, "no descriptor leaks");
	hl_ports_figures(ports, &figures);
	is_int(figures.used, 0, "no pair either");
	hl_address_parse(HL_SLICE_LITERAL("::1"), &address);
	if (!hl_ports_open(ports, &address, &owner, &pair)) {
		ok(pair.port % 2 == 0, "IPv6 as well");
		drop(ports, &pair, true);
	}
}

static void marked(struct hl_ports *ports)
{
	struct hl_port_pair pair;
	int tos;
	socklen_t size = sizeof(tos);

	hl_ports_tos(ports, 184);
	hl_ports_open(ports, &loopback, &owner, &pair);
	for (int i = 0; i < 2; i++) {
		getsockopt(pair.fds[i], IPPROTO_IP, IP_TOS, &tos, &size);
		is_int(tos, 184, "what they send is marked");
	}
	drop(ports, &pair, true);
}

int main(void)
{
	struct hl_ports *ports;

	hl_clock_fake(1000 * HL_SECOND);
	hl_address_parse(HL_SLICE_LITERAL("127.0.0.1"), &loopback);
	ranges();
	if (!ok(find_range(), "some ports are free"))
		return done_testing();
	ports = hl_ports_new(&range);
	hl_ports_quarantine(ports, 10);
	pairs_and_exhaustion(ports);
	quarantine(ports);
	second_bind_fails(ports);
	elsewhere(ports);
	marked(ports);
	hl_ports_free(ports);
	return done_testing();
}
