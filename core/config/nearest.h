/* "Did you mean": the known name nearest to one that is not known. Private to config and policy. */
#ifndef HL_CONFIG_NEAREST_H
#define HL_CONFIG_NEAREST_H

#include "base/slice.h"

struct hl_nearest {
	struct hl_slice wanted; /* borrowed: the name nobody knows */
	struct hl_slice best;	/* borrowed: the nearest offered; empty: none is near enough */
	unsigned distance;	/* edits between the two */
};

void hl_nearest_init(struct hl_nearest *nearest, struct hl_slice wanted);
/* Considers a known name; it must live as long as `nearest` is used. */
void hl_nearest_offer(struct hl_nearest *nearest, struct hl_slice known);

/* "; did you mean period?" or "", for the end of a message. */
enum { HL_NEAREST_TEXT = 96 };
const char *hl_nearest_text(const struct hl_nearest *nearest, char text[HL_NEAREST_TEXT]);

#endif
