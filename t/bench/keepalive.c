/*
 * `keepalive`: CPU per heartbeat and how evenly they come, beside a bare sendmmsg loop that sends
 * the same bytes to the same sockets at the same rate.
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

struct keepalive {
	struct bench_wire wire;
	const char *message;
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
};

static void keepalive_receive(void *arg, const struct bench_datagram *datagram)
{
	struct keepalive *load = arg;
	uint64_t gap, bin;

	if (datagram->phone >= load->phones || strcmp(datagram->data, load->message)) {
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
	struct iovec vector = {(void *)(uintptr_t)load->message, strlen(load->message)};
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

int bench_keepalive(int argc, char **argv)
{
	long pid = 0, contacts = 20000, users = 0, period = 10000, rounds = 3, sockets = 16;
	long bare = 1, settle = 0;
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
	};
	struct keepalive load = {.reached = 0};
	struct bench_enrol enrol;
	bool whole;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	load.message = message;
	load.period = (uint64_t)period * BENCH_MILLISECOND;
	load.phones = (unsigned)contacts;
	load.bin_count = load.period / KEEPALIVE_BIN;
	bench_wire_open(&load.wire, server, (unsigned)sockets);
	bench_enrol_init(&enrol, &load.wire, load.phones);
	enrol.users = (unsigned)(users ? users : contacts);
	enrol.natted = true;
	bench_enrol_all(&enrol, load.phones);
	load.last = calloc(load.phones, sizeof(*load.last));
	load.bins = calloc(load.bin_count, sizeof(*load.bins));
	if (!load.last || !load.bins)
		bench_die("out of memory");
	load.start = bench_clock();
	keepalive_wait(&load, load.start + (uint64_t)settle * BENCH_MILLISECOND);
	whole = keepalive_measure(&load, (pid_t)pid, rounds);
	/* The switch goes on with its own; the peer's are told apart by their text. */
	load.message = "HULLO";
	if (bare)
		keepalive_bare(&load, rounds);
	free(load.last);
	free(load.bins);
	bench_enrol_fini(&enrol);
	bench_wire_close(&load.wire);
	return whole ? 0 : 1;
}
