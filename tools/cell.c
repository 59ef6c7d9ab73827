/* The words for each kind of value: durations, moments, yes and no, messages as arrows. */
#include "cell.h"

#include "command.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

static enum shade nothing(FILE *out)
{
	putc('-', out);
	return SHADE_DIM;
}

static void put_scalar(FILE *out, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		fputs(json_string_value(value), out);
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6) | JSON_COMPACT);
	fputs(text ? text : "?", out);
	free(text);
}

enum shade cell_text(FILE *out, const json_t *value, const json_t *row)
{
	const json_t *item;
	size_t i;

	(void)row;
	if (!value || json_is_null(value) || (json_is_string(value) && !json_string_length(value)))
		return nothing(out);
	if (!json_is_array(value)) {
		put_scalar(out, value);
		return SHADE_NONE;
	}
	json_array_foreach((json_t *)value, i, item)
	{
		fputs(i ? ", " : "", out);
		put_scalar(out, item);
	}
	return i ? SHADE_NONE : nothing(out);
}

enum shade cell_yes_no(FILE *out, const json_t *value, const json_t *row)
{
	(void)row;
	if (!json_is_boolean(value))
		return nothing(out);
	fputs(json_is_true(value) ? "yes" : "no", out);
	return SHADE_NONE;
}

/* The two largest units that say anything. */
static void put_duration(FILE *out, double seconds)
{
	static const struct {
		long long seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
	long long left = seconds > 0 ? (long long)seconds : 0;

	for (size_t i = 0; i < 4; i++) {
		if (left < units[i].seconds && i < 3)
			continue;
		fprintf(out, "%lld%s", left / units[i].seconds, units[i].name);
		left %= units[i].seconds;
		if (i < 3 && left / units[i + 1].seconds)
			fprintf(out, " %lld%s", left / units[i + 1].seconds, units[i + 1].name);
		return;
	}
}

enum shade cell_duration(FILE *out, const json_t *value, const json_t *row)
{
	(void)row;
	if (!json_is_number(value))
		return cell_text(out, value, row);
	put_duration(out, json_number_value(value));
	return SHADE_NONE;
}

enum shade cell_in(FILE *out, const json_t *value, const json_t *row)
{
	(void)row;
	if (!json_is_number(value))
		return nothing(out);
	fputs("in ", out);
	put_duration(out, json_number_value(value));
	return SHADE_NONE;
}

enum shade cell_ago(FILE *out, const json_t *value, const json_t *row)
{
	(void)row;
	if (!json_is_number(value))
		return nothing(out);
	put_duration(out, json_number_value(value));
	fputs(" ago", out);
	return SHADE_NONE;
}

enum shade cell_milliseconds(FILE *out, const json_t *value, const json_t *row)
{
	(void)row;
	if (!json_is_number(value))
		return nothing(out);
	fprintf(out, "%.4g ms", json_number_value(value));
	return SHADE_NONE;
}

enum shade cell_time_of_day(FILE *out, const json_t *value, const json_t *row)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) < 23 || text[10] != 'T')
		return cell_text(out, value, row);
	fprintf(out, "%.12s", text + 11);
	return SHADE_NONE;
}

/* One message as an arrow: the switch is to the right of the caller and to the left of callees. */
static enum shade put_rung(FILE *out, const json_t *row, bool callee)
{
	const char *way = json_string_value(json_object_get(row, "way"));
	json_int_t status = json_integer_value(json_object_get(row, "status"));
	json_int_t fork = json_integer_value(json_object_get(row, "fork"));
	bool right = way && (strcmp(way, "out") == 0) == callee;

	fputs(right ? "--> " : "<-- ", out);
	if (status)
		fprintf(out, "%" JSON_INTEGER_FORMAT " ", status);
	fputs(json_string_value(json_object_get(row, "method")), out);
	if (json_is_true(json_object_get(row, "sdp")))
		fputs(" +SDP", out);
	if (callee && fork > 1)
		fprintf(out, " (fork %" JSON_INTEGER_FORMAT ")", fork);
	return status >= 300 ? SHADE_WARN : SHADE_NONE;
}

enum shade cell_caller_rung(FILE *out, const json_t *value, const json_t *row)
{
	const char *side = json_string_value(value);

	return side && strcmp(side, "caller") == 0 ? put_rung(out, row, false) : SHADE_NONE;
}

enum shade cell_callee_rung(FILE *out, const json_t *value, const json_t *row)
{
	const char *side = json_string_value(value);

	return side && strcmp(side, "callee") == 0 ? put_rung(out, row, true) : SHADE_NONE;
}

enum shade cell_moment(FILE *out, const json_t *value, const json_t *row)
{
	const char *text = json_string_value(value);

	(void)row;
	if (!text || strlen(text) < 19 || text[10] != 'T')
		return cell_text(out, value, row);
	fprintf(out, "%.10s %.8s", text, text + 11);
	return SHADE_NONE;
}

enum shade cell_bytes(FILE *out, const json_t *value, const json_t *row)
{
	(void)row;
	if (!json_is_string(value))
		return nothing(out);
	fprintf(out, "\"%s\"", json_string_value(value));
	return SHADE_NONE;
}

enum shade cell_received(FILE *out, const json_t *value, const json_t *row)
{
	const char *host = json_string_value(value);
	json_int_t port = json_integer_value(view_get(row, "received_port"));

	if (!host)
		return nothing(out);
	fprintf(out, strchr(host, ':') ? "[%s]:%lld" : "%s:%lld", host, (long long)port);
	return SHADE_NONE;
}

enum shade cell_nat(FILE *out, const json_t *value, const json_t *row)
{
	const char *why = json_string_value(view_get(row, "nat_reason"));

	cell_yes_no(out, value, row);
	if (why && *why)
		fprintf(out, " (%s)", why);
	return SHADE_NONE;
}

enum shade cell_heartbeat(FILE *out, const json_t *value, const json_t *row)
{
	const json_t *ago = view_get(value, "last_sent_ago");

	(void)row;
	if (!json_is_true(view_get(value, "enabled")))
		return nothing(out);
	cell_text(out, view_get(value, "method"), NULL);
	fputs(" every ", out);
	cell_duration(out, view_get(value, "period"), NULL);
	if (json_is_number(ago)) {
		fputs(", ", out);
		cell_ago(out, ago, NULL);
	}
	if (json_integer_value(view_get(value, "missed")) <= 0)
		return SHADE_NONE;
	fprintf(out, ", %lld missed", (long long)json_integer_value(view_get(value, "missed")));
	return SHADE_WARN;
}

enum shade cell_missed(FILE *out, const json_t *value, const json_t *row)
{
	enum shade shade = cell_text(out, value, row);

	return json_number_value(value) > 0 ? SHADE_WARN : shade;
}

enum shade cell_reachable(FILE *out, const json_t *value, const json_t *row)
{
	const json_t *rtt = view_get(row, "rtt_ms");

	if (!json_is_boolean(value))
		return nothing(out);
	cell_yes_no(out, value, row);
	if (json_is_false(value))
		return SHADE_BAD;
	if (json_is_number(rtt))
		fprintf(out, ", %.4g ms", json_number_value(rtt));
	return SHADE_GOOD;
}

enum shade cell_media(FILE *out, const json_t *value, const json_t *row)
{
	const char *why = json_string_value(view_get(row, "media.reason"));
	const char *silent = json_string_value(view_get(row, "media.one_way"));

	if (!json_is_boolean(value))
		return nothing(out);
	fputs(json_is_true(value) ? "relayed" : "direct", out);
	if (why)
		fprintf(out, " (%s)", why);
	if (!silent)
		return SHADE_NONE;
	fprintf(out, ", one-way: nothing from the %s", silent);
	return SHADE_BAD;
}

enum shade cell_timer(FILE *out, const json_t *value, const json_t *row)
{
	const json_t *next = view_get(value, "next_in");

	(void)row;
	if (!value || json_is_null(value))
		return nothing(out);
	if (!json_is_true(view_get(value, "active"))) {
		fputs("none", out);
		return SHADE_DIM;
	}
	cell_duration(out, view_get(value, "session_expires"), NULL);
	fputs(" by the ", out);
	cell_text(out, view_get(value, "refresher"), NULL);
	if (json_is_string(view_get(value, "method")))
		fprintf(out, ", %s", json_string_value(view_get(value, "method")));
	if (json_is_number(next)) {
		fputs(" ", out);
		cell_in(out, next, NULL);
	}
	return SHADE_NONE;
}

enum shade cell_limit(FILE *out, const json_t *value, const json_t *row)
{
	const char *by = json_string_value(view_get(row, "limit_by"));

	if (!json_is_number(value))
		return nothing(out);
	cell_in(out, value, row);
	if (by)
		fprintf(out, " by %s", by);
	return SHADE_NONE;
}

enum shade cell_registration(FILE *out, const json_t *value, const json_t *row)
{
	const char *state = json_string_value(view_get(value, "state"));
	const char *reason = json_string_value(view_get(value, "last_reason"));
	const json_t *code = view_get(value, "last_code"), *next = view_get(value, "next_in");
	bool good = state && !strcmp(state, "registered");

	(void)row;
	if (!state)
		return nothing(out);
	fprintf(out, "%s as ", state);
	cell_text(out, view_get(value, "user"), NULL);
	if (good) {
		fputs(", ends ", out);
		cell_in(out, view_get(value, "expires_in"), NULL);
		return SHADE_GOOD;
	}
	if (json_is_integer(code))
		fprintf(out, ": %lld", (long long)json_integer_value(code));
	if (reason)
		fprintf(out, "%s%s", json_is_integer(code) ? " " : ": ", reason);
	if (json_is_number(next)) {
		fputs(", again ", out);
		cell_in(out, next, NULL);
	}
	return !strcmp(state, "failed") || !strcmp(state, "rejected") ? SHADE_BAD : SHADE_NONE;
}

enum shade cell_calls(FILE *out, const json_t *value, const json_t *row)
{
	json_int_t most = json_integer_value(view_get(row, "max_calls"));
	bool full = most && json_integer_value(value) >= most;

	cell_text(out, value, row);
	if (most)
		fprintf(out, " of %lld", (long long)most);
	return full ? SHADE_WARN : SHADE_NONE;
}

enum shade cell_ended(FILE *out, const json_t *value, const json_t *row)
{
	const char *detail = json_string_value(view_get(row, "detail"));
	const char *reason = json_string_value(value);
	bool bad = reason && (!strcmp(reason, "Session Timeout") || !strcmp(reason, "No ACK") ||
			      !strcmp(reason, "Media Timeout"));

	cell_text(out, value, row);
	if (detail && *detail)
		fprintf(out, " (%s)", detail);
	return bad ? SHADE_BAD : SHADE_NONE;
}

enum shade cell_usage(FILE *out, const json_t *value, const json_t *row)
{
	const char *name = json_string_value(value);
	const struct command *command = name ? command_find(name) : NULL;

	cell_text(out, value, row);
	if (command && *command->usage)
		fprintf(out, " %s", command->usage);
	return SHADE_NONE;
}
