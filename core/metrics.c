/* The core's own metrics, and the command that shows all: one row and one function each. */
#include "base/clock.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static double uptime(void *arg)
{
	struct hl_switch *holdline = arg;
	return (double)(hl_clock_now() - holdline->started) / HL_SECOND;
}

static double endpoints(void *arg)
{
	return (double)hl_endpoints_count(((struct hl_switch *)arg)->endpoints);
}

static double contacts(void *arg)
{
	return (double)hl_contacts_count(((struct hl_switch *)arg)->endpoints);
}

static double calls(void *arg)
{
	return (double)hl_calls_count(((struct hl_switch *)arg)->calls);
}

static double legs(void *arg)
{
	return (double)hl_calls_legs(((struct hl_switch *)arg)->calls);
}

static const struct hl_call_counters *refused(void *arg)
{
	return hl_calls_counters(((struct hl_switch *)arg)->calls);
}

static double looped(void *arg)
{
	return (double)refused(arg)->looped;
}

static double limited_calls(void *arg)
{
	return (double)refused(arg)->limited_calls;
}

static double limited_rate(void *arg)
{
	return (double)refused(arg)->limited_rate;
}

static double limited_endpoint(void *arg)
{
	return (double)refused(arg)->limited_endpoint;
}

static struct hl_trunk_counters trunks_of(void *arg)
{
	struct hl_trunk_counters counters;
	hl_trunks_count(((struct hl_switch *)arg)->trunks, &counters);
	return counters;
}

static double limited_gateway(void *arg)
{
	return (double)trunks_of(arg).limited;
}

static double gateways(void *arg)
{
	return (double)trunks_of(arg).gateways;
}

static double gateways_unreachable(void *arg)
{
	return (double)trunks_of(arg).unreachable;
}

static double gateways_registered(void *arg)
{
	return (double)trunks_of(arg).registered;
}

static double gateways_not_registered(void *arg)
{
	return (double)trunks_of(arg).not_registered;
}

static double reaped(void *arg)
{
	return (double)refused(arg)->reaped;
}

static double transactions(void *arg)
{
	return (double)hl_transactions_count(((struct hl_switch *)arg)->transactions);
}

static double malformed(void *arg)
{
	return (double)hl_traffic_malformed(arg);
}

static struct hl_transport_counters messages(void *arg)
{
	return hl_transport_counters(((struct hl_switch *)arg)->transport);
}

static double received(void *arg)
{
	return (double)messages(arg).received;
}

static double sent(void *arg)
{
	return (double)messages(arg).sent;
}

static double unsent(void *arg)
{
	return (double)messages(arg).refused;
}

static double reloads(void *arg)
{
	return (double)((struct hl_switch *)arg)->reloads;
}

static double records(void *arg)
{
	struct hl_store_counters store;
	hl_store_counters(((struct hl_switch *)arg)->store, &store);
	return (double)store.written;
}

static double records_waiting(void *arg)
{
	struct hl_store_counters store;
	hl_store_counters(((struct hl_switch *)arg)->store, &store);
	return (double)store.waiting;
}

static double policy_memory(void *arg)
{
	struct hl_switch *holdline = arg;
	return holdline->policy ? (double)hl_policy_memory(holdline->policy) : 0;
}

/* The counters of a function; all of them are 0 while there is no script. */
static struct hl_policy_counters counters_of(const void *arg)
{
	const struct hl_policy_meter *meter = arg;
	const struct hl_policy *policy = meter->holdline->policy;
	return policy ? *hl_policy_counters(policy, meter->function)
		      : (struct hl_policy_counters){0};
}

static double policy_calls(void *arg)
{
	return (double)counters_of(arg).calls;
}

static double policy_errors(void *arg)
{
	return (double)counters_of(arg).errors;
}

static double policy_limits(void *arg)
{
	return (double)counters_of(arg).limits;
}

static double policy_seconds(void *arg)
{
	return (double)counters_of(arg).busy / HL_SECOND;
}

static const struct hl_metric rows[] = {
	{.name = "uptime_seconds", .help = "Seconds since the start.", .read = uptime},
	{.name = "endpoints", .help = "Endpoints with a contact.", .read = endpoints},
	{.name = "contacts", .help = "Registered contacts.", .read = contacts},
	{.name = "calls", .help = "Calls that are up.", .read = calls},
	{.name = "legs", .help = "Legs of calls, those included that just ended.", .read = legs},
	{.name = "invites_looped_total",
	 .help = "INVITEs answered 482 or 483: a loop, or one that came twice.",
	 .counter = true,
	 .read = looped},
	{.name = "calls_limited_total",
	 .labels = "limit=\"calls\"",
	 .help = "Calls refused by a limit.",
	 .counter = true,
	 .read = limited_calls},
	{.name = "calls_limited_total",
	 .labels = "limit=\"rate\"",
	 .help = "Calls refused by a limit.",
	 .counter = true,
	 .read = limited_rate},
	{.name = "calls_limited_total",
	 .labels = "limit=\"endpoint\"",
	 .help = "Calls refused by a limit.",
	 .counter = true,
	 .read = limited_endpoint},
	{.name = "calls_limited_total",
	 .labels = "limit=\"gateway\"",
	 .help = "Calls refused by a limit.",
	 .counter = true,
	 .read = limited_gateway},
	{.name = "calls_reaped_total",
	 .help = "Calls that reached switch.max_call_duration.",
	 .counter = true,
	 .read = reaped},
	{.name = "gateways", .help = "Gateways of the configuration.", .read = gateways},
	{.name = "gateways_unreachable",
	 .help = "Gateways that do not answer OPTIONS.",
	 .read = gateways_unreachable},
	{.name = "gateway_registrations",
	 .labels = "state=\"registered\"",
	 .help = "Registrations at gateways.",
	 .read = gateways_registered},
	{.name = "gateway_registrations",
	 .labels = "state=\"failed\"",
	 .help = "Registrations at gateways.",
	 .read = gateways_not_registered},
	{.name = "transactions", .help = "SIP transactions in progress.", .read = transactions},
	{.name = "messages_received_total",
	 .help = "SIP messages and other datagrams that came.",
	 .counter = true,
	 .read = received},
	{.name = "messages_sent_total",
	 .help = "SIP messages and heartbeats that were sent.",
	 .counter = true,
	 .read = sent},
	{.name = "messages_unsent_total",
	 .help = "Sends that found no way there, or a full buffer.",
	 .counter = true,
	 .read = unsent},
	{.name = "malformed_total",
	 .help = "Messages that were no SIP.",
	 .counter = true,
	 .read = malformed},
	{.name = "reloads_total",
	 .help = "Configurations taken since the start.",
	 .counter = true,
	 .read = reloads},
	{.name = "records_total",
	 .help = "Call records written.",
	 .counter = true,
	 .read = records},
	{.name = "records_waiting", .help = "Records not yet on disk.", .read = records_waiting},
	{.name = "policy_memory_bytes",
	 .help = "Memory the policy's script holds.",
	 .read = policy_memory},
};

static const struct hl_metric policy_rows[] = {
	{.name = "policy_calls_total",
	 .help = "Calls into the policy's script.",
	 .counter = true,
	 .read = policy_calls},
	{.name = "policy_errors_total",
	 .help = "Of these, those that failed.",
	 .counter = true,
	 .read = policy_errors},
	{.name = "policy_limits_total",
	 .help = "Of these, those that a limit ended.",
	 .counter = true,
	 .read = policy_limits},
	{.name = "policy_seconds_total",
	 .help = "Time in the policy's script.",
	 .counter = true,
	 .read = policy_seconds},
};

static int show(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	const char *format = hl_argument(arguments, "format");
	struct hl_text text;

	if (!format || !strcmp(format, "json")) {
		hl_metrics_json(holdline->modules, result);
		return 0;
	}
	if (strcmp(format, "text"))
		return hl_error_set(error, -EINVAL, "format %s: json or text is allowed", format);
	hl_text_init(&text);
	hl_metrics_text(holdline->modules, &text);
	hl_json_string(result, hl_text_string(&text));
	hl_text_fini(&text);
	return 0;
}

static int add_policy_rows(struct hl_switch *holdline)
{
	for (int i = 0; i < HL_POLICY_FUNCTIONS; i++) {
		struct hl_policy_meter *meter = &holdline->policy_meters[i];
		meter->holdline = holdline;
		meter->function = (enum hl_policy_function)i;
		snprintf(meter->labels, sizeof(meter->labels), "function=\"%s\"",
			 hl_policy_names[i]);
		for (size_t row = 0; row < HL_COUNT(policy_rows); row++) {
			struct hl_metric metric = policy_rows[row];
			metric.labels = meter->labels;
			metric.arg = meter;
			int result = hl_metrics_add(holdline->modules, &metric);
			if (result < 0)
				return result;
		}
	}
	return 0;
}

int hl_metrics_register_core(struct hl_switch *holdline)
{
	const struct hl_command command = {.name = "metrics",
					   .summary = "figures for monitoring [--format text]",
					   .run = show,
					   .arg = holdline};
	int result = hl_commands_add(holdline->modules, &command);

	for (size_t i = 0; !result && i < HL_COUNT(rows); i++) {
		struct hl_metric metric = rows[i];
		metric.arg = holdline;
		result = hl_metrics_add(holdline->modules, &metric);
	}
	return result ? result : add_policy_rows(holdline);
}
