/* For the units of transactions: a table on a fake clock, a peer on a real socket that reads what
 * is sent in a turn, and a record of what owners and handlers were told. Messages to the table are
 * given to it directly. */
#ifndef HL_UNIT_TRANSACTION_PEER_H
#define HL_UNIT_TRANSACTION_PEER_H

#include "base/clock.h"
#include "loop/timer.h"
#include "sip/transaction.h"

#include "tap.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { PACKET = 2048, LAST = 512 };

static struct {
	struct hl_loop *loop;
	struct hl_transport *transport;
	struct hl_transactions *table;
	int socket;	     /* UDP; everything is sent to it */
	struct hl_flow flow; /* to it */
} peer;

/* What was told, as text: "request", "ack 200", "stray", "response 180", "timeout", … */
static struct {
	char told[LAST];
	unsigned count;
	struct hl_handle transaction; /* the last one told of */
	struct hl_handle owner;	      /* the handle that came with it */
	int answer;		      /* the request handler answers so at once; 0: not at all */
} seen;

static void note(const char *what, int number)
{
	size_t used = strlen(seen.told);

	seen.count++;
	snprintf(seen.told + used, sizeof(seen.told) - used, number ? "%s%s %d" : "%s%s",
		 used ? ", " : "", what, number);
}

/* Whether that was told since the last call. */
static bool told(const char *want, const char *name)
{
	bool same = is_str(seen.told, want, "%s", name);

	seen.told[0] = '\0';
	seen.count = 0;
	return same;
}

static void got_request(void *arg, struct hl_transaction *transaction, struct hl_message *message)
{
	(void)arg;
	note(hl_message_method_text(message), 0);
	seen.transaction = hl_transaction_handle(transaction);
	if (seen.answer)
		hl_transaction_reply(transaction, seen.answer, NULL);
}

static void got_ack(void *arg, const struct hl_flow *flow, struct hl_message *message)
{
	(void)arg, (void)flow;
	note("ack", (int)hl_message_cseq(message));
}

static void got_stray(void *arg, const struct hl_flow *flow, struct hl_message *message)
{
	(void)arg, (void)flow;
	note("stray", hl_message_status(message));
}

static void happened(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
		     enum hl_transaction_event event, struct hl_message *message)
{
	static const char *const names[] = {"response", "timeout", "failed", "cancelled",
					    "unacked"};

	(void)arg;
	note(names[event], message ? hl_message_status(message) : 0);
	seen.transaction = hl_transaction_handle(transaction);
	seen.owner = handle;
}

static const struct hl_transaction_handlers handlers = {got_request, got_ack, got_stray};
static const struct hl_transaction_owner owner = {happened, NULL, {3, 14}};

static void ignore_bytes(void *arg, const struct hl_flow *flow, struct hl_slice bytes)
{
	(void)arg, (void)flow, (void)bytes;
}

static void ignore_end(void *arg, const struct hl_flow *flow)
{
	(void)arg, (void)flow;
}

static void pass_unsent(void *arg, struct hl_slice bytes)
{
	(void)arg;
	hl_transactions_unsent(peer.table, bytes);
}

static const struct hl_transport_events quiet = {.received = ignore_bytes,
						  .disconnected = ignore_end,
						  .unsent = pass_unsent};

static int open_udp(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)))
		exit(1);
	return fd;
}

static void peer_open(void)
{
	struct hl_address there;

	hl_clock_fake(1000 * HL_SECOND);
	peer.loop = hl_loop_new(NULL);
	peer.transport = hl_transport_new(peer.loop, &quiet, NULL);
	peer.table = hl_transactions_new(peer.loop, peer.transport, &handlers, NULL);
	peer.socket = open_udp();
	there = socket_address(peer.socket);
	if (hl_transport_listen(peer.transport, "udp:127.0.0.1:0", NULL) ||
	    hl_transport_flow_to(peer.transport, HL_TRANSPORT_UDP, &there, &peer.flow))
		exit(1);
}

static void peer_close(void)
{
	hl_transactions_free(peer.table);
	hl_transport_free(peer.transport);
	hl_loop_free(peer.loop);
	close(peer.socket);
}

/* The next packet that was sent to `fd`; NULL when there is none. */
static const char *next_packet(int fd)
{
	static char text[PACKET];
	ssize_t length;

	hl_loop_advance(peer.loop, 0); /* responses leave at the end of a turn */
	length = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (length < 0)
		return NULL;
	text[length] = '\0';
	return text;
}

/* The first line of the next packet; "" when there is none. */
static const char *next_line(void)
{
	static char line[128];
	const char *packet = next_packet(peer.socket);

	snprintf(line, sizeof(line), "%.*s", packet ? (int)strcspn(packet, "\r") : 0,
		 packet ? packet : "");
	return line;
}

/* The value of a header in a packet, up to the line's end. */
static const char *header_in(const char *packet, const char *name)
{
	static char value[256];
	char wanted[64];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
	at = packet ? strstr(packet, wanted) : NULL;
	if (!at)
		return "";
	at += strlen(wanted);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

/* Moves the clock on and writes down when (ms from now) packets were sent: "500 1500 3500". */
static const char *schedule(unsigned duration)
{
	static char times[LAST];
	size_t used = 0;

	times[0] = '\0';
	for (unsigned now = 1; now <= duration; now++) {
		hl_loop_advance(peer.loop, 1);
		while (next_packet(peer.socket))
			used += (size_t)snprintf(times + used, sizeof(times) - used, "%s%u",
						 used ? " " : "", now);
	}
	return times;
}

static struct hl_message *parsed(const char *text)
{
	struct hl_message *message = NULL;
	struct hl_error error;

	if (hl_message_parse(hl_slice_of(text), &message, &error)) {
		diag("%s: %s", error.text, text);
		exit(1);
	}
	return message;
}

/* A message from the peer. */
static void receive(const char *text)
{
	hl_transactions_receive(peer.table, &peer.flow, parsed(text));
}

#endif
