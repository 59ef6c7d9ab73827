/* The event loop: descriptors, signals, timers and calls from other threads. The signalling thread
 * has one; every worker has its own. Only this room knows libevent. A loop belongs to the thread
 * that runs it; hl_loop_post is the one function other threads may call. */
#ifndef HL_LOOP_LOOP_H
#define HL_LOOP_LOOP_H

#include "base/error.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct hl_loop;
struct hl_watch;

enum { HL_READABLE = 1, HL_WRITABLE = 2 };

/* A new loop; NULL with `error` set when the system refuses. */
HL_EXPORT struct hl_loop *hl_loop_new(struct hl_error *error);
HL_EXPORT void hl_loop_free(struct hl_loop *loop);
/* Runs until hl_loop_stop. A handler that takes over 50 ms is logged by name. */
HL_EXPORT void hl_loop_run(struct hl_loop *loop);
/* Runs what is due now and returns: for tests. */
HL_EXPORT void hl_loop_turn(struct hl_loop *loop);
HL_EXPORT void hl_loop_stop(struct hl_loop *loop);

/* Under load, which is when several datagrams are expected within `time` µs, what arrives within
 * that time is handled in one turn, which costs a fraction of as many turns; a timer is not made
 * late by it. 0, as a new loop has it: every turn at once. */
HL_EXPORT void hl_loop_gather(struct hl_loop *loop, unsigned time);

/* Something to do at the end of a turn, before the loop waits again. */
struct hl_job {
	struct hl_list node; /* in its loop; alone when not wanted */
	void (*run)(void *arg);
	void *arg;           /* borrowed */
};
HL_EXPORT void hl_job_init(struct hl_job *job, void (*run)(void *arg), void *arg);
/* Has it run once, when this turn ends; the loop's thread only. Asking again changes nothing. */
HL_EXPORT void hl_job_want(struct hl_loop *loop, struct hl_job *job);
HL_EXPORT void hl_job_drop(struct hl_job *job);

/* Calls `ready(arg, events)` whenever `fd` is readable or writable as asked (level-triggered).
 * The descriptor stays the caller's. NULL when memory is out. `name` is for the log, borrowed. */
HL_EXPORT struct hl_watch *hl_watch_new(struct hl_loop *loop, const char *name, int fd,
					unsigned events, void (*ready)(void *arg, unsigned events),
					void *arg);
/* Changes what is waited for (0: nothing). 0 or negative errno. */
HL_EXPORT int hl_watch_set(struct hl_watch *watch, unsigned events);
/* Harmless from within `ready`, and on NULL. */
HL_EXPORT void hl_watch_free(struct hl_watch *watch);

/* Calls `caught(arg, signal)` in the loop when the process gets `signal`. 0 or negative errno. */
HL_EXPORT int hl_loop_signal(struct hl_loop *loop, int signal,
			     void (*caught)(void *arg, int signal), void *arg);

/* Runs `call(arg)` in the loop's thread, in order of posting. Thread-safe; wakes the loop.
 * 0 or -ENOMEM. What is still waiting when the loop is freed is run then. */
HL_EXPORT int hl_loop_post(struct hl_loop *loop, void (*call)(void *arg), void *arg);

/* A thread with a loop of its own. NULL with `error` set. `name` is the thread's, 15 characters. */
struct hl_worker;
HL_EXPORT struct hl_worker *hl_worker_new(const char *name, struct hl_error *error);
HL_EXPORT struct hl_loop *hl_worker_loop(struct hl_worker *worker);
/* Runs what was posted, ends the thread, joins it and frees its loop. */
HL_EXPORT void hl_worker_free(struct hl_worker *worker);

#endif
