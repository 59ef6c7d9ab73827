/* A policy's life: its script is read, run and tested, copied for a rehearsal, freed. */
#include "policy/host.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "config/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { SCRIPT_MOST = 4 << 20 /* bytes of a script */ };

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
				hl_nearest_offer(&nearest, hl_slice_of(hl_policy_names[i]));
				known |= !strcmp(hl_policy_names[i], lua_tostring(lua, -2));
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

	lua_getfield(lua, table, hl_policy_names[function]);
	if (lua_isnil(lua, -1)) {
		lua_pop(lua, 1);
		return;
	}
	if (!lua_isfunction(lua, -1))
		luaL_error(lua, "policy.%s is a %s, not a function", hl_policy_names[function],
			   luaL_typename(lua, -1));
	lua_pushvalue(lua, -1);
	lua_getinfo(lua, ">S", &record);
	snprintf(policy->defined[function], sizeof(policy->defined[function]), "%s:%d",
		 record.short_src, record.linedefined);
	policy->functions[function] = luaL_ref(lua, LUA_REGISTRYINDEX);
}

/* The script's own word for what it is, shown in `status`. */
static void keep_version(lua_State *lua, struct hl_policy *policy, int table)
{
	lua_getfield(lua, table, "version");
	if (lua_isstring(lua, -1))
		snprintf(policy->version, sizeof(policy->version), "%s", lua_tostring(lua, -1));
	else if (!lua_isnil(lua, -1))
		luaL_error(lua, "policy.version is a %s, not text", luaL_typename(lua, -1));
	lua_pop(lua, 1);
}

static int load(lua_State *lua)
{
	struct hl_policy *policy = hl_policy_of(lua);
	int table;

	hl_sandbox_open(lua);
	lua_pushfstring(lua, "@%s", policy->path);
	if (luaL_loadbufferx(lua, hl_text_string(&policy->source), policy->source.length,
			     lua_tostring(lua, -1), "t"))
		lua_error(lua);
	lua_call(lua, 0, 1);
	if (!lua_istable(lua, -1))
		luaL_error(lua, "%s must return a table of functions, not a %s", policy->path,
			   luaL_typename(lua, -1));
	table = lua_gettop(lua);
	if (!policy->rehearsal)
		check_names(lua, table);
	keep_version(lua, policy, table);
	for (int i = 0; i < HL_POLICY_FUNCTIONS; i++)
		keep_function(lua, policy, table, i);
	lua_getfield(lua, table, "tests");
	if (lua_istable(lua, -1))
		policy->tests = luaL_ref(lua, LUA_REGISTRYINDEX);
	return 0;
}

static int read_script(const char *path, struct hl_policy *policy, struct hl_error *error)
{
	int code = hl_file_read(path, SCRIPT_MOST, &policy->source);
	struct stat status;

	if (code == -EFBIG)
		return hl_error_set(error, code, "%s: larger than %d bytes", path, SCRIPT_MOST);
	if (code)
		return hl_error_set(error, code, "%s: %s", path, strerror(-code));
	if (!stat(path, &status))
		hl_clock_format((uint64_t)status.st_mtime * HL_SECOND, policy->version);
	return 0;
}

static int run_script(struct hl_policy *policy, struct hl_error *error)
{
	int result = 0;

	policy->loading = true;
	if (hl_policy_run(policy, HL_POLICY_SELFTEST, load, NULL, 0) != LUA_OK) {
		const char *message = hl_policy_message(policy->lua);
		/* A message has its line unless it is about the script as a whole. */
		bool placed = strstr(message, ".lua:") || strstr(message, policy->path);

		result = hl_error_set(error, -EINVAL, "%s%s%s", placed ? "" : policy->path,
				      placed ? "" : ": ", message);
	}
	policy->loading = false;
	lua_settop(policy->lua, 0);
	memset(policy->counters, 0, sizeof(policy->counters));
	return result;
}

/* A state for `path`, without its script. NULL when memory is out. */
static struct hl_policy *policy_new(const char *path, const struct hl_policy_settings *limits,
				    const struct hl_policy_world *world)
{
	struct hl_policy *policy = hl_zalloc(sizeof(*policy));

	if (!policy)
		return NULL;
	policy->limits = *limits;
	policy->limits.script = NULL;
	hl_text_init(&policy->source);
	for (int i = 0; i < HL_POLICY_FUNCTIONS; i++)
		policy->functions[i] = LUA_NOREF;
	policy->tests = LUA_NOREF;
	policy->configuration = world ? world->configuration : NULL;
	policy->path = hl_strdup(path);
	if (world && world->library_count) {
		size_t size = world->library_count * sizeof(*world->libraries);

		policy->libraries = hl_alloc(size);
		if (policy->libraries) {
			memcpy(policy->libraries, world->libraries, size);
			policy->library_count = world->library_count;
		}
	}
	policy->lua = hl_policy_state(policy);
	if (policy->path && policy->lua)
		return policy;
	hl_policy_free(policy);
	return NULL;
}

struct hl_policy *hl_policy_new(const struct hl_policy_settings *settings,
				const struct hl_policy_world *world, struct hl_error *error)
{
	struct hl_policy *policy = policy_new(settings->script, settings, world);

	if (!policy) {
		hl_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	if (!read_script(settings->script, policy, error) && !run_script(policy, error))
		return policy;
	hl_policy_free(policy);
	return NULL;
}

struct hl_policy *hl_policy_rehearsal(const struct hl_policy *policy, struct hl_error *error)
{
	const struct hl_policy_world world = {policy->configuration, policy->libraries,
					      policy->library_count};
	struct hl_policy *copy = policy_new(policy->path, &policy->limits, &world);

	if (copy) {
		copy->rehearsal = true;
		hl_text_append(&copy->source, policy->source.data, policy->source.length);
		if (!copy->source.failed && !run_script(copy, error))
			return copy;
		if (copy->source.failed)
			hl_error_set(error, -ENOMEM, "out of memory");
	} else {
		hl_error_set(error, -ENOMEM, "out of memory");
	}
	hl_policy_free(copy);
	return NULL;
}

void hl_policy_free(struct hl_policy *policy)
{
	if (!policy)
		return;
	if (policy->lua)
		lua_close(policy->lua);
	hl_text_fini(&policy->source);
	hl_free(policy->libraries);
	hl_free(policy->path);
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

int hl_policy_selftest(struct hl_policy *policy, struct hl_text *reason)
{
	int result = 0;

	if (!hl_policy_has(policy, HL_POLICY_SELFTEST))
		return 0;
	policy->loading = true;
	if (hl_policy_run(policy, HL_POLICY_SELFTEST, test, NULL, 0) != LUA_OK) {
		hl_text_put(reason, hl_policy_message(policy->lua));
		result = -EINVAL;
	}
	policy->loading = false;
	lua_settop(policy->lua, 0);
	return result;
}

struct one_test {
	const char *name; /* NULL: the first; a copy is left in `next` */
	char next[128];
};

/* Finds the test behind `name`, in the order that Lua has. */
static int next_test(lua_State *lua)
{
	struct one_test *test = lua_touserdata(lua, 1);

	lua_rawgeti(lua, LUA_REGISTRYINDEX, hl_policy_of(lua)->tests);
	if (test->name)
		lua_pushstring(lua, test->name);
	else
		lua_pushnil(lua);
	test->next[0] = '\0';
	while (lua_next(lua, 2) && !*test->next) {
		if (lua_type(lua, -2) == LUA_TSTRING && lua_isfunction(lua, -1))
			snprintf(test->next, sizeof(test->next), "%s", lua_tostring(lua, -2));
		lua_pop(lua, 1);
	}
	return 0;
}

static int run_one(lua_State *lua)
{
	const struct one_test *test = lua_touserdata(lua, 1);

	lua_rawgeti(lua, LUA_REGISTRYINDEX, hl_policy_of(lua)->tests);
	lua_getfield(lua, -1, test->name);
	lua_call(lua, 0, 2);
	if (lua_isboolean(lua, 3) && !lua_toboolean(lua, 3))
		luaL_error(lua, "%s", lua_isstring(lua, 4) ? lua_tostring(lua, 4) : "false");
	return 0;
}

/* Runs a C function about a test; NULL, or what went wrong. */
static const char *try_test(struct hl_policy *policy, lua_CFunction function, void *argument)
{
	int status;

	policy->loading = true;
	status = hl_policy_run(policy, HL_POLICY_SELFTEST, function, argument, 0);
	policy->loading = false;
	return status == LUA_OK ? NULL : hl_policy_message(policy->lua);
}

unsigned hl_policy_test(struct hl_policy *policy,
			void (*told)(void *arg, const char *name, const char *failure), void *arg)
{
	struct one_test test = {.name = NULL};
	char name[sizeof(test.next)];
	struct hl_text reason;
	unsigned failed = 0;

	hl_text_init(&reason);
	if (hl_policy_has(policy, HL_POLICY_SELFTEST)) {
		failed = hl_policy_selftest(policy, &reason) != 0;
		told(arg, "selftest", failed ? hl_text_string(&reason) : NULL);
	}
	hl_text_fini(&reason);
	while (policy->tests != LUA_NOREF && !try_test(policy, next_test, &test) && *test.next) {
		const char *failure;

		memcpy(name, test.next, sizeof(name));
		test.name = name;
		failure = try_test(policy, run_one, &test);
		told(arg, name, failure);
		failed += failure != NULL;
		lua_settop(policy->lua, 0);
	}
	return failed;
}

void hl_policy_inherit(struct hl_policy *policy, const struct hl_policy *before)
{
	if (policy && before)
		memcpy(policy->counters, before->counters, sizeof(policy->counters));
}

const char *hl_policy_path(const struct hl_policy *policy)
{
	return policy->path;
}

const char *hl_policy_version(const struct hl_policy *policy)
{
	return policy->version;
}

bool hl_policy_has(const struct hl_policy *policy, enum hl_policy_function function)
{
	return policy && policy->functions[function] != LUA_NOREF;
}

const struct hl_policy_counters *hl_policy_counters(const struct hl_policy *policy,
						    enum hl_policy_function function)
{
	return &policy->counters[function];
}

size_t hl_policy_memory(const struct hl_policy *policy)
{
	return policy->memory;
}
