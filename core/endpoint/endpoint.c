/* The table of endpoints and their contacts (RFC 3261 §10.3, RFC 5626). An endpoint is there while
 * it has contacts; every change is told to one listener, in order. */
#include "endpoint/endpoint.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "endpoint/table.h"

#include <errno.h>

static bool user_is(const struct hl_hash_node *node, const void *key)
{
	const struct hl_slice *user = key;

	return hl_slice_equal(
		*user, hl_slice_of(hl_container_of(node, struct hl_endpoint, by_user)->user));
}

static void contact_expired(void *arg, struct hl_deadline *deadline)
{
	hl_contact_remove(arg, hl_container_of(deadline, struct hl_contact, expiry), "expired");
}

struct hl_endpoints *hl_endpoints_new(struct hl_loop *loop, size_t space, hl_endpoints_event *event,
				      void *arg)
{
	struct hl_endpoints *table = hl_zalloc(sizeof(*table));

	if (!table)
		return NULL;
	table->space = space;
	table->event = event;
	table->arg = arg;
	table->realm = hl_strdup("");
	hl_handles_init(&table->handles);
	if (!table->realm || hl_hash_init(&table->by_user))
		goto no_users;
	if (hl_hash_init(&table->by_flow))
		goto no_flows;
	if (hl_hash_init(&table->agents))
		goto no_agents;
	hl_deadlines_init(&table->expiry, loop, contact_expired, table);
	return table;
no_agents:
	hl_hash_fini(&table->by_flow);
no_flows:
	hl_hash_fini(&table->by_user);
no_users:
	hl_handles_fini(&table->handles);
	hl_free(table->realm);
	hl_free(table);
	return NULL;
}

static void endpoint_free(struct hl_endpoints *table, struct hl_endpoint *endpoint)
{
	hl_hash_remove(&table->by_user, &endpoint->by_user);
	hl_free(endpoint->aor);
	hl_free(endpoint);
}

/* Takes a contact out of everything and frees it, and its endpoint with the last one. */
static void contact_drop(struct hl_endpoints *table, struct hl_contact *contact)
{
	struct hl_endpoint *endpoint = contact->endpoint;

	hl_flow_leave(table, contact);
	hl_deadline_clear(&table->expiry, &contact->expiry);
	hl_handle_release(&table->handles, contact->handle);
	hl_agent_unref(table, contact->user_agent);
	hl_list_remove(&contact->node);
	hl_contact_free(contact);
	table->contact_count--;
	if (--endpoint->contact_count == 0)
		endpoint_free(table, endpoint);
}

static void contact_drop_silently(void *arg, struct hl_contact *contact)
{
	contact_drop(arg, contact);
}

void hl_endpoints_free(struct hl_endpoints *table)
{
	if (!table)
		return;
	hl_contacts_each(table, contact_drop_silently, table);
	hl_deadlines_fini(&table->expiry);
	hl_hash_fini(&table->agents);
	hl_hash_fini(&table->by_flow);
	hl_hash_fini(&table->by_user);
	hl_handles_fini(&table->handles);
	hl_free(table->realm);
	hl_free(table);
}

/* "user@realm"; NULL when memory is out. */
static char *aor_make(const char *user, const char *realm)
{
	size_t user_length = strlen(user), realm_length = strlen(realm);
	char *aor = hl_alloc(user_length + 1 + realm_length + 1);

	if (!aor)
		return NULL;
	memcpy(aor, user, user_length);
	aor[user_length] = '@';
	memcpy(aor + user_length + 1, realm, realm_length + 1);
	return aor;
}

static void endpoint_rename(struct hl_hash_node *node, void *arg)
{
	struct hl_endpoint *endpoint = hl_container_of(node, struct hl_endpoint, by_user);
	char *aor = aor_make(endpoint->user, arg);

	if (!aor)
		return;
	hl_free(endpoint->aor);
	endpoint->aor = aor;
}

void hl_endpoints_set_realm(struct hl_endpoints *table, const char *realm)
{
	char *copy = strcmp(table->realm, realm) ? hl_strdup(realm) : NULL;

	if (!copy)
		return;
	hl_free(table->realm);
	table->realm = copy;
	hl_hash_each(&table->by_user, endpoint_rename, copy);
}

struct hl_endpoint *hl_endpoint_find(struct hl_endpoints *table, struct hl_slice user)
{
	struct hl_hash_node *node = hl_hash_find(
		&table->by_user, hl_hash_bytes(user.data, user.length), user_is, &user);

	return node ? hl_container_of(node, struct hl_endpoint, by_user) : NULL;
}

size_t hl_endpoints_count(const struct hl_endpoints *table)
{
	return table->by_user.count;
}

size_t hl_contacts_count(const struct hl_endpoints *table)
{
	return table->contact_count;
}

struct visit {
	void (*visit)(void *arg, struct hl_contact *contact);
	void *arg;
};

static void endpoint_visit(struct hl_hash_node *node, void *arg)
{
	struct hl_endpoint *endpoint = hl_container_of(node, struct hl_endpoint, by_user);
	const struct visit *visit = arg;
	struct hl_list *next, *at = endpoint->contacts.next;

	/* The endpoint goes with its last contact, and its list's head with it. */
	for (bool more = true; more; at = next) {
		next = at->next;
		more = next != &endpoint->contacts;
		visit->visit(visit->arg, hl_list_entry(at, struct hl_contact, node));
	}
}

void hl_contacts_each(struct hl_endpoints *table,
		      void (*visit)(void *arg, struct hl_contact *contact), void *arg)
{
	struct visit each = {visit, arg};

	hl_hash_each(&table->by_user, endpoint_visit, &each);
}

struct hl_contact *hl_contact_get(struct hl_endpoints *table, struct hl_handle handle)
{
	return hl_handle_get(&table->handles, handle);
}

/* The URI of a binding, parsed when it is first needed. */
struct wanted {
	struct hl_slice text, instance;
	unsigned reg_id;
	struct hl_uri uri;
	bool parsed, valid;
};

static bool uri_is(const struct hl_contact *contact, struct wanted *wanted)
{
	struct hl_uri uri;

	if (hl_slice_equal(wanted->text, hl_slice_of(contact->uri)))
		return true;
	if (!wanted->parsed) {
		wanted->parsed = true;
		wanted->valid = !hl_uri_parse(wanted->text, &wanted->uri);
	}
	return wanted->valid && !hl_uri_parse(hl_slice_of(contact->uri), &uri) &&
	       hl_uri_equal(&wanted->uri, &uri);
}

/* Two devices that both say who they are differ even with equal URIs: 192.168.1.10 is everywhere.
 */
static bool contact_is(const struct hl_contact *contact, struct wanted *wanted)
{
	if (contact->instance && wanted->instance.length)
		return contact->reg_id == wanted->reg_id &&
		       hl_slice_equal_nocase(wanted->instance, hl_slice_of(contact->instance));
	return uri_is(contact, wanted);
}

struct hl_contact *hl_contact_match(struct hl_endpoints *table, struct hl_slice user,
				    struct hl_slice uri, struct hl_slice instance, unsigned reg_id)
{
	struct hl_endpoint *endpoint = hl_endpoint_find(table, user);
	struct wanted wanted = {.text = uri, .instance = instance, .reg_id = reg_id};
	struct hl_list *node, *next;

	if (!endpoint)
		return NULL;
	hl_list_each(node, next, &endpoint->contacts)
	{
		struct hl_contact *contact = hl_list_entry(node, struct hl_contact, node);
		if (contact_is(contact, &wanted))
			return contact;
	}
	return NULL;
}

struct hl_contact *hl_endpoint_spare(const struct hl_endpoint *endpoint)
{
	struct hl_contact *spare = NULL;
	struct hl_list *node, *next;

	hl_list_each(node, next, &endpoint->contacts)
	{
		struct hl_contact *contact = hl_list_entry(node, struct hl_contact, node);
		bool dead = contact->reachable == 0, spare_dead = spare && spare->reachable == 0;
		if (!spare || (dead && !spare_dead) ||
		    (dead == spare_dead && contact->refreshed < spare->refreshed))
			spare = contact;
	}
	return spare;
}

/* The endpoint of that user, made if need be; NULL when memory is out. */
static struct hl_endpoint *endpoint_get(struct hl_endpoints *table, struct hl_slice user)
{
	struct hl_endpoint *endpoint = hl_endpoint_find(table, user);

	if (endpoint)
		return endpoint;
	endpoint = hl_zalloc(sizeof(*endpoint) + user.length + 1);
	if (!endpoint)
		return NULL;
	endpoint->user = (char *)(endpoint + 1);
	if (user.length)
		memcpy(endpoint->user, user.data, user.length);
	endpoint->aor = aor_make(endpoint->user, table->realm);
	if (!endpoint->aor) {
		hl_free(endpoint);
		return NULL;
	}
	hl_list_init(&endpoint->contacts);
	hl_hash_insert(&table->by_user, &endpoint->by_user, hl_hash_bytes(user.data, user.length));
	return endpoint;
}

static struct hl_contact *contact_add(struct hl_endpoints *table, const struct hl_binding *binding,
				      const char *agent)
{
	struct hl_contact *contact = hl_contact_new(table, binding);
	struct hl_endpoint *endpoint = contact ? endpoint_get(table, binding->user) : NULL;

	if (!endpoint || hl_handle_new(&table->handles, contact, &contact->handle)) {
		if (endpoint && endpoint->contact_count == 0)
			endpoint_free(table, endpoint);
		if (contact)
			hl_contact_free(contact);
		return NULL;
	}
	contact->endpoint = endpoint;
	contact->user_agent = agent;
	contact->registered = hl_clock_now();
	hl_list_append(&endpoint->contacts, &contact->node);
	endpoint->contact_count++;
	table->contact_count++;
	return contact;
}

/* What each REGISTER sets anew. */
static void contact_update(struct hl_endpoints *table, struct hl_contact *contact,
			   const struct hl_binding *binding)
{
	uint64_t now = hl_clock_now();

	contact->refreshed = contact->heard = now;
	contact->expires = now + binding->expires * HL_SECOND;
	contact->cseq = binding->cseq;
	contact->reg_id = binding->reg_id;
	contact->q = (int16_t)binding->q;
	if (contact->reachable == 0)
		contact->reachable = 1; /* it has just spoken */
	contact->nat = binding->nat;
	contact->nat_reason = binding->nat_reason;
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

int hl_contact_bind(struct hl_endpoints *table, const struct hl_binding *binding,
		    struct hl_contact **contact)
{
	struct hl_contact *bound = hl_contact_match(table, binding->user, binding->uri,
						    binding->instance, binding->reg_id);
	const char *agent = hl_agent_ref(table, binding->user_agent);
	enum hl_contact_event event = HL_CONTACT_ADDED;
	int result = -ENOMEM;

	if (!agent)
		return -ENOMEM;
	if (bound) {
		if (hl_contact_rename(table, bound, binding))
			goto out;
		const char *old = bound->user_agent;
		bound->user_agent = agent;
		agent = old;
		contact_update(table, bound, binding);
		event = contact_reroute(table, bound, binding->flow);
	} else {
		bound = contact_add(table, binding, agent);
		if (!bound)
			goto out;
		agent = NULL;
		bound->flow = *binding->flow;
		contact_update(table, bound, binding);
		hl_flow_join(table, bound);
	}
	*contact = bound;
	result = 0;
	table->event(table->arg, event, bound);
out:
	if (agent)
		hl_agent_unref(table, agent);
	return result;
}

void hl_contact_remove(struct hl_endpoints *table, struct hl_contact *contact, const char *why)
{
	char received[HL_ADDRESS_TEXT];

	hl_log(HL_LOG_INFO, "endpoint", why, hl_str("aor", hl_contact_aor(contact)),
	       hl_str("user", hl_contact_user(contact)), hl_str("contact", contact->uri),
	       hl_str("received", hl_address_host(&contact->flow.remote, received)),
	       hl_int("received_port", contact->flow.remote.port));
	table->event(table->arg, HL_CONTACT_REMOVED, contact);
	contact_drop(table, contact);
}
