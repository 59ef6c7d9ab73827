/* The relay's threads, inside: what a side is to its worker. Every struct here belongs to the
 * worker once it was posted there, except where a comment says otherwise. */
#ifndef HL_MEDIA_WORKER_H
#define HL_MEDIA_WORKER_H

#include "control.h"
#include "relay.h"
#include "rtp.h"

#include <stdatomic.h>

enum {
	HL_RELAY_RTP,
	HL_RELAY_RTCP,
	HL_RELAY_CHANNELS,
	HL_RELAY_PACKET = 9216, /* bytes: what a jumbo frame carries; more is no media: dropped,
				   never cut */
};

/* An address as the system has it, no larger than it must be. */
struct hl_relay_place {
	socklen_t length; /* 0: none */
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	};
};

/* What every packet needs stands first. */
struct hl_relay_channel {
	struct hl_relay_side *side;  /* around it */
	int fd;			     /* owned */
	bool fragments;		     /* what is too large for the way is sent in pieces */
	struct hl_relay_place known; /* the locked source: what comes from there is the leg's */
	struct hl_relay_place to;    /* where packets for the leg go */
	struct hl_learn learn;
};

/* Written by the worker alone, read by signalling: no order between them is promised. */
struct hl_published {
	_Atomic uint64_t packets, bytes, lost, jitter, rejected, invalid, heard, spoke;
	_Atomic uint64_t round_trip, far_reported, far_lost, far_jitter;
};

struct hl_relay_side {
	struct hl_list node;		/* signalling's: in relay->sides */
	struct hl_relay *relay;		/* borrowed */
	struct hl_relay_worker *worker; /* borrowed: where it lives */
	struct hl_relay_side *peer;	/* the side that gets what comes here; or NULL */
	struct hl_list feeding;		/* … in its `feeders` */
	struct hl_list feeders;		/* sides that have this one for their peer */
	struct hl_relay_channel channels[HL_RELAY_CHANNELS];
	struct hl_rtp_source source; /* of the RTP that came */
	uint64_t lost;		     /* by it so far */
	struct hl_control control;   /* what RTCP says of the leg */
	bool datagrams;		     /* not RTP: anything passes */
	bool encrypted;		     /* RTCP cannot be read */
	unsigned clock_rate;	     /* Hz */
	struct hl_published published;
	char call[40];	 /* for the log */
	const char *leg; /* static */
};

struct hl_relay_worker {
	struct hl_worker *thread; /* signalling's; owned */
	struct hl_loop *loop;	  /* borrowed from the thread */
	unsigned sides;		  /* signalling's: how many live here */
	int epoll;		  /* owned: the sockets of all sides */
	struct hl_watch *watch;	  /* owned: on `epoll` */
	uint64_t now, real;	  /* hl_clock_now and hl_clock_real of the batch being relayed */
	struct hl_published total;
	uint8_t packet[HL_RELAY_PACKET]; /* the one being relayed */
};

/* A message to a worker. */
struct hl_relay_order {
	struct hl_relay_side *side, *peer;
	struct hl_relay_terms terms;
};

/* Starts a thread. NULL with `error`. */
struct hl_relay_worker *hl_relay_worker_new(unsigned index, struct hl_error *error);
void hl_relay_worker_free(struct hl_relay_worker *worker);

/* How the worker carries out what it was posted: a struct hl_relay_order, which they free. */
void hl_relay_order_add(void *order);
void hl_relay_order_terms(void *order);
void hl_relay_order_link(void *order);
void hl_relay_order_feed(void *order);
/* … the side itself, which it frees. */
void hl_relay_order_free(void *side);

#endif
