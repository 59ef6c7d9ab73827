/* The control command `subscriber`: adds, changes and lists accounts of the database. The writer
 * thread does it, then the accounts in memory follow: what was answered is in force. A password
 * becomes digests here and goes no further. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "run.h"

#include <errno.h>
#include <string.h>

enum {
	LIST_DEFAULT = 1000,
	LIST_MOST = 10000,
	PASSWORD_MOST = 255, /* bytes */
};

enum op { ADD, REMOVE, PASSWD, SET, ENABLE, DISABLE, LIST, OPS };

static const char *const op_words[OPS] = {
	[ADD] = "add", [REMOVE] = "remove", [PASSWD] = "passwd",   [SET] = "set",
	[ENABLE] = "enable", [DISABLE] = "disable", [LIST] = "list",
};

/* One command on its way through the writer thread. */
struct job {
	struct hl_switch *holdline; /* borrowed */
	struct hl_store *store;	    /* borrowed */
	struct hl_answer *answer;
	enum op op;
	struct hl_text user, realm, settings; /* settings: a JSON object */
	bool has_password, has_settings;
	char md5[HL_DIGEST_HEX], sha256[HL_DIGEST_HEX];
	unsigned most; /* of a list: so many */
	bool behind;   /* … that come behind `user`, in order */
	uint64_t now;  /* the switch's time of day */
	/* What came of it. */
	int code;
	struct hl_error error;
	bool found;
	int64_t number;		    /* of the row that was found */
	struct hl_text old_settings, old_md5, old_sha256, old_realm;
	uint64_t created;
	bool enabled;
	struct hl_text json; /* of a list */
};

static struct hl_text *const *texts_of(struct job *job, struct hl_text *list[8])
{
	list[0] = &job->user;
	list[1] = &job->realm;
	list[2] = &job->settings;
	list[3] = &job->old_settings;
	list[4] = &job->old_md5;
	list[5] = &job->old_sha256;
	list[6] = &job->old_realm;
	list[7] = &job->json;
	return list;
}

static void job_free(struct job *job)
{
	struct hl_text *list[8];

	texts_of(job, list);
	for (size_t i = 0; i < HL_COUNT(list); i++)
		hl_text_fini(list[i]);
	hl_free(job);
}

static struct hl_slice slice_of(const struct hl_text *text)
{
	return (struct hl_slice){text->length ? text->data : "", text->length};
}

static struct hl_value value_of(const struct hl_text *text)
{
	return hl_value_text(hl_text_string(text));
}

/* In the writer thread. */

static void found(void *arg, int64_t number, const struct hl_value *row)
{
	struct job *job = arg;
	const struct hl_value *enabled = &row[HL_SUBSCRIBER_ENABLED];
	static const enum hl_subscriber_column columns[] = {
		HL_SUBSCRIBER_SETTINGS, HL_SUBSCRIBER_MD5, HL_SUBSCRIBER_SHA256,
		HL_SUBSCRIBER_REALM};
	struct hl_text *const texts[] = {&job->old_settings, &job->old_md5, &job->old_sha256,
					 &job->old_realm};

	for (size_t i = 0; i < HL_COUNT(columns); i++)
		if (row[columns[i]].present)
			hl_text_slice(texts[i], row[columns[i]].text);
	job->found = true;
	job->number = number;
	job->created = row[HL_SUBSCRIBER_CREATED].present ? row[HL_SUBSCRIBER_CREATED].time : 0;
	job->enabled = !enabled->present || enabled->integer;
}

static void listed(void *arg, int64_t number, const struct hl_value *row)
{
	struct job *job = arg;
	struct hl_json json;

	(void)number;
	hl_text_put(&job->json, job->json.length > 1 ? "," : "");
	hl_json_init(&json, &job->json);
	hl_json_object(&json);
	hl_json_put_slice(&json, "user", row[HL_SUBSCRIBER_USER].text);
	hl_json_put_boolean(&json, "enabled",
			    !row[HL_SUBSCRIBER_ENABLED].present ||
				    row[HL_SUBSCRIBER_ENABLED].integer);
	hl_json_key(&json, "realm");
	hl_value_json(HL_KIND_TEXT, &row[HL_SUBSCRIBER_REALM], &json);
	hl_json_key(&json, "algorithms");
	hl_json_array(&json);
	if (row[HL_SUBSCRIBER_MD5].present)
		hl_json_string(&json, hl_digest_name(HL_DIGEST_MD5));
	if (row[HL_SUBSCRIBER_SHA256].present)
		hl_json_string(&json, hl_digest_name(HL_DIGEST_SHA256));
	hl_json_array_end(&json);
	hl_json_key(&json, "settings");
	hl_value_json(HL_KIND_TEXT, &row[HL_SUBSCRIBER_SETTINGS], &json);
	hl_json_key(&json, "created");
	hl_value_json(HL_KIND_TIME, &row[HL_SUBSCRIBER_CREATED], &json);
	hl_json_object_end(&json);
}

static int list(struct job *job)
{
	struct hl_slice user = slice_of(&job->user);
	int code;

	hl_text_put(&job->json, "[");
	code = hl_store_find(job->store, HL_STORE_SUBSCRIBERS,
			     job->behind ? HL_STORE_AFTER : HL_STORE_IS, user, job->most, listed,
			     job, &job->error);
	hl_text_put(&job->json, "]");
	if (!code && job->json.failed)
		code = hl_error_set(&job->error, -ENOMEM, "out of memory");
	return code;
}

/* The row as it shall be: what was found, with what the command changes. */
static int put(struct job *job)
{
	const struct hl_value row[HL_SUBSCRIBER_COLUMNS] = {
		[HL_SUBSCRIBER_USER] = value_of(&job->user),
		[HL_SUBSCRIBER_REALM] = value_of(job->has_password ? &job->realm : &job->old_realm),
		[HL_SUBSCRIBER_MD5] = job->has_password ? hl_value_text(job->md5)
							: value_of(&job->old_md5),
		[HL_SUBSCRIBER_SHA256] = job->has_password ? hl_value_text(job->sha256)
							   : value_of(&job->old_sha256),
		[HL_SUBSCRIBER_SETTINGS] =
			value_of(job->has_settings ? &job->settings : &job->old_settings),
		[HL_SUBSCRIBER_CREATED] = hl_value_time(job->found ? job->created : job->now),
		[HL_SUBSCRIBER_ENABLED] = hl_value_boolean(job->enabled),
	};

	return hl_store_put_now(job->store, HL_STORE_SUBSCRIBERS, job->found ? job->number : -1,
				row, &job->error);
}

static void work(void *arg)
{
	struct job *job = arg;
	const char *user = hl_text_string(&job->user);

	if (job->op == LIST) {
		job->code = list(job);
		return;
	}
	job->enabled = true;
	job->code = hl_store_find(job->store, HL_STORE_SUBSCRIBERS, HL_STORE_IS,
				  slice_of(&job->user), 1, found, job, &job->error);
	if (job->code)
		return;
	if (job->op == ADD && job->found)
		job->code = hl_error_set(&job->error, -EEXIST,
					 "%s is a subscriber already: `subscriber passwd %s` gives "
					 "a new password", user, user);
	else if (job->op != ADD && !job->found)
		job->code = hl_error_set(&job->error, -ENOENT,
					 "%s is no subscriber: `subscriber add %s` makes one", user,
					 user);
	if (job->code)
		return;
	if (job->op == ENABLE || job->op == DISABLE)
		job->enabled = job->op == ENABLE;
	job->code = job->op == REMOVE ? hl_store_drop_now(job->store, HL_STORE_SUBSCRIBERS,
							  job->number, &job->error)
				      : put(job);
}

/* In the signalling thread again. */

static void drop_contacts(struct hl_switch *holdline, struct hl_slice user)
{
	struct hl_endpoint *endpoint;

	while ((endpoint = hl_endpoint_find(holdline->endpoints, user)))
		hl_contact_remove(holdline->endpoints,
				  hl_list_entry(endpoint->contacts.next, struct hl_contact, node),
				  "removed");
}

/* Memory follows the table. */
static void apply(struct job *job)
{
	struct hl_switch *holdline = job->holdline;
	const char *realm = hl_text_string(job->has_password ? &job->realm : &job->old_realm);
	struct hl_slice user = slice_of(&job->user);
	struct hl_subscriber_row row = {
		.user = user,
		.md5 = job->has_password ? hl_slice_of(job->md5) : slice_of(&job->old_md5),
		.sha256 = job->has_password ? hl_slice_of(job->sha256)
					    : slice_of(&job->old_sha256),
		.settings = slice_of(job->has_settings ? &job->settings : &job->old_settings),
		.enabled = job->enabled,
		.foreign = strcmp(realm, holdline->config->settings.realm) != 0,
	};

	if (job->op == REMOVE)
		hl_subscribers_remove(holdline->subscribers, user);
	else
		job->code = hl_subscribers_put(holdline->subscribers, &row, &job->error);
	if (!hl_config_account(holdline->config, user))
		drop_contacts(holdline, user);
	hl_log(HL_LOG_INFO, "subscriber", op_words[job->op], hl_sl("user", user));
}

static void done(void *arg)
{
	struct job *job = arg;

	if (!job->code && job->op != LIST && !job->holdline->down)
		apply(job);
	if (job->code)
		hl_answer_error(job->answer, job->error.text);
	else
		hl_answer_result(job->answer, job->op == LIST ? slice_of(&job->json)
							      : HL_SLICE_LITERAL("{}"));
	job_free(job);
}

/* What is asked. */

static bool is_setting(const char *name)
{
	static const char *const others[] = {"op", "user", "password", "last", "after"};

	for (size_t i = 0; i < HL_COUNT(others); i++)
		if (!strcmp(name, others[i]))
			return false;
	return true;
}

/* The arguments with the names of an endpoint's parameters are its settings. */
static int read_settings(struct job *job, const struct hl_arguments *arguments,
			 struct hl_error *error)
{
	const struct hl_account *account;
	struct hl_json json;

	hl_json_init(&json, &job->settings);
	hl_json_object(&json);
	for (size_t i = 0; i < arguments->count; i++)
		if (is_setting(arguments->items[i].name)) {
			hl_json_put_string(&json, arguments->items[i].name,
					   arguments->items[i].value);
			job->has_settings = true;
		}
	hl_json_object_end(&json);
	if (!job->has_settings)
		return 0;
	int code = hl_subscribers_account(job->holdline->subscribers, slice_of(&job->settings),
					  &account, error);
	if (code)
		return code;
	if (*account->party.network &&
	    !hl_config_has_network(job->holdline->config, account->party.network))
		return hl_error_set(error, -EINVAL, "network: \"%s\" is not one of switch.networks",
				    account->party.network);
	return 0;
}

static int read_password(struct job *job, const char *password, struct hl_error *error)
{
	struct hl_slice user = slice_of(&job->user), realm = slice_of(&job->realm);
	struct hl_slice text = hl_slice_of(password);

	if (job->op != ADD && job->op != PASSWD)
		return password ? hl_error_set(error, -EINVAL, "`%s` takes no password",
					       op_words[job->op])
				: 0;
	if (!text.length || text.length > PASSWORD_MOST)
		return hl_error_set(error, -EINVAL, "a password of 1 to %d bytes is needed",
				    PASSWORD_MOST);
	hl_digest_ha1(HL_DIGEST_MD5, user, realm, text, job->md5);
	hl_digest_ha1(HL_DIGEST_SHA256, user, realm, text, job->sha256);
	job->has_password = true;
	return 0;
}

/* `list` shows one user, or those behind one in their order. */
static int read_list(struct job *job, const struct hl_arguments *arguments, struct hl_error *error)
{
	const char *after = hl_argument(arguments, "after"), *last = hl_argument(arguments, "last");
	uint64_t most = LIST_DEFAULT;

	if (last && (hl_slice_number(hl_slice_of(last), &most) < 0 || most < 1 || most > LIST_MOST))
		return hl_error_set(error, -EINVAL, "last %s: 1 to %d is allowed", last, LIST_MOST);
	job->most = (unsigned)most;
	job->behind = !job->user.length;
	if (job->behind && after)
		hl_text_put(&job->user, after);
	return 0;
}

static int read_job(struct job *job, const struct hl_arguments *arguments, struct hl_error *error)
{
	const struct hl_config *config = job->holdline->config;
	const char *op = hl_argument(arguments, "op"), *user = hl_argument(arguments, "user");
	int code;

	for (job->op = 0; job->op < OPS && (!op || strcmp(op, op_words[job->op])); job->op++)
		;
	if (job->op == OPS)
		return hl_error_set(error, -EINVAL,
				    "subscriber %s: add, remove, passwd, set, enable, disable or "
				    "list is allowed", op ? op : "");
	hl_text_put(&job->user, user ? user : "");
	hl_text_put(&job->realm, config->settings.realm);
	job->now = hl_clock_wall();
	if (job->op == LIST)
		return read_list(job, arguments, error);
	if (!job->user.length)
		return hl_error_set(error, -EINVAL, "which user? give its user part");
	if (job->op == ADD && !hl_account_good_user(user))
		return hl_error_set(error, -EINVAL,
				    "\"%s\" is not a user part: no blanks, no @ : ; < > and quotes",
				    user);
	if (job->op == ADD && hl_config_has_endpoint(config, slice_of(&job->user)))
		return hl_error_set(error, -EEXIST,
				    "%s is in `endpoints` of the configuration, which comes first: "
				    "take it out there and reload, or change its password there",
				    user);
	code = read_settings(job, arguments, error);
	if (!code && job->has_settings && job->op != ADD && job->op != SET)
		code = hl_error_set(error, -EINVAL, "`%s` takes no settings: `set` does",
				    op_words[job->op]);
	if (!code && job->op == SET)
		job->has_settings = true;
	if (!code)
		code = read_password(job, hl_argument(arguments, "password"), error);
	return code ? code : job->user.failed || job->realm.failed || job->settings.failed ? -ENOMEM
											   : 0;
}

static int begin(void *arg, const struct hl_arguments *arguments, struct hl_answer *answer,
		 struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	struct job *job = hl_zalloc(sizeof(*job));
	int code;

	if (!job)
		return hl_error_set(error, -ENOMEM, "out of memory");
	job->holdline = holdline;
	job->store = holdline->store;
	job->answer = answer;
	hl_error_set(error, -ENOMEM, "out of memory");
	code = read_job(job, arguments, error);
	if (!code)
		code = hl_store_run(holdline->store, work, holdline->loop, done, job);
	if (code)
		job_free(job);
	return code;
}

int hl_subscriber_command_register(struct hl_switch *holdline)
{
	const struct hl_command command = {
		.name = "subscriber",
		.summary = "accounts of the database: add, remove, passwd, set, enable, disable, "
			   "list",
		.arg = holdline,
		.begin = begin,
	};

	return hl_commands_add(holdline->modules, &command);
}
