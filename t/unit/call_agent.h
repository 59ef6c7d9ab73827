/* User agents of the property test of calls: a caller and some callees on real sockets, each with
 * the state RFC 3261 gives it, that do what is legal at random and lose and repeat what they send
 * and get. They remember what the test asks of a leg: that it ends, and that nothing follows. */
#ifndef HL_UNIT_CALL_AGENT_H
#define HL_UNIT_CALL_AGENT_H

#include "loop/timer.h"
#include "sip/transaction.h"

#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

enum { PACKET = 4096, AGENTS = 4, TRIES = 12, NAME = 128 };

#define SDP                                                                                        \
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"                \
	"m=audio 40000 RTP/AVP 0\r\n"

struct agent {
	int socket;
	struct hl_flow flow; /* the switch's way to it */
	char address[HL_ADDRESS_TEXT];
	/* Per run. */
	bool caller;
	char call_id[NAME], local[NAME], remote[NAME]; /* From or To values, tags included */
	char target[NAME];
	char vias[NAME];      /* of the INVITE it got, as a header line */
	unsigned invite_cseq; /* of the INVITE it got or sent */
	unsigned cseq;
	bool invited, progressed, final, answered, acked, cancelled;
	bool never_acks, deaf;
	unsigned bye_sent, bye_got; /* CSeq; 0: none */
	unsigned invite_branch;	    /* caller's */
	bool over;		    /* the switch has sent BYE, or answered ours */
	unsigned top;		    /* the highest CSeq it has used */
	char pending[PACKET];	    /* a request without final answer; "" none */
	unsigned pending_cseq, tries;
	char answer[PACKET]; /* its 2xx, repeated until the ACK */
	unsigned after_bye;  /* requests that came after the end; must stay 0 */
};

static struct {
	struct hl_loop *loop;
	struct hl_transport *transport;
	struct hl_transactions *table;
	struct agent agents[AGENTS];
	uint64_t random;
	unsigned loss, copies; /* per cent */
	unsigned branch;
} world;

/* xorshift: the same runs each time. */
static unsigned dice(unsigned sides)
{
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return (unsigned)((world.random >> 11) % sides);
}

static void deliver(struct agent *agent, const char *text)
{
	struct hl_message *message = NULL;
	struct hl_error error;

	if (hl_message_parse(hl_slice_of(text), &message, &error)) {
		diag("%s: %s", error.text, text);
		exit(1);
	}
	hl_transactions_receive(world.table, &agent->flow, message);
}

/* To the switch: lost, once, or twice. */
static void send_text(struct agent *agent, const char *text)
{
	if (dice(100) < world.loss)
		return;
	deliver(agent, text);
	if (dice(100) < world.copies)
		deliver(agent, text);
}

static unsigned header(const char *packet, const char *name, char *value, size_t size)
{
	char wanted[64];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
	at = strstr(packet, wanted);
	if (!at) {
		*value = '\0';
		return 0;
	}
	at += strlen(wanted);
	snprintf(value, size, "%.*s", (int)strcspn(at, "\r"), at);
	return (unsigned)atoi(value);
}

static void learn_target(struct agent *agent, const char *packet)
{
	char contact[NAME];

	header(packet, "Contact", contact, sizeof(contact));
	if (sscanf(contact, "<%127[^>]>", agent->target) != 1)
		return;
}

static void build_request(struct agent *agent, const char *method, unsigned cseq, unsigned branch,
			  bool sdp, char *text)
{
	snprintf(text, PACKET,
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%u;rport\r\n"
		 "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n"
		 "Contact: <sip:a@%s>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO\r\n"
		 "%sContent-Length: %zu\r\n\r\n%s",
		 method, agent->target, agent->address, branch, agent->local, agent->remote,
		 agent->call_id, cseq, method, agent->address,
		 sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(SDP) : 0,
		 sdp ? SDP : "");
}

/* A request that is repeated until it is answered. */
static void ask(struct agent *agent, const char *method, bool sdp)
{
	agent->pending_cseq = ++agent->cseq;
	agent->tries = 0;
	build_request(agent, method, agent->cseq, ++world.branch, sdp, agent->pending);
	if (!strcmp(method, "BYE"))
		agent->bye_sent = agent->cseq;
	send_text(agent, agent->pending);
}

static void acknowledge(struct agent *agent, unsigned cseq)
{
	char text[PACKET];

	build_request(agent, "ACK", cseq, ++world.branch, false, text);
	send_text(agent, text);
}

static void respond(struct agent *agent, const char *request, int code, bool sdp, char *keep)
{
	char via[NAME], from[NAME], to[NAME], cseq[NAME], text[PACKET];

	header(request, "Via", via, sizeof(via));
	header(request, "From", from, sizeof(from));
	header(request, "To", to, sizeof(to));
	header(request, "CSeq", cseq, sizeof(cseq));
	snprintf(text, sizeof(text),
		 "SIP/2.0 %d X\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		 "Contact: <sip:b@%s>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO\r\n"
		 "%sContent-Length: %zu\r\n\r\n%s",
		 code, via, from, to, code > 100 && !strstr(to, ";tag=") ? ";tag=callee" : "",
		 agent->call_id, cseq, agent->address,
		 sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(SDP) : 0,
		 sdp ? SDP : "");
	if (keep)
		snprintf(keep, PACKET, "%s", text);
	send_text(agent, text);
}

/* A callee's answer to its INVITE, which it keeps as text in `pending` until then. */
static void answer_invite(struct agent *agent, int code)
{
	agent->progressed = agent->progressed || code > 100;
	if (code >= 200)
		agent->final = true;
	agent->answered = code / 100 == 2;
	respond(agent, agent->pending, code, code == 183 || agent->answered,
		code >= 200 ? agent->answer : NULL);
	if (code >= 200) {
		agent->pending[0] = '\0';
		agent->tries = 0;
	}
}

static void got_invite(struct agent *agent, const char *packet)
{
	char local[NAME], cseq[NAME];

	if (agent->invited) { /* again, or a re-INVITE */
		header(packet, "To", local, sizeof(local));
		if (strstr(local, ";tag="))
			respond(agent, packet, dice(8) ? 200 : 488, true, NULL);
		else if (*agent->answer)
			send_text(agent, agent->answer);
		return;
	}
	agent->invited = true;
	agent->invite_cseq = header(packet, "CSeq", cseq, sizeof(cseq));
	header(packet, "Call-ID", agent->call_id, sizeof(agent->call_id));
	header(packet, "From", agent->remote, sizeof(agent->remote));
	header(packet, "To", local, sizeof(local) - 12);
	snprintf(agent->local, sizeof(agent->local), "%.100s;tag=callee", local);
	learn_target(agent, packet);
	snprintf(agent->pending, sizeof(agent->pending), "%s", packet);
}

static void got_request(struct agent *agent, const char *packet)
{
	char value[NAME];
	unsigned cseq = header(packet, "CSeq", value, sizeof(value));
	bool bye = !strncmp(packet, "BYE ", 4), ack = !strncmp(packet, "ACK ", 4);

	if (!strncmp(packet, "INVITE ", 7)) {
		got_invite(agent, packet);
	} else if (ack) {
		agent->acked = true;
	} else if (bye) {
		agent->bye_got = cseq;
		respond(agent, packet, 200, false, NULL);
	} else if (!strncmp(packet, "CANCEL ", 7)) {
		respond(agent, packet, 200, false, NULL);
		agent->cancelled = true;
		if (!agent->final && agent->pending[0])
			answer_invite(agent, 487);
	} else {
		respond(agent, packet, dice(10) ? 200 : 500, false, NULL);
	}
}

static void got_response(struct agent *agent, const char *packet)
{
	int code = atoi(packet + 8);
	char value[NAME];
	unsigned cseq = header(packet, "CSeq", value, sizeof(value));
	bool invite = strstr(value, "INVITE") != NULL;
	bool first = agent->caller && invite && cseq == agent->invite_cseq;

	if (first && code > 100) {
		header(packet, "To", agent->remote, sizeof(agent->remote));
		learn_target(agent, packet);
		agent->progressed = true;
	}
	if (code >= 200 && cseq == agent->pending_cseq && !strstr(value, "CANCEL"))
		agent->pending[0] = '\0';
	if (invite && code / 100 == 2) {
		agent->answered |= first;
		if (!agent->never_acks)
			acknowledge(agent, cseq);
	}
	if (first && code >= 200)
		agent->final = true;
}

/* Everything the switch sends, before it may be lost: a dialog that is over sees nothing new. */
static void watch(struct agent *agent, const char *packet)
{
	char value[NAME];
	unsigned cseq = header(packet, "CSeq", value, sizeof(value));

	if (!strncmp(packet, "SIP/2.0 ", 8)) {
		agent->over |= strstr(value, "BYE") && packet[8] == '2';
		return;
	}
	if (agent->over && cseq > agent->top && !strstr(value, "ACK"))
		agent->after_bye++;
	if (cseq > agent->top)
		agent->top = cseq;
	agent->over |= strstr(value, "BYE") != NULL;
}

/* What the switch has sent is read at once, some of it lost, some of it twice. */
static void drain(void)
{
	static char packet[PACKET];

	for (struct agent *agent = world.agents; agent < world.agents + AGENTS; agent++) {
		ssize_t length;

		while ((length = recv(agent->socket, packet, sizeof(packet) - 1, MSG_DONTWAIT)) >
		       0) {
			unsigned times =
				dice(100) < world.loss ? 0 : 1 + (dice(100) < world.copies);

			packet[length] = '\0';
			watch(agent, packet);
			for (; times && !agent->deaf; times--)
				if (!strncmp(packet, "SIP/2.0 ", 8))
					got_response(agent, packet);
				else
					got_request(agent, packet);
		}
	}
}

/* Timers A, E and the 2xx, by and large: everything half a second old goes again. */
static void repeat_all(void)
{
	for (struct agent *agent = world.agents; agent < world.agents + AGENTS; agent++) {
		bool request = agent->pending[0] && (agent->caller || agent->final);

		if (agent->tries >= TRIES || agent->deaf)
			continue;
		if (request || (agent->answer[0] && !agent->acked))
			agent->tries++;
		if (request)
			send_text(agent, agent->pending);
		if (agent->answer[0] && !agent->acked)
			send_text(agent, agent->answer);
	}
}

#endif
