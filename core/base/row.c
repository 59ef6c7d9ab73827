/* Rows of typed values. */
#include "base/row.h"
#include "base/clock.h"

struct hl_value hl_value_text(const char *text)
{
	return (struct hl_value){.present = text && *text, .text = hl_slice_of(text)};
}

struct hl_value hl_value_integer(int64_t integer)
{
	return (struct hl_value){.present = true, .integer = integer};
}

struct hl_value hl_value_number(double number)
{
	return (struct hl_value){.present = true, .number = number};
}

struct hl_value hl_value_boolean(bool boolean)
{
	return (struct hl_value){.present = true, .integer = boolean};
}

struct hl_value hl_value_time(uint64_t time)
{
	return (struct hl_value){.present = time != 0, .time = time};
}

void hl_value_json(enum hl_kind kind, const struct hl_value *value, struct hl_json *json)
{
	char time[HL_CLOCK_TEXT];

	if (!value->present) {
		hl_json_null(json);
		return;
	}
	switch (kind) {
	case HL_KIND_INTEGER: hl_json_integer(json, value->integer); break;
	case HL_KIND_NUMBER: hl_json_number(json, value->number); break;
	case HL_KIND_BOOLEAN: hl_json_boolean(json, value->integer != 0); break;
	case HL_KIND_TIME:
		hl_clock_format(value->time, time);
		hl_json_string(json, time);
		break;
	case HL_KIND_JSON: hl_json_raw(json, value->text); break;
	default: hl_json_slice(json, value->text);
	}
}

void hl_row_json(const struct hl_columns *columns, const struct hl_value *row, struct hl_json *json)
{
	hl_json_object(json);
	for (size_t i = 0; i < columns->count; i++) {
		hl_json_name(json, columns->items[i].name);
		hl_value_json(columns->items[i].kind, &row[i], json);
	}
	hl_json_object_end(json);
}

static bool has_text(const struct hl_column *column, const struct hl_value *value)
{
	return value->present && (column->kind == HL_KIND_TEXT || column->kind == HL_KIND_JSON);
}

size_t hl_row_size(const struct hl_columns *columns, const struct hl_value *row)
{
	size_t size = columns->count * sizeof(*row);

	for (size_t i = 0; i < columns->count; i++)
		if (has_text(&columns->items[i], &row[i]))
			size += row[i].text.length;
	return size;
}

struct hl_value *hl_row_copy(const struct hl_columns *columns, const struct hl_value *row, void *to)
{
	struct hl_value *copy = to;
	char *at = (char *)(copy + columns->count);

	for (size_t i = 0; i < columns->count; i++) {
		copy[i] = row[i];
		if (!has_text(&columns->items[i], &row[i]))
			continue;
		if (row[i].text.length)
			memcpy(at, row[i].text.data, row[i].text.length);
		copy[i].text.data = at;
		at += row[i].text.length;
	}
	return copy;
}
