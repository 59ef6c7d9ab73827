/* Legs: the dialogs of the back-to-back user agent (RFC 3261 §12), each with its own tags, Call-ID,
 * CSeq, route set and way to the peer. Nothing of one leg shows on the other. */
#include "base/log.h"
#include "base/random.h"
#include "call/private.h"

#include <errno.h>
#include <stdio.h>

#define ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, MESSAGE, REFER, NOTIFY"
#define PRODUCT "Holdline/" PACKAGE_VERSION

enum {
	SPACE_ALIGNMENT = 16,
	BYE_GAP = 16 /* CSeqs that a forgotten leg may have used for PRACK, UPDATE, INFO */
};

static const struct hl_party party_default = {.session_timer = true, .network = ""};

static size_t leg_size(void)
{
	return (sizeof(struct hl_leg) + SPACE_ALIGNMENT - 1) & ~(size_t)(SPACE_ALIGNMENT - 1);
}

struct hl_leg *hl_leg_new(struct hl_call *call, enum hl_side side)
{
	struct hl_calls *calls = call->calls;
	struct hl_leg *leg = hl_zalloc(leg_size() + calls->parts.leg_space);
	if (!leg)
		return NULL;
	hl_list_init(&leg->node);
	hl_list_init(&leg->exchanges);
	hl_text_init(&leg->sdp);
	leg->call = call;
	leg->side = side;
	if (side == HL_SIDE_CALLEE)
		leg->fork = ++call->forks;
	leg->network = "";
	leg->party = &party_default;
	leg->heard = hl_clock_now();
	hl_random_token(leg->local_tag, 17);
	if (hl_handle_new(&calls->leg_handles, leg, &leg->handle) < 0) {
		hl_free(leg);
		return NULL;
	}
	return leg;
}

/* The gateway may have another call in its place. */
static void leave_seat(struct hl_leg *leg)
{
	hl_trunk_leave(leg->call->calls->parts.trunks, leg->seat);
	leg->seat = HL_HANDLE_NONE;
}

void hl_leg_free(struct hl_leg *leg)
{
	struct hl_calls *calls = leg->call->calls;
	leave_seat(leg);
	hl_leg_forget_credentials(leg);
	hl_exchanges_orphan(leg);
	hl_leg_leave_answer(leg);
	hl_leg_uncount(leg);
	hl_reliable_end(leg);
	if (leg->by_tag.hash)
		hl_hash_remove(&calls->legs, &leg->by_tag);
	hl_handle_release(&calls->leg_handles, leg->handle);
	hl_list_remove(&leg->node);
	hl_text_fini(&leg->sdp);
	hl_free(leg->remote_tag);
	hl_free(leg->call_id);
	hl_free(leg->local);
	hl_free(leg->remote);
	hl_free(leg->target);
	hl_free(leg->routes);
	hl_free(leg->user);
	hl_free(leg->user_agent);
	hl_free(leg->allow);
	hl_free(leg);
}

char *hl_address_of(const char *value)
{
	struct hl_slice rest = hl_slice_of(value);
	const char *closed = strrchr(value, '>');
	/* Behind the brackets, or, without them, behind the first ';', there are only parameters.
	 */
	rest.length = closed ? (size_t)(closed + 1 - value) : strcspn(value, ";");
	return hl_slice_copy(hl_slice_trim(rest));
}

/* Replaces an owned string when there is something to replace it by. */
static int keep(char **field, struct hl_slice value)
{
	if (*field && hl_slice_equal(hl_slice_of(*field), value))
		return 0;
	char *copy = hl_slice_copy(value);
	if (!copy)
		return -ENOMEM;
	hl_free(*field);
	*field = copy;
	return 0;
}

static int keep_header(char **field, const struct hl_message *message, const char *name)
{
	const char *value = hl_message_header(message, name, 0);
	if (!value || !hl_message_header(message, name, 1))
		return value ? keep(field, hl_slice_of(value)) : 0;
	struct hl_text list;
	hl_text_init(&list);
	for (unsigned i = 0; (value = hl_message_header(message, name, i)); i++) {
		hl_text_put(&list, i ? ", " : "");
		hl_text_put(&list, value);
	}
	int result = list.failed ? -ENOMEM
				 : keep(field, (struct hl_slice){list.data, list.length});
	hl_text_fini(&list);
	return result;
}

/* The route set: Record-Route in order for the callee of a dialog, reversed for its caller
 * (RFC 3261 §12.1). */
static int keep_routes(struct hl_leg *leg, const struct hl_message *message)
{
	struct hl_text routes;
	hl_text_init(&routes);
	unsigned count = 0;
	while (hl_message_header(message, "Record-Route", count))
		count++;
	for (unsigned i = 0; i < count; i++) {
		unsigned index = leg->side == HL_SIDE_CALLER ? i : count - 1 - i;
		hl_text_printf(&routes, "%s%s", i ? ", " : "",
			       hl_message_header(message, "Record-Route", index));
	}
	int result = routes.failed ? -ENOMEM : 0;
	if (!result && count)
		result = keep(&leg->routes, (struct hl_slice){routes.data, routes.length});
	hl_text_fini(&routes);
	return result;
}

/* Where a gateway's dialog goes next: the first route, or the target, when that is an address. An
 * endpoint is reached by the flow it came by and by no other. */
static void follow_target(struct hl_leg *leg)
{
	struct hl_uri uri;
	struct hl_slice next = hl_slice_of(leg->target);
	if (!leg->gateway || leg->party->nat == HL_ON || leg->flow.type != HL_TRANSPORT_UDP)
		return;
	if (leg->routes) {
		next = hl_slice_of(leg->routes);
		hl_slice_cut(&next, '<');
		next = hl_slice_cut(&next, '>');
	}
	struct hl_address address;
	if (hl_uri_parse(next, &uri) < 0 || hl_address_parse(uri.host, &address) < 0 ||
	    address.family != leg->flow.remote.family)
		return;
	address.port = uri.port ? (uint16_t)uri.port : 5060;
	leg->flow.remote = address;
}

/* The remote target (RFC 3261 §12.2.1.1). One that is no place to send to changes nothing. */
static int keep_target(struct hl_leg *leg, struct hl_slice contact)
{
	struct hl_uri uri;
	if (leg->target && hl_slice_equal(hl_slice_of(leg->target), contact))
		return 0;
	if (hl_uri_parse(contact, &uri) < 0 || !uri.host.length)
		return 0;
	int result = keep(&leg->target, contact);
	if (!result)
		follow_target(leg);
	return result;
}

int hl_leg_learn(struct hl_leg *leg, const struct hl_message *message)
{
	bool request = hl_message_is_request(message);
	enum hl_method method = hl_message_method(message);
	struct hl_slice contact;
	int result = 0;

	leg->heard = hl_clock_now();
	const char *tag = request ? hl_message_from_tag(message) : hl_message_to_tag(message);
	/* A peer of RFC 2543 may have no tag: that is one, too (RFC 3261 §12.1.2). */
	if ((*tag || !leg->remote_tag) && leg->state != HL_LEG_CONFIRMED &&
	    hl_message_status(message) < 300) {
		result = keep(&leg->remote_tag, hl_slice_of(tag));
		if (!result)
			result = keep_routes(leg, message);
	}
	if (!result && (method == HL_METHOD_INVITE || method == HL_METHOD_UPDATE) &&
	    hl_message_contact_uri(message, 0, &contact))
		result = keep_target(leg, contact);
	if (!result)
		result = keep_header(&leg->allow, message, "Allow");
	if (!result)
		result = keep_header(&leg->user_agent, message, request ? "User-Agent" : "Server");
	if (hl_message_header(message, "Supported", 0))
		leg->timer = hl_message_lists(message, "Supported", "timer");
	if (hl_message_lists(message, "Require", "timer"))
		leg->timer = true;
	return result;
}

int hl_leg_dress(struct hl_leg *leg, struct hl_message *message)
{
	bool request = hl_message_is_request(message);
	enum hl_method method = hl_message_method(message);
	int status = hl_message_status(message);
	bool session = method == HL_METHOD_INVITE || method == HL_METHOD_UPDATE;
	int result =
		hl_message_add_constant(message, request ? "User-Agent" : "Server", PRODUCT);

	if (!result && method != HL_METHOD_BYE && method != HL_METHOD_CANCEL &&
	    method != HL_METHOD_ACK && (request || (status > 100 && status < 300))) {
		char contact[256];
		hl_transport_contact(leg->call->calls->parts.transport, &leg->flow,
				     hl_leg_contact_user(leg), contact, sizeof(contact));
		result = hl_message_add_header(message, "Contact", contact);
	}
	if (!result && ((session && (request || (status > 100 && status < 300))) || status == 405))
		result = hl_message_add_constant(message, "Allow", ALLOW);
	if (!result && method == HL_METHOD_INVITE && (request || status / 100 == 2))
		result = hl_message_add_constant(message, "Supported", "replaces");
	return result;
}

/* A device that has registered from elsewhere since we heard from it (its NAT gave it another port,
 * it changed networks) is reached where it registered. */
static void follow_contact(struct hl_leg *leg)
{
	struct hl_contact *contact =
		hl_contact_get(leg->call->calls->parts.endpoints, leg->contact);
	if (contact && contact->refreshed > leg->heard)
		leg->flow = contact->flow;
}

/* Makes a From or To: who it is, with the tag, if there is one. */
static void put_party(struct hl_text *text, const char *who, const char *tag)
{
	hl_text_clear(text);
	hl_text_put(text, who);
	if (!tag || !*tag)
		return;
	hl_text_put(text, ";tag=");
	hl_text_put(text, tag);
}

struct hl_message *hl_leg_request(struct hl_leg *leg, enum hl_method method, uint32_t cseq)
{
	follow_contact(leg);
	struct hl_text *from = &leg->call->calls->from, *to = &leg->call->calls->to;
	put_party(from, leg->local, leg->local_tag);
	put_party(to, leg->remote, leg->remote_tag);
	struct hl_message *request = NULL;
	if (!from->failed && !to->failed)
		request = hl_message_request(method, leg->target, hl_text_string(from),
					     hl_text_string(to), leg->call_id,
					     cseq ? cseq : ++leg->local_cseq);
	if (request && ((leg->routes && hl_message_add_header(request, "Route", leg->routes) < 0) ||
			hl_leg_dress(leg, request) < 0 || hl_leg_authorize(leg, request) < 0)) {
		hl_message_free(request);
		return NULL;
	}
	return request;
}

struct hl_message *hl_leg_response(struct hl_leg *leg, const struct hl_message *request, int code,
				   const char *reason)
{
	struct hl_message *response = hl_message_response(request, code, reason, leg->local_tag);
	if (response && hl_leg_dress(leg, response) < 0) {
		hl_message_free(response);
		return NULL;
	}
	return response;
}

int hl_leg_respond(struct hl_leg *leg, struct hl_transaction *transaction,
		   struct hl_message *response)
{
	struct hl_calls_parts *parts = &leg->call->calls->parts;
	if (!response)
		return -ENOMEM;
	parts->hooks->leg_send(parts->arg, leg, response);
	hl_ladder_note(leg, HL_WAY_OUT, response);
	return hl_transaction_respond(transaction, response);
}

int hl_leg_start(struct hl_leg *leg, struct hl_message *request, struct hl_transaction_owner owner,
		 struct hl_handle *transaction)
{
	struct hl_calls_parts *parts = &leg->call->calls->parts;
	if (!request)
		return -ENOMEM;
	if (leg->state == HL_LEG_INVITED && leg->side == HL_SIDE_CALLEE &&
	    hl_leg_identify(leg, request) < 0) {
		hl_message_free(request);
		return -ENOMEM;
	}
	parts->hooks->leg_send(parts->arg, leg, request);
	hl_ladder_note(leg, HL_WAY_OUT, request);
	return hl_transaction_start(parts->transactions, &leg->flow, request, owner, transaction);
}

int hl_leg_repeat(struct hl_leg *leg, const struct hl_transaction *failed,
		  struct hl_transaction_owner owner, struct hl_handle *transaction)
{
	const struct hl_message *before = hl_transaction_request(failed);
	struct hl_message *request = hl_leg_request(leg, hl_message_method(before), 0);
	struct hl_slice body = hl_message_body(before);
	int result = request ? 0 : -ENOMEM;
	if (!result)
		result = hl_message_set_header(request, "Max-Forwards",
					       hl_message_header(before, "Max-Forwards", 0));
	if (!result)
		result = hl_session_copy_headers(leg, before, request);
	if (!result && body.length)
		result = hl_message_set_body(request, hl_message_content_type(before), body);
	if (result < 0) {
		hl_message_free(request);
		return result;
	}
	return hl_leg_start(leg, request, owner, transaction);
}

void hl_leg_ack(struct hl_leg *leg, uint32_t cseq)
{
	struct hl_message *ack = hl_leg_request(leg, HL_METHOD_ACK, cseq);
	struct hl_slice sdp = {leg->sdp.data, leg->sdp.length};
	if (ack && cseq == leg->ack_answer && sdp.length &&
	    hl_message_set_body(ack, "application/sdp", sdp) < 0) {
		hl_message_free(ack);
		ack = NULL;
	}
	/* A lost ACK is asked for again by the peer's next 2xx. */
	if (ack)
		hl_leg_send_ack(leg, ack);
}

void hl_leg_send_ack(struct hl_leg *leg, struct hl_message *ack)
{
	hl_ladder_note(leg, HL_WAY_OUT, ack);
	hl_transactions_send(leg->call->calls->parts.transactions, &leg->flow, ack);
}

/* For requests whose fate changes nothing: BYE at the end of a dialog. */
static void ignore(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
		   enum hl_transaction_event event, struct hl_message *message)
{
	(void)arg, (void)handle, (void)transaction, (void)event, (void)message;
}

void hl_leg_bye(struct hl_leg *leg, const char *reason)
{
	struct hl_message *bye = hl_leg_request(leg, HL_METHOD_BYE, 0);
	if (bye && reason)
		hl_message_set_header(bye, "Reason", reason);
	struct hl_transaction_owner nobody = {.happened = ignore};
	int result = hl_leg_start(leg, bye, nobody, NULL);
	hl_log(result < 0 ? HL_LOG_WARN : HL_LOG_DEBUG, "leg", "bye", hl_str("call", leg->call->id),
	       hl_str("side", hl_side_text(leg->side)), hl_int("result", result));
}

void hl_leg_end(struct hl_leg *leg, const char *reason)
{
	struct hl_transactions *transactions = leg->call->calls->parts.transactions;
	struct hl_transaction *invite = hl_transaction_get(transactions, leg->invite);
	bool confirmed = leg->state == HL_LEG_CONFIRMED;

	leave_seat(leg);
	hl_exchanges_refuse(leg);
	hl_leg_uncount(leg);
	hl_reliable_end(leg);
	if (leg->state == HL_LEG_ENDED)
		return;
	leg->state = HL_LEG_ENDED;
	if (!confirmed) {
		if (leg->side == HL_SIDE_CALLEE && invite) {
			hl_ladder_put(leg, HL_WAY_OUT, HL_METHOD_CANCEL, 0, leg->local_cseq, false);
			hl_transaction_cancel(invite, reason);
		}
		return;
	}
	if (leg->due_ack) {
		hl_leg_ack(leg, leg->due_ack);
		leg->due_ack = 0;
	}
	if (leg->side == HL_SIDE_CALLER && leg->ack_cseq && leg->call->state == HL_CALL_ENDED &&
	    hl_transaction_get(transactions, leg->invite))
		leg->bye_due = true;
	else
		hl_leg_bye(leg, reason);
}

/* A bare request of the dialog that `response` speaks of, for a leg that is forgotten. */
static struct hl_message *request_of(const struct hl_message *invite,
				     const struct hl_message *response, enum hl_method method,
				     uint32_t cseq)
{
	struct hl_message *request = NULL;
	struct hl_slice contact;
	char *target = NULL;
	if (hl_message_contact_uri(response, 0, &contact) && contact.length)
		target = hl_slice_copy(contact);
	if (!target && invite)
		target = hl_strdup(hl_message_request_uri(invite));
	if (!target)
		return NULL;
	request = hl_message_request(method, target, hl_message_from(response),
				     hl_message_to(response), hl_message_call_id(response), cseq);
	hl_free(target);
	return request;
}

void hl_leg_decline_answer(struct hl_calls *calls, struct hl_transaction *transaction,
			   const struct hl_message *response)
{
	struct hl_message *bye = request_of(hl_transaction_request(transaction), response,
					    HL_METHOD_BYE, hl_message_cseq(response) + BYE_GAP);
	hl_leg_ack_late(calls, transaction, response);
	if (bye)
		hl_transaction_start(calls->parts.transactions, hl_transaction_flow(transaction),
				     bye, (struct hl_transaction_owner){.happened = ignore}, NULL);
}

void hl_leg_ack_late(struct hl_calls *calls, struct hl_transaction *transaction,
		     const struct hl_message *response)
{
	struct hl_transactions *transactions = calls->parts.transactions;
	const struct hl_message *invite = hl_transaction_request(transaction);
	const struct hl_flow *flow = hl_transaction_flow(transaction);
	uint32_t cseq = hl_message_cseq(response);
	struct hl_message *ack = request_of(invite, response, HL_METHOD_ACK, cseq);
	if (ack)
		hl_transactions_send(transactions, flow, ack);
}

/* What plugins may ask. */

struct hl_call *hl_leg_call(const struct hl_leg *leg)
{
	return leg->call;
}

enum hl_side hl_leg_side(const struct hl_leg *leg)
{
	return leg->side;
}

const char *hl_side_text(enum hl_side side)
{
	return side == HL_SIDE_CALLER ? "caller" : "callee";
}

struct hl_handle hl_leg_handle(const struct hl_leg *leg)
{
	return leg->handle;
}

struct hl_leg *hl_leg_get(struct hl_calls *calls, struct hl_handle handle)
{
	return hl_handle_get(&calls->leg_handles, handle);
}

struct hl_leg *hl_leg_peer(const struct hl_leg *leg)
{
	return leg->side == HL_SIDE_CALLEE ? leg->call->caller : leg->call->callee;
}

struct hl_leg *hl_leg_opposite(const struct hl_leg *leg)
{
	struct hl_leg *peer = hl_leg_peer(leg);
	return peer ? peer : leg->call->early;
}

bool hl_leg_confirmed(const struct hl_leg *leg)
{
	return leg->state == HL_LEG_CONFIRMED;
}

const struct hl_flow *hl_leg_flow(const struct hl_leg *leg)
{
	return &leg->flow;
}

const char *hl_leg_user(const struct hl_leg *leg)
{
	return leg->user ? leg->user : "";
}

const char *hl_leg_gateway(const struct hl_leg *leg)
{
	return leg->gateway ? leg->gateway->name : "";
}

const char *hl_leg_network(const struct hl_leg *leg)
{
	return leg->network;
}

bool hl_leg_nat(const struct hl_leg *leg)
{
	return leg->nat;
}

const char *hl_leg_user_agent(const struct hl_leg *leg)
{
	return leg->user_agent ? leg->user_agent : "";
}

const struct hl_party *hl_leg_party(const struct hl_leg *leg)
{
	return leg->party;
}

bool hl_leg_allows(const struct hl_leg *leg, enum hl_method method)
{
	struct hl_slice rest = hl_slice_of(leg->allow ? leg->allow : "");
	struct hl_slice wanted = hl_slice_of(hl_method_text(method));
	while (rest.length)
		if (hl_slice_equal_nocase(hl_slice_trim(hl_slice_cut(&rest, ',')), wanted))
			return true;
	return false;
}

bool hl_leg_supports_timer(const struct hl_leg *leg)
{
	return leg->timer;
}

void hl_leg_view(const struct hl_leg *leg, struct hl_leg_view *view)
{
	view->side = hl_side_text(leg->side);
	view->user_agent = hl_leg_user_agent(leg);
	view->allow = leg->allow ? leg->allow : "";
}

void *hl_leg_space(struct hl_leg *leg, size_t offset)
{
	return (char *)leg + leg_size() + offset;
}
