/* The plugin: its parameters, its stages, its command. */
#include "keepalive.h"

#include <errno.h>

#define FIELD(field, type) HL_FIELD(struct keepalive_settings, field, type)

static const char *const methods[] = {"udp", "options", NULL};
static const char *const overruns[] = {"restart", "resume", NULL};
static const char *const targets[] = {"nat", "all", NULL};
static const char *const pacings[] = {"batch", "even", NULL};
static const char *const deaths[] = {"mark", "remove", NULL};

static const struct hl_parameter parameters[] = {
	{.key = "message",
	 .vos3000 = "SS_SIP_NAT_KEEP_ALIVE_MESSAGE",
	 .type = HL_PARAMETER_BYTES,
	 .fallback = "HELLO",
	 .max = HL_KEEPALIVE_MESSAGE,
	 .unit = "bytes",
	 .reloadable = true,
	 .help = "The bytes of the heartbeat, sent as they are; empty: none is sent at all.",
	 .offset = FIELD(message, struct hl_slice)},
	{.key = "period",
	 .vos3000 = "SS_SIP_NAT_KEEP_ALIVE_PERIOD",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "30",
	 .min = 10,
	 .max = 86400,
	 .unit = "s",
	 .reloadable = true,
	 .help = "Every endpoint gets one heartbeat in each period.",
	 .offset = FIELD(period, int64_t)},
	{.key = "send_interval",
	 .vos3000 = "SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "500",
	 .min = 1,
	 .max = 10000,
	 .unit = "ms",
	 .reloadable = true,
	 .help = "The pause after send_one_time datagrams.",
	 .offset = FIELD(send_interval, int64_t)},
	{.key = "send_one_time",
	 .vos3000 = "SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "3000",
	 .min = 1,
	 .max = 10000,
	 .reloadable = true,
	 .help = "The most datagrams sent back to back before the pause.",
	 .offset = FIELD(send_one_time, int64_t)},
	{.key = "copies",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "1",
	 .min = 1,
	 .max = 10,
	 .reloadable = true,
	 .help = "Datagrams each endpoint gets in one period, for lossy links.",
	 .offset = FIELD(copies, int64_t)},
	{.key = "method",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "udp",
	 .values = methods,
	 .reloadable = true,
	 .help = "udp sends the message, options a SIP OPTIONS whose answer shows who is there; "
		 "TCP and TLS contacts get CRLFs unless it is options.",
	 .offset = FIELD(method, int)},
	{.key = "overrun",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "restart",
	 .values = overruns,
	 .reloadable = true,
	 .help = "When a pass takes longer than its period: restart at the first endpoint, or "
		 "resume where it stopped.",
	 .offset = FIELD(overrun, int)},
	{.key = "targets",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "nat",
	 .values = targets,
	 .reloadable = true,
	 .help = "Who gets heartbeats: endpoints behind NAT, or all.",
	 .offset = FIELD(targets, int)},
	{.key = "pacing",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "batch",
	 .values = pacings,
	 .reloadable = true,
	 .help = "batch sends as fast as send_one_time and send_interval let it, even spreads a "
		 "pass over its period.",
	 .offset = FIELD(pacing, int)},
	{.key = "options_fail_limit",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "3",
	 .min = 1,
	 .max = 100,
	 .reloadable = true,
	 .help = "OPTIONS or CRLFs in a row without an answer that make a contact unreachable.",
	 .offset = FIELD(options_fail_limit, int64_t)},
	{.key = "on_dead",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "mark",
	 .values = deaths,
	 .reloadable = true,
	 .help = "What becomes of an unreachable contact: it is marked, or removed.",
	 .offset = FIELD(on_dead, int)},
	{.key = "skip_active",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "off",
	 .reloadable = true,
	 .help = "Skip endpoints that were heard from within half their period.",
	 .offset = FIELD(skip_active, bool)},
	HL_PARAMETERS_END,
};

static struct pacer_settings pacing_of(const struct keepalive_settings *settings)
{
	return (struct pacer_settings){
		.interval = (uint64_t)settings->send_interval * HL_MILLISECOND,
		.burst = (unsigned)settings->send_one_time,
		.copies = (unsigned)settings->copies,
		.resume = settings->overrun == KEEPALIVE_RESUME,
		.even = settings->pacing == KEEPALIVE_EVEN,
	};
}

/* A pass that reached everybody is worth no line. */
static void pass_over(void *arg, const struct pacer_pass *pass)
{
	enum hl_log_level level = pass->missed ? HL_LOG_WARN : HL_LOG_DEBUG;

	(void)arg;
	if (hl_log_enabled(level))
		hl_log(level, "keepalive", "cycle",
		       hl_int("period", (int64_t)(pass->period / HL_SECOND)),
		       hl_int("sent", pass->sent), hl_int("missed", pass->missed),
		       hl_int("skipped", pass->skipped),
		       hl_num("duration", (double)pass->duration / HL_SECOND));
}

static void pass_begun(void *arg)
{
	sizing_warn_load(arg);
}

static const struct pacer_events pacer_events = {beats_send, beat_due, pass_begun, pass_over};

static void keepalive_contact(struct hl_module *self, int event, struct hl_contact *contact)
{
	struct keepalive *keepalive = hl_module_state(self);
	struct beat *beat = hl_module_contact(self, contact);

	switch ((enum hl_contact_event)event) {
	case HL_CONTACT_ADDED: beat_begin(keepalive, contact); break;
	case HL_CONTACT_MOVED: beat_decide(keepalive, contact); break;
	case HL_CONTACT_REFRESHED:
		if (beat->generation != keepalive->generation)
			beat_decide(keepalive, contact);
		break;
	case HL_CONTACT_HEARD: beat_alive(keepalive, contact, false); break;
	case HL_CONTACT_REFUSED: beat_refused(keepalive, beat); break;
	case HL_CONTACT_REMOVED: beat_end(keepalive, contact); break;
	}
}

/* CRs, LFs, NULs and the like: a device keeping its own pinhole open (K13). */
static bool is_noise(struct hl_slice bytes)
{
	for (size_t i = 0; i < bytes.length; i++)
		if ((unsigned char)bytes.data[i] > ' ')
			return false;
	return true;
}

static int keepalive_datagram(struct hl_module *self, const struct hl_flow *flow,
			      struct hl_slice bytes)
{
	struct keepalive *keepalive = hl_module_state(self);

	if (!is_noise(bytes))
		return HL_NEXT;
	/* The transport has answered a ping of theirs; this is the answer to ours. */
	if (flow->type == HL_TRANSPORT_UDP || !hl_slice_equal(bytes, HL_SLICE_LITERAL("\r\n")))
		return HL_DONE;
	struct hl_contact *contact =
		hl_contact_by_flow(hl_switch_endpoints(keepalive->holdline), flow);
	if (contact && ((struct beat *)hl_module_contact(self, contact))->waiting)
		beat_alive(keepalive, contact, true);
	return HL_DONE;
}

static void keepalive_contact_json(struct hl_module *self, struct hl_contact *contact,
				   struct hl_json *json)
{
	beat_json(hl_module_contact(self, contact), json);
}

static void keepalive_reload(struct hl_module *self)
{
	struct keepalive *keepalive = hl_module_state(self);

	keepalive->settings = hl_module_settings(self);
	keepalive->crowded = 0;
	struct pacer_settings pacing = pacing_of(keepalive->settings);
	pacer_configure(&keepalive->pacer, &pacing);
	beats_review(keepalive);
	sizing_warn_expiry(keepalive);
	sizing_warn_load(keepalive);
	sizing_forecast(keepalive);
}

static void keepalive_fini(struct hl_module *self)
{
	struct keepalive *keepalive = hl_module_state(self);

	beats_fini(keepalive);
	pongs_fini(keepalive);
	pacer_fini(&keepalive->pacer);
	hl_free(keepalive->outlets.list);
	profiles_fini(&keepalive->profiles);
	hl_free(keepalive);
	hl_module_set_state(self, NULL);
}

static int keepalive_init(struct hl_module *self, struct hl_error *error)
{
	struct keepalive *keepalive = hl_zalloc(sizeof(*keepalive));
	struct hl_command command = {.name = "keepalive",
				     .summary = "heartbeats: endpoints, passes, who was missed",
				     .run = keepalive_show,
				     .arg = keepalive};

	if (!keepalive || profiles_init(&keepalive->profiles)) {
		hl_free(keepalive);
		return hl_error_set(error, -ENOMEM, "out of memory");
	}
	keepalive->self = self;
	keepalive->holdline = hl_module_switch(self);
	keepalive->settings = hl_module_settings(self);
	struct pacer_settings pacing = pacing_of(keepalive->settings);
	pacer_init(&keepalive->pacer, hl_switch_loop(keepalive->holdline), &pacer_events, keepalive,
		   &pacing);
	beats_init(keepalive);
	pongs_init(keepalive);
	hl_module_set_state(self, keepalive);
	int result = hl_command_register(keepalive->holdline, &command);
	if (result) {
		keepalive_fini(self);
		return hl_error_set(error, result, "command keepalive: %s", strerror(-result));
	}
	return 0;
}

static int keepalive_start(struct hl_module *self, struct hl_error *error)
{
	struct keepalive *keepalive = hl_module_state(self);

	(void)error;
	sizing_warn_expiry(keepalive);
	sizing_warn_load(keepalive);
	sizing_forecast(keepalive);
	return 0;
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI,
	.name = "keepalive",
	.version = PACKAGE_VERSION,
	.summary = "keeps the pinholes of endpoints behind NAT open",
	.parameters = parameters,
	.settings_size = sizeof(struct keepalive_settings),
	.review = sizing_review,
	.contact_space = sizeof(struct beat),
	.init = keepalive_init,
	.start = keepalive_start,
	.fini = keepalive_fini,
	.stages =
		{
			.datagram = keepalive_datagram,
			.contact = keepalive_contact,
			.reload = keepalive_reload,
			.contact_json = keepalive_contact_json,
		},
};
