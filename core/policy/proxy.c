/* The configuration as scripts see it: read-only tables over the nodes, made when they are looked
 * at, so that half a million endpoints cost nothing until somebody asks for one. */
#include "policy/host.h"

#include <stdlib.h>

enum {
	FILLED_MOST = 64,  /* members of a map that are made all at once */
	UPVALUE_NODE = 1,  /* of the closures below: the node, lightuserdata */
	UPVALUE_VALUES = 2 /* the values made so far: a table the script never gets */
};

static bool is_secret(const char *key)
{
	static const char *const keys[] = {"password", "ha1", "key"};

	for (size_t i = 0; key && i < HL_COUNT(keys); i++)
		if (hl_slice_equal_nocase(hl_slice_of(key), hl_slice_of(keys[i])))
			return true;
	return false;
}

/* Decimal digits, perhaps with a sign and a fraction; a leading zero is a telephone number. */
static bool push_number(lua_State *lua, struct hl_slice text)
{
	size_t i = text.length && text.data[0] == '-', digits = i, dots = 0;

	if (text.length - i > 1 && text.data[i] == '0' && text.data[i + 1] != '.')
		return false;
	for (; i < text.length; i++) {
		if (text.data[i] == '.')
			dots++;
		else if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	}
	if (digits == text.length || dots > 1 || text.length > 18 || text.data[digits] == '.' ||
	    text.data[text.length - 1] == '.')
		return false;
	if (dots)
		lua_pushnumber(lua, strtod(text.data, NULL));
	else
		lua_pushinteger(lua, strtoll(text.data, NULL, 10));
	return true;
}

static void push_scalar(lua_State *lua, const struct hl_node *node)
{
	static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};

	if (node->plain) {
		for (size_t i = 0; i < HL_COUNT(words); i++)
			if (hl_slice_equal_nocase(node->text, hl_slice_of(words[i]))) {
				lua_pushboolean(lua, i & 1);
				return;
			}
		if (!node->text.length || hl_slice_equal(node->text, HL_SLICE_LITERAL("~")) ||
		    hl_slice_equal_nocase(node->text, HL_SLICE_LITERAL("null"))) {
			lua_pushnil(lua);
			return;
		}
		if (push_number(lua, node->text))
			return;
	}
	lua_pushlstring(lua, node->text.data, node->text.length);
}

/* Makes the value of a member and keeps it in the table at `values`. */
static void keep(lua_State *lua, int values, const struct hl_node *child, lua_Integer index)
{
	if (is_secret(child->key))
		return;
	if (child->key)
		lua_pushstring(lua, child->key);
	else
		lua_pushinteger(lua, index);
	hl_proxy_push(lua, child);
	lua_rawset(lua, values);
}

static void fill(lua_State *lua, int values, const struct hl_node *node)
{
	lua_Integer index = 1;

	for (const struct hl_node *child = node->first; child; child = child->next, index++) {
		if (child->key) {
			bool made;

			lua_pushstring(lua, child->key);
			made = lua_rawget(lua, values) != LUA_TNIL;
			lua_pop(lua, 1);
			if (made)
				continue;
		}
		keep(lua, values, child, index);
	}
}

static int get(lua_State *lua)
{
	const struct hl_node *node = lua_touserdata(lua, lua_upvalueindex(UPVALUE_NODE)), *child;
	int values = lua_upvalueindex(UPVALUE_VALUES);

	lua_settop(lua, 2);
	lua_pushvalue(lua, values);
	lua_pushvalue(lua, 2);
	if (lua_rawget(lua, 3) != LUA_TNIL || node->type == HL_NODE_LIST ||
	    node->count <= FILLED_MOST || lua_type(lua, 2) != LUA_TSTRING)
		return 1;
	child = hl_node_get(node, lua_tostring(lua, 2));
	if (child)
		keep(lua, 3, child, 0);
	lua_pushvalue(lua, 2);
	lua_rawget(lua, 3);
	return 1;
}

static int refuse(lua_State *lua)
{
	return luaL_error(lua, "the configuration is read-only");
}

static int length(lua_State *lua)
{
	const struct hl_node *node = lua_touserdata(lua, lua_upvalueindex(UPVALUE_NODE));

	lua_pushinteger(lua, node->type == HL_NODE_LIST ? node->count : 0);
	return 1;
}

/* `next` over the values (upvalue 1), whatever the table that is asked about. */
static int next_value(lua_State *lua)
{
	lua_settop(lua, 2);
	if (lua_next(lua, lua_upvalueindex(1)))
		return 2;
	lua_pushnil(lua);
	return 1;
}

static int pairs(lua_State *lua)
{
	const struct hl_node *node = lua_touserdata(lua, lua_upvalueindex(UPVALUE_NODE));

	lua_settop(lua, 1);
	lua_pushvalue(lua, lua_upvalueindex(UPVALUE_VALUES));
	fill(lua, 2, node);
	lua_pushcclosure(lua, next_value, 1);
	lua_pushvalue(lua, 1);
	lua_pushnil(lua);
	return 3;
}

/* metatable[name] = function(node, values); both indices are absolute. */
static void set_method(lua_State *lua, int metatable, const struct hl_node *node, int values,
		       const char *name, lua_CFunction function)
{
	lua_pushlightuserdata(lua, (void *)(uintptr_t)node);
	lua_pushvalue(lua, values);
	lua_pushcclosure(lua, function, 2);
	lua_setfield(lua, metatable, name);
}

void hl_proxy_push(lua_State *lua, const struct hl_node *node)
{
	int proxy, values, metatable;

	if (!node || node->type == HL_NODE_SCALAR) {
		if (node)
			push_scalar(lua, node);
		else
			lua_pushnil(lua);
		return;
	}
	luaL_checkstack(lua, LUA_MINSTACK, "configuration");
	lua_newtable(lua);
	proxy = lua_gettop(lua);
	lua_newtable(lua);
	values = proxy + 1;
	if (node->type == HL_NODE_LIST || node->count <= FILLED_MOST)
		fill(lua, values, node);
	lua_createtable(lua, 0, 5);
	metatable = proxy + 2;
	set_method(lua, metatable, node, values, "__index", get);
	set_method(lua, metatable, node, values, "__newindex", refuse);
	set_method(lua, metatable, node, values, "__len", length);
	set_method(lua, metatable, node, values, "__pairs", pairs);
	lua_pushliteral(lua, "read-only");
	lua_setfield(lua, metatable, "__metatable");
	lua_setmetatable(lua, proxy);
	lua_settop(lua, proxy);
}
