/* Wrong passwords: counted, suspended, forgotten. */
#include "../../plugins/registrar/suspension.h"
#include "tap.h"

static struct suspensions suspensions;

static struct hl_address from(const char *text)
{
	struct hl_address address;

	hl_address_parse_port(hl_slice_of(text), &address);
	return address;
}

static unsigned left(const char *user, const char *source)
{
	struct hl_address address = from(source);

	return suspension_left(&suspensions, hl_slice_of(user), &address);
}

static bool wrong(const char *user, const char *source, unsigned limit)
{
	struct hl_address address = from(source);

	return suspension_count(&suspensions, hl_slice_of(user), &address, limit, 180);
}

static void advance(unsigned seconds)
{
	hl_clock_fake(hl_clock_now() + seconds * HL_SECOND);
}

static void test_limit(void)
{
	is_int(wrong("1001", "192.0.2.1:1", 3) + wrong("1001", "192.0.2.1:2", 3), 0,
	       "two wrong passwords of three do nothing");
	is_int(left("1001", "192.0.2.1:1"), 0, "nobody is suspended yet");
	ok(wrong("1001", "192.0.2.1:3", 3), "the third suspends, whatever the port");
	is_int(left("1001", "192.0.2.1:9"), 180, "for as long as configured");
	is_int(left("1001", "192.0.2.2:1"), 0, "not from elsewhere");
	is_int(left("1002", "192.0.2.1:1"), 0, "nor another user");
	advance(179);
	is_int(left("1001", "192.0.2.1:1"), 1, "until the last second");
	advance(1);
	is_int(left("1001", "192.0.2.1:1"), 0, "then it is over");
	ok(!wrong("1001", "192.0.2.1:1", 3), "and the count begins anew");
}

static void test_clear(void)
{
	struct hl_address address = from("192.0.2.3:5");

	wrong("1003", "192.0.2.3:1", 3);
	wrong("1003", "192.0.2.3:1", 3);
	suspension_clear(&suspensions, hl_slice_of("1003"), &address);
	ok(!wrong("1003", "192.0.2.3:1", 3), "a right password forgets the wrong ones");
	for (int i = 0; i < 10; i++)
		ok(!wrong("1004", "192.0.2.4:1", 0), "limit 0 never suspends (%d)", i);
}

static void test_bound(void)
{
	char user[16];

	wrong("victim", "192.0.2.9:1", 1);
	for (int i = 0; i < SUSPENSIONS_MAX; i++) {
		snprintf(user, sizeof(user), "%d", i);
		wrong(user, "192.0.2.8:1", 1);
	}
	is_int(suspensions.table.count, SUSPENSIONS_MAX, "a flood of names is bounded");
	is_int(left("victim", "192.0.2.9:1"), 0, "the oldest is forgotten for it");
	is_int(left(user, "192.0.2.8:1"), 180, "the newest is not");
	hl_memory_fail_at(1);
	ok(!wrong("nobody", "192.0.2.8:1", 1), "without memory nothing is counted");
	hl_memory_fail_at(0);
}

int main(void)
{
	hl_clock_fake(1000 * HL_SECOND);
	suspensions_init(&suspensions);
	test_limit();
	test_clear();
	test_bound();
	suspensions_fini(&suspensions);
	return done_testing();
}
