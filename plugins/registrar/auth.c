/* Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760). A user that does not exist is
 * challenged and refused exactly like a wrong password, so that nobody can list users by asking. */
#include "registrar.h"

#include <stdio.h>
#include <stdlib.h>

/* Which headers carry it: a registrar's own, or a proxy's. */
struct role {
	int code;
	const char *challenge, *credentials;
};

static const struct role registrar_role = {401, "WWW-Authenticate", "Authorization"};
static const struct role proxy_role = {407, "Proxy-Authenticate", "Proxy-Authorization"};

static const char *realm_of(const struct registrar *registrar)
{
	return hl_switch_config(registrar->holdline)->settings.realm;
}

/* RFC 7616 §3.7 lets a client skip what it does not know; some refuse the whole answer instead. */
static bool wants_md5_only(const struct registrar *registrar, const struct hl_message *message)
{
	const struct hl_strings *globs = &registrar->settings->auth_md5_only;
	const char *agent = hl_message_header(message, "User-Agent", 0);

	for (size_t i = 0; agent && i < globs->count; i++)
		if (hl_slice_glob(hl_slice_of(globs->items[i]), hl_slice_of(agent)))
			return true;
	return false;
}

/* Challenges with every algorithm; MD5 first, as many clients read only the first (RFC 8760 §2.3).
 */
static int challenge(struct registrar *registrar, struct hl_transaction *transaction,
		     struct hl_message *message, const struct role *role, bool stale)
{
	struct hl_message *response =
		hl_message_response(message, role->code, NULL, hl_transaction_tag(transaction));
	int count = wants_md5_only(registrar, message) ? HL_DIGEST_MD5 + 1 : HL_DIGEST_ALGORITHMS;
	char nonce[HL_NONCE_TEXT];
	int failed = 0;

	if (!response)
		return HL_DONE;
	hl_nonce_new(registrar->nonces, nonce);
	for (int i = 0; i < count && !failed; i++) {
		hl_text_clear(&registrar->value);
		hl_digest_challenge(i, realm_of(registrar), nonce, stale, &registrar->value);
		failed = registrar->value.failed ||
			 hl_message_add_header(response, role->challenge,
					       hl_text_string(&registrar->value));
	}
	if (failed) {
		hl_message_free(response);
		hl_transaction_reply(transaction, 500, NULL);
		return HL_DONE;
	}
	hl_transaction_respond(transaction, response);
	return HL_DONE;
}

/* The credentials for our realm, if there are any. */
static bool credentials_find(const struct registrar *registrar, const struct hl_message *message,
			     const struct role *role, struct hl_digest *digest)
{
	struct hl_slice realm = hl_slice_of(realm_of(registrar));
	const char *value;

	for (unsigned i = 0; (value = hl_message_header(message, role->credentials, i)); i++)
		if (!hl_digest_parse(value, digest) && hl_slice_equal(digest->realm, realm))
			return true;
	return false;
}

/* The digest of user, realm and password: the policy's, else the account's. False: there is none.
 */
static bool secret_find(const struct registrar *registrar, const struct hl_digest *digest,
			char ha1[HL_DIGEST_HEX])
{
	const struct hl_config *config = hl_switch_config(registrar->holdline);
	const struct hl_account *account = hl_config_account(config, digest->username);
	struct hl_slice password = hl_slice_of(account ? account->password : "");
	struct hl_credentials_decision decision;
	char user[REGISTRAR_USER + 1];

	if (digest->username.length <= REGISTRAR_USER &&
	    hl_decide_credentials(registrar->holdline,
				  registrar_text(user, sizeof(user), digest->username),
				  config->settings.realm, &decision)) {
		if (*decision.ha1) {
			snprintf(ha1, HL_DIGEST_HEX, "%.*s", HL_DIGEST_HEX - 1, decision.ha1);
			return hl_slice_equal_nocase(
				hl_slice_of(*decision.algorithm ? decision.algorithm : "MD5"),
				hl_slice_of(hl_digest_name(digest->algorithm)));
		}
		password = hl_slice_of(decision.password);
	}
	hl_digest_ha1(digest->algorithm, digest->username, digest->realm, password, ha1);
	return password.length > 0;
}

static int reject_suspended(struct registrar *registrar, struct hl_transaction *transaction,
			    struct hl_slice user, unsigned seconds)
{
	char value[16];

	snprintf(value, sizeof(value), "%u", seconds);
	return registrar_reject_with(registrar, transaction, user, 403, "Retry-After", value,
				     "suspended after wrong passwords");
}

static int reject_wrong(struct registrar *registrar, struct hl_transaction *transaction,
			struct hl_slice user, const struct hl_address *source)
{
	const struct registrar_settings *settings = registrar->settings;

	if (suspension_count(&registrar->suspensions, user, source,
			     (unsigned)settings->auth_max_retry, (unsigned)settings->auth_suspend))
		return reject_suspended(registrar, transaction, user,
					(unsigned)settings->auth_suspend);
	return registrar_reject(registrar, transaction, user, 403, NULL,
				"wrong password or unknown user");
}

/* The nonce-count; a response without one may use its nonce once. */
static uint32_t nonce_count(const struct hl_digest *digest)
{
	char text[9] = "";

	if (!digest->nc.length || digest->nc.length >= sizeof(text))
		return 1;
	memcpy(text, digest->nc.data, digest->nc.length);
	return (uint32_t)strtoul(text, NULL, 16);
}

/* The password is judged before the nonce: stale=true says "right, but too late" (RFC 7616 §3.3),
 * and a guesser with old nonces is counted like any other. */
static int authenticate(struct registrar *registrar, struct hl_transaction *transaction,
			struct hl_message *message, const struct role *role, struct hl_slice *user)
{
	const struct hl_address *source = &hl_transaction_flow(transaction)->remote;
	struct hl_digest digest;
	char ha1[HL_DIGEST_HEX];

	if (!credentials_find(registrar, message, role, &digest))
		return challenge(registrar, transaction, message, role, false);
	unsigned left = suspension_left(&registrar->suspensions, digest.username, source);
	if (left)
		return reject_suspended(registrar, transaction, digest.username, left);
	bool known = secret_find(registrar, &digest, ha1);
	bool right = hl_digest_verify(&digest, hl_message_method_text(message), ha1);
	if (!known || !right)
		return reject_wrong(registrar, transaction, digest.username, source);
	if (hl_nonce_use(registrar->nonces, digest.nonce, nonce_count(&digest)) != HL_NONCE_GOOD)
		return challenge(registrar, transaction, message, role, true);
	suspension_clear(&registrar->suspensions, digest.username, source);
	*user = digest.username;
	return HL_NEXT;
}

/* Without authentication: whoever is registered from there, else who he says he is, if we know him.
 */
static int believe(struct registrar *registrar, struct hl_transaction *transaction,
		   struct hl_message *message, struct hl_slice *user)
{
	const struct hl_config *config = hl_switch_config(registrar->holdline);
	bool registers = hl_message_method(message) == HL_METHOD_REGISTER;
	struct hl_endpoints *table = hl_switch_endpoints(registrar->holdline);
	struct hl_contact *contact =
		registers ? NULL : hl_contact_by_flow(table, hl_transaction_flow(transaction));
	struct hl_uri uri = {.user = {"", 0}};

	if (contact) {
		*user = hl_slice_of(hl_contact_user(contact));
		return HL_NEXT;
	}
	if (registers)
		hl_message_to_uri(message, &uri);
	else
		hl_message_from_uri(message, &uri);
	if (!hl_config_account(config, uri.user))
		return registrar_reject(registrar, transaction, uri.user, 403, NULL,
					"not a configured endpoint");
	*user = uri.user;
	return HL_NEXT;
}

int registrar_identify(struct registrar *registrar, struct hl_transaction *transaction,
		       struct hl_message *message, struct hl_slice *user)
{
	bool registers = hl_message_method(message) == HL_METHOD_REGISTER;

	if (!registrar->settings->auth)
		return believe(registrar, transaction, message, user);
	return authenticate(registrar, transaction, message,
			    registers ? &registrar_role : &proxy_role, user);
}
