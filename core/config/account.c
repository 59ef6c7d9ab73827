/* `endpoints`: one account per user part. */
#include "config/sections.h"

#include "base/memory.h"
#include "config/subscriber.h"

#include <errno.h>

const char *const hl_nat_words[] = {"auto", "yes", "no", NULL};
const char *const hl_media_words[] = {"auto", "on", "off", "must_on", NULL};
const char *const hl_tristate_words[] = {"auto", "on", "off", NULL};
const char *const hl_refresher_words[] = {"auto", "us", "them", NULL};

static const struct hl_parameter rows[] = {
	{.key = "password",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .reloadable = true,
	 .help = "Its password; without one it cannot register unless registrar.auth is off.",
	 .offset = HL_FIELD(struct hl_account, password, char *)},
	{.key = "keepalive",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "auto",
	 .values = hl_tristate_words,
	 .reloadable = true,
	 .help = "Whether it gets heartbeats; auto: as keepalive.targets says.",
	 .offset = HL_FIELD(struct hl_account, keepalive, int)},
	{.key = "force_rport",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "off",
	 .reloadable = true,
	 .help = "Answers go to the port a request came from even when it has no rport.",
	 .offset = HL_FIELD(struct hl_account, force_rport, bool)},
	{.key = "max_calls",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .max = 1000000,
	 .reloadable = true,
	 .help = "Its calls at once, as caller and callee; 0: no limit.",
	 .offset = HL_FIELD(struct hl_account, max_calls, int64_t)},
	HL_PARTY_ROWS(struct hl_account, party),
	HL_PARAMETERS_END};

static bool user_matches(const struct hl_hash_node *node, const void *key)
{
	const struct hl_account *account = hl_container_of(node, const struct hl_account, by_user);

	return hl_slice_equal(hl_slice_of(account->user), *(const struct hl_slice *)key);
}

bool hl_account_good_user(const char *user)
{
	if (!*user)
		return false;
	for (; *user; user++)
		if ((unsigned char)*user <= ' ' || *user == 0x7f || strchr("@:;<>\"", *user))
			return false;
	return true;
}

void hl_account_fini(struct hl_account *account)
{
	hl_parameters_free(rows, account);
	hl_free(account->user);
}

static void account_free(struct hl_account *account)
{
	hl_account_fini(account);
	hl_free(account);
}

int hl_account_read(struct hl_account *account, const struct hl_node *map,
		    struct hl_mistakes *mistakes)
{
	struct hl_reader reader = {.mistakes = mistakes};

	hl_text_init(&reader.path);
	account->node = map;
	if (hl_parameters_default(rows, account) || !(account->user = hl_strdup("")))
		reader.no_memory = true;
	else
		hl_reader_map(&reader, rows, account, map, NULL);
	if (hl_node_get(map, "password"))
		hl_reader_error(&reader, hl_node_get(map, "password")->key_place, "password",
				"is not a setting: the table keeps its digests");
	hl_text_fini(&reader.path);
	return reader.no_memory ? -ENOMEM : 0;
}

static void read_one(struct hl_reader *reader, struct hl_config *config, const struct hl_node *node)
{
	struct hl_account *account = hl_zalloc(sizeof(*account));

	if (!hl_account_good_user(node->key))
		hl_reader_error(reader, node->key_place, NULL,
				"is not a user part: no blanks, no @ : ; < > and quotes");
	if (!account || hl_parameters_default(rows, account) ||
	    !(account->user = hl_strdup(node->key))) {
		reader->no_memory = true;
		if (account)
			account_free(account);
		return;
	}
	account->node = node;
	hl_reader_map(reader, rows, account, node, NULL);
	hl_networks_require(reader, config, account->party.network, node);
	hl_hash_insert(&config->accounts, &account->by_user,
		       hl_hash_bytes(account->user, strlen(account->user)));
}

void hl_accounts_read(struct hl_reader *reader, struct hl_config *config, const struct hl_node *map)
{
	size_t mark = hl_reader_down(reader, "endpoints");

	if (hl_reader_is_map(reader, map))
		hl_reader_each(reader, config, map, read_one);
	hl_reader_up(reader, mark);
}

static void free_node(struct hl_hash_node *node, void *arg)
{
	struct hl_hash *accounts = arg;

	hl_hash_remove(accounts, node);
	account_free(hl_container_of(node, struct hl_account, by_user));
}

void hl_accounts_free(struct hl_config *config)
{
	hl_hash_each(&config->accounts, free_node, &config->accounts);
	hl_hash_fini(&config->accounts);
}

static const struct hl_account *endpoint_find(const struct hl_config *config, struct hl_slice user)
{
	struct hl_hash_node *node = hl_hash_find(
		&config->accounts, hl_hash_bytes(user.data, user.length), user_matches, &user);

	return node ? hl_container_of(node, const struct hl_account, by_user) : NULL;
}

bool hl_config_has_endpoint(const struct hl_config *config, struct hl_slice user)
{
	return endpoint_find(config, user) != NULL;
}

const struct hl_account *hl_config_account(const struct hl_config *config, struct hl_slice user)
{
	const struct hl_account *account = endpoint_find(config, user);
	const struct hl_subscriber *subscriber =
		account ? NULL : hl_subscribers_find(config->subscribers, user);

	return subscriber && subscriber->enabled ? subscriber->account : account;
}
