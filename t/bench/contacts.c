/*
 * `contacts`: what a million contacts cost. A few phones register and refresh, then very many; the
 * difference of the process' resident memory, shared among the new ones, is what a contact weighs,
 * and the CPU of refreshes taken from all over them, against that of the few, is what their number
 * costs.
 */
#include <stdio.h>
#include <time.h>

#include "bench.h"
#include "enrol.h"

#define CONTACTS_CHUNK 20000 /* phones between two looks at the clock */
#define CONTACTS_STRIDE 7919 /* a prime: refreshes jump about in memory */

struct contacts_load {
	struct bench_enrol enrol;
	pid_t pid;
	uint64_t limit;	 /* ns the filling may take */
	uint64_t settle; /* ns until a transaction is forgotten */
	long refreshes;	 /* of a round */
	long rounds;
	double rate, fill_rate; /* refreshes, new contacts a second */
};

static void contacts_wait(uint64_t wait)
{
	struct timespec nap = {(time_t)(wait / BENCH_SECOND), (long)(wait % BENCH_SECOND)};

	nanosleep(&nap, NULL);
}

/* Refreshes all over the first `count` phones. */
static void contacts_refresh(struct contacts_load *load, unsigned count, struct bench_rounds *cpu)
{
	for (long i = 0; i < load->rounds; i++) {
		uint64_t before = bench_cpu(load->pid);

		load->enrol.stride = CONTACTS_STRIDE;
		bench_enrol_run(&load->enrol, 0, count, (uint64_t)load->refreshes, load->rate);
		load->enrol.stride = 1;
		bench_rounds_add(cpu, (double)(bench_cpu(load->pid) - before) /
					      (double)load->refreshes / 1e3);
	}
}

/* Registers phones first…count-1, as many as the time allows; how many there are then. */
static unsigned contacts_fill(struct contacts_load *load, unsigned first, unsigned count)
{
	uint64_t start = bench_clock();

	while (first < count && bench_clock() - start < load->limit) {
		unsigned chunk = count - first < CONTACTS_CHUNK ? count - first : CONTACTS_CHUNK;

		bench_enrol_run(&load->enrol, first, chunk, chunk, load->fill_rate);
		first += chunk;
	}
	bench_print("fill_s", (double)(bench_clock() - start) / 1e9);
	return first;
}

static void contacts_measure(struct contacts_load *load, unsigned few, unsigned many)
{
	struct bench_rounds at_few = {.count = 0}, at_many = {.count = 0};
	double before;

	contacts_fill(load, 0, few);
	/* What the transactions of so many a second take is no contact's. */
	bench_enrol_run(&load->enrol, 0, few, (uint64_t)(load->fill_rate * 2), load->fill_rate);
	contacts_wait(load->settle);
	contacts_refresh(load, few, &at_few);
	contacts_wait(load->settle);
	before = bench_resident(load->pid);
	many = contacts_fill(load, few, many);
	contacts_wait(load->settle);
	bench_print("contacts", many);
	bench_print("resident_mb", bench_resident(load->pid) / 1e6);
	bench_print("bytes_per_contact",
		    (bench_resident(load->pid) - before) / (double)(many - few));
	contacts_refresh(load, many, &at_many);
	bench_rounds_print(&at_few, "cpu_us_at_few");
	bench_rounds_print(&at_many, "cpu_us_at_many");
}

int bench_contacts(int argc, char **argv)
{
	long pid = 0, few = 1000, contacts = 1000000, users = 500000, rate = 2000, fill = 20000,
	     count = 4000, rounds = 5, seconds = 60, settle = 35000, sockets = 4;
	struct contacts_load load = {.pid = 0};
	const char *server = "";
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"few", &few, NULL, "contacts to compare with"},
		{"contacts", &contacts, NULL, "contacts to register"},
		{"users", &users, NULL, "users they belong to"},
		{"fill", &fill, NULL, "new contacts a second"},
		{"seconds", &seconds, NULL, "that the filling may take"},
		{"rate", &rate, NULL, "refreshes a second"},
		{"count", &count, NULL, "refreshes a round"},
		{"rounds", &rounds, NULL, "rounds, of which the median counts"},
		{"settle", &settle, NULL, "ms after which transactions are forgotten"},
		{"sockets", &sockets, NULL, "sockets the phones share"},
	};
	struct bench_wire wire;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	if (few < 1 || contacts <= few)
		bench_die("%ld contacts against %ld?", contacts, few);
	bench_wire_open(&wire, server, (unsigned)sockets);
	bench_enrol_init(&load.enrol, &wire, (unsigned)contacts);
	load.enrol.users = (unsigned)users;
	load.enrol.expires = 86400;
	load.pid = (pid_t)pid;
	load.limit = (uint64_t)seconds * BENCH_SECOND;
	load.settle = (uint64_t)settle * BENCH_MILLISECOND;
	load.refreshes = count;
	load.rounds = rounds;
	load.rate = (double)rate;
	load.fill_rate = (double)fill;
	contacts_measure(&load, (unsigned)few, (unsigned)contacts);
	bench_print("operations", (double)load.enrol.sent);
	bench_print("completed", (double)load.enrol.answered);
	bench_print("lost", (double)(load.enrol.lost + load.enrol.refused));
	few = load.enrol.answered == load.enrol.sent;
	bench_enrol_fini(&load.enrol);
	bench_wire_close(&wire);
	return few ? 0 : 1;
}
