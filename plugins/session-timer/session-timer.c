/* Session timers (RFC 4028), each leg by itself: the switch offers and accepts them, refreshes when
 * that is its part, watches when it is the peer's, and limits calls that have none. Who refreshes
 * is kept as us or them and translated to uac and uas for each request. */
#include "arithmetic.h"
#include "settings.h"

#include <errno.h>
#include <string.h>

enum {
	RAISES_MAX = 2, /* rounds of 422; a peer that wants more wants no call */
	PROBE_AGAIN = 5 /* s after a probe without answer, its transaction's 32 s apart */
};

/* What is kept with each leg. */
struct leg_timer {
	struct hl_module *self;
	struct hl_handle leg;
	struct hl_timer refresh;       /* the next refresh of ours, or the next try */
	struct hl_timer expiry;	       /* the session's end, for both roles */
	struct hl_timer limit;	       /* of a leg without session timer */
	bool active;		       /* there is a session timer */
	bool ours;		       /* we refresh */
	bool update_refused;	       /* 405 or 501 to UPDATE: re-INVITE from then on */
	bool failing;		       /* the last refresh was refused */
	bool probe;		       /* at the limit the peer is asked, not hung up */
	bool asked_beyond;	       /* its Min-SE, in the request being answered, is absurd */
	bool refused_beyond;	       /* so is that of a 422: nothing is asked for any more */
	uint8_t raised;		       /* 422 to the request under way so far */
	uint8_t unanswered;	       /* probes in a row that got nothing */
	uint32_t session;	       /* Session-Expires in force, s */
	uint32_t peer_min;	       /* the peer's Min-SE, s; 0: none */
	struct session_expires asked;  /* in the peer's request that is being answered */
	unsigned refreshes;	       /* good ones, by either side */
	int64_t limit_seconds;	       /* 0: none */
	char decided_by[HL_RULE_NAME]; /* of the limit */
};

static const struct settings *settings_of(const struct leg_timer *timer)
{
	return hl_module_settings(timer->self);
}

static struct hl_loop *loop_of(const struct leg_timer *timer)
{
	return hl_switch_loop(hl_module_switch(timer->self));
}

static struct hl_leg *leg_of(const struct leg_timer *timer)
{
	return hl_leg_get(hl_switch_calls(hl_module_switch(timer->self)), timer->leg);
}

static void end_call(struct leg_timer *timer, const char *reason, const char *detail)
{
	struct hl_leg *leg = leg_of(timer);
	if (!leg)
		return;
	hl_log(HL_LOG_WARN, "session-timer", detail, hl_str("call", hl_call_id(hl_leg_call(leg))),
	       hl_str("side", hl_side_text(hl_leg_side(leg))),
	       hl_int("session_expires", timer->session));
	hl_call_end(hl_leg_call(leg), reason, detail, HL_ENDED_BY_SERVER);
}

static void start(struct leg_timer *timer, struct hl_timer *which, uint64_t seconds)
{
	hl_timer_start(loop_of(timer), which, seconds * 1000);
}

static void retry_in(struct leg_timer *timer, uint64_t milliseconds)
{
	hl_timer_start(loop_of(timer), &timer->refresh, milliseconds);
}

/* RFC 3261 §14.1: whoever owns the Call-ID waits longer, so that the two do not meet again. The
 * switch made the Call-ID of the callee's leg. */
static uint64_t glare_wait(const struct hl_leg *leg)
{
	return hl_leg_side(leg) == HL_SIDE_CALLEE ? 2100 + hl_random_below(1900)
						  : hl_random_below(2000);
}

static void refresh_done(void *arg, struct hl_leg *leg, int code)
{
	struct leg_timer *timer = arg;
	timer->failing = code < 200 || code > 299;
	if (!timer->failing)
		return; /* stage leg_recv has armed the timers again */
	hl_log(HL_LOG_WARN, "session-timer", "refresh-refused",
	       hl_str("call", hl_call_id(hl_leg_call(leg))),
	       hl_str("side", hl_side_text(hl_leg_side(leg))), hl_int("code", code));
	if (code == 0 || code == 408 || code == 481) {
		end_call(timer, "Session Timeout", "refresh-failed");
	} else if ((code == 405 || code == 501) && !timer->update_refused) {
		timer->update_refused = true;
		retry_in(timer, 0);
	} else if (code == 491) {
		retry_in(timer, glare_wait(leg));
	} else {
		start(timer, &timer->refresh,
		      session_retry_delay(timer->session, settings_of(timer)->update_segment));
	}
}

static enum hl_method refresh_method(const struct leg_timer *timer, const struct hl_leg *leg)
{
	return !timer->update_refused && hl_leg_allows(leg, HL_METHOD_UPDATE) ? HL_METHOD_UPDATE
									      : HL_METHOD_INVITE;
}

static void refresh_due(void *arg)
{
	struct leg_timer *timer = arg;
	struct hl_leg *leg = leg_of(timer);
	if (!leg)
		return;
	/* While a transaction is under way the refresh waits: it would only be answered 491. What
	 * cannot be sent at all, its connection gone, is not answered either. */
	int result = hl_leg_refresh(leg, refresh_method(timer, leg), refresh_done, timer);
	if (result == -ENOTCONN)
		end_call(timer, "Session Timeout", "refresh-failed");
	else if (result < 0)
		retry_in(timer, 1000);
}

static void session_expired(void *arg)
{
	struct leg_timer *timer = arg;
	end_call(timer, "Session Timeout", timer->failing ? "refresh-failed" : "refresh-expired");
}

/* What a probe that found nobody means: a lost packet or two kill no call, the dialog's own word
 * (481) does. */
static void probe_unanswered(struct leg_timer *timer, int code)
{
	if (code == 481 || ++timer->unanswered >= settings_of(timer)->probe_fail_limit)
		end_call(timer, "Session Timeout", "probe-failed");
	else
		start(timer, &timer->limit, PROBE_AGAIN);
}

static void probe_done(void *arg, struct hl_leg *leg, int code)
{
	struct leg_timer *timer = arg;
	hl_log(HL_LOG_INFO, "session-timer", "probe", hl_str("call", hl_call_id(hl_leg_call(leg))),
	       hl_str("side", hl_side_text(hl_leg_side(leg))), hl_int("code", code));
	if ((code == 405 || code == 501) && !timer->update_refused) {
		timer->update_refused = true;
		start(timer, &timer->limit, 0);
	} else if (code == 0 || code == 408 || code == 481) {
		probe_unanswered(timer, code);
	} else if (!timer->active) {
		timer->unanswered = 0;
		start(timer, &timer->limit, (uint64_t)timer->limit_seconds);
	}
}

static void limit_reached(void *arg)
{
	struct leg_timer *timer = arg;
	struct hl_leg *leg = leg_of(timer);
	if (!leg)
		return;
	if (!timer->probe)
		end_call(timer, "Max Duration", "no-timer-limit");
	else if (hl_leg_refresh(leg, refresh_method(timer, leg), probe_done, timer) < 0)
		start(timer, &timer->limit, 1);
}

static struct leg_timer *timer_of(struct hl_module *self, struct hl_leg *leg)
{
	struct leg_timer *timer = hl_module_leg(self, leg);
	if (!timer->self) {
		timer->self = self;
		timer->leg = hl_leg_handle(leg);
		hl_timer_init(&timer->refresh, refresh_due, timer);
		hl_timer_init(&timer->expiry, session_expired, timer);
		hl_timer_init(&timer->limit, limit_reached, timer);
	}
	return timer;
}

static void stop(struct leg_timer *timer)
{
	hl_timer_stop(loop_of(timer), &timer->refresh);
	hl_timer_stop(loop_of(timer), &timer->expiry);
	hl_timer_stop(loop_of(timer), &timer->limit);
}

/* A session timer stands from now on, or again. */
static void arm(struct leg_timer *timer, uint32_t session, bool ours)
{
	const struct settings *settings = settings_of(timer);
	int64_t early =
		settings->early_hangup == HL_WORD(0) ? EARLY_HANGUP_AUTO : settings->early_hangup;
	stop(timer);
	timer->active = true;
	timer->ours = ours;
	timer->failing = false;
	timer->refused_beyond = false;
	timer->session = session;
	if (ours)
		start(timer, &timer->refresh,
		      session_refresh_interval(session, settings->update_segment));
	start(timer, &timer->expiry, session_expiry(session, ours ? 0 : early));
}

/* There is none: policy or configuration limits the call, counted from its answer. */
static void limit(struct leg_timer *timer, struct hl_leg *leg)
{
	struct hl_no_timer_decision decision = {.max_duration = -1};
	uint64_t answered = hl_call_answered(hl_leg_call(leg));
	uint64_t spent = answered ? (hl_clock_now() - answered) / HL_SECOND : 0;

	stop(timer);
	timer->active = false;
	timer->limit_seconds = settings_of(timer)->no_timer_max_duration;
	strcpy(timer->decided_by, "default");
	if (hl_decide_no_timer(hl_module_switch(timer->self), leg, &decision)) {
		if (decision.max_duration >= 0)
			timer->limit_seconds = decision.max_duration;
		timer->probe = decision.probe;
		memcpy(timer->decided_by, decision.rule, sizeof(timer->decided_by));
	}
	hl_log(HL_LOG_INFO, "session-timer", "no-session-timer",
	       hl_str("call", hl_call_id(hl_leg_call(leg))),
	       hl_str("side", hl_side_text(hl_leg_side(leg))),
	       hl_int("limit", timer->limit_seconds), hl_str("by", timer->decided_by));
	if (timer->limit_seconds)
		start(timer, &timer->limit,
		      spent < (uint64_t)timer->limit_seconds ? timer->limit_seconds - spent : 0);
}

static bool is_session(const struct hl_message *message)
{
	enum hl_method method = hl_message_method(message);
	return method == HL_METHOD_INVITE || method == HL_METHOD_UPDATE;
}

static int set_session_expires(struct hl_message *message, uint32_t session, bool uac)
{
	char value[48];
	stpcpy(hl_put_number(value, session), uac ? ";refresher=uac" : ";refresher=uas");
	return hl_message_set_header(message, "Session-Expires", value);
}

static char *put(char *at, const char *end, const char *text)
{
	return hl_put_text(at, end, hl_slice_of(text));
}

/* Beside what the core says it can do, in one line: some read only the first. */
static int support_timer(struct hl_message *message)
{
	const char *others = hl_message_header(message, "Supported", 0);
	char value[128], *end = value + sizeof(value);
	if (!others)
		return hl_message_add_header(message, "Supported", "timer");
	put(put(value, end, "timer, "), end, others);
	return hl_message_set_header(message, "Supported", value);
}

static int dress_request(struct leg_timer *timer, struct hl_leg *leg, struct hl_message *request)
{
	const struct settings *settings = settings_of(timer);
	bool first = !hl_leg_confirmed(leg);
	if (timer->refused_beyond)
		return 0;
	int result = support_timer(request);
	if (result || (!first && !timer->active))
		return result;
	uint32_t minimum = (uint32_t)settings->min_se;
	if (timer->peer_min > minimum)
		minimum = timer->peer_min;
	uint32_t session = session_expires_offer(first ? settings->ttl : timer->session, minimum);
	int wanted = hl_leg_party(leg)->refresher;
	bool ours = wanted == HL_REFRESHER_AUTO ? first || timer->ours : wanted == HL_REFRESHER_US;
	result = set_session_expires(request, session, ours);
	return result ? result : hl_message_set_number(request, "Min-SE", minimum);
}

/* Our 2xx to the peer's INVITE or UPDATE: what it asked for is settled here. */
static int dress_answer(struct leg_timer *timer, struct hl_leg *leg, struct hl_message *response)
{
	const struct settings *settings = settings_of(timer);
	bool again = timer->active;
	if (!hl_leg_supports_timer(leg) || timer->asked_beyond) {
		if (again)
			limit(timer, leg);
		return 0;
	}
	uint32_t session = session_expires_grant(timer->asked.seconds, timer->peer_min,
						 settings->ttl, settings->min_se);
	/* RFC 4028 table 2: who was named stays; otherwise it is ours to choose. */
	bool ours = timer->asked.refresher != REFRESHER_UAC;
	if (timer->asked.refresher == REFRESHER_NONE)
		ours = again ? timer->ours : hl_leg_party(leg)->refresher != HL_REFRESHER_THEM;
	arm(timer, session, ours);
	timer->refreshes += again;
	int result = hl_message_add_header(response, "Require", "timer");
	if (!result)
		result = support_timer(response);
	return result ? result : set_session_expires(response, session, !ours);
}

static int leg_send(struct hl_module *self, struct hl_leg *leg, struct hl_message *message)
{
	struct leg_timer *timer = timer_of(self, leg);
	int status = hl_message_status(message);
	if (!is_session(message) || !hl_leg_party(leg)->session_timer)
		return HL_NEXT;
	if (hl_message_is_request(message))
		return dress_request(timer, leg, message);
	if (status == 422)
		return hl_message_set_number(message, "Min-SE",
					     (uint64_t)settings_of(timer)->min_se);
	if (status >= 200 && status < 300)
		return dress_answer(timer, leg, message);
	return HL_NEXT;
}

/* false: no session that long is worth the name, and the minimum is not kept. */
static bool read_min_se(struct leg_timer *timer, const struct hl_message *message)
{
	uint64_t minimum;
	if (hl_message_header_number(message, "Min-SE", &minimum) < 0)
		return true;
	if (minimum > SESSION_EXPIRES_CEILING)
		return false;
	if (minimum > timer->peer_min)
		timer->peer_min = (uint32_t)minimum;
	return true;
}

static int recv_request(struct leg_timer *timer, struct hl_leg *leg, struct hl_message *request)
{
	const char *value = hl_message_header(request, "Session-Expires", 0);
	timer->asked = (struct session_expires){0, REFRESHER_NONE};
	timer->asked_beyond = !read_min_se(timer, request);
	if (value && session_expires_parse(value, &timer->asked) < 0)
		return 400;
	if (timer->asked.seconds && timer->asked.seconds < settings_of(timer)->min_se &&
	    hl_leg_supports_timer(leg))
		return 422;
	return HL_NEXT;
}

static int recv_answer(struct leg_timer *timer, struct hl_leg *leg, struct hl_message *response)
{
	const char *value = hl_message_header(response, "Session-Expires", 0);
	struct session_expires granted;
	bool again = timer->active;

	if (value && session_expires_parse(value, &granted) == 0 && granted.seconds &&
	    granted.seconds <= SESSION_EXPIRES_CEILING) {
		bool ours = granted.refresher == REFRESHER_UAC;
		if (granted.refresher == REFRESHER_NONE)
			ours = !again || timer->ours;
		/* No session is shorter (RFC 4028 §4), and no call dies of a peer's arithmetic. */
		if (granted.seconds < SESSION_EXPIRES_FLOOR)
			granted.seconds = SESSION_EXPIRES_FLOOR;
		arm(timer, granted.seconds, ours);
		timer->refreshes += again;
	} else if (again) {
		limit(timer, leg);
	}
	return HL_NEXT;
}

/* 422 to a request of ours: once more with the peer's minimum, or without a timer if that is beyond
 * all sense, twice at most. */
static int recv_too_small(struct leg_timer *timer, const struct hl_message *response)
{
	uint32_t before = timer->peer_min;
	bool refused_before = timer->refused_beyond;
	if (!read_min_se(timer, response))
		timer->refused_beyond = true;
	if ((timer->peer_min == before && timer->refused_beyond == refused_before) ||
	    timer->raised == RAISES_MAX)
		return HL_NEXT;
	timer->raised++;
	return HL_DONE;
}

static int leg_recv(struct hl_module *self, struct hl_leg *leg, struct hl_message *message)
{
	struct leg_timer *timer = timer_of(self, leg);
	int status = hl_message_status(message);
	if (!is_session(message) || !hl_leg_party(leg)->session_timer)
		return HL_NEXT;
	if (hl_message_is_request(message))
		return recv_request(timer, leg, message);
	if (status == 422)
		return recv_too_small(timer, message);
	if (status >= 200)
		timer->raised = 0;
	if (status >= 200 && status < 300)
		return recv_answer(timer, leg, message);
	return HL_NEXT;
}

static const char *refresher_text(const struct leg_timer *timer)
{
	return timer->ours ? "switch" : "peer";
}

static void answered(struct hl_module *self, struct hl_call *call)
{
	for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
		struct hl_leg *leg = hl_call_leg(call, side);
		struct leg_timer *timer = timer_of(self, leg);
		if (!timer->active) {
			limit(timer, leg);
			continue;
		}
		hl_log(HL_LOG_INFO, "session-timer", "session-timer",
		       hl_str("call", hl_call_id(call)), hl_str("side", hl_side_text(side)),
		       hl_int("session_expires", timer->session), hl_int("min_se", timer->peer_min),
		       hl_str("refresher", refresher_text(timer)));
	}
}

static void leg_ended(struct hl_module *self, struct hl_leg *leg)
{
	stop(timer_of(self, leg));
}

/* "600 s, refresher switch", "none, limit 7200 s by default", "none, no limit by RULE" */
static void describe(const struct leg_timer *timer, char *text, size_t size)
{
	char *at = text, *end = text + size;
	if (timer->active) {
		at = put(hl_put_number(at, timer->session), end, " s, refresher ");
		put(at, end, refresher_text(timer));
		return;
	}
	at = put(at, end, timer->limit_seconds ? "none, limit " : "none, no limit");
	if (timer->limit_seconds)
		at = put(hl_put_number(at, (uint64_t)timer->limit_seconds), end, " s");
	put(put(at, end, " by "), end, timer->decided_by);
}

static void ended(struct hl_module *self, struct hl_call *call, struct hl_cdr *cdr)
{
	if (!hl_call_answered(call))
		return;
	struct leg_timer *caller = timer_of(self, hl_call_leg(call, HL_SIDE_CALLER));
	struct leg_timer *callee = timer_of(self, hl_call_leg(call, HL_SIDE_CALLEE));
	describe(caller, cdr->caller_timer, sizeof(cdr->caller_timer));
	describe(callee, cdr->callee_timer, sizeof(cdr->callee_timer));
	cdr->refreshes = caller->refreshes + callee->refreshes;
}

static void leg_json(struct hl_module *self, struct hl_leg *leg, struct hl_json *json)
{
	struct leg_timer *timer = timer_of(self, leg);
	struct hl_loop *loop = loop_of(timer);
	const struct hl_timer *next = timer->ours ? &timer->refresh : &timer->expiry;
	bool limited = hl_timer_running(&timer->limit);

	hl_json_key(json, "timer");
	hl_json_object(json);
	hl_json_put_boolean(json, "active", timer->active);
	hl_json_put_string(json, "refresher", timer->active ? refresher_text(timer) : NULL);
	if (timer->active) {
		hl_json_put_integer(json, "session_expires", timer->session);
		hl_json_put_string(json, "method", hl_method_text(refresh_method(timer, leg)));
		hl_json_put_number(json, "next_in", (double)hl_timer_remaining(loop, next) / 1000);
	} else {
		hl_json_put_null(json, "session_expires");
		hl_json_put_null(json, "method");
		hl_json_put_null(json, "next_in");
	}
	hl_json_put_integer(json, "min_se", timer->peer_min);
	hl_json_put_integer(json, "refreshes", timer->refreshes);
	hl_json_object_end(json);
	if (limited)
		hl_json_put_number(json, "limit_in",
				   (double)hl_timer_remaining(loop, &timer->limit) / 1000);
	else
		hl_json_put_null(json, "limit_in");
	hl_json_put_string(json, "limit_by", limited ? timer->decided_by : NULL);
}

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI,
	.name = "session-timer",
	.version = PACKAGE_VERSION,
	.summary = "session timers (RFC 4028) and the limit of calls without them",
	.parameters = session_timer_rows,
	.settings_size = sizeof(struct settings),
	.check = session_timer_check,
	.leg_space = sizeof(struct leg_timer),
	.stages =
		{
			.leg_send = leg_send,
			.leg_recv = leg_recv,
			.answered = answered,
			.leg_ended = leg_ended,
			.ended = ended,
			.leg_json = leg_json,
		},
};
