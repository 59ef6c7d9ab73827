/* The loop: watches, signals, calls from other threads, workers. */
#include "loop/loop.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/timer.h"
#include "loop/udp.h"

#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static struct hl_loop *loop;

struct seen {
	struct hl_watch *watch;
	struct hl_watch *other; /* freed by the first call, too */
	unsigned times;
	unsigned events;
	bool free;              /* from within */
};

static void ready(void *arg, unsigned events)
{
	struct seen *seen = arg;

	seen->times++;
	seen->events = events;
	if (seen->free) {
		hl_watch_free(seen->watch);
		hl_watch_free(seen->other);
	}
}

static void watches(void)
{
	struct seen seen = { 0 }, other = { 0 };
	int fds[2];
	char byte;

	if (pipe(fds))
		return;
	seen.watch = hl_watch_new(loop, "unit", fds[0], HL_READABLE, ready, &seen);
	hl_loop_turn(loop);
	is_int(seen.times, 0, "nothing to read, nothing is called");
	ok(write(fds[1], "x", 1) == 1, "a byte is written");
	hl_loop_turn(loop);
	ok(seen.times >= 1 && seen.events == HL_READABLE, "readable");
	seen.times = 0;
	hl_loop_turn(loop);
	ok(seen.times >= 1, "and again, as long as it is not read");
	hl_watch_set(seen.watch, 0);
	seen.times = 0;
	hl_loop_turn(loop);
	is_int(seen.times, 0, "not when nothing is waited for");
	hl_watch_set(seen.watch, HL_READABLE);
	seen.free = true;
	/* Both are ready in the same turn; whoever is first frees both. */
	seen.other = hl_watch_new(loop, "other", fds[0], HL_READABLE, ready, &other);
	other = (struct seen){ .watch = seen.other, .other = seen.watch, .free = true };
	hl_loop_turn(loop);
	hl_loop_turn(loop);
	is_int(seen.times + other.times, 1, "freed from within, nothing is called any more");
	ok(read(fds[0], &byte, 1) == 1, "the descriptor is still ours");
	seen = (struct seen){ 0 };
	seen.watch = hl_watch_new(loop, "unit", fds[1], HL_WRITABLE, ready, &seen);
	hl_loop_turn(loop);
	is_int(seen.events, HL_WRITABLE, "writable");
	hl_watch_free(seen.watch);
	hl_watch_free(NULL);
	hl_memory_fail_at(1);
	ok(!hl_watch_new(loop, "unit", fds[0], HL_READABLE, ready, &seen), "NULL without memory");
	close(fds[0]);
	close(fds[1]);
}

static int last_signal;

static void caught(void *arg, int number)
{
	(void)arg;
	last_signal = number;
	hl_loop_stop(loop);
}

static void signals(void)
{
	is_int(hl_loop_signal(loop, SIGUSR1, caught, NULL), 0, "waiting for a signal");
	raise(SIGUSR1);
	hl_loop_run(loop);
	is_int(last_signal, SIGUSR1, "it is caught in the loop");
}

enum { POSTERS = 2, POSTS = 5000 };

static unsigned next_of[POSTERS], out_of_order;
static _Atomic unsigned posted_total;
static pthread_t loop_thread;
static bool wrong_thread;

struct post {
	unsigned poster, number;
};
static struct post posts[POSTERS][POSTS];

static void run_post(void *arg)
{
	struct post *post = arg;

	out_of_order += next_of[post->poster]++ != post->number;
	wrong_thread |= !pthread_equal(pthread_self(), loop_thread);
	if (++posted_total == POSTERS * POSTS)
		hl_loop_stop(loop);
}

static void *post_many(void *arg)
{
	struct post *mine = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		mine[i] = (struct post){ (unsigned)(mine != posts[0]), i };
		hl_loop_post(loop, run_post, &mine[i]);
	}
	return NULL;
}

static void count_one(void *arg)
{
	++*(unsigned *)arg;
}

static void posting(void)
{
	pthread_t threads[POSTERS];
	unsigned count = 0;

	loop_thread = pthread_self();
	for (int i = 0; i < POSTERS; i++)
		pthread_create(&threads[i], NULL, post_many, posts[i]);
	hl_loop_run(loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	is_int(posted_total, POSTERS * POSTS, "every call of two threads is run");
	is_int(out_of_order, 0, "in order of posting");
	ok(!wrong_thread, "in the loop's thread");
	hl_memory_fail_at(1);
	is_int(hl_loop_post(loop, count_one, &count), -ENOMEM, "no posting without memory");
	hl_loop_post(loop, count_one, &count);
	hl_loop_turn(loop);
	is_int(count, 1, "a call from the loop's own thread waits for the turn");
}

static unsigned worker_count;
static struct hl_worker *worker;
static bool elsewhere;

static void end_run(void *arg)
{
	(void)arg;
	hl_loop_stop(loop);
}

static void in_worker(void *arg)
{
	char name[16];

	(void)arg;
	worker_count++;
	elsewhere = !pthread_equal(pthread_self(), loop_thread);
	pthread_getname_np(pthread_self(), name, sizeof(name));
	is_str(name, "unit worker", "a worker's thread has its name");
	hl_loop_post(loop, end_run, NULL);
}

static void workers(void)
{
	unsigned count = 0;
	struct hl_error error;

	worker = hl_worker_new("unit worker", &error);
	hl_loop_post(hl_worker_loop(worker), in_worker, NULL);
	hl_loop_run(loop);
	is_int(worker_count, 1, "a worker runs what is posted, and posts back");
	ok(elsewhere, "in a thread of its own");
	for (int i = 0; i < 1000; i++)
		hl_loop_post(hl_worker_loop(worker), count_one, &count);
	hl_worker_free(worker);
	is_int(count, 1000, "its end runs what was posted before");
	hl_worker_free(NULL);
	hl_memory_fail_at(2);
	error.text[0] = '\0';
	ok(!hl_worker_new("unit", &error) && error.text[0], "no worker without memory, and why");
}

static void be_slow(void *arg)
{
	uint64_t since = hl_clock_real();

	(void)arg;
	while (hl_clock_real() - since < 60 * HL_MILLISECOND)
		;
}

static void slowness(void)
{
	FILE *captured = tmpfile();
	int real_stderr = dup(STDERR_FILENO);
	struct hl_timer timer;
	char line[512] = "";

	hl_timer_init(&timer, be_slow, NULL);
	hl_timer_start(loop, &timer, 0);
	fflush(stderr);
	dup2(fileno(captured), STDERR_FILENO);
	hl_loop_turn(loop);
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	rewind(captured);
	ok(fgets(line, sizeof(line), captured) && strstr(line, "event=slow-handler") &&
		   strstr(line, "handler=be_slow"),
	   "a handler over 50 ms is logged by name");
	fclose(captured);
}

static struct hl_loop *second;

static void post_again(void *arg)
{
	hl_loop_post(second, count_one, arg);
}

enum { DRIPS = 1000 };

struct drip {
	struct hl_udp *udp;
	struct hl_job job;
	unsigned turns;
	unsigned datagrams;
};

static void *drip(void *arg)
{
	struct drip *dripping = arg;
	struct sockaddr_storage name;
	socklen_t length = hl_address_to_sockaddr(hl_udp_local(dripping->udp), &name);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < DRIPS; i++) {
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&name, length) != 1)
			break;
		usleep(100);
	}
	close(fd);
	return NULL;
}

static void drip_turn(void *arg)
{
	struct drip *dripping = arg;

	dripping->turns++;
}

static void dripped(void *arg, const struct hl_datagram *datagram)
{
	struct drip *dripping = arg;

	(void)datagram;
	hl_job_want(loop, &dripping->job);
	if (++dripping->datagrams == DRIPS)
		hl_loop_stop(loop);
}

static void gathering(void)
{
	struct drip dripping = { .turns = 0 };
	struct hl_address address;
	pthread_t thread;

	hl_address_parse(hl_slice_of("127.0.0.1"), &address);
	hl_job_init(&dripping.job, drip_turn, &dripping);
	dripping.udp = hl_udp_open(loop, &address, dripped, &dripping, NULL);
	if (!ok(dripping.udp != NULL, "a socket to gather from"))
		return;
	hl_loop_gather(loop, 20 * HL_MILLISECOND);
	if (!pthread_create(&thread, NULL, drip, &dripping)) {
		hl_loop_run(loop);
		pthread_join(thread, NULL);
	}
	ok(dripping.datagrams == DRIPS && dripping.turns < DRIPS / 4,
	   "under load what arrives is handled together: %u datagrams in %u turns",
	   dripping.datagrams, dripping.turns);
	hl_loop_gather(loop, 0);
	hl_udp_close(dripping.udp);
}

/* Gathering is turned on while the loop runs, as a reload does it. */
struct alone {
	uint64_t first, second; /* hl_clock_real when each came */
};

static void came_alone(void *arg, const struct hl_datagram *datagram)
{
	struct alone *alone = arg;

	if (alone->first) {
		alone->second = hl_clock_real();
		hl_loop_stop(loop);
		return;
	}
	alone->first = hl_clock_real();
	hl_loop_gather(loop, 500 * HL_MILLISECOND);
	hl_udp_post(datagram->socket, NULL, &datagram->local, HL_SLICE_LITERAL("second"));
}

static void gathering_turned_on(void)
{
	struct alone alone = { 0 };
	struct hl_address address;
	struct hl_udp *udp;

	hl_address_parse(hl_slice_of("127.0.0.1"), &address);
	udp = hl_udp_open(loop, &address, came_alone, &alone, NULL);
	if (!ok(udp != NULL, "a socket to write to itself"))
		return;
	hl_udp_post(udp, NULL, hl_udp_local(udp), HL_SLICE_LITERAL("first"));
	hl_loop_turn(loop);
	hl_loop_run(loop);
	ok(alone.second - alone.first < 250 * HL_MILLISECOND,
	   "gathering that is turned on does not take the first messages for load (%llu us)",
	   (unsigned long long)(alone.second - alone.first));
	hl_loop_gather(loop, 0);
	hl_udp_close(udp);
}

static void count_job(void *arg)
{
	++*(unsigned *)arg;
}

static void jobs(void)
{
	struct hl_job job;
	unsigned count = 0;

	hl_job_init(&job, count_job, &count);
	hl_job_want(loop, &job);
	hl_job_want(loop, &job);
	is_int(count, 0, "a job waits for the end of the turn");
	hl_loop_turn(loop);
	is_int(count, 1, "and is done once, however often it was wanted");
	hl_job_want(loop, &job);
	hl_job_drop(&job);
	hl_loop_turn(loop);
	is_int(count, 1, "not when it was dropped");
}

int main(void)
{
	struct hl_error error = { "" };
	unsigned count = 0;

	loop = hl_loop_new(&error);
	if (!ok(loop != NULL, "a loop"))
		return done_testing();
	watches();
	signals();
	posting();
	workers();
	slowness();
	jobs();
	gathering();
	gathering_turned_on();
	hl_loop_stop(loop);
	hl_loop_run(loop);
	ok(true, "stopped before it runs, it comes back at once");
	hl_loop_free(loop);
	second = hl_loop_new(&error);
	hl_loop_post(second, post_again, &count);
	hl_loop_free(second);
	is_int(count, 1, "what waits when a loop is freed is run, and what that posts");
	for (unsigned long at = 1; at <= 2; at++) {
		hl_memory_fail_at(at);
		error.text[0] = '\0';
		ok(!hl_loop_new(&error) && error.text[0], "no loop without memory, and why (%lu)",
		   at);
	}
	hl_memory_fail_at(0);
	return done_testing();
}
