/*
 * Calls between pairs of phones, both ends played here: phone 2n calls phone 2n+1, one call at a
 * time a pair.  The load of `call`, and how `rtp` and `transactions` set their calls up.
 */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench.h"
#include "wire.h"

#define CALLS_WORD_MAX 160

/* What the called phone does with an INVITE, and the caller with an answer. */
enum calls_manner {
	CALLS_RING,  /* 180 and no more */
	CALLS_HOLD,  /* answered, and left up */
	CALLS_SHORT, /* answered, and hung up by the caller at once */
};

enum calls_state {
	CALLS_IDLE,
	CALLS_INVITED,
	CALLS_RINGING,
	CALLS_ANSWERED,
	CALLS_ENDING,
	CALLS_ENDED,
};

/* One pair of phones. */
struct calls_pair {
	enum calls_state caller;
	enum calls_state callee;
	unsigned number;	     /* of the call this pair is in */
	uint64_t started;	     /* ns */
	char target[CALLS_WORD_MAX]; /* the caller's remote target, a URI */
	char route[CALLS_WORD_MAX];  /* its route set: one proxy at most */
	char to[CALLS_WORD_MAX];     /* its To with the tag */
	char callee_call_id[CALLS_WORD_MAX];
	struct sockaddr_in media[2]; /* where caller and callee are to send their audio */
};

struct bench_calls {
	struct bench_wire *wire;  /* signalling */
	struct bench_wire *media; /* whose addresses the SDP offers; NULL: those of `wire` */
	enum calls_manner manner;
	unsigned session; /* s; what both phones ask for, the switch refreshing; 0: no timer */
	struct calls_pair *pairs;
	unsigned count; /* of pairs */
	uint64_t started;
	uint64_t rang;	    /* 180 seen by the caller */
	uint64_t answered;  /* 200 seen by the caller */
	uint64_t completed; /* BYE answered to the caller, and seen by the callee after its ACK */
	uint64_t refreshed; /* UPDATEs seen by either phone */
	uint64_t failed;    /* refused, or hung up by the server */
	uint64_t repeated;  /* INVITEs the callee saw again */
	struct bench_latency setup; /* INVITE to 200 */
};

void bench_calls_init(struct bench_calls *calls, struct bench_wire *wire, unsigned pairs);
void bench_calls_fini(struct bench_calls *calls);

/* The INVITE of a pair's next call; a call still open there is forgotten. */
void bench_calls_start(struct bench_calls *calls, unsigned pair);

/* The BYE of a pair's caller, whose call is up. */
void bench_calls_hang_up(struct bench_calls *calls, unsigned pair);

/* A bench_receive for the signalling wire, `arg` the calls. */
void bench_calls_receive(void *arg, const struct bench_datagram *datagram);

/* Start `operations` calls at `rate` a second over the pairs in turn from `first`, until *reached
 * has grown by as many or nothing has happened for 3 s. */
void bench_calls_run(struct bench_calls *calls, unsigned first, uint64_t operations, double rate,
		     const uint64_t *reached);

#endif
