/* Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760). A user that does not exist is
 * challenged and refused exactly like a wrong password, so that nobody can list users by asking;
 * `reply_unauthorized: off` gives that up for silence. What each broken credential is answered:
 *
 *	none for our realm, another scheme, algorithm or qop	a challenge
 *	unreadable, a parameter missing or given twice		400
 *	an algorithm that was not offered with that nonce	a challenge
 *	a uri of another user than the Request-URI's		400
 *	wrong user or password					403, and counted
 *	right, but the nonce is old, used up or not ours	a challenge, stale=true
 */
#include "registrar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

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

/* The algorithms for this client, as a set. */
static unsigned offer_for(const struct registrar *registrar, const struct hl_message *message)
{
	unsigned offer = 0;

	for (unsigned i = 0; i < registrar->offer_count; i++)
		offer |= 1u << registrar->offers[i];
	if (offer & 1u << HL_DIGEST_MD5 && wants_md5_only(registrar, message))
		offer = 1u << HL_DIGEST_MD5;
	return offer;
}

/* One challenge for each algorithm of the offer, in the configured order: many clients read only
 * the first (RFC 8760 §2.3). */
static int challenge(struct registrar *registrar, struct hl_transaction *transaction,
		     struct hl_message *message, const struct role *role, unsigned offer,
		     bool stale)
{
	struct hl_message *response =
		hl_message_response(message, role->code, NULL, hl_transaction_tag(transaction));
	char nonce[HL_NONCE_TEXT];
	int failed = 0;

	if (!response)
		return HL_DONE;
	hl_nonce_new(registrar->nonces, offer, nonce);
	for (unsigned i = 0; i < registrar->offer_count && !failed; i++) {
		if (!(offer & 1u << registrar->offers[i]))
			continue;
		hl_text_clear(&registrar->value);
		hl_digest_challenge(registrar->offers[i], realm_of(registrar), nonce, stale,
				    &registrar->value);
		failed = registrar->value.failed ||
			 hl_message_add_header(response, role->challenge,
					       hl_text_string(&registrar->value));
	}
	if (failed) {
		hl_message_free(response);
		hl_transaction_reply(transaction, 500, NULL);
		return HL_DONE;
	}
	hl_transaction_respond_stateless(transaction, response);
	return HL_DONE;
}

/* The credentials for our realm: 0, -ENOENT (there are none, or of a kind we do not offer) or
 * -EBADMSG (unreadable, and no others). */
static int credentials_find(const struct registrar *registrar, const struct hl_message *message,
			    const struct role *role, struct hl_digest *digest)
{
	struct hl_slice realm = hl_slice_of(realm_of(registrar));
	int result = -ENOENT;
	const char *value;

	for (unsigned i = 0; (value = hl_message_header(message, role->credentials, i)); i++) {
		int bad = hl_digest_parse(value, digest);
		if (!bad && hl_slice_equal(digest->realm, realm))
			return 0;
		if (bad == -EBADMSG)
			result = -EBADMSG;
	}
	return result;
}

/* What there is of a user's secret. */
enum secret {
	SECRET_NONE,
	SECRET_KNOWN,
	SECRET_ELSEWHERE, /* a digest, of another algorithm than that asked for */
};

/* The digest that the policy has of its own. */
static enum secret secret_decided(const struct hl_credentials_decision *decision,
				  struct hl_digest *digest, char ha1[HL_DIGEST_HEX])
{
	const char *name = *decision->algorithm ? decision->algorithm : "MD5";
	enum hl_digest_algorithm asked = digest->algorithm;

	snprintf(ha1, HL_DIGEST_HEX, "%.*s", HL_DIGEST_HEX - 1, decision->ha1);
	for (unsigned i = 0; i < HL_DIGEST_ALGORITHMS; i++)
		if (!strcasecmp(name, hl_digest_name(i)))
			digest->algorithm = i;
	return digest->algorithm == asked ? SECRET_KNOWN : SECRET_ELSEWHERE;
}

/* The digest that the database has. A response to none is reckoned all the same: how long it takes
 * tells nobody who exists. */
static enum secret secret_subscribed(const struct registrar *registrar, struct hl_digest *digest,
				     char ha1[HL_DIGEST_HEX])
{
	int found = hl_switch_subscriber_ha1(registrar->holdline, digest->username,
					     &digest->algorithm, ha1);

	if (found == -ENOENT)
		hl_digest_ha1(digest->algorithm, digest->username, digest->realm,
			      HL_SLICE_LITERAL(""), ha1);
	return found == -ENOENT ? SECRET_NONE : found ? SECRET_ELSEWHERE : SECRET_KNOWN;
}

/* The digest of user, realm and password: the policy's, the account's, else the database's. Of
 * SECRET_ELSEWHERE sets digest->algorithm to the one there is. */
static enum secret secret_find(const struct registrar *registrar, struct hl_digest *digest,
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
		if (*decision.ha1)
			return secret_decided(&decision, digest, ha1);
		password = hl_slice_of(decision.password);
	}
	if (!password.length)
		return secret_subscribed(registrar, digest, ha1);
	hl_digest_ha1(digest->algorithm, digest->username, digest->realm, password, ha1);
	return SECRET_KNOWN;
}

bool registrar_knows(struct registrar *registrar, struct hl_slice user)
{
	const struct hl_config *config = hl_switch_config(registrar->holdline);
	struct hl_credentials_decision decision;
	char text[REGISTRAR_USER + 1];

	if (!user.length || user.length > REGISTRAR_USER)
		return false;
	return hl_config_account(config, user) ||
	       hl_decide_credentials(registrar->holdline, registrar_text(text, sizeof(text), user),
				     config->settings.realm, &decision);
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
	char address[HL_ADDRESS_TEXT];

	if (!suspension_count(&registrar->suspensions, user, source,
			      (unsigned)settings->auth_max_retry, (unsigned)settings->auth_suspend))
		return registrar_reject(registrar, transaction, user, 403, NULL,
					"wrong password or unknown user");
	hl_log(HL_LOG_WARN, "registrar", "suspended", hl_sl("user", user),
	       hl_str("source", hl_address_host(source, address)),
	       hl_int("seconds", settings->auth_suspend));
	return reject_suspended(registrar, transaction, user, (unsigned)settings->auth_suspend);
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

/* Whether the credentials are for this request. Proxies rewrite hosts, so only the user parts are
 * compared, and not those of a REGISTER, whose Request-URI has none (RFC 3261 §22.4 leaves it to
 * the server). */
static bool uri_fits(const struct hl_digest *digest, const struct hl_message *message)
{
	char plain[2][HL_USER_PLAIN];
	struct hl_uri said, meant;

	if (hl_uri_parse(digest->uri, &said) || hl_message_request_uri_parts(message, &meant))
		return false;
	return hl_message_method(message) == HL_METHOD_REGISTER ||
	       hl_slice_equal(hl_uri_user_plain(said.user, plain[0], sizeof(plain[0])),
			      hl_uri_user_plain(meant.user, plain[1], sizeof(plain[1])));
}

/* The password is judged before the nonce: stale=true says "right, but too late" (RFC 7616 §3.3),
 * and a guesser with old nonces is counted like any other. */
static int verify(struct registrar *registrar, struct hl_transaction *transaction,
		  struct hl_message *message, const struct role *role, struct hl_digest *digest)
{
	const struct hl_address *source = &hl_transaction_flow(transaction)->remote;
	unsigned mine = offer_for(registrar, message), offered = mine;
	char ha1[HL_DIGEST_HEX];

	hl_nonce_check(registrar->nonces, digest->nonce, &offered);
	if (!(offered & mine & 1u << digest->algorithm))
		return challenge(registrar, transaction, message, role, mine, false);
	if (!uri_fits(digest, message))
		return registrar_reject(registrar, transaction, digest->username, 400,
					"Bad Credentials", "credentials for another uri");
	enum secret secret = secret_find(registrar, digest, ha1);
	if (secret == SECRET_NONE && !registrar->settings->reply_unauthorized &&
	    !registrar_knows(registrar, digest->username))
		return registrar_ignore(registrar, transaction, digest->username, "unknown user");
	if (secret == SECRET_ELSEWHERE && mine & 1u << digest->algorithm)
		return challenge(registrar, transaction, message, role, 1u << digest->algorithm,
				 false);
	if (secret == SECRET_ELSEWHERE)
		return registrar_reject(registrar, transaction, digest->username, 403, NULL,
					"has a digest of an algorithm that is not offered");
	bool right = hl_digest_verify(digest, hl_message_method_text(message), ha1);
	if (secret == SECRET_NONE || !right)
		return reject_wrong(registrar, transaction, digest->username, source);
	if (hl_nonce_use(registrar->nonces, digest->nonce, nonce_count(digest)) != HL_NONCE_GOOD)
		return challenge(registrar, transaction, message, role, mine, true);
	suspension_clear(&registrar->suspensions, digest->username, source);
	return HL_NEXT;
}

static int authenticate(struct registrar *registrar, struct hl_transaction *transaction,
			struct hl_message *message, const struct role *role,
			struct hl_slice claimed, struct hl_slice *user)
{
	const struct hl_address *source = &hl_transaction_flow(transaction)->remote;
	struct hl_digest digest;
	int found = credentials_find(registrar, message, role, &digest);

	if (found && !registrar->settings->reply_unauthorized &&
	    !registrar_knows(registrar, claimed))
		return registrar_ignore(registrar, transaction, claimed, "unknown user");
	if (found == -EBADMSG)
		return registrar_reject(registrar, transaction, claimed, 400, "Bad Credentials",
					"unreadable credentials");
	if (found)
		return challenge(registrar, transaction, message, role,
				 offer_for(registrar, message), false);
	unsigned left = suspension_left(&registrar->suspensions, digest.username, source);
	if (left)
		return reject_suspended(registrar, transaction, digest.username, left);
	int result = verify(registrar, transaction, message, role, &digest);
	*user = digest.username;
	return result;
}

/* Without authentication: whoever is registered from there, else who he says he is, if we know him.
 */
static int believe(struct registrar *registrar, struct hl_transaction *transaction,
		   struct hl_message *message, struct hl_slice claimed, struct hl_slice *user)
{
	const struct hl_config *config = hl_switch_config(registrar->holdline);
	bool registers = hl_message_method(message) == HL_METHOD_REGISTER;
	struct hl_endpoints *table = hl_switch_endpoints(registrar->holdline);
	struct hl_contact *contact =
		registers ? NULL : hl_contact_by_flow(table, hl_transaction_flow(transaction));

	if (contact) {
		*user = hl_slice_of(hl_contact_user(contact));
		return HL_NEXT;
	}
	*user = claimed;
	if (hl_config_account(config, *user))
		return HL_NEXT;
	return registrar_reject_stranger(registrar, transaction, *user, 403,
					 "not a configured endpoint");
}

int registrar_identify(struct registrar *registrar, struct hl_transaction *transaction,
		       struct hl_message *message, struct hl_slice claimed, struct hl_slice *user)
{
	bool registers = hl_message_method(message) == HL_METHOD_REGISTER;

	if (!registrar->settings->auth)
		return believe(registrar, transaction, message, claimed, user);
	return authenticate(registrar, transaction, message,
			    registers ? &registrar_role : &proxy_role, claimed, user);
}
