/* The collected mistakes of a configuration. */
#include "config/mistake.h"

#include "base/memory.h"

#include <stdlib.h>

/* Beyond this many the rest is counted only: a file of half a million wrong lines needs no more. */
enum { MOST_SHOWN = 1000 };

struct hl_mistake {
	struct hl_list node; /* in hl_mistakes.list */
	bool warning;
	char *file; /* owned, for it outlives the configuration; NULL: nowhere */
	unsigned line, column;
	char *text;	/* owned: "path: what"; NULL when memory ran out */
	unsigned order; /* of report */
};

void hl_mistakes_init(struct hl_mistakes *mistakes)
{
	*mistakes = (struct hl_mistakes){0};
	hl_list_init(&mistakes->list);
}

static void mistake_free(struct hl_mistake *mistake)
{
	hl_free(mistake->file);
	hl_free(mistake->text);
	hl_free(mistake);
}

void hl_mistakes_fini(struct hl_mistakes *mistakes)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &mistakes->list)
		mistake_free(hl_list_entry(node, struct hl_mistake, node));
	hl_mistakes_init(mistakes);
}

/* What a file says goes to terminals and logs: control characters are shown, not sent. */
static void put_escaped(struct hl_text *text, struct hl_slice raw)
{
	for (size_t i = 0; i < raw.length; i++) {
		unsigned char c = (unsigned char)raw.data[i];

		if (c < 0x20 || c == 0x7f)
			hl_text_printf(text, "\\x%02x", c);
		else
			hl_text_append(text, &raw.data[i], 1);
	}
}

HL_PRINTF(2, 0)
static char *mistake_text(const char *path, const char *format, va_list arguments)
{
	struct hl_text raw, text;

	hl_text_init(&raw);
	hl_text_init(&text);
	hl_text_vprintf(&raw, format, arguments);
	if (path && *path) {
		put_escaped(&text, hl_slice_of(path));
		hl_text_put(&text, ": ");
	}
	put_escaped(&text, (struct hl_slice){raw.data, raw.length});
	hl_text_fini(&raw);
	return hl_text_take(&text);
}

HL_PRINTF(5, 0)
static void mistake_add(struct hl_mistakes *mistakes, bool warning, struct hl_place place,
			const char *path, const char *format, va_list arguments)
{
	unsigned order = mistakes->errors + mistakes->warnings;
	struct hl_mistake *mistake;

	if (warning)
		mistakes->warnings++;
	else
		mistakes->errors++;
	if (order >= MOST_SHOWN)
		return;
	mistake = hl_zalloc(sizeof(*mistake));
	if (!mistake)
		return;
	mistake->warning = warning;
	mistake->file = hl_strdup(place.file);
	mistake->line = place.line ? place.line : 1;
	mistake->column = place.column ? place.column : 1;
	mistake->text = mistake_text(path, format, arguments);
	mistake->order = order;
	hl_list_append(&mistakes->list, &mistake->node);
}

void hl_mistake(struct hl_mistakes *mistakes, struct hl_place place, const char *path,
		const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	mistake_add(mistakes, false, place, path, format, arguments);
	va_end(arguments);
}

void hl_mistake_warning(struct hl_mistakes *mistakes, struct hl_place place, const char *path,
			const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	mistake_add(mistakes, true, place, path, format, arguments);
	va_end(arguments);
}

static int by_place(const void *left, const void *right)
{
	const struct hl_mistake *a = *(const struct hl_mistake *const *)left;
	const struct hl_mistake *b = *(const struct hl_mistake *const *)right;
	int files = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (files)
		return files;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static void mistake_print(const struct hl_mistake *mistake, struct hl_text *text)
{
	if (mistake->file) {
		put_escaped(text, hl_slice_of(mistake->file));
		hl_text_printf(text, ":%u:%u: ", mistake->line, mistake->column);
	}
	if (mistake->warning)
		hl_text_put(text, "warning: ");
	hl_text_put(text, mistake->text ? mistake->text : "out of memory");
	hl_text_put(text, "\n");
}

void hl_mistakes_print(const struct hl_mistakes *mistakes, struct hl_text *text)
{
	const struct hl_mistake *sorted[MOST_SHOWN];
	unsigned total = mistakes->errors + mistakes->warnings, count = 0;

	for (struct hl_list *node = mistakes->list.next; node != &mistakes->list; node = node->next)
		sorted[count++] = hl_list_entry(node, struct hl_mistake, node);
	if (count)
		qsort(sorted, count, sizeof(sorted[0]), by_place);
	for (unsigned i = 0; i < count; i++)
		mistake_print(sorted[i], text);
	if (total > count)
		hl_text_printf(text, "%u more mistakes\n", total - count);
}
