/* The bounded string functions: they answer what Lua's own do. */
#include "policy_script.h"

#include <lauxlib.h>
#include <lualib.h>

/* Expressions, each evaluated by plain Lua and by a policy; all results are compared as text. */
static const char *const expressions[] = {
	"('hello world'):find('wor')",
	"('hello world'):find('o', 6)",
	"('hello world'):find('o', -3)",
	"('hello'):find('', 6)",
	"('hello'):find('', 7)",
	"('hello'):find('', -99)",
	"('a.b'):find('.', 1, true)",
	"('a+b'):find('+', 1, true)",
	"('a\\0b'):find('\\0')",
	"('a\\0b'):find('%z*b')",
	"('key = value'):find('(%w+)%s*=%s*(%w+)')",
	"('key = value'):match('^(%w+)%s*=%s*(%w+)$')",
	"('key = value'):match('()=()')",
	"('hello'):match('l+')",
	"('hello'):match('l-o')",
	"('hello'):match('xl?')",
	"('hello'):match('hx?e')",
	"('hello'):match('.-l')",
	"('hello'):match('.*l')",
	"('hello'):match('^h')",
	"('hello'):match('^e')",
	"('hello'):match('o$')",
	"('a$b'):match('a$b')",
	"('[x]y'):match('%[(.-)%]')",
	"('f(a(b)c)d'):match('%b()')",
	"('f(a(bc'):match('%b()')",
	"('THE (quick) fox'):find('%f[%a]%a+%f[%A]')",
	"('THE (quick) fox'):gsub('%f[%a]%a', '<%0>')",
	"('abc123def'):match('%a+(%d+)%a+')",
	"('abab'):match('(ab)%1')",
	"('x-y_z'):match('[%w_-]+')",
	"('x-y_z'):match('[^-]+', 2)",
	"(']'):match('[]]')",
	"('a]'):match('[^]]')",
	"('09af'):match('[0-9a-f]+')",
	"('Yealink SIP-T46S 66.84'):match('^(%S+) (%S+) (%d+)%.(%d+)$')",
	"('hello'):gsub('l', 'L')",
	"('hello'):gsub('l', 'L', 1)",
	"('hello'):gsub('', '-')",
	"('hello'):gsub('.', {h = 'H', l = false})",
	"('hello'):gsub('(l)(.)', '%2%1%0%%')",
	"('hello'):gsub('.', function(c) if c == 'l' then return '1' end end)",
	"('hello'):gsub('l', 5)",
	"('abc'):gsub('^a', 'x')",
	"('aaa'):gsub('^a', 'x')",
	"('abc'):gsub('()', '%1')",
	"('hello world'):gsub('o*', 'x')",
	"(function() local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do "
	"t[#t + 1] = k .. v end return table.concat(t, ' ') end)()",
	"(function() local t = {} for w in ('one two'):gmatch('%a*') do t[#t + 1] = '<' .. w .. '>' end "
	"return table.concat(t) end)()",
	"(function() local t = {} for w in ('one two'):gmatch('%a+', 3) do t[#t + 1] = w end "
	"return table.concat(t, ' ') end)()",
	"('ab'):rep(3)",
	"('ab'):rep(3, '-')",
	"('ab'):rep(0)",
	"('ab'):rep(-1)",
	"(''):rep(1000)",
	"pcall(string.find, 'a', '[a')",
	"pcall(string.find, 'a', '%')",
	"pcall(string.find, 'a', '(a')",
	"pcall(string.find, 'a', 'a)')",
	"pcall(string.find, 'a', '%1')",
	"pcall(string.find, 'a', '%f')",
	"pcall(string.find, 'a', '%b')",
	"pcall(string.gsub, 'a', 'a', '%2')",
	"pcall(string.gsub, 'a', 'a', '%x')",
	"pcall(string.gsub, 'a', 'a', function() return {} end)",
	"pcall(string.gsub, 'a', 'a', true)",
	"pcall(string.match, 'a', ('(a)'):rep(33))",
	"pcall(string.match, ('a'):rep(300), ('a?'):rep(300))",
	"select('#', ('x'):match('y'))",
	"pcall(function() local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) "
	"return pcall(coroutine.yield, b) end) return co(1), co(5), co(7) end)",
	"coroutine.resume(coroutine.create(function() error('x', 0) end))",
	"xpcall(function() error('x', 0) end, function(m) return m .. '!' end)",
	"xpcall(function(...) return ... end, print, 1, 2, 3)",
	"coroutine.wrap(function() return xpcall(coroutine.yield, print, 1) end)()",
	"coroutine.status(coroutine.create(print))",
	"coroutine.isyieldable()",
	"table.concat({1, 2, 3}, '-')",
	"table.unpack({1, 2, 3})",
};

static const char join[] =
	"local function join(...) local t = table.pack(...) for i = 1, t.n do t[i] = tostring(t[i]) end\n"
	"return table.concat(t, '|') end\n";

static const char *of_lua(const char *expression)
{
	static char text[1024];
	lua_State *lua = luaL_newstate();
	char chunk[2048];

	luaL_openlibs(lua);
	snprintf(chunk, sizeof(chunk), "%s return join(%s)", join, expression);
	snprintf(text, sizeof(text), "%s",
		 luaL_dostring(lua, chunk) ? "does not run" : lua_tostring(lua, -1));
	lua_close(lua);
	return text;
}

/* The answer comes back as a password, the one answer that may be almost any text. */
static const char *of_policy(const char *expression)
{
	static struct hl_credentials_decision decision;
	char chunk[2048];

	snprintf(chunk, sizeof(chunk),
		 "%s return {credentials = function()\n"
		 "return {password = join(%s):gsub('%%c', '?') .. '.'} end}",
		 join, expression);
	memset(&decision, 0, sizeof(decision));
	if (!loads(chunk) || !hl_policy_credentials(policy, "1001", "r", &decision))
		return "does not run";
	decision.password[strlen(decision.password) - 1] = '\0';
	return decision.password;
}

int main(void)
{
	if (!begin())
		return 1;
	for (size_t i = 0; i < HL_COUNT(expressions); i++) {
		char expected[1024];

		snprintf(expected, sizeof(expected), "%s", of_lua(expressions[i]));
		for (char *c = expected; *c; c++)
			if ((unsigned char)*c < 0x20)
				*c = '?';
		is_str(of_policy(expressions[i]), expected, "%s", expressions[i]);
	}
	return end();
}
