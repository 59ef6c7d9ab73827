/* The pacer: exact rates, bursts, overrun, stable phases, removal at any moment. A mock writes down
 * who was sent to and when. */
#include "../../plugins/keepalive/pacer.h"
#include "tap.h"

#include <stdlib.h>

enum { MEMBERS = 5000, SENDS = 200000, START = 1000 };

static struct phone {
	struct pacer_member member;
	unsigned number, sent;
	uint64_t last;
	bool idle;    /* is to be skipped */
	bool blocked; /* behind a full socket */
	bool dead;    /* cannot be sent to */
} phones[MEMBERS];

static struct {
	uint64_t at[SENDS]; /* µs since START */
	unsigned who[SENDS];
	unsigned count;
	unsigned room;	    /* what the socket still takes */
	struct phone *drop; /* removed while it is being sent to */
} wire;

static struct pacer_pass passes[2000];
static unsigned pass_count;
static struct hl_loop *loop;
static struct pacer pacer;

static struct phone *phone_of(const struct pacer_member *member)
{
	return (struct phone *)hl_container_of(member, struct phone, member);
}

static void mock_send(void *arg, struct pacer_member *const *members, unsigned count,
		      enum pacer_result *results)
{
	(void)arg;
	for (unsigned i = 0; i < count; i++) {
		results[i] = PACER_LOST;
		if (!members[i])
			continue;
		struct phone *phone = phone_of(members[i]);
		if (phone->dead)
			continue;
		results[i] = PACER_LEFT;
		if (!wire.room || phone->blocked)
			continue;
		results[i] = PACER_SENT;
		wire.room--;
		phone->sent++;
		phone->last = hl_clock_now();
		wire.at[wire.count % SENDS] = hl_clock_now() - START * HL_SECOND;
		wire.who[wire.count++ % SENDS] = phone->number;
		if (wire.drop == phone)
			pacer_remove(&pacer, &phone->member);
	}
}

static bool mock_due(void *arg, struct pacer_member *member)
{
	(void)arg;
	return !phone_of(member)->idle;
}

static void mock_passed(void *arg, const struct pacer_pass *pass)
{
	(void)arg;
	if (pass_count < HL_COUNT(passes))
		passes[pass_count++] = *pass;
}

static const struct pacer_events events = {mock_send, mock_due, NULL, mock_passed};

static void start(struct pacer_settings settings)
{
	memset(phones, 0, sizeof(phones));
	memset(&wire, 0, sizeof(wire));
	wire.room = UINT32_MAX;
	pass_count = 0;
	for (unsigned i = 0; i < MEMBERS; i++)
		phones[i].number = i;
	hl_clock_fake(START * HL_SECOND);
	loop = hl_loop_new(NULL);
	if (!settings.copies)
		settings.copies = 1;
	settings.interval *= HL_MILLISECOND;
	pacer_init(&pacer, loop, &events, NULL, &settings);
}

static void stop(void)
{
	pacer_fini(&pacer);
	hl_loop_free(loop);
}

static void join(unsigned first, unsigned count, unsigned period)
{
	for (unsigned i = first; i < first + count; i++)
		pacer_add(&pacer, &phones[i].member, period * HL_SECOND);
}

/* The widest difference from `gap` ms between datagrams, in ms. */
static unsigned unevenness(unsigned from, unsigned to, unsigned gap)
{
	unsigned worst = 0;

	for (unsigned i = from + 1; i < to; i++) {
		int64_t off = (int64_t)(wire.at[i] - wire.at[i - 1]) / 1000 - gap;
		if (llabs(off) > worst)
			worst = (unsigned)llabs(off);
	}
	return worst;
}

/* How many were sent in (from, to] ms since START. */
static unsigned sent_between(unsigned from, unsigned to)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < wire.count; i++)
		sent += wire.at[i] > from * HL_MILLISECOND && wire.at[i] <= to * HL_MILLISECOND;
	return sent;
}

static void test_rates(void)
{
	static const struct {
		unsigned interval, rate;
	} cases[] = {{100, 10}, {500, 2}, {1000, 1}};

	for (size_t i = 0; i < HL_COUNT(cases); i++) {
		start((struct pacer_settings){.interval = cases[i].interval, .burst = 1});
		join(0, 1000, 1000);
		hl_loop_advance(loop, 1000 * 1000 + 60 * 1000);
		is_int(sent_between(1000000, 1060000), 60 * cases[i].rate,
		       "send_one_time 1, send_interval %u: %u a second", cases[i].interval,
		       cases[i].rate);
		is_int(unevenness(0, wire.count, cases[i].interval), 0, "each on its beat");
		stop();
	}
}

static void test_burst(void)
{
	start((struct pacer_settings){.interval = 500, .burst = 300});
	join(0, 1000, 30);
	hl_loop_advance(loop, 29999);
	is_int(wire.count, 0, "nothing before the first pass");
	hl_loop_advance(loop, 21);
	is_int(wire.count, 300, "then a burst of send_one_time");
	hl_loop_advance(loop, 470);
	is_int(wire.count, 300, "and a pause");
	hl_loop_advance(loop, 30);
	is_int(wire.count, 600, "then the next burst");
	hl_loop_advance(loop, 1000);
	is_int(wire.count, 1000, "until all have had one");
	bool ordered = true;
	for (unsigned i = 0; i < wire.count; i++)
		ordered &= wire.who[i] == i;
	ok(ordered, "in order of registration");
	ok(pass_count == 1 && passes[0].sent == 1000 && passes[0].missed == 0,
	   "the pass is reported");
	join(1000, 1, 30);
	hl_loop_advance(loop, 60020 - 31520);
	is_int(wire.count, 1300, "the next pass begins a period after the last");
	hl_loop_advance(loop, 10000);
	is_int(wire.count, 2001, "and has the newcomer in it, last");
	is_int(wire.who[2000], 1000, "behind those who were there before");
	stop();
}

static void test_newcomer_during_a_pass(void)
{
	start((struct pacer_settings){.interval = 1000, .burst = 1});
	join(0, 5, 30);
	hl_loop_advance(loop, 31500);
	join(5, 1, 30);
	hl_loop_advance(loop, 10000);
	is_int(phones[5].sent, 0, "a newcomer during a pass waits for the next");
	is_int(pacer_missed(&phones[5].member), 0, "and has missed nothing");
	hl_loop_advance(loop, 30000);
	is_int(phones[5].sent, 1, "which it is in");
	stop();
}

static void test_restart(void)
{
	start((struct pacer_settings){.interval = 1000, .burst = 1});
	join(0, 15, 10);
	hl_loop_advance(loop, 40500);
	is_int(phones[0].sent, 4, "restart: the first are served in each pass");
	is_int(phones[14].sent, 0, "restart: the last in none");
	is_int(pacer_missed(&phones[14].member), 3, "which is counted, pass by pass");
	is_int(pacer_missed(&phones[0].member), 0, "against them alone");
	ok(pass_count == 3 && passes[0].missed == 5 && passes[0].sent == 10,
	   "the report says how many (%u)", passes[0].missed);
	is_int(pacer_missed_last(&pacer), 5, "as does the last pass");
	is_int(pacer.missed, 15, "and the sum");
	is_int(pacer_needed(&pacer), 15 * HL_SECOND, "a period of 15 s is needed");
	const struct pacer_settings now = pacer.settings;
	is_int(pacer_load(&pacer, &now, 0, 0), 1500000, "half as much again as there is time");
	is_int(pacer_load(&pacer, &now, 10 * HL_SECOND, 15 * HL_SECOND), 1000000,
	       "as much as there is with that period");
	stop();
}

static void test_resume(void)
{
	unsigned least = UINT32_MAX, most = 0;

	start((struct pacer_settings){.interval = 1000, .burst = 1, .resume = true});
	join(0, 15, 10);
	hl_loop_advance(loop, 10000 + 149500);
	for (unsigned i = 0; i < 15; i++) {
		least = phones[i].sent < least ? phones[i].sent : least;
		most = phones[i].sent > most ? phones[i].sent : most;
	}
	ok(least == 10 && most == 10, "resume: everybody gets the same (%u to %u)", least, most);
	is_int(passes[0].missed, 5, "who was left out is counted nevertheless");
	stop();
}

static void test_phase(void)
{
	uint64_t first[10];
	bool stable = true;

	start((struct pacer_settings){.interval = 100, .burst = 1});
	join(0, 10, 10);
	hl_loop_advance(loop, 11000);
	for (int i = 0; i < 10; i++)
		first[i] = phones[i].last % (10 * HL_SECOND);
	hl_loop_advance(loop, 9300);		       /* in the middle of the next pass … */
	hl_clock_fake(hl_clock_now() + 5 * HL_SECOND); /* … the process is stopped for 5 s */
	unsigned before = wire.count;
	hl_loop_advance(loop, 90);
	ok(wire.count - before <= 1, "a stall does not bunch what follows");
	for (int cycle = 0; cycle < 1000; cycle++) {
		hl_loop_advance(loop, 10000);
		for (int i = 0; i < 10 && cycle; i++)
			stable &= phones[i].last % (10 * HL_SECOND) == first[i];
	}
	ok(stable, "after 1,000 cycles and a stall everybody is where he was");
	is_int(phones[0].sent, 1002, "the period is the one configured");
	stop();
}

static void test_long_stall(void)
{
	start((struct pacer_settings){.interval = 100, .burst = 10});
	join(0, 3, 10);
	hl_loop_advance(loop, 10100);
	hl_clock_fake(hl_clock_now() + 35 * HL_SECOND);
	hl_loop_advance(loop, 0);
	is_int(phones[0].sent, 2, "one pass after a stall of several periods");
	is_int(pacer_missed(&phones[0].member), 2, "the others are counted as missed");
	hl_loop_advance(loop, 4850);
	is_int(phones[0].sent, 2, "the next is due where it always was");
	hl_loop_advance(loop, 60);
	is_int(phones[0].sent, 3, "and comes then");
	stop();
}

static void test_removal(void)
{
	unsigned wrong = 0;

	for (unsigned at = 0; at < 10; at++) {
		for (unsigned gone = 0; gone < 10; gone++) {
			start((struct pacer_settings){.interval = 100, .burst = 1});
			join(0, 10, 10);
			hl_loop_advance(loop, 10000 + at * 100 + 50);
			pacer_remove(&pacer, &phones[gone].member);
			unsigned had = phones[gone].sent;
			hl_loop_advance(loop, 9000 - at * 100);
			for (unsigned i = 0; i < 10; i++)
				wrong += phones[i].sent != (i == gone ? had : 1);
			wrong += pacer_missed_last(&pacer) != 0 || pass_count != 1;
			stop();
		}
	}
	is_int(wrong, 0, "any member may go at any point of a pass, the others get theirs");

	start((struct pacer_settings){.interval = 100, .burst = 100});
	join(0, 10, 10);
	wire.drop = &phones[4];
	hl_loop_advance(loop, 30100);
	is_int(phones[4].sent, 1, "one that goes while it is being sent to is gone");
	is_int(phones[9].sent, 3, "the rest go on");
	for (unsigned i = 0; i < 10; i++)
		pacer_remove(&pacer, &phones[i].member);
	hl_loop_advance(loop, 30000);
	ok(hl_list_empty(&pacer.rings), "a ring without members is given up");
	join(0, 1, 10);
	hl_loop_advance(loop, 10100);
	is_int(phones[0].sent, 4, "and made again when one comes");
	stop();
}

static void test_two_periods(void)
{
	unsigned most = 0;

	start((struct pacer_settings){.interval = 500, .burst = 10});
	join(0, 30, 10);
	join(30, 30, 15);
	hl_loop_advance(loop, 60 * 1000 + 5000);
	for (unsigned from = 0; from < 65000; from += 10) {
		unsigned sent = sent_between(from, from + 499);
		most = sent > most ? sent : most;
	}
	is_int(most, 10, "two periods share one send_one_time");
	is_int(phones[0].sent, 6, "each keeps its own: 10 s");
	is_int(phones[30].sent, 4, "and 15 s");
	pacer_add(&pacer, &phones[0].member, 15 * HL_SECOND);
	hl_loop_advance(loop, 60 * 1000);
	is_int(phones[0].sent, 10, "one that changes its period does so");
	stop();
}

static void test_copies_and_full_socket(void)
{
	start((struct pacer_settings){.interval = 100, .burst = 4, .copies = 3});
	join(0, 4, 10);
	hl_loop_advance(loop, 10050);
	is_int(wire.count, 4, "each copy counts against send_one_time");
	hl_loop_advance(loop, 1000);
	is_int(wire.count, 12, "everybody gets all copies");
	is_int(wire.who[2] * 10 + wire.who[3], 1, "one after the other");
	stop();

	start((struct pacer_settings){.interval = 100, .burst = 100});
	join(0, 50, 10);
	wire.room = 20;
	hl_loop_advance(loop, 10050);
	is_int(wire.count, 20, "a full socket stops the burst");
	wire.room = 100;
	hl_loop_advance(loop, 10);
	is_int(wire.count, 50, "which goes on when there is room");
	is_int(wire.who[20], 20, "where it stopped");
	stop();
}

static void test_several_sockets(void)
{
	start((struct pacer_settings){.interval = 100, .burst = 100, .copies = 2});
	join(0, 40, 10);
	for (unsigned i = 0; i < 40; i += 2)
		phones[i].blocked = true;
	phones[7].dead = true;
	hl_loop_advance(loop, 10050);
	is_int(wire.count, 2 * 19, "a full socket does not hold up those behind another");
	is_int(pass_count, 0, "the pass waits for it");
	for (unsigned i = 0; i < 40; i += 2)
		phones[i].blocked = false;
	hl_loop_advance(loop, 5);
	is_int(wire.count, 2 * 39, "then they get theirs");
	ok(pass_count == 1 && passes[0].sent == 78 && passes[0].missed == 1,
	   "one that cannot be sent to has missed it");
	is_int(pacer_missed(&phones[7].member), 1, "by its own figure too");
	is_int(pacer_missed(&phones[0].member), 0, "the others have not");
	phones[7].dead = false;
	hl_loop_advance(loop, 10000);
	is_int(pacer_missed(&phones[7].member), 1, "and no more once it can");
	stop();

	/* The pass ends between the copies of those on the full socket. */
	start((struct pacer_settings){.interval = 100, .burst = 1000, .copies = 3});
	join(0, 10, 10);
	wire.room = 5;
	hl_loop_advance(loop, 20000);
	ok(pass_count == 1 && passes[0].sent == 5 && passes[0].missed == 9,
	   "a pass over a full socket ends with its period");
	wire.room = 1000;
	hl_loop_advance(loop, 50);
	is_int(wire.count, 35, "in the next one everybody gets all copies");
	stop();
}

/* The process gets the processor late: 60 ms behind every burst's beat, and once half a second. */
static void test_late(void)
{
	start((struct pacer_settings){.interval = 100, .burst = 1});
	join(0, 100, 30);
	hl_loop_advance(loop, 30000);
	for (unsigned i = 0; i < 50; i++) {
		hl_loop_advance(loop, 40);
		hl_clock_fake(hl_clock_now() + 60 * HL_MILLISECOND);
		hl_loop_advance(loop, 0);
	}
	is_int(wire.count, 51, "late bursts keep the rate");
	hl_loop_advance(loop, 5000);
	is_int(wire.at[99] - wire.at[0], 99 * 100 * HL_MILLISECOND,
	       "and the last is on its beat");
	stop();

	start((struct pacer_settings){.interval = 100, .burst = 1});
	join(0, 100, 30);
	hl_loop_advance(loop, 31010);
	is_int(wire.count, 11, "on the beat");
	hl_clock_fake(hl_clock_now() + 310 * HL_MILLISECOND);
	hl_loop_advance(loop, 0);
	is_int(wire.count, 12, "three bursts late, they do not come in a heap");
	hl_loop_advance(loop, 300);
	is_int(wire.count, 17, "but faster, until the beat is found again");
	hl_loop_advance(loop, 400);
	is_int(unevenness(18, wire.count, 100), 0, "and then as ever");
	is_int(wire.at[wire.count - 1] % (100 * HL_MILLISECOND), 0, "on the old beat");
	stop();

	start((struct pacer_settings){.interval = 100, .burst = 1});
	join(0, 200, 30);
	hl_loop_advance(loop, 31010);
	hl_clock_fake(hl_clock_now() + 5 * HL_SECOND);
	unsigned before = wire.count;
	hl_loop_advance(loop, 1000);
	ok(wire.count - before <= 11, "what a stall has cost is not made up for (%u in 1 s)",
	   wire.count - before);
	is_int(wire.at[wire.count - 1] % (100 * HL_MILLISECOND), 0, "the beat is the old one");
	stop();
}

static void test_skipped(void)
{
	start((struct pacer_settings){.interval = 100, .burst = 1});
	join(0, 6, 10);
	phones[0].idle = phones[1].idle = phones[5].idle = true;
	hl_loop_advance(loop, 10350);
	is_int(wire.count, 3, "who needs none takes no time");
	is_int(pacer_missed(&phones[0].member), 0, "and has missed none");
	ok(pass_count == 1 && passes[0].skipped == 3 && passes[0].sent == 3, "it is reported");
	stop();
}

static void test_even(void)
{
	start((struct pacer_settings){.interval = 500, .burst = 3000, .even = true});
	join(0, 1000, 10);
	hl_loop_advance(loop, 20000);
	is_int(unevenness(0, 1000, 10), 0, "even: 1,000 over 10 s are 10 ms apart");
	ok(wire.count >= 1000 && wire.at[999] < 20 * HL_SECOND, "none is late");
	stop();
	start((struct pacer_settings){.interval = 1000, .burst = 50, .even = true});
	join(0, 1000, 10);
	hl_loop_advance(loop, 15000);
	is_int(sent_between(11000, 12000), 50, "the cap holds");
	stop();
	/* Stopped in the middle of a pass: through in time, in no heap, and the next as ever. */
	start((struct pacer_settings){.interval = 500, .burst = 3000, .even = true});
	join(0, MEMBERS, 10);
	hl_loop_advance(loop, 14000);
	hl_clock_fake(hl_clock_now() + 3 * HL_SECOND);
	hl_loop_advance(loop, 3010);
	ok(pass_count == 1 && passes[0].sent == MEMBERS, "even: a stall of 3 s is made up for");
	unsigned fullest = 0;
	for (unsigned from = 17000; from < 20000; from += 5)
		fullest = sent_between(from, from + 10) > fullest ? sent_between(from, from + 10)
								  : fullest;
	ok(fullest <= 15, "hardly faster than it takes (%u in 10 ms and a step, 10 are needed)", fullest);
	hl_loop_advance(loop, 9990);
	unsigned heap = 0;
	for (unsigned from = 20000; from < 30000; from += 5)
		heap = sent_between(from, from + 10) > heap ? sent_between(from, from + 10) : heap;
	is_int(heap, 5, "and the next pass is even again");
	stop();
	/* The last are due less than a step before the next pass. */
	start((struct pacer_settings){.interval = 500, .burst = 3000, .even = true});
	hl_loop_advance(loop, 3);
	join(0, MEMBERS, 10);
	hl_loop_advance(loop, 30500);
	ok(pass_count == 2 && passes[0].sent == MEMBERS && passes[1].sent == MEMBERS,
	   "even: a pass reaches its last member, off the step as well");
	is_int(pacer_missed(&phones[MEMBERS - 1].member), 0, "which has missed nothing");
	stop();
}

static void test_many(void)
{
	start((struct pacer_settings){.interval = 500, .burst = 100});
	join(0, MEMBERS, 25);
	hl_loop_advance(loop, 10 * 25000 + 24999);
	unsigned wrong = 0;
	for (unsigned i = 0; i < MEMBERS; i++)
		wrong += phones[i].sent != 10;
	is_int(wrong, 0, "as many as just fit are all served, ten times of ten");
	is_int(pacer.missed, 0, "nobody is missed");
	is_int(unevenness(0, 100, 0), 0, "a burst is one");
	stop();
}

static void test_memory(void)
{
	start((struct pacer_settings){.interval = 500, .burst = 100});
	hl_memory_fail_at(1);
	ok(pacer_add(&pacer, &phones[0].member, 10 * HL_SECOND) && !phones[0].member.ring,
	   "without memory for a ring a member is in none");
	hl_memory_fail_at(0);
	pacer_remove(&pacer, &phones[0].member);
	is_int(pacer.count, 0, "and may be removed all the same");
	stop();
}

int main(void)
{
	test_rates();
	test_burst();
	test_newcomer_during_a_pass();
	test_restart();
	test_resume();
	test_phase();
	test_long_stall();
	test_removal();
	test_two_periods();
	test_copies_and_full_socket();
	test_several_sockets();
	test_late();
	test_skipped();
	test_even();
	test_many();
	test_memory();
	return done_testing();
}
