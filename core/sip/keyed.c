/* HMACs and base64 by OpenSSL. */
#include "sip/keyed.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

size_t hl_keyed(enum hl_keyed_hash hash, struct hl_slice key, struct hl_slice text,
		unsigned char mac[HL_KEYED_MOST])
{
	const EVP_MD *digest = hash == HL_KEYED_SHA1 ? EVP_sha1() : EVP_sha256();
	unsigned length = 0;

	return HMAC(digest, key.length ? key.data : "", (int)key.length,
		    (const unsigned char *)text.data, text.length, mac, &length)
		       ? length
		       : 0;
}

size_t hl_base64(struct hl_slice data, char *out)
{
	return (size_t)EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)data.data,
				       (int)data.length);
}
