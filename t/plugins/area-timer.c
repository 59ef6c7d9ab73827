/* Life, timers, and a command that answers later. */
#include <holdline.h>

static struct hl_timer timer;
static struct hl_answer *waiting; /* whom the timer answers; NULL: nobody */

static void rang(void *arg)
{
	(void)arg;
	if (waiting)
		hl_answer_result(waiting, HL_SLICE_LITERAL("\"rang\""));
	waiting = NULL;
}

static int begin(void *arg, const struct hl_arguments *arguments, struct hl_answer *answer,
		 struct hl_error *error)
{
	const char *after = hl_argument(arguments, "after");
	uint64_t milliseconds;

	if (!after || hl_slice_number(hl_slice_of(after), &milliseconds) || waiting)
		return hl_error_set(error, -22, "after=MILLISECONDS, one at a time");
	waiting = answer;
	hl_timer_start(hl_switch_loop(arg), &timer, milliseconds);
	return 0;
}

static int init(struct hl_module *self, struct hl_error *error)
{
	struct hl_switch *holdline = hl_module_switch(self);
	const struct hl_command command = {"area-timer", "rings later", .arg = holdline,
					   .begin = begin};

	(void)error;
	hl_timer_init(&timer, rang, NULL);
	return hl_command_register(holdline, &command);
}

static void stop(struct hl_module *self)
{
	hl_timer_stop(hl_switch_loop(hl_module_switch(self)), &timer);
	hl_log(HL_LOG_INFO, "area", "stopped");
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "area-timer", .version = "1", .summary = "rings",
	.init = init, .stop = stop};
