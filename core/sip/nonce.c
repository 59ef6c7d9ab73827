/* Nonces (RFC 7616 §3.3, §5.4): made without remembering them. A nonce is the time it was made,
 * random bytes, and an HMAC over both; what is remembered is only which nonce-counts of it were
 * used, from its first right answer until it expires. */
#include "sip/digest.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

enum {
	TIME = 6,	      /* bytes: milliseconds of hl_clock_now */
	SALT = 8,	      /* bytes: random */
	SEED = TIME + SALT,   /* bytes that the HMAC is over */
	MAC = 16,	      /* bytes that are kept of it */
	BYTES = SEED + MAC,   /* of a nonce; in hexadecimal on the wire */
	KEY = 32,	      /* bytes */
	EXPIRE_DEFAULT = 300, /* seconds */
	WINDOW = 64,	      /* nonce-counts below the highest that may still come, over UDP */
};

_Static_assert(2 * BYTES < HL_NONCE_TEXT, "a nonce fits its text");

struct hl_nonces {
	EVP_MAC_CTX *mac;	    /* keyed at start */
	unsigned expire;	    /* seconds */
	struct hl_hash used;	    /* struct nonce_use by seed */
	struct hl_deadlines expiry; /* of those */
};

/* A nonce that somebody has answered rightly. */
struct nonce_use {
	struct hl_hash_node node;
	struct hl_deadline deadline;
	unsigned char seed[SEED];
	uint32_t highest; /* nonce-count */
	uint64_t window;  /* bit n: highest − n was used */
};

static void use_passed(void *arg, struct hl_deadline *deadline)
{
	struct hl_nonces *nonces = arg;
	struct nonce_use *use = hl_container_of(deadline, struct nonce_use, deadline);

	hl_hash_remove(&nonces->used, &use->node);
	hl_free(use);
}

static EVP_MAC_CTX *new_mac(void)
{
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	unsigned char key[KEY];

	EVP_MAC_free(algorithm);
	hl_random_bytes(key, sizeof(key));
	if (context && !EVP_MAC_init(context, key, sizeof(key), parameters)) {
		EVP_MAC_CTX_free(context);
		context = NULL;
	}
	OPENSSL_cleanse(key, sizeof(key));
	return context;
}

struct hl_nonces *hl_nonces_new(struct hl_loop *loop, struct hl_error *error)
{
	struct hl_nonces *nonces = hl_zalloc(sizeof(*nonces));

	if (!nonces) {
		hl_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	nonces->expire = EXPIRE_DEFAULT;
	nonces->mac = new_mac();
	if (!nonces->mac || hl_hash_init(&nonces->used)) {
		hl_error_set(error, -ENOMEM, "OpenSSL gives no HMAC-SHA256, or memory is out");
		EVP_MAC_CTX_free(nonces->mac);
		hl_free(nonces);
		return NULL;
	}
	hl_deadlines_init(&nonces->expiry, loop, use_passed, nonces);
	return nonces;
}

static void use_forget(struct hl_hash_node *node, void *arg)
{
	struct hl_nonces *nonces = arg;
	struct nonce_use *use = hl_container_of(node, struct nonce_use, node);

	hl_deadline_clear(&nonces->expiry, &use->deadline);
	hl_hash_remove(&nonces->used, node);
	hl_free(use);
}

void hl_nonces_free(struct hl_nonces *nonces)
{
	if (!nonces)
		return;
	hl_hash_each(&nonces->used, use_forget, nonces);
	hl_hash_fini(&nonces->used);
	hl_deadlines_fini(&nonces->expiry);
	EVP_MAC_CTX_free(nonces->mac);
	hl_free(nonces);
}

void hl_nonces_set_expire(struct hl_nonces *nonces, unsigned seconds)
{
	nonces->expire = seconds;
}

/* The HMAC over a seed. False, and zeroes, when OpenSSL refuses. */
static bool sign(struct hl_nonces *nonces, const unsigned char seed[SEED], unsigned char mac[MAC])
{
	unsigned char whole[EVP_MAX_MD_SIZE] = {0};
	size_t length = 0;
	bool good = EVP_MAC_init(nonces->mac, NULL, 0, NULL) &&
		    EVP_MAC_update(nonces->mac, seed, SEED) &&
		    EVP_MAC_final(nonces->mac, whole, &length, sizeof(whole));

	memcpy(mac, whole, MAC);
	return good && length >= MAC;
}

void hl_nonce_new(struct hl_nonces *nonces, char nonce[HL_NONCE_TEXT])
{
	uint64_t until = hl_clock_now() / HL_MILLISECOND + nonces->expire * UINT64_C(1000);
	unsigned char bytes[BYTES];

	for (int i = 0; i < TIME; i++)
		bytes[i] = (unsigned char)(until >> 8 * (TIME - 1 - i));
	hl_random_bytes(bytes + TIME, SALT);
	sign(nonces, bytes, bytes + SEED);
	for (int i = 0; i < BYTES; i++) {
		nonce[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		nonce[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	nonce[2 * BYTES] = '\0';
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Takes a nonce apart; `*until` is its time in milliseconds. */
static enum hl_nonce_state open_nonce(struct hl_nonces *nonces, struct hl_slice nonce,
				      unsigned char seed[SEED], uint64_t *until)
{
	unsigned char bytes[BYTES], mac[MAC];
	uint64_t now = hl_clock_now() / HL_MILLISECOND, last = 0;

	if (nonce.length != 2 * BYTES)
		return HL_NONCE_FOREIGN;
	for (int i = 0; i < BYTES; i++) {
		int high = digit_value(nonce.data[2 * i]), low = digit_value(nonce.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return HL_NONCE_FOREIGN;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	if (!sign(nonces, bytes, mac) || CRYPTO_memcmp(mac, bytes + SEED, MAC))
		return HL_NONCE_FOREIGN;
	for (int i = 0; i < TIME; i++)
		last = last << 8 | bytes[i];
	memcpy(seed, bytes, SEED);
	*until = last;
	return now > last ? HL_NONCE_STALE : HL_NONCE_GOOD;
}

enum hl_nonce_state hl_nonce_check(struct hl_nonces *nonces, struct hl_slice nonce)
{
	unsigned char seed[SEED];
	uint64_t until;

	return open_nonce(nonces, nonce, seed, &until);
}

static bool use_matches(const struct hl_hash_node *node, const void *key)
{
	return !memcmp(hl_container_of(node, struct nonce_use, node)->seed, key, SEED);
}

static struct nonce_use *use_find(struct hl_nonces *nonces, const unsigned char seed[SEED],
				  uint64_t until)
{
	uint64_t hash = hl_hash_bytes(seed, SEED);
	struct hl_hash_node *node = hl_hash_find(&nonces->used, hash, use_matches, seed);
	struct nonce_use *use;

	if (node)
		return hl_container_of(node, struct nonce_use, node);
	use = hl_zalloc(sizeof(*use));
	if (!use)
		return NULL;
	memcpy(use->seed, seed, SEED);
	hl_hash_insert(&nonces->used, &use->node, hash);
	hl_deadline_init(&use->deadline);
	/* A millisecond behind its last moment: as long as it is good, it is remembered. */
	hl_deadline_set(&nonces->expiry, &use->deadline, (until + 1) * HL_MILLISECOND);
	return use;
}

enum hl_nonce_state hl_nonce_use(struct hl_nonces *nonces, struct hl_slice nonce, uint32_t count)
{
	unsigned char seed[SEED];
	uint64_t until, below;
	enum hl_nonce_state state = open_nonce(nonces, nonce, seed, &until);
	struct nonce_use *use;

	if (state != HL_NONCE_GOOD)
		return state;
	if (!count)
		return HL_NONCE_REPLAYED; /* counting begins at 1 */
	use = use_find(nonces, seed, until);
	if (!use)
		return HL_NONCE_STALE; /* what cannot be remembered must not be used: ask anew */
	if (count > use->highest) {
		below = count - use->highest;
		use->window = (below < WINDOW ? use->window << below : 0) | 1;
		use->highest = count;
		return HL_NONCE_GOOD;
	}
	below = use->highest - count;
	if (below >= WINDOW || use->window >> below & 1)
		return HL_NONCE_REPLAYED;
	use->window |= UINT64_C(1) << below;
	return HL_NONCE_GOOD;
}
