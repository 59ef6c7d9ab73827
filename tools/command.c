/* One table: each command with its arguments and with what is shown of its answer. */
#include "command.h"

#include "cell.h"

#include <stdlib.h>
#include <string.h>

static const struct field status_fields[] = {
	{.title = "Version", .path = "version", .cell = cell_text},
	{.title = "Up for", .path = "uptime", .cell = cell_duration},
	{.title = "Listens on", .path = "listen", .cell = cell_text},
	{.title = "Endpoints", .path = "endpoints", .cell = cell_text},
	{.title = "Contacts", .path = "contacts", .cell = cell_text},
	{.title = "Calls", .path = "calls", .cell = cell_text},
	{.title = "Transactions", .path = "transactions", .cell = cell_text},
	{.title = "Malformed messages", .path = "malformed", .cell = cell_missed},
	{.title = "Records not yet on disk", .path = "cdr_waiting", .cell = cell_missed},
	{.title = "Failed writes", .path = "store_failures", .cell = cell_missed},
	{.title = "Plugins", .path = "plugins", .cell = cell_text},
	{.title = "Policy", .path = "policy.script", .cell = cell_text},
	{.title = "  version", .path = "policy.version", .cell = cell_text},
	{.title = NULL},
};

static const struct field endpoint_columns[] = {
	{.title = "USER", .path = "user", .cell = cell_text, .shrinks = true},
	{.title = "RECEIVED FROM", .path = "received", .cell = cell_received},
	{.title = "VIA", .path = "transport", .cell = cell_text},
	{.title = "NAT", .path = "nat", .cell = cell_yes_no},
	{.title = "EXPIRES", .path = "expires_in", .cell = cell_in},
	{.title = "HEARTBEAT", .path = "keepalive", .cell = cell_heartbeat, .shrinks = true},
	{.title = "REACHABLE", .path = "reachable", .cell = cell_reachable},
	{.title = "USER AGENT", .path = "user_agent", .cell = cell_text, .shrinks = true},
	{.title = NULL},
};

static const struct field endpoint_lines[] = {
	{.title = "AOR", .path = "aor", .cell = cell_text},
	{.title = "Contact", .path = "contact", .cell = cell_text},
	{.title = "Received from", .path = "received", .cell = cell_received},
	{.title = "Transport", .path = "transport", .cell = cell_text},
	{.title = "Our socket", .path = "local", .cell = cell_text},
	{.title = "Behind NAT", .path = "nat", .cell = cell_nat},
	{.title = "Expires", .path = "expires_in", .cell = cell_in},
	{.title = "User agent", .path = "user_agent", .cell = cell_text},
	{.title = "Reachable", .path = "reachable", .cell = cell_reachable},
	{.title = "Heartbeat", .path = "keepalive", .cell = cell_heartbeat},
	{.title = "  message", .path = "keepalive.message", .cell = cell_bytes},
	{.title = "  decided by", .path = "keepalive.decided_by", .cell = cell_text},
	{.title = "  sent", .path = "keepalive.sent", .cell = cell_text},
	{.title = "  skipped", .path = "keepalive.skipped", .cell = cell_text},
	{.title = "  missed", .path = "keepalive.missed", .cell = cell_missed},
	{.title = "  refused", .path = "keepalive.refused", .cell = cell_missed},
	{.title = "  unanswered", .path = "keepalive.unanswered", .cell = cell_missed},
	{.title = "SIP ALG", .path = "alg.verdict", .cell = cell_text},
	{.title = NULL},
};

static const struct field call_columns[] = {
	{.title = "ID", .path = "id", .cell = cell_text},
	{.title = "CALLER", .path = "caller", .cell = cell_text, .shrinks = true},
	{.title = "CALLEE", .path = "callee", .cell = cell_text, .shrinks = true},
	{.title = "STATE", .path = "state", .cell = cell_text},
	{.title = "DURATION", .path = "duration", .cell = cell_duration, .right = true},
	{.title = "MEDIA", .path = "media.relayed", .cell = cell_media, .shrinks = true},
	{.title = NULL},
};

static const struct field call_lines[] = {
	{.title = "ID", .path = "id", .cell = cell_text},
	{.title = "Caller", .path = "caller", .cell = cell_text},
	{.title = "Callee", .path = "callee", .cell = cell_text},
	{.title = "State", .path = "state", .cell = cell_text},
	{.title = "Duration", .path = "duration", .cell = cell_duration},
	{.title = "Routed by", .path = "routed_by", .cell = cell_text},
	{.title = "Last alive", .path = "last_alive", .cell = cell_moment},
	{.title = "Media", .path = "media.relayed", .cell = cell_media},
	{.title = NULL},
};

static const struct field leg_columns[] = {
	{.title = "LEG", .path = "side", .cell = cell_text},
	{.title = "USER", .path = "user", .cell = cell_text, .shrinks = true},
	{.title = "ADDRESS", .path = "address", .cell = cell_text},
	{.title = "SESSION TIMER", .path = "timer", .cell = cell_timer, .shrinks = true},
	{.title = "REFRESHES", .path = "timer.refreshes", .cell = cell_text, .right = true},
	{.title = "LIMIT", .path = "limit_in", .cell = cell_limit, .shrinks = true},
	{.title = "CALL-ID", .path = "call_id", .cell = cell_text, .shrinks = true},
	{.title = NULL},
};

static const struct field ladder_columns[] = {
	{.title = "TIME (UTC)", .path = "at", .cell = cell_time_of_day},
	{.title = "CALLER", .path = "side", .cell = cell_caller_rung},
	{.title = "CALLEE", .path = "side", .cell = cell_callee_rung},
	{.title = "CSEQ", .path = "cseq", .cell = cell_text, .right = true},
	{.title = NULL},
};

static const struct field stream_columns[] = {
	{.title = "STREAM", .path = "type", .cell = cell_text},
	{.title = "CODEC", .path = "codec", .cell = cell_text, .shrinks = true},
	{.title = "FROM CALLER", .path = "caller.packets", .cell = cell_text, .right = true},
	{.title = "LOST", .path = "caller.lost", .cell = cell_missed, .right = true},
	{.title = "JITTER", .path = "caller.jitter_ms", .cell = cell_milliseconds, .right = true},
	{.title = "RTT", .path = "caller.rtt_ms", .cell = cell_milliseconds, .right = true},
	{.title = "MOS", .path = "caller.mos", .cell = cell_text, .right = true},
	{.title = "FROM CALLEE", .path = "callee.packets", .cell = cell_text, .right = true},
	{.title = "LOST", .path = "callee.lost", .cell = cell_missed, .right = true},
	{.title = "JITTER", .path = "callee.jitter_ms", .cell = cell_milliseconds, .right = true},
	{.title = "RTT", .path = "callee.rtt_ms", .cell = cell_milliseconds, .right = true},
	{.title = "MOS", .path = "callee.mos", .cell = cell_text, .right = true},
	{.title = NULL},
};

static const struct field keepalive_lines[] = {
	{.title = "Endpoints", .path = "endpoints", .cell = cell_text},
	{.title = "Passes", .path = "cycles", .cell = cell_text},
	{.title = "Heartbeats sent", .path = "sent", .cell = cell_text},
	{.title = "Skipped as active", .path = "skipped", .cell = cell_text},
	{.title = "Refused by ICMP", .path = "refused", .cell = cell_missed},
	{.title = "Missed in the last pass", .path = "missed_last_cycle", .cell = cell_missed},
	{.title = "Missed in all", .path = "missed", .cell = cell_missed},
	{.title = "Slowest socket", .path = "slowest_socket", .cell = cell_text},
	{.title = "Message", .path = "message", .cell = cell_bytes},
	{.title = "Period", .path = "period", .cell = cell_duration},
	{.title = "Period that a pass needs", .path = "needed_period", .cell = cell_duration},
	{.title = "Sent at once", .path = "send_one_time", .cell = cell_text},
	{.title = "Pause after that", .path = "send_interval", .cell = cell_milliseconds},
	{.title = NULL},
};

static const struct field ring_columns[] = {
	{.title = "PERIOD", .path = "period", .cell = cell_duration, .right = true},
	{.title = "ENDPOINTS", .path = "endpoints", .cell = cell_text, .right = true},
	{.title = "REACHED", .path = "reached", .cell = cell_text, .right = true},
	{.title = "OF", .path = "of", .cell = cell_text, .right = true},
	{.title = "SENT", .path = "sent", .cell = cell_text, .right = true},
	{.title = "SKIPPED", .path = "skipped", .cell = cell_text, .right = true},
	{.title = "MISSED BEFORE", .path = "missed_last_cycle", .cell = cell_missed, .right = true},
	{.title = "NEXT PASS", .path = "next_in", .cell = cell_in},
	{.title = NULL},
};

static const struct field socket_columns[] = {
	{.title = "SOCKET", .path = "socket", .cell = cell_text},
	{.title = "SENT", .path = "sent", .cell = cell_text, .right = true},
	{.title = "WAS FULL", .path = "full", .cell = cell_missed, .right = true},
	{.title = "US EACH", .path = "us_each", .cell = cell_text, .right = true},
	{.title = NULL},
};

static const struct field gateway_columns[] = {
	{.title = "GATEWAY", .path = "name", .cell = cell_text, .shrinks = true},
	{.title = "PREFIX", .path = "prefix", .cell = cell_text, .shrinks = true},
	{.title = "WEIGHT", .path = "weight", .cell = cell_text, .right = true},
	{.title = "CALLS", .path = "calls", .cell = cell_calls, .right = true},
	{.title = "REACHABLE", .path = "reachable", .cell = cell_reachable},
	{.title = "REGISTRATION", .path = "registration", .cell = cell_registration},
	{.title = "ADDRESS", .path = "address", .cell = cell_text, .shrinks = true},
	{.title = "SERVERS", .path = "servers", .cell = cell_text, .shrinks = true},
	{.title = NULL},
};

static const struct field plugin_columns[] = {
	{.title = "PLUGIN", .path = "name", .cell = cell_text},
	{.title = "VERSION", .path = "version", .cell = cell_text},
	{.title = "WHAT IT DOES", .path = "summary", .cell = cell_text, .wraps = true},
	{.title = NULL},
};

static const struct field record_columns[] = {
	{.title = "STARTED (UTC)", .path = "started", .cell = cell_moment},
	{.title = "CALLER", .path = "caller", .cell = cell_text, .shrinks = true},
	{.title = "CALLEE", .path = "callee", .cell = cell_text, .shrinks = true},
	{.title = "DURATION", .path = "duration", .cell = cell_duration, .right = true},
	{.title = "ENDED BY", .path = "ended_by", .cell = cell_text},
	{.title = "REASON", .path = "reason", .cell = cell_ended, .shrinks = true},
	{.title = "CODE", .path = "sip_code", .cell = cell_text, .right = true},
	{.title = "MEDIA", .path = "media_reason", .cell = cell_text, .shrinks = true},
	{.title = NULL},
};

static const struct field parameter_columns[] = {
	{.title = "PARAMETER", .path = "name", .cell = cell_text},
	{.title = "VALUE", .path = "value", .cell = cell_text, .wraps = true},
	{.title = "DEFAULT", .path = "default", .cell = cell_text, .wraps = true},
	{.title = "SET", .path = "set", .cell = cell_text, .wraps = true},
	{.title = NULL},
};

static const struct field parameter_lines[] = {
	{.title = "Parameter", .path = "name", .cell = cell_text},
	{.title = "Value", .path = "value", .cell = cell_text},
	{.title = "Set", .path = "set", .cell = cell_text},
	{.title = NULL},
};

static const struct field decision_columns[] = {
	{.title = "ABOUT", .path = "about", .cell = cell_text, .wraps = true},
	{.title = "DECISION", .path = "decision", .cell = cell_text},
	{.title = "ANSWER", .path = "answer", .cell = cell_text, .wraps = true},
	{.title = "BY", .path = "rule", .cell = cell_text, .wraps = true},
	{.title = "AT", .path = "line", .cell = cell_text, .wraps = true},
	{.title = "STANDS", .path = "stands", .cell = cell_text, .shrinks = true},
	{.title = NULL},
};

static const struct field metric_columns[] = {
	{.title = "METRIC", .path = "name", .cell = cell_text},
	{.title = "OF", .path = "labels", .cell = cell_text, .wraps = true},
	{.title = "VALUE", .path = "value", .cell = cell_text, .right = true},
	{.title = "WHAT IT IS", .path = "help", .cell = cell_text, .wraps = true},
	{.title = NULL},
};

static const struct field help_columns[] = {
	{.title = "COMMAND", .path = "name", .cell = cell_usage, .wraps = true},
	{.title = "WHAT IT DOES", .path = "summary", .cell = cell_text, .wraps = true},
	{.title = NULL},
};

/* A table that is shown behind the lines of an answer, when it has rows. */
struct part {
	const char *path;
	const struct field *columns;
};

static void show_parts(const json_t *result, const struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *rows = view_get(result, parts[i].path);

		if (!json_array_size(rows))
			continue;
		putchar('\n');
		view_table(parts[i].columns, rows);
	}
}

static const struct field subscriber_columns[] = {
	{.title = "USER", .path = "user", .cell = cell_text, .shrinks = true},
	{.title = "ENABLED", .path = "enabled", .cell = cell_yes_no},
	{.title = "REALM", .path = "realm", .cell = cell_text, .shrinks = true},
	{.title = "DIGESTS", .path = "algorithms", .cell = cell_text},
	{.title = "CREATED", .path = "created", .cell = cell_moment},
	{.title = "SETTINGS", .path = "settings", .cell = cell_text, .shrinks = true},
	{.title = NULL},
};

static const char *const secret_ops[] = {"add", "passwd", NULL};

static void show_call_parts(const json_t *call)
{
	static const struct part parts[] = {{"legs", leg_columns},
					    {"media.streams", stream_columns},
					    {"messages", ladder_columns}};

	show_parts(call, parts, sizeof parts / sizeof *parts);
}

static void show_keepalive_parts(const json_t *result)
{
	static const struct part parts[] = {{"rings", ring_columns}, {"sockets", socket_columns}};

	show_parts(result, parts, sizeof parts / sizeof *parts);
}

const struct command commands[] = {
	{.name = "status", .usage = "", .fields = status_fields},
	{.name = "endpoints",
	 .usage = "[USER]",
	 .positionals = {"user"},
	 .fields = endpoint_columns,
	 .details = endpoint_lines,
	 .none = "No endpoint is registered."},
	{.name = "calls", .usage = "", .fields = call_columns, .none = "No call is up."},
	{.name = "call",
	 .usage = "ID",
	 .positionals = {"id"},
	 .required = 1,
	 .fields = call_lines,
	 .more = show_call_parts},
	{.name = "hangup",
	 .usage = "ID",
	 .positionals = {"id"},
	 .required = 1,
	 .done = "Call %s was hung up."},
	{.name = "kick",
	 .usage = "USER",
	 .positionals = {"user"},
	 .required = 1,
	 .done = "%s is not registered any more."},
	{.name = "keepalive",
	 .usage = "",
	 .fields = keepalive_lines,
	 .more = show_keepalive_parts},
	{.name = "gateways",
	 .usage = "",
	 .fields = gateway_columns,
	 .none = "No gateway is configured."},
	{.name = "reload", .usage = "", .done = "The configuration was read again."},
	{.name = "param",
	 .usage = "list | get NAME | set NAME VALUE [--save]",
	 .positionals = {"op", "name", "value"},
	 .required = 1,
	 .flag = "save",
	 .fields = parameter_columns,
	 .card = parameter_lines},
	{.name = "policy",
	 .usage = "explain USER|CALL",
	 .positionals = {"op", "user"},
	 .required = 2,
	 .fields = decision_columns,
	 .none = "Nothing is decided about it."},
	{.name = "metrics",
	 .usage = "[--format text]",
	 .option = "format",
	 .fields = metric_columns},
	{.name = "plugins",
	 .usage = "",
	 .fields = plugin_columns,
	 .none = "No plugin is enabled: name some under plugins."},
	{.name = "cdr",
	 .usage = "[--last N]",
	 .option = "last",
	 .fields = record_columns,
	 .none = "No call was recorded yet."},
	{.name = "subscriber",
	 .usage = "add|passwd|set|enable|disable|remove USER | list [USER] [NAME=VALUE]...",
	 .positionals = {"op", "user"},
	 .required = 1,
	 .option = "password",
	 .named = true,
	 .secret = secret_ops,
	 .fields = subscriber_columns,
	 .none = "There is no such subscriber.",
	 .done = "Done: %s."},
	{.name = "help", .usage = "", .fields = help_columns},
	{.name = NULL},
};

const struct command *command_find(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

static void say(const char *text, const char *name)
{
	const char *place = strstr(text, "%s");

	if (place)
		printf("%.*s%s%s\n", (int)(place - text), text, name ? name : "", place + 2);
	else
		puts(text);
}

static void show_list(const struct command *command, const char *name, const json_t *rows)
{
	const json_t *row;
	size_t i;

	if (!json_array_size(rows)) {
		if (name && command->details)
			printf("%s is not registered.\n", name);
		else
			puts(command->none ? command->none : "Nothing.");
		return;
	}
	if (!name || !command->details) {
		view_table(command->fields, rows);
		return;
	}
	json_array_foreach((json_t *)rows, i, row)
	{
		fputs(i ? "\n" : "", stdout);
		view_card(command->details, row);
	}
}

/* A text that is meant to be read by programs, too: its lines are kept. */
static void show_text(const char *text)
{
	char *clean = terminal_clean(text, true);

	fputs(clean ? clean : "out of memory\n", stdout);
	free(clean);
}

void command_show(const struct command *command, const char *name, const json_t *result)
{
	if (!command || (!command->fields && !command->done))
		view_any(result);
	else if (json_is_string(result))
		show_text(json_string_value(result));
	else if (command->done && !json_is_array(result))
		say(command->done, name);
	else if (json_is_array(result))
		show_list(command, name, result);
	else
		view_card(command->card ? command->card : command->fields, result);
	if (command && command->more)
		command->more(result);
}
