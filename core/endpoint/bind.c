/* Binding: which contact a REGISTER means, and all of its bindings taken over at once (RFC 3261
 * §10.3, RFC 5626 §6). Whatever may fail is done first; from then on nothing can. */
#include "base/clock.h"
#include "base/memory.h"
#include "endpoint/table.h"

#include <errno.h>

/* The URI of a binding, parsed when it is first needed. */
struct wanted {
	const struct hl_binding *binding;
	struct hl_uri uri;
	bool parsed, valid;
};

static bool uri_is(struct hl_slice text, struct wanted *wanted)
{
	struct hl_uri uri;

	if (hl_slice_equal(wanted->binding->uri, text))
		return true;
	if (!wanted->parsed) {
		wanted->parsed = true;
		wanted->valid = !hl_uri_parse(wanted->binding->uri, &wanted->uri);
	}
	return wanted->valid && !hl_uri_parse(text, &uri) && hl_uri_equal(&wanted->uri, &uri);
}

/* Two devices that both say who they are differ even with equal URIs: 192.168.1.10 is everywhere.
 */
static bool is_meant(struct hl_slice uri, struct hl_slice instance, unsigned reg_id,
		     struct wanted *wanted)
{
	const struct hl_binding *binding = wanted->binding;

	if (instance.length && binding->instance.length)
		return reg_id == binding->reg_id &&
		       hl_slice_equal_nocase(binding->instance, instance);
	return uri_is(uri, wanted);
}

struct hl_contact *hl_contact_match(struct hl_endpoints *table, const struct hl_binding *binding)
{
	struct hl_endpoint *endpoint = hl_endpoint_find(table, binding->user);
	struct wanted wanted = {.binding = binding};
	struct hl_list *node, *next;

	if (!endpoint)
		return NULL;
	hl_list_each(node, next, &endpoint->contacts)
	{
		struct hl_contact *contact = hl_list_entry(node, struct hl_contact, node);
		if (is_meant(hl_slice_of(contact->uri), hl_slice_of(contact->instance),
			     contact->reg_id, &wanted))
			return contact;
	}
	return NULL;
}

bool hl_binding_same(const struct hl_binding *a, const struct hl_binding *b)
{
	struct wanted wanted = {.binding = b};

	return is_meant(a->uri, a->instance, a->reg_id, &wanted);
}

static uint64_t call_id_hash(const char *call_id)
{
	return hl_hash_bytes(call_id, strlen(call_id));
}

bool hl_contact_same_call_id(const struct hl_contact *contact, const char *call_id)
{
	return contact->call_id == call_id_hash(call_id);
}

/* All that one binding needs, in hand before any is touched. */
struct draft {
	const char *agent;	    /* with a reference */
	struct hl_contact *contact; /* NULL, or the new one with its handle */
	char *text;		    /* for the strings of the old one; NULL: they fit */
};

/* The endpoint of that user, made if need be; NULL when memory is out. */
static struct hl_endpoint *endpoint_get(struct hl_endpoints *table, struct hl_slice user)
{
	struct hl_endpoint *endpoint = hl_endpoint_find(table, user);

	if (endpoint)
		return endpoint;
	endpoint = hl_pool_alloc(&table->pool, hl_endpoint_size(user.length));
	if (!endpoint)
		return NULL;
	if (user.length)
		memcpy(endpoint->user, user.data, user.length);
	endpoint->table = table;
	hl_list_init(&endpoint->contacts);
	hl_hash_insert(&table->by_user, &endpoint->by_user, hl_hash_bytes(user.data, user.length));
	return endpoint;
}

static void draft_drop(struct hl_endpoints *table, struct draft *draft)
{
	if (draft->contact) {
		hl_handle_release(&table->handles, draft->contact->handle);
		hl_contact_free(table, draft->contact);
	}
	hl_free(draft->text);
	if (draft->agent)
		hl_agent_unref(table, draft->agent);
}

/* 0 or -ENOMEM; the draft is to be dropped either way if it is not used. */
static int draft_make(struct hl_endpoints *table, const struct hl_binding *binding,
		      struct draft *draft)
{
	struct hl_contact *contact;

	*draft = (struct draft){.agent = hl_agent_ref(table, binding->user_agent)};
	if (!draft->agent)
		return -ENOMEM;
	if (binding->contact)
		return hl_contact_text(binding->contact, binding, &draft->text);
	contact = hl_contact_new(table, binding);
	if (!contact)
		return -ENOMEM;
	if (hl_handle_new(&table->handles, contact, &contact->handle)) {
		hl_contact_free(table, contact);
		return -ENOMEM;
	}
	draft->contact = contact;
	return 0;
}

/* What each REGISTER sets anew. */
static void contact_update(struct hl_endpoints *table, struct hl_contact *contact,
			   const struct hl_binding *binding)
{
	uint64_t now = hl_clock_now();

	contact->refreshed = contact->heard = now;
	contact->expires = now + binding->expires * HL_SECOND;
	contact->call_id = call_id_hash(binding->call_id);
	contact->cseq = binding->cseq;
	contact->reg_id = binding->reg_id;
	contact->q = (int16_t)binding->q;
	if (contact->reachable == 0)
		contact->reachable = 1; /* it has just spoken */
	contact->nat = binding->nat.nat;
	contact->nat_reason = (uint8_t)binding->nat.reason;
	hl_deadline_set(&table->expiry, &contact->expiry, contact->expires);
}

static enum hl_contact_event contact_reroute(struct hl_endpoints *table, struct hl_contact *contact,
					     const struct hl_flow *flow)
{
	if (hl_flow_equal(&contact->flow, flow))
		return HL_CONTACT_REFRESHED;
	hl_flow_leave(table, contact);
	contact->flow = *flow;
	hl_flow_join(table, contact);
	/* What was measured was the old way. */
	contact->reachable = -1;
	contact->rtt_us = 0;
	return HL_CONTACT_MOVED;
}

static void contact_refresh(struct hl_endpoints *table, const struct hl_binding *binding,
			    const struct draft *draft)
{
	struct hl_contact *contact = binding->contact;

	hl_agent_unref(table, contact->user_agent);
	contact->user_agent = draft->agent;
	hl_contact_rename(table, contact, binding, draft->text);
	contact_update(table, contact, binding);
	table->event(table->arg, contact_reroute(table, contact, binding->flow), contact);
}

static void contact_add(struct hl_endpoints *table, struct hl_endpoint *endpoint,
			struct hl_binding *binding, const struct draft *draft)
{
	struct hl_contact *contact = binding->contact = draft->contact;

	contact->endpoint = endpoint;
	contact->user_agent = draft->agent;
	contact->flow = *binding->flow;
	hl_list_append(&endpoint->contacts, &contact->node);
	endpoint->contact_count++;
	table->contact_count++;
	contact_update(table, contact, binding);
	hl_flow_join(table, contact);
	table->event(table->arg, HL_CONTACT_ADDED, contact);
}

int hl_contacts_bind(struct hl_endpoints *table, struct hl_binding *bindings, unsigned count)
{
	struct draft drafts[HL_BINDINGS];
	struct hl_endpoint *endpoint;
	unsigned made = 0;
	int result = 0;

	if (!count || count > HL_BINDINGS)
		return count ? -E2BIG : 0;
	while (made < count && !result) {
		result = draft_make(table, &bindings[made], &drafts[made]);
		made++;
	}
	endpoint = result ? NULL : endpoint_get(table, bindings->user);
	if (!endpoint) {
		while (made)
			draft_drop(table, &drafts[--made]);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < count; i++)
		if (bindings[i].contact)
			contact_refresh(table, &bindings[i], &drafts[i]);
		else
			contact_add(table, endpoint, &bindings[i], &drafts[i]);
	return 0;
}

int hl_contact_bind(struct hl_endpoints *table, const struct hl_binding *binding,
		    struct hl_contact **contact)
{
	struct hl_binding one = *binding;
	int result;

	one.contact = hl_contact_match(table, binding);
	result = hl_contacts_bind(table, &one, 1);
	if (!result)
		*contact = one.contact;
	return result;
}
