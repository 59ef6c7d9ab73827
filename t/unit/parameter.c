/* Parameter rows: every type at its bounds and one beyond, words, ownership, want of memory. */
#include "tap.h"

#include "base/memory.h"
#include "config/parameter.h"

#include <errno.h>

struct settings {
	int64_t period, early, open;
	bool behind_nat;
	int mode;
	char *realm;
	struct hl_slice message;
	struct hl_range ports;
	struct hl_strings listen, algorithms;
};

static const char *const auto_word[] = {"auto", NULL};
static const char *const modes[] = {"auto", "on", "off", "must_on", NULL};

#define FIELD(field, ctype) HL_FIELD(struct settings, field, ctype)

static const char *const algorithms[] = {"MD5", "SHA-256", NULL};
static const struct hl_parameter rows[] = {
	{.key = "period",
	 .vos3000 = "SS_SIP_NAT_KEEP_ALIVE_PERIOD",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "30",
	 .min = 10,
	 .max = 86400,
	 .unit = "s",
	 .offset = FIELD(period, int64_t)},
	{.key = "early",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .max = 3600,
	 .values = auto_word,
	 .unit = "s",
	 .offset = FIELD(early, int64_t)},
	{.key = "open",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "1",
	 .min = 1,
	 .offset = FIELD(open, int64_t)},
	{.key = "behind_nat",
	 .vos3000 = "SS_MEDIA_PROXY_BEHIND_NAT",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .offset = FIELD(behind_nat, bool)},
	{.key = "mode",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "auto",
	 .values = modes,
	 .offset = FIELD(mode, int)},
	{.key = "realm",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "holdline",
	 .min = 2,
	 .max = 8,
	 .offset = FIELD(realm, char *)},
	{.key = "message",
	 .type = HL_PARAMETER_BYTES,
	 .fallback = "HELLO",
	 .max = 6,
	 .offset = FIELD(message, struct hl_slice)},
	{.key = "ports",
	 .type = HL_PARAMETER_RANGE,
	 .fallback = "10000-20000",
	 .min = 1024,
	 .max = 65535,
	 .offset = FIELD(ports, struct hl_range)},
	{.key = "listen",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "[udp:0.0.0.0:5060, \"tcp:[::]:5060\"]",
	 .offset = FIELD(listen, struct hl_strings)},
	{.key = "algorithms",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "[MD5, SHA-256]",
	 .values = algorithms,
	 .offset = FIELD(algorithms, struct hl_strings)},
	HL_PARAMETERS_END,
};

static struct settings settings;
static struct hl_error error;

static const struct hl_parameter *row(const char *key)
{
	return hl_parameter_find(rows, hl_slice_of(key));
}

static int set(const char *key, const char *text)
{
	error.text[0] = '\0';
	return hl_parameter_set(row(key), &settings, hl_slice_of(text), &error);
}

static const char *allowed(const char *key)
{
	static struct hl_text text;

	hl_text_clear(&text);
	hl_parameter_allowed(row(key), &text);
	return hl_text_string(&text);
}

static const char *json(const char *key)
{
	static struct hl_text text;
	struct hl_json writer;

	hl_text_clear(&text);
	hl_json_init(&writer, &text);
	hl_parameter_json(row(key), &settings, &writer);
	return hl_text_string(&text);
}

static void defaults(void)
{
	is_int(hl_parameters_default(rows, &settings), 0, "the defaults can be set");
	is_int(settings.period, 30, "an integer's default");
	is_int(settings.behind_nat, true, "a boolean's default");
	is_int(settings.mode, 0, "a choice's default");
	is_str(settings.realm, "holdline", "a string's default");
	is_int(settings.message.length, 5, "the length of default bytes");
	is_mem(settings.message.data, "HELLO", 5, "default bytes");
	is_int(settings.ports.low, 10000, "a range's lower default");
	is_int(settings.ports.high, 20000, "a range's upper default");
	is_int(settings.listen.count, 2, "a list's default has its items");
	is_str(settings.listen.items[0], "udp:0.0.0.0:5060", "the first item");
	is_str(settings.listen.items[1], "tcp:[::]:5060", "the second, without its quotes");
}

static void integers(void)
{
	is_int(set("period", "9"), -ERANGE, "one below the range is refused");
	is_int(settings.period, 30, "and the field is as it was");
	is_str(error.text, "\"9\" is out of range; allowed: 10 to 86400 s", "with what is allowed");
	is_int(set("period", "10"), 0, "the lowest value");
	is_int(settings.period, 10, "is set");
	is_int(set("period", "86400"), 0, "the highest value");
	is_int(settings.period, 86400, "is set");
	is_int(set("period", "86401"), -ERANGE, "one above the range is refused");
	is_int(set("period", "30s"), -EINVAL, "a number with a unit is no number");
	is_int(set("period", "0x20"), -EINVAL, "nor is hexadecimal");
	is_int(set("period", "1e3"), -EINVAL, "nor an exponent");
	is_int(set("period", ""), -EINVAL, "nor nothing");
	is_int(set("period", "-"), -EINVAL, "nor a sign");
	is_int(set("period", "-20"), -ERANGE, "a negative number is out of this range");
	is_int(set("period", "99999999999999999999"), -ERANGE, "beyond 64 bits is out of range");
	is_int(settings.period, 86400, "after all that the field is as it was");
	is_int(set("early", "auto"), 0, "a word where words are allowed");
	is_int(settings.early, HL_WORD(0), "is below zero");
	is_str(json("early"), "\"auto\"", "and written as the word");
	is_int(set("early", "0"), 0, "zero is a number there");
	is_int(set("early", "never"), -EINVAL, "another word is refused");
	is_str(allowed("early"), "0 to 3600 s, or auto", "the words are among what is allowed");
	is_int(set("open", "9223372036854775807"), 0, "a row without an upper bound takes it all");
	is_int(set("open", "0"), -ERANGE, "but not less than its lower one");
	is_str(allowed("open"), "1 or more", "as it says");
}

static void booleans(void)
{
	static const char *const on[] = {"on", "yes", "true", "On", "TRUE"};
	static const char *const off[] = {"off", "no", "false", "OFF", "No"};

	for (size_t i = 0; i < HL_COUNT(on); i++) {
		settings.behind_nat = false;
		is_int(set("behind_nat", on[i]), 0, "%s is a boolean", on[i]);
		is_int(settings.behind_nat, true, "and means on");
		is_int(set("behind_nat", off[i]), 0, "%s is a boolean", off[i]);
		is_int(settings.behind_nat, false, "and means off");
	}
	is_int(set("behind_nat", "1"), -EINVAL, "a number is none");
	is_int(set("behind_nat", ""), -EINVAL, "nothing is none");
	is_str(json("behind_nat"), "false", "written as JSON has it");
}

static void choices(void)
{
	for (int i = 0; modes[i]; i++) {
		is_int(set("mode", modes[i]), 0, "%s is a choice", modes[i]);
		is_int(settings.mode, i, "by its index");
	}
	is_int(set("mode", "yes"), 0, "yes is taken for on");
	is_int(settings.mode, 1, "where on is a choice");
	is_int(set("mode", "must_om"), -EINVAL, "a word that is none is refused");
	is_str(error.text,
	       "\"must_om\" is not a choice; allowed: auto, on, off, must_on; did you mean must_on?",
	       "with the nearest one");
	is_int(settings.mode, 1, "and the field is as it was");
	is_str(json("mode"), "\"on\"", "written as the word");
}

static void strings(void)
{
	is_int(set("realm", "a"), -ERANGE, "one byte too short");
	is_int(set("realm", "ab"), 0, "the shortest");
	is_int(set("realm", "abcdefgh"), 0, "the longest");
	is_int(set("realm", "abcdefghi"), -ERANGE, "one byte too long");
	is_str(error.text, "\"abcdefghi\" is too long; allowed: 2 to 8 bytes", "says so");
	is_str(settings.realm, "abcdefgh", "and the field is as it was");
	is_int(hl_parameter_set(row("realm"), &settings, HL_SLICE_LITERAL("a\0b"), &error), -EINVAL,
	       "a NUL inside is refused");
	is_str(json("realm"), "\"abcdefgh\"", "written as a string");
}

static void bytes(void)
{
	static const char raw[] = {'\r', '\n', '\0', (char)0xff, '"', 'x'};

	is_int(hl_parameter_set(row("message"), &settings, (struct hl_slice){raw, 6}, &error), 0,
	       "any bytes, up to the longest");
	is_int(settings.message.length, 6, "all of them");
	is_mem(settings.message.data, raw, 6, "as they are");
	ok(settings.message.data != raw, "in a copy of its own");
	is_str(json("message"), "\"\\r\\n\\u0000\\u00ff\\\"x\"", "written with escapes");
	is_int(set("message", "1234567"), -ERANGE, "one byte too long");
	is_int(settings.message.length, 6, "leaves them as they were");
	is_int(set("message", ""), 0, "none at all");
	is_int(settings.message.length, 0, "is empty");
}

static void ranges(void)
{
	is_int(set("ports", "1024-65535"), 0, "the widest range");
	is_str(json("ports"), "\"1024-65535\"", "written as it is read");
	is_int(set("ports", "1023-2000"), -ERANGE, "one below");
	is_int(set("ports", "2000-65536"), -ERANGE, "one above");
	is_int(set("ports", "3000-2000"), -ERANGE, "back to front");
	is_int(set("ports", "3000"), -EINVAL, "a lone number");
	is_int(set("ports", "a-b"), -EINVAL, "no numbers");
	is_int(settings.ports.low, 1024, "leave it as it was");
	is_int(set("ports", " 2000 - 2000 "), 0, "a range of one, with blanks");
	is_int(settings.ports.high, 2000, "is that one");
}

static void lists(void)
{
	const struct hl_slice two[] = {hl_slice_of("a"), hl_slice_of("b")};

	is_int(set("listen", "udp:[::1]:0"), 0, "a single text");
	is_str(json("listen"), "[\"udp:[::1]:0\"]", "is a list of one");
	is_int(hl_parameter_set_list(row("listen"), &settings, two, 2, &error), 0, "items");
	is_str(json("listen"), "[\"a\",\"b\"]", "are a list");
	is_int(set("listen", "[]"), 0, "an empty list");
	is_str(json("listen"), "[]", "is empty");
	is_int(set("algorithms", "[sha-256]"), 0, "a list of words in another case");
	is_int(set("algorithms", "[MD5, SHA-26]"), -EINVAL, "one that is none");
	is_str(error.text,
	       "\"SHA-26\" is not a choice; allowed: a list of MD5, SHA-256; did you mean SHA-256?",
	       "in words");
	is_int(set("algorithms", "[MD5, md5]"), -EINVAL, "one of them twice");
	is_int(set("algorithms", "[]"), -EINVAL, "none of them");
	is_str(json("algorithms"), "[\"sha-256\"]", "leave it as it was");
	is_int(hl_parameter_set_list(row("period"), &settings, two, 2, &error), -EINVAL,
	       "a list for a number is refused");
}

static void names(void)
{
	ok(row("period") == &rows[0], "found by its key");
	ok(row("SS_SIP_NAT_KEEP_ALIVE_PERIOD") == &rows[0], "by its VOS3000 name");
	ok(row("ss_sip_natkeepalive_period") == &rows[0], "without case and underscores");
	ok(row("SS_MEDIAPROXYBEHINDNAT") == &rows[3], "in the other spelling of the field");
	ok(!row("SS_MEDIA_PROXY"), "but not by its beginning");
	ok(!row("Period") && !row("") && !row("_"), "nor a key in another case, nor nothing");
}

/* Every allocation fails once; the field stays as it was and nothing is lost. */
static void memory(void)
{
	static const char *const keys[] = {"realm", "message", "listen"};
	struct settings fresh = {0};

	for (size_t i = 0; i < HL_COUNT(keys); i++) {
		char before[256];

		snprintf(before, sizeof(before), "%s", json(keys[i]));
		hl_memory_fail_at(1);
		is_int(set(keys[i], "vwxyz"), -ENOMEM, "%s without memory", keys[i]);
		hl_memory_fail_at(0);
		is_str(json(keys[i]), before, "is as it was");
	}
	hl_memory_fail_at(2);
	is_int(set("listen", "[one, two]"), -ENOMEM, "memory ends at the first item");
	hl_memory_fail_at(3);
	is_int(set("listen", "[one, two]"), -ENOMEM, "or the second");
	hl_memory_fail_at(2);
	is_int(hl_parameters_default(rows, &fresh), -ENOMEM, "defaults without memory");
	hl_memory_fail_at(0);
	hl_parameters_free(rows, &fresh);
	ok(!fresh.realm && !fresh.message.data && !fresh.listen.items, "and all is given back");
}

int main(void)
{
	defaults();
	integers();
	booleans();
	choices();
	strings();
	bytes();
	ranges();
	lists();
	names();
	memory();
	hl_parameters_free(rows, &settings);
	ok(!settings.realm && !settings.message.data && !settings.listen.items,
	   "freeing leaves nothing behind");
	return done_testing();
}
