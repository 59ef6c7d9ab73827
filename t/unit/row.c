/* Rows: as JSON, and copied into one piece. */
#include "base/row.h"
#include "base/clock.h"
#include "base/memory.h"

#include "tap.h"

#include <errno.h>

static const struct hl_column items[] = {
	{"id", HL_KIND_TEXT},	       {"at", HL_KIND_TIME},	{"count", HL_KIND_INTEGER},
	{"length", HL_KIND_NUMBER}, {"good", HL_KIND_BOOLEAN}, {"list", HL_KIND_JSON},
};
static const struct hl_columns columns = {items, HL_COUNT(items)};

static struct hl_text text;

static const char *json_of(const struct hl_value *row)
{
	struct hl_json json;

	hl_text_clear(&text);
	hl_json_init(&json, &text);
	hl_row_json(&columns, row, &json);
	return hl_text_string(&text);
}

int main(void)
{
	static const char filled[] =
		"{\"id\":\"a \\\"b\\\"\",\"at\":\"2026-11-22T15:53:07.123Z\",\"count\":-7,"
		"\"length\":1.5,\"good\":true,\"list\":[1,{}]}";
	char id[] = "a \"b\"", list[] = "[1,{}]";
	const struct hl_value row[] = {
		hl_value_text(id),
		hl_value_time(1795362787123456ull),
		hl_value_integer(-7),
		hl_value_number(1.5),
		hl_value_boolean(true),
		hl_value_text(list),
	};
	const struct hl_value nothing[HL_COUNT(items)] = {hl_value_text(NULL), hl_value_time(0),
							  {.present = false}, {.present = false},
							  {.present = false}, hl_value_text("")};

	is_str(json_of(row), filled, "each kind is written as it should");
	is_str(json_of(nothing),
	       "{\"id\":null,\"at\":null,\"count\":null,\"length\":null,\"good\":null,"
	       "\"list\":null}", "what is not there is null");
	is_int(hl_row_size(&columns, nothing), sizeof(nothing), "no text takes no room");
	size_t size = hl_row_size(&columns, row);
	is_int(size, sizeof(row) + 5 + 6, "text takes its length");
	void *piece = hl_alloc(size);
	struct hl_value *copy = hl_row_copy(&columns, row, piece);
	memset(id, 'x', sizeof(id));
	memset(list, 'x', sizeof(list));
	is_str(json_of(copy), filled, "a copy borrows nothing");
	hl_free(piece);
	char moment[HL_CLOCK_TEXT];
	uint64_t wall = 0;
	hl_clock_format(1795362787123456ull, moment);
	is_int(hl_clock_parse(hl_slice_of(moment), &wall), 0, "a time is read back");
	is_int(wall, 1795362787123000ull, "to the millisecond");
	is_int(hl_clock_parse(HL_SLICE_LITERAL("2026-11-22T15:53:07Z"), &wall), -EINVAL,
	       "what has not the form is none");
	hl_text_fini(&text);
	return done_testing();
}
