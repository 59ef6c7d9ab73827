/* One REGISTER on its way through: what it says (fields.c) and what becomes of it (register.c). */
#ifndef REGISTRAR_REQUEST_H
#define REGISTRAR_REQUEST_H

#include "registrar.h"

struct request {
	struct registrar *registrar;
	struct hl_transaction *transaction;
	struct hl_message *message;
	const struct hl_account *account; /* NULL: known elsewhere only */
	const struct hl_endpoint *endpoint; /* NULL: to be looked up */
	struct hl_slice user;		  /* without needless escapes */
	char plain[HL_USER_PLAIN];	  /* its text, if it had any */
	const struct hl_flow *flow;
	int64_t expires; /* the header's, s; −1: none */
	bool star;	 /* Contact: * */
	bool edge;	 /* a proxy on the Path speaks RFC 5626 ("ob") */
	bool outbound;	 /* a contact is one of several flows of a device (RFC 5626) */
	unsigned count;	 /* of contacts */
	struct hl_contact_field contacts[HL_BINDINGS + 1]; /* one more is one too many */
	struct hl_uri uris[HL_BINDINGS];	 /* of theirs */
	struct hl_text path;			 /* Path values, comma-separated */
	struct hl_text headers;			 /* the policy's for the 200: "X-NAME: value\n" */
	unsigned kept, gone;			 /* how many of these: */
	struct hl_binding bindings[HL_BINDINGS]; /* to be bound, */
	struct hl_contact *removed[HL_BINDINGS]; /* to be removed */
};

/* Reads Require, Path, Expires and Contact, and refuses what cannot be meant. HL_NEXT, or HL_DONE
 * once it is answered. */
int request_read(struct request *request);
/* What is asked for one contact, s: its parameter over the header over the default. */
int64_t request_expires(const struct request *request, const struct hl_contact_field *contact);
/* Answers with `code` (phrase NULL: the usual one) and logs why. HL_DONE. */
int request_reject(struct request *request, int code, const char *phrase, const char *reason);

#endif
