/*
 * `keepalive`: CPU per heartbeat and how evenly they come, beside a bare sendmmsg loop that sends
 * the same bytes to the same sockets at the same rate; and what is left of their phases when the
 * server has been stopped for a while.
 */
#include "bench.h"
#include "enrol.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEEPALIVE_BATCH 100
#define KEEPALIVE_BIN (10 * BENCH_MILLISECOND)
#define KEEPALIVE_NAP (2 * BENCH_MILLISECOND)
#define KEEPALIVE_BARE_WARM (300 * BENCH_MILLISECOND)
/* A heartbeat is late or early when it misses its phase by more than this. */
#define KEEPALIVE_TOLERANCE (100 * BENCH_MILLISECOND)
#define KEEPALIVE_EXPIRES 86400	  /* s: none of them registers again */
#define KEEPALIVE_PHASES 20 /* parts of a period that the histogram tells apart */

struct keepalive {
	struct bench_wire wire;
	const char *message;
	size_t length;	 /* of it */
	uint64_t period; /* ns */
	uint64_t start;	 /* ns, of the window being counted */
	uint64_t *last;	 /* ns, by phone: its latest heartbeat, 0 for none */
	unsigned phones;
	unsigned reached;   /* phones with a heartbeat */
	uint64_t beats;	    /* in the window */
	uint64_t off_phase; /* heartbeats that missed their phase */
	uint64_t other;	    /* datagrams that are no heartbeat */
	uint32_t *bins;	    /* heartbeats by 10 ms of the window */
	size_t bin_count;
	uint64_t phases[KEEPALIVE_PHASES]; /* heartbeats by part of the period, since forgotten */
};

static void keepalive_receive(void *arg, const struct bench_datagram *datagram)
{
	struct keepalive *load = arg;
	uint64_t gap, bin;

	if (datagram->phone >= load->phones || datagram->length != load->length ||
	    memcmp(datagram->data, load->message, load->length)) {
		load->other++;
		return;
	}
	gap = datagram->at - load->last[datagram->phone];
	if (!load->last[datagram->phone])
		load->reached++;
	else if (gap + KEEPALIVE_TOLERANCE < load->period ||
		 gap > load->period + KEEPALIVE_TOLERANCE)
		load->off_phase++;
	load->last[datagram->phone] = datagram->at;
	load->phases[datagram->at % load->period * KEEPALIVE_PHASES / load->period]++;
	bin = (datagram->at - load->start) / KEEPALIVE_BIN;
	if (bin < load->bin_count)
		load->bins[bin]++;
	load->beats++;
}

static void keepalive_wait(struct keepalive *load, uint64_t until)
{
	while (bench_clock() < until)
		bench_wire_nap(&load->wire, KEEPALIVE_NAP, keepalive_receive, load);
}

/* One window: CPU of the process per heartbeat that came. */
static void keepalive_window(struct keepalive *load, pid_t pid, uint64_t length,
			     struct bench_rounds *cpu)
{
	uint64_t before = bench_cpu(pid);

	load->start = bench_clock();
	load->beats = 0;
	keepalive_wait(load, load->start + length);
	if (load->beats)
		bench_rounds_add(cpu,
				 (double)(bench_cpu(pid) - before) / (double)load->beats / 1e3);
}

static int keepalive_compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void keepalive_print_bins(struct keepalive *load, const char *prefix)
{
	static const struct {
		const char *name;
		size_t percent;
	} rows[] = {{"p50", 50}, {"p99", 99}, {"max", 100}};
	char name[64];
	size_t i;

	qsort(load->bins, load->bin_count, sizeof(*load->bins), keepalive_compare);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(name, sizeof(name), "%s_%s", prefix, rows[i].name);
		bench_print(name, load->bins[(load->bin_count - 1) * rows[i].percent / 100]);
	}
	memset(load->bins, 0, load->bin_count * sizeof(*load->bins));
}

/* The bare loop: batches of a hundred at an even rate, for ever. */
static void keepalive_bare_loop(const struct keepalive *load, struct mmsghdr *messages)
{
	struct sockaddr_in local;
	struct bench_pace pace;
	struct timespec nap;
	uint64_t done = 0, wait;
	unsigned at, count;
	int fd = bench_socket(&local);

	bench_child();
	bench_pace_start(&pace, (double)load->phones * 1e9 / (double)load->period);
	for (at = 0;; at = (at + count) % load->phones) {
		count = load->phones - at < KEEPALIVE_BATCH ? load->phones - at : KEEPALIVE_BATCH;
		(void)sendmmsg(fd, messages + at, count, 0);
		done += count;
		wait = bench_pace_wait(&pace, done, bench_clock());
		nap = (struct timespec){(time_t)(wait / BENCH_SECOND), (long)(wait % BENCH_SECOND)};
		nanosleep(&nap, NULL);
	}
}

static void keepalive_bare(struct keepalive *load, long rounds)
{
	struct iovec vector = {(void *)(uintptr_t)load->message, load->length};
	struct sockaddr_in *address = calloc(load->phones, sizeof(*address));
	struct mmsghdr *messages = calloc(load->phones, sizeof(*messages));
	struct bench_rounds cpu = {.count = 0};
	pid_t child;
	unsigned i;

	if (!address || !messages)
		bench_die("out of memory");
	for (i = 0; i < load->phones; i++) {
		address[i] = bench_wire_phone(&load->wire, i);
		messages[i].msg_hdr.msg_name = &address[i];
		messages[i].msg_hdr.msg_namelen = sizeof(address[i]);
		messages[i].msg_hdr.msg_iov = &vector;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	fflush(stdout);
	child = fork();
	if (child < 0)
		bench_die("fork: %m");
	if (child == 0)
		keepalive_bare_loop(load, messages);
	keepalive_wait(load, bench_clock() + KEEPALIVE_BARE_WARM);
	for (; rounds > 0; rounds--)
		keepalive_window(load, child, load->period, &cpu);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	bench_rounds_print(&cpu, "bare_cpu_us");
	free(address);
	free(messages);
}

static bool keepalive_measure(struct keepalive *load, pid_t pid, long rounds)
{
	struct bench_rounds cpu = {.count = 0};
	uint64_t total = 0, patience = bench_clock() + 3 * load->period + BENCH_SECOND;
	long i;

	load->start = bench_clock();
	while (load->reached < load->phones && bench_clock() < patience)
		bench_wire_nap(&load->wire, KEEPALIVE_NAP, keepalive_receive, load);
	load->off_phase = 0;
	memset(load->bins, 0, load->bin_count * sizeof(*load->bins));
	for (i = 0; i < rounds; i++) {
		keepalive_window(load, pid, load->period, &cpu);
		total += load->beats;
		if (i == 0)
			keepalive_print_bins(load, "per_10ms");
	}
	bench_print("operations", (double)rounds * load->phones);
	bench_print("completed", (double)total);
	bench_print("lost", (double)(load->phones - load->reached));
	bench_print("off_phase", (double)load->off_phase);
	bench_print("other", (double)load->other);
	bench_rounds_print(&cpu, "cpu_us");
	/* A heartbeat at the edge of a window may fall outside. */
	return load->reached == load->phones &&
	       (double)total > 0.99 * (double)rounds * load->phones;
}

/* Prints how full the fullest part of the period is, the mean being 1. */
static void keepalive_print_flatness(struct keepalive *load, const char *name)
{
	uint64_t most = 0, total = 0;
	unsigned i;

	for (i = 0; i < KEEPALIVE_PHASES; i++) {
		total += load->phases[i];
		most = load->phases[i] > most ? load->phases[i] : most;
	}
	bench_print(name, total ? (double)(most * KEEPALIVE_PHASES) / (double)total : 0);
	memset(load->phases, 0, sizeof(load->phases));
}

/* How many phones hear their heartbeats in a notably other part of the period than `before` (ns, by
 * phone). */
static unsigned keepalive_moved(const struct keepalive *load, const uint64_t *before)
{
	uint64_t part = 2 * load->period / KEEPALIVE_PHASES, shift;
	unsigned moved = 0, i;

	for (i = 0; i < load->phones; i++) {
		shift = (load->last[i] - before[i]) % load->period;
		moved += !load->last[i] || (shift > part && shift < load->period - part);
	}
	return moved;
}

/* The phases of (at most 50) periods before the server was stopped for `stall` ms, and of `cycles`
 * after. */
static bool keepalive_stall(struct keepalive *load, pid_t pid, uint64_t stall, uint64_t cycles)
{
	uint64_t *before = calloc(load->phones, sizeof(*before));
	unsigned moved;

	if (!before)
		bench_die("out of memory");
	memset(load->phases, 0, sizeof(load->phases));
	keepalive_wait(load, bench_clock() + (cycles < 50 ? cycles : 50) * load->period);
	keepalive_print_flatness(load, "flat_before");
	memcpy(before, load->last, load->phones * sizeof(*before));
	kill(pid, SIGSTOP);
	keepalive_wait(load, bench_clock() + stall * BENCH_MILLISECOND);
	kill(pid, SIGCONT);
	/* The pass in which it comes back is the one that catches up. */
	keepalive_wait(load, bench_clock() + 2 * load->period);
	memset(load->phases, 0, sizeof(load->phases));
	memset(load->last, 0, load->phones * sizeof(*load->last));
	keepalive_wait(load, bench_clock() + cycles * load->period);
	keepalive_print_flatness(load, "flat_after");
	moved = keepalive_moved(load, before);
	bench_print("moved", moved);
	free(before);
	return moved * 100 <= load->phones;
}

static void keepalive_enrol(struct keepalive *load, long users, long fill)
{
	struct bench_enrol enrol;

	bench_enrol_init(&enrol, &load->wire, load->phones);
	enrol.users = users ? (unsigned)users : load->phones;
	enrol.natted = true;
	enrol.expires = KEEPALIVE_EXPIRES;
	bench_enrol_run(&enrol, 0, load->phones, load->phones, (double)fill);
	if (enrol.answered != load->phones)
		bench_die("only %llu of %u phones could register",
			  (unsigned long long)enrol.answered, load->phones);
	bench_enrol_fini(&enrol);
	load->last = calloc(load->phones, sizeof(*load->last));
	load->bins = calloc(load->bin_count, sizeof(*load->bins));
	if (!load->last || !load->bins)
		bench_die("out of memory");
}

int bench_keepalive(int argc, char **argv)
{
	long pid = 0, contacts = 20000, users = 0, period = 10000, rounds = 3, sockets = 16;
	long bare = 1, settle = 0, zeros = 0, stall = 0, cycles = 100, fill = 20000;
	const char *server = "", *message = "HELLO";
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"contacts", &contacts, NULL, "contacts behind NAT"},
		{"users", &users, NULL, "users they belong to; 0: one each"},
		{"period", &period, NULL, "ms from heartbeat to heartbeat, of the wall clock"},
		{"message", NULL, &message, "the heartbeat"},
		{"rounds", &rounds, NULL, "periods, of which the median counts"},
		{"sockets", &sockets, NULL, "sockets the phones share"},
		{"settle", &settle, NULL,
		 "ms the server has to be done with the registrations before it is measured"},
		{"bare", &bare, NULL, "1: measure the bare loop too"},
		{"fill", &fill, NULL, "registrations a second, if the server is that quick"},
		{"zeros", &zeros, NULL, "the heartbeat is so many zero bytes, not a text"},
		{"stall", &stall, NULL, "ms the server is stopped in between; 0: it is not"},
		{"cycles", &cycles, NULL, "periods of the histograms before and after that"},
	};
	static const char nothing[16];
	struct keepalive load = {.reached = 0};
	bool whole;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	load.message = zeros ? nothing : message;
	load.length = zeros ? (size_t)zeros : strlen(message);
	if (zeros > (long)sizeof(nothing))
		bench_die("at most %zu zero bytes", sizeof(nothing));
	load.period = (uint64_t)period * BENCH_MILLISECOND;
	load.phones = (unsigned)contacts;
	load.bin_count = load.period / KEEPALIVE_BIN;
	bench_wire_open(&load.wire, server, (unsigned)sockets);
	keepalive_enrol(&load, users, fill);
	load.start = bench_clock();
	keepalive_wait(&load, load.start + (uint64_t)settle * BENCH_MILLISECOND);
	whole = keepalive_measure(&load, (pid_t)pid, rounds);
	if (stall)
		whole &= keepalive_stall(&load, (pid_t)pid, (uint64_t)stall, (uint64_t)cycles);
	/* The switch goes on with its own; the peer's are told apart by their text. */
	load.message = "HULLO";
	load.length = strlen(load.message);
	if (bare)
		keepalive_bare(&load, rounds);
	free(load.last);
	free(load.bins);
	bench_wire_close(&load.wire);
	return whole ? 0 : 1;
}
