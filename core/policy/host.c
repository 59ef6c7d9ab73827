/* The Lua host: memory, limits, errors, loading. */
#include "policy/host.h"

#include "base/clock.h"
#include "base/memory.h"
#include "config/nearest.h"

#include <errno.h>
#include <stdio.h>

enum {
	HOOK_EVERY = 100,      /* instructions between two looks at the clock */
	LARGE_BLOCK = 65536,   /* bytes; allocating that much looks at the clock too */
	SCRIPT_MOST = 4 << 20, /* bytes of a script */
};

static const char *const names[HL_POLICY_FUNCTIONS] = {
	[HL_POLICY_KEEPALIVE] = "keepalive",
	[HL_POLICY_NO_TIMER] = "no_timer",
	[HL_POLICY_MEDIA] = "media",
	[HL_POLICY_REGISTER] = "register",
	[HL_POLICY_CREDENTIALS] = "credentials",
	[HL_POLICY_ROUTE] = "route",
	[HL_POLICY_ANSWERED] = "answered",
	[HL_POLICY_ENDED] = "ended",
	[HL_POLICY_SELFTEST] = "selftest",
};

struct hl_policy *hl_policy_of(lua_State *lua)
{
	return *(struct hl_policy **)lua_getextraspace(lua);
}

/* Limits */

static bool expired(struct hl_policy *policy)
{
	if (policy->expired)
		return true;
	if (policy->instructions <= 0)
		policy->expired = "policy.max_instructions reached";
	else if (hl_clock_real() >= policy->deadline)
		policy->expired = "policy.max_time_ms reached";
	return policy->expired;
}

static void hook(lua_State *lua, lua_Debug *record)
{
	struct hl_policy *policy = hl_policy_of(lua);

	(void)record;
	policy->instructions -= HOOK_EVERY;
	if (!expired(policy))
		return;
	lua_sethook(lua, hook, LUA_MASKCOUNT, 1);
	luaL_where(lua, 0);
	lua_pushstring(lua, policy->expired);
	lua_concat(lua, 2);
	lua_error(lua);
}

void hl_policy_check(lua_State *lua)
{
	struct hl_policy *policy = hl_policy_of(lua);

	if (expired(policy))
		luaL_error(lua, "%s", policy->expired);
}

/* Notes where the script is: the innermost line of Lua. */
static void note_line(lua_State *lua)
{
	struct hl_policy *policy = hl_policy_of(lua);
	lua_Debug record;

	policy->line[0] = '\0';
	for (int level = 0; lua_getstack(lua, level, &record); level++) {
		lua_getinfo(lua, "Sl", &record);
		if (record.currentline <= 0)
			continue;
		snprintf(policy->line, sizeof(policy->line), "%s:%d", record.short_src,
			 record.currentline);
		break;
	}
}

/* Want of memory goes past the message handler: the line is noted here. */
static void *refuse_memory(struct hl_policy *policy)
{
	if (policy->deadline)
		note_line(policy->lua);
	return NULL;
}

/* Counts and caps. A large block also looks at the clock: copying megabytes about is slow work that
 * takes few instructions. */
static void *allocate(void *arg, void *block, size_t old_size, size_t size)
{
	struct hl_policy *policy = arg;
	size_t before = block ? old_size : 0;
	void *resized;

	if (!size) {
		hl_free(block);
		policy->counters.memory -= before;
		return NULL;
	}
	if (size > before) {
		size_t most = (size_t)policy->limits.max_memory_mb << 20;

		if (policy->counters.memory + (size - before) > most)
			return refuse_memory(policy);
		if (size >= LARGE_BLOCK && policy->deadline && expired(policy))
			return refuse_memory(policy);
	}
	resized = hl_realloc(block, size);
	if (!resized)
		return size <= before ? block : NULL; /* shrinking must not fail */
	policy->counters.memory += size - before;
	return resized;
}

/* Errors */

/* Takes the message as text. */
static int explain(lua_State *lua)
{
	note_line(lua);
	luaL_tolstring(lua, 1, NULL);
	return 1;
}

static const char *message_of(lua_State *lua)
{
	const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : NULL;

	return text ? text : "error without a message";
}

static void begin(struct hl_policy *policy)
{
	policy->expired = NULL;
	policy->instructions = policy->limits.max_instructions;
	policy->deadline = hl_clock_real() + (uint64_t)policy->limits.max_time_ms * HL_MILLISECOND;
	policy->serial++;
	policy->line[0] = '\0';
	lua_sethook(policy->lua, hook, LUA_MASKCOUNT, HOOK_EVERY);
}

/* Runs a C function on `argument`, protected and limited. LUA_OK leaves `results` on the stack,
 * anything else the message. */
static int run(struct hl_policy *policy, lua_CFunction function, void *argument, int results)
{
	int status;

	begin(policy);
	lua_settop(policy->lua, 0);
	lua_pushcfunction(policy->lua, explain);
	lua_pushcfunction(policy->lua, function);
	lua_pushlightuserdata(policy->lua, argument);
	status = lua_pcall(policy->lua, 1, results, 1);
	policy->deadline = 0;
	policy->call = NULL;
	if (status != LUA_OK) {
		policy->counters.errors++;
		policy->counters.limits += policy->expired || status == LUA_ERRMEM;
	}
	return status;
}

/* Where this failure is counted: it was logged lately, or its place is free. NULL: too many others
 * were. */
static struct hl_log_limit *limit_of(struct hl_policy *policy, const char *subject,
				     const char *line)
{
	uint64_t what = hl_hash_mix(hl_hash_bytes(subject, strlen(subject)),
				    hl_hash_bytes(line, strlen(line)));
	struct hl_policy_failure *free = NULL;

	for (size_t i = 0; i < HL_POLICY_FAILURES; i++) {
		struct hl_policy_failure *failure = &policy->failures[i];

		if (failure->what == what)
			return &failure->limit;
		if (failure->limit.next <= hl_clock_real())
			free = failure;
	}
	if (!free)
		return NULL;
	*free = (struct hl_policy_failure){.what = what};
	return &free->limit;
}

static void log_failure(struct hl_policy *policy, const struct hl_invocation *invocation)
{
	const char *line = *policy->line ? policy->line : policy->defined[invocation->function];
	const char *subject = invocation->subject ? invocation->subject : "";
	struct hl_log_limit *limit = limit_of(policy, subject, line);
	uint64_t withheld;

	if (!limit || !hl_log_allow(limit, &withheld))
		return;
	hl_log(HL_LOG_ERROR, "policy", "failed", hl_str("function", names[invocation->function]),
	       hl_str("for", subject), hl_str("line", line),
	       hl_str("error", message_of(policy->lua)), hl_int("withheld", (int64_t)withheld));
}

/* The door */

static int enter(lua_State *lua)
{
	struct hl_invocation *invocation = lua_touserdata(lua, 1);
	struct hl_policy *policy = hl_policy_of(lua);
	bool decided;

	lua_rawgeti(lua, LUA_REGISTRYINDEX, policy->functions[invocation->function]);
	policy->call = invocation->call;
	lua_call(lua, invocation->push ? invocation->push(lua, invocation) : 0, 2);
	decided = invocation->take && !lua_isnil(lua, 2);
	if (decided && invocation->rule)
		hl_take_rule(lua, 3, invocation->rule);
	if (decided)
		invocation->take(lua, 2, invocation->decision);
	lua_pushboolean(lua, decided);
	return 1;
}

bool hl_policy_has(const struct hl_policy *policy, enum hl_policy_function function)
{
	return policy && policy->functions[function] != LUA_NOREF;
}

int hl_policy_call(struct hl_policy *policy, struct hl_invocation *invocation)
{
	int decided = 0;

	if (!hl_policy_has(policy, invocation->function))
		return 0;
	policy->counters.calls++;
	if (run(policy, enter, invocation, 1) == LUA_OK)
		decided = lua_toboolean(policy->lua, -1);
	else
		log_failure(policy, invocation);
	lua_settop(policy->lua, 0);
	return decided;
}

/* Loading */

struct loading {
	const char *path;
	const struct hl_text *text;
};

/* Warns of a name that is nearly one of ours: the function would never be called. */
static void check_names(lua_State *lua, int table)
{
	lua_pushnil(lua);
	while (lua_next(lua, table)) {
		if (lua_type(lua, -2) == LUA_TSTRING && lua_isfunction(lua, -1)) {
			struct hl_nearest nearest;
			bool known = false;

			hl_nearest_init(&nearest, hl_slice_of(lua_tostring(lua, -2)));
			for (int i = 0; i < HL_POLICY_FUNCTIONS; i++) {
				hl_nearest_offer(&nearest, hl_slice_of(names[i]));
				known |= !strcmp(names[i], lua_tostring(lua, -2));
			}
			if (!known && nearest.best.length)
				hl_log(HL_LOG_WARN, "policy", "unknown-function",
				       hl_str("function", lua_tostring(lua, -2)),
				       hl_sl("meant", nearest.best));
		}
		lua_pop(lua, 1);
	}
}

static void keep_function(lua_State *lua, struct hl_policy *policy, int table, int function)
{
	lua_Debug record;

	lua_getfield(lua, table, names[function]);
	if (lua_isnil(lua, -1)) {
		lua_pop(lua, 1);
		return;
	}
	if (!lua_isfunction(lua, -1))
		luaL_error(lua, "policy.%s is a %s, not a function", names[function],
			   luaL_typename(lua, -1));
	lua_pushvalue(lua, -1);
	lua_getinfo(lua, ">S", &record);
	snprintf(policy->defined[function], sizeof(policy->defined[function]), "%s:%d",
		 record.short_src, record.linedefined);
	policy->functions[function] = luaL_ref(lua, LUA_REGISTRYINDEX);
}

static int load(lua_State *lua)
{
	const struct loading *loading = lua_touserdata(lua, 1);
	struct hl_policy *policy = hl_policy_of(lua);
	int table;

	hl_sandbox_open(lua);
	lua_pushfstring(lua, "@%s", loading->path);
	if (luaL_loadbufferx(lua, loading->text->data ? loading->text->data : "",
			     loading->text->length, lua_tostring(lua, -1), "t"))
		lua_error(lua);
	lua_call(lua, 0, 1);
	if (!lua_istable(lua, -1))
		luaL_error(lua, "%s must return a table of functions, not a %s", loading->path,
			   luaL_typename(lua, -1));
	table = lua_gettop(lua);
	check_names(lua, table);
	for (int i = 0; i < HL_POLICY_FUNCTIONS; i++)
		keep_function(lua, policy, table, i);
	return 0;
}

static int read_script(const char *path, struct hl_text *text, struct hl_error *error)
{
	FILE *file = fopen(path, "re");
	char block[16384];
	size_t length;
	int result = 0;

	if (!file)
		return hl_error_set(error, -errno, "%s: %s", path, strerror(errno));
	while ((length = fread(block, 1, sizeof(block), file)) && text->length <= SCRIPT_MOST)
		hl_text_append(text, block, length);
	if (ferror(file))
		result = hl_error_set(error, -EIO, "%s: cannot be read", path);
	else if (text->length > SCRIPT_MOST)
		result = hl_error_set(error, -EFBIG, "%s: larger than %d bytes", path, SCRIPT_MOST);
	else if (text->failed)
		result = hl_error_set(error, -ENOMEM, "%s: out of memory", path);
	fclose(file);
	return result;
}

static int load_script(struct hl_policy *policy, const char *path, struct hl_error *error)
{
	struct loading loading = {.path = path};
	struct hl_text text;
	int result;

	hl_text_init(&text);
	loading.text = &text;
	result = read_script(path, &text, error);
	if (!result && run(policy, load, &loading, 0) != LUA_OK) {
		const char *message = message_of(policy->lua);
		/* A message has its line unless it is about the script as a whole. */
		bool placed = strstr(message, ".lua:") || strstr(message, path);

		result = hl_error_set(error, -EINVAL, "%s%s%s", placed ? "" : path,
				      placed ? "" : ": ", message);
	}
	lua_settop(policy->lua, 0);
	hl_text_fini(&text);
	return result;
}

struct hl_policy *hl_policy_new(const struct hl_policy_settings *settings,
				const struct hl_node *configuration, struct hl_error *error)
{
	struct hl_policy *policy = hl_zalloc(sizeof(*policy));

	if (!policy) {
		hl_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	policy->limits = *settings;
	policy->limits.script = NULL;
	policy->configuration = configuration;
	for (int i = 0; i < HL_POLICY_FUNCTIONS; i++)
		policy->functions[i] = LUA_NOREF;
	policy->lua = lua_newstate(allocate, policy);
	if (!policy->lua) {
		hl_error_set(error, -ENOMEM, "out of memory");
		goto failed;
	}
	*(struct hl_policy **)lua_getextraspace(policy->lua) = policy;
	if (load_script(policy, settings->script, error))
		goto failed;
	policy->counters.errors = 0;
	return policy;
failed:
	hl_policy_free(policy);
	return NULL;
}

void hl_policy_free(struct hl_policy *policy)
{
	if (!policy)
		return;
	if (policy->lua)
		lua_close(policy->lua);
	hl_free(policy);
}

/* selftest() fails by an error, or by false. */
static int test(lua_State *lua)
{
	struct hl_policy *policy = hl_policy_of(lua);

	lua_rawgeti(lua, LUA_REGISTRYINDEX, policy->functions[HL_POLICY_SELFTEST]);
	lua_call(lua, 0, 2);
	if (lua_isboolean(lua, 2) && !lua_toboolean(lua, 2))
		luaL_error(lua, "%s: selftest says: %s", policy->defined[HL_POLICY_SELFTEST],
			   lua_isstring(lua, 3) ? lua_tostring(lua, 3) : "false");
	return 0;
}

int hl_policy_selftest(struct hl_policy *policy, struct hl_error *error)
{
	int result = 0;

	if (!policy || policy->functions[HL_POLICY_SELFTEST] == LUA_NOREF)
		return 0;
	policy->counters.calls++;
	if (run(policy, test, NULL, 0) != LUA_OK)
		result = hl_error_set(error, -EINVAL, "%s", message_of(policy->lua));
	lua_settop(policy->lua, 0);
	return result;
}

const struct hl_policy_counters *hl_policy_counters(const struct hl_policy *policy)
{
	return &policy->counters;
}
