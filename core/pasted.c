/* Reading what was pasted: first the line is made plain, whatever signs a web page or a spreadsheet
 * writes blanks, quotes and rules with; then the name is looked for, and the value behind it. */
#include "pasted.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Signs of Unicode and what stands for them; NUL: nothing. Tables and quotes look the same whatever
 * they were pasted from. */
static const struct {
	uint32_t first, last;
	char plain;
} signs[] = {
	{0x85, 0x85, ' '},	{0xa0, 0xa0, ' '},     {0xad, 0xad, '\0'},
	{0x1680, 0x1680, ' '},	{0x2000, 0x200a, ' '}, {0x200b, 0x200f, '\0'},
	{0x2018, 0x201b, '\''}, {0x201c, 0x201f, '"'}, {0x2028, 0x2029, ' '},
	{0x202a, 0x202e, '\0'}, {0x202f, 0x202f, ' '}, {0x205f, 0x205f, ' '},
	{0x2060, 0x2064, '\0'}, {0x2500, 0x2501, '-'}, {0x2502, 0x2503, '|'},
	{0x250c, 0x254b, '+'},	{0x2550, 0x2550, '='}, {0x2551, 0x2551, '|'},
	{0x2552, 0x256c, '+'},	{0x3000, 0x3000, ' '}, {0xfeff, 0xfeff, '\0'},
};

enum { WIDE_FIRST = 0xff01, WIDE_LAST = 0xff5e, WIDE_BY = 0xfee0 }; /* ASCII of full width */

/* The character at the beginning and its bytes; 0 bytes: none, it is no UTF-8. */
static size_t decode(struct hl_slice text, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)text.data[0];
	size_t length = first < 0x80   ? 1
			: first < 0xc0 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
				       : 4;

	if (!length || length > text.length || first > 0xf4)
		return 0;
	*character = length == 1 ? first : first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		unsigned char next = (unsigned char)text.data[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (next & 0x3f);
	}
	return *character < least[length] || (*character >> 11) == 0x1b ? 0 : length;
}

static void put_clean(uint32_t character, struct hl_slice bytes, struct hl_text *clean)
{
	char plain = '?';

	for (size_t i = 0; i < HL_COUNT(signs); i++)
		if (character >= signs[i].first && character <= signs[i].last) {
			if (signs[i].plain)
				hl_text_append(clean, &signs[i].plain, 1);
			return;
		}
	if (character >= WIDE_FIRST && character <= WIDE_LAST)
		plain = (char)(character - WIDE_BY);
	else if (character >= 0xa0 || (character >= ' ' && character < 0x7f) || character == '\t') {
		hl_text_append(clean, bytes.data, bytes.length);
		return;
	}
	hl_text_append(clean, &plain, 1);
}

void hl_pasted_clean(struct hl_slice line, struct hl_text *clean)
{
	while (line.length) {
		uint32_t character = 0; /* no text */
		size_t length = decode(line, &character);

		put_clean(character, (struct hl_slice){line.data, length}, clean);
		length += !length;
		line = (struct hl_slice){line.data + length, line.length - length};
	}
}

static bool in_name(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_';
}

static struct hl_slice after(struct hl_slice text, size_t count)
{
	return (struct hl_slice){text.data + count, text.length - count};
}

/* Where the name begins: at SS_ wherever that is, numbers, bullets and descriptions may come before
 * it; else at the first word. */
static size_t name_begins(struct hl_slice line)
{
	size_t word = 0;

	for (size_t i = 0; i + 3 <= line.length; i++)
		if (!strncasecmp(line.data + i, "SS_", 3) && (!i || !in_name(line.data[i - 1])))
			return i;
	while (word < line.length && !in_name(line.data[word]))
		word++;
	return word;
}

/* Takes away what marks code, emphasis or text. */
static struct hl_slice bare(struct hl_slice text)
{
	static const char *const marks[] = {"\"", "'", "`", "**", "__"};

	text = hl_slice_trim(text);
	for (size_t i = 0; i < HL_COUNT(marks); i++) {
		size_t length = strlen(marks[i]);

		if (text.length >= 2 * length && !memcmp(text.data, marks[i], length) &&
		    !memcmp(text.data + text.length - length, marks[i], length))
			return (struct hl_slice){text.data + length, text.length - 2 * length};
	}
	return text;
}

/* The bytes of a value that came behind `separator`. What separates it from the name separates it
 * from what follows; behind `=` and `:` it may hold commas. */
static size_t value_length(struct hl_slice rest, char separator)
{
	for (size_t i = 0; i < rest.length; i++) {
		bool two = i + 1 < rest.length && rest.data[i] == ' ' && rest.data[i + 1] == ' ';
		bool comment =
			i + 1 < rest.length && rest.data[i] == ' ' && rest.data[i + 1] == '#';

		if (strchr("|,;", separator)) {
			if (rest.data[i] == separator)
				return i;
		} else if (rest.data[i] == '\t' || comment || (two && separator == ' ')) {
			return i;
		}
	}
	return rest.length;
}

static struct hl_slice read_value(struct hl_slice rest)
{
	char separator = ' ';
	const char *end;

	while (rest.length && strchr(" \"'`*", rest.data[0]) && separator == ' ') {
		/* A quote behind blanks is the value's, one at the name's end its own. */
		if (rest.data[0] != ' ' && rest.data[-1] == ' ')
			break;
		rest = after(rest, 1);
	}
	if (rest.length && strchr("=:|,;\t", rest.data[0])) {
		separator = rest.data[0];
		rest = after(rest, 1);
	}
	while (rest.length && rest.data[0] == ' ')
		rest = after(rest, 1);
	if (rest.length && rest.data[0] == '#')
		rest.length = 0;
	end = rest.length && strchr("\"'", rest.data[0])
		      ? memchr(rest.data + 1, rest.data[0], rest.length - 1)
		      : NULL;
	if (end)
		return (struct hl_slice){rest.data + 1, (size_t)(end - rest.data) - 1};
	return bare((struct hl_slice){rest.data, value_length(rest, separator)});
}

bool hl_pasted_read(struct hl_slice line, struct hl_slice *name, struct hl_slice *value)
{
	size_t begin, end;

	line = hl_slice_trim(line);
	begin = end = name_begins(line);
	if (begin == line.length || line.data[0] == '#')
		return false;
	while (end < line.length && in_name(line.data[end]))
		end++;
	*name = (struct hl_slice){line.data + begin, end - begin};
	*value = read_value(after(line, end));
	return true;
}

struct hl_slice hl_pasted_without_unit(struct hl_slice value, const char *unit)
{
	static const char *const seconds[] = {"sec", "secs", "second", "seconds", "s", NULL};
	struct hl_slice number = value, word;
	size_t digits = 0;

	while (digits < value.length && isdigit((unsigned char)value.data[digits]))
		digits++;
	number.length = digits;
	word = hl_slice_trim(after(value, digits));
	if (!digits || !unit || !word.length)
		return value;
	if (hl_slice_equal_nocase(word, hl_slice_of(unit)))
		return number;
	for (const char *const *known = seconds; *known && !strcmp(unit, "s"); known++)
		if (hl_slice_equal_nocase(word, hl_slice_of(*known)))
			return number;
	return value;
}
