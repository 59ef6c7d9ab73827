/* The accounts of the database, in memory. */
#include "config/subscriber.h"

#include "base/memory.h"
#include "config/document.h"
#include "config/sections.h"

#include <errno.h>
#include <pthread.h>

enum { NODES_MOST = 1000 }; /* of one settings text */

/* An account that all with these settings share. */
struct profile {
	struct hl_hash_node by_text;
	struct hl_config_arena *arena; /* owned: the nodes */
	struct hl_account account;
	size_t length;
	char text[];
};

/* What tables of one family share. */
struct profiles {
	pthread_mutex_t lock;
	unsigned references;
	struct hl_hash by_text;
};

struct hl_subscribers {
	struct hl_hash by_user;
	struct profiles *profiles; /* a reference */
};

static bool user_is(const struct hl_hash_node *node, const void *key)
{
	const struct hl_slice *user = key;

	return hl_slice_equal(
		*user, hl_slice_of(hl_container_of(node, struct hl_subscriber, by_user)->user));
}

static bool text_is(const struct hl_hash_node *node, const void *key)
{
	const struct profile *profile = hl_container_of(node, struct profile, by_text);

	return hl_slice_equal(*(const struct hl_slice *)key,
			      (struct hl_slice){profile->text, profile->length});
}

static void profile_free(struct profile *profile)
{
	hl_account_fini(&profile->account);
	hl_config_arena_unref(profile->arena);
	hl_free(profile);
}

static void drop_profile(struct hl_hash_node *node, void *arg)
{
	hl_hash_remove(arg, node);
	profile_free(hl_container_of(node, struct profile, by_text));
}

static struct profiles *profiles_new(void)
{
	struct profiles *profiles = hl_zalloc(sizeof(*profiles));

	if (!profiles)
		return NULL;
	if (hl_hash_init(&profiles->by_text)) {
		hl_free(profiles);
		return NULL;
	}
	pthread_mutex_init(&profiles->lock, NULL);
	return profiles;
}

static void profiles_unref(struct profiles *profiles)
{
	unsigned left;

	pthread_mutex_lock(&profiles->lock);
	left = --profiles->references;
	pthread_mutex_unlock(&profiles->lock);
	if (left)
		return;
	hl_hash_each(&profiles->by_text, drop_profile, &profiles->by_text);
	hl_hash_fini(&profiles->by_text);
	pthread_mutex_destroy(&profiles->lock);
	hl_free(profiles);
}

/* Reads the text into the account. 0, -EINVAL with `error`, -ENOMEM. */
static int profile_read(struct profile *profile, struct hl_error *error)
{
	struct hl_document_budget budget = {NODES_MOST};
	struct hl_mistakes mistakes;
	struct hl_text report;
	struct hl_node *root;
	int code;

	hl_mistakes_init(&mistakes);
	hl_text_init(&report);
	code = hl_document_parse(profile->arena, "settings",
				 (struct hl_slice){profile->text, profile->length}, &budget,
				 &mistakes, &root);
	if (!code)
		code = hl_account_read(&profile->account, root, &mistakes);
	hl_mistakes_print(&mistakes, &report);
	if (mistakes.errors)
		code = hl_error_set(error, -EINVAL, "%.*s",
				    (int)strcspn(hl_text_string(&report), "\n"),
				    hl_text_string(&report));
	hl_text_fini(&report);
	hl_mistakes_fini(&mistakes);
	return code;
}

static int profile_new(struct hl_slice text, struct profile **made, struct hl_error *error)
{
	struct profile *profile = hl_zalloc(sizeof(*profile) + text.length + 1);
	int code;

	if (!profile)
		return -ENOMEM;
	profile->length = text.length;
	memcpy(profile->text, text.data, text.length);
	profile->arena = hl_config_arena_new();
	code = profile->arena ? profile_read(profile, error) : -ENOMEM;
	if (code)
		profile_free(profile);
	else
		*made = profile;
	return code;
}

int hl_subscribers_account(struct hl_subscribers *table, struct hl_slice settings,
			   const struct hl_account **account, struct hl_error *error)
{
	struct hl_slice text = settings.length ? settings : HL_SLICE_LITERAL("{}");
	struct profiles *profiles = table->profiles;
	uint64_t hash = hl_hash_bytes(text.data, text.length);
	struct hl_hash_node *node;
	struct profile *profile;
	int code = 0;

	pthread_mutex_lock(&profiles->lock);
	node = hl_hash_find(&profiles->by_text, hash, text_is, &text);
	if (node) {
		profile = hl_container_of(node, struct profile, by_text);
	} else {
		code = profile_new(text, &profile, error);
		if (!code)
			hl_hash_insert(&profiles->by_text, &profile->by_text, hash);
	}
	pthread_mutex_unlock(&profiles->lock);
	if (!code)
		*account = &profile->account;
	return code;
}

struct hl_subscribers *hl_subscribers_new(struct hl_subscribers *family)
{
	struct hl_subscribers *table = hl_zalloc(sizeof(*table));

	if (!table)
		return NULL;
	table->profiles = family ? family->profiles : profiles_new();
	if (!table->profiles || hl_hash_init(&table->by_user)) {
		if (table->profiles && !family) {
			table->profiles->references = 1;
			profiles_unref(table->profiles);
		}
		hl_free(table);
		return NULL;
	}
	pthread_mutex_lock(&table->profiles->lock);
	table->profiles->references++;
	pthread_mutex_unlock(&table->profiles->lock);
	return table;
}

static void drop(struct hl_hash_node *node, void *arg)
{
	hl_hash_remove(arg, node);
	hl_free(hl_container_of(node, struct hl_subscriber, by_user));
}

void hl_subscribers_free(struct hl_subscribers *table)
{
	if (!table)
		return;
	hl_hash_each(&table->by_user, drop, &table->by_user);
	hl_hash_fini(&table->by_user);
	profiles_unref(table->profiles);
	hl_free(table);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads a digest of `size` bytes. Whether there is one; -EINVAL when it is none. */
static int read_digest(struct hl_slice text, uint8_t *bytes, size_t size)
{
	if (!text.length)
		return 0;
	if (text.length != 2 * size)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 1;
}

static int fill(struct hl_subscribers *table, struct hl_subscriber *subscriber,
		const struct hl_subscriber_row *row, struct hl_error *error)
{
	int md5 = read_digest(row->md5, subscriber->md5, HL_HA1_MD5);
	int sha256 = read_digest(row->sha256, subscriber->sha256, HL_HA1_SHA256);

	memcpy(subscriber->user, row->user.data, row->user.length);
	if (!hl_account_good_user(subscriber->user) ||
	    strlen(subscriber->user) != row->user.length)
		return hl_error_set(error, -EINVAL,
				    "\"%.*s\" is not a user part: no blanks, no @ : ; < > and "
				    "quotes", HL_SLICE_ARGS(row->user));
	if (md5 < 0 || sha256 < 0)
		return hl_error_set(error, -EINVAL, "%s is no digest in hexadecimal",
				    md5 < 0 ? "ha1_md5" : "ha1_sha256");
	subscriber->has_md5 = md5;
	subscriber->has_sha256 = sha256;
	subscriber->enabled = row->enabled;
	subscriber->foreign = row->foreign;
	return hl_subscribers_account(table, row->settings, &subscriber->account, error);
}

int hl_subscribers_put(struct hl_subscribers *table, const struct hl_subscriber_row *row,
		       struct hl_error *error)
{
	struct hl_subscriber *subscriber;
	int code;

	if (!row->user.length)
		return hl_error_set(error, -EINVAL, "a subscriber needs a user");
	subscriber = hl_zalloc(offsetof(struct hl_subscriber, user) + row->user.length + 1);
	if (!subscriber)
		return hl_error_set(error, -ENOMEM, "out of memory");
	hl_error_set(error, -ENOMEM, "out of memory");
	code = fill(table, subscriber, row, error);
	if (code) {
		hl_free(subscriber);
		return code;
	}
	hl_subscribers_remove(table, row->user);
	hl_hash_insert(&table->by_user, &subscriber->by_user,
		       hl_hash_bytes(row->user.data, row->user.length));
	return 0;
}

const struct hl_subscriber *hl_subscribers_find(const struct hl_subscribers *table,
						struct hl_slice user)
{
	struct hl_hash_node *node;

	if (!table || !table->by_user.count)
		return NULL;
	node = hl_hash_find(&table->by_user, hl_hash_bytes(user.data, user.length), user_is, &user);
	return node ? hl_container_of(node, const struct hl_subscriber, by_user) : NULL;
}

void hl_subscribers_remove(struct hl_subscribers *table, struct hl_slice user)
{
	struct hl_hash_node *node = hl_hash_find(
		&table->by_user, hl_hash_bytes(user.data, user.length), user_is, &user);

	if (node)
		drop(node, &table->by_user);
}

size_t hl_subscribers_count(const struct hl_subscribers *table)
{
	return table->by_user.count;
}

void hl_subscribers_swap(struct hl_subscribers *a, struct hl_subscribers *b)
{
	struct hl_hash by_user = a->by_user;

	a->by_user = b->by_user;
	b->by_user = by_user;
}
