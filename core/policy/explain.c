/* What a policy would decide, said for people: one object for each decision, {about, decision,
 * answer, rule, line, failed}. Asked of a rehearsal, so that nothing comes of it. */
#include "policy/host.h"

#include <inttypes.h>

static const char as_configured[] = "as configured";

/* `answer` is read only when the script decided. */
static void put(struct hl_policy *policy, const char *about, enum hl_policy_function function,
		bool decided, const char *rule, const struct hl_text *answer, struct hl_json *json)
{
	bool asked = hl_policy_has(policy, function);
	bool failed = asked && *policy->failure;

	hl_json_object(json);
	hl_json_put_string(json, "about", about);
	hl_json_put_string(json, "decision", hl_policy_names[function]);
	hl_json_put_string(json, "answer", decided ? hl_text_string(answer) : as_configured);
	hl_json_put_string(json, "rule", decided ? rule : "default");
	hl_json_put_string(json, "line", asked && *policy->line ? policy->line : NULL);
	hl_json_put_string(json, "failed", failed ? policy->failure : NULL);
	hl_json_object_end(json);
}

static void say_keepalive(const struct hl_keepalive_decision *decision, struct hl_text *answer)
{
	if (decision->off) {
		hl_text_put(answer, "no heartbeat");
		return;
	}
	if (decision->message_set)
		hl_json_quote(answer,
			      (struct hl_slice){decision->message, decision->message_length});
	else
		hl_text_put(answer, "the configured message");
	if (decision->period)
		hl_text_printf(answer, " each %" PRId64 " s", decision->period);
	if (decision->method)
		hl_text_printf(answer, " by %s", decision->method);
}

static void explain_keepalive(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
			      struct hl_json *json)
{
	struct hl_keepalive_decision decision;
	struct hl_text answer;
	bool decided = hl_policy_keepalive(policy, endpoint, &decision);

	hl_text_init(&answer);
	if (decided)
		say_keepalive(&decision, &answer);
	put(policy, endpoint->aor, HL_POLICY_KEEPALIVE, decided, decision.rule, &answer, json);
	hl_text_fini(&answer);
}

static void say_reject(int code, const char *reason, struct hl_text *answer)
{
	hl_text_printf(answer, "refused with %d%s%s", code, *reason ? " " : "", reason);
}

/* Their names: what they say may be secret. */
static void say_headers(const char *headers, struct hl_text *answer)
{
	struct hl_slice rest = hl_slice_of(headers);

	for (bool first = true; rest.length; first = false) {
		struct hl_slice line = hl_slice_cut(&rest, '\n');

		hl_text_put(answer, first ? ", with " : ", ");
		hl_text_slice(answer, hl_slice_cut(&line, ':'));
	}
}

static void explain_register(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
			     struct hl_json *json)
{
	struct hl_register_decision decision;
	struct hl_text answer;
	bool decided = hl_policy_register(policy, endpoint, &decision);

	hl_text_init(&answer);
	if (decided && decision.reject)
		say_reject(decision.reject, decision.reason, &answer);
	else if (decided && decision.expires)
		hl_text_printf(&answer, "expires after %" PRId64 " s", decision.expires);
	else
		hl_text_put(&answer, as_configured);
	if (decided)
		say_headers(decision.headers, &answer);
	put(policy, endpoint->aor, HL_POLICY_REGISTER, decided, decision.rule, &answer, json);
	hl_text_fini(&answer);
}

/* The password itself is nobody's to see. */
static void explain_credentials(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
				const char *realm, struct hl_json *json)
{
	struct hl_credentials_decision decision;
	struct hl_text answer;
	bool decided = hl_policy_credentials(policy, endpoint->user, realm, &decision);

	hl_text_init(&answer);
	if (decided)
		hl_text_printf(&answer, "%s (not shown)",
			       *decision.password ? "a password" : decision.algorithm);
	put(policy, endpoint->aor, HL_POLICY_CREDENTIALS, decided, "policy", &answer, json);
	hl_text_fini(&answer);
}

void hl_policy_explain_endpoint(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
				const char *realm, struct hl_json *json)
{
	explain_credentials(policy, endpoint, realm, json);
	explain_register(policy, endpoint, json);
	explain_keepalive(policy, endpoint, json);
}

/* "user:1002, then gateway:a with gateway:b" */
static void say_route(const struct hl_route_decision *decision, struct hl_text *answer)
{
	if (decision->reject)
		say_reject(decision->reject, decision->reason, answer);
	else if (!decision->count)
		hl_text_put(answer, "nobody (404)");
	for (unsigned i = 0; i < decision->count && !decision->reject; i++) {
		if (i)
			hl_text_put(answer,
				    decision->targets[i].group == decision->targets[i - 1].group
					    ? " with "
					    : ", then ");
		hl_text_put(answer, decision->targets[i].text);
	}
}

static void explain_no_timer(struct hl_policy *policy, const struct hl_call_view *call,
			     const struct hl_leg_view *leg, struct hl_json *json)
{
	struct hl_no_timer_decision decision;
	struct hl_text answer, about;
	bool decided = hl_policy_no_timer(policy, call, leg, &decision);

	hl_text_init(&answer);
	hl_text_init(&about);
	hl_text_printf(&about, "%s %s", call->id, leg->side);
	if (decided && !decision.max_duration)
		hl_text_put(&answer, "no limit");
	else if (decided && decision.max_duration > 0)
		hl_text_printf(&answer, "%" PRId64 " s, then %s", decision.max_duration,
			       decision.probe ? "probe" : "hang up");
	else if (decided)
		hl_text_printf(&answer, "the configured limit, then %s",
			       decision.probe ? "probe" : "hang up");
	put(policy, hl_text_string(&about), HL_POLICY_NO_TIMER, decided, decision.rule, &answer,
	    json);
	hl_text_fini(&answer);
	hl_text_fini(&about);
}

void hl_policy_explain_call(struct hl_policy *policy, const struct hl_call_view *routing,
			    const struct hl_call_view *call, const struct hl_leg_view *legs,
			    size_t count, struct hl_json *json)
{
	struct hl_route_decision route;
	struct hl_media_decision media;
	struct hl_text answer;
	bool decided = hl_policy_route(policy, routing, &route);

	hl_text_init(&answer);
	if (decided)
		say_route(&route, &answer);
	put(policy, call->id, HL_POLICY_ROUTE, decided, route.rule, &answer, json);
	hl_text_clear(&answer);
	decided = hl_policy_media(policy, call, &media);
	if (decided)
		hl_text_put(&answer, media.on ? "relayed" : "direct");
	put(policy, call->id, HL_POLICY_MEDIA, decided, media.rule, &answer, json);
	hl_text_fini(&answer);
	for (size_t i = 0; i < count; i++)
		explain_no_timer(policy, call, &legs[i], json);
}
