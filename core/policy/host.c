/* The Lua host: memory, limits, errors, the door. */
#include "policy/host.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>

enum {
	HOOK_EVERY = 100,    /* instructions between two looks at the clock */
	LARGE_BLOCK = 65536, /* bytes; allocating that much looks at the clock too */
};

const char *const hl_policy_names[HL_POLICY_FUNCTIONS] = {
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

/* While it loads a script may be held up by a busy machine: its own time counts then, or a switch
 * would not start. A call may not last, whoever holds it up: packets wait. */
static uint64_t now(const struct hl_policy *policy)
{
	return policy->loading ? hl_clock_processor() : hl_clock_real();
}

static bool expired(struct hl_policy *policy)
{
	if (policy->expired)
		return true;
	if (policy->instructions <= 0)
		policy->expired = "policy.max_instructions reached";
	else if (now(policy) >= policy->deadline)
		policy->expired = "policy.max_time_ms reached";
	return policy->expired;
}

/* Where the function that was asked comes to its answer; only a rehearsal wants to know. */
static void note_decision(lua_State *lua, lua_Debug *record)
{
	struct hl_policy *policy = hl_policy_of(lua);
	bool asked;

	lua_getinfo(lua, "Slf", record);
	lua_rawgeti(lua, LUA_REGISTRYINDEX, policy->functions[policy->asked]);
	asked = lua_rawequal(lua, -1, -2);
	lua_pop(lua, 2);
	if (asked && record->currentline > 0)
		snprintf(policy->line, sizeof(policy->line), "%s:%d", record->short_src,
			 record->currentline);
}

static void hook(lua_State *lua, lua_Debug *record)
{
	struct hl_policy *policy = hl_policy_of(lua);

	if (record->event == LUA_HOOKRET) {
		note_decision(lua, record);
		return;
	}
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
		policy->memory -= before;
		return NULL;
	}
	if (size > before) {
		size_t most = (size_t)policy->limits.max_memory_mb << 20;

		if (policy->memory + (size - before) > most)
			return refuse_memory(policy);
		if (size >= LARGE_BLOCK && policy->deadline && expired(policy))
			return refuse_memory(policy);
	}
	resized = hl_realloc(block, size);
	if (!resized)
		return size <= before ? block : NULL; /* shrinking must not fail */
	policy->memory += size - before;
	return resized;
}

lua_State *hl_policy_state(struct hl_policy *policy)
{
	lua_State *lua = lua_newstate(allocate, policy);

	if (lua)
		*(struct hl_policy **)lua_getextraspace(lua) = policy;
	return lua;
}

/* Errors */

/* Takes the message as text. */
static int explain(lua_State *lua)
{
	note_line(lua);
	luaL_tolstring(lua, 1, NULL);
	return 1;
}

const char *hl_policy_message(lua_State *lua)
{
	const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : NULL;

	return text ? text : "error without a message";
}

static void begin(struct hl_policy *policy)
{
	policy->expired = NULL;
	policy->instructions = policy->limits.max_instructions;
	policy->deadline = now(policy) + (uint64_t)policy->limits.max_time_ms * HL_MILLISECOND;
	policy->lines = 0;
	policy->serial++;
	policy->line[0] = '\0';
	lua_sethook(policy->lua, hook, LUA_MASKCOUNT | (policy->rehearsal ? LUA_MASKRET : 0),
		    HOOK_EVERY);
}

int hl_policy_run(struct hl_policy *policy, enum hl_policy_function asked, lua_CFunction function,
		  void *argument, int results)
{
	struct hl_policy_counters *counters = &policy->counters[asked];
	uint64_t began = hl_clock_real();
	int status;

	policy->asked = asked;
	begin(policy);
	lua_settop(policy->lua, 0);
	lua_pushcfunction(policy->lua, explain);
	lua_pushcfunction(policy->lua, function);
	lua_pushlightuserdata(policy->lua, argument);
	status = lua_pcall(policy->lua, 1, results, 1);
	policy->deadline = 0;
	policy->call = NULL;
	counters->calls++;
	counters->busy += hl_clock_real() - began;
	counters->errors += status != LUA_OK;
	counters->limits += status != LUA_OK && (policy->expired || status == LUA_ERRMEM);
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

/* An answer that is wrong is wrong for everybody the script says it of: once is enough, until
 * another script is loaded. True when it was told. */
static bool told_before(struct hl_policy *policy, const char *function, const char *message)
{
	uint64_t what;

	if (strncmp(message, "wrong answer", strlen("wrong answer")))
		return false;
	what = hl_hash_mix(hl_hash_bytes(function, strlen(function)),
			   hl_hash_bytes(message, strlen(message)));
	for (unsigned i = 0; i < policy->wrong_count; i++)
		if (policy->wrong[i] == what)
			return true;
	if (policy->wrong_count == HL_COUNT(policy->wrong))
		return true;
	policy->wrong[policy->wrong_count++] = what;
	return false;
}

static void log_failure(struct hl_policy *policy, const struct hl_invocation *invocation)
{
	const char *function = hl_policy_names[invocation->function];
	const char *message = hl_policy_message(policy->lua);
	const char *line = *policy->line ? policy->line : policy->defined[invocation->function];
	const char *subject = invocation->subject ? invocation->subject : "";
	struct hl_log_limit *limit;
	uint64_t withheld;

	snprintf(policy->failure, sizeof(policy->failure), "%s", message);
	if (line != policy->line)
		snprintf(policy->line, sizeof(policy->line), "%s", line);
	if (policy->rehearsal || told_before(policy, function, message))
		return;
	limit = limit_of(policy, subject, policy->line);
	if (!limit || !hl_log_allow(limit, &withheld))
		return;
	hl_log(HL_LOG_ERROR, "policy", "failed", hl_str("function", function),
	       hl_str("for", subject), hl_str("line", policy->line), hl_str("error", message),
	       hl_int("withheld", (int64_t)withheld));
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

int hl_policy_call(struct hl_policy *policy, struct hl_invocation *invocation)
{
	int decided = 0;

	if (!hl_policy_has(policy, invocation->function))
		return 0;
	policy->failure[0] = '\0';
	if (hl_policy_run(policy, invocation->function, enter, invocation, 1) == LUA_OK)
		decided = lua_toboolean(policy->lua, -1);
	else
		log_failure(policy, invocation);
	lua_settop(policy->lua, 0);
	return decided;
}
