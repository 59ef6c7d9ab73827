/* The call machine: (state, event) → (action, next state), in one table. What the caller does to
 * end a call (CANCEL, BYE, no ACK) and what timers do go straight to hl_call_finish, from any
 * state. */
#include "base/log.h"
#include "call/private.h"

static const char *const state_names[] = {
	[HL_CALL_ROUTING] = "routing",	 [HL_CALL_TRYING] = "trying", [HL_CALL_RINGING] = "ringing",
	[HL_CALL_ANSWERED] = "answered", [HL_CALL_ACTIVE] = "active", [HL_CALL_ENDED] = "ended",
};

static const char *const event_names[HL_CALL_EVENTS] = {
	[HL_CALL_HEARD] = "callee got the INVITE",
	[HL_CALL_PROGRESS] = "callee makes progress",
	[HL_CALL_ANSWER] = "callee answered",
	[HL_CALL_REFUSAL] = "callee refused",
	[HL_CALL_LOST] = "callee cannot be reached",
	[HL_CALL_TIMEOUT] = "set-up timer",
	[HL_CALL_ACK] = "caller's ACK",
};

/* Actions may themselves end the call; the next state is then left alone. */
static const struct {
	void (*action)(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
	enum hl_call_state next;
} machine[][HL_CALL_EVENTS] = {
	[HL_CALL_ROUTING] =
		{
			[HL_CALL_TIMEOUT] = {hl_call_names_timeout, HL_CALL_ROUTING},
		},
	[HL_CALL_TRYING] =
		{
			[HL_CALL_HEARD] = {hl_call_heard, HL_CALL_TRYING},
			[HL_CALL_PROGRESS] = {hl_call_progress, HL_CALL_RINGING},
			[HL_CALL_ANSWER] = {hl_call_answer, HL_CALL_ANSWERED},
			[HL_CALL_REFUSAL] = {hl_call_refusal, HL_CALL_TRYING},
			[HL_CALL_LOST] = {hl_call_lost, HL_CALL_TRYING},
			[HL_CALL_TIMEOUT] = {hl_call_setup_timeout, HL_CALL_TRYING},
		},
	[HL_CALL_RINGING] =
		{
			[HL_CALL_PROGRESS] = {hl_call_progress, HL_CALL_RINGING},
			[HL_CALL_ANSWER] = {hl_call_answer, HL_CALL_ANSWERED},
			[HL_CALL_REFUSAL] = {hl_call_refusal, HL_CALL_RINGING},
			[HL_CALL_LOST] = {hl_call_lost, HL_CALL_RINGING},
			[HL_CALL_TIMEOUT] = {hl_call_setup_timeout, HL_CALL_RINGING},
		},
	[HL_CALL_ANSWERED] =
		{
			[HL_CALL_ACK] = {hl_call_acked, HL_CALL_ACTIVE},
		},
	[HL_CALL_ENDED] =
		{
			[HL_CALL_ACK] = {hl_call_acked, HL_CALL_ENDED},
		},
};

const char *hl_call_state_text(const struct hl_call *call)
{
	return state_names[call->state];
}

void hl_call_set_state(struct hl_call *call, enum hl_call_state state, const char *why)
{
	if (call->state == state)
		return;
	hl_log(HL_LOG_DEBUG, "call", "state", hl_str("id", call->id),
	       hl_str("old", state_names[call->state]), hl_str("new", state_names[state]),
	       hl_str("why", why));
	call->state = state;
}

void hl_call_happened(struct hl_call *call, enum hl_call_event event, struct hl_leg *leg,
		      struct hl_message *message)
{
	enum hl_call_state before = call->state;
	if ((size_t)before >= HL_COUNT(machine) || !machine[before][event].action)
		return;
	machine[before][event].action(call, leg, message);
	if (call->state == before)
		hl_call_set_state(call, machine[before][event].next, event_names[event]);
}
