/* The relay: worker threads that pass datagrams between the two sides of each stream, unchanged
 * (M8). A side is one leg's end of one m-line: an RTP and an RTCP socket facing that leg. All sides
 * of a call live in one worker. Signalling tells the worker what to do by messages and reads the
 * figures it publishes; neither ever waits for the other. */
#ifndef HL_MEDIA_RELAY_H
#define HL_MEDIA_RELAY_H

#include "learn.h"

struct hl_relay;
struct hl_relay_side;

struct hl_relay_figures {
	uint64_t packets,
		bytes;	   /* accepted from the leg: RTP (or whatever the stream is), UDP payload */
	uint64_t lost;	   /* packets that never came */
	uint64_t jitter;   /* µs */
	uint64_t rejected; /* from strangers */
	uint64_t invalid;  /* not of the stream's kind, or too long */
	uint64_t heard;	   /* hl_clock_now of the last accepted one, RTCP included; 0: none */
	uint64_t spoke;	   /* … RTCP and the like not included */
	/* By the leg's RTCP, of what it hears: */
	bool far_reported;   /* it has said */
	uint64_t round_trip; /* µs from here to the leg and back; 0: not known */
	uint64_t far_lost;   /* packets */
	uint64_t far_jitter; /* µs */
};

/* What all sides together have seen since the start. */
struct hl_relay_totals {
	uint64_t packets, bytes, lost, rejected, invalid;
};

/* What an offer or answer of its leg says about a side. */
struct hl_relay_terms {
	struct hl_expectation rtp, rtcp;
	bool datagrams;	     /* no RTP (T.38 udptl, …): anything passes */
	bool encrypted;	     /* SRTP: its RTCP cannot be read */
	unsigned clock_rate; /* Hz */
};

/* Starts the worker threads. NULL with `error`. */
struct hl_relay *hl_relay_new(unsigned threads, struct hl_error *error);
/* Closes the sides that are left, ends the threads. */
void hl_relay_free(struct hl_relay *relay);
/* The worker with the fewest sides: for a new call. */
unsigned hl_relay_worker(const struct hl_relay *relay);
void hl_relay_totals(const struct hl_relay *relay, struct hl_relay_totals *totals);

/* Hands two bound sockets to a worker, which owns them from now on. `call` and `leg` are for the
 * log (copied; static). 0 or -ENOMEM: the sockets are still the caller's. */
int hl_relay_side_new(struct hl_relay *relay, unsigned worker, const int fds[2], const char *call,
		      const char *leg, const struct hl_relay_terms *terms,
		      struct hl_relay_side **side);
/* Closes its sockets, so that their ports can be bound again, and frees it. NULL is ignored. */
void hl_relay_side_free(struct hl_relay_side *side);
/* New terms; learning is open again. 0 or -ENOMEM. */
int hl_relay_side_expect(struct hl_relay_side *side, const struct hl_relay_terms *terms);
/* From now on the two hear each other and nobody else; `b` NULL: `a` hears nobody. 0 or -ENOMEM. */
int hl_relay_side_link(struct hl_relay_side *a, struct hl_relay_side *b);
/* What comes to `a` goes to `b` as well as whatever else does, until one of them is linked: media
 * that come before their answer (RFC 3264 §5.1). 0 or -ENOMEM. */
int hl_relay_side_feed(struct hl_relay_side *a, struct hl_relay_side *b);
/* What came from the leg so far. */
void hl_relay_side_figures(const struct hl_relay_side *side, struct hl_relay_figures *figures);

#endif
