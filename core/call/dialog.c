/* Requests inside a dialog: each leg answers what is its own and passes on what concerns the
 * session. A passed request is an exchange: it knows both legs by handle and outlives either. */
#include "base/log.h"
#include "call/private.h"

#include <errno.h>

enum { THINKING_TIME = 60 }; /* s for a re-INVITE; then it is cancelled */

static void pass_session(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void pass_update(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void pass_plain(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void answer_ok(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
static void hang_up(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);

static const struct {
	enum hl_method method;
	void (*serve)(struct hl_leg *leg, struct hl_transaction *t, struct hl_message *message);
} methods[] = {
	{HL_METHOD_BYE, hang_up},	 {HL_METHOD_INVITE, pass_session},
	{HL_METHOD_UPDATE, pass_update}, {HL_METHOD_OPTIONS, answer_ok},
	{HL_METHOD_PRACK, answer_ok},	 {HL_METHOD_INFO, pass_plain},
	{HL_METHOD_MESSAGE, pass_plain}, {HL_METHOD_REFER, pass_plain},
	{HL_METHOD_NOTIFY, pass_plain},
};

static struct hl_transactions *transactions_of(const struct hl_leg *leg)
{
	return leg->call->calls->parts.transactions;
}

static int respond(struct hl_leg *leg, struct hl_transaction *transaction, int code)
{
	struct hl_message *request = hl_transaction_request(transaction);
	struct hl_message *response = hl_leg_response(leg, request, code, NULL);
	/* RFC 3261 §14.2: an INVITE before the last one was done with comes again after a while. */
	if (response && code == 500)
		hl_message_set_header(response, "Retry-After", "2");
	return hl_leg_respond(leg, transaction, response);
}

/* Without a final response to the CANCEL either, the transaction times out. */
static void thought_too_long(void *arg)
{
	struct hl_exchange *exchange = arg;
	struct hl_transaction *asked =
		hl_transaction_get(exchange->calls->parts.transactions, exchange->transaction);
	if (asked)
		hl_transaction_cancel(asked, NULL);
}

static struct hl_exchange *exchange_new(struct hl_leg *leg, enum hl_method method)
{
	struct hl_calls *calls = leg->call->calls;
	struct hl_exchange *exchange = hl_zalloc(sizeof(*exchange));
	if (!exchange)
		return NULL;
	exchange->calls = calls;
	exchange->leg = leg->handle;
	exchange->method = method;
	hl_text_init(&exchange->sdp);
	hl_timer_init(&exchange->limit, thought_too_long, exchange);
	hl_list_append(&leg->exchanges, &exchange->node);
	if (hl_handle_new(&calls->exchange_handles, exchange, &exchange->handle) < 0) {
		hl_list_remove(&exchange->node);
		hl_free(exchange);
		return NULL;
	}
	return exchange;
}

static void exchange_free(struct hl_exchange *exchange)
{
	hl_timer_stop(exchange->calls->parts.loop, &exchange->limit);
	hl_list_remove(&exchange->node);
	hl_handle_release(&exchange->calls->exchange_handles, exchange->handle);
	hl_text_fini(&exchange->sdp);
	hl_free(exchange);
}

void hl_exchange_fini(struct hl_calls *calls)
{
	while (!hl_list_empty(&calls->exchanges))
		exchange_free(hl_list_entry(calls->exchanges.next, struct hl_exchange, node));
}

void hl_exchanges_refuse(struct hl_leg *leg)
{
	struct hl_transactions *transactions = transactions_of(leg);
	struct hl_list *node, *next;
	hl_list_each(node, next, &leg->exchanges)
	{
		struct hl_exchange *exchange = hl_list_entry(node, struct hl_exchange, node);
		struct hl_transaction *serving =
			hl_transaction_get(transactions, exchange->serving);
		struct hl_transaction *asked =
			hl_transaction_get(transactions, exchange->transaction);
		if (serving)
			hl_transaction_reply(serving, 487, NULL);
		if (asked)
			hl_transaction_cancel(asked, NULL);
	}
}

void hl_exchanges_orphan(struct hl_leg *leg)
{
	while (!hl_list_empty(&leg->exchanges)) {
		struct hl_list *node = leg->exchanges.next;
		hl_list_remove(node);
		hl_list_append(&leg->call->calls->exchanges, node);
	}
}

/* A 2xx for a request whose exchange is done with: seen again, or too late for anyone. */
static void late_answer(struct hl_calls *calls, struct hl_transaction *transaction,
			struct hl_message *message)
{
	const char *tag = hl_message_from_tag(message);
	if (hl_message_method(message) != HL_METHOD_INVITE || hl_message_status(message) / 100 != 2)
		return;
	struct hl_leg *leg = hl_leg_by_tag(calls, tag, hl_message_call_id(message));
	if (!leg || leg->state == HL_LEG_ENDED)
		hl_leg_decline_answer(calls, transaction, message);
	else if (!leg->due_ack)
		hl_leg_ack(leg, hl_message_cseq(message), (struct hl_slice){0});
}

/* The final response to what was passed on goes back to the leg that asked. */
static void pass_back(struct hl_exchange *exchange, struct hl_leg *leg, struct hl_message *message,
		      int code)
{
	int told = hl_call_told_code(code);
	if (told != code)
		code = told, message = NULL;
	struct hl_leg *from = hl_leg_get(exchange->calls, exchange->from);
	if (!from)
		return;
	struct hl_transaction *serving =
		hl_transaction_get(exchange->calls->parts.transactions, exchange->serving);
	bool session = exchange->method == HL_METHOD_INVITE || exchange->method == HL_METHOD_UPDATE;
	if (session)
		from->serving = HL_HANDLE_NONE;
	if (!serving)
		return;
	struct hl_message *response = hl_leg_response(from, hl_transaction_request(serving), code,
						      message ? hl_message_reason(message) : NULL);
	if (response && message && code < 300) {
		int failed = exchange->sdp.length || !session
				     ? hl_session_answer(leg, from, message, response)
				     : hl_session_offer(leg, from, message, response);
		if (failed) {
			hl_message_free(response);
			respond(from, serving, failed);
			return;
		}
		if (session)
			hl_session_sent(from, response);
	}
	if (response && message)
		hl_session_pass_headers(leg, message, response);
	if (response && exchange->method == HL_METHOD_INVITE && code < 300) {
		from->ack_cseq = hl_message_cseq(response);
		from->acking = exchange->serving;
	}
	hl_leg_respond(from, serving, response);
}

/* The leg's side of a final response. */
static void settle(struct hl_exchange *exchange, struct hl_leg *leg, struct hl_message *message,
		   int code)
{
	if (hl_handle_equal(leg->asking, exchange->handle))
		leg->asking = HL_HANDLE_NONE;
	if (!message)
		return;
	hl_leg_learn(leg, message);
	if (code >= 200 && code < 300 && exchange->sdp.length) {
		hl_text_clear(&leg->sdp);
		hl_text_append(&leg->sdp, exchange->sdp.data, exchange->sdp.length);
	}
	if (exchange->method == HL_METHOD_INVITE && code >= 200 && code < 300) {
		/* An offer in the 2xx is answered in the ACK, which the other leg has to send
		 * first. */
		if (!exchange->sdp.length && hl_message_has_sdp(message))
			leg->due_ack = hl_message_cseq(message);
		else
			hl_leg_ack(leg, hl_message_cseq(message), (struct hl_slice){0});
	}
}

static void exchange_happened(void *arg, struct hl_handle handle,
			      struct hl_transaction *transaction, enum hl_transaction_event event,
			      struct hl_message *message);

/* The same request in a new transaction; the exchange goes on. */
static bool ask_again(struct hl_exchange *exchange, struct hl_leg *leg,
		      const struct hl_transaction *failed)
{
	struct hl_transaction_owner owner = {exchange_happened, exchange->calls, exchange->handle};
	return hl_leg_repeat(leg, failed, owner, &exchange->transaction) == 0;
}

static void exchange_happened(void *arg, struct hl_handle handle,
			      struct hl_transaction *transaction, enum hl_transaction_event event,
			      struct hl_message *message)
{
	struct hl_calls *calls = arg;
	struct hl_exchange *exchange = hl_handle_get(&calls->exchange_handles, handle);
	int code = message ? hl_message_status(message) : 0;

	if (event == HL_TRANSACTION_RESPONSE && code < 200)
		return;
	if (!exchange) {
		if (message)
			late_answer(calls, transaction, message);
		return;
	}
	struct hl_leg *leg = hl_leg_get(calls, exchange->leg);
	if (leg && leg->state != HL_LEG_ENDED) {
		int verdict =
			message ? calls->parts.hooks->leg_recv(calls->parts.arg, leg, message) : 0;
		if (verdict == HL_STAGE_DONE && code >= 300 &&
		    ask_again(exchange, leg, transaction))
			return;
		settle(exchange, leg, message, code);
		if (!exchange->done)
			pass_back(exchange, leg, message, code ? code : 408);
		else
			exchange->done(exchange->arg, leg, code);
	} else if (message) {
		late_answer(calls, transaction, message);
	}
	exchange_free(exchange);
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

/* Passes a request on to the other leg. 0, or the code that refuses it. */
static int pass_on(struct hl_leg *leg, struct hl_transaction *transaction,
		   struct hl_message *message)
{
	struct hl_leg *peer = hl_leg_peer(leg);
	enum hl_method method = hl_message_method(message);
	bool session = method == HL_METHOD_INVITE || method == HL_METHOD_UPDATE;

	if (!peer || peer->state != HL_LEG_CONFIRMED || leg->state != HL_LEG_CONFIRMED ||
	    (session && hl_leg_busy(peer)))
		return 491;
	struct hl_exchange *exchange = exchange_new(peer, method);
	struct hl_message *request = hl_leg_request(peer, method, 0);
	int code = exchange && request ? 0 : 500;
	if (!code)
		code = session ? hl_session_offer(leg, peer, message, request)
			       : hl_session_answer(leg, peer, message, request);
	if (!code && hl_session_pass_headers(leg, message, request) < 0)
		code = 500;
	if (!code && session)
		hl_text_slice(&exchange->sdp, hl_message_body(request));
	if (code) {
		hl_message_free(request);
		if (exchange)
			exchange_free(exchange);
		return code;
	}
	if (method == HL_METHOD_INVITE)
		hl_timer_start(leg->call->calls->parts.loop, &exchange->limit,
			       THINKING_TIME * 1000);
	exchange->from = leg->handle;
	exchange->serving = hl_transaction_handle(transaction);
	struct hl_transaction_owner owner = {exchange_happened, leg->call->calls, exchange->handle};
	if (hl_leg_start(peer, request, owner, &exchange->transaction) < 0) {
		exchange_free(exchange);
		return 503;
	}
	if (session) {
		peer->asking = exchange->handle;
		leg->serving = hl_transaction_handle(transaction);
	}
	return 0;
}

static void pass_session(struct hl_leg *leg, struct hl_transaction *transaction,
			 struct hl_message *message)
{
	struct hl_calls *calls = leg->call->calls;
	int code = 0;
	if (hl_transaction_get(transactions_of(leg), leg->serving))
		code = 500;
	else if (hl_handle_get(&calls->exchange_handles, leg->asking))
		code = 491;
	if (!code) {
		hl_transaction_own(transaction, (struct hl_transaction_owner){passed_happened,
									      calls, leg->handle});
		code = pass_on(leg, transaction, message);
	}
	if (code)
		respond(leg, transaction, code);
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
	int code = pass_on(leg, transaction, message);
	if (code)
		respond(leg, transaction, code);
}

static void answer_ok(struct hl_leg *leg, struct hl_transaction *transaction,
		      struct hl_message *message)
{
	(void)message;
	respond(leg, transaction, 200);
}

static void hang_up(struct hl_leg *leg, struct hl_transaction *transaction,
		    struct hl_message *message)
{
	struct hl_call *call = leg->call;
	enum hl_ended_by by = leg->side == HL_SIDE_CALLER ? HL_ENDED_BY_CALLER : HL_ENDED_BY_CALLEE;
	hl_call_keep_cause(call, message);
	respond(leg, transaction, 200);
	leg->state = HL_LEG_ENDED;
	leg->bye_due = false;
	hl_call_end(call, call->answered ? "Normal" : "Cancelled", NULL, by);
}

void hl_leg_requested(struct hl_leg *leg, struct hl_transaction *transaction,
		      struct hl_message *message)
{
	struct hl_calls_parts *parts = &leg->call->calls->parts;
	enum hl_method method = hl_message_method(message);
	uint32_t cseq = hl_message_cseq(message);

	if (cseq <= leg->remote_cseq) { /* RFC 3261 §12.2.2 */
		respond(leg, transaction, 500);
		return;
	}
	leg->remote_cseq = cseq;
	if (!leg->gateway)
		leg->flow = *hl_transaction_flow(transaction);
	if (hl_leg_learn(leg, message) < 0) {
		respond(leg, transaction, 500);
		return;
	}
	int code = parts->hooks->leg_recv(parts->arg, leg, message);
	if (code >= 300) {
		respond(leg, transaction, code);
		return;
	}
	for (size_t i = 0; i < HL_COUNT(methods); i++)
		if (methods[i].method == method) {
			methods[i].serve(leg, transaction, message);
			return;
		}
	respond(leg, transaction, 405);
}

void hl_leg_got_ack(struct hl_leg *leg, struct hl_message *message)
{
	struct hl_transaction *invite;
	if (!leg->ack_cseq || hl_message_cseq(message) != leg->ack_cseq)
		return;
	leg->ack_cseq = 0;
	leg->heard = hl_clock_now();
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

bool hl_leg_busy(const struct hl_leg *leg)
{
	struct hl_calls *calls = leg->call->calls;
	return hl_handle_get(&calls->exchange_handles, leg->asking) ||
	       hl_transaction_get(calls->parts.transactions, leg->serving) || leg->ack_cseq ||
	       leg->due_ack;
}

int hl_leg_refresh(struct hl_leg *leg, enum hl_method method,
		   void (*done)(void *arg, struct hl_leg *leg, int code), void *arg)
{
	if (leg->state != HL_LEG_CONFIRMED)
		return -ENOTCONN;
	if (hl_leg_busy(leg))
		return -EBUSY;
	struct hl_exchange *exchange = exchange_new(leg, method);
	struct hl_message *request = hl_leg_request(leg, method, 0);
	struct hl_slice sdp = {leg->sdp.data, leg->sdp.length};
	if (!exchange || !request ||
	    (method == HL_METHOD_INVITE && sdp.length &&
	     hl_message_set_body(request, "application/sdp", sdp) < 0)) {
		hl_message_free(request);
		if (exchange)
			exchange_free(exchange);
		return -ENOMEM;
	}
	if (method == HL_METHOD_INVITE)
		hl_text_slice(&exchange->sdp, sdp);
	if (method == HL_METHOD_INVITE)
		hl_timer_start(leg->call->calls->parts.loop, &exchange->limit,
			       THINKING_TIME * 1000);
	exchange->done = done;
	exchange->arg = arg;
	struct hl_transaction_owner owner = {exchange_happened, leg->call->calls, exchange->handle};
	int result = hl_leg_start(leg, request, owner, &exchange->transaction);
	if (result < 0)
		exchange_free(exchange);
	else
		leg->asking = exchange->handle;
	return result;
}

struct tag_key {
	const char *tag, *call_id;
};

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
	if (leg)
		hl_leg_got_ack(leg, message);
}
