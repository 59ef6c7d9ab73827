/* The hash table and its SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF").
 *
 * While the table grows, the nodes of old bucket `i` are in the old array if i >= moved and in the
 * new one otherwise: every hash has exactly one home at any moment. Only insertion moves buckets,
 * so that a walk may remove. Eight per insertion empty the old array long before it grows again. */
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <pthread.h>

enum { INITIAL_SIZE = 16, MOVED_PER_INSERTION = 8 };

static uint64_t seed[2];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static void draw_seed(void)
{
	hl_random_bytes(seed, sizeof(seed));
}

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip_state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline struct sip_state sip_begin(void)
{
	pthread_once(&seeded, draw_seed);
	return (struct sip_state){seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
				  seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
}

static inline void sip_word(struct sip_state *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t sip_end(struct sip_state *s)
{
	s->v2 ^= 0xff;
	sip_round(s);
	sip_round(s);
	sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hl_hash_bytes(const void *data, size_t length)
{
	struct sip_state s = sip_begin();
	const unsigned char *bytes = data;
	size_t tail = length % 8;
	uint64_t word;

	for (size_t at = 0; at + 8 <= length; at += 8) {
		memcpy(&word, bytes + at, 8);
		sip_word(&s, word);
	}
	word = 0;
	if (tail)
		memcpy(&word, bytes + length - tail, tail);
	sip_word(&s, word | (uint64_t)length << 56);
	return sip_end(&s);
}

uint64_t hl_hash_mix(uint64_t a, uint64_t b)
{
	struct sip_state s = sip_begin();

	sip_word(&s, a);
	sip_word(&s, b);
	return sip_end(&s);
}

static struct hl_hash_node **buckets_new(size_t count)
{
	size_t size = count * sizeof(struct hl_hash_node *);

	return size < HL_HUGE_PAGE ? hl_zalloc(size) : hl_pages_new(size, true);
}

static void buckets_free(struct hl_hash_node **buckets, size_t count)
{
	size_t size = count * sizeof(struct hl_hash_node *);

	if (size < HL_HUGE_PAGE)
		hl_free(buckets);
	else
		hl_pages_free(buckets, size);
}

int hl_hash_init(struct hl_hash *table)
{
	struct hl_hash_node **buckets = buckets_new(INITIAL_SIZE);

	if (!buckets)
		return -ENOMEM;
	*table = (struct hl_hash){.buckets = buckets, .size = INITIAL_SIZE};
	return 0;
}

void hl_hash_fini(struct hl_hash *table)
{
	buckets_free(table->buckets, table->size);
	if (table->old_buckets)
		buckets_free(table->old_buckets, table->old_size);
	*table = (struct hl_hash){0};
}

/* The bucket where nodes of that hash are now. */
static inline struct hl_hash_node **home(const struct hl_hash *table, uint64_t hash)
{
	if (table->old_buckets) {
		size_t old = hash & (table->old_size - 1);

		if (old >= table->moved)
			return &table->old_buckets[old];
	}
	return &table->buckets[hash & (table->size - 1)];
}

static void begin_growth(struct hl_hash *table)
{
	struct hl_hash_node **buckets;

	if (table->size > SIZE_MAX / 2 / sizeof(struct hl_hash_node *))
		return;
	buckets = buckets_new(table->size * 2);
	if (!buckets)
		return;
	table->old_buckets = table->buckets;
	table->old_size = table->size;
	table->moved = 0;
	table->buckets = buckets;
	table->size *= 2;
}

static void move_bucket(struct hl_hash *table)
{
	struct hl_hash_node *node = table->old_buckets[table->moved++], *next;

	for (; node; node = next) {
		struct hl_hash_node **bucket = &table->buckets[node->hash & (table->size - 1)];

		next = node->next;
		node->next = *bucket;
		*bucket = node;
	}
	if (table->moved == table->old_size) {
		buckets_free(table->old_buckets, table->old_size);
		table->old_buckets = NULL;
	}
}

void hl_hash_insert(struct hl_hash *table, struct hl_hash_node *node, uint64_t hash)
{
	struct hl_hash_node **bucket;

	/* Half full: a node of another key is a line of memory nobody else needs. */
	if (!table->old_buckets && table->count >= table->size / 2)
		begin_growth(table);
	for (int i = 0; i < MOVED_PER_INSERTION && table->old_buckets; i++)
		move_bucket(table);
	bucket = home(table, hash);
	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
	table->count++;
}

void hl_hash_remove(struct hl_hash *table, struct hl_hash_node *node)
{
	struct hl_hash_node **link = home(table, node->hash);

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	node->next = NULL;
	table->count--;
}

struct hl_hash_node *hl_hash_find(const struct hl_hash *table, uint64_t hash, hl_hash_match *match,
				  const void *key)
{
	struct hl_hash_node *node = *home(table, hash);

	while (node && !(node->hash == hash && match(node, key)))
		node = node->next;
	return node;
}

static void walk(struct hl_hash_node **buckets, size_t from, size_t size,
		 void (*visit)(struct hl_hash_node *, void *), void *arg)
{
	struct hl_hash_node *node, *next;

	for (size_t i = from; i < size; i++)
		for (node = buckets[i]; node; node = next) {
			next = node->next;
			visit(node, arg);
		}
}

void hl_hash_each(struct hl_hash *table, void (*visit)(struct hl_hash_node *, void *), void *arg)
{
	if (table->old_buckets)
		walk(table->old_buckets, table->moved, table->old_size, visit, arg);
	walk(table->buckets, 0, table->size, visit, arg);
}
