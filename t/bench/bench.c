/* The generators' common ground: clock, CPU time, options, pacing, latencies and results. */
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define BENCH_NAME_MAX 64
#define BENCH_DEPTH_MAX 4

uint64_t bench_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * BENCH_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t bench_cpu_own(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	/* The same counter as /proc/PID/schedstat, but up to date for a thread that is running now,
	 * and with the threads that have ended. */
	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return 0;
	return (uint64_t)used.tv_sec * BENCH_SECOND + (uint64_t)used.tv_nsec;
}

static uint64_t bench_cpu_tree(pid_t pid, int depth)
{
	uint64_t sum = bench_cpu_own(pid);
	char path[BENCH_NAME_MAX];
	FILE *file;
	int child;

	/* Servers fork from their first thread. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = depth < BENCH_DEPTH_MAX ? fopen(path, "re") : NULL;
	if (!file)
		return sum;
	while (fscanf(file, "%d", &child) == 1)
		sum += bench_cpu_tree(child, depth + 1);
	fclose(file);
	return sum;
}

uint64_t bench_cpu(pid_t pid)
{
	return bench_cpu_tree(pid, 0);
}

double bench_resident(pid_t pid)
{
	unsigned long pages = 0;
	char path[BENCH_NAME_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		bench_die("no %s", path);
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void bench_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void bench_usage(const struct bench_option *rows, size_t count, const char *argument)
{
	size_t i;

	fprintf(stderr, "bench: %s is not an option; there are:\n", argument);
	for (i = 0; i < count; i++) {
		fprintf(stderr, "  --%-14s %s", rows[i].name, rows[i].help);
		if (rows[i].number)
			fprintf(stderr, " (%ld)", *rows[i].number);
		fputc('\n', stderr);
	}
	exit(2);
}

static bool bench_option_set(const struct bench_option *row, const char *argument)
{
	size_t length = strlen(row->name);
	const char *value = argument + 2 + length + 1;
	char *end;

	if (strncmp(argument, "--", 2) || strncmp(argument + 2, row->name, length) ||
	    argument[2 + length] != '=' || !*value)
		return false;
	if (row->text) {
		*row->text = value;
		return true;
	}
	errno = 0;
	*row->number = strtol(value, &end, 10);
	return !errno && !*end && *row->number >= 0;
}

void bench_options(int argc, char **argv, const struct bench_option *rows, size_t count)
{
	size_t row;
	int i;

	for (i = 1; i < argc; i++) {
		for (row = 0; row < count; row++) {
			if (bench_option_set(&rows[row], argv[i]))
				break;
		}
		if (row == count)
			bench_usage(rows, count, argv[i]);
	}
}

void bench_pace_start(struct bench_pace *pace, double rate)
{
	pace->start = bench_clock();
	pace->rate = rate;
}

uint64_t bench_pace_due(const struct bench_pace *pace, uint64_t now)
{
	return 1 + (uint64_t)((double)(now - pace->start) * pace->rate / 1e9);
}

uint64_t bench_pace_wait(const struct bench_pace *pace, uint64_t done, uint64_t now)
{
	uint64_t at = pace->start + (uint64_t)((double)done * 1e9 / pace->rate);

	return at > now ? at - now : 0;
}

void bench_latency_add(struct bench_latency *latency, uint64_t ns)
{
	size_t size = latency->size ? latency->size * 2 : 4096;
	uint32_t *us;

	if (latency->count == latency->size) {
		us = realloc(latency->us, size * sizeof(*us));
		if (!us)
			bench_die("out of memory");
		latency->us = us;
		latency->size = size;
	}
	latency->us[latency->count++] = (uint32_t)(ns / 1000);
}

static int bench_compare_us(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

void bench_latency_print(struct bench_latency *latency, const char *name)
{
	static const struct {
		const char *suffix;
		unsigned percent;
	} rows[] = {{"p50_us", 50}, {"p99_us", 99}, {"max_us", 100}};
	char label[BENCH_NAME_MAX];
	size_t i;

	if (!latency->count)
		return;
	qsort(latency->us, latency->count, sizeof(*latency->us), bench_compare_us);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(label, sizeof(label), "%s_%s", name, rows[i].suffix);
		bench_print(label, latency->us[(latency->count - 1) * rows[i].percent / 100]);
	}
	free(latency->us);
	*latency = (struct bench_latency){0};
}

void bench_rounds_add(struct bench_rounds *rounds, double figure)
{
	if (rounds->count == BENCH_ROUNDS_MAX)
		bench_die("at most %d rounds", BENCH_ROUNDS_MAX);
	rounds->figure[rounds->count++] = figure;
}

static int bench_compare_figure(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

void bench_rounds_print(struct bench_rounds *rounds, const char *name)
{
	char label[BENCH_NAME_MAX];

	if (!rounds->count)
		return;
	qsort(rounds->figure, rounds->count, sizeof(rounds->figure[0]), bench_compare_figure);
	bench_print(name, rounds->figure[rounds->count / 2]);
	snprintf(label, sizeof(label), "%s_min", name);
	bench_print(label, rounds->figure[0]);
	snprintf(label, sizeof(label), "%s_max", name);
	bench_print(label, rounds->figure[rounds->count - 1]);
}

void bench_print(const char *name, double value)
{
	printf("%s=%.10g\n", name, value);
}

void bench_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}
