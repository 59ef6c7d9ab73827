/* `holdline --params`: all parameters for people, or for programs. */
#include "config/config.h"

#include "base/memory.h"

enum { WIDTH = 100, KEY_WIDTH = 36, DEFAULT_WIDTH = 22, INDENT = 4 };

static const char *const type_names[] = {
	[HL_PARAMETER_INTEGER] = "integer", [HL_PARAMETER_BOOLEAN] = "boolean",
	[HL_PARAMETER_CHOICE] = "choice",   [HL_PARAMETER_STRING] = "string",
	[HL_PARAMETER_BYTES] = "bytes",	    [HL_PARAMETER_RANGE] = "range",
	[HL_PARAMETER_LIST] = "list",
};

static bool has_bounds(const struct hl_parameter *row)
{
	return row->type == HL_PARAMETER_INTEGER || row->type == HL_PARAMETER_RANGE ||
	       row->type == HL_PARAMETER_STRING || row->type == HL_PARAMETER_BYTES;
}

static void put_values(const struct hl_parameter *row, struct hl_json *json)
{
	hl_json_key(json, "values");
	if (!row->values) {
		hl_json_null(json);
		return;
	}
	hl_json_array(json);
	for (size_t i = 0; row->values[i]; i++)
		hl_json_string(json, row->values[i]);
	hl_json_array_end(json);
}

static void put_bound(struct hl_json *json, const char *key, bool given, int64_t value)
{
	if (given)
		hl_json_put_integer(json, key, value);
	else
		hl_json_put_null(json, key);
}

static void row_json(const struct hl_section *section, const struct hl_parameter *row,
		     const void *defaults, struct hl_json *json)
{
	struct hl_text key;

	hl_text_init(&key);
	hl_text_printf(&key, "%s.%s", section->name, row->key);
	hl_json_object(json);
	hl_json_put_string(json, "key", hl_text_string(&key));
	hl_json_put_string(json, "vos3000", row->vos3000);
	hl_json_put_string(json, "type", type_names[row->type]);
	hl_json_key(json, "default");
	hl_parameter_json(row, defaults, json);
	put_bound(json, "min", has_bounds(row), row->min);
	put_bound(json, "max", has_bounds(row) && row->max, row->max);
	put_values(row, json);
	hl_json_put_string(json, "unit", row->unit);
	hl_json_put_boolean(json, "reloadable", row->reloadable);
	hl_json_put_string(json, "help", row->help);
	hl_json_object_end(json);
	hl_text_fini(&key);
}

/* Words of `help`, broken and indented so that no line is wider than the table. */
static void put_wrapped(struct hl_text *out, struct hl_slice words)
{
	size_t column = INDENT;

	hl_text_printf(out, "%*s", INDENT, "");
	while (words.length) {
		struct hl_slice word = hl_slice_cut(&words, ' ');

		if (column > INDENT && column + 1 + word.length > WIDTH) {
			hl_text_printf(out, "\n%*s", INDENT, "");
			column = INDENT;
		}
		hl_text_printf(out, "%s%.*s", column > INDENT ? " " : "", HL_SLICE_ARGS(word));
		column += word.length + (column > INDENT);
	}
	hl_text_put(out, "\n");
}

/* "KEY  DEFAULT  ALLOWED", then the help indented; a part too long for its column pushes on. */
static void row_table(const struct hl_section *section, const struct hl_parameter *row,
		      const void *defaults, struct hl_text *out)
{
	struct hl_text key, value, allowed, help;
	struct hl_json json;

	hl_text_init(&key);
	hl_text_init(&value);
	hl_text_init(&allowed);
	hl_text_init(&help);
	hl_text_printf(&key, "%s.%s", section->name, row->key);
	hl_json_init(&json, &value);
	hl_parameter_json(row, defaults, &json);
	hl_parameter_allowed(row, &allowed);
	hl_text_printf(&help, "%s", row->help);
	if (!row->reloadable)
		hl_text_put(&help, " Takes a restart.");
	if (row->vos3000)
		hl_text_printf(&help, " VOS3000: %s", row->vos3000);
	hl_text_printf(out, "%-*s ", KEY_WIDTH, hl_text_string(&key));
	if (KEY_WIDTH + 1 + value.length + 1 + allowed.length > WIDTH)
		hl_text_printf(out, "%s\n%*s ", hl_text_string(&value),
			       KEY_WIDTH + DEFAULT_WIDTH + 1, "");
	else
		hl_text_printf(out, "%-*s ", DEFAULT_WIDTH, hl_text_string(&value));
	hl_text_printf(out, "%s\n", hl_text_string(&allowed));
	put_wrapped(out, (struct hl_slice){help.data, help.length});
	hl_text_fini(&key);
	hl_text_fini(&value);
	hl_text_fini(&allowed);
	hl_text_fini(&help);
}

void hl_config_print_params(const struct hl_section *const *sections, size_t count, bool json,
			    struct hl_text *out)
{
	struct hl_json array;

	hl_json_init(&array, out);
	if (json)
		hl_json_array(&array);
	for (size_t i = 0; i < count; i++) {
		const struct hl_parameter *rows = sections[i]->rows;
		void *defaults = rows ? hl_zalloc(sections[i]->size) : NULL;

		if (rows && (!defaults || hl_parameters_default(rows, defaults)))
			out->failed = true;
		for (const struct hl_parameter *row = rows; row && row->key && !out->failed; row++)
			if (json)
				row_json(sections[i], row, defaults, &array);
			else
				row_table(sections[i], row, defaults, out);
		if (defaults)
			hl_parameters_free(rows, defaults);
		hl_free(defaults);
	}
	if (json) {
		hl_json_array_end(&array);
		hl_text_put(out, "\n");
	}
}
