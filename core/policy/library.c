/* Functions that plugins offer to scripts. */
#include "policy/host.h"

enum { UPVALUE_LIBRARY = 1, UPVALUE_FUNCTION = 2 };

/* A table, a function or a thread means nothing outside of Lua. */
static void take_value(lua_State *lua, int at, struct hl_script_value *value)
{
	switch (lua_type(lua, at)) {
	case LUA_TNIL: value->type = HL_SCRIPT_NIL; break;
	case LUA_TBOOLEAN:
		value->type = HL_SCRIPT_BOOLEAN;
		value->boolean = lua_toboolean(lua, at);
		break;
	case LUA_TNUMBER:
		value->type = HL_SCRIPT_NUMBER;
		value->number = lua_tonumber(lua, at);
		break;
	case LUA_TSTRING:
		value->type = HL_SCRIPT_TEXT;
		value->text.data = lua_tolstring(lua, at, &value->text.length);
		break;
	default: luaL_argerror(lua, at, "must be text, a number, a boolean or nil");
	}
}

static void push_value(lua_State *lua, const struct hl_script_value *value)
{
	lua_Integer whole;

	switch (value->type) {
	case HL_SCRIPT_NIL: lua_pushnil(lua); break;
	case HL_SCRIPT_BOOLEAN: lua_pushboolean(lua, value->boolean); break;
	case HL_SCRIPT_NUMBER:
		if (lua_numbertointeger(value->number, &whole) &&
		    (lua_Number)whole == value->number)
			lua_pushinteger(lua, whole);
		else
			lua_pushnumber(lua, value->number);
		break;
	case HL_SCRIPT_TEXT:
		lua_pushlstring(lua, value->text.data ? value->text.data : "", value->text.length);
		break;
	}
}

static int call(lua_State *lua)
{
	const struct hl_function_library *library =
		lua_touserdata(lua, lua_upvalueindex(UPVALUE_LIBRARY));
	const struct hl_function *function =
		lua_touserdata(lua, lua_upvalueindex(UPVALUE_FUNCTION));
	struct hl_script_value arguments[HL_FUNCTION_ARGUMENTS] = {{.type = HL_SCRIPT_NIL}};
	struct hl_script_value result = {.type = HL_SCRIPT_NIL};
	struct hl_error error = {""};
	int count = lua_gettop(lua);

	hl_policy_check(lua);
	if (count > HL_FUNCTION_ARGUMENTS)
		return luaL_error(lua, "%s.%s: more than %d arguments", library->name,
				  function->name, HL_FUNCTION_ARGUMENTS);
	for (int i = 0; i < count; i++)
		take_value(lua, i + 1, &arguments[i]);
	if (library->call(library->self, function, arguments, (size_t)count, &result, &error))
		return luaL_error(lua, "%s.%s: %s", library->name, function->name,
				  error.text[0] ? error.text : "failed");
	hl_policy_check(lua);
	push_value(lua, &result);
	return 1;
}

void hl_library_push(lua_State *lua, const struct hl_function_library *library)
{
	lua_newtable(lua);
	for (const struct hl_function *function = library->functions; function->name; function++) {
		lua_pushlightuserdata(lua, (void *)(uintptr_t)library);
		lua_pushlightuserdata(lua, (void *)(uintptr_t)function);
		lua_pushcclosure(lua, call, 2);
		lua_setfield(lua, -2, function->name);
	}
}
