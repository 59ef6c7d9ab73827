/* What a datagram of a media stream is (RFC 7983, RFC 5761), and the receiver's figures of an RTP
 * stream (RFC 3550 §6.4.1, appendix A). The packet is read, never changed (M8). */
#ifndef HL_MEDIA_RTP_H
#define HL_MEDIA_RTP_H

#include "holdline.h"

enum hl_packet {
	HL_PACKET_INVALID, /* nothing that belongs into the stream */
	HL_PACKET_RTP,
	HL_PACKET_CONTROL, /* RTCP, STUN, DTLS, ZRTP: passed on, not in the figures of the stream */
};

/* The kind of a datagram on the RTP or RTCP port of an RTP stream. */
enum hl_packet hl_rtp_classify(const uint8_t *data, size_t length);

/* Of an RTP packet. */
uint16_t hl_rtp_sequence(const uint8_t *data);
uint32_t hl_rtp_ssrc(const uint8_t *data);

struct hl_rtp_source {
	bool started;
	uint32_t ssrc;
	uint32_t first;	      /* sequence number of the first packet */
	uint32_t highest;     /* … the highest so far, with cycles */
	uint64_t received;    /* packets of this SSRC */
	uint64_t lost_before; /* by earlier SSRCs */
	uint32_t timestamp;   /* of the last packet */
	uint32_t transit;     /* arrival − timestamp of the last packet, timestamp units */
	uint64_t jitter;      /* timestamp units, times 16 */
};

/* Takes in an RTP packet that arrived at `arrival` (µs of the real clock: the sender's clock runs
 * at that rate, whatever the switch's does). `clock_rate` in Hz, of the codec. */
void hl_rtp_received(struct hl_rtp_source *source, const uint8_t *data, uint64_t arrival,
		     unsigned clock_rate);
/* Packets that never came. */
uint64_t hl_rtp_lost(const struct hl_rtp_source *source);
/* Interarrival jitter, µs. */
uint64_t hl_rtp_jitter(const struct hl_rtp_source *source, unsigned clock_rate);

#endif
