/* What a script finds around it: globals that stay as they are, functions of plugins, its version;
 * and what the switch does with it: a rehearsal, wrong answers told once, time that counts. */
#include "policy_script.h"

#include <errno.h>

static struct hl_keepalive_decision keepalive;
static struct hl_media_decision media;

static int ask(void)
{
	return hl_policy_media(policy, &call, &media);
}

static int ask_of_another(void)
{
	static int number;
	struct hl_endpoint_view another = endpoint;

	snprintf(another.aor, sizeof(another.aor), "sip:%d@example.org", ++number);
	return hl_policy_keepalive(policy, &another, &keepalive);
}

/* A function that says what it was given, and one that keeps everybody waiting. */

static int join(struct hl_module *self, const struct hl_script_value *arguments, size_t count,
		struct hl_script_value *result, struct hl_error *reason)
{
	static char text[256];
	size_t length = 0;

	(void)self;
	for (size_t i = 0; i < count; i++) {
		const struct hl_script_value *value = &arguments[i];

		if (value->type == HL_SCRIPT_NIL)
			return hl_error_set(reason, -EINVAL, "nil is nothing to join");
		if (value->type == HL_SCRIPT_TEXT)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "<%.*s>",
						   HL_SLICE_ARGS(value->text));
		else
			length += (size_t)snprintf(
				text + length, sizeof(text) - length, "<%g>",
				value->type == HL_SCRIPT_NUMBER ? value->number : value->boolean);
	}
	*result = (struct hl_script_value){.type = HL_SCRIPT_TEXT, .text = {text, length}};
	return 0;
}

static int wait_long(struct hl_module *self, const struct hl_script_value *arguments, size_t count,
		     struct hl_script_value *result, struct hl_error *reason)
{
	(void)self, (void)arguments, (void)count, (void)reason;
	usleep(150000);
	*result = (struct hl_script_value){.type = HL_SCRIPT_NUMBER, .number = 7};
	return 0;
}

static const struct hl_function functions[] = {
	{"join", "Joins.", join}, {"wait", "Waits.", wait_long}, {NULL, NULL, NULL}};

static int call_it(struct hl_module *self, const struct hl_function *function,
		   const struct hl_script_value *arguments, size_t count,
		   struct hl_script_value *result, struct hl_error *reason)
{
	return function->call(self, arguments, count, result, reason);
}

/* A policy whose media() is `body`, in a world with those functions. */
static bool knows(const char *before, const char *body)
{
	const struct hl_function_library library = {"my-plugin", functions, call_it, NULL};
	const struct hl_policy_world world = {NULL, &library, 1};
	FILE *file = fopen(script, "w");

	hl_policy_free(policy);
	fprintf(file,
		"%s\nlocal policy = {version = '7.1'}\nfunction policy.media(call)\n\t%s\nend\n"
		"return policy\n",
		before, body);
	fclose(file);
	policy = hl_policy_new(&settings, &world, &error);
	return policy;
}

static void read_only_globals(void)
{
	static const char *const writes[] = {
		"string.rep = nil",
		"match = function() return true end",
		"_G.log = {}",
		"log.info = print",
		"table.insert, x = 1, 2",
		"getmetatable('').__index.rep = nil",
		"rawset(_G, 'clock', nil)",
		"rawset(string, 'rep', nil)",
		"setmetatable(string, {})",
		"setmetatable(_G, {})",
		"string = {}",
	};

	for (size_t i = 0; i < HL_COUNT(writes); i++) {
		ok(knows("", writes[i]), "a script with: %s", writes[i]);
		is_int(with_log(ask), 0, "fails");
		ok(strstr(logged, "read-only") || strstr(logged, "protected metatable") ||
			   strstr(logged, "index a"),
		   "and is told why: %s", logged);
	}
	ok(knows("mine = 'on' local function f() other = mine end f()", "return other"),
	   "globals of its own");
	is_int(ask(), 1, "are its own");
	ok(knows("", "return ('on '):rep(1):sub(1, 2) == string.sub('on', 1) and 'on'"),
	   "methods of texts");
	is_int(ask(), 1, "work as ever");
}

static void functions_of_plugins(void)
{
	ok(knows("", "log.info(my_plugin.join('a\\0b', 1, 2.5, true)) return 'on'"),
	   "a plugin's function");
	is_int(with_log(ask), 1, "is called");
	ok(strstr(logged, "<1><2.5><1>"), "with its arguments: %s", logged);
	ok(knows("", "return math.type(my_plugin.wait()) == 'integer' and 'on'"), "its answer");
	is_int(ask(), 1, "is what it gave");
	settings.max_time_ms = 100;
	knows("", "my_plugin.wait() return 'on'");
	is_int(with_log(ask), 0, "takes time that is counted");
	ok(strstr(logged, "max_time_ms"), "as the script's");
	settings.max_time_ms = 1000;
	knows("", "my_plugin.join(nil)");
	with_log(ask);
	ok(strstr(logged, "my-plugin.join: nil is nothing to join"), "its error is the script's");
	knows("", "my_plugin.join({})");
	with_log(ask);
	ok(strstr(logged, "must be text, a number, a boolean or nil"), "a table cannot be given");
	knows("", "my_plugin.join(1, 2, 3, 4, 5, 6, 7, 8, 9)");
	with_log(ask);
	ok(strstr(logged, "more than 8 arguments"), "nor more than eight");
	knows("", "my_plugin.join = 1");
	with_log(ask);
	ok(strstr(logged, "read-only"), "and it stays what it is");
}

/* While it loads, what counts is the time of its own. */
static void stalls(void)
{
	settings.max_time_ms = 100;
	ok(knows("my_plugin.wait()", "return 'on'"), "a machine that stalls while a script loads");
	is_int(ask(), 1, "refuses nothing");
	ok(!knows("while true do end", ""), "a script that is busy itself");
	ok(strstr(error.text, "max_"), "is ended: %s", error.text);
	settings.max_time_ms = 1000;
}

static void rehearsal(void)
{
	struct hl_policy *copy;

	ok(knows("count = 0", "count = count + 1 log.info('here')\n\tif count > 9 then\n"
			      "\t\treturn 'off', 'tenth'\n\tend\n\treturn 'on', 'first'"),
	   "a script that counts");
	is_str(hl_policy_version(policy), "7.1", "and says its version");
	for (int i = 0; i < 9; i++)
		with_log(ask);
	copy = hl_policy_rehearsal(policy, &error);
	ok(copy, "a rehearsal of it");
	struct hl_policy *real = policy;
	policy = copy;
	is_int(with_log(ask), 1, "decides");
	ok(media.on, "as at the beginning");
	is_str(logged, "", "without a word");
	policy = real;
	hl_policy_free(copy);
	is_int(counted(offsetof(struct hl_policy_counters, calls)), 9, "and on nobody's account");
	with_log(ask);
	ok(!media.on, "and the script itself goes on where it was");
}

static void wrong_answers_once(void)
{
	ok(loads("return {keepalive = function(e) return {period = 9} end}"), "a wrong answer");
	is_int(with_log(ask_of_another), 0, "leaves it as configured");
	ok(strstr(logged, "period is 9"), "is told");
	logged[0] = '\0';
	for (int i = 0; i < 100 && !*logged; i++)
		with_log(ask_of_another);
	is_str(logged, "", "once, whoever it is given for");
	is_int(counted(offsetof(struct hl_policy_counters, errors)), 101, "and counted each time");
	loads("return {keepalive = function(e) return {period = 9} end}");
	with_log(ask_of_another);
	ok(strstr(logged, "period is 9"), "and once for the next version of the script");
}

int main(void)
{
	if (!begin())
		return 1;
	read_only_globals();
	functions_of_plugins();
	stalls();
	rehearsal();
	wrong_answers_once();
	return end();
}
