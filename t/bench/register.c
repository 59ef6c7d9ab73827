/* `register`: CPU per new contact and per refresh, with or without digest. */
#include "bench.h"
#include "enrol.h"

#include <stdio.h>

static void register_round(struct bench_enrol *enrol, pid_t pid, unsigned contacts, long count,
			   double rate, struct bench_rounds *cpu)
{
	uint64_t before = bench_cpu(pid);

	bench_enrol_run(enrol, 0, contacts, (uint64_t)count, rate);
	bench_rounds_add(cpu, (double)(bench_cpu(pid) - before) / (double)count / 1e3);
}

int bench_register(int argc, char **argv)
{
	long pid = 0, contacts = 1000, users = 0, rate = 2000, rounds = 5, sockets = 4,
	     expires = 3600;
	const char *server = "", *password = NULL;
	long count = 2000, i;
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"contacts", &contacts, NULL, "contacts to register"},
		{"users", &users, NULL, "users they belong to; 0: one each"},
		{"password", NULL, &password, "answer challenges with this password"},
		{"expires", &expires, NULL, "seconds asked for"},
		{"rate", &rate, NULL, "refreshes a second"},
		{"count", &count, NULL, "refreshes a round"},
		{"rounds", &rounds, NULL, "rounds, of which the median counts"},
		{"sockets", &sockets, NULL, "sockets the phones share"},
	};
	struct bench_rounds fill = {.count = 0}, cpu = {.count = 0};
	struct bench_wire wire;
	struct bench_enrol enrol;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	bench_wire_open(&wire, server, (unsigned)sockets);
	bench_enrol_init(&enrol, &wire, (unsigned)contacts);
	enrol.users = (unsigned)(users ? users : contacts);
	enrol.password = password;
	enrol.expires = (unsigned)expires;
	register_round(&enrol, (pid_t)pid, (unsigned)contacts, contacts, (double)rate, &fill);
	bench_latency_print(&enrol.latency, "new");
	for (i = 0; i < rounds; i++)
		register_round(&enrol, (pid_t)pid, (unsigned)contacts, count, (double)rate, &cpu);
	bench_latency_print(&enrol.latency, "latency");
	bench_print("operations", (double)enrol.sent);
	bench_print("completed", (double)enrol.answered);
	bench_print("refused", (double)enrol.refused);
	bench_print("lost", (double)enrol.lost);
	bench_rounds_print(&fill, "new_cpu_us");
	bench_rounds_print(&cpu, "cpu_us");
	i = enrol.answered == enrol.sent;
	bench_enrol_fini(&enrol);
	bench_wire_close(&wire);
	return i ? 0 : 1;
}
