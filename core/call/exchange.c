/* Exchanges: requests of ours inside a dialog, passed on from the other leg or refreshes. Each
 * knows its legs by handle and outlives either, so that whoever waits is answered. */
#include "base/log.h"
#include "call/private.h"

#include <errno.h>

enum { THINKING_TIME = 60 }; /* s for a re-INVITE; then it is cancelled */

/* Without a final response to the CANCEL either, the transaction times out. */
static void thought_too_long(void *arg)
{
	struct hl_exchange *exchange = arg;
	struct hl_transaction *asked =
		hl_transaction_get(exchange->calls->parts.transactions, exchange->transaction);
	if (asked)
		hl_transaction_cancel(asked, NULL);
}

struct hl_exchange *hl_exchange_new(struct hl_leg *leg, enum hl_method method)
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

void hl_exchange_free(struct hl_exchange *exchange)
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
		hl_exchange_free(hl_list_entry(calls->exchanges.next, struct hl_exchange, node));
}

void hl_exchanges_refuse(struct hl_leg *leg)
{
	struct hl_transactions *transactions = leg->call->calls->parts.transactions;
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
		hl_leg_ack_late(calls, transaction, message); /* its dialog had its BYE */
	else if (!leg->due_ack)
		hl_leg_ack(leg, hl_message_cseq(message));
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
			hl_leg_reply(from, serving, failed);
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
			hl_leg_ack(leg, hl_message_cseq(message));
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
	if (leg && message)
		hl_ladder_note(leg, HL_WAY_IN, message);
	if (leg && leg->state != HL_LEG_ENDED) {
		int verdict =
			message ? calls->parts.hooks->leg_recv(calls->parts.arg, leg, message) : 0;
		bool again =
			message && (verdict == HL_STAGE_DONE || hl_leg_challenged(leg, message));
		if (again && code >= 300 && ask_again(exchange, leg, transaction))
			return;
		settle(exchange, leg, message, code);
		if (!exchange->done)
			pass_back(exchange, leg, message, code ? code : 408);
		else
			exchange->done(exchange->arg, leg, code);
	} else if (message) {
		late_answer(calls, transaction, message);
	}
	hl_exchange_free(exchange);
}

int hl_exchange_start(struct hl_exchange *exchange, struct hl_leg *leg, struct hl_message *request)
{
	struct hl_calls *calls = exchange->calls;
	enum hl_method method = exchange->method;
	struct hl_transaction_owner owner = {exchange_happened, calls, exchange->handle};
	if (method == HL_METHOD_INVITE)
		hl_timer_start(calls->parts.loop, &exchange->limit, THINKING_TIME * 1000);
	int result = hl_leg_start(leg, request, owner, &exchange->transaction);
	if (result < 0)
		hl_exchange_free(exchange);
	else if (method == HL_METHOD_INVITE || method == HL_METHOD_UPDATE)
		leg->asking = exchange->handle;
	return result;
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
	struct hl_exchange *exchange = hl_exchange_new(leg, method);
	struct hl_message *request = hl_leg_request(leg, method, 0);
	struct hl_slice sdp = {leg->sdp.data, leg->sdp.length};
	if (!exchange || !request ||
	    (method == HL_METHOD_INVITE && sdp.length &&
	     hl_message_set_body(request, "application/sdp", sdp) < 0)) {
		hl_message_free(request);
		if (exchange)
			hl_exchange_free(exchange);
		return -ENOMEM;
	}
	if (method == HL_METHOD_INVITE)
		hl_text_slice(&exchange->sdp, sdp);
	exchange->done = done;
	exchange->arg = arg;
	return hl_exchange_start(exchange, leg, request);
}
