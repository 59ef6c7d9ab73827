/* What a datagram of a stream is, and the receiver's figures: loss, reordering, jitter. */
#include "../../plugins/media-proxy/rtp.h"

#include "tap.h"

#include <arpa/inet.h>

static void kinds(void)
{
	static const struct {
		const char *name;
		enum hl_packet kind;
		size_t length;
		uint8_t data[28];
	} rows[] = {
		{"RTP", HL_PACKET_RTP, 12, {0x80, 0}},
		{"RTP with marker and payload type 63", HL_PACKET_RTP, 13, {0x80, 0xbf}},
		{"RTP with payload type 96 and extension", HL_PACKET_RTP, 20, {0x90, 96}},
		{"half an RTP header", HL_PACKET_INVALID, 11, {0x80, 0}},
		{"two CSRCs announced, one there", HL_PACKET_INVALID, 19, {0x82, 0}},
		{"two CSRCs", HL_PACKET_RTP, 20, {0x82, 0}},
		{"an extension announced, none there", HL_PACKET_INVALID, 15, {0x90, 0}},
		{"an extension longer than the packet",
		 HL_PACKET_INVALID,
		 20,
		 {0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 2}},
		{"RTP of version 1", HL_PACKET_INVALID, 20, {0x40, 0}},
		{"RTP of version 3", HL_PACKET_INVALID, 20, {0xc0, 0}},
		{"a receiver report", HL_PACKET_CONTROL, 8, {0x81, 201}},
		{"the first type of RTCP", HL_PACKET_CONTROL, 8, {0x80, 192}},
		{"the last type of RTCP", HL_PACKET_CONTROL, 8, {0x80, 223}},
		{"half an RTCP header", HL_PACKET_INVALID, 7, {0x80, 200}},
		{"STUN", HL_PACKET_CONTROL, 20, {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}},
		{"STUN without its cookie", HL_PACKET_INVALID, 20, {0, 1}},
		{"ZRTP", HL_PACKET_CONTROL, 28, {0x10, 0, 0, 1, 'Z', 'R', 'T', 'P'}},
		{"ZRTP without its cookie", HL_PACKET_INVALID, 28, {0x10, 0, 0, 1}},
		{"a DTLS handshake", HL_PACKET_CONTROL, 13, {22}},
		{"nothing", HL_PACKET_INVALID, 0, {0x80}},
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++)
		is_int(hl_rtp_classify(rows[i].data, rows[i].length), rows[i].kind, "%s",
		       rows[i].name);
}

static uint64_t arrival;

/* A packet of 20 ms that comes `late` µs after its time. */
static void come(struct hl_rtp_source *source, unsigned sequence, uint32_t ssrc, unsigned late)
{
	uint8_t data[12] = {0x80, 0, (uint8_t)(sequence >> 8), (uint8_t)sequence};
	uint32_t timestamp = htonl(sequence * 160), id = htonl(ssrc);

	memcpy(data + 4, &timestamp, 4);
	memcpy(data + 8, &id, 4);
	hl_rtp_received(source, data, 1000 * HL_SECOND + arrival + late, 8000);
	arrival += 20 * HL_MILLISECOND;
}

static uint64_t lost_of(const unsigned *sequences)
{
	struct hl_rtp_source source = {.started = false};

	arrival = 0;
	for (; *sequences; sequences++)
		come(&source, *sequences, 1, 0);
	return hl_rtp_lost(&source);
}

static void loss(void)
{
	static const struct {
		const char *name;
		unsigned lost, sequences[10];
	} rows[] = {
		{"nothing came", 0, {0}},
		{"all came", 0, {1, 2, 3, 4}},
		{"two are missing", 2, {1, 2, 5, 6}},
		{"one came late", 0, {1, 3, 2, 4}},
		{"one came twice, one did not", 0, {1, 2, 2, 4}},
		{"over the wrap", 1, {65534, 65535, 65537, 65538}},
		{"a new beginning is no loss", 0, {10, 11, 30000, 30001}},
		{"what was lost before it stays lost", 1, {10, 12, 30000, 30001}},
		{"late over the wrap", 0, {65535, 65537, 65536, 65538}},
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++)
		is_int(lost_of(rows[i].sequences), rows[i].lost, "loss: %s", rows[i].name);
}

static void sources(void)
{
	struct hl_rtp_source source = {.started = false};

	arrival = 0;
	come(&source, 1, 1, 0);
	come(&source, 3, 1, 0);
	come(&source, 900, 2, 0);
	come(&source, 903, 2, 0);
	is_int(hl_rtp_lost(&source), 3, "loss adds up over the sources of a stream");
}

static void jitter(void)
{
	struct hl_rtp_source source = {.started = false};
	uint64_t estimate;

	arrival = 0;
	for (unsigned i = 1; i < 200; i++)
		come(&source, i, 1, 0);
	is_int(hl_rtp_jitter(&source, 8000), 0, "a steady stream has no jitter");
	for (unsigned i = 200; i < 600; i++)
		come(&source, i, 1, i % 2 ? 10000 : 0);
	estimate = hl_rtp_jitter(&source, 8000);
	ok(estimate > 9000 && estimate < 11000, "10 ms to and fro are 10 ms: %d us", (int)estimate);
}

/* RFC 4733: the packets of a key share their timestamp. */
static void events(void)
{
	struct hl_rtp_source source = {.started = false};
	uint8_t data[12] = {0x80, 101};
	uint32_t id = htonl(1);

	arrival = 0;
	for (unsigned i = 1; i < 50; i++)
		come(&source, i, 1, 0);
	memcpy(data + 8, &id, 4);
	data[3] = 49;
	for (unsigned i = 0; i < 20; i++) {
		uint32_t timestamp = htonl(50 * 160);

		data[3]++;
		memcpy(data + 4, &timestamp, 4);
		hl_rtp_received(&source, data, 1000 * HL_SECOND + arrival, 8000);
		arrival += 20 * HL_MILLISECOND;
	}
	is_int(hl_rtp_jitter(&source, 8000), 0, "a key that is held is no jitter");
	is_int(hl_rtp_lost(&source), 0, "and no loss");
}

int main(void)
{
	kinds();
	loss();
	sources();
	jitter();
	events();
	return done_testing();
}
