/* Digest: the examples of the RFCs, what credentials must have, and nonces that expire, cannot be
 * forged and count every request once. */
#include "sip/digest.h"

#include "base/clock.h"
#include "base/memory.h"
#include "loop/timer.h"

#include "tap.h"

#include <errno.h>
#include <stdlib.h>

#define MUFASA(rest) "Digest username=\"Mufasa\", " rest
#define RFC7616                                                                                    \
	MUFASA("realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "                        \
	       "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "             \
	       "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, ")
#define MD5_RESPONSE "8ca523f5e9506fed4657c9700eebdbec"
#define SHA256_RESPONSE "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
#define RFC2617                                                                                    \
	MUFASA("realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "      \
	       "uri=\"/dir/index.html\", ")

static const struct {
	const char *header, *password;
	bool right;
	const char *name;
} responses[] = {
	{RFC7616 "response=\"" MD5_RESPONSE "\", algorithm=MD5", "Circle of Life", true,
	 "RFC 7616 §3.9.1, MD5"},
	{RFC7616 "response=\"" SHA256_RESPONSE "\", algorithm=SHA-256", "Circle of Life", true,
	 "RFC 7616 §3.9.1, SHA-256"},
	{RFC7616 "response=\"8CA523F5E9506FED4657C9700EEBDBEC\"", "Circle of Life", true,
	 "MD5 when none is named, capital letters"},
	{RFC2617 "qop=auth, nc=00000001, cnonce=\"0a4f113b\", opaque=\"5ccc\", "
		 "response=\"6629fae49393a05397450978507c4ef1\"",
	 "Circle Of Life", true, "RFC 2617 §3.5"},
	{RFC2617 "response=\"670fd8c2df070c60b045671b8b24ff02\"", "Circle Of Life", true,
	 "without qop"},
	{RFC7616 "response=\"" MD5_RESPONSE "\"", "circle of life", false, "another password"},
	{RFC7616 "response=\"8ca523f5e9506fed4657c9700eebdbed\"", "Circle of Life", false,
	 "another response"},
	{RFC7616 "response=\"" SHA256_RESPONSE "\", algorithm=SHA-256", "", false, "no password"},
};

static void check_responses(void)
{
	for (size_t i = 0; i < HL_COUNT(responses); i++) {
		struct hl_digest digest;
		char ha1[HL_DIGEST_HEX];

		if (!is_int(hl_digest_parse(responses[i].header, &digest), 0, "%s: is read",
			    responses[i].name))
			continue;
		hl_digest_ha1(digest.algorithm, digest.username, digest.realm,
			      hl_slice_of(responses[i].password), ha1);
		is_int(hl_digest_verify(&digest, "GET", ha1), responses[i].right, "%s: %s",
		       responses[i].name, responses[i].right ? "right" : "wrong");
		ok(!hl_digest_verify(&digest, "POST", ha1), "wrong for another method");
	}
}

/* The same text cut at each of its colons: parts of any length make the digest of the whole. */
static void check_lengths(void)
{
	enum { WORD = 7, WORDS = 172 };
	char text[WORD * WORDS + 1], ha1[HL_DIGEST_HEX];
	int right = 0;

	for (int i = 0; i < WORDS; i++)
		memcpy(text + WORD * i, "xxxxxx:", WORD + 1);
	for (int i = 1; i <= WORDS; i++) {
		struct hl_slice user = {text, (size_t)(WORD * i - 1)};

		hl_digest_ha1(HL_DIGEST_MD5, user, hl_slice_of(text + WORD * i),
			      HL_SLICE_LITERAL("y"), ha1);
		right += !strcmp(ha1, "a4b790a74a451191fd38bc8048d8a6b2");
	}
	is_int(right, WORDS, "1,200 bytes, however they are cut");
}

static const struct {
	const char *header;
	int error;
} credentials[] = {
	{"Basic dXNlcjpwYXNz", -ENOTSUP},
	{"Digest", -EBADMSG},
	{"Digest username", -EBADMSG},
	{RFC7616 "response=\"abc\"", -EBADMSG},
	{RFC7616 "response=\"" MD5_RESPONSE, -EBADMSG},
	{RFC7616 "response=\"" MD5_RESPONSE "\\\"", -EBADMSG},
	{RFC7616 "response=\"" MD5_RESPONSE "\" x, a=b", -EBADMSG},
	{RFC7616 "response=\"" MD5_RESPONSE "\", =b", -EBADMSG},
	{RFC7616 "response=\"" MD5_RESPONSE "\", username=\"other\"", -EBADMSG},
	{RFC7616 "response=\"" MD5_RESPONSE "\", algorithm=SHA-256", -EBADMSG},
	{RFC7616 "response=\"" MD5_RESPONSE "\", algorithm=MD5-sess", -ENOTSUP},
	{RFC7616 "response=\"" MD5_RESPONSE "\", algorithm=MD5, algorithm=MD5", -EBADMSG},
	{RFC2617 "response=\"" SHA256_RESPONSE "\", algorithm=SHA-256", -EBADMSG},
	{RFC2617 "response=\"" MD5_RESPONSE "\", qop=auth-int, nc=00000001, cnonce=x", -ENOTSUP},
	{RFC2617 "response=\"" MD5_RESPONSE "\", qop=auth, nc=00000001", -EBADMSG},
	{RFC2617 "response=\"" MD5_RESPONSE "\", qop=auth, nc=1, cnonce=x", -EBADMSG},
	{RFC2617 "response=\"" MD5_RESPONSE "\", qop=auth, nc=0000000g, cnonce=x", -EBADMSG},
	{"Digest realm=\"r\", nonce=\"n\", uri=\"u\", response=\"" MD5_RESPONSE "\"", -EBADMSG},
};

static void check_credentials(void)
{
	struct hl_digest digest = {.algorithm = HL_DIGEST_SHA256};
	char many[2048] = RFC2617 "response=\"" MD5_RESPONSE "\"";

	for (size_t i = 0; i < HL_COUNT(credentials); i++)
		is_int(hl_digest_parse(credentials[i].header, &digest), credentials[i].error,
		       "refused: %s", credentials[i].header);
	for (int i = 0; i < 40; i++)
		strcat(many, ", extra=\"x\"");
	is_int(hl_digest_parse(many, &digest), -EBADMSG, "too many parameters");
	ok(digest.algorithm == HL_DIGEST_SHA256 && !digest.username.data,
	   "what is refused leaves the result alone");
	is_int(hl_digest_parse(
		       "digest  USERNAME = \"a \\\"b\\\", c\" ,realm=\"\",nonce=n,uri=\"sip:x\","
		       "response=" MD5_RESPONSE ",unheard=of , more=\"\"",
		       &digest),
	       0, "blanks, capitals, tokens, unknown parameters");
	ok(hl_slice_equal(digest.username, HL_SLICE_LITERAL("a \\\"b\\\", c")),
	   "a quoted string ends at its quote");
}

static void check_challenge(void)
{
	struct hl_text text;

	hl_text_init(&text);
	hl_digest_challenge(HL_DIGEST_SHA256, "my \"realm\"", "abc", false, &text);
	is_str(hl_text_string(&text),
	       "Digest realm=\"my \\\"realm\\\"\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"",
	       "a challenge");
	hl_text_clear(&text);
	hl_digest_challenge(HL_DIGEST_MD5, "r", "abc", true, &text);
	is_str(hl_text_string(&text),
	       "Digest realm=\"r\", nonce=\"abc\", algorithm=MD5, qop=\"auth\", stale=true",
	       "one for a nonce that was too old");
	hl_text_fini(&text);
}

static void check_nonces(struct hl_loop *loop)
{
	struct hl_nonces *nonces = hl_nonces_new(10, NULL), *others = hl_nonces_new(10, NULL);
	char nonce[HL_NONCE_TEXT], second[HL_NONCE_TEXT];
	struct hl_slice text;
	unsigned offer = 0;

	hl_nonces_set_expire(nonces, 60);
	hl_nonce_new(nonces, 1 << HL_DIGEST_SHA256, nonce);
	hl_nonce_new(nonces, 3, second);
	text = hl_slice_of(nonce);
	ok(strcmp(nonce, second), "no nonce is like another");
	is_int(hl_nonce_check(nonces, text, &offer), HL_NONCE_GOOD, "a fresh nonce is good");
	is_int(offer, 1 << HL_DIGEST_SHA256, "and says what it was offered with");
	is_int(hl_nonce_check(others, text, &offer), HL_NONCE_FOREIGN, "not where another made it");
	is_int(hl_nonce_check(nonces, HL_SLICE_LITERAL("dcd98b71"), &offer), HL_NONCE_FOREIGN,
	       "a short one");
	nonce[0] ^= 1;
	is_int(hl_nonce_check(nonces, text, &offer), HL_NONCE_FOREIGN,
	       "one whose time was changed");
	nonce[0] ^= 1;
	nonce[13] ^= 1;
	is_int(hl_nonce_check(nonces, text, &offer), HL_NONCE_FOREIGN, "or whose offer was");
	nonce[13] ^= 1;
	nonce[20] = 'g';
	is_int(hl_nonce_use(nonces, text, 1), HL_NONCE_FOREIGN, "one that is not hexadecimal");

	text = hl_slice_of(second);
	hl_loop_advance(loop, 60000);
	is_int(hl_nonce_use(nonces, text, 1), HL_NONCE_GOOD, "good in its last millisecond");
	is_int(hl_nonce_use(nonces, text, 1), HL_NONCE_REPLAYED, "and remembered in it");
	hl_loop_advance(loop, 1);
	is_int(hl_nonce_check(nonces, text, &offer), HL_NONCE_STALE, "stale in the next");
	is_int(hl_nonce_use(nonces, text, 2), HL_NONCE_STALE, "for use too");
	hl_loop_advance(loop, 3000);
	is_int(hl_nonce_use(nonces, text, 1), HL_NONCE_STALE, "and when its use is forgotten");
	hl_nonces_free(nonces);
	hl_nonces_free(others);
}

static void check_counts(void)
{
	static const struct {
		uint32_t count;
		enum hl_nonce_state state;
		const char *name;
	} uses[] = {
		{0, HL_NONCE_REPLAYED, "0 is no count"},
		{1, HL_NONCE_GOOD, "1"},
		{1, HL_NONCE_REPLAYED, "1 again"},
		{3, HL_NONCE_GOOD, "3 overtakes"},
		{2, HL_NONCE_GOOD, "2 comes late"},
		{2, HL_NONCE_REPLAYED, "2 again"},
		{3, HL_NONCE_REPLAYED, "3 again"},
		{66, HL_NONCE_GOOD, "66 leaves a gap"},
		{3, HL_NONCE_REPLAYED, "3 at the end of the window"},
		{4, HL_NONCE_GOOD, "4 was not used"},
		{1000, HL_NONCE_GOOD, "1000 leaves all behind"},
		{936, HL_NONCE_REPLAYED, "936 is too far back to know"},
		{937, HL_NONCE_GOOD, "937 is not"},
		{UINT32_MAX, HL_NONCE_GOOD, "the highest count there is"},
		{1000, HL_NONCE_REPLAYED, "1000 after that"},
	};
	struct hl_nonces *nonces = hl_nonces_new(10, NULL);
	char nonce[HL_NONCE_TEXT], other[HL_NONCE_TEXT];

	hl_nonce_new(nonces, 1, nonce);
	hl_nonce_new(nonces, 1, other);
	for (size_t i = 0; i < HL_COUNT(uses); i++)
		is_int(hl_nonce_use(nonces, hl_slice_of(nonce), uses[i].count), uses[i].state,
		       "nonce-count %s", uses[i].name);
	hl_memory_fail_at(1);
	is_int(hl_nonce_use(nonces, hl_slice_of(other), 1), HL_NONCE_STALE,
	       "what cannot be remembered is not accepted");
	hl_memory_fail_at(0);
	is_int(hl_nonce_use(nonces, hl_slice_of(other), 1), HL_NONCE_GOOD, "but asked for again");
	hl_nonces_free(nonces);
}

/* Many nonces are used within their life: the memory of their counts has a bound. */
static void check_bound(void)
{
	enum { MOST = 10, NONCES = 25 };
	struct hl_nonces *nonces = hl_nonces_new(MOST, NULL);
	char nonce[NONCES][HL_NONCE_TEXT], late[HL_NONCE_TEXT];
	int good = 0, again = 0;

	hl_nonce_new(nonces, 1, late);
	for (int i = 0; i < NONCES; i++) {
		hl_clock_fake(hl_clock_now() + HL_SECOND);
		hl_nonce_new(nonces, 1, nonce[i]);
		good += hl_nonce_use(nonces, hl_slice_of(nonce[i]), 1) == HL_NONCE_GOOD;
	}
	is_int(good, NONCES, "each of many nonces may be used");
	is_int(hl_nonces_used(nonces), MOST, "the last of them are remembered");
	for (int i = 0; i < NONCES; i++)
		again += hl_nonce_use(nonces, hl_slice_of(nonce[i]), 1) == HL_NONCE_GOOD;
	is_int(again, 0, "none can be replayed, remembered or not");
	is_int(hl_nonce_use(nonces, hl_slice_of(nonce[0]), 2), HL_NONCE_STALE,
	       "one that is not remembered is over before its time");
	is_int(hl_nonce_use(nonces, hl_slice_of(late), 1), HL_NONCE_STALE,
	       "and so is one as old that was never used");
	is_int(hl_nonce_use(nonces, hl_slice_of(nonce[NONCES - 1]), 2), HL_NONCE_GOOD,
	       "the latest live on");
	hl_clock_fake(hl_clock_now() + 301 * HL_SECOND);
	hl_nonce_new(nonces, 1, late);
	is_int(hl_nonce_use(nonces, hl_slice_of(late), 1), HL_NONCE_GOOD, "time passes");
	is_int(hl_nonces_used(nonces), 1, "and what has ended is forgotten");
	hl_nonces_free(nonces);
}

int main(void)
{
	struct hl_loop *loop;

	hl_clock_fake(1000 * HL_SECOND);
	loop = hl_loop_new(NULL);
	if (!loop)
		return 1;
	check_responses();
	check_lengths();
	check_credentials();
	check_challenge();
	check_nonces(loop);
	check_counts();
	check_bound();
	hl_loop_free(loop);
	return done_testing();
}
