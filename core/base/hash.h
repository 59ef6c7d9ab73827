/* The one hash table: intrusive, chained, seeded against chosen keys (SipHash-1-3), and grown a
 * few buckets per insertion, so that no single insertion stalls at a million entries. */
#ifndef HL_BASE_HASH_H
#define HL_BASE_HASH_H

#include "base/slice.h"

struct hl_hash_node {
	struct hl_hash_node *next; /* in its bucket */
	uint64_t hash;             /* of its key; never changes while it is in a table */
};

struct hl_hash {
	struct hl_hash_node **buckets;     /* owned; size is a power of two */
	struct hl_hash_node **old_buckets; /* owned; NULL unless growing */
	size_t size;                       /* of buckets */
	size_t old_size;                   /* of old_buckets */
	size_t moved;                      /* old buckets already emptied */
	size_t count;                      /* nodes in the table */
};

/* Whether the struct around `node` has `key`. */
typedef bool hl_hash_match(const struct hl_hash_node *node, const void *key);

/* The seeded hash of bytes; the seed is drawn once per process. */
HL_EXPORT uint64_t hl_hash_bytes(const void *data, size_t length);
/* Mixes two hashes into one. */
HL_EXPORT uint64_t hl_hash_mix(uint64_t a, uint64_t b);

/* 0 or -ENOMEM. */
HL_EXPORT int hl_hash_init(struct hl_hash *table);
/* Frees the buckets; the nodes are their owners'. */
HL_EXPORT void hl_hash_fini(struct hl_hash *table);
/* Puts `node` in; the caller has made sure that the key is not there. Cannot fail: a table that
 * cannot grow works on with longer chains. */
HL_EXPORT void hl_hash_insert(struct hl_hash *table, struct hl_hash_node *node, uint64_t hash);
/* Takes `node` out; it must be in. */
HL_EXPORT void hl_hash_remove(struct hl_hash *table, struct hl_hash_node *node);
/* The node with that hash for which `match(node, key)` holds, or NULL. */
HL_EXPORT struct hl_hash_node *hl_hash_find(const struct hl_hash *table, uint64_t hash,
					    hl_hash_match *match, const void *key);
/* Calls `visit` for every node; it may remove (and free) the node it is given, nothing else. */
HL_EXPORT void hl_hash_each(struct hl_hash *table, void (*visit)(struct hl_hash_node *, void *),
			    void *arg);

#endif
