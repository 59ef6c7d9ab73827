/* Routing: from the called number to targets. The policy decides, else the default holds: an
 * endpoint's user part rings its contacts; a number goes to the gateways whose prefix it begins
 * with, longest first; anything else is 404. */
#include "base/log.h"
#include "call/private.h"

#include <errno.h>
#include <stdio.h>

enum { TARGETS_MAX = 64 };

static struct hl_target *add_target(struct hl_call *call, int kind, unsigned group)
{
	if (call->target_count == TARGETS_MAX)
		return NULL;
	struct hl_target *targets =
		hl_realloc(call->targets, (call->target_count + 1) * sizeof(*targets));
	if (!targets)
		return NULL;
	call->targets = targets;
	struct hl_target *target = &targets[call->target_count++];
	*target = (struct hl_target){.kind = kind, .group = group};
	return target;
}

static int add_contacts(struct hl_call *call, struct hl_slice user, unsigned group)
{
	struct hl_endpoint *endpoint = hl_endpoint_find(call->calls->parts.endpoints, user);
	struct hl_list *node, *next;
	if (!endpoint)
		return -ENOENT;
	hl_list_each(node, next, &endpoint->contacts)
	{
		struct hl_contact *contact = hl_list_entry(node, struct hl_contact, node);
		/* A device with several flows rings once (RFC 5626 §5.3). */
		if (hl_contact_superseded(contact))
			continue;
		struct hl_target *target = add_target(call, HL_TARGET_CONTACT, group);
		if (!target)
			return -ENOMEM;
		target->contact = contact->handle;
		target->uri = hl_strdup(contact->uri);
		if (!target->uri)
			return -ENOMEM;
	}
	return 0;
}

static int add_gateway(struct hl_call *call, const struct hl_gateway *gateway, unsigned group)
{
	struct hl_target *target = add_target(call, HL_TARGET_GATEWAY, group);
	struct hl_text uri;
	char host[HL_ADDRESS_TEXT];
	if (!target)
		return -ENOMEM;
	hl_text_init(&uri);
	hl_text_printf(&uri, "sip:%s@%s", call->number, hl_address_format(&gateway->address, host));
	if (gateway->transport == HL_TRANSPORT_TCP)
		hl_text_put(&uri, ";transport=tcp");
	target->gateway = gateway;
	target->uri = hl_text_take(&uri);
	return target->uri ? 0 : -ENOMEM;
}

static int add_uri(struct hl_call *call, struct hl_slice text, unsigned group)
{
	struct hl_uri uri;
	struct hl_address address;
	if (hl_uri_parse(text, &uri) < 0 || hl_address_parse(uri.host, &address) < 0)
		return -EINVAL;
	struct hl_target *target = add_target(call, HL_TARGET_URI, group);
	if (!target)
		return -ENOMEM;
	target->uri = hl_slice_copy(text);
	return target->uri ? 0 : -ENOMEM;
}

/* One "kind:rest" of a policy's list. */
static int add_named(struct hl_call *call, struct hl_slice text, unsigned group)
{
	struct hl_slice rest = text;
	struct hl_slice kind = hl_slice_cut(&rest, ':');
	if (hl_slice_equal(kind, HL_SLICE_LITERAL("user"))) {
		/* A user who is known and has no contact is nobody to ring, not a mistake. */
		int result = add_contacts(call, rest, group);
		return result == -ENOENT && hl_config_account(call->config, rest) ? 0 : result;
	}
	if (hl_slice_equal(kind, HL_SLICE_LITERAL("gateway"))) {
		const struct hl_gateway *gateway = hl_config_gateway(call->config, rest);
		return gateway ? add_gateway(call, gateway, group) : -ENOENT;
	}
	return add_uri(call, text, group);
}

void hl_call_drop_targets(struct hl_call *call)
{
	for (unsigned i = 0; i < call->target_count; i++)
		hl_free(call->targets[i].uri);
	hl_free(call->targets);
	call->targets = NULL;
	call->target_count = 0;
}

/* What the policy wants. 0: targets stand; 1: it left the choice to the default; else refused. */
static int route_by_policy(struct hl_call *call, int *code, char phrase[128])
{
	struct hl_calls_parts *parts = &call->calls->parts;
	struct hl_route_decision decision; /* large: read only when it was made */
	if (!parts->hooks->decide_route(parts->arg, call, &decision))
		return 1;
	hl_free(call->route_rule);
	call->route_rule = hl_strdup(decision.rule);
	if (decision.reject) {
		*code = decision.reject;
		snprintf(phrase, 128, "%s", decision.reason);
		return -EACCES;
	}
	for (unsigned i = 0; i < decision.count; i++) {
		struct hl_slice text = hl_slice_of(decision.targets[i].text);
		int result = add_named(call, text, decision.targets[i].group);
		if (result < 0) {
			hl_log(HL_LOG_WARN, "policy", "route-target", hl_str("call", call->id),
			       hl_str("rule", decision.rule), hl_sl("target", text),
			       hl_str("error",
				      "no such user, gateway or address: default routing"));
			hl_call_drop_targets(call);
			return 1;
		}
	}
	*code = decision.count ? 480 : 404;
	return call->target_count ? 0 : -ENOENT;
}

/* Gateways whose prefix fits, longest prefix first, each a group of its own. */
static int route_to_gateways(struct hl_call *call)
{
	struct hl_list *node, *next;
	size_t number_length = strlen(call->number);
	unsigned group = 0;
	for (size_t length = number_length + 1; length-- > 0;) {
		hl_list_each(node, next, &call->config->gateways)
		{
			struct hl_gateway *gateway = hl_list_entry(node, struct hl_gateway, node);
			if (strlen(gateway->prefix) != length ||
			    strncmp(gateway->prefix, call->number, length) != 0)
				continue;
			if (add_gateway(call, gateway, group++) < 0)
				return -ENOMEM;
		}
	}
	return group ? 0 : -ENOENT;
}

static int route_by_default(struct hl_call *call, int *code)
{
	struct hl_slice number = hl_slice_of(call->number);
	*code = 404;
	if (!number.length)
		return -ENOENT;
	int result = add_contacts(call, number, 0);
	if (result == -ENOENT && hl_config_account(call->config, number)) {
		*code = 480;
		return result;
	}
	if (result == -ENOENT)
		result = route_to_gateways(call);
	*code = result == -ENOMEM ? 500 : 404;
	return result;
}

int hl_call_route(struct hl_call *call, int *code, char phrase[128])
{
	phrase[0] = '\0';
	int result = route_by_policy(call, code, phrase);
	if (result == 1)
		result = route_by_default(call, code);
	return result;
}
