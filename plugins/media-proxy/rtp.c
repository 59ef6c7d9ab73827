/* RFC 3550 appendix A.1 (sequence numbers), A.3 (loss), A.8 (jitter). */
#include "rtp.h"

#include <arpa/inet.h>

enum {
	HEADER_RTP = 12, /* bytes of the fixed header */
	HEADER_RTCP = 8,
	HEADER_STUN = 20,
	MAX_DROPOUT = 3000, /* a gap beyond that is a new beginning */
	MAX_MISORDER = 100, /* so late a packet is reordered, not a new beginning */
};

static uint32_t read32(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return ntohl(value);
}

uint16_t hl_rtp_sequence(const uint8_t *data)
{
	return (uint16_t)(data[2] << 8 | data[3]);
}

uint32_t hl_rtp_ssrc(const uint8_t *data)
{
	return read32(data + 8);
}

/* Whether the header is all there: CSRCs and extension (RFC 3550 §5.1, §5.3.1). Padding is not
 * looked at: in SRTP its length is encrypted. */
static bool header_whole(const uint8_t *data, size_t length)
{
	size_t header = HEADER_RTP + 4u * (data[0] & 0x0f);

	if (data[0] & 0x10) {
		if (length < header + 4)
			return false;
		header += 4 + 4u * (size_t)(data[header + 2] << 8 | data[header + 3]);
	}
	return length >= header;
}

enum hl_packet hl_rtp_classify(const uint8_t *data, size_t length)
{
	static const uint8_t stun[] = {0x21, 0x12, 0xa4, 0x42}, zrtp[] = {'Z', 'R', 'T', 'P'};

	if (length < HEADER_RTCP)
		return HL_PACKET_INVALID;
	if (data[0] >> 6 == 2) {
		if (data[1] >= 192 && data[1] <= 223)
			return HL_PACKET_CONTROL;
		return header_whole(data, length) ? HL_PACKET_RTP : HL_PACKET_INVALID;
	}
	if (data[0] < 4 && length >= HEADER_STUN && !memcmp(data + 4, stun, sizeof(stun)))
		return HL_PACKET_CONTROL;
	/* RFC 6189 §5: so much of it is in every message. */
	if (data[0] >> 4 == 1 && !memcmp(data + 4, zrtp, sizeof(zrtp)))
		return HL_PACKET_CONTROL;
	return data[0] >= 20 && data[0] < 64 ? HL_PACKET_CONTROL : HL_PACKET_INVALID;
}

static void begin(struct hl_rtp_source *source, uint32_t ssrc, uint16_t sequence)
{
	uint64_t lost = hl_rtp_lost(source);

	*source = (struct hl_rtp_source){
		.started = true,
		.ssrc = ssrc,
		.first = sequence,
		.highest = sequence,
		.lost_before = lost,
		.jitter = source->jitter,
	};
}

void hl_rtp_received(struct hl_rtp_source *source, const uint8_t *data, uint64_t arrival,
		     unsigned clock_rate)
{
	uint16_t sequence = hl_rtp_sequence(data);
	uint32_t ssrc = hl_rtp_ssrc(data), timestamp = read32(data + 4);
	uint32_t transit = (uint32_t)(arrival * clock_rate / HL_SECOND) - timestamp;
	uint16_t step = (uint16_t)(sequence - source->highest);
	uint32_t difference = transit - source->transit;

	if (!source->started || ssrc != source->ssrc ||
	    (step >= MAX_DROPOUT && step <= UINT16_MAX - MAX_MISORDER)) {
		begin(source, ssrc, sequence);
	} else {
		if (step < MAX_DROPOUT)
			source->highest += step;
		if (difference > INT32_MAX)
			difference = -difference;
		/* Packets of one moment (an RFC 4733 event, a video frame) are sent one by one. */
		if (timestamp != source->timestamp)
			source->jitter += difference - ((source->jitter + 8) >> 4);
	}
	if (timestamp != source->timestamp || !source->received)
		source->transit = transit;
	source->timestamp = timestamp;
	source->received++;
}

uint64_t hl_rtp_lost(const struct hl_rtp_source *source)
{
	uint64_t expected;

	if (!source->started)
		return 0;
	expected = (uint64_t)(source->highest - source->first) + 1;
	return source->lost_before +
	       (expected > source->received ? expected - source->received : 0);
}

uint64_t hl_rtp_jitter(const struct hl_rtp_source *source, unsigned clock_rate)
{
	return (source->jitter >> 4) * HL_SECOND / clock_rate;
}
