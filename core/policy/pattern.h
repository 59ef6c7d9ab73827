/* Lua's patterns with a bound on the steps of a match: the original has none, and a short pattern
 * can keep it busy for hours. Private to policy. */
#ifndef HL_POLICY_PATTERN_H
#define HL_POLICY_PATTERN_H

#include <lua.h>
#include <stddef.h>

enum {
	HL_PATTERN_CAPTURES = 32,
	HL_PATTERN_STEPS = 1000000, /* of one match: some ten milliseconds */
};

enum { HL_CAPTURE_UNFINISHED = -1, HL_CAPTURE_POSITION = -2 };

struct hl_pattern {
	lua_State *lua;	    /* for errors */
	const char *source; /* the subject, borrowed */
	const char *source_end;
	const char *end; /* of the pattern */
	long steps;	 /* left */
	int depth;	 /* of recursion left */
	unsigned level;	 /* captures begun */
	struct {
		const char *start;
		ptrdiff_t length; /* or HL_CAPTURE_… */
	} capture[HL_PATTERN_CAPTURES];
};

/* Prepares for a match of a pattern that ends at `end` (and has a NUL there). */
void hl_pattern_begin(struct hl_pattern *pattern, lua_State *lua, const char *source, size_t length,
		      const char *end);
/* Where the match of the pattern from `p` on, begun at `s`, ends; NULL: none. Raises errors. */
const char *hl_pattern_match(struct hl_pattern *pattern, const char *s, const char *p);
/* Pushes one capture, or all that a match from `s` to `end` has; the whole when there is none (and
 * `s` is not NULL). Returns how many. */
void hl_pattern_push(struct hl_pattern *pattern, unsigned index, const char *s, const char *end);
int hl_pattern_push_all(struct hl_pattern *pattern, const char *s, const char *end);

#endif
