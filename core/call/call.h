/* The table of calls: what the switch wires to transactions, policy and stages. Plugins see calls
 * through leg.h. */
#ifndef HL_CALL_CALL_H
#define HL_CALL_CALL_H

#include "call/leg.h"
#include "endpoint/endpoint.h"
#include "gateway/trunk.h"
#include "sip/transaction.h"

/* What a call asks and tells upwards. All set; `arg` comes first. */
struct hl_call_hooks {
	/* Stage `route`; then the policy's decision: 1 decided, 0 default routing. */
	int (*route)(void *arg, struct hl_call *call);
	int (*decide_route)(void *arg, struct hl_call *call, struct hl_route_decision *decision);
	/* The stages of their names. */
	int (*offer)(void *arg, struct hl_call *call, struct hl_leg *from, struct hl_leg *to,
		     struct hl_slice sdp, struct hl_text *rewritten);
	int (*answer)(void *arg, struct hl_call *call, struct hl_leg *from, struct hl_leg *to,
		      struct hl_slice sdp, struct hl_text *rewritten);
	int (*leg_send)(void *arg, struct hl_leg *leg, struct hl_message *message);
	int (*leg_recv)(void *arg, struct hl_leg *leg, struct hl_message *message);
	void (*answered)(void *arg, struct hl_call *call);
	void (*leg_ended)(void *arg, struct hl_leg *leg);
	/* The record is complete but for what the plugins add; it must be kept before this returns.
	 */
	void (*ended)(void *arg, struct hl_call *call, struct hl_cdr *cdr);
};

struct hl_calls_parts {
	struct hl_loop *loop; /* all borrowed */
	struct hl_transport *transport;
	struct hl_transactions *transactions;
	struct hl_endpoints *endpoints;
	struct hl_trunks *trunks;
	size_t call_space, leg_space; /* bytes for the plugins */
	const struct hl_call_hooks *hooks;
	void *arg; /* for the hooks */
};

/* NULL when memory is out. */
HL_EXPORT struct hl_calls *hl_calls_new(const struct hl_calls_parts *parts);
/* The calls must have ended. */
HL_EXPORT void hl_calls_free(struct hl_calls *calls);
/* The configuration of calls that begin from now on. */
HL_EXPORT void hl_calls_set_config(struct hl_calls *calls, struct hl_config *config);

/* An INVITE outside any dialog. */
HL_EXPORT void hl_calls_invite(struct hl_calls *calls, struct hl_transaction *transaction,
			       struct hl_message *message);
/* A request with a To tag: its leg's, or answered 481. */
HL_EXPORT void hl_calls_request(struct hl_calls *calls, struct hl_transaction *transaction,
				struct hl_message *message);
/* An ACK to a 2xx. */
HL_EXPORT void hl_calls_ack(struct hl_calls *calls, struct hl_message *message);

/* INVITEs that became no call, or none for long, since the start. */
struct hl_call_counters {
	uint64_t looped;	   /* no hop left, a loop, or a request that came twice: 482, 483 */
	uint64_t limited_calls;	   /* switch.max_calls: 503 */
	uint64_t limited_rate;	   /* switch.max_invite_rate: 503 */
	uint64_t limited_endpoint; /* endpoints.X.max_calls: 403 to it, 486 for it */
	uint64_t reaped;	   /* switch.max_call_duration */
};
HL_EXPORT const struct hl_call_counters *hl_calls_counters(const struct hl_calls *calls);
/* Calls that have not ended. */
HL_EXPORT size_t hl_calls_count(const struct hl_calls *calls);
/* Legs, those included that wait to be freed: twice the calls when all is quiet. */
HL_EXPORT size_t hl_calls_legs(const struct hl_calls *calls);
HL_EXPORT void hl_calls_each(struct hl_calls *calls, void (*visit)(void *arg, struct hl_call *call),
			     void *arg);
/* By the id of CDR and control socket, or NULL. Linear: for people's questions only. */
HL_EXPORT struct hl_call *hl_calls_find(struct hl_calls *calls, const char *id);
/* Ends every call (orderly stop). */
HL_EXPORT void hl_calls_end_all(struct hl_calls *calls, const char *reason, const char *detail);
/* The record of a call as if it ended now, without what plugins add; borrows from the call. */
HL_EXPORT void hl_call_snapshot(const struct hl_call *call, struct hl_cdr *cdr);
/* The core's members of a `calls[]` element and of its legs, into an open object. */
HL_EXPORT void hl_call_json(const struct hl_call *call, struct hl_json *json);
HL_EXPORT void hl_leg_json(const struct hl_leg *leg, struct hl_json *json);
/* `messages`: what went where and when on its legs, oldest first; into an open object. */
HL_EXPORT void hl_call_ladder_json(const struct hl_call *call, struct hl_json *json);
/* The legs of a call: the caller's, then the one that answered or those that ring. */
HL_EXPORT void hl_legs_each(struct hl_call *call, void (*visit)(void *arg, struct hl_leg *leg),
			    void *arg);

#endif
