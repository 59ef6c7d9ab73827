/* The JSON writer: commas, escapes, numbers. */
#include "base/json.h"
#include "base/memory.h"

#include "tap.h"

#include <math.h>

static struct hl_text text;

static const char *quoted(const char *data, size_t length)
{
	hl_text_clear(&text);
	hl_json_quote(&text, (struct hl_slice){ data, length });
	return hl_text_string(&text);
}

static const char *number(double value)
{
	struct hl_json json;

	hl_text_clear(&text);
	hl_json_init(&json, &text);
	hl_json_number(&json, value);
	return hl_text_string(&text);
}

static void structure(void)
{
	struct hl_json json;

	hl_json_init(&json, &text);
	hl_json_object(&json);
	hl_json_put_string(&json, "s", "x");
	hl_json_put_string(&json, "none", NULL);
	hl_json_put_integer(&json, "i", INT64_MIN);
	hl_json_put_boolean(&json, "b", true);
	hl_json_key(&json, "a");
	hl_json_array(&json);
	hl_json_integer(&json, 1);
	hl_json_array(&json);
	hl_json_array_end(&json);
	hl_json_object(&json);
	hl_json_put_null(&json, "k");
	hl_json_object_end(&json);
	hl_json_raw(&json, HL_SLICE_LITERAL("{\"r\":0}"));
	hl_json_array_end(&json);
	hl_json_put_slice(&json, "z", HL_SLICE_LITERAL("end"));
	hl_json_object_end(&json);
	is_str(hl_text_string(&text),
	       "{\"s\":\"x\",\"none\":null,\"i\":-9223372036854775808,\"b\":true,"
	       "\"a\":[1,[],{\"k\":null},{\"r\":0}],\"z\":\"end\"}",
	       "commas stand where they belong");
}

static void strings(void)
{
	is_str(quoted("a\"b\\c/\n\r\t\b\f\x01\x1f\x7f", 13), "\"a\\\"b\\\\c/\\n\\r\\t\\b\\f\\u0001"
	       "\\u001f\"", "what must be escaped is");
	is_str(quoted("", 0), "\"\"", "the empty string");
	is_str(quoted("a\0b", 3), "\"a\\u0000b\"", "NUL is a character");
	is_str(quoted("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e", 16),
	       "\"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e\"", "UTF-8 stays as it is");
	is_str(quoted("J\xfcrgen", 6), "\"J\\u00fcrgen\"", "Latin-1 is escaped byte by byte");
	is_str(quoted("\xc0\xaf", 2), "\"\\u00c0\\u00af\"", "overlong forms are no UTF-8");
	is_str(quoted("\xe0\x80\xaf", 3), "\"\\u00e0\\u0080\\u00af\"", "of three bytes neither");
	is_str(quoted("\xed\xa0\x80", 3), "\"\\u00ed\\u00a0\\u0080\"", "surrogates are none");
	is_str(quoted("\xf4\x90\x80\x80", 4), "\"\\u00f4\\u0090\\u0080\\u0080\"",
	       "nor what is beyond U+10FFFF");
	is_str(quoted("\xe2\x82", 2), "\"\\u00e2\\u0082\"", "nor a sequence cut short");
	is_str(quoted("\xe2\"x", 3), "\"\\u00e2\\\"x\"", "which does not swallow a quote");
}

static void numbers(void)
{
	is_str(number(1.5), "1.5", "one decimal");
	is_str(number(2), "2", "none");
	is_str(number(100), "100", "the zeros before the point stay");
	is_str(number(-0.0001), "0", "nothing has no sign");
	is_str(number(-2.0004), "-2", "three decimals at most");
	is_str(number(0.0006), "0.001", "rounded");
	is_str(number(INFINITY), "null", "infinity is null");
	is_str(number(NAN), "null", "so is what is no number");
	is_int(strlen(number(-1.7e308)), 310, "the largest there is fits");
}

static void too_deep(void)
{
	struct hl_json json;

	hl_text_clear(&text);
	hl_json_init(&json, &text);
	for (int i = 0; i < HL_JSON_DEPTH - 1; i++)
		hl_json_array(&json);
	ok(!text.failed, "nesting as deep as allowed is fine");
	for (int i = 0; i < 100; i++)
		hl_json_array(&json);
	ok(text.failed, "deeper makes the text fail, and nothing worse");
}

int main(void)
{
	hl_text_init(&text);
	structure();
	strings();
	numbers();
	too_deep();
	hl_text_fini(&text);
	return done_testing();
}
