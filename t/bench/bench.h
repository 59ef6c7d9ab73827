/*
 * What every load generator needs: a clock, the CPU time of another process, options, pacing,
 * latencies and results.  Generators are tools beside the switch: they link nothing of it, so that
 * they load any SIP server the same way.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_SECOND UINT64_C(1000000000)
#define BENCH_MILLISECOND UINT64_C(1000000)
#define BENCH_ROUNDS_MAX 64

/* One row of a generator's command line, `--name=value`; exactly one of the two places is set. */
struct bench_option {
	const char *name;
	long *number;
	const char **text;
	const char *help;
};

/* Sends due at an even rate since a start that never moves, so a stall is caught up with. */
struct bench_pace {
	uint64_t start; /* ns */
	double rate;	/* a second */
};

/* Durations in microseconds; owned, grown as needed. */
struct bench_latency {
	uint32_t *us;
	size_t count;
	size_t size;
};

/* One figure measured in several rounds, of which the median counts. */
struct bench_rounds {
	double figure[BENCH_ROUNDS_MAX];
	size_t count;
};

/* Monotonic time in ns. */
uint64_t bench_clock(void);

/* CPU time in ns of a process, all its threads, and all its living descendants; 0 if it is gone. */
uint64_t bench_cpu(pid_t pid);

/* Resident bytes of a process; dies if it is gone. */
double bench_resident(pid_t pid);

/* Print to stderr and exit 1. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Read `--name=value` arguments into the rows; dies with the list of options on a mistake. */
void bench_options(int argc, char **argv, const struct bench_option *rows, size_t count);

void bench_pace_start(struct bench_pace *pace, double rate);
/* How many sends are due by `now`. */
uint64_t bench_pace_due(const struct bench_pace *pace, uint64_t now);
/* ns from `now` until send number `done` is due, 0 if it already is. */
uint64_t bench_pace_wait(const struct bench_pace *pace, uint64_t done, uint64_t now);

void bench_latency_add(struct bench_latency *latency, uint64_t ns);
/* Print NAME_p50_us, NAME_p99_us and NAME_max_us, and free the samples. */
void bench_latency_print(struct bench_latency *latency, const char *name);

void bench_rounds_add(struct bench_rounds *rounds, double figure);
/* Print NAME (the median), NAME_min and NAME_max. */
void bench_rounds_print(struct bench_rounds *rounds, const char *name);

/* Print one `name=value` line of the result. */
void bench_print(const char *name, double value);

/* Call from a child made by fork: it ends when its parent does. */
void bench_child(void);

/* The generators, each with its command line; they return the exit status. */
int bench_register(int argc, char **argv);
int bench_contacts(int argc, char **argv);
int bench_call(int argc, char **argv);
int bench_calls_many(int argc, char **argv);
int bench_keepalive(int argc, char **argv);
int bench_rtp(int argc, char **argv);
int bench_transactions(int argc, char **argv);

#endif
