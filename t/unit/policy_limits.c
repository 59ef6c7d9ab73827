/* Limits of the policy: whatever a script does, it is ended soon, the default holds, and the next
 * call is served. */
#include "policy_script.h"

enum {
	PATIENCE = 3000
}; /* ms that ending a script may take, sanitizers and busy machines included */

static struct hl_media_decision media;
static struct hl_keepalive_decision keepalive;

static int ask(void)
{
	return hl_policy_media(policy, &call, &media);
}

/* What runs wild, and what must be said of it. */
static const struct {
	const char *name, *body, *says;
} wild[] = {
	{"an endless loop", "while true do end", "policy.max_instructions reached"},
	{"an endless loop in pcall", "while true do pcall(function() while true do end end) end",
	 "policy.max_instructions reached"},
	{"pcall of pcall", "local function f() while true do pcall(pcall, f) end end f()", ""},
	{"a handler that loops",
	 "xpcall(function() while true do end end,\n"
	 "function() while true do end end) while true do end",
	 ""},
	{"an endless coroutine",
	 "coroutine.resume(coroutine.create(function() while true do end end)) return 'on'",
	 "policy.max_instructions reached"},
	{"an endless wrapped coroutine", "coroutine.wrap(function() while true do end end)()",
	 "policy.max_instructions reached"},
	{"a coroutine made before", "coroutine.resume(early) return 'on'",
	 "policy.max_instructions reached"},
	{"coroutines without end",
	 "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
	 "policy.max_instructions reached"},
	{"coroutines inside coroutines",
	 "local function f() while true do coroutine.resume(coroutine.create(f)) end end f()", ""},
	{"a metamethod that loops",
	 "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
	 "policy.max_instructions reached"},
	{"a closing value that loops",
	 "local t <close> = setmetatable({}, {__close = function() while true do end end})",
	 "policy.max_instructions reached"},
	{"a closing value of a coroutine",
	 "coroutine.wrap(function() local t <close> = setmetatable({}, {__close = function()\n"
	 "while true do end end}) while true do end end)()",
	 ""},
	{"a closing value of a coroutine that is closed",
	 "local co = coroutine.create(function() local t <close> = setmetatable({}, {__close =\n"
	 "function() while true do end end}) while true do end end)\n"
	 "pcall(coroutine.resume, co) coroutine.close(co) return 'on'",
	 ""},
	{"a goto", "::again:: goto again", "policy.max_instructions reached"},
	{"a string.rep bomb", "return ('x'):rep(1000000000)",
	 "string.rep: more than 1048576 bytes"},
	{"a chain of string.rep", "local s = 'x' for i = 1, 100 do s = s:rep(1000) end",
	 "string.rep: more than"},
	{"a string that doubles", "local s = 'x' while true do s = s .. s end",
	 "not enough memory"},
	{"a string that doubles in pcall",
	 "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end", ""},
	{"a table without end", "local t = {} for i = 1, 1000000000 do t[i] = {i} end", ""},
	{"tables in pcall",
	 "while true do pcall(function() local t = {}\n"
	 "for i = 1, 1e9 do t[i] = {i, {}} end end) end",
	 ""},
	{"long strings, copied and compared",
	 "local s = ('x'):rep(1000000) local n = 0\n"
	 "while true do if (s .. n) == (s .. n + 1) then return 'on' end n = n + 1 end",
	 ""},
	{"deep recursion", "local function f() return 1 + f() end return f()", ""},
	{"deep recursion in pcall", "local function f() pcall(f) return 1 + f() end return f()",
	 ""},
	{"endless tail calls", "local function f() return f() end return f()",
	 "policy.max_instructions reached"},
	{"a pattern that backtracks",
	 "return ('a'):rep(200):find(('a-'):rep(20) .. 'b') and 'on' or 'off'",
	 "pattern takes too long"},
	{"such a pattern in match", "return ('a'):rep(100000):match('.-.-.-b')",
	 "pattern takes too long"},
	{"in gmatch", "for x in ('a'):rep(100000):gmatch('.-.-.-b') do end",
	 "pattern takes too long"},
	{"in gsub", "return (('a'):rep(100000):gsub('.-.-.-b', ''))", "pattern takes too long"},
	{"in pcall", "while true do pcall(string.find, ('a'):rep(9999), '.-.-.-b') end", ""},
	{"gsub with pcall", "return (('x'):rep(1000000):gsub('.', pcall))", ""},
	{"a plain search for the worst",
	 "local a = ('a'):rep(1000000) while true do a:find(('a'):rep(500000) .. 'b', 1, true) end",
	 ""},
	{"table.move", "table.move({}, 1, 1000000000, 2)", "too many elements to move"},
	{"table.move over all integers", "table.move({}, math.mininteger, -1, 2)",
	 "too many elements to move"},
	{"table.insert with a length of its own",
	 "table.insert(setmetatable({}, {__len = function() return 1 << 50 end}), 1, 1)",
	 "table too large"},
	{"table.concat with one",
	 "table.concat(setmetatable({}, {__len = function() return 1 << 50 end,\n"
	 "__index = function() return '' end}))",
	 "table too large"},
	{"table.sort of many", "local t = {} for i = 1, 65537 do t[i] = 0 end table.sort(t)",
	 "table too large"},
	{"a finalizer", "setmetatable({}, {__gc = function() while true do end end})",
	 "__gc is not available"},
	{"an error without end",
	 "error(setmetatable({}, {__tostring = function() while true do end end}))", ""},
};

static bool runs(const char *body)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "early = coroutine.create(function() while true do end end)\n"
		 "return {\nmedia = function(call)\n%s\nend,\n"
		 "keepalive = function() return false end}\n",
		 body);
	return loads(text);
}

static void each(void)
{
	/* Time enough that it is the instructions that end a loop, however slow the machine. */
	settings.max_time_ms = 300;
	for (size_t i = 0; i < HL_COUNT(wild); i++) {
		uint64_t before, took;

		if (!ok(runs(wild[i].body), "%s", wild[i].name))
			diag("%s", error.text);
		before = hl_clock_real();
		is_int(with_log(ask), 0, "leaves it as configured");
		took = (hl_clock_real() - before) / HL_MILLISECOND;
		ok(took < PATIENCE, "within %d ms", PATIENCE);
		if (took >= PATIENCE)
			diag("%llu ms", (unsigned long long)took);
		ok(strstr(logged, "event=failed") && strstr(logged, wild[i].says),
		   "and is logged: %s", wild[i].says);
		if (!strstr(logged, wild[i].says))
			diag("%s", logged);
		is_int(hl_policy_keepalive(policy, &endpoint, &keepalive), 1,
		       "and the next call is served");
		ok(hl_policy_memory(policy) <= (size_t)settings.max_memory_mb << 20,
		   "within its memory");
	}
}

static void by_time(void)
{
	uint64_t before, took;

	settings.max_instructions = 1000000000;
	settings.max_time_ms = 50;
	ok(runs("while true do end"), "a script that may take any number of instructions");
	before = hl_clock_real();
	is_int(with_log(ask), 0, "is ended");
	took = (hl_clock_real() - before) / HL_MILLISECOND;
	ok(strstr(logged, "policy.max_time_ms reached"), "by the clock");
	ok(took >= 50 && took < PATIENCE, "when its time is over");
	is_int(counted(offsetof(struct hl_policy_counters, limits)), 1, "which is counted");
	settings.max_instructions = 1000000;
	settings.max_time_ms = 300;
}

static void by_lines(void)
{
	ok(runs("for i = 1, 5000 do log.info('line', i) end return 'on'"), "a script that logs much");
	is_int(with_log(ask), 1, "decides");
	ok(logged_bytes > 5000 && logged_bytes < 20000, "but the log has only the first of it");
	ok(runs("for i = 1, 3 do log.info('line', i) end return 'on'") && with_log(ask) == 1 &&
		   strstr(logged, "line 3"),
	   "one that logs little is heard");
}

static void no_finalizers(void)
{
	ok(runs("local m = {} for i = 1, 100 do setmetatable({}, m) end\n"
		"m.__gc = function() while true do end end\n"
		"for i = 1, 1000 do local t = {{}, {}} end return 'on'"),
	   "a finalizer that comes later");
	is_int(ask(), 1, "never runs");
}

static void sandbox(void)
{
	static const char *const gone[] = {
		"io",	    "os",     "package",    "require",	      "debug",	    "load",
		"loadfile", "dofile", "loadstring", "collectgarbage", "string.dump"};
	static const char *const there[] = {"pcall",	      "setmetatable", "string.format",
					    "table.sort",     "math.floor",   "utf8.char",
					    "coroutine.wrap", "log.info",     "match",
					    "clock",	      "config"};
	char body[256];

	for (size_t i = 0; i < HL_COUNT(gone); i++) {
		snprintf(body, sizeof(body), "return %s == nil and 'on' or 'off'", gone[i]);
		ok(runs(body) && ask() == 1 && media.on, "%s is not there", gone[i]);
	}
	for (size_t i = 0; i < HL_COUNT(there); i++) {
		snprintf(body, sizeof(body), "return %s ~= nil and 'on' or 'off'", there[i]);
		ok(runs(body) && ask() == 1 && media.on, "%s is there", there[i]);
	}
}

/* Every allocation of a load and a call fails once. */
static void memory(void)
{
	unsigned long refused = 0;
	bool good = true;

	ok(runs("return call.caller.user == '1001' and 'on' or 'off'"), "a script");
	for (unsigned long n = 1; n < 600; n++) {
		struct hl_policy *tried;

		hl_memory_fail_at(n);
		tried = hl_policy_new(&settings, NULL, &error);
		if (tried)
			hl_policy_media(tried, &call, &media);
		hl_memory_fail_at(0);
		good &= tried || *error.text;
		refused += !tried;
		hl_policy_free(tried);
	}
	ok(good, "want of memory is told");
	ok(refused, "and refuses a script at times (%lu)", refused);
}

int main(void)
{
	if (!begin())
		return 1;
	each();
	by_time();
	by_lines();
	no_finalizers();
	sandbox();
	memory();
	return end();
}
