/* The call detail record, the control socket's picture of calls, and the policy's view of them. */
#include "call/cdr.h"

#include "call/private.h"

#include <string.h>

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

enum column {
	ID,
	STARTED,
	ANSWERED,
	ENDED,
	DURATION,
	PDD_MS,
	CALLER,
	CALLEE,
	CALLER_ADDR,
	CALLEE_ADDR,
	GATEWAY,
	ENDED_BY,
	REASON,
	DETAIL,
	SIP_CODE,
	MEDIA_RELAYED,
	MEDIA_REASON,
	CODEC,
	CALLER_TIMER,
	CALLEE_TIMER,
	REFRESHES,
	STREAMS,
	LAST_ALIVE,
	COLUMNS
};
_Static_assert((int)COLUMNS == (int)HL_CDR_COLUMNS, "the header tells how many");

const struct hl_column hl_cdr_columns[HL_CDR_COLUMNS] = {
	[ID] = {"id", HL_KIND_TEXT},
	[STARTED] = {"started", HL_KIND_TIME},
	[ANSWERED] = {"answered", HL_KIND_TIME},
	[ENDED] = {"ended", HL_KIND_TIME},
	[DURATION] = {"duration", HL_KIND_NUMBER},
	[PDD_MS] = {"pdd_ms", HL_KIND_INTEGER},
	[CALLER] = {"caller", HL_KIND_TEXT},
	[CALLEE] = {"callee", HL_KIND_TEXT},
	[CALLER_ADDR] = {"caller_addr", HL_KIND_TEXT},
	[CALLEE_ADDR] = {"callee_addr", HL_KIND_TEXT},
	[GATEWAY] = {"gateway", HL_KIND_TEXT},
	[ENDED_BY] = {"ended_by", HL_KIND_TEXT},
	[REASON] = {"reason", HL_KIND_TEXT},
	[DETAIL] = {"detail", HL_KIND_TEXT},
	[SIP_CODE] = {"sip_code", HL_KIND_INTEGER},
	[MEDIA_RELAYED] = {"media_relayed", HL_KIND_BOOLEAN},
	[MEDIA_REASON] = {"media_reason", HL_KIND_TEXT},
	[CODEC] = {"codec", HL_KIND_TEXT},
	[CALLER_TIMER] = {"caller_timer", HL_KIND_TEXT},
	[CALLEE_TIMER] = {"callee_timer", HL_KIND_TEXT},
	[REFRESHES] = {"refreshes", HL_KIND_INTEGER},
	[STREAMS] = {"streams", HL_KIND_JSON},
	[LAST_ALIVE] = {"last_alive", HL_KIND_TIME}, /* it changes while the call is up: the last */
};

/* Seconds, in whole milliseconds, so that line and row of a record agree. */
static struct hl_value duration_of(uint64_t answered, uint64_t ended)
{
	uint64_t took = answered && ended > answered ? ended - answered : 0;

	return hl_value_number((double)((took + HL_MILLISECOND / 2) / HL_MILLISECOND) / 1000);
}

void hl_cdr_row(const struct hl_cdr *cdr, struct hl_value row[HL_CDR_COLUMNS])
{
	struct hl_slice streams = {cdr->streams.data, cdr->streams.length};
	const struct hl_value values[HL_CDR_COLUMNS] = {
		[ID] = hl_value_text(cdr->id),
		[STARTED] = hl_value_time(cdr->started),
		[ANSWERED] = hl_value_time(cdr->answered),
		[ENDED] = hl_value_time(cdr->ended),
		[DURATION] = duration_of(cdr->answered, cdr->ended),
		[PDD_MS] = {.present = cdr->pdd_ms >= 0, .integer = cdr->pdd_ms},
		[CALLER] = hl_value_text(cdr->caller),
		[CALLEE] = hl_value_text(cdr->callee),
		[CALLER_ADDR] = hl_value_text(cdr->caller_addr),
		[CALLEE_ADDR] = hl_value_text(cdr->callee_addr),
		[GATEWAY] = hl_value_text(cdr->gateway),
		[ENDED_BY] = hl_value_text(hl_ended_by_text(cdr->ended_by)),
		[REASON] = hl_value_text(cdr->reason),
		[DETAIL] = hl_value_text(cdr->detail),
		[SIP_CODE] = {.present = cdr->sip_code > 0, .integer = cdr->sip_code},
		[MEDIA_RELAYED] = hl_value_boolean(cdr->media_relayed),
		[MEDIA_REASON] = hl_value_text(cdr->media_reason),
		[CODEC] = hl_value_text(cdr->codec),
		[CALLER_TIMER] = hl_value_text(cdr->caller_timer),
		[CALLEE_TIMER] = hl_value_text(cdr->callee_timer),
		[REFRESHES] = hl_value_integer(cdr->refreshes),
		[STREAMS] = {.present = streams.length > 0, .text = streams},
		[LAST_ALIVE] = hl_value_time(cdr->last_alive),
	};
	memcpy(row, values, sizeof(values));
}

static const char *text_of(const struct hl_value *value)
{
	return value->present ? value->text.data : "";
}

static uint64_t time_of(const struct hl_value *value)
{
	return value->present ? value->time : 0;
}

static int64_t integer_of(const struct hl_value *value, int64_t missing)
{
	return value->present ? value->integer : missing;
}

static enum hl_ended_by ender_of(const struct hl_value *value)
{
	enum hl_ended_by by = HL_ENDED_BY_CALLER;
	while (by < HL_ENDED_BY_SERVER && strcmp(hl_ended_by_text(by), text_of(value)) != 0)
		by++;
	return by;
}

void hl_cdr_of_row(const struct hl_value row[HL_CDR_COLUMNS], struct hl_cdr *cdr)
{
	const struct {
		enum column column;
		char *to;
		size_t size;
	} texts[] = {
		{ID, cdr->id, sizeof(cdr->id)},
		{CALLER_ADDR, cdr->caller_addr, sizeof(cdr->caller_addr)},
		{CALLEE_ADDR, cdr->callee_addr, sizeof(cdr->callee_addr)},
		{MEDIA_REASON, cdr->media_reason, sizeof(cdr->media_reason)},
		{CODEC, cdr->codec, sizeof(cdr->codec)},
		{CALLER_TIMER, cdr->caller_timer, sizeof(cdr->caller_timer)},
		{CALLEE_TIMER, cdr->callee_timer, sizeof(cdr->callee_timer)},
	};
	*cdr = (struct hl_cdr){.started = time_of(&row[STARTED]),
			       .answered = time_of(&row[ANSWERED]),
			       .ended = time_of(&row[ENDED]),
			       .last_alive = time_of(&row[LAST_ALIVE]),
			       .pdd_ms = integer_of(&row[PDD_MS], -1),
			       .caller = text_of(&row[CALLER]),
			       .callee = text_of(&row[CALLEE]),
			       .gateway = text_of(&row[GATEWAY]),
			       .ended_by = ender_of(&row[ENDED_BY]),
			       .reason = text_of(&row[REASON]),
			       .detail = text_of(&row[DETAIL]),
			       .sip_code = (int)integer_of(&row[SIP_CODE], 0),
			       .media_relayed = integer_of(&row[MEDIA_RELAYED], 0) != 0,
			       .refreshes = (unsigned)integer_of(&row[REFRESHES], 0)};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		hl_put_text(texts[i].to, texts[i].to + texts[i].size,
			    hl_slice_of(text_of(&row[texts[i].column])));
	hl_text_init(&cdr->streams);
}

void hl_cdr_interrupt(struct hl_value row[HL_CDR_COLUMNS])
{
	uint64_t started = row[STARTED].time, ended = row[LAST_ALIVE].time;

	if (ended < started)
		ended = started;
	if (row[ANSWERED].present && ended < row[ANSWERED].time)
		ended = row[ANSWERED].time;
	row[ENDED] = hl_value_time(ended);
	row[DURATION] = duration_of(row[ANSWERED].present ? row[ANSWERED].time : 0, ended);
	row[ENDED_BY] = hl_value_text(hl_ended_by_text(HL_ENDED_BY_SERVER));
	row[REASON] = hl_value_text("Switch Restart");
	row[DETAIL] = hl_value_text("switch-restart");
}

void hl_call_alive(struct hl_call *call, uint64_t moment)
{
	if (moment > call->alive)
		call->alive = moment;
}

uint64_t hl_call_last_alive(const struct hl_call *call)
{
	uint64_t last = call->alive;
	if (call->caller->heard > last)
		last = call->caller->heard;
	if (call->callee && call->callee->heard > last)
		last = call->callee->heard;
	return last;
}

void hl_call_snapshot(const struct hl_call *call, struct hl_cdr *cdr)
{
	hl_call_record(call, NULL, NULL, HL_ENDED_BY_SERVER, cdr);
}

void hl_call_record(const struct hl_call *call, const char *reason, const char *detail,
		    enum hl_ended_by by, struct hl_cdr *cdr)
{
	const struct hl_leg *caller = call->caller;
	*cdr = (struct hl_cdr){.pdd_ms = -1};
	hl_put_text(cdr->id, cdr->id + sizeof(cdr->id), hl_slice_of(call->id));
	cdr->started = hl_clock_wall_at(call->started);
	cdr->answered = call->answered ? hl_clock_wall_at(call->answered) : 0;
	cdr->ended = hl_clock_wall();
	cdr->last_alive = hl_clock_wall_at(hl_call_last_alive(call));
	uint64_t rang = call->rang ? call->rang : call->answered;
	if (rang)
		cdr->pdd_ms = (int64_t)((rang - call->started) / HL_MILLISECOND);
	cdr->caller = hl_leg_user(caller);
	cdr->callee = call->number;
	hl_address_format(&caller->flow.remote, cdr->caller_addr);
	hl_put_text(cdr->callee_addr, cdr->callee_addr + sizeof(cdr->callee_addr),
		    hl_slice_of(call->callee_address));
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
	put_time(json, "last_alive", hl_clock_wall_at(hl_call_last_alive(call)));
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
