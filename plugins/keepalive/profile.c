/* Profiles: message, period and method, shared by the contacts that have the same. */
#include "keepalive.h"

struct key {
	const struct profile *like;
	struct hl_slice message;
};

static bool profile_is(const struct hl_hash_node *node, const void *arg)
{
	const struct profile *profile = hl_container_of(node, struct profile, node);
	const struct key *key = arg;
	struct hl_slice message = {profile->message, profile->length};

	return profile->period == key->like->period && profile->method == key->like->method &&
	       hl_slice_equal(message, key->message) &&
	       !strcmp(profile->decided_by, key->like->decided_by);
}

int profiles_init(struct profiles *profiles)
{
	return hl_hash_init(&profiles->table);
}

static void profile_free(struct hl_hash_node *node, void *arg)
{
	struct profiles *profiles = arg;

	hl_hash_remove(&profiles->table, node);
	hl_free(hl_container_of(node, struct profile, node));
}

void profiles_fini(struct profiles *profiles)
{
	hl_hash_each(&profiles->table, profile_free, profiles);
	hl_hash_fini(&profiles->table);
}

struct profile *profile_ref(struct profiles *profiles, const struct profile *like,
			    struct hl_slice message)
{
	struct key key = {like, message};
	uint64_t hash = hl_hash_mix(hl_hash_bytes(message.data, message.length),
				    hl_hash_bytes(&like->period, sizeof(like->period)));
	struct hl_hash_node *node = hl_hash_find(&profiles->table, hash, profile_is, &key);

	if (node) {
		struct profile *known = hl_container_of(node, struct profile, node);
		known->references++;
		return known;
	}
	struct profile *profile = hl_alloc(sizeof(*profile) + message.length);
	if (!profile)
		return NULL;
	*profile = *like;
	profile->references = 1;
	profile->length = message.length;
	if (message.length)
		memcpy(profile->message, message.data, message.length);
	hl_hash_insert(&profiles->table, &profile->node, hash);
	return profile;
}

void profile_unref(struct profiles *profiles, struct profile *profile)
{
	if (profile && --profile->references == 0)
		profile_free(&profile->node, profiles);
}
