/* `policy explain USER|CALL`: what the policy would decide now, and why, without doing any of it.
 */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LEGS = 2 };

struct asking {
	struct hl_switch *holdline;
	struct hl_policy *rehearsal; /* NULL: no script */
	struct hl_json *json;
	const char *user;
	unsigned found;
};

static const char *realm_of(const struct asking *asking)
{
	return asking->holdline->config->settings.realm;
}

static void explain_contact(struct asking *asking, const struct hl_contact *contact)
{
	struct hl_endpoint_view view;
	hl_contact_view(contact, asking->holdline->config, &view);
	hl_policy_explain_endpoint(asking->rehearsal, &view, realm_of(asking), asking->json);
	asking->found++;
}

/* Who is not registered is still known by its entry in the file. */
static void explain_account(struct asking *asking, const struct hl_account *account)
{
	struct hl_endpoint_view view = {.user = account->user,
					.contact = "",
					.transport = "udp",
					.nat = account->party.nat == HL_ON,
					.user_agent = "",
					.network = account->party.network,
					.settings = account->node};
	snprintf(view.aor, sizeof(view.aor), "%s@%s", account->user, realm_of(asking));
	hl_policy_explain_endpoint(asking->rehearsal, &view, realm_of(asking), asking->json);
	asking->found++;
}

struct two_legs {
	struct hl_leg_view views[LEGS];
	size_t count;
};

static void view_leg(void *arg, struct hl_leg *leg)
{
	struct two_legs *legs = arg;
	if (legs->count < LEGS)
		hl_leg_view(leg, &legs->views[legs->count++]);
}

static void explain_call(struct asking *asking, struct hl_call *call)
{
	struct two_legs legs = {.count = 0};
	struct hl_call_view view, routing;
	hl_call_view(call, NULL, &view);
	routing = view;
	/* Before it was routed there was nobody but the number. */
	routing.callee = (struct hl_party_view){
		.user = hl_call_number(call), .gateway = "", .network = "", .user_agent = ""};
	hl_legs_each(call, view_leg, &legs);
	hl_policy_explain_call(asking->rehearsal, &routing, &view, legs.views, legs.count,
			       asking->json);
	asking->found++;
}

static void explain_if_theirs(void *arg, struct hl_call *call)
{
	struct asking *asking = arg;
	struct hl_call_view view;
	hl_call_view(call, NULL, &view);
	if (!strcmp(view.caller.user, asking->user) || !strcmp(view.callee.user, asking->user))
		explain_call(asking, call);
}

static void explain_user(struct asking *asking)
{
	struct hl_switch *holdline = asking->holdline;
	struct hl_slice user = hl_slice_of(asking->user);
	const struct hl_account *account = hl_config_account(holdline->config, user);
	struct hl_endpoint *endpoint = hl_endpoint_find(holdline->endpoints, user);
	struct hl_list *node, *next;

	if (endpoint)
		hl_list_each(node, next, &endpoint->contacts)
			explain_contact(asking, hl_list_entry(node, struct hl_contact, node));
	else if (account)
		explain_account(asking, account);
	hl_calls_each(holdline->calls, explain_if_theirs, asking);
}

static int policy(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		  struct hl_error *error)
{
	const char *op = hl_argument(arguments, "op"), *user = hl_argument(arguments, "user");
	struct asking asking = {.holdline = arg, .json = result, .user = user};
	struct hl_call *call;

	if (!op || strcmp(op, "explain"))
		return hl_error_set(error, -EINVAL, "policy %s: explain is allowed", op ? op : "");
	if (!user)
		return hl_error_set(error, -EINVAL, "about whom? `policy explain USER` or a call");
	if (asking.holdline->policy &&
	    !(asking.rehearsal = hl_policy_rehearsal(asking.holdline->policy, error)))
		return -EINVAL;
	call = hl_calls_find(asking.holdline->calls, user);
	hl_json_array(result);
	if (call)
		explain_call(&asking, call);
	else
		explain_user(&asking);
	hl_json_array_end(result);
	hl_policy_free(asking.rehearsal);
	if (!asking.found)
		return hl_error_set(error, -ENOENT, "%s is no endpoint, and no call that is up",
				    user);
	return 0;
}

int hl_explain_register(struct hl_switch *holdline)
{
	const struct hl_command command = {.name = "policy",
					   .summary =
						   "what the policy decides: explain USER or CALL",
					   .run = policy,
					   .arg = holdline};
	return hl_commands_add(holdline->modules, &command);
}
