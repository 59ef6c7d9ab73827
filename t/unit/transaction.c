/* Server transactions (RFC 3261 §17.2, RFC 6026) on a fake clock: what is sent when, what is
 * absorbed, what is told, and when it is over. */
#include "transaction_peer.h"

#include "base/memory.h"

#define REQUEST(method, branch, more)                                                              \
	method " sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5062" branch ";rport\r\n"            \
	       "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>" more "\r\nCall-ID: c1\r\n"
#define CSEQ(method) "CSeq: 7 " method "\r\n\r\n"
#define INVITE_AT(branch) REQUEST("INVITE", branch, "") CSEQ("INVITE")
#define COOKIE ";branch=z9hG4bK1"
#define INVITE INVITE_AT(COOKIE)
#define ACK_FAILURE REQUEST("ACK", COOKIE, ";tag=x") CSEQ("ACK")
#define ACK_2XX REQUEST("ACK", ";branch=z9hG4bK2", ";tag=x") CSEQ("ACK")
#define CANCEL REQUEST("CANCEL", COOKIE, "") CSEQ("CANCEL")
#define OPTIONS REQUEST("OPTIONS", COOKIE, "") CSEQ("OPTIONS")

/* Timer G, and the 2xx of an INVITE: doubled from T1 to T2. */
static const char doubling[] = "500 1500 3500 7500 11500 15500 19500 23500 27500 31500";

static struct hl_transaction *last(void)
{
	return hl_transaction_get(peer.table, seen.transaction);
}

/* An INVITE that was passed up and is owned. */
static struct hl_transaction *invited(void)
{
	receive(INVITE);
	hl_transaction_own(last(), owner);
	told("INVITE", "an INVITE is passed up");
	is_str(next_line(), "SIP/2.0 100 Trying", "100 goes at once when it is not answered");
	return last();
}

static void is_gone(const char *name)
{
	ok(!last() && !hl_transactions_count(peer.table), "%s", name);
}

static void check_provisional(void)
{
	struct hl_transaction *transaction = invited();

	is_str(hl_transaction_user(transaction), "", "nobody is its user yet");
	ok(!hl_transaction_set_user(transaction, HL_SLICE_LITERAL("1001x")) &&
		   !hl_transaction_set_user(transaction, (struct hl_slice){"1002x", 4}) &&
		   !strcmp(hl_transaction_user(transaction), "1002"),
	   "the user can be set, and again");
	receive(INVITE);
	is_str(next_line(), "SIP/2.0 100 Trying", "the INVITE again: the last response again");
	ok(!hl_transaction_reply(transaction, 180, NULL) &&
		   !strcmp(next_line(), "SIP/2.0 180 Ringing"),
	   "180");
	receive(INVITE);
	is_str(next_line(), "SIP/2.0 180 Ringing", "which is the last response now");
	is_str(schedule(120000), "",
	       "provisional responses are not repeated, and nothing runs out");
	told("", "the INVITE again is not passed up");
	hl_transaction_reply(transaction, 486, NULL);
	next_packet(peer.socket);
	schedule(32000);
}

static void check_failure(void)
{
	struct hl_transaction *transaction = invited();
	char tag[64];

	snprintf(tag, sizeof(tag), "<sip:b@h>;tag=%s", hl_transaction_tag(transaction));
	is_int(hl_transaction_reply(transaction, 486, "Busy"), 0, "486");
	is_str(header_in(next_packet(peer.socket), "To"), tag, "To has the transaction's tag");
	is_int(hl_transaction_reply(transaction, 200, NULL), -EALREADY,
	       "a second final one is refused");
	is_int(hl_transaction_respond(
		       transaction,
		       hl_message_response(hl_transaction_request(transaction), 487, NULL, NULL)),
	       -EALREADY, "whichever way");
	is_str(schedule(600), "500", "Timer G begins");
	receive(INVITE);
	is_str(next_line(), "SIP/2.0 486 Busy", "the INVITE again: the response again");
	receive(ACK_FAILURE);
	is_str(schedule(4999), "", "its ACK ends it");
	receive(INVITE);
	receive(ACK_FAILURE);
	is_str(next_line(), "", "Confirmed: INVITE and ACK are absorbed");
	ok(last(), "for T4");
	schedule(1);
	is_gone("Timer I: gone");
	told("", "and the owner was told nothing");
	receive(INVITE);
	told("INVITE", "the INVITE after that is a new one");
	hl_transaction_reply(last(), 500, NULL);
	next_packet(peer.socket);
	next_packet(peer.socket);
	is_str(schedule(31999), doubling, "Timer G, without an ACK");
	ok(last(), "until 64·T1");
	schedule(1);
	is_gone("Timer H: gone");
	told("", "which nobody asked to be told");
}

static void check_success(void)
{
	struct hl_transaction *transaction = invited();

	hl_transaction_reply(transaction, 200, NULL);
	is_str(next_line(), "SIP/2.0 200 OK", "200");
	receive(INVITE);
	is_str(next_line(), "", "Accepted: the INVITE again is absorbed");
	is_str(schedule(4000), "500 1500 3500", "the 200 is repeated");
	receive(ACK_2XX);
	told("ack 7", "its ACK, of another branch, is passed up");
	hl_transaction_acked(transaction);
	is_str(schedule(27999), "", "and ends the repetition, once the owner says so");
	ok(last(), "the transaction stays for 64·T1");
	schedule(1);
	is_gone("Timer L: gone");
	told("", "and acknowledged");

	transaction = invited();
	hl_transaction_reply(transaction, 200, NULL);
	next_packet(peer.socket);
	is_str(schedule(32000), doubling, "a 200 without an ACK");
	told("unacked", "is told after 64·T1");
	ok(hl_handle_equal(seen.owner, owner.handle), "by the owner's handle");
	is_gone("and gone");
}

static void check_answered_at_once(void)
{
	seen.answer = 404;
	receive(INVITE);
	seen.answer = 0;
	is_str(next_line(), "SIP/2.0 404 Not Found", "an INVITE answered in the callback");
	is_str(next_line(), "", "has no 100");
	receive(ACK_FAILURE);
	schedule(5000);
	is_gone("gone");
	told("INVITE", "passed up once");
}

static void check_other(void)
{
	receive(OPTIONS);
	told("OPTIONS", "an OPTIONS is passed up");
	receive(OPTIONS);
	is_str(next_line(), "", "not answered, no 100; again: absorbed");
	is_str(hl_message_method_text(hl_transaction_request(last())), "OPTIONS",
	       "its request is kept until it is answered");
	hl_transaction_reply(last(), 200, NULL);
	is_str(next_line(), "SIP/2.0 200 OK", "200");
	receive(OPTIONS);
	is_str(next_line(), "SIP/2.0 200 OK", "again: again");
	is_int(hl_transaction_reply(last(), 500, NULL), -EALREADY, "one answer is enough");
	is_str(schedule(31999), "", "it is not repeated by itself");
	ok(last(), "and remembered for 64·T1");
	schedule(1);
	is_gone("Timer J: gone");
	told("", "and passed up once");
}

/* As check_other, without a transaction being left behind. */
static void check_stateless(void)
{
	char tag[LAST];

	receive(OPTIONS);
	told("OPTIONS", "an OPTIONS is passed up");
	is_int(hl_transaction_respond_stateless(
		       last(), hl_message_response(hl_transaction_request(last()), 401, NULL,
						   hl_transaction_tag(last()))),
	       0, "401, to be forgotten");
	snprintf(tag, sizeof(tag), "%s", header_in(next_packet(peer.socket), "To"));
	is_gone("gone at once");
	seen.answer = 404;
	receive(OPTIONS);
	seen.answer = 0;
	told("OPTIONS", "the same again is passed up again");
	is_str(header_in(next_packet(peer.socket), "To"), tag, "and gets the same tag");
	seen.answer = 404;
	receive(REQUEST("OPTIONS", ";branch=z9hG4bK2", "") CSEQ("OPTIONS"));
	seen.answer = 0;
	told("OPTIONS", "another request");
	ok(strcmp(header_in(next_packet(peer.socket), "To"), tag) != 0, "has another tag");
	schedule(32000);
	is_gone("Timer J: gone");
}

static void check_stateless_invite(void)
{
	struct hl_transaction *transaction = invited();

	is_int(hl_transaction_respond_stateless(
		       transaction, hl_message_response(hl_transaction_request(transaction), 407,
							NULL, hl_transaction_tag(transaction))),
	       0, "407 to an INVITE");
	is_str(next_line(), "SIP/2.0 407 Proxy Authentication Required", "goes");
	receive(INVITE);
	is_str(next_line(), "SIP/2.0 407 Proxy Authentication Required", "is repeated");
	receive(ACK_FAILURE);
	told("", "and the transaction takes its ACK");
	schedule(5000);
	is_gone("gone");
}

static void check_cancel(void)
{
	struct hl_transaction *transaction = invited();
	const char *packet;
	char tag[64];

	snprintf(tag, sizeof(tag), "<sip:b@h>;tag=%s", hl_transaction_tag(transaction));
	receive(CANCEL);
	packet = next_packet(peer.socket);
	ok(packet && !strncmp(packet, "SIP/2.0 200 OK\r\n", 16), "a CANCEL is answered 200");
	is_str(header_in(packet, "To"), tag, "with the tag of the INVITE's responses");
	told("cancelled", "and the INVITE's owner is told");
	receive(CANCEL);
	is_str(next_line(), "SIP/2.0 200 OK", "the CANCEL again: answered again");
	told("", "but not told again");
	hl_transaction_reply(transaction, 487, NULL);
	is_str(next_line(), "SIP/2.0 487 Request Terminated",
	       "the INVITE is answered by its owner");
	receive(ACK_FAILURE);
	schedule(32000);

	transaction = invited();
	hl_transaction_reply(transaction, 200, NULL);
	next_packet(peer.socket);
	receive(CANCEL);
	is_str(next_line(), "SIP/2.0 200 OK", "a CANCEL that comes too late");
	told("", "changes nothing");
	hl_transaction_acked(transaction);
	schedule(32000);
	is_int((long long)hl_transactions_count(peer.table), 0, "all gone");
	receive(CANCEL);
	is_str(next_line(), "SIP/2.0 481 Call/Transaction Does Not Exist", "a CANCEL of nothing");
	schedule(32000);
}

static void check_keys(void)
{
	receive(INVITE_AT(";branch=z9hG4bK1abc"));
	receive(INVITE_AT(";branch=z9hG4bK1ABC"));
	told("INVITE", "a branch has no case");
	receive("INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5063" COOKIE "\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c1\r\n" CSEQ("INVITE"));
	receive("INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5062" COOKIE "\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c1\r\n" CSEQ("INVITE"));
	receive(OPTIONS);
	told("INVITE, INVITE, OPTIONS", "the sent-by and the method tell one from another");

	receive(INVITE_AT(""));
	receive(INVITE_AT(""));
	receive(INVITE_AT(";branch=1"));
	receive("INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5062;rport\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c2\r\n" CSEQ("INVITE"));
	receive("INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5062;rport\r\n"
		"From: <sip:a@h>;tag=2\r\nTo: <sip:b@h>\r\nCall-ID: c1\r\n" CSEQ("INVITE"));
	receive("INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5062;rport\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c1\r\nCSeq: 8 INVITE\r\n\r\n");
	told("INVITE, INVITE, INVITE, INVITE, INVITE",
	     "RFC 2543: Via, Call-ID, From tag and CSeq tell one from another");
	is_int((long long)hl_transactions_count(peer.table), 9, "nine live transactions");
	hl_transaction_reply(last(), 486, NULL);
	receive("ACK sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5062;rport\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=9\r\nCall-ID: c1\r\nCSeq: 8 ACK\r\n\r\n");
	told("", "and an ACK to a failure finds its INVITE");
	hl_transactions_free(peer.table);
	peer.table = hl_transactions_new(peer.loop, peer.transport, &handlers, NULL);
}

/* Every part of a key as long as it can be. */
static void check_long_keys(void)
{
	static char text[8192];
	char name[301], host[301];

	memset(name, 'M', 300);
	memset(host, 'h', 300);
	name[300] = host[300] = '\0';
	snprintf(text, sizeof(text),
		 "%s sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP %s:65535;branch=%s;rport\r\n"
		 "From: <sip:a@h>;tag=%s\r\nTo: <sip:b@h>\r\nCall-ID: %s\r\n"
		 "CSeq: 2147483647 %s\r\n\r\n",
		 name, host, name, name, name, name);
	receive(text);
	receive(text);
	is_int(seen.count, 1, "a request of long parts is found again");
	seen.told[0] = '\0';
	hl_transaction_reply(last(), 200, NULL);
	schedule(32000);
}

static void check_reply_port(void)
{
	int other = open_udp();
	char text[1024];
	const char *packet;

	while (next_packet(peer.socket))
		;
	snprintf(text, sizeof(text),
		 "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:%u" COOKIE "\r\n"
		 "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c1\r\n" CSEQ("OPTIONS"),
		 socket_address(other).port);
	receive(text);
	hl_transaction_reply(last(), 200, NULL);
	is_str(next_line(), "", "without rport, the response does not go to the source's port");
	packet = next_packet(other);
	ok(packet && !strncmp(packet, "SIP/2.0 200 OK", 14), "but to that of the Via");
	ok(strstr(header_in(packet, "Via"), ";received=127.0.0.1;branch"),
	   "which says where the request came from: %s", header_in(packet, "Via"));
	close(other);
	receive(INVITE);
	packet = next_packet(peer.socket);
	snprintf(text, sizeof(text), ";received=127.0.0.1;rport=%u;branch", peer.flow.remote.port);
	ok(strstr(header_in(packet, "Via"), text), "with rport, to the source's port: %s",
	   header_in(packet, "Via"));
	hl_transaction_reply(last(), 500, NULL);
	next_packet(peer.socket);
	schedule(32000);
	told("OPTIONS, INVITE", "both were passed up");
}

/* Over TCP nothing is repeated but the 2xx of an INVITE, and nothing is absorbed. */
static void check_reliable(void)
{
	struct hl_flow udp = peer.flow;
	struct hl_transaction *transaction;

	peer.flow = (struct hl_flow){
		.type = HL_TRANSPORT_TCP, .remote = udp.remote, .connection = {9, 9}};
	receive(OPTIONS);
	hl_transaction_reply(last(), 200, NULL);
	schedule(1);
	is_gone("Timer J is zero");
	receive(INVITE);
	hl_transaction_reply(last(), 486, NULL);
	receive(ACK_FAILURE);
	schedule(1);
	is_gone("Timer I is zero");
	receive(INVITE);
	transaction = last();
	hl_transaction_own(transaction, owner);
	hl_transaction_reply(transaction, 200, NULL);
	schedule(32000);
	told("OPTIONS, INVITE, INVITE, unacked", "a 200 without an ACK is told on TCP as well");
	peer.flow = udp;
}

static void check_memory(void)
{
	unsigned long nth = 0;

	/* Timer J, and the tenth of a second by which it may be late. */
	for (bool answered = false; !answered && nth < 500; schedule(32100)) {
		struct hl_message *message = parsed(OPTIONS);

		seen.answer = 200;
		hl_memory_fail_at(++nth);
		hl_transactions_receive(peer.table, &peer.flow, message);
		hl_memory_fail_at(0);
		seen.answer = 0;
		answered = !strcmp(next_line(), "SIP/2.0 200 OK");
		if (!answered && last()) /* its handler could not answer it: as it would later */
			hl_transaction_reply(last(), 500, NULL);
		while (next_packet(peer.socket))
			;
	}
	ok(nth > 1 && nth < 500, "each of %lu allocations may fail", nth - 1);
	is_int((long long)hl_transactions_count(peer.table), 0, "and nothing is left over");
	seen.told[0] = '\0';
}

int main(void)
{
	peer_open();
	check_provisional();
	check_failure();
	check_success();
	check_answered_at_once();
	check_other();
	check_stateless();
	check_stateless_invite();
	check_cancel();
	check_keys();
	check_long_keys();
	check_reply_port();
	check_reliable();
	check_memory();
	peer_close();
	return done_testing();
}
