/* Routing: from the called number to targets. The policy decides, else the default holds: an
 * endpoint's user part rings its contacts; a number goes to the gateways whose prefix it begins
 * with, longest first, drawn by weight among equals; anything else is 404. Gateways that do not
 * answer are called when all others failed. */
#include "base/log.h"
#include "base/random.h"
#include "call/private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum {
	TARGETS_MAX = 64,
	LAST_RESORT = 1u << 16, /* added to the group of what does not answer */
};

struct hl_target *hl_call_add_target(struct hl_call *call, int kind, unsigned group)
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
		struct hl_target *target =
			hl_call_add_target(call, HL_TARGET_CONTACT, group * HL_SERVERS_MAX);
		if (!target)
			return -ENOMEM;
		target->contact = contact->handle;
		target->uri = hl_contact_request_uri(contact);
		if (!target->uri)
			return -ENOMEM;
	}
	return 0;
}

/* The Request-URI of a gateway: as its address is written (RFC 3263 §4 needs the name there). */
static char *gateway_uri(const struct hl_call *call, const struct hl_gateway *gateway)
{
	struct hl_text uri;
	hl_text_init(&uri);
	hl_text_printf(&uri, "sip:%s@%s", call->number, gateway->host);
	if (gateway->port || gateway->address.family)
		hl_text_printf(&uri, ":%u", gateway->port ? gateway->port : gateway->address.port);
	if (gateway->transport != HL_TRANSPORT_UDP)
		hl_text_printf(&uri, ";transport=%s",
			       hl_transport_name((enum hl_transport_type)gateway->transport));
	return hl_text_take(&uri);
}

/* One target for each of its servers: a group of its own each, so that they are called in turn. A
 * gateway without any is a target that fails at once. */
static int add_gateway(struct hl_call *call, const struct hl_gateway *gateway, unsigned group)
{
	struct hl_trunks *trunks = call->calls->parts.trunks;
	struct hl_server servers[HL_SERVERS_MAX];
	const char *fault = NULL;
	size_t count = hl_trunk_servers(trunks, gateway, servers, &fault);
	unsigned first = group * HL_SERVERS_MAX;
	if (!hl_trunk_reachable(trunks, gateway))
		first += LAST_RESORT;
	for (unsigned i = 0; i < (count ? count : 1); i++) {
		struct hl_target *target = hl_call_add_target(call, HL_TARGET_GATEWAY, first + i);
		if (!target)
			return -ENOMEM;
		target->gateway = gateway;
		target->fault = count ? NULL : fault;
		if (count)
			target->address = servers[i].address;
		target->uri = gateway_uri(call, gateway);
		if (!target->uri)
			return -ENOMEM;
	}
	return 0;
}

void hl_call_sort_targets(struct hl_call *call)
{
	for (unsigned i = 1; i < call->target_count; i++) {
		struct hl_target target = call->targets[i];
		unsigned place = i;
		for (; place && call->targets[place - 1].group > target.group; place--)
			call->targets[place] = call->targets[place - 1];
		call->targets[place] = target;
	}
}

int hl_target_place(struct hl_slice text, struct hl_address *address)
{
	enum hl_transport_type type;
	struct hl_address place;
	struct hl_uri uri;
	uint16_t port;
	if (hl_uri_parse(text, &uri) < 0 || !uri.host.length ||
	    hl_transport_of_uri(&uri, &type, &port) < 0)
		return -EINVAL;
	if (hl_address_parse(uri.host, &place) < 0)
		return 0;
	place.port = port;
	*address = place;
	return 1;
}

static int add_uri(struct hl_call *call, struct hl_slice text, unsigned group)
{
	struct hl_address address = {0};
	int result = hl_target_place(text, &address);
	if (result < 0)
		return result;
	struct hl_target *target = hl_call_add_target(call, HL_TARGET_URI, group * HL_SERVERS_MAX);
	if (!target)
		return -ENOMEM;
	target->address = address;
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
	call->follow = decision.follow;
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

enum { CANDIDATES_MAX = 32 }; /* gateways a number may go to; more fail over to nobody */

struct candidate {
	const struct hl_gateway *gateway;
	size_t length; /* of its prefix */
	uint64_t rank; /* among equals: lower is called first */
};

/* A rank that makes a draw without replacement in proportion to the weights: −ln(u)/weight, the
 * time of the first event at that rate. Weight 0 comes behind all others. */
static uint64_t draw_rank(int64_t weight)
{
	double u = ((double)hl_random_below(1u << 30) + 1) / ((1u << 30) + 1.0);
	return weight ? (uint64_t)(-log(u) / (double)weight * (1u << 30)) : UINT64_MAX;
}

static bool before(const struct candidate *a, const struct candidate *b)
{
	return a->length != b->length ? a->length > b->length : a->rank < b->rank;
}

/* Gateways whose prefix fits, the longest first, in the order they are to be called. */
static size_t find_gateways(const struct hl_call *call, struct candidate list[CANDIDATES_MAX])
{
	const struct hl_list *gateways = &call->config->gateways;
	size_t count = 0;
	for (const struct hl_list *node = gateways->next; node != gateways; node = node->next) {
		const struct hl_gateway *gateway =
			hl_list_entry(node, const struct hl_gateway, node);
		struct candidate candidate = {gateway, strlen(gateway->prefix), 0};
		if (strncmp(gateway->prefix, call->number, candidate.length) != 0)
			continue;
		candidate.rank = draw_rank(gateway->weight);
		size_t place = count < CANDIDATES_MAX ? count++ : CANDIDATES_MAX;
		for (; place && before(&candidate, &list[place - 1]); place--)
			if (place < CANDIDATES_MAX)
				list[place] = list[place - 1];
		if (place < CANDIDATES_MAX)
			list[place] = candidate;
	}
	return count;
}

static int route_to_gateways(struct hl_call *call)
{
	struct candidate list[CANDIDATES_MAX];
	size_t count = find_gateways(call, list);
	for (unsigned i = 0; i < count; i++)
		/* What there is no room for any more would have been called last. */
		if (add_gateway(call, list[i].gateway, i) < 0)
			return call->target_count ? 0 : -ENOMEM;
	return count ? 0 : -ENOENT;
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
