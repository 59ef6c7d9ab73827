/*
 * `rtp`: CPU per relayed packet, loss and delay, of calls that the switch relays; the same with a
 * few of them, and while somebody else floods their ports; then the same phones talk through a bare
 * relay, and through an rtpengine where there is one.
 */
#include "bench.h"
#include "calls.h"
#include "enrol.h"
#include "relay.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RTP_CALL_RATE 100
#define RTP_PACKETS_PER_SECOND 50
#define RTP_WARM (500 * BENCH_MILLISECOND)
#define RTP_TAIL (200 * BENCH_MILLISECOND)
#define RTP_NAP BENCH_MILLISECOND

/* RFC 3550 section 5.1, and 20 ms of G.711 of which the first bytes are ours. */
struct rtp_packet {
	uint8_t flags;
	uint8_t type;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
	uint32_t phone;
	uint32_t measured;
	uint64_t sent; /* ns */
	uint8_t rest[144];
} __attribute__((packed));

struct rtp {
	struct bench_wire media;
	unsigned phones;	/* that talk */
	uint16_t *sequence;	/* by phone */
	struct sockaddr_in *to; /* by phone: where it sends */
	bool measuring;
	uint64_t sent;
	uint64_t received;
	uint64_t window; /* received in this round */
	uint64_t wrong;	 /* changed, or not the partner's */
	struct bench_latency delay;
};

static void rtp_receive(void *arg, const struct bench_datagram *datagram)
{
	struct rtp *load = arg;
	struct rtp_packet packet;

	load->window++;
	if (datagram->length != sizeof(packet)) {
		load->wrong++;
		return;
	}
	memcpy(&packet, datagram->data, sizeof(packet));
	if (packet.phone != (datagram->phone ^ 1) || packet.ssrc != packet.phone + 1 ||
	    packet.timestamp != htonl(packet.sequence * 160u)) {
		load->wrong++;
		return;
	}
	if (!packet.measured)
		return;
	load->received++;
	bench_latency_add(&load->delay, datagram->at - packet.sent);
}

static void rtp_send(struct rtp *load, unsigned phone)
{
	struct rtp_packet packet = {.flags = 0x80, .type = 8, .phone = phone, .ssrc = phone + 1};

	/* The sequence number is in network order on the wire and serves the timestamp as it is. */
	packet.sequence = htons(load->sequence[phone]++);
	packet.timestamp = htonl(packet.sequence * 160u);
	packet.measured = load->measuring;
	packet.sent = bench_clock();
	bench_wire_send(&load->media, phone, &load->to[phone], &packet, sizeof(packet));
	load->sent += load->measuring;
}

static void rtp_talk(struct rtp *load, uint64_t length)
{
	struct bench_pace pace;
	uint64_t done = 0, now, due;

	bench_pace_start(&pace, (double)load->phones * RTP_PACKETS_PER_SECOND);
	for (now = pace.start; now - pace.start < length; now = bench_clock()) {
		for (due = bench_pace_due(&pace, now); done < due; done++)
			rtp_send(load, (unsigned)(done % load->phones));
		bench_wire_nap(&load->media, RTP_NAP, rtp_receive, load);
	}
}

/* Talk for some rounds through whatever `to` leads to, and print the figures with that prefix. */
static bool rtp_measure(struct rtp *load, const char *prefix, pid_t pid, long rounds)
{
	struct bench_rounds cpu = {.count = 0};
	uint64_t before, start;
	char name[64];

	load->sent = load->received = load->wrong = 0;
	load->measuring = false;
	rtp_talk(load, RTP_WARM);
	load->measuring = true;
	for (; rounds > 0; rounds--) {
		before = bench_cpu(pid);
		load->window = 0;
		rtp_talk(load, BENCH_SECOND);
		if (load->window)
			bench_rounds_add(&cpu, (double)(bench_cpu(pid) - before) /
						       (double)load->window / 1e3);
	}
	for (start = bench_clock(); bench_clock() - start < RTP_TAIL;)
		bench_wire_nap(&load->media, RTP_NAP, rtp_receive, load);
	snprintf(name, sizeof(name), "%scpu_us", prefix);
	bench_rounds_print(&cpu, name);
	snprintf(name, sizeof(name), "%slost", prefix);
	bench_print(name, (double)(load->sent - load->received));
	snprintf(name, sizeof(name), "%swrong", prefix);
	bench_print(name, (double)load->wrong);
	snprintf(name, sizeof(name), "%sdelay", prefix);
	bench_latency_print(&load->delay, name);
	return load->sent == load->received && !load->wrong;
}

/* Set more calls up through the switch, and learn where each phone is to send. */
static void rtp_dial(struct rtp *load, struct bench_calls *calls, unsigned first, unsigned count)
{
	struct sockaddr_in direct;
	uint64_t before = calls->answered;
	unsigned i;

	bench_calls_run(calls, first, count, RTP_CALL_RATE, &calls->answered);
	if (calls->answered - before != count)
		bench_die("only %llu of %u calls were answered",
			  (unsigned long long)(calls->answered - before), count);
	for (i = 2 * first; i < 2 * (first + count); i++) {
		load->to[i] = calls->pairs[i / 2].media[i % 2];
		direct = bench_wire_phone(&load->media, i ^ 1);
		if (load->to[i].sin_addr.s_addr == direct.sin_addr.s_addr)
			bench_die("call %u is not relayed", i / 2);
	}
}

/* All calls, and the figures of the first `few` before the others come. */
static void rtp_calls(struct rtp *load, struct bench_wire *wire, pid_t pid, long few, long rounds)
{
	unsigned phones = load->phones;
	struct bench_calls calls;
	struct bench_enrol enrol;

	bench_enrol_init(&enrol, wire, phones);
	bench_enrol_all(&enrol, phones);
	bench_enrol_fini(&enrol);
	bench_calls_init(&calls, wire, phones / 2);
	calls.manner = CALLS_HOLD;
	calls.media = &load->media;
	if (few) {
		load->phones = 2 * (unsigned)few;
		rtp_dial(load, &calls, 0, load->phones / 2);
		rtp_measure(load, "few_", pid, rounds);
	}
	load->phones = phones;
	rtp_dial(load, &calls, (unsigned)few, phones / 2 - (unsigned)few);
	bench_calls_fini(&calls);
}

/* Packets of a stranger to all the ports the phones send to, until killed. */
static void flood_loop(const struct rtp *load, double rate)
{
	struct rtp_packet packet = {.flags = 0x80, .type = 8, .phone = UINT32_MAX, .ssrc = 1};
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f424242)};
	struct timespec nap = {.tv_nsec = (long)BENCH_MILLISECOND / 4};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct bench_pace pace;
	uint64_t done = 0, due;

	if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)))
		bench_die("flood: %m");
	bench_pace_start(&pace, rate);
	for (;;) {
		for (due = bench_pace_due(&pace, bench_clock()); done < due; done++) {
			packet.sequence = htons((uint16_t)done);
			(void)sendto(fd, &packet, sizeof(packet), 0,
				     (const struct sockaddr *)&load->to[done % load->phones],
				     sizeof(load->to[0]));
		}
		nanosleep(&nap, NULL);
	}
}

/* The calls while a stranger floods them; false when one of their packets was lost. */
static bool rtp_flood(struct rtp *load, pid_t pid, long rate, long rounds)
{
	pid_t child;
	bool whole;

	fflush(stdout);
	child = fork();
	if (child < 0)
		bench_die("fork: %m");
	if (child == 0) {
		bench_child();
		flood_loop(load, (double)rate);
	}
	whole = rtp_measure(load, "flood_", pid, rounds);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return whole;
}

static struct sockaddr_in *rtp_addresses(const struct rtp *load)
{
	struct sockaddr_in *phones = calloc(load->phones, sizeof(*phones));
	unsigned i;

	for (i = 0; phones && i < load->phones; i++)
		phones[i] = bench_wire_phone(&load->media, i);
	if (!phones)
		bench_die("out of memory");
	return phones;
}

static void rtp_bare(struct rtp *load, const struct sockaddr_in *phones, long rounds)
{
	pid_t child = bench_relay_bare(phones, load->to, load->phones);

	rtp_measure(load, "bare_", child, rounds);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int bench_rtp(int argc, char **argv)
{
	long pid = 0, calls = 200, few = 0, flood = 0, rounds = 5, sockets = 8, rtpengine_pid = 0,
	     bare = 1;
	const char *server = "", *rtpengine = NULL;
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"calls", &calls, NULL, "calls that talk, 50 packets a second each way"},
		{"few", &few, NULL, "measure with so many of the calls as well"},
		{"flood", &flood, NULL, "packets a second of a stranger, and measure again"},
		{"rounds", &rounds, NULL, "seconds, of which the median counts"},
		{"sockets", &sockets, NULL, "sockets the phones share"},
		{"bare", &bare, NULL, "1: measure the bare relay too"},
		{"rtpengine", NULL, &rtpengine, "address and ng port of an rtpengine to compare"},
		{"rtpengine-pid", &rtpengine_pid, NULL, "its process"},
	};
	struct rtp load = {.measuring = false};
	struct sockaddr_in *phones;
	struct bench_wire wire;
	bool whole;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	load.phones = 2 * (unsigned)calls;
	load.sequence = calloc(load.phones, sizeof(*load.sequence));
	load.to = calloc(load.phones, sizeof(*load.to));
	if (!load.sequence || !load.to)
		bench_die("out of memory");
	bench_wire_open(&wire, server, (unsigned)sockets);
	bench_wire_open(&load.media, server, (unsigned)sockets);
	rtp_calls(&load, &wire, (pid_t)pid, few, rounds);
	whole = rtp_measure(&load, "", (pid_t)pid, rounds);
	bench_print("operations", (double)load.sent);
	bench_print("completed", (double)load.received);
	if (flood)
		whole &= rtp_flood(&load, (pid_t)pid, flood, rounds);
	phones = rtp_addresses(&load);
	if (bare)
		rtp_bare(&load, phones, rounds);
	if (rtpengine) {
		bench_relay_rtpengine(rtpengine, phones, load.to, load.phones);
		rtp_measure(&load, "rtpengine_", (pid_t)rtpengine_pid, rounds);
	}
	free(phones);
	bench_wire_close(&load.media);
	bench_wire_close(&wire);
	free(load.sequence);
	free(load.to);
	return whole ? 0 : 1;
}
