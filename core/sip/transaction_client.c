/* Client transactions: requests that start them, the ACK to a failure, CANCEL. */
#include "base/memory.h"
#include "base/random.h"
#include "sip/transaction_key.h"
#include "sip/transaction_parts.h"

#include <errno.h>

enum { BRANCH_SIZE = 32 };

static void make_branch(char branch[BRANCH_SIZE])
{
	memcpy(branch, "z9hG4bK", 7);
	hl_random_token(branch + 7, 21);
}

static int push_via(struct hl_transactions *table, const struct hl_flow *flow,
		    struct hl_message *request, const char *branch)
{
	static const char *const begins[] = {[HL_TRANSPORT_UDP] = "SIP/2.0/UDP ",
					     [HL_TRANSPORT_TCP] = "SIP/2.0/TCP ",
					     [HL_TRANSPORT_TLS] = "SIP/2.0/TLS "};
	struct hl_address own;
	char host[HL_ADDRESS_TEXT], via[160], *at;
	hl_transport_visible(table->transport, flow, &own);
	at = stpcpy(via, begins[flow->type]);
	at = stpcpy(at, hl_address_format(&own, host));
	at = stpcpy(stpcpy(at, ";branch="), branch);
	stpcpy(at, flow->type == HL_TRANSPORT_UDP ? ";rport" : "");
	return hl_message_via_push(request, via);
}

static int start(struct hl_transactions *table, const struct hl_flow *flow,
		 struct hl_message *request, struct hl_transaction_owner owner,
		 struct hl_slice branch, struct hl_handle *started)
{
	bool invite = hl_message_method(request) == HL_METHOD_INVITE;
	struct hl_transaction_key key;
	hl_transaction_key_client(&key, branch, hl_message_method_text(request));
	struct hl_transaction *transaction = hl_transaction_create(
		table, invite ? INVITE_CLIENT : CLIENT, flow, key.text, key.hash);
	int result = -ENOMEM;
	if (!transaction)
		goto out;
	result = hl_message_write(request, &transaction->sent);
	if (!result)
		result = hl_transaction_send(transaction);
	if (result == -ENOBUFS)
		result = 0; /* the connection ends for that, of which the watch is told */
	if (result)
		goto out;
	transaction->request = request;
	transaction->owner = owner;
	hl_transport_watch(table->transport, flow, &transaction->watch);
	hl_transaction_begin(transaction);
	if (started)
		*started = transaction->handle;
	return 0;
out:
	if (transaction)
		hl_transaction_destroy(transaction);
	hl_message_free(request);
	return result;
}

int hl_transaction_start(struct hl_transactions *table, const struct hl_flow *flow,
			 struct hl_message *request, struct hl_transaction_owner owner,
			 struct hl_handle *started)
{
	char branch[BRANCH_SIZE];
	make_branch(branch);
	int result = push_via(table, flow, request, branch);
	if (result < 0) {
		hl_message_free(request);
		return result;
	}
	return start(table, flow, request, owner, hl_slice_of(branch), started);
}

int hl_transactions_send(struct hl_transactions *table, const struct hl_flow *flow,
			 struct hl_message *request)
{
	char branch[BRANCH_SIZE];
	struct hl_text bytes;
	hl_text_init(&bytes);
	make_branch(branch);
	int result = push_via(table, flow, request, branch);
	if (!result)
		result = hl_message_write(request, &bytes);
	if (!result)
		result = hl_transport_post(table->transport, flow,
					   (struct hl_slice){bytes.data, bytes.length});
	hl_text_fini(&bytes);
	hl_message_free(request);
	return result;
}

/* A request that belongs to an INVITE: its URI, From, Call-ID, CSeq number, top Via and Routes. */
static struct hl_message *companion(const struct hl_transaction *invite, enum hl_method method,
				    const char *to)
{
	const struct hl_message *model = invite->request;
	struct hl_message *request =
		hl_message_request(method, hl_message_request_uri(model), hl_message_from(model),
				   to, hl_message_call_id(model), hl_message_cseq(model));
	const char *via = hl_message_header(model, "Via", 0);
	int result = request && via ? hl_message_via_push(request, via) : -ENOMEM;
	const char *route;
	for (unsigned i = 0; !result && (route = hl_message_header(model, "Route", i)); i++)
		result = hl_message_add_header(request, "Route", route);
	if (result < 0) {
		hl_message_free(request);
		return NULL;
	}
	return request;
}

void hl_transaction_send_ack(struct hl_transaction *transaction, struct hl_message *response)
{
	struct hl_text bytes;
	struct hl_message *ack = companion(transaction, HL_METHOD_ACK, hl_message_to(response));
	hl_text_init(&bytes);
	/* When it is lost, or memory is out, the response comes again. */
	if (ack && hl_message_write(ack, &bytes) == 0)
		hl_transport_post(transaction->table->transport, &transaction->flow,
				  (struct hl_slice){bytes.data, bytes.length});
	hl_text_fini(&bytes);
	hl_message_free(ack);
}

static void ignore(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
		   enum hl_transaction_event event, struct hl_message *message)
{
	(void)arg, (void)handle, (void)transaction, (void)event, (void)message;
}

void hl_transaction_send_cancel(struct hl_transaction *transaction)
{
	struct hl_via via;
	struct hl_message *cancel =
		companion(transaction, HL_METHOD_CANCEL, hl_message_to(transaction->request));
	transaction->cancel_due = false;
	if (!cancel || !hl_message_via(transaction->request, 0, &via)) {
		hl_message_free(cancel);
		return;
	}
	if (transaction->cancel_reason)
		hl_message_set_header(cancel, "Reason", transaction->cancel_reason);
	start(transaction->table, &transaction->flow, cancel,
	      (struct hl_transaction_owner){.happened = ignore}, via.branch, NULL);
	/* RFC 3261 §9.1: without a final response the INVITE counts as cancelled after 64·T1. */
	hl_timer_start(transaction->table->loop, &transaction->end, 64 * T1);
}

void hl_transaction_cancel(struct hl_transaction *transaction, const char *reason_header)
{
	if (transaction->kind != INVITE_CLIENT || transaction->final || transaction->cancelled)
		return;
	transaction->cancelled = true;
	transaction->cancel_reason = hl_strdup(reason_header);
	if (transaction->state == PROCEEDING)
		hl_transaction_send_cancel(transaction);
	else
		transaction->cancel_due = true;
}
