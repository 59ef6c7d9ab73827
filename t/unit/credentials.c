/* Credentials: challenges of all sorts, what is answered to them, and what is not. */
#include "sip/credentials.h"

#include "base/memory.h"

#include "tap.h"

#include <errno.h>
#include <stdio.h>

static struct hl_message *parse(const char *start, const char *headers)
{
	char text[2048];
	struct hl_message *message = NULL;
	struct hl_error error;

	snprintf(text, sizeof(text),
		 "%s\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
		 "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
		 start, headers);
	if (hl_message_parse(hl_slice_of(text), &message, &error) < 0)
		diag("%s", error.text);
	return message;
}

static struct hl_message *answer(const char *headers)
{
	return parse("SIP/2.0 401 Unauthorized", headers);
}

static struct hl_message *request(void)
{
	return parse("REGISTER sip:b SIP/2.0", "");
}

static const struct {
	const char *headers;
	int result;
	enum hl_digest_algorithm algorithm;
	bool stale;
	const char *name;
} challenges[] = {
	{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", 0, HL_DIGEST_MD5, false,
	 "the form of RFC 2069"},
	{"WWW-Authenticate: digest nonce=\"n\", realm=\"r\", algorithm=sha-256, qop=\"auth\", "
	 "stale=TRUE\r\n",
	 0, HL_DIGEST_SHA256, true, "SHA-256, stale, in any case and order"},
	{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256\r\n"
	 "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5\r\n",
	 0, HL_DIGEST_MD5, false, "the first that is known"},
	{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n"
	 "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5\r\n",
	 0, HL_DIGEST_SHA256, false, "the topmost of two"},
	{"WWW-Authenticate: Basic realm=\"r\"\r\n", -ENOTSUP, 0, false, "another scheme"},
	{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"\r\n", -ENOTSUP, 0,
	 false, "only auth-int"},
	{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\r\n", -ENOTSUP, 0, false,
	 "an open quote"},
	{"WWW-Authenticate: Digest realm=\"r\"\r\n", -ENOTSUP, 0, false, "no nonce"},
	{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", nonce=\"m\"\r\n", -ENOTSUP, 0, false,
	 "two nonces"},
	{"Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", -ENOTSUP, 0, false,
	 "a proxy's challenge in a 401"},
	{"", -ENOTSUP, 0, false, "none at all"},
};

static void check_challenges(void)
{
	for (size_t i = 0; i < HL_COUNT(challenges); i++) {
		struct hl_credentials credentials;
		struct hl_message *message = answer(challenges[i].headers);
		bool stale = false;

		hl_credentials_init(&credentials);
		is_int(hl_credentials_challenged(&credentials, message, &stale),
		       challenges[i].result, "%s", challenges[i].name);
		if (!challenges[i].result) {
			is_int(credentials.algorithm, challenges[i].algorithm, "its algorithm");
			is_int(stale, challenges[i].stale, "whether it is stale");
		}
		hl_credentials_fini(&credentials);
		hl_message_free(message);
	}
}

/* What is sent is what our own registrar would accept. */
static bool accepted(const struct hl_message *message, const char *password, struct hl_digest *got)
{
	const char *value = hl_message_header(message, "Authorization", 0);
	char ha1[HL_DIGEST_HEX];

	if (!value || hl_digest_parse(value, got) < 0)
		return false;
	hl_digest_ha1(got->algorithm, got->username, got->realm, hl_slice_of(password), ha1);
	return hl_digest_verify(got, "REGISTER", ha1);
}

static void check_answers(void)
{
	struct hl_credentials credentials;
	struct hl_message *challenge = answer("WWW-Authenticate: Digest realm=\"a \\\"r\\\"\", "
					      "nonce=\"n1\", opaque=\"\", qop=\"auth,auth-int\"\r\n");
	struct hl_message *message = request();
	struct hl_digest got = {0};
	bool stale;

	hl_credentials_init(&credentials);
	is_int(hl_credentials_apply(&credentials, message, "u", "p"), 0, "nothing was asked");
	ok(!hl_message_header(message, "Authorization", 0), "so nothing is said");
	hl_credentials_challenged(&credentials, challenge, &stale);
	is_int(hl_credentials_apply(&credentials, message, "u", "p"), 0, "it is answered");
	ok(accepted(message, "p", &got), "rightly");
	ok(!accepted(message, "q", &got), "and for that password only");
	ok(hl_slice_equal(got.realm, HL_SLICE_LITERAL("a \\\"r\\\"")), "the realm as it was quoted");
	ok(hl_slice_equal(got.uri, HL_SLICE_LITERAL("sip:b")), "for the Request-URI");
	ok(hl_slice_equal(got.nc, HL_SLICE_LITERAL("00000001")), "the first of its nonce");
	ok(got.opaque.data != NULL, "an empty opaque goes back");
	hl_credentials_apply(&credentials, message, "u", "p");
	ok(!hl_message_header(message, "Authorization", 1), "a second answer replaces the first");
	ok(accepted(message, "p", &got) && hl_slice_equal(got.nc, HL_SLICE_LITERAL("00000002")),
	   "with the next count");
	hl_credentials_apply(&credentials, message, "we\"ird\\", "p");
	ok(strstr(hl_message_header(message, "Authorization", 0), "username=\"we\\\"ird\\\\\""),
	   "quotes of the user are escaped");
	hl_message_free(message);
	hl_message_free(challenge);
	hl_credentials_fini(&credentials);
}

int main(void)
{
	check_challenges();
	check_answers();
	return done_testing();
}
