/* Stages `offer` and `answer`: the body that goes to the other leg is another one. */
#include <holdline.h>

static int rewrite(struct hl_slice sdp, const char *line, struct hl_text *rewritten)
{
	hl_text_slice(rewritten, sdp);
	hl_text_put(rewritten, line);
	return HL_DONE;
}

static int offer(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
		 struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	(void)self, (void)call, (void)from, (void)to;
	return rewrite(sdp, "a=x-area:offer\r\n", rewritten);
}

static int answer(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
		  struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	(void)self, (void)call, (void)from, (void)to;
	return rewrite(sdp, "a=x-area:answer\r\n", rewritten);
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "area-sdp", .version = "1", .summary = "signs bodies",
	.stages = {.offer = offer, .answer = answer}};
