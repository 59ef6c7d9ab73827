/* What the terminal can show: columns of a text, colours, and nothing that moves its cursor. */
#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

static bool coloured;
static bool unicode;
static size_t width;

void terminal_setup(void)
{
	const char *columns = getenv("COLUMNS"), *no_color = getenv("NO_COLOR"),
		   *term = getenv("TERM");
	struct winsize size;

	setlocale(LC_CTYPE, "");
	unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
	coloured =
		isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb");
	if (columns && atoi(columns) > 0)
		width = (size_t)atoi(columns);
	else if (isatty(STDOUT_FILENO))
		width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

size_t terminal_width(void)
{
	return width;
}

/* The bytes of the character at `text` and the columns it takes; −1: it cannot be shown. */
static size_t character(const char *text, int *columns)
{
	mbstate_t state = {0};
	size_t length = 1;
	wchar_t wide;

	if ((unsigned char)*text < 0x80) {
		*columns = *text >= ' ' && *text != 0x7f ? 1 : -1;
		return 1;
	}
	while (((unsigned char)text[length] & 0xc0) == 0x80)
		length++;
	*columns = -1;
	if (unicode && mbrtowc(&wide, text, length, &state) == length && iswprint((wint_t)wide))
		*columns = wcwidth(wide);
	return length;
}

static void put_escaped(FILE *out, unsigned char byte)
{
	if (byte == '\r')
		fputs("\\r", out);
	else if (byte == '\n')
		fputs("\\n", out);
	else if (byte == '\t')
		fputs("\\t", out);
	else if (byte < 0x80)
		fprintf(out, "\\x%02x", byte);
	else
		putc('?', out);
}

char *terminal_clean(const char *text, bool lines)
{
	char *clean = NULL;
	size_t size, length;
	FILE *out = open_memstream(&clean, &size);

	if (!out)
		return NULL;
	for (; *text; text += length) {
		int columns;

		length = character(text, &columns);
		if (columns >= 0 || (lines && *text == '\n'))
			fwrite(text, 1, length, out);
		else
			put_escaped(out, (unsigned char)*text);
	}
	fclose(out);
	return clean;
}

size_t terminal_columns(const char *text)
{
	size_t total = 0;
	int columns;

	while (*text) {
		text += character(text, &columns);
		total += columns > 0 ? (size_t)columns : 0;
	}
	return total;
}

size_t terminal_wrap(const char *text, size_t columns)
{
	size_t bytes = 0, blank = 0;
	int wide;

	while (text[bytes]) {
		size_t length = character(text + bytes, &wide);

		if (wide > 0 && (size_t)wide > columns)
			return blank ? blank : bytes ? bytes : length;
		columns -= wide > 0 ? (size_t)wide : 0;
		if (text[bytes] == ' ' && bytes)
			blank = bytes;
		bytes += length;
		if (text[bytes] == ' ' && !columns)
			return bytes;
	}
	return bytes;
}

static const char *shade_code(enum shade shade)
{
	static const char *const codes[] = {
		[SHADE_NONE] = "",	   [SHADE_DIM] = "\033[2m",  [SHADE_GOOD] = "\033[32m",
		[SHADE_WARN] = "\033[33m", [SHADE_BAD] = "\033[31m", [SHADE_TITLE] = "\033[1m",
	};

	return coloured ? codes[shade] : "";
}

void terminal_cell(const char *text, size_t columns, bool right, enum shade shade)
{
	size_t have = terminal_columns(text), blanks = have < columns ? columns - have : 0;
	size_t room = have > columns ? columns - 1 : columns;
	const char *code = shade_code(shade);
	int wide;

	if (right)
		printf("%*s", (int)blanks, "");
	fputs(code, stdout);
	while (*text) {
		size_t length = character(text, &wide);

		if ((size_t)wide > room)
			break;
		fwrite(text, 1, length, stdout);
		room -= (size_t)wide;
		text += length;
	}
	if (have > columns)
		printf("%s%*s", unicode ? "…" : "~", (int)room, "");
	if (*code)
		fputs("\033[0m", stdout);
	if (!right)
		printf("%*s", (int)blanks, "");
}
