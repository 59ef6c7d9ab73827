/* Digest authentication (RFC 7616, RFC 8760; qop=auth): challenges, verification, and nonces of our
 * own that expire and cannot be replayed. What a client needs more is in credentials.h. */
#ifndef HL_SIP_DIGEST_H
#define HL_SIP_DIGEST_H

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

enum hl_digest_algorithm { HL_DIGEST_MD5, HL_DIGEST_SHA256, HL_DIGEST_ALGORITHMS };
enum { HL_DIGEST_HEX = 65 }; /* the longest digest in hexadecimal, with NUL */

struct hl_digest {
	enum hl_digest_algorithm algorithm; /* MD5 when the header names none */
	struct hl_slice username, realm, nonce, uri, response, cnonce, nc, qop, opaque,
		name; /* borrowed; `name`: of the algorithm, as given */
};

/* Reads an Authorization or Proxy-Authorization value. 0, -EBADMSG, -ENOTSUP (another scheme,
 * algorithm or qop). Without qop (RFC 2617 §3.2.2.1) only MD5 is read; `qop` is empty then. */
HL_EXPORT int hl_digest_parse(const char *header, struct hl_digest *digest);
HL_EXPORT void hl_digest_ha1(enum hl_digest_algorithm algorithm, struct hl_slice user,
			     struct hl_slice realm, struct hl_slice password,
			     char ha1[HL_DIGEST_HEX]);
/* Whether the response is right for `ha1` and the request's method; in constant time. */
HL_EXPORT bool hl_digest_verify(const struct hl_digest *digest, const char *method,
				const char *ha1);
/* The response that belongs to the other fields, as a client sends it. */
HL_EXPORT void hl_digest_response(const struct hl_digest *digest, const char *method,
				  const char *ha1, char response[HL_DIGEST_HEX]);
/* Reads a WWW-Authenticate or Proxy-Authenticate value: algorithm, realm, nonce, opaque, and `qop`
 * as listed. 0, -EBADMSG, -ENOTSUP (another scheme or algorithm, or no qop that we have). */
HL_EXPORT int hl_digest_parse_challenge(const char *header, struct hl_digest *challenge,
					bool *stale);
HL_EXPORT const char *hl_digest_name(enum hl_digest_algorithm algorithm); /* "MD5", "SHA-256" */

/* Nonces: their end, the algorithms they were offered with and random bytes under an HMAC of a key
 * drawn at start; of a nonce that was used, the nonce-counts are remembered until it expires (a
 * window, so that UDP may reorder). */
struct hl_nonces;
enum hl_nonce_state { HL_NONCE_GOOD, HL_NONCE_STALE, HL_NONCE_REPLAYED, HL_NONCE_FOREIGN };
enum { HL_NONCE_TEXT = 64 };

/* `most`: used nonces that are remembered (72 bytes each); the oldest of more end early, as stale.
 */
HL_EXPORT struct hl_nonces *hl_nonces_new(unsigned most, struct hl_error *error);
HL_EXPORT void hl_nonces_free(struct hl_nonces *nonces);
/* How long a nonce is good that is made from now on, in seconds (300). */
HL_EXPORT void hl_nonces_set_expire(struct hl_nonces *nonces, unsigned seconds);
HL_EXPORT size_t hl_nonces_used(const struct hl_nonces *nonces); /* remembered now */
/* `offer`: 1 << algorithm for each that the nonce is given out with. */
HL_EXPORT void hl_nonce_new(struct hl_nonces *nonces, unsigned offer, char nonce[HL_NONCE_TEXT]);
/* Whether the nonce is ours (FOREIGN otherwise) and alive, and what it was offered with; nothing is
 * remembered. */
HL_EXPORT enum hl_nonce_state hl_nonce_check(struct hl_nonces *nonces, struct hl_slice nonce,
					     unsigned *offer);
/* Call once the response has proved right: takes the nonce-count; REPLAYED when it was used. */
HL_EXPORT enum hl_nonce_state hl_nonce_use(struct hl_nonces *nonces, struct hl_slice nonce,
					   uint32_t count);
/* Appends one challenge: the value of WWW-Authenticate or Proxy-Authenticate. */
HL_EXPORT void hl_digest_challenge(enum hl_digest_algorithm algorithm, const char *realm,
				   const char *nonce, bool stale, struct hl_text *value);

#endif
