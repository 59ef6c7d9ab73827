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
				       .window = 3 * HL_SECOND};
}

/* A gateway with a public address for media and another for signalling. */
static struct hl_expectation gateway(void)
{
	return (struct hl_expectation){.sdp = at("198.51.100.20:30000"),
				       .signalling = at("198.51.100.10:5060"),
				       .window = 3 * HL_SECOND};
}

static struct hl_learn learn_new(struct hl_expectation expected)
{
	struct hl_learn learn;

	now = 1000 * HL_SECOND;
	hl_learn_init(&learn, NULL);
	hl_learn_expect(&learn, &expected);
	return learn;
}

static bool packet(struct hl_learn *learn, const char *from, enum hl_learn_event want)
{
	struct hl_address source = at(from);
	enum hl_learn_event event;
	bool accepted = hl_learn_packet(learn, &source, now, &event);

	is_int(event, want, "%s: %s", from, accepted ? "accepted" : "dropped");
	return accepted;
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
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_REJECTED), "a stranger is dropped");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING), "again, but reported once");
	ok(!packet(&learn, "203.0.113.7:61002", HL_LEARN_NOTHING), "a neighbour's port is dropped");
	goes_to(&learn, "203.0.113.7:61000", "nothing has changed by that");
}

static void stranger_first(void)
{
	struct hl_learn learn = learn_new(natted());

	ok(packet(&learn, "192.0.2.66:9", HL_LEARN_LEARNED), "a stranger may be the media's host");
	goes_to(&learn, "192.0.2.66:9", "where no better address is known");
	now += HL_SECOND;
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED), "the signalling's host wins");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_REJECTED), "and the stranger is out");
	goes_to(&learn, "203.0.113.7:61000", "and hears nothing any more");

	learn = learn_new(natted());
	packet(&learn, "192.0.2.66:9", HL_LEARN_LEARNED);
	now += 60 * HL_SECOND;
	ok(!packet(&learn, "192.0.2.77:9", HL_LEARN_REJECTED), "a second stranger never wins");
	packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING);
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED),
	   "a guesser who came while it rang does not lock the phone out");
}

static void public_sdp(void)
{
	struct hl_learn learn = learn_new(gateway());

	goes_to(&learn, "198.51.100.20:30000", "a public address of the SDP is sent to at once");
	packet(&learn, "192.0.2.66:9", HL_LEARN_LEARNED);
	goes_to(&learn, "198.51.100.20:30000", "a stranger is not answered in its place");
	ok(packet(&learn, "198.51.100.20:30002", HL_LEARN_LEARNED), "the host of the SDP");
	goes_to(&learn, "198.51.100.20:30002", "is, wherever it sends from");
	now += 2 * HL_SECOND;
	ok(packet(&learn, "198.51.100.20:30000", HL_LEARN_MOVED),
	   "its exact port wins in the window");
	now += 2 * HL_SECOND;
	packet(&learn, "198.51.100.20:30000", HL_LEARN_NOTHING);
	ok(!packet(&learn, "198.51.100.10:40000", HL_LEARN_REJECTED), "a lesser one does not");
}

static void window_closes(void)
{
	struct hl_learn learn = learn_new(gateway());

	packet(&learn, "198.51.100.10:40000", HL_LEARN_LEARNED);
	now += 3 * HL_SECOND;
	packet(&learn, "198.51.100.10:40000", HL_LEARN_NOTHING);
	ok(!packet(&learn, "198.51.100.20:30000", HL_LEARN_REJECTED),
	   "when the window has closed, the source is locked");
}

static void nat_rebinds(void)
{
	struct hl_learn learn = learn_new(natted());

	packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED);
	now += HL_SECOND - 1;
	ok(!packet(&learn, "203.0.113.7:62000", HL_LEARN_REJECTED), "not while the source talks");
	now += 1;
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_NOTHING), "silence lets no other host in");
	ok(packet(&learn, "203.0.113.7:62000", HL_LEARN_MOVED), "but its host on another port");
	goes_to(&learn, "203.0.113.7:62000", "which is answered from then on");
	ok(!packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING), "and locked");
}

static void offers_open(void)
{
	struct hl_expectation elsewhere = natted();
	struct hl_learn learn = learn_new(natted());

	packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED);
	hl_learn_expect(&learn, &learn.expected);
	goes_to(&learn, "203.0.113.7:61000", "the same SDP again keeps the source");
	ok(!packet(&learn, "192.0.2.66:9", HL_LEARN_REJECTED), "against strangers");
	ok(packet(&learn, "203.0.113.7:61002", HL_LEARN_MOVED), "and lets its host move at once");

	elsewhere.sdp = at("10.1.1.1:7000");
	elsewhere.signalling = at("203.0.113.99:5060");
	hl_learn_expect(&learn, &elsewhere);
	goes_to(&learn, NULL, "an offer from elsewhere forgets the source");
	ok(packet(&learn, "203.0.113.99:1024", HL_LEARN_LEARNED), "and teaches anew");
	ok(!packet(&learn, "203.0.113.7:61002", HL_LEARN_REJECTED), "the old one is a stranger");
}

static void hold(void)
{
	struct hl_expectation held = natted();
	struct hl_learn learn = learn_new(natted());

	packet(&learn, "203.0.113.7:61000", HL_LEARN_LEARNED);
	held.sdp = at("0.0.0.0:4000");
	held.muted = true;
	hl_learn_expect(&learn, &held);
	goes_to(&learn, NULL, "c=0.0.0.0: nothing is sent");
	ok(packet(&learn, "203.0.113.7:61000", HL_LEARN_NOTHING), "the source stays");
	held = natted();
	hl_learn_expect(&learn, &held);
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

	hl_learn_init(&control, &rtp);
	expected.sdp = at("192.168.1.10:4001");
	hl_learn_expect(&control, &expected);
	packet(&rtp, "198.51.100.9:7000", HL_LEARN_LEARNED);
	packet(&control, "192.0.2.66:9", HL_LEARN_LEARNED);
	ok(packet(&control, "198.51.100.9:7001", HL_LEARN_LEARNED),
	   "RTCP: the host RTP was learned from is expected");
	ok(!packet(&control, "192.0.2.66:9", HL_LEARN_REJECTED), "a stranger is not");
}

int main(void)
{
	behind_nat();
	stranger_first();
	public_sdp();
	window_closes();
	nat_rebinds();
	offers_open();
	hold();
	destinations();
	rtcp();
	return done_testing();
}
