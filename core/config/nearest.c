/* The nearest known name, by Levenshtein distance without regard to case, `_` and `-`. */
#include "config/nearest.h"

#include <ctype.h>
#include <stdio.h>

enum { LONGEST_NAME = 64 };

static char folded(char c)
{
	return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static unsigned edits(struct hl_slice a, struct hl_slice b)
{
	unsigned row[LONGEST_NAME + 1];

	for (unsigned j = 0; j <= b.length; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.length; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.length; j++) {
			unsigned change = folded(a.data[i - 1]) != folded(b.data[j - 1]);
			unsigned here = least(row[j] + 1, row[j - 1] + 1, diagonal + change);

			diagonal = row[j];
			row[j] = here;
		}
	}
	return row[b.length];
}

void hl_nearest_init(struct hl_nearest *nearest, struct hl_slice wanted)
{
	/* A third of the letters wrong is a slip of the fingers, more is another word. */
	*nearest =
		(struct hl_nearest){.wanted = wanted, .distance = (unsigned)wanted.length / 3 + 1};
}

void hl_nearest_offer(struct hl_nearest *nearest, struct hl_slice known)
{
	unsigned distance;

	if (nearest->wanted.length > LONGEST_NAME || known.length > LONGEST_NAME || !known.length)
		return;
	distance = edits(nearest->wanted, known);
	if (distance < nearest->distance ||
	    (distance == nearest->distance && !nearest->best.length)) {
		nearest->distance = distance;
		nearest->best = known;
	}
}

const char *hl_nearest_text(const struct hl_nearest *nearest, char text[HL_NEAREST_TEXT])
{
	text[0] = '\0';
	if (nearest->best.length)
		snprintf(text, HL_NEAREST_TEXT, "; did you mean %.*s?",
			 HL_SLICE_ARGS(nearest->best));
	return text;
}
