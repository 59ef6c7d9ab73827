/* Decisions: turns live things into the values policy scripts see, and asks. */
#include "run.h"

int hl_decide_keepalive(struct hl_switch *holdline, const struct hl_contact *contact,
			struct hl_keepalive_decision *decision)
{
	struct hl_endpoint_view view;
	if (!holdline->policy)
		return 0;
	hl_contact_view(contact, holdline->config, &view);
	return hl_policy_keepalive(holdline->policy, &view, decision);
}

int hl_decide_no_timer(struct hl_switch *holdline, const struct hl_leg *leg,
		       struct hl_no_timer_decision *decision)
{
	struct hl_call_view call_view;
	struct hl_leg_view leg_view;
	if (!holdline->policy)
		return 0;
	hl_call_view(hl_leg_call(leg), NULL, &call_view);
	hl_leg_view(leg, &leg_view);
	return hl_policy_no_timer(holdline->policy, &call_view, &leg_view, decision);
}

int hl_decide_media(struct hl_switch *holdline, const struct hl_call *call,
		    const struct hl_leg *callee, struct hl_media_decision *decision)
{
	struct hl_call_view view;
	if (!holdline->policy)
		return 0;
	hl_call_view(call, callee, &view);
	return hl_policy_media(holdline->policy, &view, decision);
}

bool hl_decides_register(const struct hl_switch *holdline)
{
	return hl_policy_has(holdline->policy, HL_POLICY_REGISTER);
}

int hl_decide_register(struct hl_switch *holdline, const struct hl_endpoint_view *endpoint,
		       struct hl_register_decision *decision)
{
	return holdline->policy ? hl_policy_register(holdline->policy, endpoint, decision) : 0;
}

int hl_decide_credentials(struct hl_switch *holdline, const char *user, const char *realm,
			  struct hl_credentials_decision *decision)
{
	return holdline->policy ? hl_policy_credentials(holdline->policy, user, realm, decision)
				: 0;
}
