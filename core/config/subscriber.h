/* Subscribers: the accounts that are rows of the database, all of them in memory, so that nobody
 * waits for the disk when a phone registers: about 100 bytes each, found in O(1). Settings are few
 * and shared: whoever has the same ones has the same account. */
#ifndef HL_CONFIG_SUBSCRIBER_H
#define HL_CONFIG_SUBSCRIBER_H

#include "config/config.h"

enum { HL_HA1_MD5 = 16, HL_HA1_SHA256 = 32 }; /* bytes */

struct hl_subscriber {
	struct hl_hash_node by_user;
	const struct hl_account *account; /* its settings; lives as long as the table's family */
	uint8_t md5[HL_HA1_MD5];	  /* H(user:realm:password) by algorithm */
	uint8_t sha256[HL_HA1_SHA256];
	bool has_md5, has_sha256;
	bool enabled;
	bool foreign; /* the digests are of another realm: they fit no password now */
	char user[];
};

struct hl_subscribers;

/* What a row says; all borrowed. */
struct hl_subscriber_row {
	struct hl_slice user;
	struct hl_slice md5, sha256; /* hexadecimal; empty: none */
	struct hl_slice settings;    /* a JSON object with the keys of `endpoints`; empty: none */
	bool enabled, foreign;
};

/* An empty table; of the family of another one (its accounts stay valid), or NULL. NULL when memory
 * is out. The family's tables may be filled by several threads, each its own. */
HL_EXPORT struct hl_subscribers *hl_subscribers_new(struct hl_subscribers *family);
HL_EXPORT void hl_subscribers_free(struct hl_subscribers *table);
/* Puts a row in, in place of that user's. 0; -EINVAL with `error`: it is no user, a digest is none,
 * or a setting is wrong; -ENOMEM. */
HL_EXPORT int hl_subscribers_put(struct hl_subscribers *table, const struct hl_subscriber_row *row,
				 struct hl_error *error);
HL_EXPORT void hl_subscribers_remove(struct hl_subscribers *table, struct hl_slice user);
HL_EXPORT const struct hl_subscriber *hl_subscribers_find(const struct hl_subscribers *table,
							  struct hl_slice user);
HL_EXPORT size_t hl_subscribers_count(const struct hl_subscribers *table);
/* Exchanges what two tables hold. O(1). */
HL_EXPORT void hl_subscribers_swap(struct hl_subscribers *a, struct hl_subscribers *b);
/* The account of that settings text. 0, -EINVAL with `error`, -ENOMEM. */
HL_EXPORT int hl_subscribers_account(struct hl_subscribers *table, struct hl_slice settings,
				     const struct hl_account **account, struct hl_error *error);

#endif
