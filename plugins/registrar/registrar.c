/* The plugin: its parameters, and which requests it looks at. */
#include "registrar.h"

#include <errno.h>
#include <strings.h>

#define FIELD(field, type) HL_FIELD(struct registrar_settings, field, type)

static const char *const algorithms[] = {"MD5", "SHA-256", NULL};

static const struct hl_parameter parameters[] = {
	{.key = "expire",
	 .vos3000 = "SS_ENDPOINT_EXPIRE",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "3600",
	 .min = 60,
	 .max = 86400,
	 .unit = "s",
	 .reloadable = true,
	 .help = "The longest registration granted to an endpoint that is not behind NAT.",
	 .offset = FIELD(expire, int64_t)},
	{.key = "nat_expire",
	 .vos3000 = "SS_ENDPOINT_NAT_EXPIRE",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "300",
	 .min = 20,
	 .max = 86400,
	 .unit = "s",
	 .reloadable = true,
	 .help = "The longest registration granted to an endpoint behind NAT.",
	 .offset = FIELD(nat_expire, int64_t)},
	{.key = "min_expire",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "30",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "Who asks for less than this is answered 423.",
	 .offset = FIELD(min_expire, int64_t)},
	{.key = "expire_jitter",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .min = 0,
	 .max = 50,
	 .unit = "%",
	 .reloadable = true,
	 .help = "A device that begins gets up to this much less than the full time, by chance, so "
		 "that after an outage refreshes do not come all at once; never below min_expire.",
	 .offset = FIELD(expire_jitter, int64_t)},
	{.key = "auth",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .reloadable = true,
	 .help = "Ask for a password; off accepts every configured endpoint by its name.",
	 .offset = FIELD(auth, bool)},
	{.key = "auth_max_retry",
	 .vos3000 = "SS_AUTHENTICATION_MAX_RETRY",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "6",
	 .min = 0,
	 .max = 999,
	 .reloadable = true,
	 .help = "Wrong passwords that suspend a user from that source address; 0: none do.",
	 .offset = FIELD(auth_max_retry, int64_t)},
	{.key = "auth_suspend",
	 .vos3000 = "SS_AUTHENTICATION_FAILED_SUSPEND",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "180",
	 .min = 60,
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long the suspension lasts.",
	 .offset = FIELD(auth_suspend, int64_t)},
	{.key = "nonce_expire",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "300",
	 .min = 30,
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long a challenge may be answered and its nonce used again.",
	 .offset = FIELD(nonce_expire, int64_t)},
	{.key = "auth_algorithms",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "[MD5, SHA-256]",
	 .values = algorithms,
	 .reloadable = true,
	 .help = "Digest algorithms that are offered, in this order; no other is accepted.",
	 .offset = FIELD(auth_algorithms, struct hl_strings)},
	{.key = "auth_md5_only",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "[baresip v0.*, baresip v1.*, baresip v2.*]",
	 .reloadable = true,
	 .help = "Clients (globs of User-Agent) that are offered MD5 alone, because they give up "
		 "when they see a challenge they do not know.",
	 .offset = FIELD(auth_md5_only, struct hl_strings)},
	{.key = "reply_unauthorized",
	 .vos3000 = "SS_REPLY_UNAUTHORIZED",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .reloadable = true,
	 .help = "Answer senders that are not known; off: in silence, which hides the switch from "
		 "scanners and shows which users there are.",
	 .offset = FIELD(reply_unauthorized, bool)},
	{.key = "max_contacts",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "10",
	 .min = 1,
	 .max = 100,
	 .reloadable = true,
	 .help = "Contacts an endpoint may have; one more takes the place of an unreachable one, "
		 "else of the one refreshed longest ago.",
	 .offset = FIELD(max_contacts, int64_t)},
	{.key = "replace",
	 .vos3000 = "SS_ENDPOINT_REGISTER_REPLACE",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "off",
	 .reloadable = true,
	 .help = "Keep one contact for each endpoint: a new one takes the place of the old.",
	 .offset = FIELD(replace, bool)},
	HL_PARAMETERS_END,
};

static void log_rejected(struct registrar *registrar, const struct hl_transaction *transaction,
			 struct hl_slice user, int code, const char *reason)
{
	const struct hl_flow *flow = hl_transaction_flow(transaction);
	char source[HL_ADDRESS_TEXT];
	uint64_t withheld;

	if (!hl_log_allow(&registrar->rejected, &withheld))
		return;
	hl_log(HL_LOG_WARN, "registrar", "rejected", hl_sl("user", user), hl_int("code", code),
	       hl_str("reason", reason),
	       hl_str("method", hl_message_method_text(hl_transaction_request(transaction))),
	       hl_str("source", hl_address_format(&flow->remote, source)),
	       hl_int("withheld", (int64_t)withheld));
}

int registrar_reject(struct registrar *registrar, struct hl_transaction *transaction,
		     struct hl_slice user, int code, const char *phrase, const char *reason)
{
	log_rejected(registrar, transaction, user, code, reason);
	hl_transaction_reply(transaction, code, phrase);
	return HL_DONE;
}

int registrar_reject_with(struct registrar *registrar, struct hl_transaction *transaction,
			  struct hl_slice user, int code, const char *header, const char *value,
			  const char *reason)
{
	struct hl_message *response = hl_message_response(hl_transaction_request(transaction), code,
							  NULL, hl_transaction_tag(transaction));

	if (!response || hl_message_add_header(response, header, value)) {
		hl_message_free(response);
		return registrar_reject(registrar, transaction, user, 500, NULL, "out of memory");
	}
	log_rejected(registrar, transaction, user, code, reason);
	hl_transaction_respond(transaction, response);
	return HL_DONE;
}

int registrar_ignore(struct registrar *registrar, struct hl_transaction *transaction,
		     struct hl_slice user, const char *reason)
{
	log_rejected(registrar, transaction, user, 0, reason);
	hl_transaction_ignore(transaction);
	return HL_DONE;
}

int registrar_reject_stranger(struct registrar *registrar, struct hl_transaction *transaction,
			      struct hl_slice user, int code, const char *reason)
{
	if (!registrar->settings->reply_unauthorized)
		return registrar_ignore(registrar, transaction, user, reason);
	return registrar_reject(registrar, transaction, user, code, NULL, reason);
}

/* OPTIONS needs no password, but with `reply_unauthorized: off` a registered device to come from.
 */
static int options_from_outside(struct registrar *registrar, struct hl_transaction *transaction)
{
	struct hl_endpoints *table = hl_switch_endpoints(registrar->holdline);

	if (registrar->settings->reply_unauthorized ||
	    hl_contact_by_flow(table, hl_transaction_flow(transaction)))
		return HL_NEXT;
	return registrar_ignore(registrar, transaction, HL_SLICE_LITERAL(""), "unknown sender");
}

/* Who a From claims, without needless escapes. */
static struct hl_slice claimed_user(struct registrar *registrar, const struct hl_message *message)
{
	struct hl_uri uri = {.user = {"", 0}};

	hl_message_from_uri(message, &uri);
	return hl_uri_user_plain(uri.user, registrar->plain, sizeof(registrar->plain));
}

/* An INVITE or the like from outside a dialog: who is it from? A gateway is known by its address.
 */
static int request_from_outside(struct registrar *registrar, struct hl_transaction *transaction,
				struct hl_message *message)
{
	const struct hl_address *source = &hl_transaction_flow(transaction)->remote;
	struct hl_slice user;

	if (*hl_message_to_tag(message) ||
	    hl_switch_gateway_from(registrar->holdline, source))
		return HL_NEXT;
	if (hl_message_method(message) == HL_METHOD_OPTIONS)
		return options_from_outside(registrar, transaction);
	if (registrar_identify(registrar, transaction, message, claimed_user(registrar, message),
			       &user) != HL_NEXT)
		return HL_DONE;
	if (hl_transaction_set_user(transaction, user))
		return registrar_reject(registrar, transaction, user, 500, NULL, "out of memory");
	return HL_NEXT;
}

static int registrar_request(struct hl_module *self, struct hl_transaction *transaction,
			     struct hl_message *message)
{
	struct registrar *registrar = hl_module_state(self);

	if (hl_message_method(message) == HL_METHOD_REGISTER)
		return registrar_register(registrar, transaction, message);
	return request_from_outside(registrar, transaction, message);
}

static void read_offers(struct registrar *registrar)
{
	const struct hl_strings *names = &registrar->settings->auth_algorithms;

	registrar->offer_count = 0;
	for (size_t i = 0; i < names->count; i++)
		for (unsigned n = 0; n < HL_DIGEST_ALGORITHMS; n++)
			if (!strcasecmp(names->items[i], hl_digest_name(n)))
				registrar->offers[registrar->offer_count++] = n;
}

static void registrar_reload(struct hl_module *self)
{
	struct registrar *registrar = hl_module_state(self);

	registrar->settings = hl_module_settings(self);
	read_offers(registrar);
	hl_nonces_set_expire(registrar->nonces, (unsigned)registrar->settings->nonce_expire);
}

static void registrar_fini(struct hl_module *self)
{
	struct registrar *registrar = hl_module_state(self);

	hl_nonces_free(registrar->nonces);
	suspensions_fini(&registrar->suspensions);
	hl_text_fini(&registrar->value);
	hl_free(registrar);
	hl_module_set_state(self, NULL);
}

static int registrar_init(struct hl_module *self, struct hl_error *error)
{
	struct registrar *registrar = hl_zalloc(sizeof(*registrar));

	if (!registrar)
		return hl_error_set(error, -ENOMEM, "out of memory");
	registrar->self = self;
	registrar->holdline = hl_module_switch(self);
	hl_text_init(&registrar->value);
	if (suspensions_init(&registrar->suspensions)) {
		hl_free(registrar);
		return hl_error_set(error, -ENOMEM, "out of memory");
	}
	registrar->nonces = hl_nonces_new(REGISTRAR_NONCES, error);
	if (!registrar->nonces) {
		suspensions_fini(&registrar->suspensions);
		hl_free(registrar);
		return -ENOMEM;
	}
	hl_module_set_state(self, registrar);
	registrar_reload(self);
	return 0;
}

/* Phones ask again for what they were granted: were that too short, each refresh would take two. */
static void registrar_check(const void *values, const struct hl_node *map,
			    struct hl_mistakes *mistakes)
{
	const struct registrar_settings *settings = values;
	const struct hl_node *node = map ? hl_node_get(map, "nat_expire") : NULL;

	if (settings->nat_expire < settings->min_expire)
		hl_mistake_warning(mistakes, node ? node->place : (struct hl_place){0},
				   "plugins.registrar.nat_expire",
				   "%lld s is less than min_expire (%lld s): a phone that asks for "
				   "what it was granted is answered 423",
				   (long long)settings->nat_expire,
				   (long long)settings->min_expire);
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI,
	.name = "registrar",
	.version = PACKAGE_VERSION,
	.summary = "registers endpoints and asks who calls",
	.parameters = parameters,
	.settings_size = sizeof(struct registrar_settings),
	.check = registrar_check,
	.init = registrar_init,
	.fini = registrar_fini,
	.stages = {.request = registrar_request, .reload = registrar_reload},
};
