/* The call detail record, the control socket's picture of calls, and the policy's view of them. */
#include "call/cdr.h"

#include "call/private.h"

#include <stdio.h>

const char *hl_ended_by_text(enum hl_ended_by by)
{
	static const char *const texts[] = {[HL_ENDED_BY_CALLER] = "caller",
					    [HL_ENDED_BY_CALLEE] = "callee",
					    [HL_ENDED_BY_SERVER] = "server"};
	return texts[by];
}

static void put_time(struct hl_json *json, const char *key, uint64_t wall)
{
	char text[HL_CLOCK_TEXT];
	if (!wall) {
		hl_json_put_null(json, key);
		return;
	}
	hl_clock_format(wall, text);
	hl_json_put_string(json, key, text);
}

/* "" and NULL are what did not happen. */
static void put_text(struct hl_json *json, const char *key, const char *value)
{
	hl_json_put_string(json, key, value && *value ? value : NULL);
}

void hl_cdr_json(const struct hl_cdr *cdr, struct hl_json *json)
{
	hl_json_object(json);
	hl_json_put_string(json, "id", cdr->id);
	put_time(json, "started", cdr->started);
	put_time(json, "answered", cdr->answered);
	put_time(json, "ended", cdr->ended);
	hl_json_put_number(json, "duration",
			   cdr->answered ? (double)(cdr->ended - cdr->answered) / HL_SECOND : 0);
	if (cdr->pdd_ms < 0)
		hl_json_put_null(json, "pdd_ms");
	else
		hl_json_put_integer(json, "pdd_ms", cdr->pdd_ms);
	put_text(json, "caller", cdr->caller);
	put_text(json, "callee", cdr->callee);
	put_text(json, "caller_addr", cdr->caller_addr);
	put_text(json, "callee_addr", cdr->callee_addr);
	put_text(json, "gateway", cdr->gateway);
	hl_json_put_string(json, "ended_by", hl_ended_by_text(cdr->ended_by));
	hl_json_put_string(json, "reason", cdr->reason);
	put_text(json, "detail", cdr->detail);
	hl_json_put_integer(json, "sip_code", cdr->sip_code);
	hl_json_put_boolean(json, "media_relayed", cdr->media_relayed);
	put_text(json, "media_reason", cdr->media_reason);
	put_text(json, "codec", cdr->codec);
	put_text(json, "caller_timer", cdr->caller_timer);
	put_text(json, "callee_timer", cdr->callee_timer);
	hl_json_put_integer(json, "refreshes", cdr->refreshes);
	put_time(json, "last_alive", cdr->last_alive);
	hl_json_key(json, "streams");
	if (cdr->streams.length)
		hl_json_raw(json, (struct hl_slice){cdr->streams.data, cdr->streams.length});
	else
		hl_json_null(json);
	hl_json_object_end(json);
}

void hl_call_record(const struct hl_call *call, const char *reason, const char *detail,
		    enum hl_ended_by by, struct hl_cdr *cdr)
{
	const struct hl_leg *caller = call->caller;
	uint64_t heard = caller->heard;
	*cdr = (struct hl_cdr){.pdd_ms = -1};
	if (call->callee && call->callee->heard > heard)
		heard = call->callee->heard;
	snprintf(cdr->id, sizeof(cdr->id), "%s", call->id);
	cdr->started = hl_clock_wall_at(call->started);
	cdr->answered = call->answered ? hl_clock_wall_at(call->answered) : 0;
	cdr->ended = hl_clock_wall();
	cdr->last_alive = hl_clock_wall_at(heard);
	uint64_t rang = call->rang ? call->rang : call->answered;
	if (rang)
		cdr->pdd_ms = (int64_t)((rang - call->started) / HL_MILLISECOND);
	cdr->caller = hl_leg_user(caller);
	cdr->callee = call->number;
	hl_address_format(&caller->flow.remote, cdr->caller_addr);
	snprintf(cdr->callee_addr, sizeof(cdr->callee_addr), "%s", call->callee_address);
	cdr->gateway = *call->callee_gateway ? call->callee_gateway
		       : caller->gateway     ? caller->gateway->name
					     : "";
	cdr->ended_by = by;
	cdr->reason = reason;
	cdr->detail = detail;
	cdr->sip_code = call->sip_code;
	hl_text_init(&cdr->streams);
}

void hl_leg_json(const struct hl_leg *leg, struct hl_json *json)
{
	char address[HL_ADDRESS_TEXT];
	hl_json_put_string(json, "side", hl_side_text(leg->side));
	hl_json_put_string(json, "call_id", leg->call_id);
	hl_json_put_string(json, "user", hl_leg_user(leg));
	put_text(json, "gateway", hl_leg_gateway(leg));
	hl_json_put_string(json, "address", hl_address_format(&leg->flow.remote, address));
	hl_json_put_boolean(json, "nat", leg->nat);
	hl_json_put_string(json, "user_agent", hl_leg_user_agent(leg));
}

void hl_call_json(const struct hl_call *call, struct hl_json *json)
{
	uint64_t now = hl_clock_now();
	hl_json_put_string(json, "id", call->id);
	hl_json_put_string(json, "caller", hl_leg_user(call->caller));
	hl_json_put_string(json, "callee", call->number);
	hl_json_put_string(json, "state", hl_call_state_text(call));
	hl_json_put_number(json, "duration",
			   call->answered ? (double)(now - call->answered) / HL_SECOND : 0);
	put_time(json, "started", hl_clock_wall_at(call->started));
	hl_json_put_string(json, "routed_by", call->route_rule);
}

static void view_party(const struct hl_leg *leg, struct hl_party_view *view)
{
	view->user = hl_leg_user(leg);
	view->gateway = hl_leg_gateway(leg);
	view->received = leg->flow.remote;
	view->nat = leg->nat;
	view->network = leg->network;
	view->user_agent = hl_leg_user_agent(leg);
	view->timer = leg->timer;
}

static const char *view_header(const void *arg, const char *name)
{
	const struct hl_call *call = arg;
	struct hl_transaction *invite =
		hl_transaction_get(call->calls->parts.transactions, call->caller->invite);
	const struct hl_message *message = invite ? hl_transaction_request(invite) : NULL;
	return message ? hl_message_header(message, name, 0) : NULL;
}

void hl_call_view(const struct hl_call *call, const struct hl_leg *callee,
		  struct hl_call_view *view)
{
	*view = (struct hl_call_view){.id = call->id,
				      .from = call->caller->remote,
				      .to = call->caller->local,
				      .request_uri = call->request_uri,
				      .header = view_header,
				      .header_arg = call,
				      .started = hl_clock_wall_at(call->started)};
	if (call->answered)
		view->answered = hl_clock_wall_at(call->answered);
	if (!callee)
		callee = call->callee;
	view_party(call->caller, &view->caller);
	if (callee)
		view_party(callee, &view->callee);
	else
		view->callee = (struct hl_party_view){
			.user = call->number, .gateway = "", .network = "", .user_agent = ""};
}
