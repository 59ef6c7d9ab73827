/* Tables whose columns shrink and whose lines break to fit, and cards of one object. */
#include "view.h"

#include "cell.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 2, LEAST = 6, MOST_FIELDS = 32 };

struct cell {
	char *text; /* owned, cleaned */
	enum shade shade;
};

const json_t *view_get(const json_t *row, const char *path)
{
	char name[64];

	while (row && *path) {
		size_t length = strcspn(path, ".");

		snprintf(name, sizeof name, "%.*s", (int)length, path);
		row = json_object_get(row, name);
		path += length + (path[length] == '.');
	}
	return row;
}

static struct cell make_cell(const struct field *field, const json_t *row)
{
	struct cell cell = {NULL, SHADE_NONE};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		cell.shade = field->cell(out, view_get(row, field->path), row);
		fclose(out);
		cell.text = terminal_clean(text, false);
	}
	free(text);
	if (!cell.text) {
		fputs("holdlinectl: out of memory\n", stderr);
		exit(1);
	}
	return cell;
}

static size_t count_fields(const struct field *fields)
{
	size_t count = 0;

	while (fields[count].title && count < MOST_FIELDS)
		count++;
	return count;
}

static size_t sum(const size_t *widths, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += widths[i] + (i ? GAP : 0);
	return total;
}

/* Takes columns from the widest field that may shrink until the row fits, and leaves out the last
 * fields when that is not enough. Returns how many are left. */
static size_t fit(const struct field *fields, size_t *widths, size_t count, size_t room)
{
	while (room && sum(widths, count) > room && count > 1) {
		size_t widest = count;

		for (size_t i = 0; i < count; i++)
			if ((fields[i].shrinks || fields[i].wraps) && widths[i] > LEAST &&
			    (widest == count || widths[i] > widths[widest]))
				widest = i;
		if (widest == count)
			count--;
		else
			widths[widest]--;
	}
	return count;
}

/* One line of a row: as much of each text as fits, what is left stays in `rest`. True when
 * something is left. */
static bool print_line(const struct field *fields, const struct cell *cells, const char **rest,
		       const size_t *widths, size_t count)
{
	size_t last = count;
	bool more = false;

	while (last > 1 && !*rest[last - 1])
		last--;
	for (size_t i = 0; i < last; i++) {
		size_t taken =
			fields[i].wraps ? terminal_wrap(rest[i], widths[i]) : strlen(rest[i]);
		char *piece = strndup(rest[i], taken);
		size_t columns = piece ? terminal_columns(piece) : 0;
		/* Nothing follows the last one: no blanks behind it. */
		bool bare = i + 1 == last && !fields[i].right && columns < widths[i];

		printf("%*s", i ? GAP : 0, "");
		terminal_cell(piece ? piece : "", bare ? columns : widths[i], fields[i].right,
			      cells[i].shade);
		free(piece);
		rest[i] += taken;
		rest[i] += strspn(rest[i], " ");
		more |= *rest[i] != '\0';
	}
	putchar('\n');
	return more;
}

static void print_row(const struct field *fields, const struct cell *cells, const size_t *widths,
		      size_t count)
{
	const char *rest[MOST_FIELDS];

	for (size_t i = 0; i < count; i++)
		rest[i] = cells[i].text;
	while (print_line(fields, cells, rest, widths, count))
		;
}

void view_table(const struct field *fields, const json_t *rows)
{
	size_t count = count_fields(fields), rest = json_array_size(rows), shown;
	struct cell *cells = calloc(count * (rest + 1) + 1, sizeof *cells);
	size_t widths[MOST_FIELDS] = {0};

	for (size_t row = 0; cells && row <= rest; row++) {
		for (size_t i = 0; i < count; i++) {
			struct cell *cell = &cells[row * count + i];
			size_t columns;

			if (row)
				*cell = make_cell(&fields[i], json_array_get(rows, row - 1));
			else
				*cell = (struct cell){strdup(fields[i].title), SHADE_TITLE};
			columns = terminal_columns(cell->text);
			if (columns > widths[i])
				widths[i] = columns;
		}
	}
	shown = fit(fields, widths, count, terminal_width());
	for (size_t row = 0; cells && row <= rest; row++) {
		print_row(fields, &cells[row * count], widths, shown);
		for (size_t i = 0; i < count; i++)
			free(cells[row * count + i].text);
	}
	free(cells);
}

/* What is too long for one line goes on below itself. */
static void print_wrapped(const struct cell *cell, size_t indent)
{
	size_t room = terminal_width() > indent + LEAST ? terminal_width() - indent : 0;
	const char *rest = cell->text;

	do {
		size_t taken = room ? terminal_wrap(rest, room) : strlen(rest);
		char *piece = strndup(rest, taken);

		if (rest != cell->text)
			printf("%*s", (int)indent, "");
		terminal_cell(piece ? piece : "", piece ? terminal_columns(piece) : 0, false,
			      cell->shade);
		putchar('\n');
		free(piece);
		rest += taken;
		rest += strspn(rest, " ");
	} while (*rest);
}

void view_card(const struct field *fields, const json_t *object)
{
	size_t count = count_fields(fields), title = 0;

	for (size_t i = 0; i < count; i++)
		if (strlen(fields[i].title) > title)
			title = strlen(fields[i].title);
	for (size_t i = 0; i < count; i++) {
		struct cell cell;

		if (!view_get(object, fields[i].path))
			continue;
		cell = make_cell(&fields[i], object);
		terminal_cell(fields[i].title, title, false, SHADE_DIM);
		printf("%*s", GAP, "");
		print_wrapped(&cell, title + GAP);
		free(cell.text);
	}
}

/* The members of the first row, as they are called. */
static void view_guessed(const json_t *sample, const json_t *rows)
{
	struct field fields[MOST_FIELDS + 1] = {{NULL}};
	size_t count = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)sample, name, value)
	{
		if (count < MOST_FIELDS)
			fields[count++] = (struct field){.title = name,
							 .path = name,
							 .cell = cell_text,
							 .right = json_is_number(value),
							 .shrinks = true};
	}
	if (rows)
		view_table(fields, rows);
	else
		view_card(fields, sample);
}

void view_any(const json_t *value)
{
	static const struct field only[] = {{.title = "", .path = "", .cell = cell_text},
					    {.title = NULL}};
	struct cell cell;

	if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
		view_guessed(json_array_get(value, 0), value);
	} else if (json_is_object(value)) {
		view_guessed(value, NULL);
	} else {
		cell = make_cell(only, value);
		puts(cell.text);
		free(cell.text);
	}
}
