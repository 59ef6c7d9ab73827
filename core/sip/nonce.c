/* Nonces (RFC 7616 §3.3, §5.4): made without remembering them. A nonce is the time it ends, the
 * algorithms it was offered with, random bytes, and an HMAC over all; what is remembered is only
 * which nonce-counts of it were used, from its first right answer until it expires. That memory is
 * bounded: when it is full, the oldest nonces end before their time, and their owners are asked
 * anew (stale=true). No count is ever accepted twice. */
#include "sip/digest.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"

#include <errno.h>

/* The plain functions of SHA-256, not EVP's: of texts so short, EVP's way costs four times more. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/crypto.h>
#include <openssl/sha.h>

enum {
	TIME = 6,	      /* bytes: milliseconds of hl_clock_now */
	OFFER = 1,	      /* byte: set of algorithms */
	SALT = 7,	      /* bytes: random */
	SEED = 14,	      /* bytes of those, which the HMAC is over */
	MAC = 16,	      /* bytes that are kept of it */
	BYTES = SEED + MAC,   /* of a nonce; in hexadecimal on the wire */
	BLOCK = SHA256_CBLOCK, /* bytes; of the HMAC's keys (RFC 2104) */
	EXPIRE_DEFAULT = 300, /* seconds */
	WINDOW = 64,	      /* nonce-counts below the highest that may still come, over UDP */
};

_Static_assert(2 * BYTES < HL_NONCE_TEXT, "a nonce fits its text");
_Static_assert(TIME + OFFER + SALT == SEED, "a seed is its parts");
_Static_assert(HL_DIGEST_ALGORITHMS <= 8 * OFFER, "there is a bit for each algorithm");

struct hl_nonces {
	SHA256_CTX inner, outer; /* of the HMAC: each has hashed its key */
	unsigned expire;      /* seconds */
	unsigned most;	      /* uses remembered */
	struct hl_hash used;  /* struct nonce_use */
	struct hl_list order; /* the same, first used first */
	uint64_t floor;	      /* ms: what ends by then and is not remembered is over */
	char proven[2 * BYTES]; /* the last one whose HMAC was right: it is asked about twice */
};

/* A nonce that somebody has answered rightly. The seeded hash of its seed stands for it: that two
 * collide within its life is less likely than that its HMAC is guessed. */
struct nonce_use {
	struct hl_hash_node node;
	struct hl_list order;
	uint64_t until;	  /* ms of hl_clock_now */
	uint64_t window;  /* bit n: highest − n was used */
	uint32_t highest; /* nonce-count */
};

static void use_forget(struct hl_nonces *nonces, struct nonce_use *use)
{
	hl_hash_remove(&nonces->used, &use->node);
	hl_list_remove(&use->order);
	hl_free(use);
}

static struct nonce_use *use_oldest(struct hl_nonces *nonces)
{
	return hl_list_entry(nonces->order.next, struct nonce_use, order);
}

/* Draws a key and gives it to both hashes of the HMAC (RFC 2104). */
static void draw_key(struct hl_nonces *nonces)
{
	unsigned char key[BLOCK], padded[2][BLOCK];

	hl_random_bytes(key, sizeof(key));
	for (int i = 0; i < BLOCK; i++) {
		padded[0][i] = key[i] ^ 0x36;
		padded[1][i] = key[i] ^ 0x5c;
	}
	SHA256_Init(&nonces->inner);
	SHA256_Update(&nonces->inner, padded[0], BLOCK);
	SHA256_Init(&nonces->outer);
	SHA256_Update(&nonces->outer, padded[1], BLOCK);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(padded, sizeof(padded));
}

struct hl_nonces *hl_nonces_new(unsigned most, struct hl_error *error)
{
	struct hl_nonces *nonces = hl_zalloc(sizeof(*nonces));

	if (!nonces) {
		hl_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	nonces->expire = EXPIRE_DEFAULT;
	nonces->most = most;
	hl_list_init(&nonces->order);
	if (hl_hash_init(&nonces->used)) {
		hl_error_set(error, -ENOMEM, "out of memory");
		hl_free(nonces);
		return NULL;
	}
	draw_key(nonces);
	return nonces;
}

void hl_nonces_free(struct hl_nonces *nonces)
{
	if (!nonces)
		return;
	while (nonces->used.count)
		use_forget(nonces, use_oldest(nonces));
	hl_hash_fini(&nonces->used);
	OPENSSL_cleanse(nonces, sizeof(*nonces));
	hl_free(nonces);
}

void hl_nonces_set_expire(struct hl_nonces *nonces, unsigned seconds)
{
	nonces->expire = seconds;
}

/* The HMAC over a seed. */
static void sign(const struct hl_nonces *nonces, const unsigned char seed[SEED],
		 unsigned char mac[MAC])
{
	SHA256_CTX inner = nonces->inner, outer = nonces->outer;
	unsigned char whole[SHA256_DIGEST_LENGTH];

	SHA256_Update(&inner, seed, SEED);
	SHA256_Final(whole, &inner);
	SHA256_Update(&outer, whole, sizeof(whole));
	SHA256_Final(whole, &outer);
	memcpy(mac, whole, MAC);
}

size_t hl_nonces_used(const struct hl_nonces *nonces)
{
	return nonces->used.count;
}

void hl_nonce_new(struct hl_nonces *nonces, unsigned offer, char nonce[HL_NONCE_TEXT])
{
	uint64_t until = hl_clock_now() / HL_MILLISECOND + nonces->expire * UINT64_C(1000);
	unsigned char bytes[BYTES];

	for (int i = 0; i < TIME; i++)
		bytes[i] = (unsigned char)(until >> 8 * (TIME - 1 - i));
	bytes[TIME] = (unsigned char)offer;
	hl_random_bytes(bytes + TIME + OFFER, SALT);
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

/* Takes a nonce apart; `seed` is good unless it is foreign. */
static enum hl_nonce_state open_nonce(struct hl_nonces *nonces, struct hl_slice nonce,
				      unsigned char seed[SEED])
{
	unsigned char bytes[BYTES], mac[MAC];

	if (nonce.length != 2 * BYTES)
		return HL_NONCE_FOREIGN;
	for (int i = 0; i < BYTES; i++) {
		int high = digit_value(nonce.data[2 * i]), low = digit_value(nonce.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return HL_NONCE_FOREIGN;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	memcpy(seed, bytes, SEED);
	if (!memcmp(nonces->proven, nonce.data, sizeof(nonces->proven)))
		return HL_NONCE_GOOD;
	sign(nonces, bytes, mac);
	if (CRYPTO_memcmp(mac, bytes + SEED, MAC))
		return HL_NONCE_FOREIGN;
	memcpy(nonces->proven, nonce.data, sizeof(nonces->proven));
	return HL_NONCE_GOOD;
}

/* The moment a nonce ends, ms. */
static uint64_t seed_until(const unsigned char seed[SEED])
{
	uint64_t until = 0;

	for (int i = 0; i < TIME; i++)
		until = until << 8 | seed[i];
	return until;
}

static bool over(uint64_t until)
{
	return hl_clock_now() / HL_MILLISECOND > until;
}

enum hl_nonce_state hl_nonce_check(struct hl_nonces *nonces, struct hl_slice nonce, unsigned *offer)
{
	unsigned char seed[SEED];

	if (open_nonce(nonces, nonce, seed) != HL_NONCE_GOOD)
		return HL_NONCE_FOREIGN;
	*offer = seed[TIME];
	return over(seed_until(seed)) ? HL_NONCE_STALE : HL_NONCE_GOOD;
}

static bool use_matches(const struct hl_hash_node *node, const void *key)
{
	(void)node, (void)key;
	return true;
}

/* Makes room for one more: first of what has ended, then of what ends early for it. */
static void use_make_room(struct hl_nonces *nonces)
{
	while (nonces->used.count && over(use_oldest(nonces)->until))
		use_forget(nonces, use_oldest(nonces));
	if (nonces->used.count < nonces->most)
		return;
	if (nonces->floor < use_oldest(nonces)->until)
		nonces->floor = use_oldest(nonces)->until;
	use_forget(nonces, use_oldest(nonces));
}

/* What is remembered of that nonce; NULL: its first use cannot be remembered, so it must not be. */
static struct nonce_use *use_find(struct hl_nonces *nonces, const unsigned char seed[SEED],
				  uint64_t until)
{
	uint64_t hash = hl_hash_bytes(seed, SEED);
	struct hl_hash_node *node = hl_hash_find(&nonces->used, hash, use_matches, NULL);
	struct nonce_use *use;

	if (node)
		return hl_container_of(node, struct nonce_use, node);
	use_make_room(nonces);
	use = until > nonces->floor ? hl_zalloc(sizeof(*use)) : NULL;
	if (!use)
		return NULL;
	use->until = until;
	hl_hash_insert(&nonces->used, &use->node, hash);
	hl_list_append(&nonces->order, &use->order);
	return use;
}

enum hl_nonce_state hl_nonce_use(struct hl_nonces *nonces, struct hl_slice nonce, uint32_t count)
{
	unsigned char seed[SEED];
	struct nonce_use *use;
	uint64_t until, below;

	if (open_nonce(nonces, nonce, seed) != HL_NONCE_GOOD)
		return HL_NONCE_FOREIGN;
	until = seed_until(seed);
	if (over(until))
		return HL_NONCE_STALE;
	if (!count)
		return HL_NONCE_REPLAYED; /* counting begins at 1 */
	use = use_find(nonces, seed, until);
	if (!use)
		return HL_NONCE_STALE; /* ask anew */
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
