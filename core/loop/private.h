/* The inside of a loop, for the files of this room: the libevent base, the timer wheel, the posted
 * calls, and what sockets and streams keep per loop. */
#ifndef HL_LOOP_PRIVATE_H
#define HL_LOOP_PRIVATE_H

#include "base/address.h"
#include "loop/timer.h"

#include <event2/event.h>
#include <pthread.h>

/* Slots of the wheel's levels: 256 of 1 ms, 256 of 256 ms, 64 each of 65.5 s, 70 min and 3.1 days.
 * The second level is wide so that timers up to a minute, which are the many, come down 256 ms at a
 * time and not by the half million. */
enum { HL_WHEEL_SLOTS = 256 + 256 + 3 * 64 };

/* Datagrams that one turn takes from a socket: as many say that there are more. */
enum { HL_HEARD_MOST = 64 };

struct hl_wheel {
	struct hl_list slots[HL_WHEEL_SLOTS];
	uint64_t used[HL_WHEEL_SLOTS / 64]; /* which slots have timers */
	struct hl_list ready;               /* due, to be fired in the next turn */
	struct hl_list firing;              /* being fired in this turn */
	uint64_t tick;                      /* ms; all slots up to here have been emptied */
	uint64_t armed;                     /* ms; when `event` runs us; UINT64_MAX: never */
	bool running;                       /* within hl_wheel_run: it arms at its end */
	struct event *event;                /* on `alarm`; owned */
	int alarm;                          /* timerfd; owned */
};

struct hl_loop {
	struct event_base *base; /* owned */
	struct hl_wheel wheel;
	pthread_mutex_t lock;    /* of `posted` */
	struct hl_list posted;   /* calls from other threads, in order */
	int wake;                /* eventfd: `posted` has something; owned */
	struct hl_watch *waker;  /* on `wake`; owned */
	struct hl_list signals;  /* owned */
	struct hl_list jobs;     /* wanted at the end of this turn */
	struct hl_list streams;  /* that finish without an owner; freed with the loop */
	void *datagrams;         /* the room for received datagrams, hl_free; NULL: none yet */
	unsigned gather;         /* µs, at most, from turn to turn under load */
	unsigned heard;          /* in this turn: datagrams, and events of other descriptors */
	unsigned gaps;           /* µs between what was heard, summed over the last turns */
	uint64_t woken;          /* µs, real, when the last turn that heard something began */
	uint64_t woken_last;     /* the same of the turn before it */
	bool stopped;
};

/* Logs a handler that began at `since` (hl_clock_real) if it was slow; returns the time now. */
uint64_t hl_loop_handled(const char *name, uint64_t since);

int hl_wheel_init(struct hl_loop *loop);
void hl_wheel_fini(struct hl_loop *loop);
/* Runs the jobs of this turn. */
void hl_loop_end_turn(struct hl_loop *loop);
/* When the wheel has the loop wake next: real µs from now, UINT64_MAX never. */
uint64_t hl_wheel_wait(const struct hl_wheel *wheel);
/* Fires what is due now. */
void hl_wheel_run(struct hl_loop *loop);

struct hl_stream;
struct hl_stream_tls;
struct ssl_st;
/* A stream of an accepted connection, not reading yet; with TLS when there is a session. Takes over
 * `fd` and the session; NULL when memory is out. */
struct hl_stream *hl_stream_accept(struct hl_loop *loop, int fd, const struct sockaddr *remote,
				   const struct hl_stream_tls *tls, struct ssl_st *session);
/* Frees the streams that still finish. */
void hl_streams_drop(struct hl_loop *loop);

/* A nonblocking socket bound to `address` (NULL: only opened, for `family`). The descriptor, or
 * negative errno with `error` naming `kind`, the address, the reason and, where known, the mend. */
int hl_socket_bind(const char *kind, int family, int type, const struct hl_address *address,
		   struct hl_error *error);

#endif
