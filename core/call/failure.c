/* Targets that refuse, do not answer, or cannot be reached; and what the caller is told in the end.
 */
#include "base/log.h"
#include "call/private.h"

#include <stdlib.h>

/* How a final code reads in the record. The last row takes what no other takes. */
static const struct {
	int low, high;
	const char *reason;
} reasons[] = {
	{404, 404, "Not Found"}, {408, 408, "No Response"}, {480, 480, "No Answer"},
	{486, 486, "Busy"},	 {487, 487, "Cancelled"},   {600, 600, "Busy"},
	{604, 604, "Not Found"}, {503, 503, "Unavailable"}, {0, 699, "Rejected"},
};

const char *hl_call_reason_of(int code)
{
	size_t i = 0;
	while (code < reasons[i].low || code > reasons[i].high)
		i++;
	return reasons[i].reason;
}

/* A challenge or a session interval is between us and one leg: the other could not mend it. */
int hl_call_told_code(int code)
{
	return code == 401 || code == 407 ? 403 : code == 422 ? 500 : code;
}

/* Which of two failures tells the caller more (RFC 3261 §16.7 step 6): 6xx wins, then the lowest
 * class; within 4xx a callee's own word (busy, not here) before what we made of silence. */
static int rank(int code)
{
	if (code >= 600)
		return 0;
	if (code == 408 || code == 503)
		return 5000 + code;
	return (code / 100) * 1000 + (code == 486 ? 0 : code % 100);
}

static void replace(char **field, const char *value)
{
	hl_free(*field);
	*field = value ? hl_strdup(value) : NULL;
}

void hl_call_note_failure(struct hl_call *call, int code, const struct hl_message *message,
			  bool refused, const char *detail)
{
	if (call->best_code && rank(call->best_code) <= rank(code))
		return;
	call->best_code = code;
	call->refused = refused;
	call->best_detail = detail;
	replace(&call->best_reason, message ? hl_message_reason(message) : NULL);
	replace(&call->retry_after, message ? hl_message_header(message, "Retry-After", 0) : NULL);
	replace(&call->best_contact,
		message && code < 400 ? hl_message_header(message, "Contact", 0) : NULL);
	replace(&call->cause, message ? hl_message_header(message, "Reason", 0) : NULL);
}

void hl_call_drop_leg(struct hl_call *call, struct hl_leg *leg, const char *reason)
{
	struct hl_calls_parts *parts = &call->calls->parts;
	if (call->early == leg)
		call->early = NULL;
	hl_leg_end(leg, reason);
	parts->hooks->leg_ended(parts->arg, leg);
	hl_leg_free(leg);
}

/* Whether a gateway's failure sends the call to the next target: failover_on has codes, classes
 * ("5xx") and "timeout". */
static bool fails_over(const struct hl_gateway *gateway, int code, bool timeout)
{
	for (size_t i = 0; i < gateway->failover_on.count; i++) {
		const char *word = gateway->failover_on.items[i];
		bool class = strlen(word) == 3 && strcmp(word + 1, "xx") == 0;
		if (strcmp(word, "timeout") == 0 ? timeout
		    : class			 ? code / 100 == word[0] - '0'
						 : code == atoi(word))
			return true;
	}
	return false;
}

void hl_call_skip_servers(struct hl_call *call, const struct hl_gateway *gateway)
{
	while (call->next_target < call->target_count &&
	       call->targets[call->next_target].gateway == gateway)
		call->next_target++;
}

/* After the last leg of a group: the next one, unless the failure is final. A server that is silent
 * or out of service has the gateway's other servers tried first (RFC 3263 §4.3). */
static void leave_group(struct hl_call *call, const struct hl_gateway *gateway, int code,
			bool timeout)
{
	bool server = timeout || code == 503, lost = timeout && code == 503;
	bool more = gateway && server && call->next_target < call->target_count &&
		    call->targets[call->next_target].gateway == gateway;
	if (gateway && !server)
		hl_call_skip_servers(call, gateway);
	if (more || lost || (gateway ? fails_over(gateway, code, timeout) : code < 600))
		hl_call_next_group(call);
	else
		hl_call_give_up(call);
}

/* One callee is out; `message` is its own word, NULL when it has said nothing. */
static void leave(struct hl_call *call, struct hl_leg *leg, int code, struct hl_message *message,
		  const char *detail)
{
	const struct hl_gateway *gateway = leg->gateway;

	hl_log(HL_LOG_INFO, "call", "refused", hl_str("id", call->id),
	       hl_str("callee", hl_leg_user(leg)), hl_str("address", call->callee_address),
	       hl_int("code", message ? code : 0));
	int told = hl_call_told_code(code);
	bool followed = code < 400 && message && hl_call_follow(call, message);
	if (!followed)
		hl_call_note_failure(call, told, told == code ? message : NULL, message != NULL,
				     detail);
	leg->state = HL_LEG_ENDED;
	hl_call_drop_leg(call, leg, NULL);
	if (code >= 600) {
		struct hl_list *node, *next;
		hl_list_each(node, next, &call->callees)
			hl_call_drop_leg(call, hl_list_entry(node, struct hl_leg, node), NULL);
	}
	if (!hl_list_empty(&call->callees))
		return;
	if (followed)
		hl_call_next_group(call);
	else
		leave_group(call, gateway, code, !message);
}

void hl_call_quit(struct hl_call *call, struct hl_leg *leg)
{
	const struct hl_gateway *gateway = leg->gateway;

	hl_call_note_failure(call, 480, NULL, true, NULL);
	hl_call_drop_leg(call, leg, NULL);
	if (hl_list_empty(&call->callees))
		leave_group(call, gateway, 480, false);
}

void hl_call_refusal(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	leave(call, leg, message ? hl_message_status(message) : 408, message,
	      message ? NULL : "invite-timeout");
}

/* RFC 3261 §8.1.3.1: as if it had said 503, and at once. */
void hl_call_lost(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	(void)message;
	leave(call, leg, 503, NULL, "unreachable");
}

void hl_call_setup_timeout(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	const struct hl_gateway *gateway = NULL;
	struct hl_list *node, *next;
	int code = call->wait < HL_WAIT_RINGING ? 408 : 480;

	(void)leg, (void)message;
	hl_log(HL_LOG_INFO, "call", hl_call_wait_detail(call), hl_str("id", call->id),
	       hl_str("address", call->callee_address));
	hl_list_each(node, next, &call->callees)
	{
		struct hl_leg *callee = hl_list_entry(node, struct hl_leg, node);
		gateway = callee->gateway;
		hl_call_drop_leg(call, callee, "SIP;cause=480;text=\"No answer\"");
	}
	hl_call_note_failure(call, code, NULL, false, hl_call_wait_detail(call));
	leave_group(call, gateway, code, true);
}

void hl_call_give_up(struct hl_call *call)
{
	int code = call->best_code ? call->best_code : 480;
	hl_call_finish(call, code, call->best_reason, hl_call_reason_of(code), call->best_detail,
		       call->refused ? HL_ENDED_BY_CALLEE : HL_ENDED_BY_SERVER);
}
