/* Sending: datagrams and CRLFs in one go for each socket, OPTIONS as transactions. */
#include "keepalive.h"

#include <stdio.h>

enum { PONG = 8 }; /* s: a CRLF not answered by then has failed; less than the shortest period */

static struct beat *beat_at(struct pacer_member *member)
{
	return hl_container_of(member, struct beat, member);
}

static void beat_sent(struct keepalive *keepalive, struct beat *beat)
{
	beat->last = hl_clock_now();
	beat->sent++;
	keepalive->sent++;
	beat->waiting = beat->profile->method == KEEPALIVE_OPTIONS ||
			beat->contact->flow.type != HL_TRANSPORT_UDP;
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
	char own[256], tag[17], call_id[33];
	struct hl_text from, to;

	hl_text_init(&from);
	hl_text_init(&to);
	hl_transport_contact(transport, &contact->flow, "", own, sizeof(own));
	hl_random_token(tag, sizeof(tag));
	hl_random_token(call_id, sizeof(call_id));
	hl_text_printf(&from, "%s;tag=%s", own, tag);
	hl_text_printf(&to, "<%s>", contact->uri);
	struct hl_message *request =
		hl_message_request(HL_METHOD_OPTIONS, contact->uri, hl_text_string(&from),
				   hl_text_string(&to), call_id, 1);
	if (request &&
	    (hl_message_add_header(request, "Contact", own) ||
	     (contact->path && hl_message_add_header(request, "Route", contact->path)))) {
		hl_message_free(request);
		request = NULL;
	}
	hl_text_fini(&from);
	hl_text_fini(&to);
	return request;
}

/* One at a time: while the last is still being repeated it serves as this one. */
static void options_send(struct keepalive *keepalive, struct beat *beat)
{
	struct hl_transaction_owner owner = {options_happened, keepalive, beat->contact->handle};
	struct hl_message *request = beat->waiting ? NULL : options_new(keepalive, beat->contact);

	if (request && !hl_transaction_start(hl_switch_transactions(keepalive->holdline),
					     &beat->contact->flow, request, owner, NULL))
		beat_sent(keepalive, beat);
}

/* Sends the members of a run without OPTIONS; returns how many were dealt with. */
static unsigned run_send(struct keepalive *keepalive, struct pacer_member *const *members,
			 unsigned count)
{
	struct hl_parcel parcels[PACER_CHUNK];

	for (unsigned i = 0; i < count; i++) {
		struct beat *beat = beat_at(members[i]);
		parcels[i].flow = &beat->contact->flow;
		parcels[i].bytes = (struct hl_slice){beat->profile->message, beat->profile->length};
		parcels[i].result = 0;
	}
	unsigned dealt =
		hl_transport_send_many(hl_switch_transport(keepalive->holdline), parcels, count);
	/* A connection that broke on the way takes its contacts along: look again who is there. */
	for (unsigned i = 0; i < dealt; i++)
		if (members[i] && !parcels[i].result)
			beat_sent(keepalive, beat_at(members[i]));
	return dealt;
}

/* Whether the member goes with a run of parcels; a ping that was never answered is counted first,
 * and may be the end of the contact. */
static bool goes_in_run(struct keepalive *keepalive, struct pacer_member *const *member)
{
	struct beat *beat = beat_at(*member);

	if (beat->profile->method == KEEPALIVE_OPTIONS)
		return false;
	if (beat->waiting && hl_clock_now() - beat->last >= PONG * HL_SECOND)
		beat_failed(keepalive, beat);
	return *member != NULL;
}

unsigned beats_send(void *arg, struct pacer_member *const *members, unsigned count)
{
	struct keepalive *keepalive = arg;
	unsigned from = 0;

	for (unsigned i = 0; i <= count; i++) {
		if (i < count && members[i] && goes_in_run(keepalive, &members[i]))
			continue;
		unsigned run = i - from;
		unsigned dealt = run ? run_send(keepalive, members + from, run) : 0;
		if (dealt < run)
			return from + dealt;
		if (i < count && members[i])
			options_send(keepalive, beat_at(members[i]));
		from = i + 1;
	}
	return count;
}
