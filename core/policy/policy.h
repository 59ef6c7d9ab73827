/* Policy: the operator's Lua 5.4 script behind one door. Every function returns 1 when the script
 * decided and 0 when the configured default holds: no script, no such function, nil, an error, a
 * limit hit, a value that is out of range. Failures are logged with script and line and counted. */
#ifndef HL_POLICY_POLICY_H
#define HL_POLICY_POLICY_H

#include "base/function.h"
#include "base/json.h"
#include "call/cdr.h"
#include "call/view.h"
#include "config/config.h"
#include "endpoint/view.h"

struct hl_policy;

enum { HL_KEEPALIVE_MESSAGE = 1200, HL_REGISTER_HEADERS = 1024 };

enum hl_policy_function {
	HL_POLICY_KEEPALIVE,
	HL_POLICY_NO_TIMER,
	HL_POLICY_MEDIA,
	HL_POLICY_REGISTER,
	HL_POLICY_CREDENTIALS,
	HL_POLICY_ROUTE,
	HL_POLICY_ANSWERED,
	HL_POLICY_ENDED,
	HL_POLICY_SELFTEST,
	HL_POLICY_FUNCTIONS
};

/* What they are called in the script. */
HL_EXPORT extern const char *const hl_policy_names[HL_POLICY_FUNCTIONS];

/* What a script finds besides the language. */
struct hl_policy_world {
	/* Becomes the global `config`, without its secrets; may be NULL; outlives the policy. */
	const struct hl_node *configuration;
	const struct hl_function_library *libraries; /* copied; what they point to outlives it */
	size_t library_count;
};

/* Builds a state and runs the script's top level. `world` may be NULL. NULL with `error` saying
 * file, line and reason. */
HL_EXPORT struct hl_policy *hl_policy_new(const struct hl_policy_settings *settings,
					  const struct hl_policy_world *world,
					  struct hl_error *error);
/* A second state from the same text, to try things in: it logs nothing and counts for nobody. What
 * the script has put into its variables meanwhile is not in it. NULL with `error`. */
HL_EXPORT struct hl_policy *hl_policy_rehearsal(const struct hl_policy *policy,
						struct hl_error *error);
HL_EXPORT void hl_policy_free(struct hl_policy *policy);
/* Runs policy.selftest() if there is one. 0, or -EINVAL with why in `reason`, however long. */
HL_EXPORT int hl_policy_selftest(struct hl_policy *policy, struct hl_text *reason);
/* Goes on counting where the policy before it ended (NULL: none was). */
HL_EXPORT void hl_policy_inherit(struct hl_policy *policy, const struct hl_policy *before);

/* The script's file, and the version it says it is, else when the file was changed. */
HL_EXPORT const char *hl_policy_path(const struct hl_policy *policy);
HL_EXPORT const char *hl_policy_version(const struct hl_policy *policy);
/* Whether the script has that function; false when there is no policy. */
HL_EXPORT bool hl_policy_has(const struct hl_policy *policy, enum hl_policy_function function);

struct hl_policy_counters {
	uint64_t calls, errors, limits; /* calls into Lua; failed; ended by a limit */
	uint64_t busy;			/* µs, real, in all of them */
};
HL_EXPORT const struct hl_policy_counters *hl_policy_counters(const struct hl_policy *policy,
							      enum hl_policy_function function);
/* Bytes that its state takes. */
HL_EXPORT size_t hl_policy_memory(const struct hl_policy *policy);

/* In every decision, `rule` names who made it: the script's second return value, else "policy". */
struct hl_keepalive_decision {
	bool off; /* false was returned: no heartbeat */
	bool message_set;
	char message[HL_KEEPALIVE_MESSAGE];
	size_t message_length;
	int64_t period;	    /* s; 0: as configured */
	const char *method; /* "udp", "options", "crlf" (static); NULL: as configured */
	char rule[HL_RULE_NAME];
};
HL_EXPORT int hl_policy_keepalive(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
				  struct hl_keepalive_decision *decision);

struct hl_no_timer_decision {
	int64_t max_duration; /* s; 0: no limit; −1: as configured */
	bool probe;	      /* ask instead of hanging up */
	char rule[HL_RULE_NAME];
};
HL_EXPORT int hl_policy_no_timer(struct hl_policy *policy, const struct hl_call_view *call,
				 const struct hl_leg_view *leg,
				 struct hl_no_timer_decision *decision);

struct hl_media_decision {
	bool on;
	char rule[HL_RULE_NAME];
};
HL_EXPORT int hl_policy_media(struct hl_policy *policy, const struct hl_call_view *call,
			      struct hl_media_decision *decision);

struct hl_register_decision {
	int64_t expires;  /* s; 0: as configured */
	int reject;	  /* 300–699; 0: accepted */
	char reason[128]; /* phrase of a rejection, or "" */
	char headers[HL_REGISTER_HEADERS]; /* for the 200: "X-NAME: value\n" each, or "" */
	char rule[HL_RULE_NAME];
};
HL_EXPORT int hl_policy_register(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
				 struct hl_register_decision *decision);

struct hl_credentials_decision {
	char password[256]; /* "": none, see ha1 */
	char ha1[129];	    /* hexadecimal */
	char algorithm[16]; /* of ha1: "MD5", "SHA-256" */
};
HL_EXPORT int hl_policy_credentials(struct hl_policy *policy, const char *user, const char *realm,
				    struct hl_credentials_decision *decision);

HL_EXPORT int hl_policy_route(struct hl_policy *policy, const struct hl_call_view *call,
			      struct hl_route_decision *decision);
/* Tells the script; nothing comes back. */
HL_EXPORT void hl_policy_answered(struct hl_policy *policy, const struct hl_call_view *call);
HL_EXPORT void hl_policy_ended(struct hl_policy *policy, const struct hl_cdr *cdr);

/* Everything a rehearsal (NULL: there is no script) would decide, an object each into an open
 * array: {about, decision, answer, rule, line, failed}. `routing` is the call as it was routed. */
HL_EXPORT void hl_policy_explain_endpoint(struct hl_policy *policy,
					  const struct hl_endpoint_view *endpoint,
					  const char *realm, struct hl_json *json);
HL_EXPORT void hl_policy_explain_call(struct hl_policy *policy, const struct hl_call_view *routing,
				      const struct hl_call_view *call,
				      const struct hl_leg_view *legs, size_t count,
				      struct hl_json *json);
/* Runs selftest() and each function of the table `policy.tests`, and tells how it went: `failure`
 * is NULL or why. Returns how many failed. */
HL_EXPORT unsigned hl_policy_test(struct hl_policy *policy,
				  void (*told)(void *arg, const char *name, const char *failure),
				  void *arg);

#endif
