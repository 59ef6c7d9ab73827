/* Pairs of UDP ports: RTP on an even one, RTCP on the next odd one (M4, RFC 3550 §11). Both or
 * none. A pair that was in use rests for the quarantine, so that late packets of the last call
 * never reach the next. Belongs to the signalling thread. */
#ifndef HL_MEDIA_PORTS_H
#define HL_MEDIA_PORTS_H

#include "holdline.h"

struct hl_ports;

struct hl_port_pair {
	int fds[2];    /* RTP, RTCP: bound, non-blocking; the taker's */
	uint16_t port; /* of RTP; RTCP's is one more */
};

struct hl_port_figures {
	unsigned pairs, used, resting; /* in all, open, in quarantine */
	uint64_t refused;	       /* times no pair was free */
};

/* How many pairs a range holds. */
unsigned hl_ports_in_range(const struct hl_range *range);
/* `range` holds one at least. NULL when memory is out. */
struct hl_ports *hl_ports_new(const struct hl_range *range);
void hl_ports_free(struct hl_ports *ports);
/* How long a pair rests, s. */
void hl_ports_quarantine(struct hl_ports *ports, int64_t seconds);

/* The TOS octet of what the sockets send (RFC 2474), for pairs opened from now on. */
void hl_ports_tos(struct hl_ports *ports, int tos);

/* Binds a pair on `local` (its port is ignored) for `owner`. 0, -EADDRINUSE when no pair is free
 * now, or the negative errno of the bind that failed for another reason: nothing is held then. */
int hl_ports_open(struct hl_ports *ports, const struct hl_address *local, void *owner,
		  struct hl_port_pair *pair);
/* Takes a pair back, whose sockets are closed; `used`: it was shown to somebody, and
 * rests first. */
void hl_ports_release(struct hl_ports *ports, uint16_t port, bool used);
/* Who holds the pair that a port belongs to, or NULL. */
void *hl_ports_owner(const struct hl_ports *ports, uint16_t port);
void hl_ports_figures(const struct hl_ports *ports, struct hl_port_figures *figures);

#endif
