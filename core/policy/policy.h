/* Policy: the operator's Lua 5.4 script behind one door. Every function returns 1 when the script
 * decided and 0 when the configured default holds: no script, no such function, nil, an error, a
 * limit hit, a value that is out of range. Failures are logged with script and line and counted. */
#ifndef HL_POLICY_POLICY_H
#define HL_POLICY_POLICY_H

#include "call/cdr.h"
#include "call/view.h"
#include "config/config.h"
#include "endpoint/view.h"

struct hl_policy;

enum { HL_KEEPALIVE_MESSAGE = 1200 };

/* Builds a state and runs the script's top level. `configuration` becomes the global `config`
 * without its secrets (may be NULL; it must outlive the policy). NULL with `error` saying file,
 * line and reason. */
HL_EXPORT struct hl_policy *hl_policy_new(const struct hl_policy_settings *settings,
					  const struct hl_node *configuration,
					  struct hl_error *error);
HL_EXPORT void hl_policy_free(struct hl_policy *policy);
/* Runs policy.selftest() if there is one. 0, or -EINVAL with `error`. */
HL_EXPORT int hl_policy_selftest(struct hl_policy *policy, struct hl_error *error);

struct hl_policy_counters {
	uint64_t calls, errors, limits; /* calls into Lua; failed; ended by a limit */
	size_t memory;			/* bytes in use */
};
HL_EXPORT const struct hl_policy_counters *hl_policy_counters(const struct hl_policy *policy);

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

#endif
