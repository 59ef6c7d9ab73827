/* The way of one message, as wired: transport, stages, transactions, calls, store. Each function
 * here hands what one room tells to the room that is meant. */
#include "base/clock.h"
#include "base/log.h"
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define ALLOW                                                                                      \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, REGISTER, INFO, MESSAGE, REFER, NOTIFY"

/* Bytes that are neither SIP nor known to a plugin: answered 400 where that is possible. */
static void malformed(struct hl_switch *holdline, const struct hl_flow *flow, struct hl_slice bytes,
		      const char *what)
{
	struct hl_text response;
	char address[HL_ADDRESS_TEXT];
	uint64_t withheld;

	holdline->malformed++;
	if (hl_log_allow(&holdline->malformed_limit, &withheld))
		hl_log(HL_LOG_WARN, "message", "malformed",
		       hl_str("from", hl_address_format(&flow->remote, address)),
		       hl_str("error", what), hl_int("withheld", (int64_t)withheld));
	hl_text_init(&response);
	if (hl_message_salvage(bytes, 400, "Bad Request", &flow->remote, &response) == 0)
		hl_transport_post(holdline->transport, flow,
				  (struct hl_slice){response.data, response.length});
	else
		hl_transport_close(holdline->transport, flow, "it is not SIP");
	hl_text_fini(&response);
}

uint64_t hl_traffic_malformed(const struct hl_switch *holdline)
{
	return holdline->malformed + hl_transport_counters(holdline->transport).malformed;
}

/* CRLFs and NULs: a sign of life between messages, and nothing else (RFC 5626 §4.4.1). */
static bool is_blank(struct hl_slice bytes)
{
	size_t at = 0;
	while (at < bytes.length && strchr("\r\n", bytes.data[at]))
		at++;
	return at == bytes.length;
}

static void received(void *arg, const struct hl_flow *flow, struct hl_slice bytes)
{
	struct hl_switch *holdline = arg;
	struct hl_message *message;
	struct hl_error error;

	hl_contacts_heard(holdline->endpoints, flow);
	/* A SIP message begins with a method or with "SIP/2.0": a letter. */
	if ((!bytes.length || !isalpha((unsigned char)bytes.data[0])) &&
	    hl_stage_datagram(holdline->modules, flow, bytes) != HL_NEXT)
		return;
	if (is_blank(bytes))
		return;
	int result = hl_message_parse(bytes, &message, &error);
	if (result == 0)
		hl_transactions_receive(holdline->transactions, flow, message);
	else if (result == -EBADMSG && hl_stage_datagram(holdline->modules, flow, bytes) == HL_NEXT)
		malformed(holdline, flow, bytes, error.text);
}

static void disconnected(void *arg, const struct hl_flow *flow)
{
	struct hl_switch *holdline = arg;
	hl_contacts_disconnected(holdline->endpoints, flow);
	hl_trunks_disconnected(holdline->trunks, flow);
}

static void refused(void *arg, const struct hl_flow *flow)
{
	struct hl_switch *holdline = arg;
	hl_contacts_refused(holdline->endpoints, flow);
}

static void unsent(void *arg, struct hl_slice bytes)
{
	struct hl_switch *holdline = arg;
	hl_transactions_unsent(holdline->transactions, bytes);
}

/* Over the same connection, or, UDP, the same listener. */
struct over {
	const struct hl_flow *flow;
	bool found;
};

static void leg_over(void *arg, struct hl_leg *leg)
{
	struct over *over = arg;
	const struct hl_flow *flow = hl_leg_flow(leg);
	if (flow->type == over->flow->type)
		over->found |= flow->type == HL_TRANSPORT_UDP
				       ? flow->listener == over->flow->listener
				       : hl_flow_equal(flow, over->flow);
}

static void call_over(void *arg, struct hl_call *call)
{
	hl_legs_each(call, leg_over, arg);
}

static bool needed(void *arg, const struct hl_flow *flow)
{
	struct hl_switch *holdline = arg;
	struct over over = {flow, hl_contacts_over(holdline->endpoints, flow)};
	if (!over.found)
		hl_calls_each(holdline->calls, call_over, &over);
	return over.found;
}

const struct hl_transport_events hl_traffic_transport = {received, disconnected, refused,
							   unsent, needed};

static void reply(struct hl_transaction *transaction, int code)
{
	struct hl_message *request = hl_transaction_request(transaction);
	struct hl_message *response =
		hl_message_response(request, code, NULL, hl_transaction_tag(transaction));
	if (response && hl_message_set_header(response, "Allow", ALLOW) == 0 &&
	    (code != 200 || hl_message_set_header(response, "Accept", "application/sdp") == 0)) {
		hl_transaction_respond(transaction, response);
		return;
	}
	hl_message_free(response);
	hl_transaction_reply(transaction, 500, NULL);
}

/* Extensions a peer may insist on. */
static const char *const extensions[] = {"timer", "100rel", "replaces"};

/* Lists what the request requires and the switch has not (RFC 3261 §8.2.2.3). */
static void list_unsupported(const struct hl_message *message, struct hl_text *list)
{
	const char *value;
	for (unsigned i = 0; (value = hl_message_header(message, "Require", i)); i++) {
		struct hl_slice rest = hl_slice_of(value);
		while (rest.length) {
			struct hl_slice word = hl_slice_trim(hl_slice_cut(&rest, ','));
			bool known = !word.length;
			for (size_t n = 0; n < HL_COUNT(extensions); n++)
				known |= hl_slice_equal_nocase(word, hl_slice_of(extensions[n]));
			if (!known) {
				hl_text_put(list, list->length ? ", " : "");
				hl_text_slice(list, word);
			}
		}
	}
}

/* Answers 420 to a request that requires too much. REGISTER is the registrar's to judge. */
static bool refuse_extensions(struct hl_transaction *transaction, const struct hl_message *message)
{
	struct hl_text list;
	if (hl_message_method(message) == HL_METHOD_REGISTER ||
	    !hl_message_header(message, "Require", 0))
		return false;
	hl_text_init(&list);
	list_unsupported(message, &list);
	bool refused = list.length > 0;
	struct hl_message *response =
		refused ? hl_message_response(message, 420, NULL, hl_transaction_tag(transaction))
			: NULL;
	if (response)
		hl_message_set_header(response, "Unsupported", hl_text_string(&list));
	if (refused)
		hl_transaction_respond(transaction, response);
	hl_text_fini(&list);
	return refused;
}

/* Whether the switch serves the domain a request is for (switch.domains; none named: all). */
static bool serves(struct hl_switch *holdline, const struct hl_message *message)
{
	const struct hl_strings *domains = &holdline->config->settings.domains;
	struct hl_uri uri;
	if (!domains->count || hl_message_request_uri_parts(message, &uri) < 0 ||
	    hl_transport_is_self(holdline->transport, &uri))
		return true;
	for (size_t i = 0; i < domains->count; i++)
		if (hl_slice_equal_nocase(uri.host, hl_slice_of(domains->items[i])))
			return true;
	return false;
}

/* `force_rport` of the endpoint the request says it is from. That need not be true yet: answers
 * then go to where the request came from, which harms nobody. */
static void force_rport(struct hl_switch *holdline, struct hl_transaction *transaction,
			const struct hl_message *message)
{
	const struct hl_account *account = NULL;
	char plain[HL_USER_PLAIN];
	struct hl_uri from;
	struct hl_via via;
	if (!hl_message_via(message, 0, &via) || via.rport)
		return;
	if (!hl_message_from_uri(message, &from))
		account = hl_config_account(holdline->config,
					    hl_uri_user_plain(from.user, plain, sizeof(plain)));
	if (account && account->force_rport)
		hl_transaction_force_rport(transaction);
}

static bool only_unregisters(const struct hl_message *message)
{
	uint64_t expires;
	return hl_message_method(message) == HL_METHOD_REGISTER &&
	       hl_message_header_number(message, "Expires", &expires) == 0 && expires == 0;
}

static void request(void *arg, struct hl_transaction *transaction, struct hl_message *message)
{
	struct hl_switch *holdline = arg;
	enum hl_method method = hl_message_method(message);

	force_rport(holdline, transaction, message);
	if (refuse_extensions(transaction, message))
		return;
	if (*hl_message_to_tag(message)) {
		hl_calls_request(holdline->calls, transaction, message);
		return;
	}
	if (hl_transport_draining(holdline->transport, hl_transaction_flow(transaction)) &&
	    !only_unregisters(message)) {
		hl_transaction_reply(transaction, 503, NULL);
		return;
	}
	if (!serves(holdline, message)) {
		hl_transaction_reply(transaction, 404, NULL);
		return;
	}
	int verdict = hl_stage_request(holdline->modules, transaction, message);
	if (verdict == HL_DONE)
		return;
	if (verdict >= 300)
		hl_transaction_reply(transaction, verdict, NULL);
	else if (method == HL_METHOD_INVITE && holdline->stopping)
		hl_transaction_reply(transaction, 503, NULL);
	else if (method == HL_METHOD_INVITE)
		hl_calls_invite(holdline->calls, transaction, message);
	else
		reply(transaction, method == HL_METHOD_OPTIONS ? 200 : 405);
}

static void ack(void *arg, const struct hl_flow *flow, struct hl_message *message)
{
	struct hl_switch *holdline = arg;
	(void)flow;
	hl_calls_ack(holdline->calls, message);
}

static void stray(void *arg, const struct hl_flow *flow, struct hl_message *message)
{
	char address[HL_ADDRESS_TEXT];
	(void)arg;
	hl_log(HL_LOG_DEBUG, "transaction", "stray-response",
	       hl_str("from", hl_address_format(&flow->remote, address)),
	       hl_int("code", hl_message_status(message)),
	       hl_str("call_id", hl_message_call_id(message)));
}

const struct hl_transaction_handlers hl_traffic_transactions = {request, ack, stray};

void hl_traffic_contact(void *arg, enum hl_contact_event event, struct hl_contact *contact)
{
	struct hl_switch *holdline = arg;
	hl_stage_contact(holdline->modules, (int)event, contact);
	hl_kept_contact(&holdline->kept, event, contact);
}

/* The calls' hooks: stages, then policy and store. */

static int on_route(void *arg, struct hl_call *call)
{
	struct hl_switch *holdline = arg;
	hl_kept_call(&holdline->kept, call);
	return hl_stage_route(holdline->modules, call);
}

static int on_decide_route(void *arg, struct hl_call *call, struct hl_route_decision *decision)
{
	struct hl_switch *holdline = arg;
	struct hl_call_view view;
	if (!holdline->policy)
		return 0;
	hl_call_view(call, NULL, &view);
	return hl_policy_route(holdline->policy, &view, decision);
}

static int on_offer(void *arg, struct hl_call *call, struct hl_leg *from, struct hl_leg *to,
		    struct hl_slice sdp, struct hl_text *rewritten)
{
	struct hl_switch *holdline = arg;
	return hl_stage_offer(holdline->modules, call, from, to, sdp, rewritten);
}

static int on_answer(void *arg, struct hl_call *call, struct hl_leg *from, struct hl_leg *to,
		     struct hl_slice sdp, struct hl_text *rewritten)
{
	struct hl_switch *holdline = arg;
	return hl_stage_answer(holdline->modules, call, from, to, sdp, rewritten);
}

static int on_leg_send(void *arg, struct hl_leg *leg, struct hl_message *message)
{
	struct hl_switch *holdline = arg;
	return hl_stage_leg_send(holdline->modules, leg, message);
}

static int on_leg_recv(void *arg, struct hl_leg *leg, struct hl_message *message)
{
	struct hl_switch *holdline = arg;
	return hl_stage_leg_recv(holdline->modules, leg, message);
}

static void on_answered(void *arg, struct hl_call *call)
{
	struct hl_switch *holdline = arg;
	struct hl_call_view view;
	hl_stage_answered(holdline->modules, call);
	hl_kept_call(&holdline->kept, call);
	if (!holdline->policy)
		return;
	hl_call_view(call, NULL, &view);
	hl_policy_answered(holdline->policy, &view);
}

static void on_leg_ended(void *arg, struct hl_leg *leg)
{
	struct hl_switch *holdline = arg;
	hl_stage_leg_ended(holdline->modules, leg);
}

static void on_ended(void *arg, struct hl_call *call, struct hl_cdr *cdr)
{
	struct hl_switch *holdline = arg;
	struct hl_value row[HL_CDR_COLUMNS];

	hl_stage_ended(holdline->modules, call, cdr);
	hl_cdr_row(cdr, row);
	if (hl_store_cdr(holdline->store, row) < 0)
		hl_log(HL_LOG_ERROR, "cdr", "lost", hl_str("id", cdr->id),
		       hl_str("reason", cdr->reason), hl_str("error", "out of memory"));
	hl_kept_call_ended(&holdline->kept, call);
	if (holdline->policy)
		hl_policy_ended(holdline->policy, cdr);
}

const struct hl_call_hooks hl_traffic_calls = {
	.route = on_route,
	.decide_route = on_decide_route,
	.offer = on_offer,
	.answer = on_answer,
	.leg_send = on_leg_send,
	.leg_recv = on_leg_recv,
	.answered = on_answered,
	.leg_ended = on_leg_ended,
	.ended = on_ended,
};
