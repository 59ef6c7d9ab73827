/* The round trip of a leg is measured here, not believed: when a sender report passes to it, and
 * when the report block that answers it comes back, less the delay the leg says it waited
 * (RFC 3550 §6.4.1: A − LSR − DLSR, with our clock for A and for LSR). */
#include "control.h"

#include <arpa/inet.h>

enum {
	SENDER_REPORT = 200,
	RECEIVER_REPORT = 201,
	HEADER = 8,	  /* bytes, with the sender's SSRC */
	SENDER_INFO = 20, /* bytes behind it in a sender report */
	BLOCK = 24,	  /* bytes of a report block */
};

static uint32_t read32(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return ntohl(value);
}

static void read_block(struct hl_control *leg, const uint8_t *block, uint64_t now)
{
	uint32_t lost = read32(block + 4) & 0xffffff, stamp = read32(block + 16);
	uint64_t waited = (uint64_t)read32(block + 20) * HL_SECOND >> 16;

	leg->reported = true;
	leg->lost = lost & 0x800000 ? 0 : lost; /* negative: packets came twice */
	leg->jitter = read32(block + 12);
	if (!stamp)
		return;
	for (int i = 0; i < HL_CONTROL_REPORTS; i++)
		if (leg->sent[i].stamp == stamp && now - leg->sent[i].at >= waited)
			leg->round_trip = now - leg->sent[i].at - waited;
}

static void note_sent(struct hl_control *leg, const uint8_t *info, uint64_t now)
{
	leg->sent[leg->next].stamp = read32(info) << 16 | read32(info + 4) >> 16;
	leg->sent[leg->next].at = now;
	leg->next = (leg->next + 1) % HL_CONTROL_REPORTS;
}

static void read_report(struct hl_control *from, struct hl_control *to, const uint8_t *data,
			size_t length, uint64_t now)
{
	unsigned blocks = data[0] & 0x1f;
	size_t at = HEADER;

	if (data[1] == SENDER_REPORT) {
		if (length < HEADER + SENDER_INFO)
			return;
		if (to)
			note_sent(to, data + HEADER, now);
		at += SENDER_INFO;
	}
	/* One stream is one source each way: the first block is about it. */
	if (blocks && length >= at + BLOCK)
		read_block(from, data + at, now);
}

void hl_control_received(struct hl_control *from, struct hl_control *to, const uint8_t *data,
			 size_t length, uint64_t now)
{
	while (length >= HEADER && data[0] >> 6 == 2) {
		size_t size = 4 * ((size_t)(data[2] << 8 | data[3]) + 1);

		if (size > length)
			return;
		if (size >= HEADER && (data[1] == SENDER_REPORT || data[1] == RECEIVER_REPORT))
			read_report(from, to, data, size, now);
		data += size;
		length -= size;
	}
}
