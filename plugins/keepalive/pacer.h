/* The pacer: who gets the next heartbeat, and when. Members of one period form a ring in order of
 * registration; a pass over the ring begins exactly a period after the one before. One budget of
 * `burst` datagrams between pauses of `interval` holds over all rings together. Knows neither
 * contacts nor sockets. */
#ifndef PACER_H
#define PACER_H

#include "holdline.h"

enum { PACER_CHUNK = 256 }; /* sent in one turn of the loop, so that calls are served between */

struct pacer_ring;

/* One endpoint to be kept alive; embedded where it belongs, zeroed at first. */
struct pacer_member {
	struct hl_list node;	 /* in its ring */
	struct pacer_ring *ring; /* NULL: in none */
	uint32_t pass;		 /* the pass that served it last, or in which it came */
	uint32_t joined;	 /* the pass in which it came */
	uint32_t served;	 /* passes since then that reached it */
	uint32_t missed;	 /* passes of former rings that did not */
};

struct pacer_settings {
	uint64_t interval; /* µs of pause */
	unsigned burst;	   /* datagrams between pauses */
	unsigned copies;   /* datagrams for each member and pass */
	bool resume;	   /* an overrun pass goes on where it stopped, else at the first member */
	bool even;	   /* spread each pass over its period; burst and interval are a cap */
};

/* A pass that is over. */
struct pacer_pass {
	uint64_t period;   /* µs */
	uint64_t duration; /* µs it took */
	uint32_t sent;	   /* datagrams */
	uint32_t skipped;  /* members that needed none */
	uint32_t missed;   /* members it did not reach */
};

struct pacer_events {
	/* Sends one heartbeat to each; returns how many were dealt with, in order: less than
	 * `count` when the socket is full. Members may be removed meanwhile. */
	unsigned (*send)(void *arg, struct pacer_member *const *members, unsigned count);
	/* Whether this member needs one in this pass; NULL: all do. */
	bool (*due)(void *arg, const struct pacer_member *member);
	void (*passed)(void *arg, const struct pacer_pass *pass);
};

struct pacer {
	struct hl_loop *loop;		   /* borrowed */
	const struct pacer_events *events; /* borrowed */
	void *arg;			   /* borrowed */
	struct pacer_settings settings;
	struct hl_list rings;  /* struct pacer_ring */
	struct hl_list active; /* those with a pass under way, next deadline first */
	struct hl_timer timer; /* the next burst, or the rest of this one */
	uint64_t window;       /* when the burst began that `used` belongs to */
	unsigned used;	       /* datagrams of it */
	unsigned sending;      /* members in `batch` while they are being sent */
	struct pacer_member *batch[PACER_CHUNK];
	uint32_t count;		 /* members */
	uint64_t passes, missed; /* since the start; missed: members */
};

void pacer_init(struct pacer *pacer, struct hl_loop *loop, const struct pacer_events *events,
		void *arg, const struct pacer_settings *settings);
/* Lets go of every ring; the members are their owners'. */
void pacer_fini(struct pacer *pacer);
void pacer_configure(struct pacer *pacer, const struct pacer_settings *settings);
/* Puts a member behind the others of that period (µs): the next pass is its first. One that is
 * there already keeps its place. 0 or -ENOMEM: in no ring then. */
int pacer_add(struct pacer *pacer, struct pacer_member *member, uint64_t period);
/* Harmless on a member of no ring. */
void pacer_remove(struct pacer *pacer, struct pacer_member *member);
/* Passes that did not reach it. */
uint32_t pacer_missed(const struct pacer_member *member);
/* Members that the last pass of each ring did not reach. */
uint32_t pacer_missed_last(const struct pacer *pacer);
/* K8: µs that one pass over all members takes at the least. */
uint64_t pacer_needed(const struct pacer *pacer);
/* The share of time that sending takes, in thousandths; over 1000: it cannot be done. */
uint64_t pacer_load(const struct pacer *pacer);

#endif
