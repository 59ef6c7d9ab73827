/* The ladder of a call: which message went where and when, for `holdlinectl call ID`. The set-up is
 * kept whole, of what follows the latest; a few bytes each, so that every call can have one. */
#include "call/private.h"

enum { SHOWS_SDP = 1, OUTWARDS = 2, CALLEE = 4 };

void hl_ladder_put(struct hl_leg *leg, enum hl_way way, enum hl_method method, int status,
		   uint32_t cseq, bool sdp)
{
	struct hl_call *call = leg->call;
	unsigned place =
		call->rungs < HL_LADDER_FIRST
			? call->rungs
			: HL_LADDER_FIRST + (call->rungs - HL_LADDER_FIRST) % HL_LADDER_LATEST;
	call->rungs++;
	call->ladder[place] = (struct hl_rung){
		.at = (uint32_t)((hl_clock_now() - call->started) / HL_MILLISECOND),
		.cseq = cseq,
		.status = (uint16_t)status,
		.method = (uint8_t)method,
		.fork = leg->fork,
		.flags = (uint8_t)((sdp ? SHOWS_SDP : 0) | (way == HL_WAY_OUT ? OUTWARDS : 0) |
				   (leg->side == HL_SIDE_CALLEE ? CALLEE : 0)),
	};
}

void hl_ladder_note(struct hl_leg *leg, enum hl_way way, const struct hl_message *message)
{
	hl_ladder_put(leg, way, hl_message_method(message), hl_message_status(message),
		      hl_message_cseq(message), hl_message_has_sdp(message));
}

static void put_rung(const struct hl_call *call, const struct hl_rung *rung, struct hl_json *json)
{
	char at[HL_CLOCK_TEXT];
	hl_clock_format(hl_clock_wall_at(call->started + rung->at * HL_MILLISECOND), at);
	hl_json_object(json);
	hl_json_put_string(json, "at", at);
	hl_json_put_string(json, "side",
			   hl_side_text(rung->flags & CALLEE ? HL_SIDE_CALLEE : HL_SIDE_CALLER));
	hl_json_put_integer(json, "fork", rung->fork);
	hl_json_put_string(json, "way", rung->flags & OUTWARDS ? "out" : "in");
	hl_json_put_string(json, "method", hl_method_text(rung->method));
	if (rung->status)
		hl_json_put_integer(json, "status", rung->status);
	else
		hl_json_put_null(json, "status");
	hl_json_put_integer(json, "cseq", rung->cseq);
	hl_json_put_boolean(json, "sdp", rung->flags & SHOWS_SDP);
	hl_json_object_end(json);
}

void hl_call_ladder_json(const struct hl_call *call, struct hl_json *json)
{
	unsigned latest = call->rungs > HL_LADDER_FIRST ? call->rungs - HL_LADDER_FIRST : 0;
	unsigned lost = latest > HL_LADDER_LATEST ? latest - HL_LADDER_LATEST : 0;
	hl_json_put_integer(json, "messages_not_kept", lost);
	hl_json_key(json, "messages");
	hl_json_array(json);
	for (unsigned i = 0; i < call->rungs && i < HL_LADDER_FIRST; i++)
		put_rung(call, &call->ladder[i], json);
	for (unsigned i = lost; i < latest; i++)
		put_rung(call, &call->ladder[HL_LADDER_FIRST + i % HL_LADDER_LATEST], json);
	hl_json_array_end(json);
}
