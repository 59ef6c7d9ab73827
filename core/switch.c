/* The switch: builds its parts in order, runs them, and takes them down in the reverse order. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

enum {
	DRAIN_LIMIT_S = 2,  /* real seconds that BYE and REGISTER may take when stopping */
	FILES_BESIDES = 64, /* open files that are no connections, at least */
	DRAIN_STEP_MS = 20, /* how often that is looked at */
};

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

/* Reads everything and chooses the plugins; false when there were errors. All is printed. */
static bool read_all(struct hl_modules *modules, const struct hl_options *options,
		     struct hl_plan *plan)
{
	struct hl_text report;
	struct hl_error error;
	hl_text_init(&report);
	hl_switch_read(modules, options, plan, &report);
	if (plan->config && hl_modules_enable(modules, plan->config, &error) < 0) {
		const struct hl_node *plugins = hl_node_get(plan->config->root, "plugins");
		struct hl_place place =
			plugins ? plugins->key_place : (struct hl_place){plan->config->file, 1, 1};
		hl_text_printf(&report, "%s:%u:%u: plugins: %s\n", place.file, place.line,
			       place.column, error.text);
		hl_plan_drop(plan);
	}
	if (report.length)
		fputs(hl_text_string(&report), stderr);
	hl_text_fini(&report);
	return plan->config != NULL;
}

int hl_switch_verify(const struct hl_options *options)
{
	struct hl_modules *modules = hl_modules_new(NULL);
	struct hl_plan plan = {.config = NULL};
	bool good = modules && read_all(modules, options, &plan);
	hl_plan_drop(&plan);
	hl_modules_free(modules);
	return good ? HL_EXIT_OK : HL_EXIT_CONFIGURATION;
}

/* A clock that runs fast is for rehearsals: nobody outside may depend on it. */
static bool only_loopback(const struct hl_config *config)
{
	for (size_t i = 0; i < config->settings.listen.count; i++) {
		struct hl_slice rest = hl_slice_of(config->settings.listen.items[i]);
		struct hl_address address;
		hl_slice_cut(&rest, ':');
		if (hl_address_parse_port(rest, &address) < 0 || !hl_address_loopback(&address))
			return false;
	}
	return true;
}

static void log_listener(void *arg, const char *text)
{
	struct hl_text *list = arg;
	hl_text_printf(list, "%s%s", list->length ? " " : "", text);
}

static void log_ready(struct hl_switch *holdline)
{
	struct hl_text listeners;
	hl_text_init(&listeners);
	hl_transport_each_listener(holdline->transport, log_listener, &listeners);
	/* Whoever started the switch waits for this line, whatever the level of the log. */
	const struct hl_log_field fields[] = {
		hl_str("listen", hl_text_string(&listeners)),
		hl_str("control", holdline->config->settings.control),
		hl_str("version", PACKAGE_VERSION),
		hl_int("pid", getpid()),
		{.key = NULL},
	};
	hl_log_write(HL_LOG_INFO, "switch", "ready", fields);
	hl_text_fini(&listeners);
	notify("READY=1");
}

/* Ends when the last BYE was answered and the last registration removed, or nobody answers. */
static void drain(void *arg)
{
	struct hl_switch *holdline = arg;
	bool over = !hl_trunks_leaving(holdline->trunks) &&
		    (!holdline->drain_calls || !hl_transactions_count(holdline->transactions));
	if (over || hl_clock_real() > holdline->drain_until)
		hl_loop_stop(holdline->loop);
	else
		hl_timer_start(holdline->loop, &holdline->drain, DRAIN_STEP_MS * hl_clock_rate());
}

static void stop(struct hl_switch *holdline)
{
	size_t calls = hl_calls_count(holdline->calls);
	if (holdline->stopping)
		return;
	holdline->stopping = true;
	notify("STOPPING=1");
	hl_log(HL_LOG_INFO, "switch", "stopping", hl_int("calls", (int64_t)calls));
	if (holdline->config->settings.on_stop == HL_ON_STOP_KEEP) {
		hl_loop_stop(holdline->loop);
		return;
	}
	hl_calls_end_all(holdline->calls, "Switch Stop", "switch-stop");
	hl_trunks_stop(holdline->trunks);
	holdline->drain_calls = calls > 0;
	holdline->drain_until = hl_clock_real() + DRAIN_LIMIT_S * HL_SECOND;
	hl_timer_start(holdline->loop, &holdline->drain, 0);
}

static void caught(void *arg, int signal)
{
	struct hl_switch *holdline = arg;
	struct hl_text report;
	switch (signal) {
	case SIGHUP:
		notify("RELOADING=1");
		hl_text_init(&report);
		hl_switch_reload(holdline, "signal", &report);
		hl_text_fini(&report);
		notify("READY=1");
		break;
	case SIGUSR1: hl_store_reopen(holdline->store); break;
	default: stop(holdline);
	}
}

static int watch_signals(struct hl_switch *holdline)
{
	static const int signals[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < HL_COUNT(signals); i++)
		if (hl_loop_signal(holdline->loop, signals[i], caught, holdline) < 0)
			return -1;
	return 0;
}

void hl_switch_configure_transport(struct hl_switch *holdline,
				   const struct hl_switch_settings *settings)
{
	struct hl_address advertise = {0};
	struct hl_transport_limits limits = {
		.connections = (unsigned)settings->connections_max,
		.per_address = (unsigned)settings->connections_max_per_address,
		.idle = (unsigned)settings->connections_idle_timeout,
	};
	hl_address_parse(hl_slice_of(settings->advertise), &advertise);
	hl_transport_advertise(holdline->transport, &advertise);
	hl_transport_limit(holdline->transport, &limits);
}

/* Everything that holds state. */
static int build(struct hl_switch *holdline, struct hl_error *error)
{
	const struct hl_switch_settings *settings = &holdline->config->settings;

	hl_error_set(error, 0, "out of memory");
	if (!(holdline->loop = hl_loop_new(error)))
		return -1;
	holdline->transport = hl_transport_new(holdline->loop, &hl_traffic_transport, holdline);
	if (!holdline->transport)
		return -1;
	hl_transport_secure(holdline->transport, holdline->tls);
	holdline->tls = NULL;
	holdline->transactions = hl_transactions_new(holdline->loop, holdline->transport,
						     &hl_traffic_transactions, holdline);
	if (!holdline->transactions ||
	    !(holdline->store = hl_store_open(settings->state_dir, hl_kept_layouts, error)))
		return -1;
	hl_error_set(error, 0, "out of memory");
	hl_kept_init(&holdline->kept, holdline);
	if (hl_subscribers_begin(holdline, error) < 0)
		return -1;
	holdline->endpoints = hl_endpoints_new(
		holdline->loop,
		hl_kept_contact_space(&holdline->kept, hl_modules_contact_space(holdline->modules)),
		hl_traffic_contact, holdline);
	if (!holdline->endpoints)
		return -1;
	struct hl_trunks_parts trunks = {
		.loop = holdline->loop,
		.transport = holdline->transport,
		.transactions = holdline->transactions,
	};
	if (!(holdline->trunks = hl_trunks_new(&trunks, error)))
		return -1;
	hl_error_set(error, 0, "out of memory");
	struct hl_calls_parts parts = {
		.loop = holdline->loop,
		.transport = holdline->transport,
		.transactions = holdline->transactions,
		.endpoints = holdline->endpoints,
		.trunks = holdline->trunks,
		.call_space = hl_kept_call_space(&holdline->kept,
						 hl_modules_call_space(holdline->modules)),
		.leg_space = hl_modules_leg_space(holdline->modules),
		.hooks = &hl_traffic_calls,
		.arg = holdline,
	};
	if (!(holdline->calls = hl_calls_new(&parts)) || hl_commands_register_core(holdline) < 0 ||
	    hl_metrics_register_core(holdline) < 0 || hl_param_register(holdline) < 0 ||
	    hl_explain_register(holdline) < 0)
		return -1;
	hl_calls_set_config(holdline->calls, holdline->config);
	hl_endpoints_set_realm(holdline->endpoints, settings->realm);
	hl_switch_configure_transport(holdline, settings);
	hl_loop_gather(holdline->loop, (unsigned)settings->gather);
	return hl_modules_init(holdline->modules, error);
}

/* Everything that is reached from outside. */
static int listen_all(struct hl_switch *holdline, struct hl_error *error)
{
	const struct hl_switch_settings *settings = &holdline->config->settings;
	for (size_t i = 0; i < settings->listen.count; i++)
		if (hl_transport_listen(holdline->transport, settings->listen.items[i], error) < 0)
			return -1;
	holdline->control =
		hl_control_open(holdline->loop, settings->control, holdline->modules, error);
	if (!holdline->control || watch_signals(holdline) < 0)
		return -1;
	if (hl_modules_start(holdline->modules, error) < 0)
		return -1;
	return hl_trunks_set_config(holdline->trunks, holdline->config) < 0
		       ? hl_error_set(error, -1, "out of memory")
		       : 0;
}

/* A call that goes on without us (on_stop: keep): the plugins let go of it. */
static void let_go(void *arg, struct hl_call *call)
{
	struct hl_switch *holdline = arg;
	struct hl_cdr cdr;
	hl_call_snapshot(call, &cdr);
	hl_stage_ended(holdline->modules, call, &cdr);
	hl_text_fini(&cdr.streams);
}

static void take_down(struct hl_switch *holdline)
{
	holdline->down = true;
	hl_control_close(holdline->control);
	hl_kept_fini(&holdline->kept);
	if (holdline->calls)
		hl_calls_each(holdline->calls, let_go, holdline);
	if (holdline->calls)
		hl_modules_fini(holdline->modules);
	hl_calls_free(holdline->calls);
	hl_trunks_free(holdline->trunks);
	hl_endpoints_free(holdline->endpoints);
	hl_transactions_free(holdline->transactions);
	hl_transport_free(holdline->transport);
	hl_store_close(holdline->store);
	hl_policy_free(holdline->policy);
	hl_tls_free(holdline->tls);
	hl_config_unref(holdline->config);
	hl_free(holdline->warnings);
	hl_modules_free(holdline->modules);
	hl_loop_free(holdline->loop);
	hl_subscribers_free(holdline->subscribers);
}

/* As many files as the system lets us open, and a warning when that is less than asked for. */
static void raise_file_limit(const struct hl_switch_settings *settings)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < (rlim_t)settings->connections_max + FILES_BESIDES)
		hl_log(HL_LOG_WARN, "switch", "open-files",
		       hl_int("limit", (int64_t)limit.rlim_max),
		       hl_int("connections.max", settings->connections_max),
		       hl_str("advice", "raise it (LimitNOFILE=, ulimit -Hn), or lower this"));
}

static int run(struct hl_switch *holdline)
{
	struct hl_error error;
	raise_file_limit(&holdline->config->settings);
	if (build(holdline, &error) < 0 || listen_all(holdline, &error) < 0) {
		hl_log(HL_LOG_ERROR, "switch", "start-failed", hl_str("error", error.text));
		return HL_EXIT_FAILED;
	}
	hl_kept_restore(&holdline->kept);
	holdline->started = hl_clock_now();
	log_ready(holdline);
	hl_log_gather(true);
	hl_loop_run(holdline->loop);
	hl_log_gather(false);
	hl_timer_stop(holdline->loop, &holdline->drain);
	hl_modules_stop(holdline->modules);
	hl_log(HL_LOG_INFO, "switch", "stopped");
	return HL_EXIT_OK;
}

int hl_switch_run(const struct hl_options *options)
{
	struct hl_switch holdline = {.options = *options};
	struct hl_plan plan = {.config = NULL};
	int code = HL_EXIT_CONFIGURATION;

	hl_clock_set_rate(options->clock_rate);
	hl_timer_init(&holdline.drain, drain, &holdline);
	holdline.modules = hl_modules_new(&holdline);
	if (holdline.modules)
		read_all(holdline.modules, options, &plan);
	holdline.config = plan.config;
	holdline.policy = plan.policy;
	holdline.tls = plan.tls;
	holdline.warnings = plan.warnings;
	if (holdline.config && options->clock_rate > 1 && !only_loopback(holdline.config)) {
		fprintf(stderr,
			"holdline: --clock-rate %u is for rehearsals: let every listener "
			"be on loopback, or leave it out\n",
			options->clock_rate);
	} else if (holdline.config) {
		hl_log_setup((enum hl_log_level)holdline.config->settings.log_level,
			     (enum hl_log_format)holdline.config->settings.log_format);
		code = run(&holdline);
	}
	take_down(&holdline);
	return code;
}

/* The parts. */

struct hl_loop *hl_switch_loop(struct hl_switch *holdline)
{
	return holdline->loop;
}

struct hl_transport *hl_switch_transport(struct hl_switch *holdline)
{
	return holdline->transport;
}

struct hl_transactions *hl_switch_transactions(struct hl_switch *holdline)
{
	return holdline->transactions;
}

struct hl_endpoints *hl_switch_endpoints(struct hl_switch *holdline)
{
	return holdline->endpoints;
}

struct hl_calls *hl_switch_calls(struct hl_switch *holdline)
{
	return holdline->calls;
}

struct hl_config *hl_switch_config(struct hl_switch *holdline)
{
	return holdline->config;
}

const struct hl_gateway *hl_switch_gateway_from(struct hl_switch *holdline,
						const struct hl_address *source)
{
	return hl_trunks_from(holdline->trunks, holdline->config, source);
}

int hl_command_register(struct hl_switch *holdline, const struct hl_command *command)
{
	return hl_commands_add(holdline->modules, command);
}

int hl_metric_register(struct hl_switch *holdline, const struct hl_metric *metric)
{
	return hl_metrics_add(holdline->modules, metric);
}
