/* The Lua host: one state, its limits, and the one door into it. Private to policy.
 *
 * Everything that touches the state runs inside a protected call. A limit that was hit stays hit
 * until the call is over: the hook is then re-armed to fire at every instruction, so that a
 * script's own pcall can catch the error but not go on. */
#ifndef HL_POLICY_HOST_H
#define HL_POLICY_HOST_H

#include "policy/policy.h"

#include <lauxlib.h>
#include <lua.h>

/* Failures that were logged within the last second: each is logged once a second, and never more of
 * them than there is room for here. */
enum { HL_POLICY_FAILURES = 16 };
struct hl_policy_failure {
	uint64_t what; /* hash of who was asked about, and of the line */
	struct hl_log_limit limit;
};

enum { HL_POLICY_WRONG = 64 }; /* wrong answers that are told, of one script */
enum { HL_POLICY_LINES = 100 }; /* that one call may log */

struct hl_policy {
	lua_State *lua;			       /* owned */
	char *path;			       /* owned; of the script */
	struct hl_text source;		       /* owned; its text, for a rehearsal */
	char version[64];		       /* its own, else when the file was changed */
	struct hl_policy_settings limits;      /* `script` is not used */
	const struct hl_node *configuration;   /* borrowed, outlives the policy; may be NULL */
	struct hl_function_library *libraries; /* owned; what plugins offer to scripts */
	size_t library_count;
	struct hl_policy_counters counters[HL_POLICY_FUNCTIONS];
	size_t memory;			    /* bytes in use */
	int functions[HL_POLICY_FUNCTIONS]; /* registry references; LUA_NOREF: the script has none
					     */
	int tests;			    /* registry reference of policy.tests, or LUA_NOREF */
	char defined[HL_POLICY_FUNCTIONS][80]; /* "policy.lua:12", for errors without a line */
	bool loading;	/* its top level or its test runs: the processor's time is what counts */
	bool rehearsal; /* nobody is told what it does or says */
	enum hl_policy_function asked; /* by the running call */
	uint64_t deadline;	       /* of the running call, on its clock; 0: none runs */
	int64_t instructions;	       /* left to the running call */
	unsigned lines;		       /* logged by the running call */
	const char *expired;	       /* the limit that was hit (static); NULL: none */
	uint64_t serial; /* of the running call: what a view kept from an earlier one is told by */
	const struct hl_call_view *call; /* of the running call, for call:header(); or NULL */
	/* "policy.lua:12" where the last error was raised, or "". In a rehearsal, also where the
	 * function came to its answer. */
	char line[80];
	char failure[256]; /* what the last call failed by, or "" */
	struct hl_policy_failure failures[HL_POLICY_FAILURES];
	uint64_t wrong[HL_POLICY_WRONG]; /* hashes of wrong answers that were told */
	unsigned wrong_count;
};

/* One call into the script. */
struct hl_invocation {
	enum hl_policy_function function;
	const char *subject; /* endpoint, user or call, for the log */
	/* Pushes the arguments and returns how many. Runs protected. */
	int (*push)(lua_State *lua, const struct hl_invocation *invocation);
	/* Reads the first result (not nil) at stack index `at` into `decision`; raises an error
	 * when it is wrong. NULL: results are ignored. Runs protected. */
	void (*take)(lua_State *lua, int at, void *decision);
	void *decision; /* written only when the script decided */
	char *rule;	/* HL_RULE_NAME bytes in `decision`, or NULL */
	const struct hl_endpoint_view *endpoint;
	const struct hl_call_view *call;
	const struct hl_leg_view *leg;
	const struct hl_cdr *cdr;
	const char *user, *realm;
};

/* The policy a state belongs to. */
struct hl_policy *hl_policy_of(lua_State *lua);
/* An empty state with the policy's cap on memory; NULL when memory is out. */
lua_State *hl_policy_state(struct hl_policy *policy);
/* Runs a C function on `argument`, protected and limited, on the account of `asked`. LUA_OK leaves
 * `results` on the stack, anything else the message. */
int hl_policy_run(struct hl_policy *policy, enum hl_policy_function asked, lua_CFunction function,
		  void *argument, int results);
/* The error on top of the stack as text. */
const char *hl_policy_message(lua_State *lua);
/* The one door. 1: decided; 0: the default holds (failures are logged and counted). */
int hl_policy_call(struct hl_policy *policy, struct hl_invocation *invocation);
/* Raises the error of a limit that has been hit by now; C functions that may take long ask. */
void hl_policy_check(lua_State *lua);
/* Fills the globals of a new state. Runs protected. */
void hl_sandbox_open(lua_State *lua);
/* Replaces the functions of `string` that may take for ever; the library is on top of the stack. */
void hl_strings_open(lua_State *lua);
/* Makes the globals of the sandbox read-only: a script may add its own beside them. */
void hl_globals_close(lua_State *lua);
/* Pushes a node: scalars as values, maps and lists as read-only tables; secrets are left out. */
void hl_proxy_push(lua_State *lua, const struct hl_node *node);
/* Raises "COMPLAINT KEY; did you mean …" unless all keys of the table are known (NULL-terminated).
 */
void hl_keys_check(lua_State *lua, int table, const char *const *known, const char *complaint);
/* Pushes the functions of a plugin as a read-only table. */
void hl_library_push(lua_State *lua, const struct hl_function_library *library);
/* match(rule, endpoint) */
int hl_rule_match(lua_State *lua);

/* Push arguments. */
int hl_views_push(lua_State *lua, const struct hl_invocation *invocation);
/* Read results. */
void hl_take_keepalive(lua_State *lua, int at, void *decision);
void hl_take_no_timer(lua_State *lua, int at, void *decision);
void hl_take_media(lua_State *lua, int at, void *decision);
void hl_take_register(lua_State *lua, int at, void *decision);
void hl_take_credentials(lua_State *lua, int at, void *decision);
void hl_take_route(lua_State *lua, int at, void *decision);
/* Reads the second result, the name of the rule that decided. */
void hl_take_rule(lua_State *lua, int at, char rule[HL_RULE_NAME]);

#endif
