/* `--from-vos3000`: a list of VOS3000 parameters, as pasted from its client or a page about it,
 * becomes YAML under Holdline's own names. Each line that could not be taken is a comment. */
#include "base/memory.h"
#include "config/nearest.h"
#include "pasted.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 64, SHOWN_MOST = 200 /* bytes of a line that was not taken */ };

/* One parameter that was taken. */
struct taken {
	const struct hl_section *section;
	const struct hl_parameter *row;
	char value[256];
	unsigned line;
};

struct conversion {
	const struct hl_section *sections[SECTIONS_MAX];
	size_t section_count;
	struct taken taken[256];
	size_t count;
	struct hl_text refused; /* comments */
	unsigned refusals;
};

static const struct hl_parameter *find(const struct conversion *conversion, struct hl_slice name,
				       const struct hl_section **section)
{
	for (size_t i = 0; i < conversion->section_count; i++)
		for (const struct hl_parameter *row = conversion->sections[i]->rows;
		     row && row->key; row++) {
			const struct hl_parameter alone[] = {*row, HL_PARAMETERS_END};
			if (!row->vos3000 || hl_slice_equal(hl_slice_of(row->key), name) ||
			    !hl_parameter_find(alone, name))
				continue;
			*section = conversion->sections[i];
			return row;
		}
	return NULL;
}

HL_PRINTF(4, 5)
static void refuse(struct conversion *conversion, unsigned line, struct hl_slice text,
		   const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	hl_text_printf(&conversion->refused, "# line %u: %.*s\n#   not taken: ", line,
		       HL_SLICE_ARGS(text));
	hl_text_vprintf(&conversion->refused, format, arguments);
	hl_text_put(&conversion->refused, "\n");
	conversion->refusals++;
	va_end(arguments);
}

/* Whether the row takes that value; `why` says why not. */
static bool takes(const struct hl_section *section, const struct hl_parameter *row,
		  struct hl_slice value, struct hl_error *why)
{
	const struct hl_parameter alone[] = {*row, HL_PARAMETERS_END};
	void *settings = hl_zalloc(section->size);
	bool good = settings && !hl_parameters_default(alone, settings) &&
		    !hl_parameter_set(row, settings, value, why);
	if (settings)
		hl_parameters_free(alone, settings);
	hl_free(settings);
	return good;
}

static void offer_all(const struct conversion *conversion, struct hl_slice name,
		      struct hl_nearest *nearest)
{
	hl_nearest_init(nearest, name);
	for (size_t i = 0; i < conversion->section_count; i++)
		for (const struct hl_parameter *row = conversion->sections[i]->rows;
		     row && row->key; row++)
			if (row->vos3000)
				hl_nearest_offer(nearest, hl_slice_of(row->vos3000));
}

static void take(struct conversion *conversion, unsigned number, struct hl_slice line,
		 struct hl_slice name, struct hl_slice value)
{
	const struct hl_section *section;
	const struct hl_parameter *row = find(conversion, name, &section);
	struct hl_error why = {""};

	if (!row) {
		char hint[HL_NEAREST_TEXT];
		struct hl_nearest nearest;

		offer_all(conversion, name, &nearest);
		refuse(conversion, number, line, "Holdline has no such parameter%s",
		       hl_nearest_text(&nearest, hint));
		return;
	}
	value = hl_pasted_without_unit(value, row->unit);
	for (size_t i = 0; i < conversion->count; i++)
		if (conversion->taken[i].row == row) {
			refuse(conversion, number, line, "was there before, in line %u",
			       conversion->taken[i].line);
			return;
		}
	if (value.length >= sizeof(conversion->taken[0].value) ||
	    conversion->count == HL_COUNT(conversion->taken))
		refuse(conversion, number, line, "too long");
	else if (!takes(section, row, value, &why))
		refuse(conversion, number, line, "%s", why.text);
	else {
		struct taken *taken = &conversion->taken[conversion->count++];
		*taken = (struct taken){.section = section, .row = row, .line = number};
		memcpy(taken->value, value.data, value.length);
	}
}

static void take_line(struct conversion *conversion, unsigned number, struct hl_slice line)
{
	struct hl_slice name, value, start = line;
	const struct hl_section *section;

	start.length = start.length > SHOWN_MOST ? SHOWN_MOST : start.length;
	if (!hl_pasted_read(line, &name, &value))
		return;
	if ((name.length < 3 || strncasecmp(name.data, "SS_", 3)) &&
	    !find(conversion, name, &section))
		refuse(conversion, number, start, "no VOS3000 name (SS_…) in it");
	else
		take(conversion, number, start, name, value);
}

/* Rows of a section, nested where the key has a dot. */
static void write_section(const struct conversion *conversion, const struct hl_section *section,
			  int indent, struct hl_text *out)
{
	bool any = false;
	char above[64] = "";
	for (size_t i = 0; i < conversion->count; i++) {
		const struct taken *taken = &conversion->taken[i];
		const char *key = taken->row->key, *dot;
		size_t deep = 0;
		if (taken->section != section)
			continue;
		if (!any)
			hl_text_printf(out, "%*s%s:\n", indent, "", section->name);
		any = true;
		dot = strrchr(key, '.');
		if (dot && strncmp(above, key, (size_t)(dot - key))) {
			snprintf(above, sizeof(above), "%.*s", (int)(dot - key), key);
			hl_text_printf(out, "%*s%s:\n", indent + 2, "", above);
		}
		deep = dot ? 2 : 0;
		hl_text_printf(out, "%*s%s: ", indent + 2 + (int)deep, "", dot ? dot + 1 : key);
		hl_json_quote(out, hl_slice_of(taken->value));
		hl_text_printf(out, "  # %s\n", taken->row->vos3000);
	}
}

static void write_all(struct conversion *conversion, const char *file, struct hl_text *out)
{
	bool plugins = false;
	hl_text_printf(out, "# From %s: %zu taken, %u not.\n", file, conversion->count,
		       conversion->refusals);
	for (size_t i = 0; i < conversion->section_count; i++) {
		const struct hl_section *section = conversion->sections[i];
		bool core = i < HL_CORE_SECTIONS;
		for (size_t n = 0; !core && !plugins && n < conversion->count; n++)
			if (conversion->taken[n].section == section) {
				hl_text_put(out, "plugins:\n");
				plugins = true;
			}
		write_section(conversion, section, core ? 0 : 2, out);
	}
	hl_text_append(out, conversion->refused.data, conversion->refused.length);
}

static int convert(struct hl_modules *modules, FILE *in, const char *file)
{
	struct conversion *conversion = hl_zalloc(sizeof(*conversion));
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	struct hl_text clean, out;

	if (!conversion)
		return HL_EXIT_FAILED;
	hl_text_init(&conversion->refused);
	conversion->section_count = hl_params_sections(modules, conversion->sections, SECTIONS_MAX);
	hl_text_init(&clean);
	for (unsigned number = 1; (length = getline(&line, &size, in)) >= 0; number++) {
		while (length && strchr("\r\n", line[length - 1]) && line[length - 1])
			length--;
		hl_text_clear(&clean);
		hl_pasted_clean((struct hl_slice){line, (size_t)length}, &clean);
		take_line(conversion, number, (struct hl_slice){clean.data, clean.length});
	}
	free(line);
	hl_text_clear(&clean);
	hl_pasted_clean(hl_slice_of(file), &clean);
	hl_text_init(&out);
	write_all(conversion, hl_text_string(&clean), &out);
	fputs(hl_text_string(&out), stdout);
	hl_text_fini(&out);
	hl_text_fini(&clean);
	hl_text_fini(&conversion->refused);
	hl_free(conversion);
	return HL_EXIT_OK;
}

int hl_switch_from_vos3000(const char *file)
{
	FILE *in = strcmp(file, "-") ? fopen(file, "re") : stdin;
	struct hl_modules *modules;
	int code;

	if (!in) {
		fprintf(stderr, "holdline: %s: %s\n", file, strerror(errno));
		return HL_EXIT_CONFIGURATION;
	}
	modules = hl_modules_new(NULL);
	code = modules ? convert(modules, in, file) : HL_EXIT_FAILED;
	if (modules)
		hl_modules_free(modules);
	if (in != stdin)
		fclose(in);
	return code;
}
