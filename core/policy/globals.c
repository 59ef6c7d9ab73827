/* What the sandbox gives stays as it is given: `string.rep = …` or `match = nil` in one function of
 * a script would change what every other one does. The script's own globals are its own. */
#include "policy/host.h"

static int refuse(lua_State *lua)
{
	return luaL_error(lua, "%s is read-only", luaL_tolstring(lua, 2, NULL));
}

/* _G[name] = value, for a name that is not there yet; upvalue 1 holds what is the sandbox's. */
static int set_global(lua_State *lua)
{
	lua_settop(lua, 3);
	lua_pushvalue(lua, 2);
	if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL)
		return refuse(lua);
	lua_settop(lua, 3);
	lua_rawset(lua, 1);
	return 0;
}

/* Gives the table at `proxy` a metatable: reads come from the one on top of the stack, which is
 * popped. */
static void cover(lua_State *lua, int proxy, lua_CFunction set)
{
	int values = lua_gettop(lua);

	lua_createtable(lua, 0, 3);
	lua_pushvalue(lua, values);
	lua_setfield(lua, -2, "__index");
	lua_pushvalue(lua, values);
	lua_pushcclosure(lua, set, 1);
	lua_setfield(lua, -2, "__newindex");
	lua_pushliteral(lua, "read-only");
	lua_setfield(lua, -2, "__metatable");
	lua_setmetatable(lua, proxy);
	lua_settop(lua, values - 1);
}

/* A table on top of the stack that nothing covers yet. */
static bool is_bare(lua_State *lua, int globals)
{
	if (!lua_istable(lua, -1) || lua_rawequal(lua, -1, globals))
		return false;
	if (!lua_getmetatable(lua, -1))
		return true;
	lua_pop(lua, 1);
	return false;
}

/* Moves all of the globals into a table of their own, which is left on the stack; libraries are
 * covered on the way. */
static void move_out(lua_State *lua, int globals)
{
	int values;

	lua_newtable(lua);
	values = lua_gettop(lua);
	lua_pushnil(lua);
	while (lua_next(lua, globals)) {
		if (is_bare(lua, globals)) {
			lua_newtable(lua);
			lua_insert(lua, -2);
			cover(lua, lua_gettop(lua) - 1, refuse);
		}
		lua_pushvalue(lua, -2);
		lua_insert(lua, -2);
		lua_rawset(lua, values);
	}
	lua_pushnil(lua);
	while (lua_next(lua, globals)) {
		lua_pop(lua, 1);
		lua_pushvalue(lua, -1);
		lua_pushnil(lua);
		lua_rawset(lua, globals);
	}
}

void hl_globals_close(lua_State *lua)
{
	int top = lua_gettop(lua), globals = top + 1;

	lua_pushliteral(lua, "");
	if (lua_getmetatable(lua, -1)) { /* of all strings: ("x").rep leads into the library */
		lua_pushliteral(lua, "read-only");
		lua_setfield(lua, -2, "__metatable");
	}
	lua_settop(lua, top);
	lua_pushglobaltable(lua);
	move_out(lua, globals);
	cover(lua, globals, set_global);
	lua_settop(lua, top);
}
