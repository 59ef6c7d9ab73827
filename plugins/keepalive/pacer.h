/* The pacer: who gets the next heartbeat, and when. Members of one period form a ring in order of
 * registration; a pass over the ring begins exactly a period after the one before. One budget of
 * `burst` datagrams between pauses of `interval` holds over all rings together. Knows neither
 * contacts nor sockets. */
#ifndef PACER_H
#define PACER_H

#include "holdline.h"

enum { PACER_CHUNK = 256 }; /* sent in one turn of the loop, so that calls are served between */

struct pacer_ring;

/* One endpoint to be kept alive; embedded where it belongs, zeroed at first. Small: there may be a
 * million. */
struct pacer_member {
	struct hl_list node;	 /* in its ring */
	struct pacer_ring *ring; /* NULL: in none */
	uint32_t pass : 28;	 /* the pass that dealt with it last, or in which it came */
	uint32_t copies : 4;	 /* it has had in the pass under way */
	uint32_t debt;		 /* passes it missed, less the number of its ring's last pass */
};

struct pacer_settings {
	uint64_t interval; /* µs of pause */
	unsigned burst;	   /* datagrams between pauses */
	unsigned copies;   /* datagrams for each member and pass, at most 15 */
	bool resume;	   /* an overrun pass goes on where it stopped, else at the first member */
	bool even;	   /* spread each pass over its period; burst and interval are a cap */
};

/* A pass that is over. */
struct pacer_pass {
	uint64_t period;   /* µs */
	uint64_t duration; /* µs it took */
	uint32_t sent;	   /* datagrams */
	uint32_t skipped;  /* members that needed none */
	uint32_t missed;   /* members that got none */
};

/* A ring as it is now. */
struct pacer_progress {
	uint64_t period;  /* µs */
	uint64_t next;	  /* hl_clock_now when the next pass begins */
	uint32_t members; /* in the ring */
	uint32_t total;	  /* of the pass under way, or the last one */
	uint32_t left;	  /* of them not yet reached */
	uint32_t sent, skipped;
	uint32_t missed_last; /* members the pass before left out */
};

/* What became of one heartbeat. */
enum pacer_result {
	PACER_SENT,
	PACER_LEFT, /* its socket is full: later */
	PACER_LOST, /* it cannot be sent: this pass missed it */
};

struct pacer_events {
	/* Sends one heartbeat to each of `members`, and says what became of it. Members that are
	 * removed meanwhile become NULL. */
	void (*send)(void *arg, struct pacer_member *const *members, unsigned count,
		     enum pacer_result *results);
	/* Whether this member needs one in this pass, asked once; NULL: all do. */
	bool (*due)(void *arg, struct pacer_member *member);
	void (*begun)(void *arg); /* a pass; NULL: nobody asks */
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
	uint64_t window;       /* the beat of the burst that `used` belongs to */
	uint64_t began;	       /* when it began */
	unsigned used;	       /* datagrams of it */
	unsigned sending;      /* members in `batch` while they are being sent */
	struct pacer_member *batch[PACER_CHUNK];
	enum pacer_result results[PACER_CHUNK];
	uint32_t count;			  /* members */
	uint64_t passes, skipped, missed; /* since the start; the latter: members */
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
/* µs that a pass over so many members takes at the least (K8). */
uint64_t pacer_time(const struct pacer_settings *settings, uint64_t members);
/* K8: µs that one pass over all members takes at the least. */
uint64_t pacer_needed(const struct pacer *pacer);
/* The share of time that sending would take with these settings, and with `period` for the members
 * that have `instead_of` now, in millionths; more than all of it cannot be done. */
uint64_t pacer_load(const struct pacer *pacer, const struct pacer_settings *settings,
		    uint64_t instead_of, uint64_t period);
/* Calls `visit` for each ring. */
void pacer_each_ring(const struct pacer *pacer,
		     void (*visit)(void *arg, const struct pacer_progress *progress), void *arg);

#endif
