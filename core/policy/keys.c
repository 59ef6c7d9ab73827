/* The keys of a table that a script or the configuration gives: only known ones are allowed, for a
 * misspelt one would silently do nothing. */
#include "policy/host.h"

#include "config/nearest.h"

enum { NEXT = 1, TABLE = 2, KEY = 3 }; /* above `top`: what pairs() gives */

/* Raises an error unless the key (on top of the stack, as text) is known. */
static void check_key(lua_State *lua, const char *const *known, const char *complaint)
{
	struct hl_nearest nearest;
	char hint[HL_NEAREST_TEXT];
	const char *key = lua_tostring(lua, -1);

	hl_nearest_init(&nearest, hl_slice_of(key));
	for (size_t i = 0; known[i]; i++) {
		if (!strcmp(known[i], key))
			return;
		hl_nearest_offer(&nearest, hl_slice_of(known[i]));
	}
	luaL_error(lua, "%s %s%s", complaint, key, hl_nearest_text(&nearest, hint));
}

/* Pushes what pairs(table) gives: a read-only table of the configuration has keys of its own. */
static void push_pairs(lua_State *lua, int table)
{
	if (luaL_getmetafield(lua, table, "__pairs")) {
		lua_pushvalue(lua, table);
		lua_call(lua, 1, 3);
	} else {
		lua_getglobal(lua, "next");
		lua_pushvalue(lua, table);
		lua_pushnil(lua);
	}
}

void hl_keys_check(lua_State *lua, int table, const char *const *known, const char *complaint)
{
	int top = lua_gettop(lua);

	luaL_checkstack(lua, LUA_MINSTACK, NULL);
	push_pairs(lua, table);
	for (;;) {
		lua_settop(lua, top + KEY);
		for (int i = NEXT; i <= KEY; i++)
			lua_pushvalue(lua, top + i);
		lua_call(lua, 2, 1);
		if (lua_isnil(lua, -1))
			break;
		lua_copy(lua, -1, top + KEY);
		luaL_tolstring(lua, -1, NULL);
		check_key(lua, known, complaint);
		hl_policy_check(lua);
	}
	lua_settop(lua, top);
}
