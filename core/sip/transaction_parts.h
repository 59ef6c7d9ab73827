/* The transaction layer's own structs. */
#ifndef HL_SIP_TRANSACTION_PARTS_H
#define HL_SIP_TRANSACTION_PARTS_H

#include "base/hash.h"
#include "base/log.h"
#include "loop/timer.h"
#include "sip/transaction.h"

/* RFC 3261 table 4, in milliseconds. */
enum { T1 = 500, T2 = 4000, T4 = 5000, TIMER_D = 32000 };

enum transaction_kind { INVITE_SERVER, SERVER, INVITE_CLIENT, CLIENT, KINDS };

enum transaction_state {
	TRYING,	    /* sent or received; nothing came or went yet (client: Calling) */
	PROCEEDING, /* a provisional response */
	ACCEPTED,   /* INVITE: a 2xx (RFC 6026) */
	COMPLETED,  /* a final response */
	CONFIRMED,  /* INVITE server: the ACK to its failure */
	STATES
};

enum transaction_input {
	GOT_REQUEST, /* server: the request again */
	GOT_ACK,     /* INVITE server: an ACK that matches */
	SEND_1XX,    /* server: its owner responds */
	SEND_2XX,
	SEND_FAILURE,
	GOT_1XX, /* client: a response */
	GOT_2XX,
	GOT_FAILURE,
	TIMER_AGAIN, /* A, E, G, and the 2xx of an INVITE: once more */
	LOST,	     /* its connection is gone, or it cannot be sent */
	TIMER_END,   /* B, D, F, H, I, J, K, L, M: the state is over */
	INPUTS
};

struct hl_transaction {
	struct hl_hash_node by_key; /* in the table */
	struct hl_handle handle;
	struct hl_transactions *table; /* its owner */
	enum transaction_kind kind;
	enum transaction_state state;
	struct hl_flow flow;	    /* the way to the peer, and where its request came from */
	uint16_t reply_port;	    /* server: the remote port that responses go to */
	struct hl_message *request; /* owned; NULL once it is of no use to anyone */
	struct hl_text sent;	    /* bytes: server: the last response; client: the request */
	struct hl_timer again;	    /* retransmission */
	struct hl_timer end;	    /* end of the state */
	struct hl_flow_watch watch; /* client, INVITE server: of its connection */
	uint32_t interval;	    /* of `again`, ms */
	struct hl_transaction_owner owner;
	char tag[17];	     /* server: of its responses */
	char *user;	     /* owned; server: who sent it, or NULL */
	bool final;	     /* a final response went or came */
	bool acked;	     /* INVITE server: the ACK to the 2xx came */
	bool handling;	     /* the owner is being told: the request must live */
	bool forgotten;	     /* server: it ends with its handling */
	bool cancel_due;     /* INVITE client: CANCEL as soon as it may */
	bool cancelled;	     /* INVITE client: CANCEL was sent, or is due */
	char *cancel_reason; /* owned; Reason of that CANCEL, or NULL */
	char key[];	     /* NUL-terminated */
};

struct hl_transactions {
	struct hl_loop *loop;		/* borrowed */
	struct hl_transport *transport; /* borrowed */
	const struct hl_transaction_handlers *handlers;
	void *arg;
	struct hl_hash by_key;
	struct hl_handles handles;
	struct hl_log_limit full;
};

/* transaction.c */
struct hl_transaction *hl_transaction_create(struct hl_transactions *table,
					     enum transaction_kind kind, const struct hl_flow *flow,
					     const char *key, uint64_t hash);
void hl_transaction_destroy(struct hl_transaction *transaction);
void hl_transaction_tell(struct hl_transaction *transaction, enum hl_transaction_event event,
			 struct hl_message *message);
/* Sends what was sent last. 0 or negative errno. */
int hl_transaction_send(struct hl_transaction *transaction);

/* transaction_machine.c: the one table. `message` is the response or ACK that came, or NULL. */
void hl_transaction_input(struct hl_transaction *transaction, enum transaction_input input,
			  struct hl_message *message);
void hl_transaction_begin(struct hl_transaction *transaction);

/* transaction_client.c */
void hl_transaction_send_ack(struct hl_transaction *transaction, struct hl_message *response);
void hl_transaction_send_cancel(struct hl_transaction *transaction);

#endif
