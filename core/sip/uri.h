/* SIP URIs (RFC 3261 §19.1) as slices over their text. */
#ifndef HL_SIP_URI_H
#define HL_SIP_URI_H

#include "base/slice.h"

struct hl_uri {
	struct hl_slice scheme;	    /* "sip", "sips", "tel" */
	struct hl_slice user;	    /* still escaped, without password; empty when there is none */
	struct hl_slice host;	    /* IPv6 with its brackets */
	unsigned port;		    /* 0: none given */
	struct hl_slice parameters; /* behind the first ';', without it */
	struct hl_slice headers;    /* behind '?' */
};

enum { HL_USER_PLAIN = 256 }; /* room for hl_uri_user_plain that is enough for a user who exists */

/* Parses a URI without angle brackets. 0 or -EBADMSG. */
HL_EXPORT int hl_uri_parse(struct hl_slice text, struct hl_uri *uri);
/* The value of a parameter (empty for a flag); false when it is not there. */
HL_EXPORT bool hl_uri_parameter(struct hl_slice parameters, const char *name,
				struct hl_slice *value);
/* The user part as accounts and numbers are compared: escapes of what needs none are undone
 * ("%31002" is 1002, "%2B49" is +49; RFC 3261 §19.1.4). Borrowed from `text` where that changes it,
 * else `user` itself, which one longer than `size` bytes is, too. */
HL_EXPORT struct hl_slice hl_uri_user_plain(struct hl_slice user, char *text, size_t size);
/* Equality for binding purposes (RFC 3261 §19.1.4 as far as phones differ): scheme and host without
 * case, user with case, ports, and the transport, user, ttl, method, maddr parameters. */
HL_EXPORT bool hl_uri_equal(const struct hl_uri *a, const struct hl_uri *b);

#endif
