/* The transaction table: messages find their transaction, new requests make one, owners are told.
 */
#include "sip/transaction.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "sip/transaction_key.h"
#include "sip/transaction_parts.h"

#include <errno.h>

enum {
	SIP_PORT = 5060,
	TRANSACTIONS_MAX = 300000 /* a flood is dropped beyond that; the peers repeat themselves */
};

static bool match_key(const struct hl_hash_node *node, const void *key)
{
	return strcmp(hl_container_of(node, struct hl_transaction, by_key)->key, key) == 0;
}

static struct hl_transaction *find(const struct hl_transactions *table,
				   const struct hl_transaction_key *key)
{
	struct hl_hash_node *node = hl_hash_find(&table->by_key, key->hash, match_key, key->text);
	return node ? hl_container_of(node, struct hl_transaction, by_key) : NULL;
}

static void send_once_more(void *arg)
{
	hl_transaction_input(arg, TIMER_AGAIN, NULL);
}

static void state_over(void *arg)
{
	hl_transaction_input(arg, TIMER_END, NULL);
}

static void connection_lost(struct hl_flow_watch *watch)
{
	hl_transaction_input(hl_container_of(watch, struct hl_transaction, watch), LOST, NULL);
}

struct hl_transaction *hl_transaction_create(struct hl_transactions *table,
					     enum transaction_kind kind, const struct hl_flow *flow,
					     const char *key, uint64_t hash)
{
	size_t key_size = strlen(key) + 1;
	struct hl_transaction *transaction = hl_alloc(sizeof(*transaction) + key_size);

	if (!transaction)
		return NULL;
	memset(transaction, 0, sizeof(*transaction));
	memcpy(transaction->key, key, key_size);
	if (hl_handle_new(&table->handles, transaction, &transaction->handle) < 0) {
		hl_free(transaction);
		return NULL;
	}
	transaction->table = table;
	transaction->kind = kind;
	transaction->state = kind == INVITE_SERVER ? PROCEEDING : TRYING;
	transaction->flow = *flow;
	hl_text_init(&transaction->sent);
	hl_timer_init(&transaction->again, send_once_more, transaction);
	hl_timer_init(&transaction->end, state_over, transaction);
	hl_list_init(&transaction->watch.node);
	transaction->watch.lost = connection_lost;
	hl_hash_insert(&table->by_key, &transaction->by_key, hash);
	return transaction;
}

void hl_transaction_destroy(struct hl_transaction *transaction)
{
	struct hl_transactions *table = transaction->table;
	hl_timer_stop(table->loop, &transaction->again);
	hl_timer_stop(table->loop, &transaction->end);
	hl_list_remove(&transaction->watch.node);
	hl_hash_remove(&table->by_key, &transaction->by_key);
	hl_handle_release(&table->handles, transaction->handle);
	hl_message_free(transaction->request);
	hl_text_fini(&transaction->sent);
	hl_free(transaction->user);
	hl_free(transaction->cancel_reason);
	hl_free(transaction);
}

struct hl_transactions *hl_transactions_new(struct hl_loop *loop, struct hl_transport *transport,
					    const struct hl_transaction_handlers *handlers,
					    void *arg)
{
	struct hl_transactions *table = hl_zalloc(sizeof(*table));
	if (!table)
		return NULL;
	table->loop = loop;
	table->transport = transport;
	table->handlers = handlers;
	table->arg = arg;
	hl_handles_init(&table->handles);
	if (hl_hash_init(&table->by_key) < 0) {
		hl_free(table);
		return NULL;
	}
	return table;
}

static void destroy_node(struct hl_hash_node *node, void *arg)
{
	(void)arg;
	hl_transaction_destroy(hl_container_of(node, struct hl_transaction, by_key));
}

void hl_transactions_free(struct hl_transactions *table)
{
	if (!table)
		return;
	hl_hash_each(&table->by_key, destroy_node, NULL);
	hl_hash_fini(&table->by_key);
	hl_handles_fini(&table->handles);
	hl_free(table);
}

size_t hl_transactions_count(const struct hl_transactions *table)
{
	return table->by_key.count;
}

void hl_transaction_tell(struct hl_transaction *transaction, enum hl_transaction_event event,
			 struct hl_message *message)
{
	struct hl_transaction_owner *owner = &transaction->owner;
	if (owner->happened)
		owner->happened(owner->arg, owner->handle, transaction, event, message);
}

int hl_transaction_send(struct hl_transaction *transaction)
{
	struct hl_transport *transport = transaction->table->transport;
	struct hl_flow flow = transaction->flow;
	struct hl_slice bytes = {transaction->sent.data, transaction->sent.length};
	if (transaction->reply_port)
		flow.remote.port = transaction->reply_port;
	return hl_transport_post(transport, &flow, bytes);
}

/* Whether nobody will ask for the request again: retransmissions are answered from `sent`, and only
 * the ACK to a failure is made from it. */
static bool is_done_with(const struct hl_transaction *transaction)
{
	switch (transaction->kind) {
	case INVITE_SERVER:
		return transaction->acked || transaction->state == COMPLETED ||
		       transaction->state == CONFIRMED;
	case INVITE_CLIENT: return transaction->state == ACCEPTED;
	default: return transaction->final;
	}
}

/* A transaction outlives its request by half a minute, and there may be many. */
static void drop_request(struct hl_transaction *transaction)
{
	if (transaction->handling || !is_done_with(transaction))
		return;
	hl_message_free(transaction->request);
	transaction->request = NULL;
}

/* The port responses go to: the source's; over UDP without rport, the Via's (RFC 3261 §18.2.2,
 * RFC 3581 §4). */
static uint16_t reply_port(const struct hl_flow *flow, const struct hl_message *request)
{
	struct hl_via via;
	if (flow->type != HL_TRANSPORT_UDP || !hl_message_via(request, 0, &via) || via.rport)
		return flow->remote.port;
	return via.port ? (uint16_t)via.port : SIP_PORT;
}

/* The tag of our responses. What is not of a dialog gets the same each time it comes, so that it
 * can be answered without keeping it; the seeded hash is as hard to guess as a random one. */
static void make_tag(struct hl_transaction *transaction, uint64_t hash)
{
	if (transaction->kind == INVITE_SERVER)
		hl_random_token(transaction->tag, sizeof(transaction->tag));
	else
		hl_token(hl_hash_mix(hash, hash), transaction->tag, sizeof(transaction->tag));
}

static struct hl_transaction *accept_request(struct hl_transactions *table,
					     const struct hl_flow *flow, struct hl_message *request,
					     const struct hl_transaction_key *key)
{
	bool invite = hl_message_method(request) == HL_METHOD_INVITE;
	struct hl_transaction *transaction = hl_transaction_create(
		table, invite ? INVITE_SERVER : SERVER, flow, key->text, key->hash);
	if (!transaction)
		return NULL;
	transaction->request = request;
	transaction->reply_port = reply_port(flow, request);
	make_tag(transaction, key->hash);
	/* Over a connection of ours the answer finds its way: it is opened again. */
	if (invite && !flow->opened)
		hl_transport_watch(table->transport, flow, &transaction->watch);
	return transaction;
}

/* CANCEL (RFC 3261 §9.2): answered here, then the INVITE's owner is told. */
static void serve_cancel(struct hl_transactions *table, struct hl_transaction *cancel)
{
	struct hl_transaction_key key;
	hl_transaction_key_server(&key, cancel->request, HL_METHOD_INVITE);
	struct hl_transaction *invite = find(table, &key);
	if (!invite) {
		hl_transaction_reply(cancel, 481, NULL);
		return;
	}
	memcpy(cancel->tag, invite->tag, sizeof(cancel->tag));
	cancel->reply_port = invite->reply_port;
	hl_transaction_reply(cancel, 200, NULL);
	if (!invite->final)
		hl_transaction_tell(invite, HL_TRANSACTION_CANCELLED, cancel->request);
}

static void new_request(struct hl_transactions *table, const struct hl_flow *flow,
			struct hl_message *request, const struct hl_transaction_key *key)
{
	struct hl_transaction *transaction = NULL;
	uint64_t withheld;

	if (table->by_key.count >= TRANSACTIONS_MAX) {
		if (hl_log_allow(&table->full, &withheld))
			hl_log(HL_LOG_WARN, "transaction", "full",
			       hl_int("transactions", TRANSACTIONS_MAX),
			       hl_int("withheld", (int64_t)withheld));
		hl_message_free(request);
		return;
	}
	if (hl_message_via_received(request, &flow->remote) == 0)
		transaction = accept_request(table, flow, request, key);
	if (!transaction) { /* memory is out: the peer's retransmission asks again */
		hl_message_free(request);
		return;
	}
	struct hl_handle handle = transaction->handle;
	transaction->handling = true;
	if (hl_message_method(request) == HL_METHOD_CANCEL)
		serve_cancel(table, transaction);
	else
		table->handlers->request(table->arg, transaction, request);
	transaction = hl_transaction_get(table, handle);
	if (!transaction)
		return;
	transaction->handling = false;
	if (transaction->forgotten) {
		hl_transaction_destroy(transaction);
		return;
	}
	drop_request(transaction);
	if (transaction->kind == INVITE_SERVER && !transaction->sent.length)
		hl_transaction_respond(transaction,
				       hl_message_response(transaction->request, 100, NULL, NULL));
}

static void receive_request(struct hl_transactions *table, const struct hl_flow *flow,
			    struct hl_message *request)
{
	enum hl_method method = hl_message_method(request);
	bool ack = method == HL_METHOD_ACK;
	struct hl_transaction_key key;
	hl_transaction_key_server(&key, request, ack ? HL_METHOD_INVITE : method);
	struct hl_transaction *transaction = find(table, &key);
	if (!transaction && !ack) {
		new_request(table, flow, request, &key);
		return;
	}
	if (transaction)
		hl_transaction_input(transaction, ack ? GOT_ACK : GOT_REQUEST, request);
	else
		table->handlers->ack(table->arg, flow, request);
	hl_message_free(request);
}

static void receive_response(struct hl_transactions *table, const struct hl_flow *flow,
			     struct hl_message *response)
{
	struct hl_transaction_key key;
	struct hl_via via = {0};
	int status = hl_message_status(response);
	hl_message_via(response, 0, &via);
	hl_transaction_key_client(&key, via.branch, hl_message_method_text(response));
	struct hl_transaction *transaction = find(table, &key);
	if (transaction) {
		struct hl_handle handle = transaction->handle;
		transaction->final |= status >= 200;
		transaction->handling = true;
		hl_transaction_input(transaction,
				     status < 200   ? GOT_1XX
				     : status < 300 ? GOT_2XX
						    : GOT_FAILURE,
				     response);
		transaction = hl_transaction_get(table, handle);
		if (transaction) {
			transaction->handling = false;
			drop_request(transaction);
		}
	} else {
		table->handlers->stray(table->arg, flow, response);
	}
	hl_message_free(response);
}

void hl_transactions_receive(struct hl_transactions *table, const struct hl_flow *flow,
			     struct hl_message *message)
{
	if (hl_message_is_request(message))
		receive_request(table, flow, message);
	else
		receive_response(table, flow, message);
}

void hl_transactions_unsent(struct hl_transactions *table, struct hl_slice bytes)
{
	struct hl_transaction_key key;
	struct hl_transaction *transaction;
	struct hl_message *message;
	struct hl_error error;
	struct hl_via via;
	if (hl_message_parse(bytes, &message, &error))
		return;
	/* A response is for its server transaction to repeat. */
	if (hl_message_is_request(message) && hl_message_via(message, 0, &via)) {
		hl_transaction_key_client(&key, via.branch, hl_message_method_text(message));
		transaction = find(table, &key);
		if (transaction)
			hl_transaction_input(transaction, LOST, NULL);
	}
	hl_message_free(message);
}

/* Makes `response`, which is freed, what was sent last: its status, or negative errno. */
static int take_response(struct hl_transaction *transaction, struct hl_message *response)
{
	int result = response ? hl_message_status(response) : -ENOMEM;
	if (transaction->final)
		result = -EALREADY;
	if (result > 0) {
		hl_text_clear(&transaction->sent);
		if (hl_message_write(response, &transaction->sent))
			result = -ENOMEM;
	}
	hl_message_free(response);
	return result;
}

int hl_transaction_respond(struct hl_transaction *transaction, struct hl_message *response)
{
	int status = take_response(transaction, response);
	if (status < 0)
		return status;
	transaction->final = status >= 200;
	hl_transaction_input(transaction,
			     status < 200   ? SEND_1XX
			     : status < 300 ? SEND_2XX
					    : SEND_FAILURE,
			     NULL);
	drop_request(transaction);
	return 0;
}

int hl_transaction_reply(struct hl_transaction *transaction, int code, const char *reason)
{
	if (transaction->final)
		return -EALREADY;
	return hl_transaction_respond(transaction,
				      hl_message_response(transaction->request, code, reason,
							  code > 100 ? transaction->tag : NULL));
}

static void forget(struct hl_transaction *transaction)
{
	transaction->final = true;
	transaction->forgotten = true;
	if (!transaction->handling)
		hl_transaction_destroy(transaction);
}

int hl_transaction_respond_stateless(struct hl_transaction *transaction,
				     struct hl_message *response)
{
	if (transaction->kind == INVITE_SERVER)
		return hl_transaction_respond(transaction, response);
	int status = take_response(transaction, response);
	if (status < 0)
		return status;
	hl_transaction_send(transaction);
	forget(transaction);
	return 0;
}

void hl_transaction_ignore(struct hl_transaction *transaction)
{
	if (!transaction->final)
		forget(transaction);
}

void hl_transaction_force_rport(struct hl_transaction *transaction)
{
	transaction->reply_port = transaction->flow.remote.port;
}

void hl_transaction_repeat(struct hl_transaction *transaction)
{
	if (transaction->sent.length && !transaction->final)
		hl_transaction_send(transaction);
}

void hl_transaction_acked(struct hl_transaction *transaction)
{
	transaction->acked = true;
	if (transaction->state == ACCEPTED)
		hl_timer_stop(transaction->table->loop, &transaction->again);
	drop_request(transaction);
}

const char *hl_transaction_tag(const struct hl_transaction *transaction)
{
	return transaction->tag;
}

void hl_transaction_own(struct hl_transaction *transaction, struct hl_transaction_owner owner)
{
	transaction->owner = owner;
}

int hl_transaction_set_user(struct hl_transaction *transaction, struct hl_slice user)
{
	char *copy = hl_slice_copy(user);
	if (!copy)
		return -ENOMEM;
	hl_free(transaction->user);
	transaction->user = copy;
	return 0;
}

const char *hl_transaction_user(const struct hl_transaction *transaction)
{
	return transaction->user ? transaction->user : "";
}

struct hl_transaction *hl_transaction_get(struct hl_transactions *table, struct hl_handle handle)
{
	return hl_handle_get(&table->handles, handle);
}

struct hl_handle hl_transaction_handle(const struct hl_transaction *transaction)
{
	return transaction->handle;
}

struct hl_message *hl_transaction_request(const struct hl_transaction *transaction)
{
	return transaction->request;
}

const struct hl_flow *hl_transaction_flow(const struct hl_transaction *transaction)
{
	return &transaction->flow;
}
