/* Callers and callees (RFC 3261 sections 12, 13, 15), as small as a switch accepts them. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip.h"

#define CALLS_PATIENCE (3 * BENCH_SECOND)
#define CALLS_IDLE_WAIT (10 * BENCH_MILLISECOND)

void bench_calls_init(struct bench_calls *calls, struct bench_wire *wire, unsigned pairs)
{
	*calls = (struct bench_calls){.wire = wire, .media = wire, .count = pairs};
	calls->pairs = calloc(pairs, sizeof(*calls->pairs));
	if (!calls->pairs)
		bench_die("out of memory");
}

void bench_calls_fini(struct bench_calls *calls)
{
	free(calls->pairs);
	free(calls->setup.us);
}

static void calls_copy(char word[CALLS_WORD_MAX], struct sip_part part)
{
	if (part.length >= CALLS_WORD_MAX)
		bench_die("a header of more than %d bytes: %.*s", CALLS_WORD_MAX, (int)part.length,
			  part.at);
	memcpy(word, part.at, part.length);
	word[part.length] = '\0';
}

static void calls_request(struct bench_calls *calls, unsigned pair, const char *method,
			  unsigned cseq, const char *branch, const char *body)
{
	const struct calls_pair *call = &calls->pairs[pair];
	const char *local = sip_hostport(bench_wire_phone(calls->wire, 2 * pair));
	struct sip_text text = {.length = 0};

	sip_add(&text,
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		"Max-Forwards: 70\r\n",
		method, call->target, local, branch);
	if (*call->route)
		sip_add(&text, "Route: %s\r\n", call->route);
	sip_add(&text,
		"From: <sip:u%u@%s>;tag=a%u\r\n"
		"To: %s\r\n"
		"Call-ID: c%u-%s\r\n"
		"CSeq: %u %s\r\n"
		"Contact: <sip:u%u@%s>\r\n",
		2 * pair, sip_hostport(calls->wire->server), call->number, call->to, call->number,
		sip_run(), cseq, method, 2 * pair, local);
	if (calls->session && !strcmp(method, "INVITE"))
		sip_add(&text,
			"Supported: timer\r\n"
			"Allow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n"
			"Session-Expires: %u\r\n",
			calls->session);
	sip_end(&text, body);
	bench_wire_send(calls->wire, 2 * pair, NULL, text.data, text.length);
}

void bench_calls_hang_up(struct bench_calls *calls, unsigned pair)
{
	calls->pairs[pair].caller = CALLS_ENDING;
	calls_request(calls, pair, "BYE", 2, sip_branch(), "");
}

void bench_calls_start(struct bench_calls *calls, unsigned pair)
{
	struct calls_pair *call = &calls->pairs[pair];
	const char *server = sip_hostport(calls->wire->server);
	unsigned callee = 2 * pair + 1;

	*call = (struct calls_pair){.caller = CALLS_INVITED};
	call->number = (unsigned)++calls->started;
	call->started = bench_clock();
	snprintf(call->target, sizeof(call->target), "sip:u%u@%s", callee, server);
	snprintf(call->to, sizeof(call->to), "<sip:u%u@%s>", callee, server);
	calls_request(calls, pair, "INVITE", 1, sip_branch(),
		      sip_sdp(bench_wire_phone(calls->media, 2 * pair)));
}

/* A call is complete when both ends have seen its end. */
static void calls_end(struct bench_calls *calls, struct calls_pair *call)
{
	if (call->caller == CALLS_ENDED && call->callee == CALLS_ENDED)
		calls->completed++;
}

static bool calls_sets_timer(struct sip_part method)
{
	return sip_is(method, "INVITE") || sip_is(method, "UPDATE");
}

static void calls_reply(struct bench_calls *calls, const struct bench_datagram *datagram,
			const char *status, const char *body)
{
	struct sip_text text;
	struct sip_kind kind;
	char tag[32];

	snprintf(tag, sizeof(tag), "b%u", calls->pairs[datagram->phone / 2].number);
	sip_answer(&text, datagram->data, status, tag);
	sip_add(&text, "Contact: <sip:u%u@%s>\r\n", datagram->phone,
		sip_hostport(bench_wire_phone(calls->wire, datagram->phone)));
	/* Whoever asked refreshes: the switch. */
	if (calls->session && sip_kind(datagram->data, &kind) && calls_sets_timer(kind.method) &&
	    *status == '2')
		sip_add(&text,
			"Supported: timer\r\nRequire: timer\r\n"
			"Allow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n"
			"Session-Expires: %u;refresher=uac\r\n",
			calls->session);
	sip_end(&text, body);
	bench_wire_send(calls->wire, datagram->phone, &datagram->from, text.data, text.length);
}

/* To a 200: the ACK of a transaction of its own, in the dialog.  The answer is kept in case it
 * comes again. */
static void calls_answered(struct bench_calls *calls, unsigned pair,
			   const struct bench_datagram *datagram)
{
	struct calls_pair *call = &calls->pairs[pair];
	struct sip_part part, uri;

	if (call->caller < CALLS_ANSWERED) {
		if (!sip_first(datagram->data, "Contact", &part) || !sip_uri(part, &uri))
			bench_die("a 200 without a Contact");
		calls_copy(call->target, uri);
		if (sip_first(datagram->data, "To", &part))
			calls_copy(call->to, part);
		if (sip_first(datagram->data, "Record-Route", &part))
			calls_copy(call->route, part);
		sip_sdp_media(datagram->data, &call->media[0]);
		call->caller = CALLS_ANSWERED;
		calls->answered++;
		bench_latency_add(&calls->setup, datagram->at - call->started);
		calls_request(calls, pair, "ACK", 1, sip_branch(), "");
		if (calls->manner == CALLS_SHORT)
			bench_calls_hang_up(calls, pair);
	} else {
		calls_request(calls, pair, "ACK", 1, sip_branch(), "");
	}
}

/* To any other final answer: an ACK of the INVITE's own transaction (section 17.1.1.3). */
static void calls_refused(struct bench_calls *calls, unsigned pair,
			  const struct bench_datagram *datagram)
{
	struct calls_pair *call = &calls->pairs[pair];
	struct sip_part part;
	char branch[CALLS_WORD_MAX];

	if (sip_first(datagram->data, "To", &part))
		calls_copy(call->to, part);
	if (sip_first(datagram->data, "Via", &part) && sip_parameter(part, "branch", &part)) {
		calls_copy(branch, part);
		calls_request(calls, pair, "ACK", 1, branch, "");
	}
	if (call->caller != CALLS_ENDED && calls->failed++ == 0)
		fprintf(stderr, "bench: an INVITE was answered %.*s\n",
			(int)strcspn(datagram->data, "\r\n"), datagram->data);
	call->caller = CALLS_ENDED;
}

static void calls_caller_response(struct bench_calls *calls, unsigned pair,
				  const struct sip_kind *kind,
				  const struct bench_datagram *datagram)
{
	struct calls_pair *call = &calls->pairs[pair];
	char call_id[CALLS_WORD_MAX];
	struct sip_part part;

	snprintf(call_id, sizeof(call_id), "c%u-%s", call->number, sip_run());
	if (!sip_first(datagram->data, "Call-ID", &part) || !sip_is(part, call_id))
		return;
	if (sip_is(kind->method, "INVITE")) {
		if (kind->status >= 300) {
			calls_refused(calls, pair, datagram);
		} else if (kind->status >= 200) {
			calls_answered(calls, pair, datagram);
		} else if (kind->status == 180 && call->caller == CALLS_INVITED) {
			call->caller = CALLS_RINGING;
			calls->rang++;
		}
	} else if (sip_is(kind->method, "BYE") && call->caller == CALLS_ENDING) {
		call->caller = CALLS_ENDED;
		if (kind->status == 200)
			calls_end(calls, call);
		else
			calls->failed++;
	}
}

static void calls_callee_invite(struct bench_calls *calls, struct calls_pair *call,
				const struct bench_datagram *datagram)
{
	struct sip_part part;

	if (!sip_first(datagram->data, "Call-ID", &part))
		return;
	if (sip_is(part, call->callee_call_id)) {
		calls->repeated++;
	} else {
		calls_copy(call->callee_call_id, part);
		call->callee = CALLS_RINGING;
		sip_sdp_media(datagram->data, &call->media[1]);
	}
	calls_reply(calls, datagram, "180 Ringing", "");
	if (calls->manner == CALLS_RING)
		return;
	call->callee = CALLS_ANSWERED;
	calls_reply(calls, datagram, "200 OK",
		    sip_sdp(bench_wire_phone(calls->media, datagram->phone)));
}

static void calls_callee_request(struct bench_calls *calls, struct calls_pair *call,
				 const struct sip_kind *kind, const struct bench_datagram *datagram)
{
	struct sip_part part;

	if (sip_is(kind->method, "INVITE")) {
		calls_callee_invite(calls, call, datagram);
		return;
	}
	if (!sip_first(datagram->data, "Call-ID", &part) || !sip_is(part, call->callee_call_id))
		return;
	if (sip_is(kind->method, "ACK")) {
		if (call->callee == CALLS_ANSWERED)
			call->callee = CALLS_ENDING;
		return;
	}
	calls_reply(calls, datagram, "200 OK", "");
	calls->refreshed += sip_is(kind->method, "UPDATE");
	if (sip_is(kind->method, "BYE") && call->callee == CALLS_ENDING) {
		call->callee = CALLS_ENDED;
		calls_end(calls, call);
	}
}

void bench_calls_receive(void *arg, const struct bench_datagram *datagram)
{
	struct bench_calls *calls = arg;
	unsigned pair = datagram->phone / 2;
	struct sip_kind kind;

	if (pair >= calls->count || !sip_kind(datagram->data, &kind))
		return;
	if (datagram->phone % 2) {
		if (!kind.status)
			calls_callee_request(calls, &calls->pairs[pair], &kind, datagram);
	} else if (kind.status) {
		calls_caller_response(calls, pair, &kind, datagram);
	} else if (!sip_is(kind.method, "ACK")) {
		calls_reply(calls, datagram, "200 OK", "");
		calls->refreshed += sip_is(kind.method, "UPDATE");
		calls->failed += sip_is(kind.method, "BYE");
	}
}

void bench_calls_run(struct bench_calls *calls, unsigned first, uint64_t operations, double rate,
		     const uint64_t *reached)
{
	uint64_t done = 0, goal = *reached + operations, seen = *reached, now, due, last;
	struct bench_pace pace;

	bench_pace_start(&pace, rate);
	for (last = now = pace.start; now - last < CALLS_PATIENCE; now = bench_clock()) {
		due = bench_pace_due(&pace, now);
		for (; done < operations && done < due; last = now)
			bench_calls_start(calls, (unsigned)((first + done++) % calls->count));
		if (*reached >= goal)
			break;
		if (*reached != seen)
			last = now;
		seen = *reached;
		due = done < operations ? bench_pace_wait(&pace, done, now) : CALLS_IDLE_WAIT;
		bench_wire_drain(calls->wire, due, bench_calls_receive, calls);
	}
}
