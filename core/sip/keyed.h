/* Keyed hashes and base64, for what other programs expect of a shared secret (a TURN server's REST
 * credentials). OpenSSL stays in this room. */
#ifndef HL_SIP_KEYED_H
#define HL_SIP_KEYED_H

#include "base/slice.h"

enum hl_keyed_hash { HL_KEYED_SHA1, HL_KEYED_SHA256, HL_KEYED_HASHES };
enum { HL_KEYED_MOST = 32 }; /* bytes of the longest */

/* HMAC (RFC 2104). Returns its bytes, 0 when it cannot be made. */
size_t hl_keyed(enum hl_keyed_hash hash, struct hl_slice key, struct hl_slice text,
		unsigned char mac[HL_KEYED_MOST]);
/* Base64 (RFC 4648 §4) and a NUL into `out`, which has (length + 2) / 3 * 4 + 1 bytes. Returns its
 * characters. */
size_t hl_base64(struct hl_slice data, char *out);

#endif
