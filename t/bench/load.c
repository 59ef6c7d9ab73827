/* The load generators' one program: `load GENERATOR --option=value…` prints `name=value` lines. */
#include <stdio.h>
#include <string.h>

#include "bench.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} load_generators[] = {
	{"register", bench_register, "phones that register and refresh"},
	{"contacts", bench_contacts, "very many contacts, what they weigh and cost"},
	{"call", bench_call, "both phones of short calls"},
	{"calls-many", bench_calls_many, "very many calls that are up, what they weigh and cost"},
	{"keepalive", bench_keepalive, "NAT contacts that count their heartbeats"},
	{"rtp", bench_rtp, "both phones of calls that talk"},
	{"transactions", bench_transactions, "messages beside many calls that ring"},
};

int main(int argc, char **argv)
{
	size_t i, count = sizeof(load_generators) / sizeof(load_generators[0]);

	for (i = 0; argc > 1 && i < count; i++) {
		if (!strcmp(argv[1], load_generators[i].name))
			return load_generators[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "usage: load GENERATOR --option=value...\n");
	for (i = 0; i < count; i++)
		fprintf(stderr, "  %-14s %s\n", load_generators[i].name, load_generators[i].help);
	return 2;
}
