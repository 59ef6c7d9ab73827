/* match(rule, endpoint): whether the conditions of a rule hold for an endpoint, or for the caller
 * or callee of a call. */
#include "policy/host.h"

enum { RULE = 1, ENDPOINT = 2 };

static const char *const keys[] = {"user_agent", "network", "user",	"aor",
				   "transport",	 "nat",	    "received", NULL};

static struct hl_slice text_at(lua_State *lua, int at)
{
	struct hl_slice text;

	text.data = lua_tolstring(lua, at, &text.length);
	return text;
}

static bool is_glob(lua_State *lua, int condition, int value)
{
	/* A copy, for lua_tolstring changes a number in place. */
	lua_pushvalue(lua, condition);
	if (!lua_isstring(lua, -1))
		luaL_error(lua, "match: a glob must be text, not a %s", luaL_typename(lua, -1));
	if (!lua_isstring(lua, value))
		return false;
	return hl_slice_glob(text_at(lua, -1), text_at(lua, value));
}

static bool is_equal(lua_State *lua, int condition, int value)
{
	if (!lua_isboolean(lua, condition))
		luaL_error(lua, "match: nat must be true or false, not a %s",
			   luaL_typename(lua, condition));
	return lua_rawequal(lua, condition, value);
}

static bool is_in_network(lua_State *lua, int condition, int value)
{
	struct hl_network network;
	struct hl_address address;

	if (lua_type(lua, condition) != LUA_TSTRING ||
	    hl_network_parse(text_at(lua, condition), &network))
		luaL_error(lua, "match: received must be a network as in 192.0.2.0/24, not %s",
			   luaL_tolstring(lua, condition, NULL));
	if (lua_type(lua, value) != LUA_TSTRING || hl_address_parse(text_at(lua, value), &address))
		return false;
	return hl_network_contains(&network, &address);
}

/* How a condition is compared with the endpoint's member of the same name. */
static bool compare(lua_State *lua, const char *key, int condition, int value)
{
	if (!strcmp(key, "nat"))
		return is_equal(lua, condition, value);
	if (!strcmp(key, "received"))
		return is_in_network(lua, condition, value);
	return is_glob(lua, condition, value);
}

/* A condition may be a list: one of its items must hold. */
static bool holds(lua_State *lua, const char *key, int expected, int value)
{
	int top = lua_gettop(lua);
	lua_Integer count;
	bool held = false;

	if (!lua_istable(lua, expected)) {
		held = compare(lua, key, expected, value);
		lua_settop(lua, top);
		return held;
	}
	count = luaL_len(lua, expected);
	for (lua_Integer i = 1; i <= count; i++) {
		lua_geti(lua, expected, i);
		/* All of them are looked at, so that a wrong one is told whatever comes before. */
		held |= compare(lua, key, top + 1, value);
		lua_settop(lua, top);
		hl_policy_check(lua);
	}
	return held;
}

int hl_rule_match(lua_State *lua)
{
	bool matches = true;

	luaL_checktype(lua, RULE, LUA_TTABLE);
	luaL_checktype(lua, ENDPOINT, LUA_TTABLE);
	lua_settop(lua, 2);
	lua_getfield(lua, RULE, "match");
	if (lua_istable(lua, 3))
		hl_keys_check(lua, 3, keys, "match: unknown condition");
	else if (lua_isnil(lua, 3))
		lua_copy(lua, RULE, 3); /* the conditions themselves, or a rule for everybody */
	else
		luaL_error(lua, "match: the conditions must be a map, not a %s",
			   luaL_typename(lua, 3));
	for (size_t i = 0; keys[i]; i++) {
		lua_getfield(lua, 3, keys[i]);
		lua_getfield(lua, ENDPOINT, keys[i]);
		if (!lua_isnil(lua, 4) && !holds(lua, keys[i], 4, 5))
			matches = false;
		lua_settop(lua, 3);
	}
	lua_pushboolean(lua, matches);
	return 1;
}
