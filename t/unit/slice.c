/* Slices: comparing, cutting, numbers, globs. */
#include "base/slice.h"
#include "base/memory.h"

#include "tap.h"

#include <errno.h>

#define S HL_SLICE_LITERAL

static bool glob(const char *pattern, const char *text)
{
	return hl_slice_glob(hl_slice_of(pattern), hl_slice_of(text));
}

static void compares(void)
{
	struct hl_slice none = hl_slice_of(NULL);

	ok(hl_slice_equal(S("abc"), S("abc")), "equal bytes are equal");
	ok(!hl_slice_equal(S("abc"), S("abC")), "case matters");
	ok(!hl_slice_equal(S("abc"), S("abcd")), "length matters");
	ok(hl_slice_equal(none, S("")), "NULL is the empty slice");
	ok(hl_slice_equal_nocase(S("VIA@["), S("via@[")), "nocase folds letters");
	ok(!hl_slice_equal_nocase(S("@["), S("`{")), "and nothing beside them");
	ok(!hl_slice_equal_nocase(S("\xc4"), S("\xe4")), "and no other alphabet's");
	ok(hl_slice_starts(S("sip:a"), S("sip:")), "starts with its prefix");
	ok(!hl_slice_starts(S("si"), S("sip")), "not with a longer one");
	ok(hl_slice_starts(none, none), "nothing starts with nothing");
}

static void cuts(void)
{
	struct hl_slice rest = S("a;;b"), head = hl_slice_cut(&rest, ';');

	ok(hl_slice_equal(head, S("a")) && hl_slice_equal(rest, S(";b")), "cut at the first");
	head = hl_slice_cut(&rest, ';');
	ok(!head.length && hl_slice_equal(rest, S("b")), "an empty piece is a piece");
	head = hl_slice_cut(&rest, ';');
	ok(hl_slice_equal(head, S("b")) && !rest.data, "the last leaves nothing");
	rest = S("x;");
	hl_slice_cut(&rest, ';');
	ok(rest.data && !rest.length, "a separator at the end leaves an empty piece");
	ok(hl_slice_equal(hl_slice_trim(S(" \t\r\n a b \r\n")), S("a b")), "trim takes both sides");
	is_int(hl_slice_trim(S(" \t ")).length, 0, "trim of blanks is empty");
}

static void numbers(void)
{
	uint64_t n = 7;

	is_int(hl_slice_number(S("0042"), &n), 0, "digits are a number");
	is_int(n, 42, "the right one");
	is_int(hl_slice_number(S("18446744073709551615"), &n), 0, "2^64 - 1 fits");
	ok(n == UINT64_MAX, "exactly");
	n = 7;
	is_int(hl_slice_number(S("18446744073709551616"), &n), -ERANGE, "2^64 does not");
	is_int(hl_slice_number(S("99999999999999999999999x"), &n), -EINVAL, "garbage before range");
	is_int(hl_slice_number(S(""), &n), -EINVAL, "nothing is no number");
	is_int(hl_slice_number(S("-1"), &n), -EINVAL, "nor is a sign");
	is_int(hl_slice_number(S("1 "), &n), -EINVAL, "nor a blank");
	is_int(n, 7, "and the number was left alone");
}

static void globs(void)
{
	char text[4001], pattern[41];

	ok(glob("Yealink*", "yealink SIP-T46"), "prefix, whatever the case");
	ok(glob("*T4?S", "Yealink T46S"), "suffix with one unknown");
	ok(!glob("*T4?S", "Yealink T4S"), "? is one character");
	ok(glob("*", "") && glob("", ""), "* matches nothing as well");
	ok(!glob("", "a"), "the empty pattern only the empty text");
	ok(glob("a*b*c", "aXbYbZc"), "stars retreat");
	ok(!glob("a*b*c", "aXbYbZ"), "but not for ever");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 20; i++)
		memcpy(pattern + 2 * (size_t)i, "*a", 2);
	pattern[39] = 'b';
	pattern[40] = '\0';
	ok(!glob(pattern, text), "twenty stars over 4,000 letters do not explode");
}

int main(void)
{
	char *copy = hl_slice_copy(S("abc"));

	compares();
	cuts();
	numbers();
	globs();
	is_str(copy, "abc", "a copy is a C string");
	hl_free(copy);
	hl_memory_fail_at(1);
	ok(!hl_slice_copy(S("abc")), "a copy without memory is NULL");
	ok((copy = hl_slice_copy(S(""))) != NULL, "the failure was one only");
	is_str(copy, "", "an empty copy is an empty string");
	hl_free(copy);
	return done_testing();
}
