/* Contacts by the flow their last REGISTER came by. Many may share one (a gateway that registers
 * all its users from one port): the latest stands in the hash, the others in a ring behind it. */
#include "base/clock.h"
#include "endpoint/table.h"

enum { SECOND = 1000 }; /* ms */

static bool flow_is(const struct hl_hash_node *node, const void *key)
{
	return hl_flow_equal(&hl_container_of(node, struct hl_contact, by_flow)->flow, key);
}

struct hl_contact *hl_contact_by_flow(struct hl_endpoints *table, const struct hl_flow *flow)
{
	struct hl_hash_node *node =
		hl_hash_find(&table->by_flow, hl_flow_hash(flow), flow_is, flow);

	return node ? hl_container_of(node, struct hl_contact, by_flow) : NULL;
}

/* Wraps after seven weeks; only differences count. */
static uint32_t milliseconds(uint64_t moment)
{
	return (uint32_t)(moment / HL_MILLISECOND);
}

/* Counts contacts by the UDP listener they came by. */
static void count_at_listener(struct hl_endpoints *table, const struct hl_flow *flow, int step)
{
	if (flow->type == HL_TRANSPORT_UDP && flow->listener < HL_LISTENERS_MAX)
		table->at_listener[flow->listener] += (uint32_t)step;
}

bool hl_contacts_over(struct hl_endpoints *table, const struct hl_flow *flow)
{
	if (flow->type != HL_TRANSPORT_UDP)
		return hl_contact_by_flow(table, flow) != NULL;
	return flow->listener < HL_LISTENERS_MAX && table->at_listener[flow->listener];
}

void hl_flow_join(struct hl_endpoints *table, struct hl_contact *contact)
{
	struct hl_contact_block *block = hl_contact_block(contact);
	struct hl_contact *leader = hl_contact_by_flow(table, &contact->flow);

	block->told = milliseconds(contact->heard);
	if (leader) {
		struct hl_contact_block *other = hl_contact_block(leader);
		hl_list_insert(&other->same_flow, &block->same_flow);
		block->told = other->told;
		other->leads = false;
		hl_hash_remove(&table->by_flow, &leader->by_flow);
	}
	block->leads = true;
	hl_hash_insert(&table->by_flow, &contact->by_flow, hl_flow_hash(&contact->flow));
	count_at_listener(table, &contact->flow, 1);
}

void hl_flow_leave(struct hl_endpoints *table, struct hl_contact *contact)
{
	struct hl_contact_block *block = hl_contact_block(contact);

	if (block->leads) {
		hl_hash_remove(&table->by_flow, &contact->by_flow);
		block->leads = false;
		if (!hl_list_empty(&block->same_flow)) {
			struct hl_contact_block *next = hl_list_entry(
				block->same_flow.next, struct hl_contact_block, same_flow);
			next->leads = true;
			next->told = block->told;
			hl_hash_insert(&table->by_flow, &next->contact.by_flow,
				       hl_flow_hash(&next->contact.flow));
		}
	}
	hl_list_remove(&block->same_flow);
	count_at_listener(table, &contact->flow, -1);
}

static void contact_heard(struct hl_endpoints *table, struct hl_contact *contact, uint64_t now)
{
	contact->heard = now;
	if (contact->reachable == 0)
		contact->reachable = 1;
	table->event(table->arg, HL_CONTACT_HEARD, contact);
}

void hl_contacts_heard(struct hl_endpoints *table, const struct hl_flow *flow)
{
	struct hl_contact *contact = hl_contact_by_flow(table, flow);
	uint64_t now = hl_clock_now();
	uint32_t moment = milliseconds(now);

	/* Once a second: ten thousand contacts behind one port must not make each packet cost that.
	 */
	if (!contact || moment - hl_contact_block(contact)->told < SECOND)
		return;
	struct hl_list *ring = &hl_contact_block(contact)->same_flow, *node, *next;
	hl_contact_block(contact)->told = moment;
	hl_list_each(node, next, ring) contact_heard(
		table, &hl_list_entry(node, struct hl_contact_block, same_flow)->contact, now);
	contact_heard(table, contact, now);
}

void hl_contacts_refused(struct hl_endpoints *table, const struct hl_flow *flow)
{
	struct hl_contact *contact = hl_contact_by_flow(table, flow);
	uint32_t moment = milliseconds(hl_clock_now());
	struct hl_list *node, *next;

	if (!contact)
		return;
	struct hl_contact_block *block = hl_contact_block(contact);
	/* Those behind one port are told once a second, and not when it has just been heard from.
	 */
	if (!hl_list_empty(&block->same_flow)) {
		if (moment - block->told < SECOND)
			return;
		block->told = moment;
	}
	hl_list_each(node, next, &block->same_flow)
	{
		block = hl_list_entry(node, struct hl_contact_block, same_flow);
		table->event(table->arg, HL_CONTACT_REFUSED, &block->contact);
	}
	table->event(table->arg, HL_CONTACT_REFUSED, contact);
}

void hl_contacts_disconnected(struct hl_endpoints *table, const struct hl_flow *flow)
{
	struct hl_contact *contact;

	while ((contact = hl_contact_by_flow(table, flow)))
		hl_contact_remove(table, contact, "disconnected");
}
