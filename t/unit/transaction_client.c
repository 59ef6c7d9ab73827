/* Client transactions (RFC 3261 §17.1, RFC 6026) on a fake clock: the schedules of Timers A and E,
 * the ends B, D, F, K and M, the ACK to a failure, CANCEL before and after a provisional response.
 */
#include "transaction_peer.h"

#include "base/memory.h"

#include <poll.h>

/* The last request that was sent, as the peer saw it. */
static char sent[PACKET];

static struct hl_message *make(enum hl_method method)
{
	struct hl_message *message =
		hl_message_request(method, "sip:b@h;x=y", "<sip:a@h>;tag=1", "<sip:b@h>", "c1", 7);

	hl_message_add_header(message, "Route", "<sip:p1;lr>, <sip:p2;lr>");
	return message;
}

/* Starts a transaction and reads its request. */
static struct hl_transaction *start(enum hl_method method, const char *name)
{
	struct hl_handle handle = HL_HANDLE_NONE;
	const char *packet;

	is_int(hl_transaction_start(peer.table, &peer.flow, make(method), owner, &handle), 0, "%s",
	       name);
	packet = next_packet(peer.socket);
	snprintf(sent, sizeof(sent), "%s", packet ? packet : "");
	seen.transaction = handle;
	return hl_transaction_get(peer.table, handle);
}

static const char *branch_of(const char *packet)
{
	static char branch[64];
	const char *at = strstr(header_in(packet, "Via"), ";branch=");

	snprintf(branch, sizeof(branch), "%.*s", at ? (int)strcspn(at + 8, ";") : 0,
		 at ? at + 8 : "");
	return branch;
}

/* The response `status` to the last request. */
static void respond_to(const char *status, const char *cseq)
{
	char text[PACKET], via[256];

	snprintf(via, sizeof(via), "%s", header_in(sent, "Via"));
	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n"
		 "Call-ID: c1\r\nCSeq: %s\r\n\r\n",
		 status, via, cseq);
	receive(text);
}

static void is_gone(const char *name)
{
	ok(!hl_transaction_get(peer.table, seen.transaction) && !hl_transactions_count(peer.table),
	   "%s", name);
}

static void check_request(void)
{
	struct hl_transaction *transaction = start(HL_METHOD_INVITE, "an INVITE is sent");
	char want[128], own[HL_ADDRESS_TEXT];

	snprintf(want, sizeof(want), "SIP/2.0/UDP %s;branch=%s;rport",
		 hl_address_format(&peer.flow.local, own), branch_of(sent));
	ok(!strncmp(sent, "INVITE sip:b@h;x=y SIP/2.0\r\nVia: ", 33), "with a Via on top");
	is_str(header_in(sent, "Via"), want, "of our address, with rport");
	ok(!strncmp(branch_of(sent), "z9hG4bK", 7) && strlen(branch_of(sent)) > 20,
	   "and a branch with the cookie");
	is_str(hl_message_call_id(hl_transaction_request(transaction)), "c1",
	       "its request is kept");
	ok(hl_flow_equal(hl_transaction_flow(transaction), &peer.flow), "and its flow");
	is_str(schedule(31999), "500 1500 3500 7500 15500 31500", "Timer A doubles without end");
	told("", "so far nothing is told");
	schedule(1);
	told("timeout", "Timer B: told");
	ok(hl_handle_equal(seen.owner, owner.handle), "by the owner's handle");
	is_gone("and gone");
}

static void check_invite_failure(void)
{
	char branch[64];
	const char *packet;

	start(HL_METHOD_INVITE, "an INVITE");
	snprintf(branch, sizeof(branch), "%s", branch_of(sent));
	respond_to("100 Trying", "7 INVITE");
	respond_to("180 Ringing", "7 INVITE");
	told("response 100, response 180", "provisional responses are told");
	is_str(schedule(60000), "", "and end Timers A and B");
	respond_to("486 Busy Here", "7 INVITE");
	told("response 486", "a failure is told");
	packet = next_packet(peer.socket);
	ok(packet && !strncmp(packet, "ACK sip:b@h;x=y SIP/2.0\r\n", 25), "and acknowledged here");
	is_str(branch_of(packet), branch, "with the branch of the INVITE");
	is_str(header_in(packet, "To"), "<sip:b@h>;tag=2", "the To of the response");
	is_str(header_in(packet, "From"), "<sip:a@h>;tag=1", "the From");
	is_str(header_in(packet, "CSeq"), "7 ACK", "and the CSeq number of the INVITE");
	ok(strstr(packet, "\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"), "and its Routes");
	is_str(schedule(1000), "", "once");
	respond_to("486 Busy Here", "7 INVITE");
	told("", "the failure again is not told");
	ok(!strncmp(next_line(), "ACK ", 4), "but acknowledged again");
	schedule(30999);
	ok(hl_transaction_get(peer.table, seen.transaction), "it is remembered");
	schedule(1);
	is_gone("for 32 s (Timer D)");
	respond_to("486 Busy Here", "7 INVITE");
	told("stray 486", "what comes later belongs to nothing");
}

static void check_invite_success(void)
{
	start(HL_METHOD_INVITE, "an INVITE");
	respond_to("200 OK", "7 INVITE");
	respond_to("180 Ringing", "7 INVITE");
	respond_to("200 OK", "7 INVITE");
	told("response 200, response 200", "each 200 is told, what is late is not");
	is_str(schedule(31999), "", "the ACK is the owner's");
	ok(hl_transaction_get(peer.table, seen.transaction), "it is remembered");
	schedule(1);
	is_gone("for 64·T1 (Timer M)");
	told("", "in silence");
}

static void check_other(void)
{
	start(HL_METHOD_OPTIONS, "an OPTIONS");
	is_str(schedule(31999), "500 1500 3500 7500 11500 15500 19500 23500 27500 31500",
	       "Timer E doubles up to T2");
	schedule(1);
	told("timeout", "Timer F: told");
	is_gone("and gone");

	start(HL_METHOD_OPTIONS, "an OPTIONS");
	is_str(schedule(1600), "500 1500", "Timer E");
	respond_to("100 Trying", "7 OPTIONS");
	is_str(schedule(9000), "4000 8000", "every T2 from a provisional response on");
	respond_to("200 OK", "7 OPTIONS");
	told("response 100, response 200", "both are told");
	respond_to("200 OK", "7 OPTIONS");
	told("", "the 200 again is absorbed");
	is_str(schedule(4999), "", "nothing is sent any more");
	ok(hl_transaction_get(peer.table, seen.transaction), "it is remembered");
	schedule(1);
	is_gone("for T4 (Timer K)");

	start(HL_METHOD_OPTIONS, "an OPTIONS");
	respond_to("100 Trying", "7 OPTIONS");
	respond_to("200 OK", "7 INVITE");
	told("response 100, stray 200", "a response to another method is not its response");
	schedule(32000);
	told("timeout", "Timer F runs on behind a provisional response");
}

static void check_cancel_early(void)
{
	struct hl_transaction *transaction = start(HL_METHOD_INVITE, "an INVITE");
	char branch[64];
	const char *packet;

	snprintf(branch, sizeof(branch), "%s", branch_of(sent));
	hl_transaction_cancel(transaction, "SIP;cause=200;text=\"Call completed elsewhere\"");
	is_str(schedule(400), "", "cancelled before a provisional response: nothing is sent yet");
	respond_to("100 Trying", "7 INVITE");
	told("response 100", "the response is told");
	packet = next_packet(peer.socket);
	ok(packet && !strncmp(packet, "CANCEL sip:b@h;x=y SIP/2.0\r\n", 28),
	   "then the CANCEL goes");
	is_str(branch_of(packet), branch, "with the branch of the INVITE");
	is_str(header_in(packet, "CSeq"), "7 CANCEL", "its CSeq number");
	is_str(header_in(packet, "To"), "<sip:b@h>", "its To");
	is_str(header_in(packet, "Reason"), "SIP;cause=200;text=\"Call completed elsewhere\"",
	       "and the Reason given");
	hl_transaction_cancel(transaction, NULL);
	respond_to("183 Session Progress", "7 INVITE");
	is_str(schedule(400), "", "once: not by a second call, nor by the next response");
	told("response 183", "which is told");
	is_str(schedule(1200), "100 1100", "the CANCEL is repeated by its own Timer E");
	respond_to("200 OK", "7 CANCEL");
	told("", "its answer is nobody's business");
	is_str(schedule(1000), "", "and ends that");
	respond_to("487 Request Terminated", "7 INVITE");
	told("response 487", "the INVITE's end is told");
	ok(!strncmp(next_line(), "ACK ", 4), "and acknowledged");
	hl_transaction_cancel(transaction, NULL);
	is_str(next_line(), "", "after a final response a cancel does nothing");
	schedule(32000);
	is_int((long long)hl_transactions_count(peer.table), 0, "all gone");
}

static void check_cancel_late(void)
{
	struct hl_transaction *transaction = start(HL_METHOD_INVITE, "an INVITE");

	respond_to("180 Ringing", "7 INVITE");
	hl_transaction_cancel(transaction, NULL);
	ok(!strncmp(next_line(), "CANCEL ", 7), "cancelled behind a provisional response: at once");
	respond_to("200 OK", "7 CANCEL");
	told("response 180", "the CANCEL's 200 is not the INVITE's");
	schedule(31999);
	told("", "without a final response");
	schedule(1);
	told("timeout", "the INVITE counts as cancelled after 64·T1");
	is_gone("and is gone");

	transaction = start(HL_METHOD_INVITE, "an INVITE");
	hl_transaction_cancel(transaction, NULL);
	schedule(32000);
	told("timeout", "cancelled and never answered at all: Timer B");
	is_gone("and gone");
}

/* What comes over a connection, whose writing takes turns of the loop; "" when nothing does. */
static const char *await_packet(int fd)
{
	const char *packet = NULL;

	for (int i = 0; i < 2000 && !packet; i++) {
		hl_loop_turn(peer.loop);
		packet = next_packet(fd);
		if (!packet)
			poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1);
	}
	return packet ? packet : "";
}

static void check_reliable(void)
{
	int fd = open_listening(), accepted;
	struct hl_address there = socket_address(fd);
	struct hl_flow udp = peer.flow;

	hl_transport_flow_to(peer.transport, HL_TRANSPORT_TCP, &there, &peer.flow);
	accepted = accept(fd, NULL, NULL);
	start(HL_METHOD_INVITE, "an INVITE over TCP");
	snprintf(sent, sizeof(sent), "%s", await_packet(accepted));
	ok(strstr(sent, "Via: SIP/2.0/TCP ") && !strstr(sent, ";rport"), "has no use for rport");
	schedule(20000);
	ok(!next_packet(accepted), "and is not repeated");
	respond_to("500 No", "7 INVITE");
	told("response 500", "a failure");
	ok(!strncmp(await_packet(accepted), "ACK ", 4), "is acknowledged");
	schedule(1);
	is_gone("and forgotten at once (Timer D is zero)");
	start(HL_METHOD_BYE, "a BYE over TCP");
	snprintf(sent, sizeof(sent), "%s", await_packet(accepted));
	respond_to("200 OK", "7 BYE");
	schedule(1);
	is_gone("is forgotten with its answer (Timer K is zero)");
	start(HL_METHOD_BYE, "another");
	schedule(32000);
	told("response 200, timeout", "runs out after 64·T1 like any other");
	close(accepted);
	close(fd);
	peer.flow = udp;
}

/* Whoever waits over a connection is told when it is lost, not 64·T1 later. */
static void check_lost(void)
{
	int fd = open_listening(), accepted;
	struct hl_address there = socket_address(fd);
	struct hl_flow udp = peer.flow;

	hl_transport_flow_to(peer.transport, HL_TRANSPORT_TCP, &there, &peer.flow);
	accepted = accept(fd, NULL, NULL);
	start(HL_METHOD_INVITE, "an INVITE that rings");
	snprintf(sent, sizeof(sent), "%s", await_packet(accepted));
	respond_to("180 Ringing", "7 INVITE");
	told("response 180", "it rings");
	start(HL_METHOD_INVITE, "one that was refused");
	snprintf(sent, sizeof(sent), "%s", await_packet(accepted));
	respond_to("486 Busy", "7 INVITE");
	told("response 486", "it is over");
	start(HL_METHOD_BYE, "a BYE without an answer");
	await_packet(accepted);
	close(accepted);
	wait_for(peer.loop, &seen.count, 2);
	told("failed, failed", "both that wait fail with their connection");
	schedule(1);
	is_gone("and are forgotten");
	start(HL_METHOD_BYE, "a request to where it led opens it again");
	accepted = accept(fd, NULL, NULL);
	snprintf(sent, sizeof(sent), "%s", await_packet(accepted));
	respond_to("200 OK", "7 BYE");
	told("response 200", "and is answered");
	start(HL_METHOD_BYE, "one more");
	hl_transport_close(peer.transport, &peer.flow, "on purpose");
	told("", "a connection closed on purpose ends in the next turn");
	hl_loop_turn(peer.loop);
	told("failed", "which is told too");
	close(fd);
	start(HL_METHOD_BYE, "to where nobody listens any more");
	wait_for(peer.loop, &seen.count, 1);
	told("failed", "it fails at once");
	schedule(1);
	is_gone("and nothing is left");
	close(accepted);
	peer.flow = udp;
}

/* Nobody may send to everybody: the kernel says so when the turn ends. */
static void check_unsent(void)
{
	struct hl_flow before = peer.flow;

	hl_address_parse_port(hl_slice_of("255.255.255.255:5060"), &peer.flow.remote);
	start(HL_METHOD_INVITE, "an INVITE to where nothing can be sent");
	told("failed", "fails when the turn ends");
	schedule(1);
	is_gone("and is forgotten");
	peer.flow = before;
}

static void check_failing(void)
{
	struct hl_flow nowhere = {.type = HL_TRANSPORT_TCP, .connection = {9, 9}};
	struct hl_handle handle = HL_HANDLE_NONE;
	unsigned long nth = 1;
	int result;

	is_int(hl_transaction_start(peer.table, &nowhere, make(HL_METHOD_BYE), owner, &handle),
	       -ENOTCONN, "a flow that leads nowhere");
	told("", "is told by the result only");
	ok(!handle.generation && !hl_transactions_count(peer.table), "and leaves nothing");
	for (;; nth++) {
		struct hl_message *message = make(HL_METHOD_BYE);

		hl_memory_fail_at(nth);
		result = hl_transaction_start(peer.table, &peer.flow, message, owner, NULL);
		hl_memory_fail_at(0);
		if (result != -ENOMEM || nth == 100)
			break;
	}
	ok(!result && nth > 1, "each of %lu allocations may fail", nth - 1);
	is_int((long long)hl_transactions_count(peer.table), 1, "and leaves nothing either");
	schedule(32000);
	told("timeout", "but the one that went");
}

static void check_bare(void)
{
	const char *packet;

	is_int(hl_transactions_send(peer.table, &peer.flow, make(HL_METHOD_ACK)), 0,
	       "an ACK to a 200 is sent without a transaction");
	packet = next_packet(peer.socket);
	ok(packet && !strncmp(packet, "ACK ", 4) && *branch_of(packet), "with a Via of its own");
	is_int((long long)hl_transactions_count(peer.table), 0, "and leaves nothing");
	snprintf(sent, sizeof(sent), "%s", packet);
	respond_to("200 OK", "7 OPTIONS");
	told("stray 200", "a response to nothing is passed up as such");
}

int main(void)
{
	peer_open();
	check_request();
	check_invite_failure();
	check_invite_success();
	check_other();
	check_cancel_early();
	check_cancel_late();
	check_reliable();
	check_lost();
	check_unsent();
	check_failing();
	check_bare();
	peer_close();
	return done_testing();
}
