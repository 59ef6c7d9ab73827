/* Lua's pattern matching, after lstrlib.c of Lua 5.4 (MIT licence, Lua.org, PUC-Rio), with a bound.
 */
#include "policy/pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

enum { DEPTH_MOST = 200 };
static const char escape = '%';

static const char *match(struct hl_pattern *pattern, const char *s, const char *p);

static void step(struct hl_pattern *pattern)
{
	if (--pattern->steps < 0)
		luaL_error(pattern->lua, "pattern takes too long: more than %d steps",
			   HL_PATTERN_STEPS);
}

static const char *class_end(struct hl_pattern *pattern, const char *p)
{
	if (*p++ == escape) {
		if (p == pattern->end)
			luaL_error(pattern->lua, "malformed pattern (ends with '%%')");
		return p + 1;
	}
	if (p[-1] != '[')
		return p;
	if (*p == '^')
		p++;
	do {
		if (p == pattern->end)
			luaL_error(pattern->lua, "malformed pattern (missing ']')");
		if (*p++ == escape && p < pattern->end)
			p++;
	} while (*p != ']');
	return p + 1;
}

static bool is_in_class(int c, int class)
{
	bool in;

	switch (tolower(class)) {
	case 'a': in = isalpha(c); break;
	case 'c': in = iscntrl(c); break;
	case 'd': in = isdigit(c); break;
	case 'g': in = isgraph(c); break;
	case 'l': in = islower(c); break;
	case 'p': in = ispunct(c); break;
	case 's': in = isspace(c); break;
	case 'u': in = isupper(c); break;
	case 'w': in = isalnum(c); break;
	case 'x': in = isxdigit(c); break;
	case 'z': in = c == '\0'; break;
	default: return class == c;
	}
	return isupper(class) ? !in : in;
}

/* `p` is at '[' and `last` at the ']' of a set. */
static bool is_in_set(int c, const char *p, const char *last)
{
	bool wanted = true;

	if (p[1] == '^') {
		wanted = false;
		p++;
	}
	while (++p < last) {
		if (*p == escape) {
			p++;
			if (is_in_class(c, (unsigned char)*p))
				return wanted;
		} else if (p[1] == '-' && p + 2 < last) {
			p += 2;
			if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p)
				return wanted;
		} else if ((unsigned char)*p == c) {
			return wanted;
		}
	}
	return !wanted;
}

static bool matches_one(struct hl_pattern *pattern, const char *s, const char *p, const char *ep)
{
	int c;

	step(pattern);
	if (s >= pattern->source_end)
		return false;
	c = (unsigned char)*s;
	switch (*p) {
	case '.': return true;
	case '%': return is_in_class(c, (unsigned char)p[1]);
	case '[': return is_in_set(c, p, ep - 1);
	default: return (unsigned char)*p == c;
	}
}

static const char *match_balance(struct hl_pattern *pattern, const char *s, const char *p)
{
	int open, close, depth = 1;

	if (p >= pattern->end - 1)
		luaL_error(pattern->lua, "malformed pattern (missing arguments to '%%b')");
	open = *p;
	close = p[1];
	if (s >= pattern->source_end || *s != open)
		return NULL;
	while (++s < pattern->source_end) {
		step(pattern);
		if (*s == close) {
			if (--depth == 0)
				return s + 1;
		} else if (*s == open) {
			depth++;
		}
	}
	return NULL;
}

static const char *expand_most(struct hl_pattern *pattern, const char *s, const char *p,
			       const char *ep)
{
	ptrdiff_t i = 0;

	while (matches_one(pattern, s + i, p, ep))
		i++;
	for (; i >= 0; i--) {
		const char *end = match(pattern, s + i, ep + 1);

		if (end)
			return end;
	}
	return NULL;
}

static const char *expand_least(struct hl_pattern *pattern, const char *s, const char *p,
				const char *ep)
{
	for (;; s++) {
		const char *end = match(pattern, s, ep + 1);

		if (end || !matches_one(pattern, s, p, ep))
			return end;
	}
}

static const char *begin_capture(struct hl_pattern *pattern, const char *s, const char *p, int what)
{
	const char *end;

	if (pattern->level >= HL_PATTERN_CAPTURES)
		luaL_error(pattern->lua, "too many captures");
	pattern->capture[pattern->level].start = s;
	pattern->capture[pattern->level].length = what;
	pattern->level++;
	end = match(pattern, s, p);
	if (!end)
		pattern->level--;
	return end;
}

static const char *end_capture(struct hl_pattern *pattern, const char *s, const char *p)
{
	unsigned level = pattern->level;
	const char *end;

	while (level && pattern->capture[level - 1].length != HL_CAPTURE_UNFINISHED)
		level--;
	if (!level)
		luaL_error(pattern->lua, "invalid pattern capture");
	level--;
	pattern->capture[level].length = s - pattern->capture[level].start;
	end = match(pattern, s, p);
	if (!end)
		pattern->capture[level].length = HL_CAPTURE_UNFINISHED;
	return end;
}

/* "%1": what an earlier capture took. */
static const char *match_again(struct hl_pattern *pattern, const char *s, int digit)
{
	int index = digit - '1';
	size_t length;

	if (index < 0 || index >= (int)pattern->level ||
	    pattern->capture[index].length == HL_CAPTURE_UNFINISHED)
		luaL_error(pattern->lua, "invalid capture index %%%d", index + 1);
	length = pattern->capture[index].length < 0 ? 0 : (size_t)pattern->capture[index].length;
	pattern->steps -= (long)length;
	if ((size_t)(pattern->source_end - s) < length ||
	    memcmp(pattern->capture[index].start, s, length))
		return NULL;
	return s + length;
}

/* "%f[set]": the border of a set. */
static bool at_frontier(struct hl_pattern *pattern, const char *s, const char *p, const char *ep)
{
	int before = s == pattern->source ? '\0' : (unsigned char)s[-1];
	int here = s < pattern->source_end ? (unsigned char)*s : '\0';

	return !is_in_set(before, p, ep - 1) && is_in_set(here, p, ep - 1);
}

/* The items that begin with '%' and are no class. `*known` is false when it is a class after all;
 * else `s` moves behind the match (NULL: none) and `p` behind the item. */
static void match_special(struct hl_pattern *pattern, const char **s, const char **p, bool *known)
{
	const char *set, *ep;

	*known = true;
	if ((*p)[1] == 'b') {
		*s = match_balance(pattern, *s, *p + 2);
		*p += 4;
	} else if ((*p)[1] == 'f') {
		set = *p + 2;
		if (*set != '[')
			luaL_error(pattern->lua, "missing '[' after '%%f' in pattern");
		ep = class_end(pattern, set);
		if (!at_frontier(pattern, *s, set, ep))
			*s = NULL;
		*p = ep;
	} else if (isdigit((unsigned char)(*p)[1])) {
		*s = match_again(pattern, *s, (*p)[1]);
		*p += 2;
	} else {
		*known = false;
	}
}

/* One character class with its repetition. True: go on at `*s`, `*p`; false: `*s` is the result. */
static bool match_single(struct hl_pattern *pattern, const char **s, const char **p)
{
	const char *ep = class_end(pattern, *p), *end;

	switch (*ep) {
	case '*': *s = expand_most(pattern, *s, *p, ep); return false;
	case '-': *s = expand_least(pattern, *s, *p, ep); return false;
	case '+':
		*s = matches_one(pattern, *s, *p, ep) ? expand_most(pattern, *s + 1, *p, ep) : NULL;
		return false;
	case '?':
		end = matches_one(pattern, *s, *p, ep) ? match(pattern, *s + 1, ep + 1) : NULL;
		if (end) {
			*s = end;
			return false;
		}
		*p = ep + 1;
		return true;
	default:
		*s = matches_one(pattern, *s, *p, ep) ? *s + 1 : NULL;
		*p = ep;
		return *s;
	}
}

static const char *match(struct hl_pattern *pattern, const char *s, const char *p)
{
	bool more = true;

	if (!pattern->depth--)
		luaL_error(pattern->lua, "pattern too complex");
	while (more && s && p != pattern->end) {
		bool special = false;

		step(pattern);
		if (*p == '(') {
			bool position = p[1] == ')';

			s = begin_capture(pattern, s, p + 1 + position,
					  position ? HL_CAPTURE_POSITION : HL_CAPTURE_UNFINISHED);
			more = false;
		} else if (*p == ')') {
			s = end_capture(pattern, s, p + 1);
			more = false;
		} else if (*p == '$' && p + 1 == pattern->end) {
			s = s == pattern->source_end ? s : NULL;
			more = false;
		} else {
			if (*p == escape && p + 1 != pattern->end)
				match_special(pattern, &s, &p, &special);
			if (!special)
				more = match_single(pattern, &s, &p);
		}
	}
	pattern->depth++;
	return s;
}

void hl_pattern_begin(struct hl_pattern *pattern, lua_State *lua, const char *source, size_t length,
		      const char *end)
{
	pattern->lua = lua;
	pattern->source = source;
	pattern->source_end = source + length;
	pattern->end = end;
	pattern->steps = HL_PATTERN_STEPS;
	pattern->depth = DEPTH_MOST;
	pattern->level = 0;
}

const char *hl_pattern_match(struct hl_pattern *pattern, const char *s, const char *p)
{
	pattern->level = 0;
	pattern->depth = DEPTH_MOST;
	return match(pattern, s, p);
}

void hl_pattern_push(struct hl_pattern *pattern, unsigned index, const char *s, const char *end)
{
	ptrdiff_t length;

	if (index >= pattern->level) {
		if (index)
			luaL_error(pattern->lua, "invalid capture index %%%d", (int)index + 1);
		lua_pushlstring(pattern->lua, s, (size_t)(end - s));
		return;
	}
	length = pattern->capture[index].length;
	if (length == HL_CAPTURE_UNFINISHED)
		luaL_error(pattern->lua, "unfinished capture");
	if (length == HL_CAPTURE_POSITION)
		lua_pushinteger(pattern->lua, pattern->capture[index].start - pattern->source + 1);
	else
		lua_pushlstring(pattern->lua, pattern->capture[index].start, (size_t)length);
}

int hl_pattern_push_all(struct hl_pattern *pattern, const char *s, const char *end)
{
	unsigned count = pattern->level || !s ? pattern->level : 1;

	luaL_checkstack(pattern->lua, (int)count, "too many captures");
	for (unsigned i = 0; i < count; i++)
		hl_pattern_push(pattern, i, s, end);
	return (int)count;
}
