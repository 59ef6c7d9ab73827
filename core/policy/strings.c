/* string.find, match, gmatch, gsub and rep with bounds. */
#include "policy/host.h"
#include "policy/pattern.h"

#include <string.h>

enum { REPEATED_MOST = 1 << 20 }; /* bytes that string.rep makes */

static const char specials[] = "^$*+?.([%-";

/* Lua's relative positions: 1 is the first, −1 the last; beyond the ends they are cut. */
static size_t start_of(lua_State *lua, int at, size_t length)
{
	lua_Integer position = luaL_optinteger(lua, at, 1);

	if (position > 0)
		return (size_t)position;
	if (position == 0 || -(lua_Unsigned)position > length)
		return 1;
	return length + (size_t)position + 1;
}

static int push_found(lua_State *lua, const char *subject, const char *s, size_t length)
{
	lua_pushinteger(lua, s - subject + 1);
	lua_pushinteger(lua, s - subject + (lua_Integer)length);
	return 2;
}

static bool has_specials(const char *pattern, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (pattern[i] && strchr(specials, pattern[i]))
			return true;
	return false;
}

static int search(lua_State *lua, bool find)
{
	size_t length, pattern_length;
	const char *subject = luaL_checklstring(lua, 1, &length);
	const char *text = luaL_checklstring(lua, 2, &pattern_length);
	size_t first = start_of(lua, 3, length) - 1;
	const char *s = subject + first, *end;
	struct hl_pattern pattern;
	bool anchored;

	hl_policy_check(lua);
	if (first > length) {
		luaL_pushfail(lua);
		return 1;
	}
	if (find && (lua_toboolean(lua, 4) || !has_specials(text, pattern_length))) {
		s = memmem(s, length - first, text, pattern_length);
		if (s)
			return push_found(lua, subject, s, pattern_length);
		luaL_pushfail(lua);
		return 1;
	}
	anchored = *text == '^';
	hl_pattern_begin(&pattern, lua, subject, length, text + pattern_length);
	do {
		end = hl_pattern_match(&pattern, s, text + anchored);
		if (end && find)
			return push_found(lua, subject, s, (size_t)(end - s)) +
			       hl_pattern_push_all(&pattern, NULL, NULL);
		if (end)
			return hl_pattern_push_all(&pattern, s, end);
	} while (s++ < pattern.source_end && !anchored);
	luaL_pushfail(lua);
	return 1;
}

static int string_find(lua_State *lua)
{
	return search(lua, true);
}

static int string_match(lua_State *lua)
{
	return search(lua, false);
}

/* Upvalues: subject, pattern, where to go on, where the last match ended. */
static int gmatch_next(lua_State *lua)
{
	size_t length, pattern_length;
	const char *subject = lua_tolstring(lua, lua_upvalueindex(1), &length);
	const char *text = lua_tolstring(lua, lua_upvalueindex(2), &pattern_length);
	const char *s = subject + lua_tointeger(lua, lua_upvalueindex(3));
	lua_Integer last = lua_tointeger(lua, lua_upvalueindex(4));
	struct hl_pattern pattern;

	hl_policy_check(lua);
	hl_pattern_begin(&pattern, lua, subject, length, text + pattern_length);
	for (; s <= pattern.source_end; s++) {
		const char *end = hl_pattern_match(&pattern, s, text);

		if (!end || end - subject == last)
			continue;
		lua_pushinteger(lua, end - subject);
		lua_copy(lua, -1, lua_upvalueindex(3));
		lua_copy(lua, -1, lua_upvalueindex(4));
		lua_pop(lua, 1);
		return hl_pattern_push_all(&pattern, s, end);
	}
	return 0;
}

static int string_gmatch(lua_State *lua)
{
	size_t length, first;

	luaL_checklstring(lua, 1, &length);
	luaL_checkstring(lua, 2);
	first = start_of(lua, 3, length) - 1;
	lua_settop(lua, 2);
	lua_pushinteger(lua, (lua_Integer)(first > length ? length + 1 : first));
	lua_pushinteger(lua, -1);
	lua_pushcclosure(lua, gmatch_next, 4);
	return 1;
}

/* "%0", "%1" … in a replacement text. */
static void add_text(struct hl_pattern *pattern, luaL_Buffer *buffer, const char *s,
		     const char *end)
{
	lua_State *lua = pattern->lua;
	size_t length;
	const char *text = lua_tolstring(lua, 3, &length);

	for (size_t i = 0; i < length; i++) {
		if (text[i] != '%') {
			luaL_addchar(buffer, text[i]);
			continue;
		}
		i++;
		if (text[i] == '%') {
			luaL_addchar(buffer, '%');
		} else if (text[i] == '0') {
			luaL_addlstring(buffer, s, (size_t)(end - s));
		} else if (text[i] >= '1' && text[i] <= '9') {
			hl_pattern_push(pattern, (unsigned)(text[i] - '1'), s, end);
			luaL_tolstring(lua, -1, NULL);
			lua_remove(lua, -2);
			luaL_addvalue(buffer);
		} else {
			luaL_error(lua, "invalid use of '%%' in replacement string");
		}
	}
}

static void add_value(struct hl_pattern *pattern, luaL_Buffer *buffer, const char *s,
		      const char *end)
{
	lua_State *lua = pattern->lua;
	int type = lua_type(lua, 3);

	if (type == LUA_TFUNCTION) {
		lua_pushvalue(lua, 3);
		lua_call(lua, hl_pattern_push_all(pattern, s, end), 1);
	} else if (type == LUA_TTABLE) {
		hl_pattern_push(pattern, 0, s, end);
		lua_gettable(lua, 3);
	} else {
		add_text(pattern, buffer, s, end);
		return;
	}
	if (!lua_toboolean(lua, -1)) {
		lua_pop(lua, 1);
		luaL_addlstring(buffer, s, (size_t)(end - s));
	} else if (!lua_isstring(lua, -1)) {
		luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
	} else {
		luaL_addvalue(buffer);
	}
}

static int string_gsub(lua_State *lua)
{
	size_t length, pattern_length;
	const char *subject = luaL_checklstring(lua, 1, &length), *s = subject, *last = NULL;
	const char *text = luaL_checklstring(lua, 2, &pattern_length);
	bool anchored = *text == '^';
	lua_Integer most = luaL_optinteger(lua, 4, (lua_Integer)length + 1), count = 0;
	int type = lua_type(lua, 3);
	struct hl_pattern pattern;
	luaL_Buffer buffer;

	luaL_argexpected(lua,
			 type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
				 type == LUA_TTABLE,
			 3, "string/function/table");
	luaL_buffinit(lua, &buffer);
	hl_pattern_begin(&pattern, lua, subject, length, text + pattern_length);
	while (count < most) {
		const char *end = hl_pattern_match(&pattern, s, text + anchored);

		if (end && end != last) {
			hl_policy_check(lua);
			count++;
			add_value(&pattern, &buffer, s, end);
			s = last = end;
		} else if (s < pattern.source_end) {
			luaL_addchar(&buffer, *s++);
		} else {
			break;
		}
		if (anchored)
			break;
	}
	luaL_addlstring(&buffer, s, (size_t)(pattern.source_end - s));
	luaL_pushresult(&buffer);
	lua_pushinteger(lua, count);
	return 2;
}

static int string_rep(lua_State *lua)
{
	size_t length, separator_length;
	const char *text = luaL_checklstring(lua, 1, &length);
	lua_Integer count = luaL_checkinteger(lua, 2);
	const char *separator = luaL_optlstring(lua, 3, "", &separator_length);
	luaL_Buffer buffer;

	hl_policy_check(lua);
	if (count < 0)
		count = 0;
	if (length + separator_length > 0 &&
	    (lua_Unsigned)count > REPEATED_MOST / (length + separator_length))
		luaL_error(lua, "string.rep: more than %d bytes", REPEATED_MOST);
	if (!(length + separator_length))
		count = 0;
	luaL_buffinit(lua, &buffer);
	for (lua_Integer i = 0; i < count; i++) {
		luaL_addlstring(&buffer, text, length);
		if (i + 1 < count)
			luaL_addlstring(&buffer, separator, separator_length);
	}
	luaL_pushresult(&buffer);
	return 1;
}

void hl_strings_open(lua_State *lua)
{
	static const luaL_Reg functions[] = {
		{"find", string_find},	 {"gmatch", string_gmatch}, {"gsub", string_gsub},
		{"match", string_match}, {"rep", string_rep},	    {NULL, NULL},
	};

	luaL_setfuncs(lua, functions, 0);
}
