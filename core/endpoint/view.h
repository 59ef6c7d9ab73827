/* An endpoint as policy scripts see it: values only, borrowed for the call. */
#ifndef HL_ENDPOINT_VIEW_H
#define HL_ENDPOINT_VIEW_H

#include "base/address.h"

#include <stdbool.h>
#include <stdint.h>

struct hl_node;

enum { HL_AOR_TEXT = 512 }; /* an AOR with NUL */

struct hl_endpoint_view {
	char aor[HL_AOR_TEXT];
	const char *user;
	const char *contact;	    /* Contact as sent */
	struct hl_address received; /* address and port the REGISTER came from */
	const char *transport;	    /* "udp" */
	bool nat;
	const char *user_agent;
	int64_t expires;		/* s: asked (register), left (else) */
	const char *network;		/* name, or "" */
	const char *alg;		/* verdict */
	const struct hl_node *settings; /* its entry in `endpoints`, or NULL */
};

#endif
