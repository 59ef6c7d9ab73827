/* The plugin that tests load, under many names: local.mk says for each what it needs, and what is
 * wrong with it. It fills every stage and does what the test tells it to. */
#include "probe.h"

#ifndef PROBE_ABI
#define PROBE_ABI HL_PLUGIN_ABI
#endif
#ifndef PROBE_DEFAULT
#define PROBE_DEFAULT "3"
#endif
#ifndef PROBE_SYMBOL
#define PROBE_SYMBOL hl_plugin
#endif
#ifdef PROBE_UNRESOLVED
void hl_function_of_another_version(void);
#endif

static int probe_init(struct hl_module *self, struct hl_error *error)
{
	int answer = probe(self, "init");

#ifdef PROBE_UNRESOLVED
	hl_function_of_another_version();
#endif
	return answer ? hl_error_set(error, answer, "told to fail") : 0;
}

static int probe_start(struct hl_module *self, struct hl_error *error)
{
	(void)error;
	return probe(self, "start");
}

static void probe_stop(struct hl_module *self)
{
	probe(self, "stop");
}

static void probe_fini(struct hl_module *self)
{
	probe(self, "fini");
}

static int probe_datagram(struct hl_module *self, const struct hl_flow *flow, struct hl_slice bytes)
{
	(void)flow;
	(void)bytes;
	return probe(self, "datagram");
}

static int probe_request(struct hl_module *self, struct hl_transaction *transaction,
			 struct hl_message *message)
{
	(void)transaction;
	(void)message;
	return probe(self, "request");
}

static void probe_contact(struct hl_module *self, int event, struct hl_contact *contact)
{
	(void)event;
	(void)contact;
	probe(self, "contact");
}

static int probe_route(struct hl_module *self, struct hl_call *call)
{
	(void)call;
	return probe(self, "route");
}

static int probe_offer(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
		       struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	(void)call;
	(void)from;
	(void)to;
	(void)sdp;
	hl_text_put(rewritten, hl_module_plugin(self)->name);
	return probe(self, "offer");
}

static int probe_answer(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
			struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	(void)call;
	(void)from;
	(void)to;
	(void)sdp;
	hl_text_put(rewritten, hl_module_plugin(self)->name);
	return probe(self, "answer");
}

static int probe_leg_send(struct hl_module *self, struct hl_leg *leg, struct hl_message *message)
{
	(void)leg;
	(void)message;
	return probe(self, "leg_send");
}

static int probe_leg_recv(struct hl_module *self, struct hl_leg *leg, struct hl_message *message)
{
	(void)leg;
	(void)message;
	return probe(self, "leg_recv");
}

static void probe_answered(struct hl_module *self, struct hl_call *call)
{
	(void)call;
	probe(self, "answered");
}

static void probe_leg_ended(struct hl_module *self, struct hl_leg *leg)
{
	(void)leg;
	probe(self, "leg_ended");
}

static void probe_ended(struct hl_module *self, struct hl_call *call, struct hl_cdr *cdr)
{
	(void)call;
	(void)cdr;
	probe(self, "ended");
}

static void probe_reload(struct hl_module *self)
{
	probe(self, "reload");
}

static void probe_contact_json(struct hl_module *self, struct hl_contact *contact,
			       struct hl_json *json)
{
	(void)contact;
	hl_json_put_boolean(json, hl_module_plugin(self)->name, true);
	probe(self, "contact_json");
}

static void probe_call_json(struct hl_module *self, struct hl_call *call, struct hl_json *json)
{
	(void)call;
	hl_json_put_boolean(json, hl_module_plugin(self)->name, true);
	probe(self, "call_json");
}

static void probe_leg_json(struct hl_module *self, struct hl_leg *leg, struct hl_json *json)
{
	(void)leg;
	hl_json_put_boolean(json, hl_module_plugin(self)->name, true);
	probe(self, "leg_json");
}

#ifdef PROBE_NEEDS
static const char *const needs[] = {PROBE_NEEDS, NULL};
#endif
#ifdef PROBE_AFTER
static const char *const after[] = {PROBE_AFTER, NULL};
#endif

static const struct hl_parameter parameters[] = {
	{.key = "level",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = PROBE_DEFAULT,
	 .min = 1,
	 .max = 9,
	 .reloadable = true,
	 .help = "a number for the test",
	 .offset = HL_FIELD(struct probe_settings, level, int64_t)},
	HL_PARAMETERS_END,
};

HL_EXPORT const struct hl_plugin PROBE_SYMBOL = {
	.abi = PROBE_ABI,
	.name = PROBE_NAME,
	.version = "1.2",
	.summary = "does what the test tells it to",
#ifdef PROBE_NEEDS
	.needs = needs,
#endif
#ifdef PROBE_AFTER
	.after = after,
#endif
	.parameters = parameters,
	.settings_size = sizeof(struct probe_settings),
	.contact_space = 3,
	.call_space = 17,
	.leg_space = 1,
	.init = probe_init,
	.start = probe_start,
	.stop = probe_stop,
	.fini = probe_fini,
	.stages =
		{
			.datagram = probe_datagram,
			.request = probe_request,
			.contact = probe_contact,
			.route = probe_route,
			.offer = probe_offer,
			.answer = probe_answer,
			.leg_send = probe_leg_send,
			.leg_recv = probe_leg_recv,
			.answered = probe_answered,
			.leg_ended = probe_leg_ended,
			.ended = probe_ended,
			.reload = probe_reload,
			.contact_json = probe_contact_json,
			.call_json = probe_call_json,
			.leg_json = probe_leg_json,
		},
};
