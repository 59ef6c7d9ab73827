/* Stage `request`: a request outside any dialog is answered, refused by a code, or left alone; an
 * error is logged and the next plugin asked. */
#include <holdline.h>

static int request(struct hl_module *self, struct hl_transaction *transaction,
		   struct hl_message *message)
{
	const char *wish = hl_message_header(message, "X-Area", 0);

	(void)self;
	if (!wish)
		return HL_NEXT;
	if (!strcmp(wish, "done")) {
		hl_transaction_reply(transaction, 200, "Done Here");
		return HL_DONE;
	}
	return !strcmp(wish, "code") ? 480 : -5;
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "area-request", .version = "1", .summary = "answers requests",
	.stages = {.request = request}};
