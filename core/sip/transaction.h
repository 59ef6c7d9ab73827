/* Transactions (RFC 3261 §17, RFC 6026): a seeded hash on branch, sent-by and method, four state
 * machines in one table, retransmissions made and absorbed. The 2xx of an INVITE is retransmitted
 * here too, until its owner says that the ACK came. Owners are named by handles, never by pointers:
 * a transaction may outlive the call it was made for. */
#ifndef HL_SIP_TRANSACTION_H
#define HL_SIP_TRANSACTION_H

#include "base/handle.h"
#include "sip/message.h"
#include "sip/transport.h"

struct hl_transaction;
struct hl_transactions;

enum hl_transaction_event {
	HL_TRANSACTION_RESPONSE,  /* client: `message` came; also each further 2xx to an INVITE */
	HL_TRANSACTION_TIMEOUT,	  /* client: no final response (Timer B, F) */
	HL_TRANSACTION_FAILED,	  /* client: it could not be sent; server INVITE: its connection is
				   * gone before a final response went, and was not ours */
	HL_TRANSACTION_CANCELLED, /* server INVITE: `message` is the CANCEL, answered 200 already */
	HL_TRANSACTION_UNACKED,	  /* server INVITE: no ACK to our 2xx within 64·T1 */
};

/* Who hears of a transaction. `arg` must outlive it (a table, not a call); `handle` says for whom.
 */
struct hl_transaction_owner {
	void (*happened)(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
			 enum hl_transaction_event event, struct hl_message *message);
	void *arg;
	struct hl_handle handle;
};

struct hl_transaction_handlers {
	/* A new request, ACK and CANCEL excepted. It is answered by hl_transaction_respond, now or
	 * later. The message lives until this returns
	 * and the final response is sent; an INVITE until its ACK or the end of its
	 * transaction. */
	void (*request)(void *arg, struct hl_transaction *transaction, struct hl_message *message);
	/* An ACK that belongs to no transaction: the ACK to a 2xx. */
	void (*ack)(void *arg, const struct hl_flow *flow, struct hl_message *message);
	/* A response that belongs to no transaction. */
	void (*stray)(void *arg, const struct hl_flow *flow, struct hl_message *message);
};

HL_EXPORT struct hl_transactions *hl_transactions_new(
	struct hl_loop *loop, struct hl_transport *transport,
	const struct hl_transaction_handlers *handlers, void *arg);
HL_EXPORT void hl_transactions_free(struct hl_transactions *table);
/* Every message the transport received goes in here; takes over the message. */
HL_EXPORT void hl_transactions_receive(struct hl_transactions *table, const struct hl_flow *flow,
				       struct hl_message *message);
/* What could not be sent goes in here: the client transaction it is of has failed. */
HL_EXPORT void hl_transactions_unsent(struct hl_transactions *table, struct hl_slice bytes);
/* Live transactions, for the gauge. */
HL_EXPORT size_t hl_transactions_count(const struct hl_transactions *table);

/* Server side. */
/* Sends `response` and takes it over. -ENOMEM, or -EALREADY after a final one; it is freed even so.
 */
HL_EXPORT int hl_transaction_respond(struct hl_transaction *transaction,
				     struct hl_message *response);
/* Sends a final `response`, takes it over, and keeps nothing (RFC 3261 §8.2.7): the request again
 * is a new one and is answered anew, with the same To tag. For what strangers can have asked a
 * thousand times. An INVITE's transaction stays even so, for the ACK. The transaction is gone when
 * its handler returns. Errors as above. */
HL_EXPORT int hl_transaction_respond_stateless(struct hl_transaction *transaction,
					       struct hl_message *response);
/* Makes and sends a response without body in one go; To gets a tag from the transaction. */
HL_EXPORT int hl_transaction_reply(struct hl_transaction *transaction, int code,
				   const char *reason);
/* Answers nothing: the request is forgotten as if it had never come. The transaction is gone when
 * its handler returns. */
HL_EXPORT void hl_transaction_ignore(struct hl_transaction *transaction);
/* Over UDP: responses go to the port the request came from even without rport (RFC 3581 §4 wants it
 * asked for; some phones behind NAT do not ask). */
HL_EXPORT void hl_transaction_force_rport(struct hl_transaction *transaction);
/* Sends the last response again (RFC 3262 §3). */
HL_EXPORT void hl_transaction_repeat(struct hl_transaction *transaction);
/* The ACK to our 2xx came: its retransmission ends. */
HL_EXPORT void hl_transaction_acked(struct hl_transaction *transaction);
/* The To tag our responses get: not to be guessed, made once. */
HL_EXPORT const char *hl_transaction_tag(const struct hl_transaction *transaction);
/* Sets who hears of CANCELLED and UNACKED. */
HL_EXPORT void hl_transaction_own(struct hl_transaction *transaction,
				  struct hl_transaction_owner owner);
/* The user whom authentication (or the flow) has found the sender to be; "" none. Copied. */
HL_EXPORT int hl_transaction_set_user(struct hl_transaction *transaction, struct hl_slice user);
HL_EXPORT const char *hl_transaction_user(const struct hl_transaction *transaction);

/* Client side. */
/* Puts a Via on `request`, sends it over `flow`, retransmits, and tells `owner`. Takes over the
 * message. The handle in `*started` (may be NULL) names the transaction. 0 or negative errno:
 * nothing is told then. */
HL_EXPORT int hl_transaction_start(struct hl_transactions *table, const struct hl_flow *flow,
				   struct hl_message *request, struct hl_transaction_owner owner,
				   struct hl_handle *started);
/* Cancels an INVITE: at once when a provisional response has come, else as soon as one comes.
 * Harmless once it has a final response. */
HL_EXPORT void hl_transaction_cancel(struct hl_transaction *transaction, const char *reason_header);
/* Sends a request that has no transaction (ACK to a 2xx), with a Via; takes over the message. */
HL_EXPORT int hl_transactions_send(struct hl_transactions *table, const struct hl_flow *flow,
				   struct hl_message *request);

/* Both. */
HL_EXPORT struct hl_transaction *hl_transaction_get(struct hl_transactions *table,
						    struct hl_handle handle);
HL_EXPORT struct hl_handle hl_transaction_handle(const struct hl_transaction *transaction);
/* The request; NULL once it is of no use: a final response went or came, an INVITE's 2xx was ACKed.
 */
HL_EXPORT struct hl_message *hl_transaction_request(const struct hl_transaction *transaction);
HL_EXPORT const struct hl_flow *hl_transaction_flow(const struct hl_transaction *transaction);

#endif
