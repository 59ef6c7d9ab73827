/* What a script finds: the harmless half of Lua's libraries, `config`, `log`, `match`, `clock`. */
#include "policy/host.h"

#include "base/clock.h"

#include <lualib.h>

enum {
	SORTED_MOST = 65536,  /* elements of a table that is sorted in one go */
	MOVED_MOST = 1000000, /* elements that one call moves or reads */
};

/* Runs the original (upvalue 1) between two looks at the limits. */
static int guarded(lua_State *lua)
{
	hl_policy_check(lua);
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
	hl_policy_check(lua);
	return lua_gettop(lua);
}

static void check_length(lua_State *lua, lua_Integer most)
{
	luaL_checktype(lua, 1, LUA_TTABLE);
	if (luaL_len(lua, 1) > most)
		luaL_error(lua, "table too large: more than %I elements", most);
}

static int guarded_table(lua_State *lua)
{
	check_length(lua, MOVED_MOST);
	return guarded(lua);
}

static int guarded_sort(lua_State *lua)
{
	check_length(lua, SORTED_MOST);
	return guarded(lua);
}

/* table.move(a, first, last, to) */
static int guarded_move(lua_State *lua)
{
	lua_Integer first = luaL_checkinteger(lua, 2), last = luaL_checkinteger(lua, 3);

	if (last >= first && (lua_Unsigned)last - (lua_Unsigned)first >= MOVED_MOST)
		luaL_error(lua, "too many elements to move");
	return guarded(lua);
}

/* xpcall(): when a limit was hit, the error comes from inside the hook, where no other hook runs; a
 * handler of the script's would then have no limit at all. */
static int handle(lua_State *lua)
{
	if (hl_policy_of(lua)->expired)
		return 1;
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, lua_gettop(lua) - 1, 1);
	return 1;
}

static int all_results(lua_State *lua, int status, lua_KContext context)
{
	(void)status;
	(void)context;
	return lua_gettop(lua);
}

static int guarded_xpcall(lua_State *lua)
{
	luaL_checktype(lua, 2, LUA_TFUNCTION);
	lua_pushvalue(lua, 2);
	lua_pushcclosure(lua, handle, 1);
	lua_replace(lua, 2);
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_callk(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0, all_results);
	return lua_gettop(lua);
}

/* A coroutine killed inside the hook would be closed, __close and all, with hooks still off. So its
 * function runs in a pcall, which puts them on again, and the error goes on from there. */
static int body_done(lua_State *lua, int status, lua_KContext context)
{
	(void)context;
	if (status != LUA_OK && status != LUA_YIELD)
		return lua_error(lua);
	return lua_gettop(lua);
}

static int body(lua_State *lua)
{
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	return body_done(lua, lua_pcallk(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0, 0, body_done),
			 0);
}

/* coroutine.create() and wrap() */
static int guarded_create(lua_State *lua)
{
	luaL_checktype(lua, 1, LUA_TFUNCTION);
	lua_settop(lua, 1);
	lua_pushcclosure(lua, body, 1);
	return guarded(lua);
}

/* A finalizer runs without hooks: nothing could end it. */
static int guarded_setmetatable(lua_State *lua)
{
	if (lua_istable(lua, 2)) {
		lua_pushliteral(lua, "__gc");
		lua_rawget(lua, 2);
		if (!lua_isnil(lua, -1))
			luaL_error(lua, "__gc is not available");
		lua_pop(lua, 1);
	}
	return guarded(lua);
}

/* rawset would write into what is read-only. */
static int guarded_rawset(lua_State *lua)
{
	if (luaL_getmetafield(lua, 1, "__metatable") != LUA_TNIL)
		luaL_error(lua, "this table is read-only");
	return guarded(lua);
}

struct replacement {
	const char *name;
	lua_CFunction with; /* NULL: taken away */
};

/* Replaces members of the library on top of the stack. */
static void replace(lua_State *lua, const struct replacement *replacements)
{
	for (; replacements->name; replacements++) {
		if (replacements->with) {
			lua_getfield(lua, -1, replacements->name);
			lua_pushcclosure(lua, replacements->with, 1);
		} else {
			lua_pushnil(lua);
		}
		lua_setfield(lua, -2, replacements->name);
	}
}

static void open_library(lua_State *lua, const char *name, lua_CFunction open,
			 const struct replacement *replacements)
{
	luaL_requiref(lua, name, open, 1);
	replace(lua, replacements);
	lua_pop(lua, 1);
}

/* log.info("text", …) */
static int write_log(lua_State *lua)
{
	enum hl_log_level level = (enum hl_log_level)lua_tointeger(lua, lua_upvalueindex(1));
	struct hl_policy *policy = hl_policy_of(lua);
	int count = lua_gettop(lua);
	luaL_Buffer buffer;

	luaL_checkstack(lua, count + LUA_MINSTACK, NULL);
	luaL_buffinit(lua, &buffer);
	for (int i = 1; i <= count; i++) {
		if (i > 1)
			luaL_addchar(&buffer, ' ');
		luaL_tolstring(lua, i, NULL);
		luaL_addvalue(&buffer);
	}
	luaL_pushresult(&buffer);
	if (policy->rehearsal || policy->lines > HL_POLICY_LINES)
		return 0;
	if (policy->lines++ < HL_POLICY_LINES)
		hl_log(level, "policy", "script", hl_str("text", lua_tostring(lua, -1)));
	else
		hl_log(HL_LOG_WARN, "policy", "script-withheld", hl_int("after", HL_POLICY_LINES),
		       hl_str("function", hl_policy_names[policy->asked]));
	return 0;
}

static void push_log(lua_State *lua, enum hl_log_level level)
{
	lua_pushinteger(lua, level);
	lua_pushcclosure(lua, write_log, 1);
}

static void open_log(lua_State *lua)
{
	lua_createtable(lua, 0, 3);
	push_log(lua, HL_LOG_INFO);
	lua_setfield(lua, -2, "info");
	push_log(lua, HL_LOG_WARN);
	lua_setfield(lua, -2, "warn");
	push_log(lua, HL_LOG_ERROR);
	lua_setfield(lua, -2, "error");
	lua_setglobal(lua, "log");
	push_log(lua, HL_LOG_INFO);
	lua_setglobal(lua, "print");
}

/* The switch's time of day in seconds, with a fraction. */
static int clock_now(lua_State *lua)
{
	lua_pushnumber(lua, (lua_Number)hl_clock_wall() / (lua_Number)HL_SECOND);
	return 1;
}

/* Each plugin's functions under its name, which is a word of Lua with _ for -. */
static void open_libraries(lua_State *lua)
{
	const struct hl_policy *policy = hl_policy_of(lua);

	for (size_t i = 0; i < policy->library_count; i++) {
		hl_library_push(lua, &policy->libraries[i]);
		lua_pushstring(lua, policy->libraries[i].name);
		luaL_gsub(lua, lua_tostring(lua, -1), "-", "_");
		lua_remove(lua, -2);
		lua_insert(lua, -2);
		lua_pushglobaltable(lua);
		lua_insert(lua, -3);
		lua_rawset(lua, -3);
		lua_pop(lua, 1);
	}
}

void hl_sandbox_open(lua_State *lua)
{
	static const struct replacement base[] = {
		{"collectgarbage", NULL},
		{"dofile", NULL},
		{"load", NULL},
		{"loadfile", NULL},
		{"print", NULL},
		{"warn", NULL},
		{"rawset", guarded_rawset},
		{"setmetatable", guarded_setmetatable},
		{"xpcall", guarded_xpcall},
		{NULL, NULL},
	};
	/* An error that a coroutine died of must not be caught by whoever resumed it. */
	static const struct replacement coroutine[] = {
		{"create", guarded_create}, {"resume", guarded}, {"wrap", guarded_create},
		{"close", guarded},	    {NULL, NULL},
	};
	static const struct replacement table[] = {
		{"concat", guarded_table}, {"insert", guarded_table}, {"move", guarded_move},
		{"remove", guarded_table}, {"sort", guarded_sort},    {NULL, NULL},
	};
	static const struct replacement string[] = {
		{"dump", NULL},	      {"format", guarded}, {"lower", guarded},
		{"reverse", guarded}, {"upper", guarded},  {NULL, NULL},
	};
	static const struct replacement none[] = {{NULL, NULL}};

	open_library(lua, LUA_GNAME, luaopen_base, base);
	open_library(lua, LUA_COLIBNAME, luaopen_coroutine, coroutine);
	open_library(lua, LUA_TABLIBNAME, luaopen_table, table);
	open_library(lua, LUA_STRLIBNAME, luaopen_string, string);
	open_library(lua, LUA_MATHLIBNAME, luaopen_math, none);
	open_library(lua, LUA_UTF8LIBNAME, luaopen_utf8, none);
	lua_getglobal(lua, LUA_STRLIBNAME);
	hl_strings_open(lua);
	lua_pop(lua, 1);
	open_log(lua);
	lua_pushcfunction(lua, hl_rule_match);
	lua_setglobal(lua, "match");
	lua_pushcfunction(lua, clock_now);
	lua_setglobal(lua, "clock");
	hl_proxy_push(lua, hl_policy_of(lua)->configuration);
	if (lua_isnil(lua, -1))
		lua_newtable(lua);
	lua_setglobal(lua, "config");
	open_libraries(lua);
	hl_globals_close(lua);
	lua_settop(lua, 1);
}
