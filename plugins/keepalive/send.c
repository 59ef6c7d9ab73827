/* Sending: datagrams and CRLFs in one go for each socket, OPTIONS as transactions. */
#include "keepalive.h"

#include <stdio.h>

static struct beat *beat_at(struct pacer_member *member)
{
	return hl_container_of(member, struct beat, member);
}

static void beat_sent(struct keepalive *keepalive, struct beat *beat, uint64_t now)
{
	beat->last = now;
	beat->sent++;
	keepalive->sent++;
}

/* An OPTIONS came to an end: any final answer is life (K12). */
static void options_happened(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
			     enum hl_transaction_event event, struct hl_message *message)
{
	struct keepalive *keepalive = arg;
	struct hl_contact *contact =
		hl_contact_get(hl_switch_endpoints(keepalive->holdline), handle);

	(void)transaction;
	if (!contact)
		return;
	if (event != HL_TRANSACTION_RESPONSE)
		beat_failed(keepalive, hl_module_contact(keepalive->self, contact));
	else if (hl_message_status(message) >= 200)
		beat_alive(keepalive, contact, true);
}

/* From the switch itself: with the user's own name some boxes take it for an attack. */
static struct hl_message *options_new(const struct keepalive *keepalive,
				      const struct hl_contact *contact)
{
	struct hl_transport *transport = hl_switch_transport(keepalive->holdline);
	char own[256], tag[17], call_id[33], *uri = hl_contact_request_uri(contact);
	struct hl_text from, to;

	if (!uri)
		return NULL;
	hl_text_init(&from);
	hl_text_init(&to);
	hl_transport_contact(transport, &contact->flow, "", own, sizeof(own));
	hl_random_token(tag, sizeof(tag));
	hl_random_token(call_id, sizeof(call_id));
	hl_text_printf(&from, "%s;tag=%s", own, tag);
	hl_text_printf(&to, "<%s>", uri);
	struct hl_message *request =
		hl_message_request(HL_METHOD_OPTIONS, uri, hl_text_string(&from),
				   hl_text_string(&to), call_id, 1);
	if (request &&
	    (hl_message_add_header(request, "Contact", own) ||
	     (contact->path && hl_message_add_header(request, "Route", contact->path)))) {
		hl_message_free(request);
		request = NULL;
	}
	hl_text_fini(&from);
	hl_text_fini(&to);
	hl_free(uri);
	return request;
}

/* One at a time: while the last is still being repeated it serves as this one. */
static enum pacer_result options_send(struct keepalive *keepalive, struct beat *beat)
{
	struct hl_transaction_owner owner = {options_happened, keepalive, beat->contact->handle};

	if (beat->waiting)
		return PACER_SENT;
	struct hl_message *request = options_new(keepalive, beat->contact);
	if (!request || hl_transaction_start(hl_switch_transactions(keepalive->holdline),
					     &beat->contact->flow, request, owner, NULL))
		return PACER_LOST;
	beat_sent(keepalive, beat, hl_clock_now());
	beat->waiting = true;
	return PACER_SENT;
}

/* The same: who owes a pong is not pinged again. */
static enum pacer_result stream_send(struct keepalive *keepalive, struct beat *beat)
{
	struct hl_slice ping = {beat->profile->message, beat->profile->length};

	if (beat->waiting)
		return PACER_SENT;
	if (hl_transport_post(hl_switch_transport(keepalive->holdline), &beat->contact->flow, ping))
		return PACER_LOST;
	beat_sent(keepalive, beat, hl_clock_now());
	pong_await(keepalive, beat);
	return PACER_SENT;
}

/* Datagrams that leave by one socket, in the order of their members. */
struct flight {
	struct hl_parcel parcels[PACER_CHUNK];
	uint16_t at[PACER_CHUNK]; /* each one's place among the members */
	unsigned count;
};

static void flight_send(struct keepalive *keepalive, struct flight *flight,
			struct pacer_member *const *members, enum pacer_result *results)
{
	struct outlet *outlet = outlet_get(&keepalive->outlets, flight->parcels[0].flow);
	uint64_t begun = hl_clock_real(), now = hl_clock_now();
	unsigned taken = hl_transport_send_many(hl_switch_transport(keepalive->holdline),
						flight->parcels, flight->count);
	bool again = !outlet || outlet_note(outlet, begun, flight->count, taken);

	for (unsigned i = 0; i < flight->count; i++) {
		struct pacer_member *member = members[flight->at[i]];
		enum pacer_result *result = &results[flight->at[i]];
		*result = again ? PACER_LEFT : PACER_LOST;
		if (i >= taken || !member)
			continue;
		*result = flight->parcels[i].result ? PACER_LOST : PACER_SENT;
		if (*result == PACER_SENT)
			beat_sent(keepalive, beat_at(member), now);
		else
			beat_refused(keepalive, beat_at(member));
	}
}

/* Takes those of `waiting` that leave by the socket of the first. Returns how many are left. */
static unsigned flight_gather(struct flight *flight, struct pacer_member *const *members,
			      uint16_t *waiting, unsigned count)
{
	unsigned left = 0;
	const struct hl_flow *first = NULL;

	flight->count = 0;
	for (unsigned i = 0; i < count; i++) {
		/* Gone with one that was sent before. */
		if (!members[waiting[i]])
			continue;
		const struct beat *beat = beat_at(members[waiting[i]]);
		const struct hl_flow *flow = &beat->contact->flow;
		if (!first)
			first = flow;
		if (flow->listener != first->listener) {
			waiting[left++] = waiting[i];
			continue;
		}
		flight->at[flight->count] = waiting[i];
		flight->parcels[flight->count++] = (struct hl_parcel){
			flow, {beat->profile->message, beat->profile->length}, 0};
	}
	return left;
}

void beats_send(void *arg, struct pacer_member *const *members, unsigned count,
		enum pacer_result *results)
{
	struct keepalive *keepalive = arg;
	struct flight flight;
	uint16_t waiting[PACER_CHUNK];
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++) {
		struct beat *beat = members[i] ? beat_at(members[i]) : NULL;
		results[i] = PACER_LOST;
		if (!beat)
			continue;
		if (beat->profile->method == KEEPALIVE_OPTIONS)
			results[i] = options_send(keepalive, beat);
		else if (beat->contact->flow.type != HL_TRANSPORT_UDP)
			results[i] = stream_send(keepalive, beat);
		else
			waiting[left++] = (uint16_t)i;
	}
	while (left) {
		left = flight_gather(&flight, members, waiting, left);
		if (flight.count)
			flight_send(keepalive, &flight, members, results);
	}
}
