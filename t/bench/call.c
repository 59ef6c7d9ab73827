/* `call`: CPU per call, INVITE 100 180 200 ACK BYE 200, both phones played here. */
#include "bench.h"
#include "calls.h"
#include "enrol.h"

int bench_call(int argc, char **argv)
{
	long pid = 0, pairs = 1000, rate = 400, count = 400, rounds = 5, sockets = 4, i;
	const char *server = "";
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"pairs", &pairs, NULL, "pairs of phones"},
		{"rate", &rate, NULL, "calls a second"},
		{"count", &count, NULL, "calls a round"},
		{"rounds", &rounds, NULL, "rounds, of which the median counts"},
		{"sockets", &sockets, NULL, "sockets the phones share"},
	};
	struct bench_rounds cpu = {.count = 0};
	struct bench_calls calls;
	struct bench_enrol enrol;
	struct bench_wire wire;
	uint64_t before;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	bench_wire_open(&wire, server, (unsigned)sockets);
	bench_enrol_init(&enrol, &wire, 2 * (unsigned)pairs);
	bench_enrol_all(&enrol, 2 * (unsigned)pairs);
	bench_calls_init(&calls, &wire, (unsigned)pairs);
	calls.manner = CALLS_SHORT;
	for (i = 0; i < rounds; i++) {
		before = bench_cpu((pid_t)pid);
		bench_calls_run(&calls, (unsigned)(i * count), (uint64_t)count, (double)rate,
				&calls.completed);
		bench_rounds_add(&cpu,
				 (double)(bench_cpu((pid_t)pid) - before) / (double)count / 1e3);
	}
	bench_latency_print(&calls.setup, "setup");
	bench_print("operations", (double)calls.started);
	bench_print("completed", (double)calls.completed);
	bench_print("refused", (double)calls.failed);
	bench_print("lost", (double)(calls.started - calls.completed));
	bench_print("repeated", (double)calls.repeated);
	bench_rounds_print(&cpu, "cpu_us");
	i = calls.completed == calls.started;
	bench_calls_fini(&calls);
	bench_enrol_fini(&enrol);
	bench_wire_close(&wire);
	return i ? 0 : 1;
}
