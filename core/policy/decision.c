/* What scripts answer, checked like a packet: wrong types, unknown keys and values out of range are
 * errors, and the configured default holds then. */
#include "policy/host.h"

#include <ctype.h>
#include <stdio.h>

enum {
	PERIOD_LEAST = 10,
	PERIOD_MOST = 86400,   /* s, as keepalive's period */
	DURATION_MOST = 86400, /* s */
	EXPIRES_MOST = 86400,  /* s */
	REJECT_LEAST = 300,
	REJECT_MOST = 699,
};

static void expect_table(lua_State *lua, int at, const char *allowed)
{
	if (!lua_istable(lua, at))
		luaL_error(lua, "wrong answer: a %s; allowed: %s", luaL_typename(lua, at), allowed);
}

/* Pushes member `key` of the table; false (and nothing pushed) when it is nil. */
static bool member(lua_State *lua, int table, const char *key)
{
	if (lua_getfield(lua, table, key) != LUA_TNIL)
		return true;
	lua_pop(lua, 1);
	return false;
}

static int64_t integer_at(lua_State *lua, int at, const char *what, int64_t least, int64_t most)
{
	int whole;
	lua_Integer value = lua_tointegerx(lua, at, &whole);

	if (!whole || lua_type(lua, at) != LUA_TNUMBER)
		luaL_error(lua, "wrong answer: %s is not a whole number", what);
	if (value < least || value > most)
		luaL_error(lua, "wrong answer: %s is %I; allowed: %I to %I", what, value,
			   (lua_Integer)least, (lua_Integer)most);
	return value;
}

/* Copies the text on top of the stack into `text` and pops it; control characters are refused. */
static void take_text(lua_State *lua, const char *what, char *text, size_t size)
{
	struct hl_slice value;

	if (lua_type(lua, -1) != LUA_TSTRING)
		luaL_error(lua, "wrong answer: %s is a %s, not text", what, luaL_typename(lua, -1));
	value.data = lua_tolstring(lua, -1, &value.length);
	if (value.length >= size)
		luaL_error(lua, "wrong answer: %s is longer than %d bytes", what, (int)size - 1);
	for (size_t i = 0; i < value.length; i++)
		if ((unsigned char)value.data[i] < 0x20 || value.data[i] == 0x7f)
			luaL_error(lua, "wrong answer: %s has control characters", what);
	memcpy(text, value.data, value.length);
	text[value.length] = '\0';
	lua_pop(lua, 1);
}

void hl_take_rule(lua_State *lua, int at, char rule[HL_RULE_NAME])
{
	size_t length;
	const char *name;

	snprintf(rule, HL_RULE_NAME, "policy");
	if (lua_isnil(lua, at))
		return;
	if (lua_type(lua, at) != LUA_TSTRING)
		luaL_error(lua, "wrong answer: the rule's name is a %s, not text",
			   luaL_typename(lua, at));
	name = lua_tolstring(lua, at, &length);
	if (length >= HL_RULE_NAME)
		length = HL_RULE_NAME - 1;
	for (size_t i = 0; i < length; i++)
		rule[i] = iscntrl((unsigned char)name[i]) ? '?' : name[i];
	rule[length] = '\0';
}

/* keepalive: false | { message=, period=, method= } */

static void take_message(lua_State *lua, struct hl_keepalive_decision *decision)
{
	const char *message;
	size_t length;

	if (lua_type(lua, -1) != LUA_TSTRING)
		luaL_error(lua, "wrong answer: message is a %s, not text", luaL_typename(lua, -1));
	message = lua_tolstring(lua, -1, &length);
	if (length > HL_KEEPALIVE_MESSAGE)
		luaL_error(lua, "wrong answer: message is longer than %d bytes",
			   HL_KEEPALIVE_MESSAGE);
	decision->message_set = true;
	decision->message_length = length;
	memcpy(decision->message, message, length);
	lua_pop(lua, 1);
}

static const char *take_word(lua_State *lua, const char *what, const char *const *words,
			     const char *allowed)
{
	const char *word = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : NULL;

	for (size_t i = 0; word && words[i]; i++)
		if (!strcmp(words[i], word)) {
			lua_pop(lua, 1);
			return words[i];
		}
	luaL_error(lua, "wrong answer: %s is %s; allowed: %s", what, luaL_tolstring(lua, -1, NULL),
		   allowed);
	return NULL;
}

void hl_take_keepalive(lua_State *lua, int at, void *decision)
{
	static const char *const keys[] = {"message", "period", "method", NULL};
	static const char *const methods[] = {"udp", "options", "crlf", NULL};
	struct hl_keepalive_decision *taken = decision;

	if (lua_isboolean(lua, at) && !lua_toboolean(lua, at)) {
		taken->off = true;
		return;
	}
	expect_table(lua, at, "false, or {message=, period=, method=}");
	hl_keys_check(lua, at, keys, "wrong answer: unknown key");
	if (member(lua, at, "message"))
		take_message(lua, taken);
	if (member(lua, at, "period")) {
		taken->period = integer_at(lua, -1, "period", PERIOD_LEAST, PERIOD_MOST);
		lua_pop(lua, 1);
	}
	if (member(lua, at, "method"))
		taken->method = take_word(lua, "method", methods, "udp, options, crlf");
}

/* no_timer: seconds | { max_duration=, action= } */
void hl_take_no_timer(lua_State *lua, int at, void *decision)
{
	static const char *const keys[] = {"max_duration", "action", NULL};
	static const char *const actions[] = {"hangup", "probe", NULL};
	struct hl_no_timer_decision *taken = decision;

	taken->max_duration = -1;
	if (lua_type(lua, at) == LUA_TNUMBER) {
		taken->max_duration = integer_at(lua, at, "the limit", 0, DURATION_MOST);
		return;
	}
	expect_table(lua, at, "seconds, or {max_duration=, action=}");
	hl_keys_check(lua, at, keys, "wrong answer: unknown key");
	if (member(lua, at, "max_duration")) {
		taken->max_duration = integer_at(lua, -1, "max_duration", 0, DURATION_MOST);
		lua_pop(lua, 1);
	}
	if (member(lua, at, "action"))
		taken->probe = take_word(lua, "action", actions, "hangup, probe") == actions[1];
}

/* media: "on" | "off" */
void hl_take_media(lua_State *lua, int at, void *decision)
{
	static const char *const words[] = {"on", "off", NULL};

	lua_pushvalue(lua, at);
	((struct hl_media_decision *)decision)->on =
		take_word(lua, "media", words, "\"on\", \"off\"") == words[0];
}

/* { reject=403, reason="..." }; false when it does not reject. */
static bool take_reject(lua_State *lua, int at, int *reject, char *reason, size_t size)
{
	if (!member(lua, at, "reject"))
		return false;
	*reject = (int)integer_at(lua, -1, "reject", REJECT_LEAST, REJECT_MOST);
	lua_pop(lua, 1);
	if (member(lua, at, "reason"))
		take_text(lua, "reason", reason, size);
	return true;
}

/* One header for the 200. Only X- names: all others are the switch's own to say. */
static void take_register_header(lua_State *lua, struct hl_register_decision *taken)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	size_t used = strlen(taken->headers), room = sizeof(taken->headers) - used;
	const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
	char value[256];

	if (strncmp(name, "X-", 2) || !name[2] || strspn(name, letters) != lua_rawlen(lua, -2))
		luaL_error(lua, "wrong answer: header %s; allowed: X-NAME",
			   luaL_tolstring(lua, -2, NULL));
	lua_pushvalue(lua, -1);
	take_text(lua, name, value, sizeof(value));
	if ((size_t)snprintf(taken->headers + used, room, "%s: %s\n", name, value) >= room)
		luaL_error(lua, "wrong answer: headers are longer than %d bytes",
			   HL_REGISTER_HEADERS - 1);
}

static void take_register_headers(lua_State *lua, struct hl_register_decision *taken)
{
	expect_table(lua, lua_gettop(lua), "headers = {[\"X-NAME\"] = text}");
	for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1))
		take_register_header(lua, taken);
	lua_pop(lua, 1);
}

/* register: { expires=, headers= } | { reject=403, reason="..." } */
void hl_take_register(lua_State *lua, int at, void *decision)
{
	static const char *const keys[] = {"expires", "headers", "reject", "reason", NULL};
	struct hl_register_decision *taken = decision;

	expect_table(lua, at, "{expires=, headers=}, or {reject=, reason=}");
	hl_keys_check(lua, at, keys, "wrong answer: unknown key");
	if (take_reject(lua, at, &taken->reject, taken->reason, sizeof(taken->reason)))
		return;
	if (member(lua, at, "expires")) {
		taken->expires = integer_at(lua, -1, "expires", 1, EXPIRES_MOST);
		lua_pop(lua, 1);
	}
	if (member(lua, at, "headers"))
		take_register_headers(lua, taken);
}

/* credentials: { password= } | { ha1=, algorithm= } */
void hl_take_credentials(lua_State *lua, int at, void *decision)
{
	static const char *const keys[] = {"password", "ha1", "algorithm", NULL};
	static const char *const algorithms[] = {"MD5", "SHA-256", NULL};
	struct hl_credentials_decision *taken = decision;
	const char *algorithm = algorithms[0];

	expect_table(lua, at, "{password=}, or {ha1=, algorithm=}");
	hl_keys_check(lua, at, keys, "wrong answer: unknown key");
	if (member(lua, at, "password")) {
		take_text(lua, "password", taken->password, sizeof(taken->password));
		if (!*taken->password)
			luaL_error(lua, "wrong answer: password is empty");
		return;
	}
	if (!member(lua, at, "ha1"))
		luaL_error(lua, "wrong answer: neither password nor ha1");
	take_text(lua, "ha1", taken->ha1, sizeof(taken->ha1));
	if (member(lua, at, "algorithm"))
		algorithm = take_word(lua, "algorithm", algorithms, "MD5, SHA-256");
	if (strlen(taken->ha1) != (algorithm == algorithms[0] ? 32 : 64) ||
	    strspn(taken->ha1, "0123456789abcdefABCDEF") != strlen(taken->ha1))
		luaL_error(lua, "wrong answer: ha1 is not the %s digits of %s",
			   algorithm == algorithms[0] ? "32" : "64", algorithm);
	snprintf(taken->algorithm, sizeof(taken->algorithm), "%s", algorithm);
}

/* route: { "user:1002", "gateway:a", "sip:x@y", { … ring together } } | { reject=404 } */

static void take_target(lua_State *lua, struct hl_route_decision *taken, unsigned group)
{
	static const char *const kinds[] = {"user:", "gateway:", "sip:", "sips:"};
	char *text;

	if (taken->count == HL_ROUTE_TARGETS)
		luaL_error(lua, "wrong answer: more than %d targets", HL_ROUTE_TARGETS);
	text = taken->targets[taken->count].text;
	take_text(lua, "a target", text, sizeof(taken->targets[0].text));
	for (size_t i = 0; i < HL_COUNT(kinds); i++)
		if (!strncmp(text, kinds[i], strlen(kinds[i])) && text[strlen(kinds[i])]) {
			taken->targets[taken->count++].group = group;
			return;
		}
	luaL_error(lua, "wrong answer: target %s; allowed: user:NAME, gateway:NAME, sip:URI, "
		   "sips:URI", text);
}

/* The target or the nested list on top of the stack. */
static void take_group(lua_State *lua, struct hl_route_decision *taken, unsigned group)
{
	int list = lua_gettop(lua);
	lua_Integer count;

	if (!lua_istable(lua, list)) {
		take_target(lua, taken, group);
		return;
	}
	count = luaL_len(lua, list);
	for (lua_Integer i = 1; i <= count; i++) {
		lua_geti(lua, list, i);
		take_target(lua, taken, group);
	}
	lua_pop(lua, 1);
}

void hl_take_route(lua_State *lua, int at, void *decision)
{
	static const char *const reject_keys[] = {"reject", "reason", NULL};
	static const char *const redirects[] = {"pass", "follow", NULL};
	struct hl_route_decision *taken = decision;
	lua_Integer count;

	expect_table(lua, at, "a list of targets, or {reject=, reason=}");
	if (take_reject(lua, at, &taken->reject, taken->reason, sizeof(taken->reason))) {
		hl_keys_check(lua, at, reject_keys, "wrong answer: unknown key");
		return;
	}
	count = luaL_len(lua, at);
	if (!count) {
		lua_pushnil(lua);
		if (lua_next(lua, at))
			luaL_error(lua, "wrong answer: neither a list of targets nor {reject=}");
	}
	for (lua_Integer i = 1; i <= count; i++) {
		lua_geti(lua, at, i);
		take_group(lua, taken, (unsigned)i - 1);
	}
	taken->follow = member(lua, at, "redirect") &&
			take_word(lua, "redirect", redirects, "pass, follow") == redirects[1];
}
