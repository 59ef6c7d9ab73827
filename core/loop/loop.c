/* The loop: libevent underneath, our timer wheel and the posted calls on top. */
#include "loop/loop.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/private.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SLOW_HANDLER (50 * HL_MILLISECOND) /* µs, real */

enum {
	WORTH = 4,        /* messages to be expected in a nap that is worth their delay */
	GAPS = 16,        /* turns that their mean distance is of */
	NAP_LEAST = 200   /* µs; less is not worth two switches of context */
};

struct hl_watch {
	struct event event;
	struct hl_loop *loop; /* borrowed; outlives it */
	const char *name;     /* borrowed */
	int fd;               /* borrowed */
	void (*ready)(void *arg, unsigned events);
	void *arg;            /* borrowed */
};

struct signal_watch {
	struct hl_list node;  /* in the loop's `signals` */
	struct event *event;  /* owned */
	void (*caught)(void *arg, int signal);
	void *arg;            /* borrowed */
};

struct posted {
	struct hl_list node;  /* in the loop's `posted` */
	void (*call)(void *arg);
	void *arg;            /* the call's */
};

uint64_t hl_loop_handled(const char *name, uint64_t since)
{
	uint64_t now = hl_clock_real();

	if (now - since > SLOW_HANDLER)
		hl_log(HL_LOG_WARN, "loop", "slow-handler", hl_str("handler", name),
		       hl_int("ms", (int64_t)((now - since) / HL_MILLISECOND)));
	return now;
}

static void run_posted(struct hl_loop *loop)
{
	struct hl_list calls, *node, *next;

	hl_list_init(&calls);
	pthread_mutex_lock(&loop->lock);
	hl_list_each(node, next, &loop->posted) {
		hl_list_remove(node);
		hl_list_append(&calls, node);
	}
	pthread_mutex_unlock(&loop->lock);
	hl_list_each(node, next, &calls) {
		struct posted posted = *hl_list_entry(node, struct posted, node);
		uint64_t since = hl_clock_real();

		hl_free(hl_list_entry(node, struct posted, node));
		posted.call(posted.arg);
		hl_loop_handled("posted", since);
	}
}

static void woken(void *arg, unsigned events)
{
	struct hl_loop *loop = arg;
	eventfd_t count;

	(void)events;
	/* Reset first: what is posted from now on wakes us again. */
	eventfd_read(loop->wake, &count);
	run_posted(loop);
}

static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	/* A loop belongs to one thread; its time is the wheel's, not libevent's. */
	if (config && !event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

struct hl_loop *hl_loop_new(struct hl_error *error)
{
	struct hl_loop *loop = hl_zalloc(sizeof(*loop));

	if (!loop) {
		hl_error_set(error, -ENOMEM, "no memory for an event loop");
		return NULL;
	}
	/* A peer that closed its stream must not end the process. */
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&loop->lock, NULL);
	hl_list_init(&loop->posted);
	hl_list_init(&loop->jobs);
	hl_list_init(&loop->signals);
	hl_list_init(&loop->streams);
	loop->wheel.alarm = -1;
	loop->base = new_base();
	loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->base && loop->wake >= 0 && !hl_wheel_init(loop))
		loop->waker = hl_watch_new(loop, "posted", loop->wake, HL_READABLE, woken, loop);
	if (loop->waker)
		return loop;
	hl_error_set(error, -errno,
		     "cannot make an event loop: %s (descriptors or memory used up; see ulimit -n)",
		     strerror(errno));
	hl_loop_free(loop);
	return NULL;
}

void hl_loop_free(struct hl_loop *loop)
{
	struct hl_list *node, *next;

	if (!loop)
		return;
	/* A call may post another. */
	while (!hl_list_empty(&loop->posted))
		run_posted(loop);
	hl_streams_drop(loop);
	hl_list_each(node, next, &loop->signals) {
		struct signal_watch *watch = hl_list_entry(node, struct signal_watch, node);

		event_free(watch->event);
		hl_free(watch);
	}
	hl_watch_free(loop->waker);
	hl_wheel_fini(loop);
	if (loop->base)
		event_base_free(loop->base);
	if (loop->wake >= 0)
		close(loop->wake);
	pthread_mutex_destroy(&loop->lock);
	hl_free(loop->datagrams);
	hl_free(loop);
}

void hl_loop_gather(struct hl_loop *loop, unsigned time)
{
	loop->gather = time;
	/* What is not known is no load: what comes alone next does not wait. */
	loop->gaps = time * GAPS;
}

void hl_job_init(struct hl_job *job, void (*run)(void *arg), void *arg)
{
	hl_list_init(&job->node);
	job->run = run;
	job->arg = arg;
}

void hl_job_want(struct hl_loop *loop, struct hl_job *job)
{
	if (hl_list_empty(&job->node))
		hl_list_append(&loop->jobs, &job->node);
}

void hl_job_drop(struct hl_job *job)
{
	hl_list_remove(&job->node);
}

void hl_loop_end_turn(struct hl_loop *loop)
{
	while (!hl_list_empty(&loop->jobs)) {
		struct hl_job *job = hl_list_entry(loop->jobs.next, struct hl_job, node);

		hl_list_remove(&job->node);
		job->run(job->arg);
	}
	hl_log_flush();
}

/* Follows how far apart messages come. A pause counts as one of `gather`, however long: the first
 * of a wave do not wait, and the next ones soon do. */
static void watch_load(struct hl_loop *loop)
{
	uint64_t gap = (loop->woken - loop->woken_last) / loop->heard;

	if (gap > loop->gather)
		gap = loop->gather;
	loop->gaps += (unsigned)gap - loop->gaps / GAPS;
	loop->woken_last = loop->woken;
}

static bool under_load(const struct hl_loop *loop)
{
	return loop->heard < HL_HEARD_MOST && loop->gaps / GAPS * WORTH <= loop->gather;
}

/* The next turn waits until `gather` after this one began, but for no timer. */
static void nap(const struct hl_loop *loop)
{
	uint64_t now = hl_clock_real(), end = loop->woken + loop->gather;
	uint64_t time = end > now ? end - now : 0, timer = hl_wheel_wait(&loop->wheel);
	struct timespec span;

	if (timer < time)
		time = timer;
	span = (struct timespec){.tv_nsec = (long)time * 1000};
	if (time >= NAP_LEAST)
		nanosleep(&span, NULL);
}

void hl_loop_run(struct hl_loop *loop)
{
	while (!loop->stopped) {
		loop->heard = 0;
		event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
		hl_loop_end_turn(loop);
		if (!loop->heard || !loop->gather || loop->stopped)
			continue;
		watch_load(loop);
		if (under_load(loop))
			nap(loop);
	}
	loop->stopped = false;
}

void hl_loop_turn(struct hl_loop *loop)
{
	event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	hl_wheel_run(loop);
	hl_loop_end_turn(loop);
}

void hl_loop_stop(struct hl_loop *loop)
{
	loop->stopped = true;
	event_base_loopbreak(loop->base);
}

static void watch_ready(evutil_socket_t fd, short what, void *arg)
{
	struct hl_watch *watch = arg;
	const char *name = watch->name; /* `ready` may free the watch */
	struct hl_loop *loop = watch->loop;
	uint64_t since = hl_clock_real();

	(void)fd;
	if (!loop->heard++)
		loop->woken = since;
	watch->ready(watch->arg, (what & EV_READ ? HL_READABLE : 0u) |
					 (what & EV_WRITE ? HL_WRITABLE : 0u));
	hl_loop_handled(name, since);
}

struct hl_watch *hl_watch_new(struct hl_loop *loop, const char *name, int fd, unsigned events,
			      void (*ready)(void *arg, unsigned events), void *arg)
{
	struct hl_watch *watch = hl_zalloc(sizeof(*watch));

	if (!watch)
		return NULL;
	watch->loop = loop;
	watch->name = name;
	watch->fd = fd;
	watch->ready = ready;
	watch->arg = arg;
	event_assign(&watch->event, loop->base, fd, EV_PERSIST, watch_ready, watch);
	if (hl_watch_set(watch, events)) {
		hl_free(watch);
		return NULL;
	}
	return watch;
}

int hl_watch_set(struct hl_watch *watch, unsigned events)
{
	short what = (short)((events & HL_READABLE ? EV_READ : 0) |
			     (events & HL_WRITABLE ? EV_WRITE : 0));

	event_del(&watch->event);
	event_assign(&watch->event, watch->loop->base, watch->fd, (short)(what | EV_PERSIST),
		     watch_ready, watch);
	if (what && event_add(&watch->event, NULL))
		return errno ? -errno : -EINVAL;
	return 0;
}

void hl_watch_free(struct hl_watch *watch)
{
	if (!watch)
		return;
	event_del(&watch->event);
	hl_free(watch);
}

static void signal_caught(evutil_socket_t signal, short what, void *arg)
{
	struct signal_watch *watch = arg;
	uint64_t since = hl_clock_real();

	(void)what;
	watch->caught(watch->arg, signal);
	hl_loop_handled("signal", since);
}

int hl_loop_signal(struct hl_loop *loop, int signal, void (*caught)(void *arg, int signal),
		   void *arg)
{
	struct signal_watch *watch = hl_zalloc(sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->caught = caught;
	watch->arg = arg;
	watch->event = evsignal_new(loop->base, signal, signal_caught, watch);
	if (!watch->event || evsignal_add(watch->event, NULL)) {
		if (watch->event)
			event_free(watch->event);
		hl_free(watch);
		return -EINVAL;
	}
	hl_list_append(&loop->signals, &watch->node);
	return 0;
}

int hl_loop_post(struct hl_loop *loop, void (*call)(void *arg), void *arg)
{
	struct posted *posted = hl_alloc(sizeof(*posted));
	bool first;

	if (!posted)
		return -ENOMEM;
	posted->call = call;
	posted->arg = arg;
	pthread_mutex_lock(&loop->lock);
	first = hl_list_empty(&loop->posted);
	hl_list_append(&loop->posted, &posted->node);
	/* Within the lock: once it is released, the call may run and the loop be gone. */
	if (first)
		eventfd_write(loop->wake, 1);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}
