/* Dispatch: a stage asks the enabled plugins in order until one has dealt with it. */
#include "plugin/private.h"

#include <errno.h>

/* Walks the modules that fill `stage`, in order; `module` is the caller's. */
#define EACH_FILLED(module, modules, stage)                                                        \
	for (size_t at = 0; at < (modules)->count; at++)                                           \
		if ((module = (modules)->enabled[at])->phase != HL_MODULE_LOADED &&                \
		    module->plugin->stages.stage)

/* Whether an answer ends the asking. What is none (an errno, a number out of range) is logged, at
 * most once a second for each plugin, since a packet may be what provokes it. */
static bool settled(struct hl_module *module, const char *stage, int answer)
{
	uint64_t withheld = 0;

	if (answer == HL_NEXT)
		return false;
	if (answer == HL_DONE || (answer >= 300 && answer <= 699))
		return true;
	if (hl_log_allow(&module->limit, &withheld))
		hl_log(HL_LOG_ERROR, "plugin", "stage-failed",
		       hl_str("plugin", module->plugin->name), hl_str("stage", stage),
		       hl_str("reason", answer < 0
						? strerror(-answer)
						: "answers HL_NEXT, HL_DONE, 300 to 699 or -errno"),
		       hl_int("answer", answer), hl_int("withheld", (int64_t)withheld));
	return false;
}

int hl_stage_datagram(struct hl_modules *modules, const struct hl_flow *flow, struct hl_slice bytes)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, datagram)
	{
		int answer = module->plugin->stages.datagram(module, flow, bytes);

		if (settled(module, "datagram", answer))
			return answer;
	}
	return HL_NEXT;
}

int hl_stage_request(struct hl_modules *modules, struct hl_transaction *transaction,
		     struct hl_message *message)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, request)
	{
		int answer = module->plugin->stages.request(module, transaction, message);

		if (settled(module, "request", answer))
			return answer;
	}
	return HL_NEXT;
}

int hl_stage_route(struct hl_modules *modules, struct hl_call *call)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, route)
	{
		int answer = module->plugin->stages.route(module, call);

		if (settled(module, "route", answer))
			return answer;
	}
	return HL_NEXT;
}

/* Answers of offer and answer: what a plugin that did not finish has written is thrown away. */
static bool sdp_settled(struct hl_module *module, const char *stage, int answer,
			struct hl_text *rewritten)
{
	if (answer == HL_DONE && rewritten->failed)
		answer = -ENOMEM;
	if (settled(module, stage, answer))
		return true;
	hl_text_clear(rewritten);
	return false;
}

int hl_stage_offer(struct hl_modules *modules, struct hl_call *call, struct hl_leg *from,
		   struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, offer)
	{
		int answer = module->plugin->stages.offer(module, call, from, to, sdp, rewritten);

		if (sdp_settled(module, "offer", answer, rewritten))
			return answer;
	}
	return HL_NEXT;
}

int hl_stage_answer(struct hl_modules *modules, struct hl_call *call, struct hl_leg *from,
		    struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, answer)
	{
		int answer = module->plugin->stages.answer(module, call, from, to, sdp, rewritten);

		if (sdp_settled(module, "answer", answer, rewritten))
			return answer;
	}
	return HL_NEXT;
}

int hl_stage_leg_send(struct hl_modules *modules, struct hl_leg *leg, struct hl_message *message)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, leg_send)
	{
		int answer = module->plugin->stages.leg_send(module, leg, message);

		if (settled(module, "leg_send", answer))
			return answer;
	}
	return HL_NEXT;
}

int hl_stage_leg_recv(struct hl_modules *modules, struct hl_leg *leg, struct hl_message *message)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, leg_recv)
	{
		int answer = module->plugin->stages.leg_recv(module, leg, message);

		if (settled(module, "leg_recv", answer))
			return answer;
	}
	return HL_NEXT;
}

void hl_stage_contact(struct hl_modules *modules, int event, struct hl_contact *contact)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, contact)
	module->plugin->stages.contact(module, event, contact);
}

void hl_stage_answered(struct hl_modules *modules, struct hl_call *call)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, answered)
	module->plugin->stages.answered(module, call);
}

void hl_stage_leg_ended(struct hl_modules *modules, struct hl_leg *leg)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, leg_ended)
	module->plugin->stages.leg_ended(module, leg);
}

void hl_stage_ended(struct hl_modules *modules, struct hl_call *call, struct hl_cdr *cdr)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, ended)
	module->plugin->stages.ended(module, call, cdr);
}

void hl_stage_contact_json(struct hl_modules *modules, struct hl_contact *contact,
			   struct hl_json *json)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, contact_json)
	module->plugin->stages.contact_json(module, contact, json);
}

void hl_stage_call_json(struct hl_modules *modules, struct hl_call *call, struct hl_json *json)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, call_json)
	module->plugin->stages.call_json(module, call, json);
}

void hl_stage_leg_json(struct hl_modules *modules, struct hl_leg *leg, struct hl_json *json)
{
	struct hl_module *module;

	EACH_FILLED(module, modules, leg_json)
	module->plugin->stages.leg_json(module, leg, json);
}
