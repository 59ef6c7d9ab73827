/*
 * `contacts`: what a million contacts cost. A few phones register and refresh, then very many; the
 * difference of the process' resident memory, shared among the new ones, is what a contact weighs,
 * and the CPU of refreshes taken from all over them, against that of the few, is what their number
 * costs. A machine that others use, too, is faster one minute and slower the next: given a second
 * server, the few stay there, and rounds of few and of many take turns.
 */
#include <stdbool.h>
#include <time.h>

#include "bench.h"
#include "enrol.h"

#define CONTACTS_CHUNK 20000 /* phones between two looks at the clock */
#define CONTACTS_STRIDE 7919 /* a prime: refreshes jump about in memory */

/* A server and the phones that register there. */
struct contacts_site {
	struct bench_wire wire;
	struct bench_enrol enrol;
	pid_t pid;
};

struct contacts_load {
	struct contacts_site few, many;
	bool in_turn;	 /* the few have a server of their own */
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

/* A round of refreshes all over the first `count` phones. */
static void contacts_refresh(const struct contacts_load *load, struct contacts_site *site,
			     unsigned count, struct bench_rounds *cpu)
{
	uint64_t before = bench_cpu(site->pid);

	site->enrol.stride = CONTACTS_STRIDE;
	bench_enrol_run(&site->enrol, 0, count, (uint64_t)load->refreshes, load->rate);
	site->enrol.stride = 1;
	bench_rounds_add(cpu, (double)(bench_cpu(site->pid) - before) / (double)load->refreshes /
				      1e3);
}

/* Registers phones first…count-1, as many as the time allows; how many there are then. */
static unsigned contacts_fill(const struct contacts_load *load, struct contacts_site *site,
			      unsigned first, unsigned count)
{
	uint64_t start = bench_clock();

	while (first < count && bench_clock() - start < load->limit) {
		unsigned chunk = count - first < CONTACTS_CHUNK ? count - first : CONTACTS_CHUNK;

		bench_enrol_run(&site->enrol, first, chunk, chunk, load->fill_rate);
		first += chunk;
	}
	return first;
}

/* The few are there. What the transactions of so many a second take is no contact's. */
static void contacts_begin(const struct contacts_load *load, struct contacts_site *site,
			   unsigned few)
{
	contacts_fill(load, site, 0, few);
	bench_enrol_run(&site->enrol, 0, few, (uint64_t)(load->fill_rate * 2), load->fill_rate);
}

static void contacts_measure(struct contacts_load *load, unsigned few, unsigned many)
{
	struct bench_rounds at_few = {.count = 0}, at_many = {.count = 0};
	struct contacts_site *site = &load->many;
	uint64_t start;
	double before;

	contacts_begin(load, site, few);
	if (load->in_turn)
		contacts_begin(load, &load->few, few);
	contacts_wait(load->settle);
	for (long i = 0; i < load->rounds && !load->in_turn; i++)
		contacts_refresh(load, site, few, &at_few);
	contacts_wait(load->settle);
	before = bench_resident(site->pid);
	start = bench_clock();
	many = contacts_fill(load, site, few, many);
	bench_print("fill_s", (double)(bench_clock() - start) / 1e9);
	contacts_wait(load->settle);
	bench_print("contacts", many);
	bench_print("resident_mb", bench_resident(site->pid) / 1e6);
	bench_print("bytes_per_contact",
		    (bench_resident(site->pid) - before) / (double)(many - few));
	for (long i = 0; i < load->rounds; i++) {
		if (load->in_turn)
			contacts_refresh(load, &load->few, few, &at_few);
		contacts_refresh(load, site, many, &at_many);
	}
	bench_rounds_print(&at_few, "cpu_us_at_few");
	bench_rounds_print(&at_many, "cpu_us_at_many");
}

static void contacts_open(struct contacts_site *site, const char *server, long pid, long phones,
			  long sockets)
{
	bench_wire_open(&site->wire, server, (unsigned)sockets);
	bench_enrol_init(&site->enrol, &site->wire, (unsigned)phones);
	site->enrol.expires = 86400;
	site->pid = (pid_t)pid;
}

static void contacts_close(struct contacts_site *site)
{
	bench_enrol_fini(&site->enrol);
	bench_wire_close(&site->wire);
}

/* What came of all operations; whether none was lost. */
static bool contacts_complete(const struct contacts_load *load)
{
	const struct bench_enrol *few = &load->few.enrol, *many = &load->many.enrol;

	bench_print("operations", (double)(few->sent + many->sent));
	bench_print("completed", (double)(few->answered + many->answered));
	bench_print("lost", (double)(few->lost + few->refused + many->lost + many->refused));
	return few->answered == few->sent && many->answered == many->sent;
}

int bench_contacts(int argc, char **argv)
{
	long pid = 0, few_pid = 0, few = 1000, contacts = 1000000, users = 500000, rate = 2000,
	     fill = 20000, count = 4000, rounds = 5, seconds = 60, settle = 35000, sockets = 4;
	struct contacts_load load = {.in_turn = false};
	const char *server = "", *few_server = "";
	const struct bench_option rows[] = {
		{"server", NULL, &server, "address and port of the server"},
		{"pid", &pid, NULL, "its process"},
		{"few-server", NULL, &few_server, "another one, for the few"},
		{"few-pid", &few_pid, NULL, "its process"},
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
	bool whole;

	bench_options(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
	if (few < 1 || contacts <= few)
		bench_die("%ld contacts against %ld?", contacts, few);
	load.in_turn = *few_server;
	contacts_open(&load.many, server, pid, contacts, sockets);
	load.many.enrol.users = (unsigned)users;
	if (load.in_turn)
		contacts_open(&load.few, few_server, few_pid, few, sockets);
	load.limit = (uint64_t)seconds * BENCH_SECOND;
	load.settle = (uint64_t)settle * BENCH_MILLISECOND;
	load.refreshes = count;
	load.rounds = rounds;
	load.rate = (double)rate;
	load.fill_rate = (double)fill;
	contacts_measure(&load, (unsigned)few, (unsigned)contacts);
	whole = contacts_complete(&load);
	contacts_close(&load.many);
	if (load.in_turn)
		contacts_close(&load.few);
	return whole ? 0 : 1;
}
