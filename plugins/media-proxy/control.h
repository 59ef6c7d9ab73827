/* What RTCP tells on its way through (RFC 3550 §6.4): how far away each end is, and how well it
 * hears the other. Packets are read, never changed; what SRTCP encrypts is not looked at. */
#ifndef HL_MEDIA_CONTROL_H
#define HL_MEDIA_CONTROL_H

#include "holdline.h"

enum { HL_CONTROL_REPORTS = 4 };

/* About one leg. */
struct hl_control {
	/* The sender reports that were passed on to it, the last few. */
	struct {
		uint32_t stamp; /* middle of its NTP time; 0: none */
		uint64_t at;	/* hl_clock_real when it passed */
	} sent[HL_CONTROL_REPORTS];
	unsigned next;	     /* of `sent` */
	uint64_t round_trip; /* µs, from here to the leg and back; 0: not known */
	bool reported;	     /* it has reported what it hears: */
	uint32_t lost;	     /* … packets that it says never came */
	uint32_t jitter;     /* … timestamp units */
};

/* Takes in an RTCP packet (compound) that came from `from`'s leg at `now` (hl_clock_real) and goes
 * on to `to`'s, NULL if to nobody. */
void hl_control_received(struct hl_control *from, struct hl_control *to, const uint8_t *data,
			 size_t length, uint64_t now);

#endif
