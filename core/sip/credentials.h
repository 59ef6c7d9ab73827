/* Digest authentication, client side (RFC 7616, RFC 8760, RFC 3261 §22): what a challenge was
 * answered with, so that the next request can carry it unasked, with the next nonce-count. */
#ifndef HL_SIP_CREDENTIALS_H
#define HL_SIP_CREDENTIALS_H

#include "sip/digest.h"
#include "sip/message.h"

struct hl_credentials {
	enum hl_digest_algorithm algorithm;
	char *realm, *nonce, *opaque; /* owned; as quoted in the challenge; nonce NULL: none */
	bool has_opaque, qop;
	bool proxy;	/* the challenge was a 407 */
	uint32_t count; /* nonce-count of the last request */
};

HL_EXPORT void hl_credentials_init(struct hl_credentials *credentials);
HL_EXPORT void hl_credentials_fini(struct hl_credentials *credentials);
/* Takes the first challenge of a 401 or 407 that we can answer (RFC 8760 §2.4). `*stale`: the nonce
 * was too old, the password not looked at. 0, -ENOTSUP (none we know), -ENOMEM. */
HL_EXPORT int hl_credentials_challenged(struct hl_credentials *credentials,
					const struct hl_message *response, bool *stale);
/* Puts Authorization or Proxy-Authorization on the request, in place of an older one; without a
 * challenge so far nothing. 0 or -ENOMEM. */
HL_EXPORT int hl_credentials_apply(struct hl_credentials *credentials, struct hl_message *request,
				   const char *user, const char *password);

#endif
