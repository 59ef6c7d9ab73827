/* What a transaction is found by (RFC 3261 §17.1.3, §17.2.3). */
#ifndef HL_SIP_TRANSACTION_KEY_H
#define HL_SIP_TRANSACTION_KEY_H

#include "sip/message.h"

/* Four parts of 98 bytes at most, a port, and two numbers. */
enum { HL_TRANSACTION_KEY = 448 };

struct hl_transaction_key {
	char text[HL_TRANSACTION_KEY]; /* NUL-terminated */
	uint64_t hash;		       /* seeded */
};

/* The key of the server transaction a request belongs to, taken as `method` (an ACK's or CANCEL's
 * INVITE): branch and sent-by, or, from an RFC 2543 peer, the fields that identify it there. */
void hl_transaction_key_server(struct hl_transaction_key *key, const struct hl_message *request,
			       enum hl_method method);
/* The key of the client transaction with that branch and method. */
void hl_transaction_key_client(struct hl_transaction_key *key, struct hl_slice branch,
			       const char *method);

#endif
