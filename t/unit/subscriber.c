/* Subscribers in memory: what a row may say, and how much a hundred thousand take. */
#include "config/subscriber.h"
#include "base/memory.h"

#include "tap.h"

#include <errno.h>
#include <malloc.h>

#define MD5 "000102030405060708090a0b0c0d0e0f"

static struct hl_error error;

static int put(struct hl_subscribers *table, const char *user, const char *md5,
	       const char *settings)
{
	struct hl_subscriber_row row = {.user = hl_slice_of(user),
					.md5 = hl_slice_of(md5),
					.settings = hl_slice_of(settings),
					.enabled = true};

	error.text[0] = '\0';
	return hl_subscribers_put(table, &row, &error);
}

static const struct hl_subscriber *find(struct hl_subscribers *table, const char *user)
{
	return hl_subscribers_find(table, hl_slice_of(user));
}

static void rows(void)
{
	struct hl_subscribers *table = hl_subscribers_new(NULL);

	is_int(put(table, "1001", MD5, "{\"nat\": \"yes\"}"), 0, "a row is taken");
	const struct hl_subscriber *one = find(table, "1001");
	ok(one && one->has_md5 && !one->has_sha256 && one->md5[1] == 1 && one->md5[15] == 15,
	   "with its digest");
	is_int(one->account->party.nat, HL_ON, "and its settings");
	put(table, "1002", MD5, "{\"nat\": \"yes\"}");
	ok(find(table, "1002")->account == one->account, "equal settings are one account");
	put(table, "1001", MD5, "");
	is_int(find(table, "1001")->account->party.nat, HL_AUTO, "a row takes the old one's place");
	is_int(hl_subscribers_count(table), 2, "there are two");
	is_int(put(table, "1003", "xyz", ""), -EINVAL, "a digest that is none: %s", error.text);
	is_int(put(table, "a b", MD5, ""), -EINVAL, "no user part: %s", error.text);
	is_int(put(table, "1003", MD5, "{\"nat\": 7}"), -EINVAL, "a wrong setting: %s", error.text);
	is_int(put(table, "1003", MD5, "{\"password\": \"x\"}"), -EINVAL, "%s", error.text);
	is_int(put(table, "1003", MD5, "{\"nat\":"), -EINVAL, "no JSON: %s", error.text);
	ok(!find(table, "1003"), "none of them is there");
	struct hl_subscribers *other = hl_subscribers_new(table);
	put(other, "2001", MD5, "");
	const struct hl_account *account = find(table, "1002")->account;
	hl_subscribers_swap(table, other);
	ok(find(table, "2001") && !find(table, "1001"), "two tables change places");
	hl_subscribers_free(other);
	is_int(account->party.nat, HL_ON, "an account outlives the table it came in");
	hl_subscribers_remove(table, HL_SLICE_LITERAL("2001"));
	hl_subscribers_remove(table, HL_SLICE_LITERAL("2001"));
	is_int(hl_subscribers_count(table), 0, "removed, once");
	hl_subscribers_free(table);
}

static void many(void)
{
	enum { MANY = 100000 };
	struct hl_subscribers *table = hl_subscribers_new(NULL);
	size_t before = mallinfo2().uordblks, found = 0;
	char user[16];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(user, sizeof(user), "%u", 1000000 + i);
		put(table, user, MD5, "");
	}
	size_t each = (mallinfo2().uordblks - before) / MANY;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(user, sizeof(user), "%u", 1000000 + i);
		found += find(table, user) != NULL;
	}
	is_int(found, MANY, "a hundred thousand are found");
	ok(each <= 140, "each takes %zu bytes", each);
	hl_subscribers_free(table);
}

static void without_memory(void)
{
	struct hl_subscribers *table = NULL;
	unsigned long at = 0;
	int code = -ENOMEM;

	while (!table && ++at < 20) {
		hl_memory_fail_at(at);
		table = hl_subscribers_new(NULL);
	}
	ok(at > 2 && at < 20, "a table needs memory");
	for (at = 1; code && at < 100; at++) {
		hl_memory_fail_at(at);
		code = put(table, "1001", MD5, "{\"nat\": \"yes\"}");
	}
	hl_memory_fail_at(0);
	ok(!code && find(table, "1001"), "whichever allocation fails, a row is in or not");
	is_int(find(table, "1001")->account->party.nat, HL_ON, "and whole");
	hl_subscribers_free(table);
}

int main(void)
{
	rows();
	many();
	without_memory();
	return done_testing();
}
