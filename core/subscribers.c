/* The accounts of the database in memory, and their passwords' digests for the registrar. */
#include "subscribers.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "run.h"

#include <errno.h>

const struct hl_column hl_subscriber_columns[HL_SUBSCRIBER_COLUMNS] = {
	[HL_SUBSCRIBER_USER] = {"user", HL_KIND_TEXT},
	[HL_SUBSCRIBER_REALM] = {"realm", HL_KIND_TEXT},
	[HL_SUBSCRIBER_MD5] = {"ha1_md5", HL_KIND_TEXT},
	[HL_SUBSCRIBER_SHA256] = {"ha1_sha256", HL_KIND_TEXT},
	[HL_SUBSCRIBER_SETTINGS] = {"settings", HL_KIND_JSON},
	[HL_SUBSCRIBER_CREATED] = {"created", HL_KIND_TIME},
	[HL_SUBSCRIBER_ENABLED] = {"enabled", HL_KIND_BOOLEAN},
};

/* A reading of the whole table. */
struct loading {
	struct hl_switch *holdline;    /* borrowed */
	struct hl_store *store;	       /* borrowed */
	struct hl_subscribers *table;  /* owned; being filled */
	char *realm;		       /* owned: the configured one */
	uint64_t began;		       /* hl_clock_real */
	int64_t refused, foreign;
	int code;
	struct hl_error error;
	struct hl_log_limit limit;
};

static struct hl_slice text_of(const struct hl_value *value)
{
	return value->present ? value->text : (struct hl_slice){"", 0};
}

void hl_subscriber_of_row(const struct hl_value *row, const char *realm,
			  struct hl_subscriber_row *subscriber)
{
	const struct hl_value *enabled = &row[HL_SUBSCRIBER_ENABLED];

	*subscriber = (struct hl_subscriber_row){
		.user = text_of(&row[HL_SUBSCRIBER_USER]),
		.md5 = text_of(&row[HL_SUBSCRIBER_MD5]),
		.sha256 = text_of(&row[HL_SUBSCRIBER_SHA256]),
		.settings = text_of(&row[HL_SUBSCRIBER_SETTINGS]),
		.enabled = !enabled->present || enabled->integer,
		.foreign = !hl_slice_equal(text_of(&row[HL_SUBSCRIBER_REALM]), hl_slice_of(realm)),
	};
}

static void take_row(void *arg, int64_t number, const struct hl_value *row)
{
	struct loading *loading = arg;
	struct hl_subscriber_row subscriber;
	struct hl_error error;
	uint64_t withheld;

	(void)number;
	hl_subscriber_of_row(row, loading->realm, &subscriber);
	loading->foreign += subscriber.foreign;
	if (!hl_subscribers_put(loading->table, &subscriber, &error))
		return;
	loading->refused++;
	if (hl_log_allow(&loading->limit, &withheld))
		hl_log(HL_LOG_ERROR, "subscriber", "row-refused", hl_sl("user", subscriber.user),
		       hl_str("error", error.text), hl_int("withheld", (int64_t)withheld));
}

static void load(void *arg)
{
	struct loading *loading = arg;

	loading->code = hl_store_each(loading->store, HL_STORE_SUBSCRIBERS, take_row, loading,
				      &loading->error);
}

static void loading_free(struct loading *loading)
{
	if (!loading)
		return;
	hl_subscribers_free(loading->table);
	hl_free(loading->realm);
	hl_free(loading);
}

static struct loading *loading_new(struct hl_switch *holdline)
{
	struct loading *loading = hl_zalloc(sizeof(*loading));

	if (!loading)
		return NULL;
	loading->holdline = holdline;
	loading->store = holdline->store;
	loading->began = hl_clock_real();
	loading->table = hl_subscribers_new(holdline->subscribers);
	loading->realm = hl_strdup(holdline->config->settings.realm);
	if (loading->table && loading->realm)
		return loading;
	loading_free(loading);
	return NULL;
}

/* Whoever is no subscriber any more does not ring any more. */
static void drop_if_gone(void *arg, struct hl_contact *contact)
{
	struct loading *loading = arg;
	struct hl_slice user = hl_slice_of(hl_contact_user(contact));

	if (hl_subscribers_find(loading->table, user) &&
	    !hl_config_account(loading->holdline->config, user))
		hl_contact_remove(loading->holdline->endpoints, contact, "removed");
}

static void free_loading(void *arg)
{
	loading_free(arg);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* What was read takes the place of what there was; the old table is freed by the writer thread. */
static void loaded(void *arg)
{
	struct loading *loading = arg;
	struct hl_switch *holdline = loading->holdline;
	size_t count = hl_subscribers_count(loading->table);

	if (holdline->down) {
		loading_free(loading);
		return;
	}
	if (loading->code) {
		hl_log(HL_LOG_ERROR, "subscriber", "load-failed",
		       hl_str("error", loading->error.text));
		loading_free(loading);
		return;
	}
	hl_subscribers_swap(holdline->subscribers, loading->table);
	if (count || loading->refused)
		hl_log(HL_LOG_INFO, "subscriber", "loaded", hl_int("subscribers", (int64_t)count),
		       hl_int("refused", loading->refused),
		       hl_int("ms", (int64_t)((hl_clock_real() - loading->began) /
					      HL_MILLISECOND)));
	if (loading->foreign)
		hl_log(HL_LOG_WARN, "subscriber", "realm-differs",
		       hl_int("subscribers", loading->foreign), hl_str("realm", loading->realm),
		       hl_str("advice", "their digests are of another switch.realm: give "
					"them their passwords anew, subscriber passwd USER"));
	if (holdline->endpoints)
		hl_contacts_each(holdline->endpoints, drop_if_gone, loading);
	if (hl_store_run(holdline->store, free_loading, holdline->loop, nothing, loading))
		loading_free(loading);
}

int hl_subscribers_begin(struct hl_switch *holdline, struct hl_error *error)
{
	struct loading *loading;

	holdline->subscribers = hl_subscribers_new(NULL);
	loading = holdline->subscribers ? loading_new(holdline) : NULL;
	if (!loading)
		return hl_error_set(error, -ENOMEM, "no memory for the subscribers");
	holdline->config->subscribers = holdline->subscribers;
	load(loading);
	loaded(loading);
	return 0;
}

void hl_subscribers_reload(struct hl_switch *holdline)
{
	struct loading *loading = loading_new(holdline);

	holdline->config->subscribers = holdline->subscribers;
	if (loading && !hl_store_run(holdline->store, load, holdline->loop, loaded, loading))
		return;
	loading_free(loading);
	hl_log(HL_LOG_ERROR, "subscriber", "load-failed", hl_str("error", "out of memory"));
}

static void put_hex(char *text, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

int hl_switch_subscriber_ha1(struct hl_switch *holdline, struct hl_slice user,
			     enum hl_digest_algorithm *algorithm, char ha1[HL_DIGEST_HEX])
{
	const struct hl_subscriber *subscriber = hl_subscribers_find(holdline->subscribers, user);
	bool sha256 = *algorithm == HL_DIGEST_SHA256;

	if (!subscriber || !subscriber->enabled || subscriber->foreign ||
	    (!subscriber->has_md5 && !subscriber->has_sha256))
		return -ENOENT;
	if (sha256 ? !subscriber->has_sha256 : !subscriber->has_md5) {
		*algorithm = sha256 ? HL_DIGEST_MD5 : HL_DIGEST_SHA256;
		return -ENOTSUP;
	}
	if (sha256)
		put_hex(ha1, subscriber->sha256, sizeof(subscriber->sha256));
	else
		put_hex(ha1, subscriber->md5, sizeof(subscriber->md5));
	return 0;
}
