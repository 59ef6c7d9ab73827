/* What RTCP tells on its way through: the round trip of each leg, and what it reports. */
#include "../../plugins/media-proxy/control.h"

#include "tap.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct packet {
	uint8_t data[256];
	size_t length;
};

static void put(struct packet *packet, uint32_t word)
{
	word = htonl(word);
	memcpy(packet->data + packet->length, &word, 4);
	packet->length += 4;
}

static void put_sender(struct packet *packet, uint32_t seconds, uint32_t fraction)
{
	put(packet, 0x80c80006);
	put(packet, 1);
	put(packet, seconds);
	put(packet, fraction);
	put(packet, 0);
	put(packet, 50);
	put(packet, 8000);
}

static void put_receiver(struct packet *packet, uint32_t lost, uint32_t jitter, uint32_t stamp,
			 uint32_t delay)
{
	put(packet, 0x81c90007);
	put(packet, 2);
	put(packet, 1);
	put(packet, lost);
	put(packet, 9000);
	put(packet, jitter);
	put(packet, stamp);
	put(packet, delay);
}

static void give(struct hl_control *from, struct hl_control *to, const struct packet *packet,
		 uint64_t now)
{
	hl_control_received(from, to, packet->data, packet->length, now);
}

static void round_trip(void)
{
	struct hl_control caller = {.next = 0}, callee = {.next = 0};
	struct packet sender = {.length = 0}, receiver = {.length = 0};

	put_sender(&sender, 0xaaaa1234, 0x5678bbbb);
	give(&caller, &callee, &sender, 10 * HL_SECOND);
	is_int(callee.round_trip, 0, "a sender report by itself says nothing");
	/* The callee waited for half a second, and the way took 80 ms. */
	put_receiver(&receiver, 0x19000007, 40, 0x12345678, 0x8000);
	give(&callee, &caller, &receiver, 10 * HL_SECOND + 580 * HL_MILLISECOND);
	is_int(callee.round_trip, 80 * HL_MILLISECOND, "the answer gives the round trip");
	is_int(caller.round_trip, 0, "of that leg alone");
	ok(callee.reported, "and says what it hears:");
	is_int(callee.lost, 7, "what it lost");
	is_int(callee.jitter, 40, "its jitter");
}

static void answers_to_nothing(void)
{
	struct hl_control caller = {.next = 0}, callee = {.next = 0};
	struct packet sender = {.length = 0}, receiver = {.length = 0}, early = {.length = 0};

	put_sender(&sender, 1, 0);
	give(&caller, &callee, &sender, HL_SECOND);
	put_receiver(&receiver, 0x00ffffff, 0, 0x99990000, 0);
	give(&callee, &caller, &receiver, 2 * HL_SECOND);
	is_int(callee.round_trip, 0, "a stamp that was never sent");
	is_int(callee.lost, 0, "a negative loss is none");
	put_receiver(&early, 0, 0, 0x00010000, 0x20000);
	give(&callee, &caller, &early, 2 * HL_SECOND);
	is_int(callee.round_trip, 0, "a delay longer than the time that passed");
}

static void compounds(void)
{
	struct hl_control caller = {.next = 0}, callee = {.next = 0};
	struct packet packet = {.length = 0}, sender = {.length = 0};

	put_sender(&sender, 3, 0);
	give(&caller, &callee, &sender, HL_SECOND);
	put(&packet, 0x80cb0001); /* BYE of one source, then the report */
	put(&packet, 2);
	put_receiver(&packet, 5, 0, 0x00030000, 0);
	give(&callee, NULL, &packet, HL_SECOND + 30 * HL_MILLISECOND);
	is_int(callee.lost, 5, "a report behind something else is found");
	is_int(callee.round_trip, 30 * HL_MILLISECOND,
	       "and the round trip, with nobody to pass to");
}

/* Every prefix, and every length field: nothing is read beyond the end (seen by the sanitizers). */
static void cut(void)
{
	struct hl_control caller = {.next = 0}, callee = {.next = 0};
	struct packet packet = {.length = 0};

	put_sender(&packet, 3, 0);
	put_receiver(&packet, 5, 0, 0x00030000, 0);
	for (size_t length = 0; length < packet.length; length++) {
		uint8_t *exact = malloc(length + !length);

		memcpy(exact, packet.data, length);
		for (unsigned size = 0; length > 4 && size < 20; size++) {
			exact[3] = (uint8_t)size;
			hl_control_received(&caller, &callee, exact, length, HL_SECOND);
		}
		free(exact);
	}
	ok(true, "packets of any length are read");
	packet.data[0] = 0x1f;
	caller.reported = callee.reported = false;
	give(&callee, &caller, &packet, HL_SECOND);
	ok(!callee.reported, "what is no RTCP is not");
}

int main(void)
{
	round_trip();
	answers_to_nothing();
	compounds();
	cut();
	return done_testing();
}
