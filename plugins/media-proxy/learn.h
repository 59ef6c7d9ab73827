/* Symmetric RTP: from where one leg's packets may come, and where those for it go (M5, rules 24 and
 * 25). One for RTP, one for RTCP. Belongs to one thread; no allocation, no system call. */
#ifndef HL_MEDIA_LEARN_H
#define HL_MEDIA_LEARN_H

#include "holdline.h"

/* A locked source must have been silent that long before its host may go on from another port. */
#define HL_LEARN_SILENCE HL_SECOND
/* So many packets of one SSRC in sequence lock a source, or make another one take its place. */
enum { HL_LEARN_RUN = 3 };

/* What signalling knows about where a leg's packets come from. */
struct hl_expectation {
	struct hl_address sdp;	      /* address and port of its SDP; family 0: not said yet */
	struct hl_address signalling; /* host its SIP messages come from */
	bool nat;		      /* it is behind NAT: a private `sdp` leads nowhere */
	bool muted;		      /* c=0.0.0.0: it wants nothing sent */
	bool strangers;		      /* a host that neither names may teach, within the window */
	uint8_t prefix, prefix6;      /* bits that make two hosts one, IPv4 and IPv6 */
	uint64_t window; /* µs after an offer or answer in which a better source wins */
};

/* How much a source is worth, from worst to best. */
enum hl_learn_rank {
	HL_LEARN_STRANGER, /* neither of the hosts expected */
	HL_LEARN_HOST,	   /* the SDP's or the signalling's host, another port */
	HL_LEARN_EXACT,	   /* the SDP's address and port */
};

enum hl_learn_event {
	HL_LEARN_NOTHING,
	HL_LEARN_LEARNED,  /* the first source, or a better one */
	HL_LEARN_MOVED,	   /* the same host from another port (NAT rebinding) */
	HL_LEARN_REJECTED, /* the first packet dropped since the last offer or answer */
};

/* A packet as far as learning looks at it. */
struct hl_arrival {
	struct hl_address source;
	uint64_t now; /* hl_clock_now */
	bool rtp;     /* it has the next two; else any packet follows any other */
	uint32_t ssrc;
	uint16_t sequence;
};

/* Packets of one source that came one after the other. */
struct hl_run {
	struct hl_address source; /* family 0: none */
	bool rtp;
	uint32_t ssrc;
	uint16_t sequence; /* of the last */
	unsigned count;
};

struct hl_learn {
	struct hl_expectation expected;
	const struct hl_learn *sibling; /* RTCP: the RTP of the stream, whose host it shares */
	struct hl_address source;	/* learned; family 0: nothing yet */
	enum hl_learn_rank rank;	/* of `source` */
	bool locked;			/* `source` has made its run */
	bool refused;	     /* REJECTED has been reported since the last offer or answer */
	struct hl_run run;   /* of `source`; its SSRC is kept when it is locked */
	struct hl_run rival; /* of another one that may take its place */
	uint64_t opened;     /* hl_clock_now of the last offer or answer */
	uint64_t heard;	     /* … of the last packet from `source` */
};

void hl_learn_init(struct hl_learn *learn, const struct hl_learn *sibling);
/* An offer or answer came from the leg: learning is open again. A source that still fits stays. */
void hl_learn_expect(struct hl_learn *learn, const struct hl_expectation *expected, uint64_t now);
/* Whether a packet is the leg's. */
bool hl_learn_packet(struct hl_learn *learn, const struct hl_arrival *arrival,
		     enum hl_learn_event *event);
/* Where packets for the leg go, or NULL: nowhere yet. Changes with expect and with LEARNED, MOVED.
 */
const struct hl_address *hl_learn_destination(const struct hl_learn *learn);

#endif
