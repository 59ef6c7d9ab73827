/* The functions of a policy, as the rest of the switch asks them. */
#include "policy/policy.h"

#include "policy/host.h"

/* Asks the script; `decision` (with the default in it) is written only when it decided. */
static int decide(struct hl_policy *policy, struct hl_invocation *invocation, void *taken,
		  void *decision, size_t size)
{
	if (!hl_policy_has(policy, invocation->function))
		return 0;
	memset(taken, 0, size);
	invocation->push = hl_views_push;
	invocation->decision = taken;
	if (!hl_policy_call(policy, invocation))
		return 0;
	memcpy(decision, taken, size);
	return 1;
}

int hl_policy_keepalive(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
			struct hl_keepalive_decision *decision)
{
	struct hl_keepalive_decision taken;
	struct hl_invocation invocation = {.function = HL_POLICY_KEEPALIVE,
					   .subject = endpoint->aor,
					   .take = hl_take_keepalive,
					   .rule = taken.rule,
					   .endpoint = endpoint};

	return decide(policy, &invocation, &taken, decision, sizeof(taken));
}

int hl_policy_no_timer(struct hl_policy *policy, const struct hl_call_view *call,
		       const struct hl_leg_view *leg, struct hl_no_timer_decision *decision)
{
	struct hl_no_timer_decision taken;
	struct hl_invocation invocation = {.function = HL_POLICY_NO_TIMER,
					   .subject = call->id,
					   .take = hl_take_no_timer,
					   .rule = taken.rule,
					   .call = call,
					   .leg = leg};

	return decide(policy, &invocation, &taken, decision, sizeof(taken));
}

int hl_policy_media(struct hl_policy *policy, const struct hl_call_view *call,
		    struct hl_media_decision *decision)
{
	struct hl_media_decision taken;
	struct hl_invocation invocation = {.function = HL_POLICY_MEDIA,
					   .subject = call->id,
					   .take = hl_take_media,
					   .rule = taken.rule,
					   .call = call};

	return decide(policy, &invocation, &taken, decision, sizeof(taken));
}

int hl_policy_register(struct hl_policy *policy, const struct hl_endpoint_view *endpoint,
		       struct hl_register_decision *decision)
{
	struct hl_register_decision taken;
	struct hl_invocation invocation = {.function = HL_POLICY_REGISTER,
					   .subject = endpoint->aor,
					   .take = hl_take_register,
					   .rule = taken.rule,
					   .endpoint = endpoint};

	return decide(policy, &invocation, &taken, decision, sizeof(taken));
}

int hl_policy_credentials(struct hl_policy *policy, const char *user, const char *realm,
			  struct hl_credentials_decision *decision)
{
	struct hl_credentials_decision taken;
	struct hl_invocation invocation = {.function = HL_POLICY_CREDENTIALS,
					   .subject = user,
					   .take = hl_take_credentials,
					   .user = user,
					   .realm = realm};

	return decide(policy, &invocation, &taken, decision, sizeof(taken));
}

int hl_policy_route(struct hl_policy *policy, const struct hl_call_view *call,
		    struct hl_route_decision *decision)
{
	struct hl_route_decision taken;
	struct hl_invocation invocation = {.function = HL_POLICY_ROUTE,
					   .subject = call->id,
					   .take = hl_take_route,
					   .rule = taken.rule,
					   .call = call};

	return decide(policy, &invocation, &taken, decision, sizeof(taken));
}

void hl_policy_answered(struct hl_policy *policy, const struct hl_call_view *call)
{
	struct hl_invocation invocation = {.function = HL_POLICY_ANSWERED,
					   .subject = call->id,
					   .push = hl_views_push,
					   .call = call};

	hl_policy_call(policy, &invocation);
}

void hl_policy_ended(struct hl_policy *policy, const struct hl_cdr *cdr)
{
	struct hl_invocation invocation = {
		.function = HL_POLICY_ENDED, .subject = cdr->id, .push = hl_views_push, .cdr = cdr};

	hl_policy_call(policy, &invocation);
}
