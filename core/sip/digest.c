/* Digest authentication (RFC 7616; RFC 8760 for SIP), the arithmetic: credentials read, responses
 * verified, challenges written. qop=auth is what we offer; credentials without qop are accepted in
 * the form of RFC 2617 for MD5, because old phones answer so. */
#include "sip/digest.h"

#include <ctype.h>
#include <errno.h>

/* The plain functions of the hashes: EVP's way to texts so short costs half as much again. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

enum {
	NC_DIGITS = 8,
	SEEN_PARAMETERS = 32, /* parameters that credentials may have */
};

static void hash_md5(const struct hl_slice *parts, size_t count, unsigned char *digest)
{
	MD5_CTX context;

	MD5_Init(&context);
	for (size_t i = 0; i < count; i++) {
		MD5_Update(&context, ":", i > 0);
		MD5_Update(&context, parts[i].data, parts[i].length);
	}
	MD5_Final(digest, &context);
}

static void hash_sha256(const struct hl_slice *parts, size_t count, unsigned char *digest)
{
	SHA256_CTX context;

	SHA256_Init(&context);
	for (size_t i = 0; i < count; i++) {
		SHA256_Update(&context, ":", i > 0);
		SHA256_Update(&context, parts[i].data, parts[i].length);
	}
	SHA256_Final(digest, &context);
}

static const struct algorithm {
	const char *name;
	size_t digits; /* of a digest in hexadecimal */
	/* Hashes the parts, joined by colons. */
	void (*hash)(const struct hl_slice *parts, size_t count, unsigned char *digest);
} algorithms[] = {
	[HL_DIGEST_MD5] = {"MD5", 2 * MD5_DIGEST_LENGTH, hash_md5},
	[HL_DIGEST_SHA256] = {"SHA-256", 2 * SHA256_DIGEST_LENGTH, hash_sha256},
};

#define FIELD(text, field)                                                                         \
	{                                                                                          \
		{text, sizeof(text) - 1}, offsetof(struct hl_digest, field)                        \
	}

/* Parameters of credentials, and where they go. */
static const struct {
	struct hl_slice name;
	size_t offset;
} fields[] = {
	FIELD("username", username), FIELD("realm", realm),   FIELD("nonce", nonce),
	FIELD("uri", uri),	     FIELD("response", response), FIELD("cnonce", cnonce),
	FIELD("nc", nc),	     FIELD("qop", qop),	      FIELD("opaque", opaque),
	FIELD("algorithm", name),
};

const char *hl_digest_name(enum hl_digest_algorithm algorithm)
{
	return (unsigned)algorithm < HL_COUNT(algorithms) ? algorithms[algorithm].name : "";
}

/* Hashes the parts, joined by colons, into lower-case hexadecimal. */
static void hash(enum hl_digest_algorithm which, const struct hl_slice *parts, size_t count,
		 char hex[HL_DIGEST_HEX])
{
	const struct algorithm *algorithm = &algorithms[which];
	unsigned char digest[SHA256_DIGEST_LENGTH];

	algorithm->hash(parts, count, digest);
	for (size_t i = 0; i < algorithm->digits / 2; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	hex[algorithm->digits] = '\0';
}

void hl_digest_ha1(enum hl_digest_algorithm algorithm, struct hl_slice user, struct hl_slice realm,
		   struct hl_slice password, char ha1[HL_DIGEST_HEX])
{
	const struct hl_slice parts[] = {user, realm, password};

	hash(algorithm, parts, HL_COUNT(parts), ha1);
}

void hl_digest_response(const struct hl_digest *digest, const char *method, const char *ha1,
			char response[HL_DIGEST_HEX])
{
	char ha2[HL_DIGEST_HEX];
	const struct hl_slice request[] = {hl_slice_of(method), digest->uri};

	hash(digest->algorithm, request, HL_COUNT(request), ha2);
	if (digest->qop.length) {
		const struct hl_slice parts[] = {hl_slice_of(ha1), digest->nonce, digest->nc,
						 digest->cnonce,   digest->qop,	  hl_slice_of(ha2)};

		hash(digest->algorithm, parts, HL_COUNT(parts), response);
	} else {
		const struct hl_slice parts[] = {hl_slice_of(ha1), digest->nonce, hl_slice_of(ha2)};

		hash(digest->algorithm, parts, HL_COUNT(parts), response);
	}
}

bool hl_digest_verify(const struct hl_digest *digest, const char *method, const char *ha1)
{
	size_t digits = algorithms[digest->algorithm].digits;
	char want[HL_DIGEST_HEX], got[HL_DIGEST_HEX];

	if (digest->response.length != digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		got[i] = (char)tolower((unsigned char)digest->response.data[i]);
	hl_digest_response(digest, method, ha1, want);
	return !CRYPTO_memcmp(want, got, digits);
}

/* The end of a quoted string: its closing quote, NULL when there is none. */
static const char *quoted_end(const char *text, size_t length)
{
	const char *end = text + length, *quote = memchr(text, '"', length);

	if (!quote || !memchr(text, '\\', (size_t)(quote - text)))
		return quote;
	while (text < end && *text != '"')
		text += *text == '\\' ? 2 : 1;
	return text < end ? text : NULL;
}

/* Takes `name=value` or `name="value"` and the comma behind it off `*rest`. 0 or -EBADMSG. */
static int take_parameter(struct hl_slice *rest, struct hl_slice *name, struct hl_slice *value)
{
	const char *end;

	*name = hl_slice_trim(hl_slice_cut(rest, '='));
	while (rest->length && (*rest->data == ' ' || *rest->data == '\t')) {
		rest->data++;
		rest->length--;
	}
	if (!rest->length || !name->length)
		return -EBADMSG;
	if (*rest->data != '"') {
		*value = hl_slice_trim(hl_slice_cut(rest, ','));
		return value->length ? 0 : -EBADMSG;
	}
	end = quoted_end(rest->data + 1, rest->length - 1);
	if (!end)
		return -EBADMSG;
	*value = (struct hl_slice){rest->data + 1, (size_t)(end - rest->data - 1)};
	rest->length -= (size_t)(end + 1 - rest->data);
	rest->data = end + 1;
	return hl_slice_trim(hl_slice_cut(rest, ',')).length ? -EBADMSG : 0;
}

static int set_algorithm(struct hl_digest *digest)
{
	if (!digest->name.data)
		return 0;
	for (unsigned i = 0; i < HL_COUNT(algorithms); i++) {
		if (hl_slice_equal_nocase(digest->name, hl_slice_of(algorithms[i].name))) {
			digest->algorithm = i;
			return 0;
		}
	}
	return -ENOTSUP;
}

static int set_field(struct hl_digest *digest, struct hl_slice name, struct hl_slice value)
{
	for (size_t i = 0; i < HL_COUNT(fields); i++) {
		struct hl_slice *field =
			(struct hl_slice *)(void *)((char *)digest + fields[i].offset);

		if (name.length != fields[i].name.length ||
		    !hl_slice_equal_nocase(name, fields[i].name))
			continue;
		if (field->data)
			return -EBADMSG; /* given twice: which one would be checked? */
		*field = value;
		return 0;
	}
	return 0; /* others are to be ignored (RFC 7616 §3.4) */
}

static bool is_hex(struct hl_slice text, size_t digits)
{
	for (size_t i = 0; i < text.length; i++)
		if (!isxdigit((unsigned char)text.data[i]))
			return false;
	return text.length == digits;
}

static int check(const struct hl_digest *digest)
{
	if (!digest->username.data || !digest->realm.data || !digest->nonce.length ||
	    !digest->uri.length || !is_hex(digest->response, algorithms[digest->algorithm].digits))
		return -EBADMSG;
	if (!digest->qop.data)
		return digest->algorithm == HL_DIGEST_MD5 ? 0 : -EBADMSG;
	if (!hl_slice_equal_nocase(digest->qop, HL_SLICE_LITERAL("auth")))
		return -ENOTSUP;
	return digest->cnonce.length && is_hex(digest->nc, NC_DIGITS) ? 0 : -EBADMSG;
}

int hl_digest_parse(const char *header, struct hl_digest *parsed)
{
	struct hl_slice rest = hl_slice_trim(hl_slice_of(header));
	struct hl_slice scheme = hl_slice_cut(&rest, ' '), name, value;
	struct hl_digest digest = {.algorithm = HL_DIGEST_MD5};
	int error;

	if (!hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("Digest")))
		return -ENOTSUP;
	rest = hl_slice_trim(rest);
	for (int i = 0; rest.length; i++) {
		error = i == SEEN_PARAMETERS ? -EBADMSG : take_parameter(&rest, &name, &value);
		if (!error)
			error = set_field(&digest, name, value);
		if (error)
			return error;
	}
	error = set_algorithm(&digest);
	if (!error)
		error = check(&digest);
	if (!error)
		*parsed = digest;
	return error;
}

/* Whether a challenge's qop lists auth. */
static bool lists_auth(struct hl_slice qop)
{
	while (qop.length)
		if (hl_slice_equal_nocase(hl_slice_trim(hl_slice_cut(&qop, ',')),
					  HL_SLICE_LITERAL("auth")))
			return true;
	return false;
}

int hl_digest_parse_challenge(const char *header, struct hl_digest *parsed, bool *stale)
{
	struct hl_slice rest = hl_slice_trim(hl_slice_of(header));
	struct hl_slice scheme = hl_slice_cut(&rest, ' '), name, value;
	struct hl_digest challenge = {.algorithm = HL_DIGEST_MD5};
	bool old = false;

	if (!hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("Digest")))
		return -ENOTSUP;
	rest = hl_slice_trim(rest);
	for (int i = 0; rest.length; i++) {
		int error = i == SEEN_PARAMETERS ? -EBADMSG : take_parameter(&rest, &name, &value);
		if (!error)
			error = set_field(&challenge, name, value);
		if (error)
			return error;
		if (hl_slice_equal_nocase(name, HL_SLICE_LITERAL("stale")))
			old = hl_slice_equal_nocase(value, HL_SLICE_LITERAL("true"));
	}
	if (!challenge.realm.data || !challenge.nonce.length)
		return -EBADMSG;
	if (set_algorithm(&challenge))
		return -ENOTSUP;
	if (challenge.qop.data && !lists_auth(challenge.qop))
		return -ENOTSUP;
	*parsed = challenge;
	*stale = old;
	return 0;
}

static void put_quoted(struct hl_text *text, const char *string)
{
	while (*string) {
		size_t plain = strcspn(string, "\"\\");

		hl_text_append(text, string, plain);
		string += plain;
		if (*string) {
			hl_text_append(text, "\\", 1);
			hl_text_append(text, string++, 1);
		}
	}
}

void hl_digest_challenge(enum hl_digest_algorithm algorithm, const char *realm, const char *nonce,
			 bool stale, struct hl_text *value)
{
	hl_text_put(value, "Digest realm=\"");
	put_quoted(value, realm);
	hl_text_put(value, "\", nonce=\"");
	hl_text_put(value, nonce);
	hl_text_put(value, "\", algorithm=");
	hl_text_put(value, hl_digest_name(algorithm));
	hl_text_put(value, stale ? ", qop=\"auth\", stale=true" : ", qop=\"auth\"");
}
