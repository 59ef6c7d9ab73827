/* Reliable provisional responses (RFC 3262), each leg by itself. A callee's are acknowledged by
 * PRACK as they come. The caller gets its own, one at a time: repeated until its PRACK comes, and
 * what is to follow waits for that. */
#include "base/random.h"
#include "call/private.h"

#include <errno.h>
#include <stdio.h>

enum { T1 = 500, GIVE_UP = 64 * T1 }; /* ms */

/* What a caller's leg keeps once it was sent a reliable response. */
struct hl_reliable {
	struct hl_timer again;
	struct hl_leg *leg;	  /* its owner */
	uint32_t rseq;		  /* of the last one sent */
	uint32_t interval;	  /* ms, of `again` */
	uint32_t waited;	  /* ms, since it was sent */
	bool pending;		  /* its PRACK is awaited */
	bool session;		  /* it carried SDP: a 2xx has to wait */
	struct hl_message *next;  /* owned; the provisional response that waits, or NULL */
	struct hl_message *final; /* owned; the 2xx that waits, or NULL */
};

static struct hl_transaction *invite_of(const struct hl_leg *leg)
{
	return hl_transaction_get(leg->call->calls->parts.transactions, leg->invite);
}

static struct hl_loop *loop_of(const struct hl_leg *leg)
{
	return leg->call->calls->parts.loop;
}

/* The callee's side: PRACK. */

/* For requests whose fate changes nothing. */
static void ignore(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
		   enum hl_transaction_event event, struct hl_message *message)
{
	(void)arg, (void)handle, (void)transaction, (void)event, (void)message;
}

static void send_prack(struct hl_leg *leg, uint32_t rseq, uint32_t cseq)
{
	char value[48];
	struct hl_message *prack = hl_leg_request(leg, HL_METHOD_PRACK, 0);
	snprintf(value, sizeof(value), "%u %u INVITE", rseq, cseq);
	if (!prack || hl_message_set_header(prack, "RAck", value) < 0) {
		hl_message_free(prack); /* the response comes again */
		return;
	}
	hl_leg_start(leg, prack, (struct hl_transaction_owner){.happened = ignore}, NULL);
}

bool hl_reliable_heard(struct hl_leg *leg, const struct hl_message *response)
{
	const char *tag = hl_message_to_tag(response);
	uint32_t dialog = (uint32_t)hl_hash_bytes(tag, strlen(tag));
	uint64_t rseq;
	if (!hl_message_lists(response, "Require", "100rel") ||
	    hl_message_header_number(response, "RSeq", &rseq) < 0 || !rseq || rseq > UINT32_MAX)
		return true;
	/* In order, and each once (§4); another dialog of a fork counts by itself. */
	if (leg->rseq && leg->rseq_dialog == dialog && rseq != (uint64_t)leg->rseq + 1)
		return false;
	leg->rseq = (uint32_t)rseq;
	leg->rseq_dialog = dialog;
	send_prack(leg, leg->rseq, hl_message_cseq(response));
	return true;
}

/* The caller's side. */

static void give_up(struct hl_reliable *reliable)
{
	struct hl_leg *leg = reliable->leg;
	struct hl_call *call = leg->call;
	struct hl_transaction *invite = invite_of(leg);
	if (reliable->final) {
		/* It never saw the 2xx: for the caller this is a refusal (§3). */
		leg->state = HL_LEG_ENDED;
		leg->ack_cseq = 0;
		if (invite)
			hl_transaction_reply(invite, 504, NULL);
	}
	hl_call_finish(call, 504, NULL, "No ACK", "no-prack", HL_ENDED_BY_SERVER);
}

static void repeat(void *arg)
{
	struct hl_reliable *reliable = arg;
	struct hl_transaction *invite = invite_of(reliable->leg);
	reliable->waited += reliable->interval;
	if (reliable->waited >= GIVE_UP || !invite) {
		give_up(reliable);
		return;
	}
	hl_transaction_repeat(invite);
	reliable->interval *= 2;
	if (reliable->interval > GIVE_UP - reliable->waited)
		reliable->interval = GIVE_UP - reliable->waited;
	hl_timer_start(loop_of(reliable->leg), &reliable->again, reliable->interval);
}

static struct hl_reliable *reliable_of(struct hl_leg *leg)
{
	struct hl_reliable *reliable = leg->reliable;
	if (reliable)
		return reliable;
	reliable = leg->reliable = hl_zalloc(sizeof(*reliable));
	if (!reliable)
		return NULL;
	reliable->leg = leg;
	reliable->rseq = 1 + (uint32_t)hl_random_below(1u << 30);
	hl_timer_init(&reliable->again, repeat, reliable);
	return reliable;
}

static void send_reliably(struct hl_reliable *reliable, struct hl_message *response)
{
	struct hl_leg *leg = reliable->leg;
	struct hl_transaction *invite = invite_of(leg);
	if (!invite || hl_message_set_number(response, "RSeq", ++reliable->rseq) < 0 ||
	    hl_message_add_header(response, "Require", "100rel") < 0) {
		hl_message_free(response);
		return;
	}
	reliable->pending = true;
	reliable->session = hl_message_has_sdp(response);
	reliable->waited = 0;
	reliable->interval = T1;
	hl_timer_start(loop_of(leg), &reliable->again, T1);
	hl_leg_respond(leg, invite, response);
}

void hl_reliable_progress(struct hl_leg *leg, struct hl_message *response, bool wanted)
{
	struct hl_transaction *invite = invite_of(leg);
	struct hl_reliable *reliable = leg->reliable;
	bool needed = leg->rel == HL_REL_REQUIRED || (wanted && leg->rel == HL_REL_SUPPORTED);
	if (needed)
		reliable = reliable_of(leg);
	if (reliable && reliable->pending) {
		/* The newest news are enough, but for a session that must not be lost. */
		if (reliable->next && hl_message_has_sdp(reliable->next) &&
		    !hl_message_has_sdp(response)) {
			hl_message_free(response);
			return;
		}
		hl_message_free(reliable->next);
		reliable->next = response;
	} else if (needed && reliable) {
		send_reliably(reliable, response);
	} else if (invite) {
		hl_leg_respond(leg, invite, response);
	} else {
		hl_message_free(response);
	}
}

bool hl_reliable_hold(struct hl_leg *leg, struct hl_message *response)
{
	struct hl_reliable *reliable = leg->reliable;
	if (!reliable || !reliable->pending || !reliable->session)
		return false;
	hl_message_free(reliable->final);
	reliable->final = response;
	return true;
}

/* "RSeq CSeq METHOD" (§7.2) */
static bool acknowledges(const struct hl_reliable *reliable, const struct hl_message *prack)
{
	struct hl_slice rest = hl_slice_of(hl_message_header(prack, "RAck", 0));
	uint64_t rseq, cseq;
	return reliable && reliable->pending &&
	       hl_slice_number(hl_slice_cut(&rest, ' '), &rseq) == 0 &&
	       hl_slice_number(hl_slice_cut(&rest, ' '), &cseq) == 0 && rseq == reliable->rseq &&
	       cseq == reliable->leg->first_cseq &&
	       hl_slice_equal(hl_slice_trim(rest), HL_SLICE_LITERAL("INVITE"));
}

bool hl_reliable_acknowledged(struct hl_leg *leg, const struct hl_message *prack)
{
	struct hl_reliable *reliable = leg->reliable;
	if (!acknowledges(reliable, prack))
		return false;
	hl_timer_stop(loop_of(leg), &reliable->again);
	reliable->pending = false;
	return true;
}

void hl_reliable_go_on(struct hl_leg *leg)
{
	struct hl_reliable *reliable = leg->reliable;
	struct hl_transaction *invite = invite_of(leg);
	struct hl_message *next, *final;
	if (!reliable || reliable->pending)
		return;
	next = reliable->next;
	final = reliable->final;
	reliable->next = reliable->final = NULL;
	if (final && invite) {
		hl_message_free(next);
		hl_leg_respond(leg, invite, final);
	} else if (next) {
		hl_message_free(final);
		send_reliably(reliable, next);
	}
}

void hl_reliable_end(struct hl_leg *leg)
{
	struct hl_reliable *reliable = leg->reliable;
	leg->reliable = NULL;
	if (!reliable)
		return;
	hl_timer_stop(loop_of(leg), &reliable->again);
	hl_message_free(reliable->next);
	hl_message_free(reliable->final);
	hl_free(reliable);
}
