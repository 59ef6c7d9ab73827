/* A table of (user, source) with their wrong passwords, bounded: the oldest entry makes room. */
#include "suspension.h"

#include <errno.h>

struct suspension {
	struct hl_hash_node node;
	struct hl_list order;	  /* in suspensions.order */
	struct hl_address source; /* without port */
	uint64_t until;		  /* hl_clock_now when it is forgotten */
	unsigned failures;	  /* wrong passwords in a row */
	bool suspended;
	size_t length; /* of user */
	char user[];
};

struct key {
	struct hl_slice user;
	struct hl_address source; /* without port */
	uint64_t hash;
};

static struct key key_of(struct hl_slice user, const struct hl_address *source)
{
	struct key key = {.user = user, .source = *source};

	key.source.port = 0;
	key.hash = hl_hash_mix(hl_hash_bytes(user.data, user.length), hl_address_hash(&key.source));
	return key;
}

static bool suspension_is(const struct hl_hash_node *node, const void *arg)
{
	const struct suspension *entry = hl_container_of(node, struct suspension, node);
	const struct key *key = arg;
	struct hl_slice user = {entry->user, entry->length};

	return hl_slice_equal(user, key->user) && hl_address_equal(&entry->source, &key->source);
}

static struct suspension *suspension_find(struct suspensions *suspensions, const struct key *key)
{
	struct hl_hash_node *node =
		hl_hash_find(&suspensions->table, key->hash, suspension_is, key);

	return node ? hl_container_of(node, struct suspension, node) : NULL;
}

static void suspension_free(struct suspensions *suspensions, struct suspension *entry)
{
	hl_hash_remove(&suspensions->table, &entry->node);
	hl_list_remove(&entry->order);
	hl_free(entry);
}

static struct suspension *oldest(struct suspensions *suspensions)
{
	return hl_list_entry(suspensions->order.next, struct suspension, order);
}

static void prune(struct suspensions *suspensions)
{
	uint64_t now = hl_clock_now();

	while (suspensions->table.count && oldest(suspensions)->until <= now)
		suspension_free(suspensions, oldest(suspensions));
}

int suspensions_init(struct suspensions *suspensions)
{
	hl_list_init(&suspensions->order);
	return hl_hash_init(&suspensions->table);
}

void suspensions_fini(struct suspensions *suspensions)
{
	while (suspensions->table.count)
		suspension_free(suspensions, oldest(suspensions));
	hl_hash_fini(&suspensions->table);
}

unsigned suspension_left(struct suspensions *suspensions, struct hl_slice user,
			 const struct hl_address *source)
{
	if (!suspensions->table.count)
		return 0;
	prune(suspensions);
	struct key key = key_of(user, source);
	struct suspension *entry = suspension_find(suspensions, &key);
	uint64_t now = hl_clock_now();
	/* A reload with another auth_suspend can leave an entry behind one that ends later. */
	if (!entry || !entry->suspended || entry->until <= now)
		return 0;
	return (unsigned)((entry->until - now + HL_SECOND - 1) / HL_SECOND);
}

static struct suspension *suspension_new(struct suspensions *suspensions, const struct key *key)
{
	struct suspension *entry = hl_zalloc(sizeof(*entry) + key->user.length);

	if (!entry)
		return NULL;
	if (suspensions->table.count == SUSPENSIONS_MAX)
		suspension_free(suspensions, oldest(suspensions));
	entry->source = key->source;
	entry->length = key->user.length;
	if (entry->length)
		memcpy(entry->user, key->user.data, entry->length);
	hl_list_init(&entry->order);
	hl_hash_insert(&suspensions->table, &entry->node, key->hash);
	return entry;
}

bool suspension_count(struct suspensions *suspensions, struct hl_slice user,
		      const struct hl_address *source, unsigned limit, unsigned seconds)
{
	if (!limit)
		return false;
	prune(suspensions);
	struct key key = key_of(user, source);
	struct suspension *entry = suspension_find(suspensions, &key);
	if (!entry)
		entry = suspension_new(suspensions, &key);
	if (!entry)
		return false;
	hl_list_remove(&entry->order);
	hl_list_append(&suspensions->order, &entry->order);
	entry->until = hl_clock_now() + seconds * HL_SECOND;
	entry->suspended = ++entry->failures >= limit;
	return entry->suspended;
}

void suspension_clear(struct suspensions *suspensions, struct hl_slice user,
		      const struct hl_address *source)
{
	if (!suspensions->table.count)
		return;
	struct key key = key_of(user, source);
	struct suspension *entry = suspension_find(suspensions, &key);
	if (entry)
		suspension_free(suspensions, entry);
}
