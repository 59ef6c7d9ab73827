/* From where packets may come, and where they go: symmetric RTP without RTP bleed. */
#include "../../plugins/media-proxy/learn.h"

#include "tap.h"

static struct hl_address at(const char *text)
{
	struct hl_address address = {.family = 0};

	hl_address_parse_port(hl_slice_of(text), &address);
	return address;
}

static uint64_t now;

/* A phone behind NAT: private SDP, public signalling. */
static struct hl_expectation natted(void)
{
	return (struct hl_expectation){.sdp = at("192.168.1.10:4000"),
				       .signalling = at("203.0.113.7:5060"),
				       .nat = true,
				       .prefix = 32,
				       .prefix6 = 128,
				       .window = 3 * HL_SECOND};
}

/* A gateway with a public address for media and another for signalling. */
static struct hl_expectation gateway(void)
{
	return (struct hl_expectation){.sdp = at("198.51.100.20:30000"),
				       .signalling = at("198.51.100.10:5060"),
				       .prefix = 32,
				       .prefix6 = 128,
				       .window = 3 * HL_SECOND};
}

static struct hl_learn learn_new(struct hl_expectation expected)
{
	struct hl_learn learn;

	now = 1000 * HL_SECOND;
	hl_learn_init(&learn, NULL);
	hl_learn_expect(&learn, &expected, now);
	return learn;
}

static uint32_t ssrc = 1; /* of the packets; 0: they are no RTP */
static uint16_t sequence;

static bool packet(struct hl_learn *learn, const char *from, enum hl_learn_event want)
{
	struct hl_arrival arrival = {
		.source = at(from),
		.now = now,
		.rtp = ssrc,
		.ssrc = ssrc,
		.sequence = ++sequence,
	};
	enum hl_learn_event event;
	bool accepted = hl_learn_packet(learn, &arrival, &event);

	is_int(event, want, "%s: %s", from, accepted ? "accepted" : "dropped");
	return accepted;
}

/* So many packets that the source is locked. */
static void talks(struct hl_learn *learn, const char *from)
{
	for (int i = 0; i < HL_LEARN_RUN; i++) {
		struct hl_arrival arrival = {.source = at(from),
					     .now = now,
					     .rtp = true,
					     .ssrc = ssrc,
					     .sequence = ++sequence};
		enum hl_learn_event event;

		ok(hl_learn_packet(learn, &arrival, &event), "%s talks", from);
	}
	ok(learn->locked, "and is locked");
}

static void goes_to(const struct hl_learn *learn, const char *want, const char *name)
{
	const struct hl_address *to = hl_learn_destination(learn);
	char text[HL_ADDRESS_TEXT];

	is_str(to ? hl_address_format(to, text) : NULL, want, "%s", name);
}

static void behind_nat(void)
{
	struct hl_learn learn = learn_new(natted());

	goes_to(&learn, NULL, "a private address behind NAT is not sent to");
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED), "its first packet teaches");
	goes_to(&learn, "203.0.113.7:61000", "and it is answered there");
	talks(&learn, "203.0.113.7:61000");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_REJECTED), "a stranger is dropped");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING), "again, but reported once");
	ok(!packet(&learn, "203.0.113.7:61002", HL_LEARN_NOTHING), "a neighbour's port is dropped");
	goes_to(&learn, "203.0.113.7:61000", "nothing has changed by that");
}

static void strangers_first(void)
{
	struct hl_expectation any = natted();
	struct hl_learn learn = learn_new(natted());

	for (int i = 0; i < 20; i++)
		ok(!packet(&learn, "192.0.2.66:9", i ? HL_LEARN_NOTHING : HL_LEARN_REJECTED),
		   "a stranger teaches nothing");
	goes_to(&learn, NULL, "and hears nothing");
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED), "the phone does");

	any.strangers = true;
	learn = learn_new(any);
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING), "learn_from any: not the first one");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING), "nor the second");
	ok(packet(&learn, "192.0.2.66:9", HL_LEARN_LEARNED), "a run teaches");
	goes_to(&learn, "192.0.2.66:9", "and is answered where no better address is known");
	now += 60 * HL_SECOND;
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED), "the signalling's host wins");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_REJECTED), "and the stranger is out");
	goes_to(&learn, "203.0.113.7:61000", "and hears nothing any more");

	learn = learn_new(any);
	now += 3 * HL_SECOND;
	for (int i = 0; i < 20; i++)
		ok(!packet(&learn, "192.0.2.66:9", i ? HL_LEARN_NOTHING : HL_LEARN_REJECTED),
		   "when the window has closed, a stranger teaches no more");
}

/* A carrier whose media gateways are its proxy's neighbours. */
static void prefixes(void)
{
	struct hl_expectation expected = natted();
	struct hl_learn learn;

	expected.prefix = 24;
	learn = learn_new(expected);
	ok(packet(&learn, "203.0.113.200:7000", HL_LEARN_LEARNED), "a neighbour within the prefix");
	ok(!packet(&learn, "203.0.114.1:7000", HL_LEARN_REJECTED), "not one outside");
	expected = (struct hl_expectation){.signalling = at("[2001:db8::1]:5060"), .prefix6 = 64};
	learn = learn_new(expected);
	ok(packet(&learn, "[2001:db8::77]:7000", HL_LEARN_LEARNED), "IPv6 has its own");
	ok(!packet(&learn, "[2001:db8:1::77]:7000", HL_LEARN_REJECTED), "as long as it is");
}

/* Two on one host before the source is locked: who makes a run has it. */
static void runs(void)
{
	struct hl_learn learn = learn_new(natted());

	ok(packet(&learn, "203.0.113.7:50000", HL_LEARN_LEARNED), "one packet of an old call");
	ok(!packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING), "then the phone begins");
	ok(!packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING), "goes on");
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_MOVED), "and wins by its third");
	ok(learn.locked, "which locks it");
	ok(!packet(&learn, "203.0.113.7:50000", HL_LEARN_REJECTED), "against the other");

	learn = learn_new(natted());
	packet(&learn, "203.0.113.7:50000", HL_LEARN_LEARNED);
	for (int i = 0; i < 12; i++) {
		/* Far from the last. */
		sequence += 1000;
		ok(!packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING),
		   "who guesses sequence numbers makes no run");
	}
	for (ssrc = 10; ssrc < 20; ssrc++)
		ok(!packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING),
		   "nor who changes its SSRC");
	ssrc = 1;
}

static void public_sdp(void)
{
	struct hl_expectation any = gateway();
	struct hl_learn learn;

	any.strangers = true;
	learn = learn_new(any);
	goes_to(&learn, "198.51.100.20:30000", "a public address of the SDP is sent to at once");
	packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING);
	packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING);
	packet(&learn, "192.0.2.66:9", HL_LEARN_LEARNED);
	goes_to(&learn, "198.51.100.20:30000", "a stranger is not answered in its place");
	ok(packet(&learn, "198.51.100.20:30002", HL_LEARN_LEARNED), "the host of the SDP");
	goes_to(&learn, "198.51.100.20:30002", "is, wherever it sends from");
	talks(&learn, "198.51.100.20:30002");
	now += 2 * HL_SECOND;
	ok(packet(&learn, "198.51.100.20:30000", HL_LEARN_MOVED),
	   "its exact port wins in the window");
	talks(&learn, "198.51.100.20:30000");
	now += 2 * HL_SECOND;
	talks(&learn, "198.51.100.20:30000");
	ok(!packet(&learn, "198.51.100.10:40000", HL_LEARN_REJECTED), "a lesser one does not");
}

/* A burst of somebody else's at the phone's host: an old call's packets, faster than the phone's. */
static void exact_stays(void)
{
	struct hl_learn learn = learn_new(gateway());

	ok(packet(&learn, "198.51.100.20:30000", HL_LEARN_LEARNED), "the SDP's port, not locked yet");
	for (int i = 0; i < 2 * HL_LEARN_RUN; i++)
		ok(!packet(&learn, "198.51.100.20:30002", i ? HL_LEARN_NOTHING : HL_LEARN_REJECTED),
		   "no run of a lesser one takes its place");
	talks(&learn, "198.51.100.20:30000");

	learn = learn_new(gateway());
	packet(&learn, "198.51.100.20:30000", HL_LEARN_LEARNED);
	now += HL_LEARN_SILENCE;
	packet(&learn, "198.51.100.10:40000", HL_LEARN_NOTHING);
	packet(&learn, "198.51.100.10:40000", HL_LEARN_NOTHING);
	ok(packet(&learn, "198.51.100.10:40000", HL_LEARN_LEARNED), "unless it has fallen silent");
}

static void window_closes(void)
{
	struct hl_learn learn = learn_new(gateway());

	talks(&learn, "198.51.100.10:40000");
	now += 3 * HL_SECOND;
	talks(&learn, "198.51.100.10:40000");
	ok(!packet(&learn, "198.51.100.20:30000", HL_LEARN_REJECTED),
	   "when the window has closed, the source is locked");
}

static void nat_rebinds(void)
{
	struct hl_learn learn = learn_new(natted());

	talks(&learn, "203.0.113.7:61000");
	now += HL_SECOND - 1;
	ok(!packet(&learn, "203.0.113.7:62000", HL_LEARN_REJECTED), "not while the source talks");
	now += 1;
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING), "silence lets no other host in");
	ok(packet(&learn, "203.0.113.7:62000", HL_LEARN_MOVED), "but its host on another port");
	goes_to(&learn, "203.0.113.7:62000", "which is answered from then on");
	ok(!packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING), "and the old one is not");
	talks(&learn, "203.0.113.7:62000");
	now += HL_SECOND;
	ssrc = 2;
	ok(!packet(&learn, "203.0.113.7:63000", HL_LEARN_NOTHING),
	   "with another SSRC, one packet is not enough");
	packet(&learn, "203.0.113.7:63000", HL_LEARN_NOTHING);
	ok(packet(&learn, "203.0.113.7:63000", HL_LEARN_MOVED), "a run is");
	ssrc = 1;
}

static void offers_open(void)
{
	struct hl_expectation elsewhere = natted();
	struct hl_learn learn = learn_new(natted());

	talks(&learn, "203.0.113.7:61000");
	hl_learn_expect(&learn, &learn.expected, now);
	goes_to(&learn, "203.0.113.7:61000", "the same SDP again keeps the source");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_REJECTED), "against strangers");
	packet(&learn, "203.0.113.7:61002", HL_LEARN_NOTHING);
	packet(&learn, "203.0.113.7:61002", HL_LEARN_NOTHING);
	ok(packet(&learn, "203.0.113.7:61002", HL_LEARN_MOVED), "and lets its host move by a run");

	elsewhere.sdp = at("10.1.1.1:7000");
	elsewhere.signalling = at("203.0.113.99:5060");
	hl_learn_expect(&learn, &elsewhere, now);
	goes_to(&learn, NULL, "an offer from elsewhere forgets the source");
	ok(packet(&learn, "203.0.113.99:1024", HL_LEARN_LEARNED), "and teaches anew");
	ok(!packet(&learn, "203.0.113.7:61002", HL_LEARN_REJECTED), "the old one is a stranger");
}

static void hold(void)
{
	struct hl_expectation held = natted();
	struct hl_learn learn = learn_new(natted());

	talks(&learn, "203.0.113.7:61000");
	held.sdp = at("0.0.0.0:4000");
	held.muted = true;
	hl_learn_expect(&learn, &held, now);
	goes_to(&learn, NULL, "c=0.0.0.0: nothing is sent");
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING), "the source stays");
	held = natted();
	hl_learn_expect(&learn, &held, now);
	goes_to(&learn, "203.0.113.7:61000", "and is sent to after the hold");
}

static void destinations(void)
{
	static const struct {
		const char *sdp, *signalling;
		bool nat;
		const char *want;
	} rows[] = {
		{"127.0.0.1:4000", "127.0.0.1:5060", false, "127.0.0.1:4000"},
		{"192.168.1.10:4000", "192.168.1.10:5060", false, "192.168.1.10:4000"},
		{"192.168.1.11:4000", "192.168.1.10:5060", false, "192.168.1.11:4000"},
		{"192.168.1.11:4000", "192.168.1.10:5060", true, NULL},
		{"10.0.0.1:4000", "203.0.113.7:5060", false, NULL},
		{"100.64.0.1:4000", "203.0.113.7:5060", true, NULL},
		{"203.0.113.8:4000", "203.0.113.7:5060", true, "203.0.113.8:4000"},
		{"[2001:db8::1]:4000", "[2001:db8::1]:5060", false, "[2001:db8::1]:4000"},
		{"[fd00::1]:4000", "[2001:db8::1]:5060", true, NULL},
		{"", "203.0.113.7:5060", false, NULL},
		/* What listens on this machine only, or on many, is no phone of somebody elsewhere. */
		{"127.0.0.1:4000", "203.0.113.7:5060", false, NULL},
		{"[::1]:4000", "[2001:db8::1]:5060", false, NULL},
		{"224.2.1.1:4000", "203.0.113.7:5060", false, NULL},
		{"255.255.255.255:4000", "203.0.113.7:5060", false, NULL},
		{"[ff02::1]:4000", "[2001:db8::1]:5060", false, NULL},
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		struct hl_learn learn = learn_new((struct hl_expectation){
			.sdp = at(rows[i].sdp),
			.signalling = at(rows[i].signalling),
			.nat = rows[i].nat,
		});

		goes_to(&learn, rows[i].want, rows[i].sdp);
	}
}

static void rtcp(void)
{
	struct hl_learn rtp = learn_new(natted()), control;
	struct hl_expectation expected = natted();

	ssrc = 0;
	hl_learn_init(&control, &rtp);
	expected.sdp = at("192.168.1.10:4001");
	hl_learn_expect(&control, &expected, now);
	ok(!packet(&control, "192.0.2.66:9", HL_LEARN_REJECTED), "RTCP: a stranger is dropped");
	ok(packet(&control, "203.0.113.7:6001", HL_LEARN_LEARNED), "the expected host teaches");
	expected.signalling = at("198.51.100.9:5060");
	hl_learn_expect(&rtp, &expected, now);
	packet(&rtp, "198.51.100.9:7000", HL_LEARN_LEARNED);
	ok(!packet(&control, "203.0.113.7:6001", HL_LEARN_NOTHING),
	   "until RTP is learned from another one");
	ok(packet(&control, "198.51.100.9:7001", HL_LEARN_LEARNED), "which is the only one then");
	ssrc = 1;
}

int main(void)
{
	behind_nat();
	strangers_first();
	prefixes();
	runs();
	public_sdp();
	exact_stays();
	window_closes();
	nat_rebinds();
	offers_open();
	hold();
	destinations();
	rtcp();
	return done_testing();
}
