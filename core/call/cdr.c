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

static const struct hl_column columns[] = {
	{"id", HL_KIND_TEXT},		{"started", HL_KIND_TIME},
	{"answered", HL_KIND_TIME},	{"ended", HL_KIND_TIME},
	{"duration", HL_KIND_NUMBER},	{"pdd_ms", HL_KIND_INTEGER},
	{"caller", HL_KIND_TEXT},	{"callee", HL_KIND_TEXT},
	{"caller_addr", HL_KIND_TEXT},	{"callee_addr", HL_KIND_TEXT},
	{"gateway", HL_KIND_TEXT},	{"ended_by", HL_KIND_TEXT},
	{"reason", HL_KIND_TEXT},	{"detail", HL_KIND_TEXT},
	{"sip_code", HL_KIND_INTEGER},	{"media_relayed", HL_KIND_BOOLEAN},
	{"media_reason", HL_KIND_TEXT}, {"codec", HL_KIND_TEXT},
	{"caller_timer", HL_KIND_TEXT}, {"callee_timer", HL_KIND_TEXT},
	{"refreshes", HL_KIND_INTEGER}, {"last_alive", HL_KIND_TIME},
	{"streams", HL_KIND_JSON},
};

_Static_assert(HL_COUNT(columns) == HL_CDR_COLUMNS, "the header tells how many");

const struct hl_columns hl_cdr_columns = {columns, HL_CDR_COLUMNS};

/* In the order of `columns`. */
void hl_cdr_row(const struct hl_cdr *cdr, struct hl_value row[HL_CDR_COLUMNS])
{
	struct hl_slice streams = {cdr->streams.data, cdr->streams.length};
	/* Milliseconds, so that line and row agree. */
	uint64_t duration = (cdr->ended - cdr->answered + HL_MILLISECOND / 2) / HL_MILLISECOND;
	const struct hl_value values[] = {
		hl_value_text(cdr->id),
		hl_value_time(cdr->started),
		hl_value_time(cdr->answered),
		hl_value_time(cdr->ended),
		hl_value_number(cdr->answered ? (double)duration / 1000 : 0),
		{.present = cdr->pdd_ms >= 0, .integer = cdr->pdd_ms},
		hl_value_text(cdr->caller),
		hl_value_text(cdr->callee),
		hl_value_text(cdr->caller_addr),
		hl_value_text(cdr->callee_addr),
		hl_value_text(cdr->gateway),
		hl_value_text(hl_ended_by_text(cdr->ended_by)),
		hl_value_text(cdr->reason),
		hl_value_text(cdr->detail),
		hl_value_integer(cdr->sip_code),
		hl_value_boolean(cdr->media_relayed),
		hl_value_text(cdr->media_reason),
		hl_value_text(cdr->codec),
		hl_value_text(cdr->caller_timer),
		hl_value_text(cdr->callee_timer),
		hl_value_integer(cdr->refreshes),
		hl_value_time(cdr->last_alive),
		{.present = streams.length > 0, .text = streams},
	};
	_Static_assert(HL_COUNT(values) == HL_CDR_COLUMNS, "one for each column");
	memcpy(row, values, sizeof(values));
}

/* When either side sent its last message. */
static uint64_t last_heard(const struct hl_call *call)
{
	uint64_t heard = call->caller->heard;
	return call->callee && call->callee->heard > heard ? call->callee->heard : heard;
}

void hl_call_record(const struct hl_call *call, const char *reason, const char *detail,
		    enum hl_ended_by by, struct hl_cdr *cdr)
{
	const struct hl_leg *caller = call->caller;
	*cdr = (struct hl_cdr){.pdd_ms = -1};
	snprintf(cdr->id, sizeof(cdr->id), "%s", call->id);
	cdr->started = hl_clock_wall_at(call->started);
	cdr->answered = call->answered ? hl_clock_wall_at(call->answered) : 0;
	cdr->ended = hl_clock_wall();
	cdr->last_alive = hl_clock_wall_at(last_heard(call));
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
	put_time(json, "last_alive", hl_clock_wall_at(last_heard(call)));
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
