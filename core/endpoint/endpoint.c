/* The table of endpoints and their contacts (RFC 3261 §10.3, RFC 5626). An endpoint is there while
 * it has contacts; every change is told to one listener, in order. */
#include "endpoint/endpoint.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "endpoint/table.h"

#include <errno.h>
#include <strings.h>

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
	hl_pool_init(&table->pool);
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

void hl_endpoint_free(struct hl_endpoints *table, struct hl_endpoint *endpoint)
{
	hl_hash_remove(&table->by_user, &endpoint->by_user);
	hl_pool_free(&table->pool, endpoint, hl_endpoint_size(strlen(endpoint->user)));
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
	hl_contact_free(table, contact);
	table->contact_count--;
	if (--endpoint->contact_count == 0)
		hl_endpoint_free(table, endpoint);
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
	hl_pool_fini(&table->pool);
	hl_free(table->realm);
	hl_free(table);
}

void hl_endpoints_set_realm(struct hl_endpoints *table, const char *realm)
{
	char *copy = strcmp(table->realm, realm) ? hl_strdup(realm) : NULL;

	if (!copy)
		return;
	hl_free(table->realm);
	table->realm = copy;
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

void hl_contact_remove(struct hl_endpoints *table, struct hl_contact *contact, const char *why)
{
	char received[HL_ADDRESS_TEXT], aor[HL_AOR_TEXT];

	hl_log(HL_LOG_INFO, "endpoint", why, hl_str("aor", hl_contact_aor(contact, aor)),
	       hl_str("user", hl_contact_user(contact)), hl_str("contact", contact->uri),
	       hl_str("received", hl_address_host(&contact->flow.remote, received)),
	       hl_int("received_port", contact->flow.remote.port));
	table->event(table->arg, HL_CONTACT_REMOVED, contact);
	contact_drop(table, contact);
}

bool hl_contact_superseded(const struct hl_contact *contact)
{
	struct hl_list *node, *next;

	if (!contact->instance || !contact->reg_id)
		return false;
	hl_list_each(node, next, &contact->endpoint->contacts)
	{
		const struct hl_contact *other = hl_list_entry(node, struct hl_contact, node);
		bool same = other != contact && other->instance && other->reg_id &&
			    !strcasecmp(other->instance, contact->instance);
		if (same && other->reachable != 0 &&
		    (contact->reachable == 0 || other->refreshed > contact->refreshed))
			return true;
	}
	return false;
}
