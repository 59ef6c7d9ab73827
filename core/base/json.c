/* The JSON writer (RFC 8259). */
#include "base/json.h"

#include <math.h>
#include <stdio.h>

void hl_json_init(struct hl_json *json, struct hl_text *text)
{
	*json = (struct hl_json){.text = text};
}

/* What goes before a value: nothing behind a key or at the top, else a comma but for the first. */
static void begin_value(struct hl_json *json)
{
	if (json->keyed) {
		json->keyed = false;
		return;
	}
	if (json->depth && json->comma[json->depth])
		hl_text_append(json->text, ",", 1);
	json->comma[json->depth] = true;
}

static void open_level(struct hl_json *json, const char *bracket)
{
	begin_value(json);
	hl_text_append(json->text, bracket, 1);
	if (json->depth + 1 == HL_JSON_DEPTH) {
		/* Nested too deep: the text must not pass for complete. */
		json->text->failed = true;
		return;
	}
	json->comma[++json->depth] = false;
}

static void close_level(struct hl_json *json, const char *bracket)
{
	if (json->depth)
		json->depth--;
	hl_text_append(json->text, bracket, 1);
}

void hl_json_object(struct hl_json *json)
{
	open_level(json, "{");
}

void hl_json_object_end(struct hl_json *json)
{
	close_level(json, "}");
}

void hl_json_array(struct hl_json *json)
{
	open_level(json, "[");
}

void hl_json_array_end(struct hl_json *json)
{
	close_level(json, "]");
}

void hl_json_key(struct hl_json *json, const char *key)
{
	begin_value(json);
	hl_json_quote(json->text, hl_slice_of(key));
	hl_text_append(json->text, ":", 1);
	json->keyed = true;
}

void hl_json_name(struct hl_json *json, const char *name)
{
	size_t length = strlen(name);
	bool comma = json->comma[json->depth];
	char *at = hl_text_room(json->text, length + 3 + comma);

	json->comma[json->depth] = json->keyed = true;
	if (!at)
		return;
	if (comma)
		*at++ = ',';
	*at++ = '"';
	memcpy(at, name, length);
	memcpy(at + length, "\":", 2);
}

void hl_json_string(struct hl_json *json, const char *value)
{
	if (value)
		hl_json_slice(json, hl_slice_of(value));
	else
		hl_json_null(json);
}

void hl_json_slice(struct hl_json *json, struct hl_slice value)
{
	begin_value(json);
	hl_json_quote(json->text, value);
}

static void put_integer(struct hl_text *text, int64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do
		digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		digits[--at] = '-';
	hl_text_append(text, digits + at, sizeof(digits) - at);
}

void hl_json_integer(struct hl_json *json, int64_t value)
{
	begin_value(json);
	put_integer(json->text, value);
}

void hl_json_number(struct hl_json *json, double value)
{
	char digits[330]; /* the largest double has 309 digits before the point */
	int length;

	if (!isfinite(value)) {
		hl_json_null(json);
		return;
	}
	begin_value(json);
	/* Nothing that rounds to zero keeps its sign. */
	length = snprintf(digits, sizeof(digits), "%.3f", fabs(value) < 0.0005 ? 0.0 : value);
	while (digits[length - 1] == '0')
		length--;
	if (digits[length - 1] == '.')
		length--;
	hl_text_append(json->text, digits, (size_t)length);
}

void hl_json_boolean(struct hl_json *json, bool value)
{
	begin_value(json);
	hl_text_put(json->text, value ? "true" : "false");
}

void hl_json_null(struct hl_json *json)
{
	begin_value(json);
	hl_text_put(json->text, "null");
}

void hl_json_raw(struct hl_json *json, struct hl_slice value)
{
	begin_value(json);
	hl_text_slice(json->text, value);
}

void hl_json_put_string(struct hl_json *json, const char *key, const char *value)
{
	hl_json_key(json, key);
	hl_json_string(json, value);
}

void hl_json_put_slice(struct hl_json *json, const char *key, struct hl_slice value)
{
	hl_json_key(json, key);
	hl_json_slice(json, value);
}

void hl_json_put_integer(struct hl_json *json, const char *key, int64_t value)
{
	hl_json_key(json, key);
	hl_json_integer(json, value);
}

void hl_json_put_number(struct hl_json *json, const char *key, double value)
{
	hl_json_key(json, key);
	hl_json_number(json, value);
}

void hl_json_put_boolean(struct hl_json *json, const char *key, bool value)
{
	hl_json_key(json, key);
	hl_json_boolean(json, value);
}

void hl_json_put_null(struct hl_json *json, const char *key)
{
	hl_json_key(json, key);
	hl_json_null(json);
}

/* Length of the well-formed UTF-8 sequence (RFC 3629 §4) at the start of `s`; 0: none. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (s[0] > 0xf4 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

static void put_escape(struct hl_text *text, unsigned char byte)
{
	static const char shorts[][2] = {{'"', '"'},  {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'},
					 {'\t', 't'}, {'\b', 'b'},  {'\f', 'f'}};

	for (size_t i = 0; i < HL_COUNT(shorts); i++)
		if ((unsigned char)shorts[i][0] == byte) {
			hl_text_append(text, (char[2]){'\\', shorts[i][1]}, 2);
			return;
		}
	hl_text_printf(text, "\\u%04x", byte);
}

/* How many bytes at the start of `s` are ASCII that stands for itself. */
static size_t plain_length(const unsigned char *s, size_t length)
{
	size_t at = 0;

	while (at < length && s[at] >= 0x20 && s[at] < 0x80 && s[at] != '"' && s[at] != '\\')
		at++;
	return at;
}

/* The whole string in one piece, which most are. */
static bool quote_plain(struct hl_text *text, struct hl_slice value)
{
	char *at;

	if (plain_length((const unsigned char *)value.data, value.length) < value.length)
		return false;
	at = hl_text_room(text, value.length + 2);
	if (!at)
		return true;
	at[0] = '"';
	if (value.length)
		memcpy(at + 1, value.data, value.length);
	at[value.length + 1] = '"';
	return true;
}

void hl_json_quote(struct hl_text *text, struct hl_slice value)
{
	const unsigned char *data = (const unsigned char *)value.data;
	size_t at = 0, plain = 0; /* bytes from `plain` to `at` are written as they are */

	if (quote_plain(text, value))
		return;
	hl_text_append(text, "\"", 1);
	while (at < value.length) {
		size_t left = value.length - at, length = plain_length(data + at, left);

		if (!length && data[at] >= 0x80)
			length = utf8_length(data + at, left);
		if (length) {
			at += length;
			continue;
		}
		hl_text_append(text, data + plain, at - plain);
		put_escape(text, data[at++]);
		plain = at;
	}
	if (at > plain)
		hl_text_append(text, data + plain, at - plain);
	hl_text_append(text, "\"", 1);
}
