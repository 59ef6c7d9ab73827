/* Stage `datagram`: bytes that are no SIP are answered over the flow they came by. */
#include <holdline.h>

static int datagram(struct hl_module *self, const struct hl_flow *flow, struct hl_slice bytes)
{
	if (!hl_slice_equal(bytes, HL_SLICE_LITERAL("\1ping")))
		return HL_NEXT;
	hl_transport_post(hl_switch_transport(hl_module_switch(self)), flow,
			  HL_SLICE_LITERAL("\1pong"));
	return HL_DONE;
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "area-datagram", .version = "1", .summary = "answers pings",
	.stages = {.datagram = datagram}};
