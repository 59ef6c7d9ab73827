/* UDP: addresses on both sides, many at once, errors that are somebody else's. */
#include "loop/udp.h"
#include "base/clock.h"
#include "base/memory.h"
#include "loop/timer.h"

#include "tap.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct hl_loop *loop;

struct seen {
	struct hl_datagram last;
	char bytes[65536];
	unsigned count;
	unsigned out_of_order; /* datagrams that are not the numbers 0, 1, 2, … */
	bool close;            /* from within */
};

static void received(void *arg, const struct hl_datagram *datagram)
{
	struct seen *seen = arg;
	char number[16];

	seen->last = *datagram;
	memcpy(seen->bytes, datagram->bytes.data, datagram->bytes.length + 1);
	snprintf(number, sizeof(number), "%u", seen->count++);
	seen->out_of_order += strcmp(seen->bytes, number) != 0;
	if (seen->close)
		hl_udp_close(datagram->socket);
}

static struct hl_udp *open_at(const char *text, struct seen *seen, struct hl_error *error)
{
	struct hl_address address;

	if (hl_address_parse_port(hl_slice_of(text), &address))
		return NULL;
	return hl_udp_open(loop, &address, received, seen, error);
}

/* Turns the loop until `count` datagrams are there; loopback delivers within the send. */
static void receive(struct seen *seen, unsigned count)
{
	for (int left = 1000; left && seen->count < count; left--)
		hl_loop_turn(loop);
}

static struct seen a_seen, b_seen;

static void one(void)
{
	struct hl_error error = { "" };
	struct hl_udp *a = open_at("127.0.0.1:0", &a_seen, &error);
	struct hl_udp *b = open_at("127.0.0.2:0", &b_seen, &error);
	char text[HL_ADDRESS_TEXT], *huge = calloc(1, 65507);
	struct hl_address none = { 0 };

	if (!ok(a && b, "two sockets %s", error.text))
		exit(1);
	ok(hl_udp_local(a)->port != 0, "port 0 became a real one");
	is_int(hl_udp_post(a, NULL, hl_udp_local(b), HL_SLICE_LITERAL("0")), 0,
	       "a datagram is posted");
	receive(&b_seen, 1);
	is_str(b_seen.bytes, "0", "it arrives, with a NUL behind it");
	ok(hl_address_equal(&b_seen.last.remote, hl_udp_local(a)), "from the one");
	ok(hl_address_equal(&b_seen.last.local, hl_udp_local(b)), "to the other");
	ok(b_seen.last.socket == b, "at its socket");
	is_int(hl_udp_counters(a)->sent, 1, "counted as sent");
	is_int(hl_udp_counters(b)->received, 1, "and as received");
	hl_udp_post(a, NULL, hl_udp_local(b), HL_SLICE_LITERAL(""));
	receive(&b_seen, 2);
	is_int(b_seen.last.bytes.length, 0, "an empty datagram is one");
	huge[65506] = 'z';
	is_int(hl_udp_post(a, NULL, hl_udp_local(b), (struct hl_slice){ huge, 65507 }), 0,
	       "the largest there is is posted");
	receive(&b_seen, 3);
	is_int(b_seen.last.bytes.length, 65507, "it arrives whole");
	is_int(b_seen.bytes[65506], 'z', "to the last byte");
	hl_udp_post(a, NULL, &none, HL_SLICE_LITERAL("x"));
	hl_loop_turn(loop);
	ok(hl_udp_counters(a)->refused == 1 && hl_udp_counters(a)->sent == 3,
	   "nothing goes to no address, which is counted");
	ok(!open_at(hl_address_format(hl_udp_local(a), text), &a_seen, &error),
	   "a port in use is not shared");
	ok(strstr(error.text, text) && strstr(error.text, "in use"), "and the text names it: %s",
	   error.text);
	free(huge);
	hl_udp_close(a);
	hl_udp_close(b);
	hl_udp_close(NULL);
}

static bool has_ipv6(void)
{
	struct seen seen;
	struct hl_udp *udp = open_at("[::1]:0", &seen, NULL);

	hl_udp_close(udp);
	return udp != NULL;
}

static void wildcard(const char *any, const char *client_at, const char *to)
{
	struct hl_error error;
	struct hl_udp *server = open_at(any, &a_seen, &error);
	struct hl_udp *client = open_at(client_at, &b_seen, &error);
	struct hl_address target;

	a_seen.count = b_seen.count = 0;
	hl_address_parse(hl_slice_of(to), &target);
	target.port = hl_udp_local(server)->port;
	hl_udp_post(client, NULL, &target, HL_SLICE_LITERAL("ask"));
	receive(&a_seen, 1);
	ok(hl_address_equal(&a_seen.last.local, &target), "bound to %s it knows it was sent to %s",
	   any, to);
	hl_udp_post(server, &a_seen.last.local, &a_seen.last.remote, HL_SLICE_LITERAL("answer"));
	receive(&b_seen, 1);
	is_str(b_seen.bytes, "answer", "the answer arrives");
	ok(hl_address_equal(&b_seen.last.remote, &target), "from where the question went");
	hl_udp_send_many(server,
			 &(struct hl_outgoing){ .local = target, .remote = a_seen.last.remote,
						.bytes = HL_SLICE_LITERAL("many") }, 1);
	receive(&b_seen, 2);
	ok(hl_address_equal(&b_seen.last.remote, &target), "so does one of many");
	hl_udp_close(server);
	hl_udp_close(client);
}

enum { MANY = 300 };

static void many(void)
{
	static struct hl_outgoing list[MANY];
	static char numbers[MANY][8];
	struct hl_udp *a = open_at("127.0.0.1:0", &a_seen, NULL);
	struct hl_udp *b = open_at("127.0.0.1:0", &b_seen, NULL);
	unsigned bad = 0, good = 0;

	memset(&b_seen, 0, sizeof(b_seen));
	for (unsigned i = 0; i < MANY; i++) {
		list[i].remote = *hl_udp_local(b);
		/* Port 0 is a destination that the kernel refuses. */
		if (i == 0 || i == 5 || i == 6 || i == 128 || i == MANY - 1)
			list[i].remote.port = 0;
		else
			snprintf(numbers[i], sizeof(numbers[i]), "%u", good++);
		list[i].bytes = hl_slice_of(numbers[i]);
	}
	is_int(hl_udp_send_many(a, list, MANY), MANY, "all of 300 are dealt with");
	for (unsigned i = 0; i < MANY; i++)
		bad += !list[i].remote.family;
	is_int(bad, 5, "five were refused and are marked");
	ok(!list[0].remote.family && !list[128].remote.family && list[129].remote.family,
	   "the right ones");
	is_int(hl_udp_counters(a)->sent, MANY - 5, "the others are sent");
	is_int(hl_udp_counters(a)->refused, 5, "and the five counted");
	hl_loop_turn(loop);
	is_int(b_seen.count, 64, "one turn reads 64 of them");
	receive(&b_seen, MANY - 5);
	is_int(b_seen.count, MANY - 5, "the next ones the rest");
	is_int(b_seen.out_of_order, 0, "in order");
	hl_udp_close(a);
	hl_udp_close(b);
}

static void stop(void *arg)
{
	hl_loop_stop(arg);
}

static uint64_t cpu_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * HL_SECOND + (uint64_t)time.tv_nsec / 1000;
}

/* A destination without a socket answers with ICMP; the next one must not pay for it. */
static void icmp(void)
{
	struct hl_udp *a = open_at("127.0.0.1:0", &a_seen, NULL);
	struct hl_udp *b = open_at("127.0.0.1:0", &b_seen, NULL);
	struct hl_udp *gone = open_at("127.0.0.1:0", &a_seen, NULL);
	struct hl_address nobody = *hl_udp_local(gone);
	struct hl_outgoing list[4] = { 0 };
	struct hl_timer timer;
	uint64_t used;

	hl_udp_close(gone);
	memset(&b_seen, 0, sizeof(b_seen));
	hl_udp_post(a, NULL, &nobody, HL_SLICE_LITERAL("x"));
	hl_udp_post(a, NULL, hl_udp_local(b), HL_SLICE_LITERAL("0"));
	receive(&b_seen, 1);
	is_int(hl_udp_counters(a)->refused, 0, "what follows one to nobody does not get the blame");
	for (int i = 0; i < 4; i++)
		list[i] = (struct hl_outgoing){ .remote = i % 2 ? *hl_udp_local(b) : nobody,
						.bytes = hl_slice_of(i == 1 ? "1" : "2") };
	is_int(hl_udp_send_many(a, list, 4), 4, "nor does it among many");
	ok(list[1].remote.family && list[3].remote.family, "none of them is marked");
	receive(&b_seen, 3);
	is_int(b_seen.out_of_order + 3 - b_seen.count, 0, "they arrive");
	hl_timer_init(&timer, stop, loop);
	hl_timer_start(loop, &timer, 100);
	used = cpu_time();
	hl_loop_run(loop);
	used = cpu_time() - used;
	ok(hl_udp_counters(a)->icmp_errors >= 3, "the ICMP errors are counted");
	ok(used < 50 * HL_MILLISECOND, "and the loop sleeps after that (%llu us)",
	   (unsigned long long)used);
	hl_udp_post(b, NULL, hl_udp_local(a), HL_SLICE_LITERAL("back"));
	a_seen.count = 0;
	receive(&a_seen, 1);
	is_str(a_seen.bytes, "back", "the socket goes on");
	hl_udp_close(a);
	hl_udp_close(b);
}

static void close_within(void)
{
	struct hl_udp *a = open_at("127.0.0.1:0", &a_seen, NULL);
	struct hl_udp *b = open_at("127.0.0.1:0", &b_seen, NULL);

	memset(&b_seen, 0, sizeof(b_seen));
	b_seen.close = true;
	for (int i = 0; i < 10; i++)
		hl_udp_post(a, NULL, hl_udp_local(b), HL_SLICE_LITERAL("x"));
	for (int i = 0; i < 10; i++)
		hl_loop_turn(loop);
	is_int(b_seen.count, 1, "closed from within, nothing more is heard");
	b_seen.close = false;
	hl_udp_close(a);
}

static struct {
	unsigned count;
	char last[8];
	bool again;
} not_sent;

static void unsent(void *arg, struct hl_slice bytes)
{
	struct hl_udp *udp = *(struct hl_udp **)arg;

	not_sent.count++;
	snprintf(not_sent.last, sizeof(not_sent.last), "%.*s", HL_SLICE_ARGS(bytes));
	if (not_sent.again)
		hl_udp_post(udp, NULL, hl_udp_local(udp), HL_SLICE_LITERAL("other way"));
}

static void nothing(void *arg, const struct hl_datagram *datagram)
{
	(void)arg, (void)datagram;
}

/* Sending to a broadcast address is what a socket has to ask for: the kernel refuses. */
static void refusals(void)
{
	static const struct hl_udp_failures failures = { .unsent = unsent };
	struct hl_udp *a = open_at("127.0.0.1:0", &a_seen, NULL);
	struct hl_udp *b = open_at("127.0.0.1:0", &b_seen, NULL);
	struct hl_udp *teller;
	struct hl_address address, everybody;

	hl_address_parse(hl_slice_of("127.0.0.1"), &address);
	hl_address_parse_port(hl_slice_of("255.255.255.255:5060"), &everybody);
	teller = hl_udp_open(loop, &address, nothing, &teller, NULL);
	hl_udp_tell(teller, &failures);
	memset(&b_seen, 0, sizeof(b_seen));
	hl_udp_post(teller, NULL, hl_udp_local(b), HL_SLICE_LITERAL("0"));
	hl_udp_post(teller, NULL, &everybody, HL_SLICE_LITERAL("lost"));
	hl_udp_post(teller, NULL, hl_udp_local(b), HL_SLICE_LITERAL("1"));
	is_int(not_sent.count, 0, "nobody knows yet whether it can be sent");
	not_sent.again = true;
	receive(&b_seen, 2);
	is_int(b_seen.count, 2, "what goes elsewhere is sent");
	is_int(not_sent.count, 1, "what the kernel refuses is told once");
	is_str(not_sent.last, "lost", "with its bytes");
	is_int(hl_udp_counters(teller)->refused, 1, "and counted");
	is_int(hl_udp_counters(teller)->sent, 3, "what is posted on hearing that goes out, too");
	hl_udp_post(teller, NULL, &everybody, HL_SLICE_LITERAL("late"));
	hl_udp_close(teller);
	is_int(not_sent.count, 1, "a socket that is closed tells nothing");
	hl_udp_close(a);
	hl_udp_close(b);
}

static void posts(void)
{
	struct hl_udp *a = open_at("127.0.0.1:0", &a_seen, NULL);
	struct hl_udp *b = open_at("127.0.0.1:0", &b_seen, NULL);
	char number[16];

	memset(&b_seen, 0, sizeof(b_seen));
	is_int(hl_udp_post(a, NULL, hl_udp_local(b), HL_SLICE_LITERAL("0")), 0, "posted");
	is_int(hl_udp_counters(a)->sent, 0, "nothing is sent before the turn ends");
	for (int i = 1; i < 300; i++) {
		snprintf(number, sizeof(number), "%d", i);
		hl_udp_post(a, NULL, hl_udp_local(b), hl_slice_of(number));
	}
	receive(&b_seen, 300);
	is_int(b_seen.count, 300, "more than go into one call");
	is_int(b_seen.out_of_order, 0, "in their order");
	hl_udp_post(a, NULL, hl_udp_local(b), HL_SLICE_LITERAL("300"));
	hl_udp_close(a);
	receive(&b_seen, 301);
	is_int(b_seen.count, 301, "a socket that is closed sends what it had to");
	hl_udp_close(b);
}

static void without_memory(void)
{
	struct hl_error error;

	hl_loop_free(loop);
	loop = hl_loop_new(NULL);
	for (unsigned long at = 1; at <= 3; at++) {
		hl_memory_fail_at(at);
		error.text[0] = '\0';
		ok(!open_at("127.0.0.1:0", &a_seen, &error) && error.text[0],
		   "no socket without memory, and why (%lu)", at);
	}
	hl_memory_fail_at(0);
}

int main(void)
{
	struct hl_error error;

	loop = hl_loop_new(&error);
	if (!ok(loop != NULL, "a loop"))
		return done_testing();
	one();
	wildcard("0.0.0.0:0", "127.0.0.1:0", "127.0.0.7");
	if (has_ipv6())
		wildcard("[::]:0", "[::1]:0", "::1");
	many();
	icmp();
	close_within();
	refusals();
	posts();
	ok(!open_at("192.0.2.1:0", &a_seen, &error), "an address of another machine is refused");
	ok(strstr(error.text, "udp:192.0.2.1:0") && strstr(error.text, "interface"),
	   "with address, reason and mend: %s", error.text);
	without_memory();
	hl_loop_free(loop);
	return done_testing();
}
