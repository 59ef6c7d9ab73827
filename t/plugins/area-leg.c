/* Stages `leg_send` and `leg_recv`, bytes kept with each leg, and the record in stage `ended`. */
#include <holdline.h>

#include <stdio.h>

static int leg_send(struct hl_module *self, struct hl_leg *leg, struct hl_message *message)
{
	(void)self;
	hl_message_set_header(message, "X-Area-Side", hl_side_text(hl_leg_side(leg)));
	return HL_NEXT;
}

static int leg_recv(struct hl_module *self, struct hl_leg *leg, struct hl_message *message)
{
	(void)message;
	++*(uint32_t *)hl_module_leg(self, leg);
	return HL_NEXT;
}

static void leg_json(struct hl_module *self, struct hl_leg *leg, struct hl_json *json)
{
	hl_json_put_integer(json, "area_received", *(uint32_t *)hl_module_leg(self, leg));
}

static void ended(struct hl_module *self, struct hl_call *call, struct hl_cdr *cdr)
{
	(void)self, (void)call;
	snprintf(cdr->codec, sizeof(cdr->codec), "area");
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "area-leg", .version = "1", .summary = "marks messages",
	.leg_space = sizeof(uint32_t),
	.stages = {.leg_send = leg_send, .leg_recv = leg_recv, .leg_json = leg_json,
		   .ended = ended}};
