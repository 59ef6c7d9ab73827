/* media-proxy: relays RTP where it must (M1 to M5, M7, M8), leaves it alone where it need not. */
#include "exchange.h"
#include "metrics.h"
#include "report.h"
#include "silence.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char *const modes[] = {
	[HL_MEDIA_AUTO] = "auto",
	[HL_MEDIA_ON] = "on",
	[HL_MEDIA_OFF] = "off",
	[HL_MEDIA_MUST_ON] = "must_on",
	NULL,
};
static const char *const whens[] = {
	[HL_TIMEOUT_BOTH] = "both",
	[HL_TIMEOUT_EITHER] = "either",
	NULL,
};

static const char *const learn_from[] = {
	[HL_LEARN_FROM_EXPECTED] = "expected",
	[HL_LEARN_FROM_ANY] = "any",
	NULL,
};
static const char *const ice[] = {
	[HL_SDP_ICE_PASS] = "pass",
	[HL_SDP_ICE_RELAY] = "relay",
	[HL_SDP_ICE_REMOVE] = "remove",
	NULL,
};

static const char *const threads[] = {"auto", NULL};
enum { THREADS_AUTO = HL_WORD(0), THREADS_MAX = 16 };

#define FIELD(field, ctype) .offset = HL_FIELD(struct hl_media_settings, field, ctype)

static const struct hl_parameter rows[] = {
	{.key = "mode",
	 .vos3000 = "SS_MEDIA_PROXY_MODE",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "auto",
	 .values = modes,
	 .reloadable = true,
	 FIELD(mode, int),
	 .help = "Which calls are relayed: those that need it (auto), all but what a policy takes "
		 "out (on), none but those of a must_on endpoint (off), all whatever is said "
		 "(must_on)."},
	{.key = "between_net",
	 .vos3000 = "SS_MEDIA_PROXY_BETWEEN_NET",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .reloadable = true,
	 FIELD(between_net, bool),
	 .help = "In mode auto, relay calls between different networks."},
	{.key = "behind_nat",
	 .vos3000 = "SS_MEDIA_PROXY_BEHIND_NAT",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .reloadable = true,
	 FIELD(behind_nat, bool),
	 .help = "In mode auto, relay calls with an endpoint behind NAT."},
	{.key = "port_range",
	 .type = HL_PARAMETER_RANGE,
	 .fallback = "10000-20000",
	 .min = 1024,
	 .max = 65535,
	 FIELD(port_range, struct hl_range),
	 .help = "UDP ports of the relay: RTP on the even ones, RTCP on the odd ones behind them."},
	{.key = "media_timeout",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "60",
	 .min = 0,
	 .max = 86400,
	 .unit = "s",
	 .reloadable = true,
	 FIELD(media_timeout, int64_t),
	 .help = "Ends an answered, relayed call whose media were silent that long, hold excepted; "
		 "0: never."},
	{.key = "media_timeout_when",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "both",
	 .values = whens,
	 .reloadable = true,
	 FIELD(media_timeout_when, int),
	 .help = "Whether both directions must be silent for media_timeout, or either."},
	{.key = "one_way_after",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "10",
	 .min = 0,
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 FIELD(one_way_after, int64_t),
	 .help = "Flags an answered call in which one side is heard and the other was silent that "
		 "long; 0: never."},
	{.key = "learn_window",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "3",
	 .min = 1,
	 .max = 60,
	 .unit = "s",
	 .reloadable = true,
	 FIELD(learn_window, int64_t),
	 .help = "How long after an offer or answer the SDP's own address wins over another port "
		 "of its host, and strangers may teach (learn_from: any)."},
	{.key = "learn_from",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "expected",
	 .values = learn_from,
	 .reloadable = true,
	 FIELD(learn_from, int),
	 .help = "Whose packets teach the relay where a phone is: those from the host of its SDP "
		 "or signalling (expected), or within learn_window whoever sends first (any)."},
	{.key = "learn_prefix",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "32",
	 .min = 0,
	 .max = 32,
	 .unit = "bits",
	 .reloadable = true,
	 FIELD(learn_prefix, int64_t),
	 .help = "How many leading bits make an IPv4 source the host expected: less for carriers "
		 "whose media come from their signalling's neighbours."},
	{.key = "learn_prefix6",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "128",
	 .min = 0,
	 .max = 128,
	 .unit = "bits",
	 .reloadable = true,
	 FIELD(learn_prefix6, int64_t),
	 .help = "The same for IPv6."},
	{.key = "ice",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "pass",
	 .values = ice,
	 .reloadable = true,
	 FIELD(ice, int),
	 .help = "What becomes of ICE in a relayed call's SDP: as it is (pass), with the relay as "
		 "the candidate of last resort (relay), or taken out (remove)."},
	{.key = "tos",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "184",
	 .min = 0,
	 .max = 255,
	 .reloadable = true,
	 FIELD(tos, int64_t),
	 .help = "TOS octet of relayed packets, for calls that begin from now on; 184 is DSCP EF, "
		 "0 none."},
	{.key = "port_quarantine",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "10",
	 .min = 0,
	 .max = 300,
	 .unit = "s",
	 .reloadable = true,
	 FIELD(port_quarantine, int64_t),
	 .help = "How long a pair of ports rests before another call may have it."},
	{.key = "relay_threads",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "auto",
	 .min = 1,
	 .max = THREADS_MAX,
	 .values = threads,
	 .unit = "threads",
	 FIELD(relay_threads, int64_t),
	 .help = "Threads that relay; all streams of a call are served by one. auto: one for every "
		 "two processors."},
	HL_PARAMETERS_END,
};

static void check(const void *values, const struct hl_node *map, struct hl_mistakes *mistakes)
{
	const struct hl_media_settings *settings = values;
	const struct hl_node *node = map ? hl_node_get(map, "port_range") : NULL;

	if (!hl_ports_in_range(&settings->port_range))
		hl_mistake(mistakes, node ? node->place : (struct hl_place){.file = NULL},
			   "plugins.media-proxy.port_range",
			   "%lld-%lld holds no pair of an even port and the odd one behind it",
			   (long long)settings->port_range.low,
			   (long long)settings->port_range.high);
}

/* A listener's port is no port of the relay. */
static void review(const struct hl_config *config, const void *values, const struct hl_node *map,
		   struct hl_mistakes *mistakes)
{
	const struct hl_range *range = &((const struct hl_media_settings *)values)->port_range;
	const struct hl_strings *listen = &config->settings.listen;
	const struct hl_node *node = map ? hl_node_get(map, "port_range") : NULL;

	for (size_t i = 0; i < listen->count; i++) {
		struct hl_slice rest = hl_slice_of(listen->items[i]);
		struct hl_address address;

		if (!hl_slice_equal(hl_slice_cut(&rest, ':'), HL_SLICE_LITERAL("udp")) ||
		    hl_address_parse_port(rest, &address) || address.port < range->low ||
		    address.port > range->high)
			continue;
		hl_mistake(mistakes,
			   node	 ? node->place
			   : map ? map->place
				 : (struct hl_place){.file = NULL},
			   "plugins.media-proxy.port_range",
			   "%lld-%lld holds the port of the listener %s", (long long)range->low,
			   (long long)range->high, listen->items[i]);
	}
}

/* Ports that the kernel gives to any program that asks for one are not ours to promise. */
static void warn_ephemeral(const struct hl_range *range)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	long long low, high;

	if (!file)
		return;
	if (fscanf(file, "%lld %lld", &low, &high) == 2 && range->low <= high && low <= range->high)
		hl_log(HL_LOG_WARN, "media", "port-range-overlap",
		       hl_int("port_range_low", range->low), hl_int("port_range_high", range->high),
		       hl_int("ip_local_port_range_low", low),
		       hl_int("ip_local_port_range_high", high),
		       hl_str("advice", "calls may find their ports taken; move port_range"));
	fclose(file);
}

static int show_media(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		      struct hl_error *error)
{
	const struct hl_media *media = arg;
	struct hl_port_figures figures;
	struct hl_relay_totals totals;

	(void)arguments;
	(void)error;
	hl_ports_figures(media->ports, &figures);
	hl_json_object(result);
	hl_json_put_integer(result, "port_pairs", figures.pairs);
	hl_json_put_integer(result, "used", figures.used);
	hl_json_put_integer(result, "resting", figures.resting);
	hl_json_put_integer(result, "refused", (int64_t)figures.refused);
	hl_relay_totals(media->relay, &totals);
	hl_json_put_integer(result, "packets", (int64_t)totals.packets);
	hl_json_put_integer(result, "bytes", (int64_t)totals.bytes);
	hl_json_put_integer(result, "rejected", (int64_t)totals.rejected);
	hl_json_put_integer(result, "invalid", (int64_t)totals.invalid);
	hl_json_object_end(result);
	return 0;
}

static unsigned relay_threads(const struct hl_media_settings *settings)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (settings->relay_threads != THREADS_AUTO)
		return (unsigned)settings->relay_threads;
	return processors < 4		      ? 1
	       : processors / 2 > THREADS_MAX ? THREADS_MAX
					      : (unsigned)processors / 2;
}

static void media_free(struct hl_media *media)
{
	hl_relay_free(media->relay);
	hl_ports_free(media->ports);
	hl_free(media->metrics);
	hl_free(media);
}

static int init(struct hl_module *self, struct hl_error *error)
{
	const struct hl_media_settings *settings = hl_module_settings(self);
	struct hl_media *media = hl_zalloc(sizeof(*media));
	int rc;

	if (!media)
		return hl_error_set(error, -ENOMEM, "no memory for media-proxy");
	media->module = self;
	media->holdline = hl_module_switch(self);
	hl_list_init(&media->calls);
	media->ports = hl_ports_new(&settings->port_range);
	if (!media->ports) {
		rc = hl_error_set(error, -ENOMEM, "no memory for the ports of media-proxy");
		goto out;
	}
	hl_ports_quarantine(media->ports, settings->port_quarantine);
	hl_ports_tos(media->ports, (int)settings->tos);
	media->engine = &hl_engine_relay;
	media->relay = hl_relay_new(relay_threads(settings), error);
	rc = media->relay ? 0 : -EAGAIN;
	if (!rc)
		rc = hl_command_register(
			media->holdline,
			&(struct hl_command){
				.name = "media",
				.summary = "the relay: its ports, and what it carried",
				.run = show_media,
				.arg = media,
			});
	if (!rc)
		rc = hl_media_metrics(media);
	if (!rc)
		hl_module_set_state(self, media);
out:
	if (rc)
		media_free(media);
	return rc;
}

static int start(struct hl_module *self, struct hl_error *error)
{
	const struct hl_media_settings *settings = hl_module_settings(self);

	(void)error;
	warn_ephemeral(&settings->port_range);
	hl_silence_start(hl_module_state(self));
	return 0;
}

static void stop(struct hl_module *self)
{
	hl_silence_stop(hl_module_state(self));
}

static void fini(struct hl_module *self)
{
	media_free(hl_module_state(self));
}

static void reload(struct hl_module *self)
{
	struct hl_media *media = hl_module_state(self);

	const struct hl_media_settings *settings = hl_media_settings(media);

	hl_ports_quarantine(media->ports, settings->port_quarantine);
	hl_ports_tos(media->ports, (int)settings->tos);
}

static int offer(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
		 struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	return hl_media_offer(hl_module_state(self), call, from, to, sdp, rewritten);
}

static int answer(struct hl_module *self, struct hl_call *call, struct hl_leg *from,
		  struct hl_leg *to, struct hl_slice sdp, struct hl_text *rewritten)
{
	return hl_media_answer(hl_module_state(self), call, from, to, sdp, rewritten);
}

static void leg_ended(struct hl_module *self, struct hl_leg *leg)
{
	hl_media_leg_ended(hl_module_state(self), leg);
}

static void ended(struct hl_module *self, struct hl_call *call, struct hl_cdr *cdr)
{
	hl_media_ended(hl_module_state(self), call, cdr);
}

static void call_json(struct hl_module *self, struct hl_call *call, struct hl_json *json)
{
	hl_media_report_call(hl_module_state(self), call, json);
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI,
	.name = "media-proxy",
	.version = PACKAGE_VERSION,
	.summary = "relays RTP for endpoints behind NAT and between networks",
	.parameters = rows,
	.settings_size = sizeof(struct hl_media_settings),
	.check = check,
	.review = review,
	.call_space = sizeof(struct hl_media_call),
	.leg_space = sizeof(struct hl_media_leg),
	.init = init,
	.start = start,
	.stop = stop,
	.fini = fini,
	.stages =
		{
			.offer = offer,
			.answer = answer,
			.leg_ended = leg_ended,
			.ended = ended,
			.reload = reload,
			.call_json = call_json,
		},
};
