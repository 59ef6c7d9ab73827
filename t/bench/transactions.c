/*
 * `transactions`: CPU per message while few and while many transactions are alive.  They are kept
 * alive by calls that ring; the messages are OPTIONS, each a transaction of its own.
 */
#include "bench.h"
#include "calls.h"
#include "enrol.h"
#include "sip.h"

#include <stdio.h>

#define TRANSACTIONS_FILL_RATE 1000
#define TRANSACTIONS_PATIENCE (2 * BENCH_SECOND)

/* The messages beside the calls. */
struct transactions {
	struct bench_calls *calls;
	uint64_t sent;
	uint64_t answered;
};

static void transactions_send(struct transactions *load)
{
	const struct bench_wire *wire = load->calls->wire;
	const char *server = sip_hostport(wire->server);
	struct sip_text text = {.length = 0};

	sip_add(&text,
		"OPTIONS sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:u0@%s>;tag=o%llu\r\n"
		"To: <sip:%s>\r\n"
		"Call-ID: o%llu-%s\r\n"
		"CSeq: 1 OPTIONS\r\n",
		server, sip_hostport(bench_wire_phone(wire, 0)), sip_branch(), server,
		(unsigned long long)load->sent, server, (unsigned long long)load->sent, sip_run());
	sip_end(&text, "");
	bench_wire_send(wire, 0, NULL, text.data, text.length);
	load->sent++;
}

static void transactions_receive(void *arg, const struct bench_datagram *datagram)
{
	struct transactions *load = arg;
	struct sip_kind kind;

	if (datagram->phone == 0 && sip_kind(datagram->data, &kind) && kind.status &&
	    sip_is(kind.method, "OPTIONS"))
		load->answered += kind.status == 200;
	else
		bench_calls_receive(load->calls, datagram);
}

static void transactions_run(struct transactions *load, uint64_t count, double rate)
{
	uint64_t goal = load->answered + count, done = 0, now, due, last;
	struct bench_pace pace;

	bench_pace_start(&pace, rate);
	for (last = now = pace.start; now - last < TRANSACTIONS_PATIENCE; now = bench_clock()) {
		due = bench_pace_due(&pace, now);
		for (; done < count && done < due; done++, last = now)
			transactions_send(load);
		if (load->answered == goal)
			break;
		due = done < count ? bench_pace_wait(&pace, done, now) : 10 * BENCH_MILLISECOND;
		bench_wire_drain(load->calls->wire, due, transactions_receive, load);
	}
}

/* CPU per message with `held` calls ringing: several rounds, and their own cost at rest apart. */
static void transactions_measure(struct transactions *load, pid_t pid, unsigned held, long count,
				 double rate, long rounds)
{
	struct bench_calls *calls = load->calls;
	struct bench_rounds cpu = {.count = 0};
	uint64_t before, start;
	char name[64];
	long i;

	bench_calls_run(calls, (unsigned)calls->started, held - calls->started,
			TRANSACTIONS_FILL_RATE, &calls->rang);
	before = bench_cpu(pid);
	for (start = bench_clock(); bench_clock() - start < BENCH_SECOND / 2;)
		bench_wire_drain(calls->wire, BENCH_SECOND / 20, transactions_receive, load);
	snprintf(name, sizeof(name), "idle_us_per_s_at_%u", held);
	bench_print(name, (double)(bench_cpu(pid) - before) * 2 / 1e3);
	for (i = 0; i < rounds; i++) {
		before = bench_cpu(pid);
		transactions_run(load, (uint64_t)count, rate);
		bench_rounds_add(&cpu, (double)(bench_cpu(pid) - before) / (double)count / 1e3);
	}
	snprintf(name, sizeof(name), "cpu_us_at_%u", held);
	bench_rounds_print(&cpu, name);
}

int bench_transactions(int argc, char **argv)
{
	long pid = 0, few = 10, many = 10000, rate = 1000, count = 1000, rounds = 3, sockets = 4, i;
	const char *server = "";
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"few", &few, NULL, "calls that ring at first"},
		{"many", &many, NULL, "calls that ring then"},
		{"rate", &rate, NULL, "messages a second"},
		{"count", &count, NULL, "messages a round"},
		{"rounds", &rounds, NULL, "rounds, of which the median counts"},
		{"sockets", &sockets, NULL, "sockets the phones share"},
	};
	struct transactions load = {.calls = NULL};
	struct bench_calls calls;
	struct bench_enrol enrol;
	struct bench_wire wire;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	bench_wire_open(&wire, server, (unsigned)sockets);
	bench_enrol_init(&enrol, &wire, 2 * (unsigned)many);
	bench_enrol_all(&enrol, 2 * (unsigned)many);
	bench_calls_init(&calls, &wire, (unsigned)many);
	calls.manner = CALLS_RING;
	load.calls = &calls;
	transactions_measure(&load, (pid_t)pid, (unsigned)few, count, (double)rate, rounds);
	transactions_measure(&load, (pid_t)pid, (unsigned)many, count, (double)rate, rounds);
	bench_print("ringing", (double)calls.rang);
	bench_print("operations", (double)load.sent);
	bench_print("completed", (double)load.answered);
	bench_print("refused", (double)calls.failed);
	bench_print("lost", (double)(load.sent - load.answered + calls.started - calls.rang));
	i = load.sent == load.answered && calls.rang == (uint64_t)many;
	bench_calls_fini(&calls);
	bench_enrol_fini(&enrol);
	bench_wire_close(&wire);
	return i ? 0 : 1;
}
