/* call-limit: refuses a call when `max_calls` are up. The example of doc/plugins.md: built outside
 * the tree, against the installed headers, and run by t/plugin.t. */
#include <holdline.h>

struct settings {
	int64_t max_calls;
};

static int64_t up, refused; /* calls */

/* Each call keeps a byte for us: whether it was counted. */
static int route(struct hl_module *self, struct hl_call *call)
{
	const struct settings *settings = hl_module_settings(self);
	bool *counted = hl_module_call(self, call);

	if (up >= settings->max_calls) {
		refused++;
		hl_log(HL_LOG_WARN, "call-limit", "refused", hl_str("call", hl_call_id(call)));
		return 503;
	}
	up++;
	*counted = true;
	return HL_NEXT;
}

static void ended(struct hl_module *self, struct hl_call *call, struct hl_cdr *cdr)
{
	(void)cdr;
	up -= *(bool *)hl_module_call(self, call);
}

static int show(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		struct hl_error *error)
{
	(void)arg, (void)arguments, (void)error;
	hl_json_object(result);
	hl_json_put_integer(result, "calls", up);
	hl_json_put_integer(result, "refused", refused);
	hl_json_object_end(result);
	return 0;
}

static int init(struct hl_module *self, struct hl_error *error)
{
	struct hl_command command = {"call-limit", "calls up and refused", .run = show};
	int rc = hl_command_register(hl_module_switch(self), &command);
	return rc ? hl_error_set(error, rc, "the command call-limit is taken") : 0;
}

static const struct hl_parameter parameters[] = {
	{.key = "max_calls", .type = HL_PARAMETER_INTEGER, .fallback = "100", .min = 1, .max = 10000,
	 .reloadable = true, .help = "calls that may be up at once",
	 .offset = HL_FIELD(struct settings, max_calls, int64_t)},
	HL_PARAMETERS_END};

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "call-limit", .version = "1.0", .summary = "bounds the calls",
	.parameters = parameters, .settings_size = sizeof(struct settings),
	.call_space = sizeof(bool), .init = init, .stages = {.route = route, .ended = ended}};
