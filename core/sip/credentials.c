/* Answers to challenges. Realm, nonce and opaque go back as they were quoted; user and password are
 * ours. */
#include "sip/credentials.h"

#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <stdio.h>

void hl_credentials_init(struct hl_credentials *credentials)
{
	*credentials = (struct hl_credentials){0};
}

void hl_credentials_fini(struct hl_credentials *credentials)
{
	hl_free(credentials->realm);
	hl_free(credentials->nonce);
	hl_free(credentials->opaque);
	*credentials = (struct hl_credentials){0};
}

int hl_credentials_challenged(struct hl_credentials *credentials, const struct hl_message *response,
			      bool *stale)
{
	bool proxy = hl_message_status(response) == 407;
	const char *name = proxy ? "Proxy-Authenticate" : "WWW-Authenticate", *value;
	struct hl_digest challenge;

	for (unsigned i = 0; (value = hl_message_header(response, name, i)); i++) {
		struct hl_credentials fresh = {.proxy = proxy};

		if (hl_digest_parse_challenge(value, &challenge, stale) < 0)
			continue;
		fresh.algorithm = challenge.algorithm;
		fresh.qop = challenge.qop.length > 0;
		fresh.has_opaque = challenge.opaque.data != NULL;
		fresh.realm = hl_slice_copy(challenge.realm);
		fresh.nonce = hl_slice_copy(challenge.nonce);
		fresh.opaque = hl_slice_copy(challenge.opaque);
		if (!fresh.realm || !fresh.nonce || !fresh.opaque) {
			hl_credentials_fini(&fresh);
			return -ENOMEM;
		}
		hl_credentials_fini(credentials);
		*credentials = fresh;
		return 0;
	}
	return -ENOTSUP;
}

/* A quoted-string of ours (RFC 3261 §25.1). */
static void put_quoted(struct hl_text *text, const char *name, const char *string)
{
	hl_text_printf(text, "%s=\"", name);
	for (; *string; string++) {
		if (*string == '"' || *string == '\\')
			hl_text_put(text, "\\");
		hl_text_append(text, string, 1);
	}
	hl_text_put(text, "\"");
}

int hl_credentials_apply(struct hl_credentials *credentials, struct hl_message *request,
			 const char *user, const char *password)
{
	char ha1[HL_DIGEST_HEX], response[HL_DIGEST_HEX], cnonce[25], count[9];
	const char *uri = hl_message_request_uri(request);
	struct hl_digest digest = {.algorithm = credentials->algorithm, .uri = hl_slice_of(uri)};
	struct hl_text value;
	int result;

	if (!credentials->nonce)
		return 0;
	hl_random_token(cnonce, sizeof(cnonce));
	snprintf(count, sizeof(count), "%08x", ++credentials->count);
	digest.realm = hl_slice_of(credentials->realm);
	digest.nonce = hl_slice_of(credentials->nonce);
	if (credentials->qop) {
		digest.nc = hl_slice_of(count);
		digest.cnonce = hl_slice_of(cnonce);
		digest.qop = HL_SLICE_LITERAL("auth");
	}
	hl_digest_ha1(digest.algorithm, hl_slice_of(user), digest.realm, hl_slice_of(password),
		      ha1);
	hl_digest_response(&digest, hl_message_method_text(request), ha1, response);
	hl_text_init(&value);
	hl_text_put(&value, "Digest ");
	put_quoted(&value, "username", user);
	hl_text_printf(&value, ", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\"",
		       credentials->realm, credentials->nonce, uri, response);
	hl_text_printf(&value, ", algorithm=%s", hl_digest_name(digest.algorithm));
	if (credentials->qop)
		hl_text_printf(&value, ", cnonce=\"%s\", qop=auth, nc=%s", cnonce, count);
	if (credentials->has_opaque)
		hl_text_printf(&value, ", opaque=\"%s\"", credentials->opaque);
	result = value.failed ? -ENOMEM
			      : hl_message_set_header(request,
						      credentials->proxy ? "Proxy-Authorization"
									 : "Authorization",
						      hl_text_string(&value));
	hl_text_fini(&value);
	return result;
}
