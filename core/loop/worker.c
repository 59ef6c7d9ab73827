/* Worker threads: a loop that runs in a thread of its own. */
#include "base/memory.h"
#include "loop/private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

struct hl_worker {
	struct hl_loop *loop; /* owned */
	pthread_t thread;
	char name[16];        /* of the thread, as the kernel takes it */
};

static void *run(void *arg)
{
	struct hl_worker *worker = arg;

	hl_loop_run(worker->loop);
	return NULL;
}

/* Signals are the signalling thread's: the worker is born with all of them blocked. */
static int start_thread(struct hl_worker *worker)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!code)
		pthread_setname_np(worker->thread, worker->name);
	return -code;
}

struct hl_worker *hl_worker_new(const char *name, struct hl_error *error)
{
	struct hl_worker *worker = hl_zalloc(sizeof(*worker));
	int code;

	if (!worker) {
		hl_error_set(error, -ENOMEM, "no memory for worker %s", name);
		return NULL;
	}
	snprintf(worker->name, sizeof(worker->name), "%s", name);
	worker->loop = hl_loop_new(error);
	if (!worker->loop)
		goto failed;
	code = start_thread(worker);
	if (code) {
		hl_error_set(error, code, "cannot start worker %s: %s", name, strerror(-code));
		goto failed;
	}
	return worker;
failed:
	hl_loop_free(worker->loop);
	hl_free(worker);
	return NULL;
}

struct hl_loop *hl_worker_loop(struct hl_worker *worker)
{
	return worker->loop;
}

static void stop(void *arg)
{
	hl_loop_stop(arg);
}

void hl_worker_free(struct hl_worker *worker)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	if (!worker)
		return;
	/* Without memory there is no other way to reach the thread: it has to come back. */
	while (hl_loop_post(worker->loop, stop, worker->loop))
		nanosleep(&pause, NULL);
	pthread_join(worker->thread, NULL);
	hl_loop_free(worker->loop);
	hl_free(worker);
}
