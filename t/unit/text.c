/* Text buffers and what is built on them: errors, random tokens. */
#include "base/text.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#include "tap.h"

#include <errno.h>

static void appends(void)
{
	struct hl_text text;
	char *taken;

	hl_text_init(&text);
	is_str(hl_text_string(&text), "", "a new text is the empty string");
	hl_text_put(&text, "one ");
	hl_text_slice(&text, HL_SLICE_LITERAL("two "));
	hl_text_append(&text, "three!", 5);
	hl_text_printf(&text, " %d", 4);
	is_str(hl_text_string(&text), "one two three 4", "pieces come one behind the other");
	is_int(text.length, 15, "and the length is known");
	hl_text_clear(&text);
	is_str(hl_text_string(&text), "", "cleared it is empty");
	hl_text_printf(&text, "%0500d|", 7);
	is_int(text.length, 501, "printf grows as needed");
	is_int(text.data[499], '7', "to the end");
	hl_text_clear(&text);
	for (int i = 0; i < 10000; i++)
		hl_text_append(&text, "\0x", 2);
	is_int(text.length, 20000, "NUL bytes are bytes");
	taken = hl_text_take(&text);
	is_mem(taken + 19998, "\0x", 3, "what is taken ends with a NUL");
	hl_free(taken);
	is_int(text.length, 0, "and leaves the buffer empty");
	taken = hl_text_take(&text);
	is_str(taken, "", "an empty text can be taken too");
	hl_free(taken);
	hl_text_fini(&text);
}

static void fails(void)
{
	struct hl_text text;

	hl_text_init(&text);
	hl_text_put(&text, "begun");
	hl_memory_fail_at(1);
	hl_text_printf(&text, "%0500d", 7);
	ok(text.failed, "a failed growth sticks");
	is_str(hl_text_string(&text), "begun", "and leaves what was there");
	hl_text_put(&text, "more");
	is_str(hl_text_string(&text), "begun", "nothing is appended behind a gap");
	ok(!hl_text_take(&text), "an incomplete text cannot be taken");
	hl_text_put(&text, "again");
	is_str(hl_text_string(&text), "again", "after that it begins anew");
	hl_text_clear(&text);
	hl_memory_fail_at(1);
	hl_text_append(&text, (char[300]){ 0 }, 300);
	hl_text_clear(&text);
	ok(!text.failed, "clearing forgets the failure");
	hl_text_fini(&text);
}

static void arrays(void)
{
	char text[8], *end = text + sizeof(text), *at;

	at = hl_put_text(text, end, HL_SLICE_LITERAL("four"));
	is_int(at - text, 4, "what is put into an array says where it ends");
	at = hl_put_text(at, end, HL_SLICE_LITERAL("more"));
	is_str(text, "fourmor", "and is cut where the array ends");
	ok(hl_put_text(at, end, HL_SLICE_LITERAL("x")) == at && !*at, "behind which nothing fits");
}

static void errors(void)
{
	struct hl_error error;
	char longest[2000];

	is_int(hl_error_set(&error, -EINVAL, "%s: %d", "line", 3), -EINVAL, "the code comes back");
	is_str(error.text, "line: 3", "the text is set");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	hl_error_set(&error, -1, "%s", longest);
	is_int(strlen(error.text), sizeof(error.text) - 1, "a long one is cut");
	is_int(hl_error_set(NULL, -EIO, "x"), -EIO, "nobody has to listen");
}

static void randomness(void)
{
	char a[33], b[33], one[1] = { 'x' };
	unsigned seen[10] = { 0 }, least = UINT32_MAX;
	unsigned char big[3000] = { 0 }, any = 0;

	hl_random_token(a, sizeof(a));
	hl_random_token(b, sizeof(b));
	is_int(strlen(a), 32, "a token fills its size");
	is_int(strspn(a, "0123456789abcdefghijklmnopqrstuv"), 32, "with digits and letters");
	ok(strcmp(a, b) != 0, "no two are the same");
	hl_random_token(one, 1);
	is_str(one, "", "size one is only the NUL");
	hl_token(1, a, sizeof(a));
	hl_token(UINT64_C(1) << 59, b, sizeof(b));
	is_str(a, "100000000000", "a token of a number: five bits a character, the low ones first");
	is_str(b, "00000000000g", "up to the sixtieth");
	hl_token(31, a, 3);
	is_str(a, "v0", "a short one has the low bits");
	for (int i = 0; i < 10000; i++)
		seen[hl_random_below(10)]++;
	for (int i = 0; i < 10; i++)
		least = seen[i] < least ? seen[i] : least;
	ok(least > 800, "numbers below ten come evenly (least of 1,000 on average: %u)", least);
	is_int(hl_random_below(1), 0, "below one there is only zero");
	hl_random_bytes(big, sizeof(big));
	for (size_t i = sizeof(big) - 16; i < sizeof(big); i++)
		any |= big[i];
	ok(any, "more bytes than the pool holds are all drawn");
}

int main(void)
{
	appends();
	fails();
	arrays();
	errors();
	randomness();
	return done_testing();
}
