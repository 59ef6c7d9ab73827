/* The endpoint table: binding, matching, moving, expiring, the flow index, the NAT verdict, and
 * what happens when memory is out. */
#include "endpoint/endpoint.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/timer.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

enum { SPACE = 72, EVENTS = 64 };

static struct {
	enum hl_contact_event event[EVENTS];
	char uri[EVENTS][64];
	unsigned count;
} seen;

static struct hl_loop *loop;
static struct hl_endpoints *table;

static void remember(void *arg, enum hl_contact_event event, struct hl_contact *contact)
{
	(void)arg;
	if (seen.count == EVENTS)
		return;
	seen.event[seen.count] = event;
	snprintf(seen.uri[seen.count++], sizeof(seen.uri[0]), "%s", contact->uri);
}

static bool last_event_is(enum hl_contact_event event, const char *uri)
{
	return seen.count && seen.event[seen.count - 1] == event &&
	       !strcmp(seen.uri[seen.count - 1], uri);
}

static struct hl_flow flow_of(const char *remote)
{
	struct hl_flow flow = {.type = HL_TRANSPORT_UDP};

	hl_address_parse_port(hl_slice_of("127.0.0.1:5060"), &flow.local);
	hl_address_parse_port(hl_slice_of(remote), &flow.remote);
	return flow;
}

struct phone {
	const char *user, *uri, *instance, *remote;
	unsigned reg_id, expires;
};

static struct hl_contact *bind_phone(struct phone phone)
{
	struct hl_flow flow = flow_of(phone.remote ? phone.remote : "127.0.0.1:6000");
	struct hl_contact *contact = NULL;
	struct hl_binding binding = {
		.user = hl_slice_of(phone.user),
		.uri = hl_slice_of(phone.uri),
		.instance = hl_slice_of(phone.instance),
		.reg_id = phone.reg_id,
		.user_agent = "Phone 1.0",
		.call_id = "abc",
		.cseq = 1,
		.q = 1000,
		.flow = &flow,
		.expires = phone.expires ? phone.expires : 60,
	};

	return hl_contact_bind(table, &binding, &contact) ? NULL : contact;
}

#define BIND(user_part, contact_uri, ...)                                                          \
	bind_phone((struct phone){.user = (user_part), .uri = (contact_uri), ##__VA_ARGS__})

static void start(void)
{
	memset(&seen, 0, sizeof(seen));
	hl_clock_fake(1000 * HL_SECOND);
	loop = hl_loop_new(NULL);
	table = hl_endpoints_new(loop, SPACE, remember, NULL);
	hl_endpoints_set_realm(table, "holdline.test");
}

static void stop(void)
{
	hl_endpoints_free(table);
	hl_loop_free(loop);
}

static void test_bind(void)
{
	char aor[HL_AOR_TEXT];

	start();
	struct hl_contact *contact = BIND("1001", "sip:1001@10.0.0.1");
	ok(last_event_is(HL_CONTACT_ADDED, "sip:1001@10.0.0.1"), "a new contact is added");
	is_str(hl_contact_aor(contact, aor), "1001@holdline.test", "its AOR is user and realm");
	is_int(contact->reachable, -1, "nobody has asked whether it is reachable");
	char *space = hl_contact_space(contact, 0);
	static const char zero[SPACE];
	is_mem(space, zero, SPACE, "its plugin space is zero");
	memset(space, 7, SPACE);
	struct hl_handle handle = contact->handle;

	uint64_t before = contact->refreshed;
	hl_loop_advance(loop, 10000);
	struct hl_contact *again = BIND("1001", "sip:1001@10.0.0.1");
	ok(again == contact && last_event_is(HL_CONTACT_REFRESHED, "sip:1001@10.0.0.1"),
	   "the same URI by the same flow refreshes");
	is_int(hl_contact_expires_in(contact), 60, "and counts from now");
	is_int(contact->refreshed - before, 10 * HL_SECOND, "and knows when");
	ok(hl_contact_same_call_id(contact, "abc") && !hl_contact_same_call_id(contact, "abd"),
	   "it knows the Call-ID of its last REGISTER");
	is_int(space[SPACE - 1], 7, "its plugin space stays");
	ok(hl_contact_get(table, handle) == contact, "its handle leads to it");
	hl_endpoints_set_realm(table, "other");
	is_str(hl_contact_aor(contact, aor), "1001@other", "a new realm is taken over");

	hl_contact_remove(table, contact, "unregistered");
	ok(last_event_is(HL_CONTACT_REMOVED, "sip:1001@10.0.0.1"), "removal is told");
	ok(!hl_contact_get(table, handle), "its handle leads nowhere then");
	ok(!hl_endpoint_find(table, hl_slice_of("1001")), "the endpoint is gone with it");
	is_int(hl_contacts_count(table), 0, "no contact is left");
	stop();
}

static void test_long_strings(void)
{
	static const char longer[] = "sip:1001@10.0.0.1:5060;line=0123456789abcdef0123456789abcdef";

	start();
	struct hl_contact *contact = BIND("1001", "sip:1@10.0.0.1", .instance = "urn:a");
	char *space = hl_contact_space(contact, 0);
	memset(space, 7, SPACE);
	BIND("1001", longer, .instance = "urn:a");
	is_str(contact->uri, longer, "a longer URI of the same device replaces the shorter");
	is_str(contact->instance, "urn:a", "the other strings move along");
	BIND("1001", "sip:1@10.0.0.2", .instance = "urn:a");
	is_str(contact->uri, "sip:1@10.0.0.2", "and a shorter one the longer");
	is_int(space[0] + space[SPACE - 1], 14, "without touching the plugin space");
	stop();
}

static void test_match(void)
{
	start();
	struct hl_contact *plain = BIND("1001", "sip:1001@10.0.0.1");
	ok(BIND("1001", "SIP:1001@10.0.0.1") == plain, "URIs are compared as URIs");
	ok(BIND("1002", "sip:1001@10.0.0.1") != plain, "another user's contact is another");
	struct hl_contact *one =
		BIND("1001", "sip:a@10.0.0.9", .instance = "urn:uuid:A", .reg_id = 1);
	ok(BIND("1001", "sip:b@10.0.0.8", .instance = "urn:uuid:a", .reg_id = 1) == one,
	   "instance and reg-id identify a device whatever its URI");
	ok(BIND("1001", "sip:b@10.0.0.8", .instance = "urn:uuid:a", .reg_id = 2) != one,
	   "another reg-id is another contact");
	ok(BIND("1001", "sip:b@10.0.0.8", .instance = "urn:uuid:c", .reg_id = 1) != one,
	   "another instance with an equal URI is another device");
	is_int(hl_endpoint_find(table, hl_slice_of("1001"))->contact_count, 4, "four in all");
	is_int(hl_endpoints_count(table), 2, "of two endpoints");
	is_int(hl_contacts_count(table), 5, "five contacts");
	stop();
}

static void test_move(void)
{
	start();
	struct hl_contact *contact = BIND("1001", "sip:1001@10.0.0.1", .remote = "192.0.2.1:1024");
	hl_contact_set_reachable(contact, 1, 1500);
	BIND("1001", "sip:1001@10.0.0.1", .remote = "192.0.2.1:2048");
	struct hl_flow old = flow_of("192.0.2.1:1024"), new = flow_of("192.0.2.1:2048");
	ok(last_event_is(HL_CONTACT_MOVED, "sip:1001@10.0.0.1"), "another mapped port moves it");
	ok(hl_contact_by_flow(table, &new) == contact, "it is found by its new flow");
	ok(!hl_contact_by_flow(table, &old), "and not by the old one");
	is_int(contact->reachable, -1, "what was known of the old way is forgotten");
	stop();
}

static void test_flow(void)
{
	start();
	struct hl_flow flow = flow_of("192.0.2.1:1024");
	struct hl_contact *contact[3];
	for (int i = 0; i < 3; i++) {
		char user[] = "1000", uri[] = "sip:1000@10.0.0.1";
		user[3] += i;
		uri[7] += i;
		contact[i] = BIND(user, uri, .remote = "192.0.2.1:1024");
	}
	ok(hl_contact_by_flow(table, &flow) == contact[2], "the latest of a shared flow is found");
	seen.count = 0;
	hl_contacts_heard(table, &flow);
	is_int(seen.count, 0, "a REGISTER was proof of life enough for this second");
	hl_loop_advance(loop, 1000);
	hl_contacts_heard(table, &flow);
	is_int(seen.count, 3, "a second later all of the flow are told");
	ok(contact[0]->heard == hl_clock_now(), "and know when");
	hl_contacts_heard(table, &flow);
	is_int(seen.count, 3, "once a second is enough");
	hl_contact_remove(table, contact[1], "unregistered");
	hl_contact_remove(table, contact[2], "unregistered");
	ok(hl_contact_by_flow(table, &flow) == contact[0], "the one left is found");
	BIND("1001", "sip:1001@10.0.0.1", .remote = "192.0.2.1:1024");
	hl_contacts_disconnected(table, &flow);
	is_int(hl_contacts_count(table), 0, "a lost connection takes all of them along");
	stop();
}

static void test_expiry(void)
{
	start();
	BIND("1001", "sip:1001@10.0.0.1", .expires = 30);
	BIND("1002", "sip:1002@10.0.0.1", .expires = 5000);
	hl_loop_advance(loop, 29900);
	is_int(hl_contacts_count(table), 2, "both are there just before the first expires");
	hl_loop_advance(loop, 1100);
	is_int(hl_contacts_count(table), 1, "it is gone within a second of its expiry");
	ok(last_event_is(HL_CONTACT_REMOVED, "sip:1001@10.0.0.1"), "which is told");
	hl_loop_advance(loop, 4960000);
	is_int(hl_contacts_count(table), 1, "longer than the ring, the other lives on");
	hl_loop_advance(loop, 10000);
	is_int(hl_contacts_count(table), 0, "until its time comes");
	stop();
}

static void test_spare(void)
{
	start();
	struct hl_contact *first = BIND("1001", "sip:1@10.0.0.1");
	hl_loop_advance(loop, 1000);
	struct hl_contact *second = BIND("1001", "sip:1@10.0.0.2");
	hl_loop_advance(loop, 1000);
	struct hl_contact *third = BIND("1001", "sip:1@10.0.0.3");
	ok(hl_endpoint_spare(first->endpoint) == first, "the oldest makes room");
	hl_loop_advance(loop, 1000);
	BIND("1001", "sip:1@10.0.0.1");
	ok(hl_endpoint_spare(first->endpoint) == second, "which is the one refreshed longest ago");
	hl_contact_set_reachable(third, 0, 0);
	ok(hl_endpoint_spare(first->endpoint) == third, "an unreachable one goes first");
	stop();
}

static void remove_even(void *arg, struct hl_contact *contact)
{
	unsigned *visited = arg;

	++*visited;
	if ((hl_contact_user(contact)[3] - '0') % 2 == 0)
		hl_contact_remove(table, contact, "kicked");
}

static void test_each(void)
{
	unsigned visited = 0;

	start();
	for (int i = 0; i < 10; i++) {
		char user[] = "1000";
		user[3] += i;
		BIND(user, "sip:1@10.0.0.1");
		BIND(user, "sip:2@10.0.0.1");
	}
	hl_contacts_each(table, remove_even, &visited);
	is_int(visited, 20, "every contact is visited once");
	is_int(hl_contacts_count(table), 10, "and may be removed meanwhile");
	stop();
}

static void test_memory(void)
{
	static const char longer[] = "sip:1001@10.0.0.1;line=0123456789abcdef0123456789abcdef";
	unsigned long failed = 0;
	bool clean = true;

	start();
	for (unsigned long nth = 1; nth < 50; nth++) {
		hl_memory_fail_at(nth);
		struct hl_contact *contact = BIND("1001", "sip:1@10.0.0.1");
		hl_memory_fail_at(0);
		if (contact)
			break;
		failed++;
		clean &= hl_contacts_count(table) == 0 && hl_endpoints_count(table) == 0;
	}
	ok(failed >= 4 && clean, "no memory: a new contact leaves nothing behind (%lu)", failed);
	is_int(seen.count, 1, "only the one that succeeded is told");
	struct hl_contact *contact = hl_contact_match(
		table, &(struct hl_binding){.user = HL_SLICE_LITERAL("1001"),
					    .uri = HL_SLICE_LITERAL("sip:1@10.0.0.1")});
	hl_contact_remove(table, contact, "unregistered");
	contact = BIND("1001", "sip:1@10.0.0.1", .instance = "urn:a");
	uint64_t refreshed = contact->refreshed;
	hl_loop_advance(loop, 5000);
	hl_memory_fail_at(1);
	ok(!BIND("1001", longer, .instance = "urn:a"), "no memory: not refreshed");
	hl_memory_fail_at(0);
	ok(contact->refreshed == refreshed && !strcmp(contact->uri, "sip:1@10.0.0.1"),
	   "and the contact is as it was");
	stop();
}

static struct hl_binding binding_of(const char *uri, const struct hl_flow *flow,
				    struct hl_contact *contact)
{
	return (struct hl_binding){.user = HL_SLICE_LITERAL("1001"),
				   .uri = hl_slice_of(uri),
				   .user_agent = uri,
				   .call_id = "def",
				   .cseq = 2,
				   .flow = flow,
				   .expires = 90,
				   .contact = contact};
}

/* One REGISTER with an old contact, whose strings have outgrown their room, and two new ones. */
static void test_all_or_none(void)
{
	static const char longer[] = "sip:1@10.0.0.1;line=0123456789abcdef0123456789abcdef";
	unsigned long failed = 0;
	bool clean = true;
	int result = -1;

	start();
	struct hl_flow flow = flow_of("192.0.2.1:1024");
	struct hl_contact *old = BIND("1001", "sip:1@10.0.0.1");
	unsigned told = seen.count;
	for (unsigned long nth = 1; nth < 50 && result; nth++) {
		struct hl_binding bindings[] = {binding_of("sip:2@10.0.0.2", &flow, NULL),
						binding_of(longer, &flow, old),
						binding_of("sip:3@10.0.0.3", &flow, NULL)};
		hl_memory_fail_at(nth);
		result = hl_contacts_bind(table, bindings, 3);
		hl_memory_fail_at(0);
		if (!result)
			break;
		failed++;
		clean &= hl_contacts_count(table) == 1 && seen.count == told && old->cseq == 1 &&
			 !strcmp(old->uri, "sip:1@10.0.0.1") &&
			 !strcmp(old->user_agent, "Phone 1.0") && !hl_contact_by_flow(table, &flow);
	}
	ok(failed >= 6 && clean, "no memory: none of three is bound (%lu)", failed);
	is_int(hl_contacts_count(table), 3, "then all of them");
	is_int(seen.count, told + 3, "each is told once");
	is_str(old->uri, longer, "the old one with its new strings");
	struct hl_binding many[HL_BINDINGS + 1] = {{.expires = 0}};
	is_int(hl_contacts_bind(table, many, HL_BINDINGS + 1), -E2BIG, "too many are refused");
	struct hl_binding same[] = {binding_of("sip:2@10.0.0.2", &flow, NULL),
				    binding_of("SIP:2@10.0.0.2", &flow, NULL),
				    binding_of("sip:3@10.0.0.2", &flow, NULL)};
	ok(hl_binding_same(&same[0], &same[1]), "one contact twice is known");
	ok(!hl_binding_same(&same[0], &same[2]), "two are two");
	stop();
}

static void test_flows_of_a_device(void)
{
	start();
	struct hl_contact *one = BIND("1001", "sip:1@10.0.0.1", .instance = "urn:a", .reg_id = 1,
				      .remote = "1.1.1.1:1");
	hl_loop_advance(loop, 1000);
	struct hl_contact *two = BIND("1001", "sip:1@10.0.0.1", .instance = "urn:a", .reg_id = 2,
				      .remote = "1.1.1.1:2");
	struct hl_contact *other = BIND("1001", "sip:1@10.0.0.1", .instance = "urn:b", .reg_id = 1,
					.remote = "1.1.1.1:3");
	ok(hl_contact_superseded(one) && !hl_contact_superseded(two),
	   "of a device's flows the latest counts");
	ok(!hl_contact_superseded(other), "another device has its own");
	hl_contact_set_reachable(two, 0, 0);
	ok(!hl_contact_superseded(one) && hl_contact_superseded(two),
	   "unless it is known to be dead");
	stop();
}

#ifndef __SANITIZE_ADDRESS__ /* which has a memory of its own */
/* Resident bytes of this process. */
static size_t resident(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* What a contact costs, as a phone registers it, with the plugins' space, tables and all; the worst
 * case, in which each is an endpoint's only one. */
static void test_size(void)
{
	enum { CONTACTS = 200000, MOST = 600 };
	char user[16], uri[64], instance[64], remote[32];

	start();
	size_t before = resident();
	for (unsigned i = 0; i < CONTACTS; i++) {
		snprintf(user, sizeof(user), "%u", 100000 + i);
		snprintf(uri, sizeof(uri), "sip:%s@192.168.1.10:5060;transport=udp", user);
		snprintf(instance, sizeof(instance), "urn:uuid:00000000-0000-1000-8000-%012u", i);
		snprintf(remote, sizeof(remote), "192.0.%u.1:%u", i / 50000, 1024 + i % 50000);
		BIND(user, uri, .instance = instance, .remote = remote);
	}
	size_t each = (resident() - before) / CONTACTS;
	ok(before && each < MOST, "a contact and its endpoint take %zu bytes, below %d", each,
	   MOST);
	stop();
}
#endif

struct nat_case {
	const char *name, *contact, *via_host;
	unsigned via_port;
	const char *remote;
	int type, setting;
	bool nat;
	const char *reason;
};

static const struct nat_case nat_cases[] = {
	{"equal", "sip:a@192.0.2.1:6000", "192.0.2.1", 6000, "192.0.2.1:6000", HL_TRANSPORT_UDP,
	 HL_AUTO, false, "Contact and Via are the source"},
	{"private Contact", "sip:a@10.0.0.1:6000", "192.0.2.1", 6000, "192.0.2.1:6000",
	 HL_TRANSPORT_UDP, HL_AUTO, true,
	 "Contact 10.0.0.1:6000 differs from source 192.0.2.1:6000"},
	{"mapped port", "sip:a@192.0.2.1", "192.0.2.1", 5060, "192.0.2.1:6000", HL_TRANSPORT_UDP,
	 HL_AUTO, true, "Contact 192.0.2.1:5060 differs from source 192.0.2.1:6000"},
	{"private Via", "sip:a@192.0.2.1:6000", "10.0.0.1", 6000, "192.0.2.1:6000",
	 HL_TRANSPORT_UDP, HL_AUTO, true, "Via 10.0.0.1:6000 differs from source 192.0.2.1:6000"},
	{"Via port", "sip:a@192.0.2.1:6000", "192.0.2.1", 0, "192.0.2.1:6000", HL_TRANSPORT_UDP,
	 HL_AUTO, true, "Via 192.0.2.1:5060 differs from source 192.0.2.1:6000"},
	{"port 5060 left out", "sip:a@192.0.2.1", "192.0.2.1", 0, "192.0.2.1:5060",
	 HL_TRANSPORT_UDP, HL_AUTO, false, "Contact and Via are the source"},
	{"a TCP source port", "sip:a@192.0.2.1:5060", "192.0.2.1", 5060, "192.0.2.1:40000",
	 HL_TRANSPORT_TCP, HL_AUTO, false, "Contact and Via are the source"},
	{"a private Contact over TCP", "sip:a@10.0.0.1", "192.0.2.1", 5060, "192.0.2.1:40000",
	 HL_TRANSPORT_TCP, HL_AUTO, true,
	 "Contact 10.0.0.1:5060 differs from source 192.0.2.1:40000"},
	{"IPv6 in brackets", "sip:a@[2001:db8::1]:6000", "[2001:db8:0::1]", 6000,
	 "[2001:db8::1]:6000", HL_TRANSPORT_UDP, HL_AUTO, false, "Contact and Via are the source"},
	{"nat: yes", "sip:a@192.0.2.1:6000", "192.0.2.1", 6000, "192.0.2.1:6000", HL_TRANSPORT_UDP,
	 HL_ON, true, "nat: yes"},
	{"nat: no", "sip:a@10.0.0.1", "10.0.0.1", 5060, "192.0.2.1:6000", HL_TRANSPORT_UDP, HL_OFF,
	 false, "nat: no"},
};

static void test_nat(void)
{
	start();
	for (size_t i = 0; i < HL_COUNT(nat_cases); i++) {
		const struct nat_case *c = &nat_cases[i];
		struct hl_flow flow = flow_of(c->remote);
		struct hl_via via = {.host = hl_slice_of(c->via_host), .port = c->via_port};
		struct hl_binding binding = {.user = HL_SLICE_LITERAL("a"),
					     .uri = hl_slice_of(c->contact),
					     .user_agent = "",
					     .call_id = "abc",
					     .flow = &flow,
					     .expires = 60};
		struct hl_contact *contact = NULL;
		struct hl_uri uri;
		char reason[HL_NAT_REASON_TEXT];

		flow.type = (uint8_t)c->type;
		hl_uri_parse(binding.uri, &uri);
		binding.nat = hl_nat_verdict(c->setting, &uri, &via, &flow);
		hl_contact_bind(table, &binding, &contact);
		is_int(contact->nat, c->nat, "NAT verdict: %s", c->name);
		is_str(hl_contact_nat_reason(contact, reason), c->reason, "and why");
	}
	stop();
}

static void test_json(void)
{
	struct hl_text text;
	struct hl_json json;

	start();
	struct hl_contact *contact = BIND("1001", "sip:1@10.0.0.1", .remote = "[2001:db8::1]:7");
	hl_text_init(&text);
	hl_json_init(&json, &text);
	hl_contact_set_reachable(contact, 1, 12500);
	hl_json_object(&json);
	hl_contact_json(contact, &json);
	hl_json_object_end(&json);
	is_str(hl_text_string(&text),
	       "{\"aor\":\"1001@holdline.test\",\"user\":\"1001\",\"contact\":\"sip:1@10.0.0.1\","
	       "\"received\":\"2001:db8::1\",\"received_port\":7,\"local\":\"127.0.0.1:5060\","
	       "\"transport\":\"udp\",\"nat\":false,\"nat_reason\":\"Contact and Via are the source\",\"expires_in\":60,"
	       "\"user_agent\":\"Phone 1.0\",\"reachable\":true,\"rtt_ms\":12.5,\"alg\":null}",
	       "the keys of the control socket");
	hl_text_fini(&text);
	stop();
}

int main(void)
{
	hl_log_setup(HL_LOG_ERROR, HL_LOG_TEXT);
	test_bind();
	test_long_strings();
	test_match();
	test_move();
	test_flow();
	test_expiry();
	test_spare();
	test_each();
	test_memory();
	test_all_or_none();
	test_flows_of_a_device();
	test_nat();
#ifndef __SANITIZE_ADDRESS__
	test_size();
#endif
	test_json();
	return done_testing();
}
