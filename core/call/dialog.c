/* Requests inside a dialog: each leg answers what is its own and passes on what concerns the
 * session, as an exchange. */
#include "base/log.h"
#include "call/private.h"

#include <errno.h>
#include <stdio.h>

static void pass_session(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void pass_update(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void pass_plain(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void answer_ok(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void acknowledge(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void hang_up(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);

static const struct {
	enum hl_method method;
	void (*serve)(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
} methods[] = {
	{HL_METHOD_BYE, hang_up},	 {HL_METHOD_INVITE, pass_session},
	{HL_METHOD_UPDATE, pass_update}, {HL_METHOD_OPTIONS, answer_ok},
	{HL_METHOD_PRACK, acknowledge},	 {HL_METHOD_INFO, pass_plain},
	{HL_METHOD_MESSAGE, pass_plain}, {HL_METHOD_REFER, pass_plain},
	{HL_METHOD_NOTIFY, pass_plain},
};

static struct hl_transactions *transactions_of(const struct hl_leg *leg)
{
	return leg->call->calls->parts.transactions;
}

int hl_leg_reply(struct hl_leg *leg, struct hl_transaction *transaction, int code)
{
	struct hl_message *request = hl_transaction_request(transaction);
	struct hl_message *response = hl_leg_response(leg, request, code, NULL);
	/* RFC 3261 §14.2: an INVITE before the last one was done with comes again after a while. */
	if (response && code == 500)
		hl_message_set_header(response, "Retry-After", "2");
	return hl_leg_respond(leg, transaction, response);
}

/* What the transaction of a passed re-INVITE has to say. */
static void passed_happened(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
			    enum hl_transaction_event event, struct hl_message *message)
{
	struct hl_calls *calls = arg;
	struct hl_leg *leg = hl_leg_get(calls, handle);
	(void)transaction, (void)message;
	if (!leg || leg->state == HL_LEG_ENDED)
		return;
	if (event == HL_TRANSACTION_UNACKED) {
		leg->ack_cseq = 0;
		hl_call_end(leg->call, "No ACK", "no-ack", HL_ENDED_BY_SERVER);
		return;
	}
	struct hl_leg *peer = hl_leg_peer(leg);
	struct hl_exchange *exchange =
		peer ? hl_handle_get(&calls->exchange_handles, peer->asking) : NULL;
	struct hl_transaction *asked =
		exchange ? hl_transaction_get(calls->parts.transactions, exchange->transaction)
			 : NULL;
	if (event == HL_TRANSACTION_CANCELLED && asked)
		hl_transaction_cancel(asked, NULL);
}

/* The id of a REFER in the Event of its NOTIFYs is that REFER's CSeq, on each leg its own
 * (RFC 3515 §2.4.6). */
static int name_refer(const struct hl_leg *leg, struct hl_message *notify)
{
	struct hl_slice rest = hl_slice_of(hl_message_header(notify, "Event", 0)), id;
	struct hl_slice package = hl_slice_cut(&rest, ';');
	uint64_t number;
	char value[32];
	if (!leg->refer_sent ||
	    !hl_slice_equal(hl_slice_trim(package), HL_SLICE_LITERAL("refer")) ||
	    !hl_uri_parameter(rest, "id", &id) || hl_slice_number(id, &number) < 0 ||
	    number != leg->refer_sent)
		return 0;
	snprintf(value, sizeof(value), "refer;id=%u", leg->refer_heard);
	return hl_message_set_header(notify, "Event", value);
}

/* Whether the leg's dialog stands: confirmed, or early (RFC 3261 §12.1). */
static bool has_dialog(const struct hl_leg *leg)
{
	if (leg->state == HL_LEG_CONFIRMED)
		return true;
	return leg->side == HL_SIDE_CALLER ? leg->state == HL_LEG_INVITED && leg->call->rang
					   : leg->state == HL_LEG_EARLY;
}

/* Fills the request that goes on to `peer` as `method`. 0, or the code that refuses it. */
static int fill(struct hl_leg *leg, struct hl_leg *peer, struct hl_message *message,
		enum hl_method method, struct hl_message *request)
{
	bool session = method == HL_METHOD_INVITE || method == HL_METHOD_UPDATE;
	int code = session ? hl_session_offer(leg, peer, message, request)
			   : hl_session_answer(leg, peer, message, request);
	if (!code && (hl_session_pass_headers(leg, message, request) < 0 ||
		      (method == HL_METHOD_NOTIFY && name_refer(leg, request) < 0)))
		code = 500;
	if (method == HL_METHOD_REFER) {
		peer->refer_heard = hl_message_cseq(message);
		peer->refer_sent = peer->local_cseq;
	}
	return code;
}

/* Passes a request on to the other leg, as `method`. 0, or the code that refuses it. */
static int pass_on(struct hl_leg *leg, struct hl_transaction *transaction,
		   struct hl_message *message, enum hl_method method)
{
	struct hl_leg *peer = hl_leg_opposite(leg);
	bool session = method == HL_METHOD_INVITE || method == HL_METHOD_UPDATE;

	if (!peer || peer == leg || !has_dialog(peer) || !has_dialog(leg))
		return session ? 491 : 480;
	if (session && hl_leg_busy(peer))
		return 491;
	struct hl_exchange *exchange = hl_exchange_new(peer, method);
	struct hl_message *request = hl_leg_request(peer, method, 0);
	int code = exchange && request ? 0 : 500;
	if (!code)
		code = fill(leg, peer, message, method, request);
	if (!code && session)
		hl_text_slice(&exchange->sdp, hl_message_body(request));
	if (code) {
		hl_message_free(request);
		if (exchange)
			hl_exchange_free(exchange);
		return code;
	}
	exchange->from = leg->handle;
	exchange->serving = hl_transaction_handle(transaction);
	if (hl_exchange_start(exchange, peer, request) < 0)
		return 503;
	if (session)
		leg->serving = hl_transaction_handle(transaction);
	return 0;
}

static void pass_offer(struct hl_leg *leg, struct hl_transaction *transaction,
		       struct hl_message *message, enum hl_method method)
{
	struct hl_calls *calls = leg->call->calls;
	int code = 0;
	/* RFC 3261 §14.2: no INVITE before the first one has its final answer. */
	if (method == HL_METHOD_INVITE && leg->state != HL_LEG_CONFIRMED)
		code = 500;
	else if (hl_transaction_get(transactions_of(leg), leg->serving))
		code = 500;
	else if (hl_handle_get(&calls->exchange_handles, leg->asking))
		code = 491;
	if (!code) {
		hl_transaction_own(transaction, (struct hl_transaction_owner){passed_happened,
									      calls, leg->handle});
		code = pass_on(leg, transaction, message, method);
	}
	if (code)
		hl_leg_reply(leg, transaction, code);
}

static void pass_session(struct hl_leg *leg, struct hl_transaction *transaction,
			 struct hl_message *message)
{
	pass_offer(leg, transaction, message, hl_message_method(message));
}

static void pass_update(struct hl_leg *leg, struct hl_transaction *transaction,
			struct hl_message *message)
{
	if (hl_message_has_sdp(message))
		pass_session(leg, transaction, message);
	else
		answer_ok(leg, transaction, message);
}

static void pass_plain(struct hl_leg *leg, struct hl_transaction *transaction,
		       struct hl_message *message)
{
	int code = pass_on(leg, transaction, message, hl_message_method(message));
	if (code)
		hl_leg_reply(leg, transaction, code);
}

static void answer_ok(struct hl_leg *leg, struct hl_transaction *transaction,
		      struct hl_message *message)
{
	(void)message;
	hl_leg_reply(leg, transaction, 200);
}

/* PRACK (RFC 3262). One with an offer goes on as an UPDATE; only the caller's leg has any. */
static void acknowledge(struct hl_leg *leg, struct hl_transaction *transaction,
			struct hl_message *message)
{
	struct hl_leg *peer = hl_leg_opposite(leg);
	if (!hl_reliable_acknowledged(leg, message))
		hl_leg_reply(leg, transaction, 481);
	else if (!hl_message_has_sdp(message))
		hl_leg_reply(leg, transaction, 200);
	else if (peer && hl_leg_allows(peer, HL_METHOD_UPDATE))
		pass_offer(leg, transaction, message, HL_METHOD_UPDATE);
	else
		hl_leg_reply(leg, transaction, 488);
	hl_reliable_go_on(leg);
}

static void hang_up(struct hl_leg *leg, struct hl_transaction *transaction,
		    struct hl_message *message)
{
	struct hl_call *call = leg->call;
	enum hl_ended_by by = leg->side == HL_SIDE_CALLER ? HL_ENDED_BY_CALLER : HL_ENDED_BY_CALLEE;
	hl_call_keep_cause(call, message);
	hl_leg_reply(leg, transaction, 200);
	/* A callee must not hang up what it has not answered (RFC 3261 §15); it wants no call. */
	if (!call->answered && leg->side == HL_SIDE_CALLEE) {
		hl_call_quit(call, leg);
		return;
	}
	leg->state = HL_LEG_ENDED;
	leg->bye_due = false;
	if (call->answered)
		hl_call_end(call, "Normal", NULL, by);
	else
		hl_call_finish(call, 487, NULL, "Cancelled", NULL, by);
}

void hl_leg_requested(struct hl_leg *leg, struct hl_transaction *transaction,
		      struct hl_message *message)
{
	struct hl_calls_parts *parts = &leg->call->calls->parts;
	enum hl_method method = hl_message_method(message);
	uint32_t cseq = hl_message_cseq(message);

	hl_ladder_note(leg, HL_WAY_IN, message);
	if (cseq <= leg->remote_cseq) { /* RFC 3261 §12.2.2 */
		hl_leg_reply(leg, transaction, 500);
		return;
	}
	leg->remote_cseq = cseq;
	if (!leg->gateway)
		leg->flow = *hl_transaction_flow(transaction);
	if (hl_leg_learn(leg, message) < 0) {
		hl_leg_reply(leg, transaction, 500);
		return;
	}
	int code = parts->hooks->leg_recv(parts->arg, leg, message);
	if (code >= 300) {
		hl_leg_reply(leg, transaction, code);
		return;
	}
	for (size_t i = 0; i < HL_COUNT(methods); i++)
		if (methods[i].method == method) {
			methods[i].serve(leg, transaction, message);
			return;
		}
	hl_leg_reply(leg, transaction, 405);
}

void hl_leg_got_ack(struct hl_leg *leg, struct hl_message *message)
{
	struct hl_transaction *invite;
	if (!leg->ack_cseq || hl_message_cseq(message) != leg->ack_cseq)
		return;
	leg->ack_cseq = 0;
	leg->heard = hl_clock_now();
	hl_ladder_note(leg, HL_WAY_IN, message);
	invite = hl_transaction_get(transactions_of(leg), leg->acking);
	if (invite)
		hl_transaction_acked(invite);
	if (leg->call->state == HL_CALL_ANSWERED || leg->bye_due)
		hl_call_happened(leg->call, HL_CALL_ACK, leg, message);
	else
		hl_call_pass_ack(leg, message);
	if (leg->call->state == HL_CALL_ENDED)
		hl_call_bury(leg->call);
}

struct tag_key {
	const char *tag, *call_id;
};

static bool match_local_tag(const struct hl_hash_node *node, const void *key)
{
	const struct hl_leg *leg = hl_container_of(node, struct hl_leg, by_tag);
	return hl_slice_equal(hl_slice_of(leg->local_tag), *(const struct hl_slice *)key);
}

struct hl_leg *hl_leg_by_local_tag(struct hl_calls *calls, struct hl_slice tag)
{
	struct hl_hash_node *node = hl_hash_find(&calls->legs, hl_hash_bytes(tag.data, tag.length),
						 match_local_tag, &tag);
	return node ? hl_container_of(node, struct hl_leg, by_tag) : NULL;
}

static bool match_tag(const struct hl_hash_node *node, const void *key)
{
	const struct hl_leg *leg = hl_container_of(node, struct hl_leg, by_tag);
	const struct tag_key *wanted = key;
	return strcmp(leg->local_tag, wanted->tag) == 0 &&
	       strcmp(leg->call_id, wanted->call_id) == 0;
}

struct hl_leg *hl_leg_by_tag(struct hl_calls *calls, const char *tag, const char *call_id)
{
	struct tag_key key = {tag, call_id};
	struct hl_hash_node *node =
		hl_hash_find(&calls->legs, hl_hash_bytes(tag, strlen(tag)), match_tag, &key);
	return node ? hl_container_of(node, struct hl_leg, by_tag) : NULL;
}

void hl_calls_request(struct hl_calls *calls, struct hl_transaction *transaction,
		      struct hl_message *message)
{
	struct hl_leg *leg =
		hl_leg_by_tag(calls, hl_message_to_tag(message), hl_message_call_id(message));
	if (leg && leg->state != HL_LEG_ENDED && leg->remote_tag &&
	    strcmp(leg->remote_tag, hl_message_from_tag(message)) == 0)
		hl_leg_requested(leg, transaction, message);
	else
		hl_transaction_reply(transaction, 481, NULL);
}

void hl_calls_ack(struct hl_calls *calls, struct hl_message *message)
{
	struct hl_leg *leg =
		hl_leg_by_tag(calls, hl_message_to_tag(message), hl_message_call_id(message));
	if (leg && leg->remote_tag && strcmp(leg->remote_tag, hl_message_from_tag(message)) == 0)
		hl_leg_got_ack(leg, message);
}
