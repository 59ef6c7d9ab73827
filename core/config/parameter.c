/* Parameter rows: what each type takes, how it is kept, written and freed. */
#include "config/parameter.h"

#include "base/memory.h"
#include "config/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUOTED_MOST = 60 }; /* bytes of a wrong value that a message repeats */

/* What belongs to a type: `set` leaves the field alone when it fails. */
struct type {
	int (*set)(const struct hl_parameter *row, void *field, struct hl_slice text,
		   struct hl_error *error);
	void (*json)(const struct hl_parameter *row, const void *field, struct hl_json *json);
	void (*free)(void *field); /* NULL: owns nothing */
	void (*allowed)(const struct hl_parameter *row, struct hl_text *text);
};

/* "VALUE WHAT; allowed: RANGE[; did you mean …]", with the value cut to a sensible length. */
static int refuse(const struct hl_parameter *row, int code, struct hl_slice value, const char *what,
		  struct hl_error *error)
{
	char hint[HL_NEAREST_TEXT] = "";
	struct hl_text allowed;
	bool cut = value.length > QUOTED_MOST;

	if (row->values) {
		struct hl_nearest nearest;

		hl_nearest_init(&nearest, value);
		for (size_t i = 0; row->values[i]; i++)
			hl_nearest_offer(&nearest, hl_slice_of(row->values[i]));
		hl_nearest_text(&nearest, hint);
	}
	if (cut)
		value.length = QUOTED_MOST;
	hl_text_init(&allowed);
	hl_parameter_allowed(row, &allowed);
	hl_error_set(error, code, "\"%.*s%s\" %s; allowed: %s%s", HL_SLICE_ARGS(value),
		     cut ? "…" : "", what, hl_text_string(&allowed), hint);
	hl_text_fini(&allowed);
	return code;
}

static int word_index(const struct hl_parameter *row, struct hl_slice text)
{
	for (int i = 0; row->values && row->values[i]; i++)
		if (hl_slice_equal_nocase(text, hl_slice_of(row->values[i])))
			return i;
	return -1;
}

/* 1 for the words of yes, 0 for the words of no, -1 for any other. */
static int truth(struct hl_slice text)
{
	static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};

	for (size_t i = 0; i < HL_COUNT(words); i++)
		if (hl_slice_equal_nocase(text, hl_slice_of(words[i])))
			return i & 1;
	return -1;
}

static bool within(const struct hl_parameter *row, int64_t value)
{
	return value >= row->min && (!row->max || value <= row->max);
}

static void allowed_numbers(const struct hl_parameter *row, struct hl_text *text)
{
	if (row->max)
		hl_text_printf(text, "%" PRId64 " to %" PRId64, row->min, row->max);
	else
		hl_text_printf(text, "%" PRId64 " or more", row->min);
	if (row->unit)
		hl_text_printf(text, " %s", row->unit);
}

static void allowed_words(const struct hl_parameter *row, struct hl_text *text)
{
	for (size_t i = 0; row->values[i]; i++)
		hl_text_printf(text, "%s%s", i ? ", " : "", row->values[i]);
}

/* INTEGER */

/* Decimal digits with a sign, nothing else: 0x10, 1e3 and 30s are mistakes, not numbers. */
static int parse_integer(struct hl_slice text, int64_t *value)
{
	bool negative = text.length && text.data[0] == '-';
	struct hl_slice digits = text;
	uint64_t number;
	int error;

	if (text.length && (text.data[0] == '-' || text.data[0] == '+')) {
		digits.data++;
		digits.length--;
	}
	error = hl_slice_number(digits, &number);
	if (error)
		return error;
	if (number > INT64_MAX)
		return -ERANGE;
	*value = negative ? -(int64_t)number : (int64_t)number;
	return 0;
}

static int integer_set(const struct hl_parameter *row, void *field, struct hl_slice text,
		       struct hl_error *error)
{
	int word = word_index(row, text);
	int64_t value;
	int bad;

	if (word >= 0) {
		*(int64_t *)field = HL_WORD(word);
		return 0;
	}
	bad = parse_integer(text, &value);
	if (bad == -EINVAL)
		return refuse(row, bad, text, "is not a whole number", error);
	if (bad || !within(row, value))
		return refuse(row, -ERANGE, text, "is out of range", error);
	*(int64_t *)field = value;
	return 0;
}

static void integer_json(const struct hl_parameter *row, const void *field, struct hl_json *json)
{
	int64_t value = *(const int64_t *)field;

	if (value < 0 && row->values)
		hl_json_string(json, row->values[-1 - value]);
	else
		hl_json_integer(json, value);
}

static void integer_allowed(const struct hl_parameter *row, struct hl_text *text)
{
	allowed_numbers(row, text);
	if (!row->values)
		return;
	hl_text_put(text, ", or ");
	allowed_words(row, text);
}

/* BOOLEAN */

static int boolean_set(const struct hl_parameter *row, void *field, struct hl_slice text,
		       struct hl_error *error)
{
	int value = truth(text);

	if (value < 0)
		return refuse(row, -EINVAL, text, "is neither on nor off", error);
	*(bool *)field = value;
	return 0;
}

static void boolean_json(const struct hl_parameter *row, const void *field, struct hl_json *json)
{
	(void)row;
	hl_json_boolean(json, *(const bool *)field);
}

static void boolean_allowed(const struct hl_parameter *row, struct hl_text *text)
{
	(void)row;
	hl_text_put(text, "on, off");
}

/* CHOICE */

static int choice_set(const struct hl_parameter *row, void *field, struct hl_slice text,
		      struct hl_error *error)
{
	int value = word_index(row, text), wanted = truth(text);

	/* `nat: on` and `nat: yes` are the same to people. */
	for (int i = 0; value < 0 && wanted >= 0 && row->values[i]; i++)
		if (truth(hl_slice_of(row->values[i])) == wanted)
			value = i;
	if (value < 0)
		return refuse(row, -EINVAL, text, "is not a choice", error);
	*(int *)field = value;
	return 0;
}

static void choice_json(const struct hl_parameter *row, const void *field, struct hl_json *json)
{
	hl_json_string(json, row->values[*(const int *)field]);
}

/* STRING */

static int length_check(const struct hl_parameter *row, struct hl_slice text,
			struct hl_error *error)
{
	if (within(row, (int64_t)text.length))
		return 0;
	return refuse(row, -ERANGE, text,
		      text.length < (size_t)row->min ? "is too short" : "is too long", error);
}

static int string_set(const struct hl_parameter *row, void *field, struct hl_slice text,
		      struct hl_error *error)
{
	int bad = length_check(row, text, error);
	char *copy;

	if (bad)
		return bad;
	if (text.length && memchr(text.data, '\0', text.length))
		return hl_error_set(error, -EINVAL, "must not hold a NUL");
	copy = hl_slice_copy(text);
	if (!copy)
		return hl_error_set(error, -ENOMEM, "out of memory");
	hl_free(*(char **)field);
	*(char **)field = copy;
	return 0;
}

static void string_json(const struct hl_parameter *row, const void *field, struct hl_json *json)
{
	(void)row;
	hl_json_string(json, *(char *const *)field);
}

static void string_free(void *field)
{
	hl_free(*(char **)field);
	*(char **)field = NULL;
}

static void length_allowed(const struct hl_parameter *row, struct hl_text *text)
{
	if (!row->min && !row->max)
		hl_text_put(text, "any text");
	else if (!row->min)
		hl_text_printf(text, "up to %" PRId64 " bytes", row->max);
	else if (!row->max)
		hl_text_printf(text, "at least %" PRId64 " bytes", row->min);
	else
		hl_text_printf(text, "%" PRId64 " to %" PRId64 " bytes", row->min, row->max);
}

/* BYTES */

static int bytes_set(const struct hl_parameter *row, void *field, struct hl_slice text,
		     struct hl_error *error)
{
	struct hl_slice *bytes = field;
	int bad = length_check(row, text, error);
	char *copy;

	if (bad)
		return bad;
	copy = hl_slice_copy(text);
	if (!copy)
		return hl_error_set(error, -ENOMEM, "out of memory");
	hl_free((void *)(uintptr_t)bytes->data);
	*bytes = (struct hl_slice){copy, text.length};
	return 0;
}

static void bytes_json(const struct hl_parameter *row, const void *field, struct hl_json *json)
{
	(void)row;
	hl_json_slice(json, *(const struct hl_slice *)field);
}

static void bytes_free(void *field)
{
	struct hl_slice *bytes = field;

	hl_free((void *)(uintptr_t)bytes->data);
	*bytes = (struct hl_slice){0};
}

/* RANGE */

static int range_set(const struct hl_parameter *row, void *field, struct hl_slice text,
		     struct hl_error *error)
{
	struct hl_slice high = text, low = hl_slice_trim(hl_slice_cut(&high, '-'));
	struct hl_range range;
	int bad;

	bad = parse_integer(low, &range.low);
	if (!bad)
		bad = parse_integer(hl_slice_trim(high), &range.high);
	if (bad == -EINVAL)
		return refuse(row, bad, text, "is not a range LOW-HIGH", error);
	if (bad || !within(row, range.low) || !within(row, range.high))
		return refuse(row, -ERANGE, text, "is out of range", error);
	if (range.low > range.high)
		return refuse(row, -ERANGE, text, "begins above its end", error);
	*(struct hl_range *)field = range;
	return 0;
}

static void range_json(const struct hl_parameter *row, const void *field, struct hl_json *json)
{
	const struct hl_range *range = field;
	char text[64];

	(void)row;
	snprintf(text, sizeof(text), "%" PRId64 "-%" PRId64, range->low, range->high);
	hl_json_string(json, text);
}

static void range_allowed(const struct hl_parameter *row, struct hl_text *text)
{
	hl_text_put(text, "LOW-HIGH within ");
	allowed_numbers(row, text);
}

/* LIST */

static void list_free(void *field)
{
	struct hl_strings *list = field;

	for (size_t i = 0; i < list->count; i++)
		hl_free(list->items[i]);
	hl_free(list->items);
	*list = (struct hl_strings){0};
}

static struct hl_slice unquoted(struct hl_slice text)
{
	if (text.length >= 2 && (text.data[0] == '"' || text.data[0] == '\'') &&
	    text.data[text.length - 1] == text.data[0])
		return (struct hl_slice){text.data + 1, text.length - 2};
	return text;
}

/* "[a, b]" or a lone text: how a list is written in a default or on a command line. */
static int list_set(const struct hl_parameter *row, void *field, struct hl_slice text,
		    struct hl_error *error)
{
	struct hl_slice items[64], rest = hl_slice_trim(text);
	size_t count = 0;

	if (rest.length >= 2 && rest.data[0] == '[' && rest.data[rest.length - 1] == ']') {
		rest.data++;
		rest.length -= 2;
		for (rest = hl_slice_trim(rest); rest.length && count < HL_COUNT(items);)
			items[count++] = unquoted(hl_slice_trim(hl_slice_cut(&rest, ',')));
		if (rest.length)
			return refuse(row, -ERANGE, text, "has too many parts", error);
	} else if (rest.length && (rest.data[0] == '[' || memchr(rest.data, ',', rest.length))) {
		return refuse(row, -EINVAL, text, "is no list; write [a, b]", error);
	} else if (rest.length) {
		items[count++] = rest;
	}
	return hl_parameter_set_list(row, (char *)field - row->offset, items, count, error);
}

static void list_json(const struct hl_parameter *row, const void *field, struct hl_json *json)
{
	const struct hl_strings *list = field;

	(void)row;
	hl_json_array(json);
	for (size_t i = 0; i < list->count; i++)
		hl_json_string(json, list->items[i]);
	hl_json_array_end(json);
}

static void list_allowed(const struct hl_parameter *row, struct hl_text *text)
{
	hl_text_put(text, row->values ? "a list of " : "a list of texts");
	if (row->values)
		allowed_words(row, text);
}

/* A list that has words has at least one of them, and each once. */
static int list_check(const struct hl_parameter *row, const struct hl_slice *items, size_t count,
		      struct hl_error *error)
{
	if (!row->values)
		return 0;
	if (!count)
		return refuse(row, -EINVAL, hl_slice_of("[]"), "is empty", error);
	for (size_t i = 0; i < count; i++) {
		if (word_index(row, items[i]) < 0)
			return refuse(row, -EINVAL, items[i], "is not a choice", error);
		for (size_t n = 0; n < i; n++)
			if (hl_slice_equal_nocase(items[i], items[n]))
				return refuse(row, -EINVAL, items[i], "is named twice", error);
	}
	return 0;
}

static const struct type types[] = {
	[HL_PARAMETER_INTEGER] = {integer_set, integer_json, NULL, integer_allowed},
	[HL_PARAMETER_BOOLEAN] = {boolean_set, boolean_json, NULL, boolean_allowed},
	[HL_PARAMETER_CHOICE] = {choice_set, choice_json, NULL, allowed_words},
	[HL_PARAMETER_STRING] = {string_set, string_json, string_free, length_allowed},
	[HL_PARAMETER_BYTES] = {bytes_set, bytes_json, bytes_free, length_allowed},
	[HL_PARAMETER_RANGE] = {range_set, range_json, NULL, range_allowed},
	[HL_PARAMETER_LIST] = {list_set, list_json, list_free, list_allowed},
};

static void *field_of(const struct hl_parameter *row, void *settings)
{
	return (char *)settings + row->offset;
}

int hl_parameters_default(const struct hl_parameter *rows, void *settings)
{
	for (const struct hl_parameter *row = rows; row->key; row++) {
		int error =
			types[row->type].set(row, field_of(row, settings),
					     hl_slice_of(row->fallback ? row->fallback : ""), NULL);
		if (error)
			return error;
	}
	return 0;
}

int hl_parameter_set(const struct hl_parameter *row, void *settings, struct hl_slice text,
		     struct hl_error *error)
{
	return types[row->type].set(row, field_of(row, settings), text, error);
}

int hl_parameter_set_list(const struct hl_parameter *row, void *settings,
			  const struct hl_slice *items, size_t count, struct hl_error *error)
{
	struct hl_strings list = {0};
	int bad;

	if (row->type != HL_PARAMETER_LIST)
		return hl_error_set(error, -EINVAL, "takes one value, not a list");
	bad = list_check(row, items, count, error);
	if (bad)
		return bad;
	if (count) {
		list.items = hl_zalloc(count * sizeof(*list.items));
		if (!list.items)
			goto out_of_memory;
	}
	for (; list.count < count; list.count++) {
		list.items[list.count] = hl_slice_copy(items[list.count]);
		if (!list.items[list.count])
			goto out_of_memory;
	}
	list_free(field_of(row, settings));
	*(struct hl_strings *)field_of(row, settings) = list;
	return 0;
out_of_memory:
	list_free(&list);
	return hl_error_set(error, -ENOMEM, "out of memory");
}

void hl_parameter_json(const struct hl_parameter *row, const void *settings, struct hl_json *json)
{
	types[row->type].json(row, (const char *)settings + row->offset, json);
}

void hl_parameters_free(const struct hl_parameter *rows, void *settings)
{
	for (const struct hl_parameter *row = rows; row->key; row++)
		if (types[row->type].free)
			types[row->type].free(field_of(row, settings));
}

/* Equality without case and without `_`: SS_MEDIAPROXYBEHINDNAT is SS_MEDIA_PROXY_BEHIND_NAT. */
static bool same_loosely(const char *known, struct hl_slice name)
{
	const char *end = name.data + name.length;

	for (const char *at = name.data;; known++, at++) {
		while (*known == '_')
			known++;
		while (at < end && *at == '_')
			at++;
		if (!*known || at == end)
			return !*known && at == end;
		if (tolower((unsigned char)*known) != tolower((unsigned char)*at))
			return false;
	}
}

const struct hl_parameter *hl_parameter_find(const struct hl_parameter *rows, struct hl_slice name)
{
	for (const struct hl_parameter *row = rows; row->key; row++)
		if (hl_slice_equal(hl_slice_of(row->key), name))
			return row;
	for (const struct hl_parameter *row = rows; row->key && name.length; row++)
		if (row->vos3000 && same_loosely(row->vos3000, name))
			return row;
	return NULL;
}

void hl_parameter_allowed(const struct hl_parameter *row, struct hl_text *text)
{
	types[row->type].allowed(row, text);
}
