/* Calls: their table, birth and end. Everything that ends a call comes to hl_call_finish, which
 * writes the record exactly once; the structs are freed a turn later, when nobody up the stack can
 * hold them any more. */
#include "call/call.h"

#include "base/log.h"
#include "base/random.h"
#include "call/private.h"

#include <errno.h>

enum {
	SPACE_ALIGNMENT = 16,
	GRAVE_TIME = 40000 /* ms; longer than the 64·T1 after which an ACK comes no more */
};

static size_t call_size(void)
{
	return (sizeof(struct hl_call) + SPACE_ALIGNMENT - 1) & ~(size_t)(SPACE_ALIGNMENT - 1);
}

static void free_call(struct hl_call *call)
{
	struct hl_calls *calls = call->calls;
	struct hl_list *node, *next;
	hl_timer_stop(calls->parts.loop, &call->setup);
	hl_timer_stop(calls->parts.loop, &call->reaper);
	hl_call_forget_invite(call);
	hl_list_each(node, next, &call->callees)
		hl_leg_free(hl_list_entry(node, struct hl_leg, node));
	if (call->caller)
		hl_leg_free(call->caller);
	hl_call_names_end(call);
	hl_call_drop_targets(call);
	hl_handle_release(&calls->call_handles, call->handle);
	hl_list_remove(&call->node);
	hl_config_unref(call->config);
	hl_free(call->request_uri);
	hl_free(call->number);
	hl_free(call->display);
	hl_free(call->route_rule);
	hl_free(call->best_reason);
	hl_free(call->best_contact);
	hl_free(call->retry_after);
	hl_free(call->cause);
	hl_free(call->replaces);
	hl_free(call);
}

static bool waits_for_ack(const struct hl_call *call)
{
	return call->caller && call->caller->bye_due;
}

static void bury(void *arg)
{
	struct hl_calls *calls = arg;
	struct hl_list *node, *next;
	hl_list_each(node, next, &calls->graveyard)
	{
		struct hl_call *call = hl_list_entry(node, struct hl_call, node);
		if (!waits_for_ack(call))
			free_call(call);
	}
}

void hl_call_bury(struct hl_call *call)
{
	struct hl_calls *calls = call->calls;
	hl_timer_start(calls->parts.loop, &calls->bury, 0);
}

struct hl_calls *hl_calls_new(const struct hl_calls_parts *parts)
{
	struct hl_calls *calls = hl_zalloc(sizeof(*calls));
	if (!calls)
		return NULL;
	calls->parts = *parts;
	hl_text_init(&calls->from);
	hl_text_init(&calls->to);
	hl_list_init(&calls->list);
	hl_list_init(&calls->graveyard);
	hl_list_init(&calls->exchanges);
	hl_handles_init(&calls->call_handles);
	hl_handles_init(&calls->leg_handles);
	hl_handles_init(&calls->exchange_handles);
	hl_timer_init(&calls->bury, bury, calls);
	if (hl_hash_init(&calls->legs) < 0 || hl_hash_init(&calls->invites) < 0 ||
	    hl_hash_init(&calls->busy) < 0) {
		hl_hash_fini(&calls->legs);
		hl_hash_fini(&calls->invites);
		hl_free(calls);
		return NULL;
	}
	return calls;
}

void hl_calls_free(struct hl_calls *calls)
{
	struct hl_list *node, *next;
	if (!calls)
		return;
	hl_timer_stop(calls->parts.loop, &calls->bury);
	hl_list_each(node, next, &calls->graveyard)
		free_call(hl_list_entry(node, struct hl_call, node));
	hl_list_each(node, next, &calls->list) free_call(hl_list_entry(node, struct hl_call, node));
	hl_exchange_fini(calls);
	hl_text_fini(&calls->from);
	hl_text_fini(&calls->to);
	hl_hash_fini(&calls->legs);
	hl_hash_fini(&calls->invites);
	hl_hash_fini(&calls->busy);
	hl_handles_fini(&calls->call_handles);
	hl_handles_fini(&calls->leg_handles);
	hl_handles_fini(&calls->exchange_handles);
	hl_config_unref(calls->config);
	hl_free(calls);
}

void hl_calls_set_config(struct hl_calls *calls, struct hl_config *config)
{
	struct hl_config *old = calls->config;
	calls->config = hl_config_ref(config);
	hl_config_unref(old);
}

/* Whose call it is: the gateway it comes from, else the user whom authentication found. */
static int name_caller(struct hl_leg *leg, struct hl_transaction *transaction,
		       const struct hl_message *invite)
{
	struct hl_call *call = leg->call;
	const struct hl_flow *flow = hl_transaction_flow(transaction);
	const char *user = hl_transaction_user(transaction);
	const struct hl_account *account = NULL;
	const struct hl_contact *contact;
	struct hl_slice sent;
	struct hl_uri from = {0}, uri = {0};
	struct hl_via via = {0};
	char plain[HL_USER_PLAIN];

	hl_message_from_uri(invite, &from);
	from.user = hl_uri_user_plain(from.user, plain, sizeof(plain));
	leg->gateway = hl_trunks_from(call->calls->parts.trunks, call->config, &flow->remote);
	if (leg->gateway) {
		leg->party = &leg->gateway->party;
		leg->nat = leg->party->nat == HL_ON;
		leg->network = *leg->party->network
				       ? leg->party->network
				       : hl_config_network(call->config, &flow->remote);
	} else {
		struct hl_slice name = *user ? hl_slice_of(user) : from.user;
		account = hl_config_account(call->config, name);
		if (account)
			leg->party = &account->party;
		contact = hl_contact_by_flow(call->calls->parts.endpoints, flow);
		if (contact)
			leg->contact = contact->handle;
		hl_message_via(invite, 0, &via);
		if (hl_message_contact_uri(invite, 0, &sent))
			hl_uri_parse(sent, &uri);
		leg->nat = contact ? contact->nat
				   : hl_nat_verdict(leg->party->nat, &uri, &via, flow).nat;
		leg->network = hl_endpoint_network(call->config, account, &flow->remote);
	}
	leg->account = account;
	leg->user = *user && !leg->gateway ? hl_strdup(user) : hl_slice_copy(from.user);
	return leg->user ? 0 : -ENOMEM;
}

static int new_caller(struct hl_call *call, struct hl_transaction *transaction,
		      const struct hl_message *invite)
{
	struct hl_leg *leg = call->caller = hl_leg_new(call, HL_SIDE_CALLER);
	if (!leg)
		return -ENOMEM;
	hl_put_text(leg->local_tag, leg->local_tag + sizeof(leg->local_tag),
		    hl_slice_of(hl_transaction_tag(transaction)));
	hl_hash_insert(&call->calls->legs, &leg->by_tag,
		       hl_hash_bytes(leg->local_tag, strlen(leg->local_tag)));
	leg->flow = *hl_transaction_flow(transaction);
	leg->invite = hl_transaction_handle(transaction);
	leg->remote_cseq = leg->first_cseq = hl_message_cseq(invite);
	leg->local_cseq = (uint32_t)hl_random_below(1u << 20);
	leg->rel = hl_message_lists(invite, "Require", "100rel")     ? HL_REL_REQUIRED
		   : hl_message_lists(invite, "Supported", "100rel") ? HL_REL_SUPPORTED
								     : HL_REL_NONE;
	leg->call_id = hl_strdup(hl_message_call_id(invite));
	/* Our From is their To and the other way round; tags are kept apart. */
	leg->local = hl_address_of(hl_message_to(invite));
	leg->remote = hl_address_of(hl_message_from(invite));
	if (!leg->call_id || !leg->local || !leg->remote)
		return -ENOMEM;
	int result = name_caller(leg, transaction, invite);
	return result ? result : hl_leg_learn(leg, invite);
}

/* The reaper: nothing a call waits for, and no plugin, keeps it longer than that. */
static void deadline_reached(void *arg)
{
	struct hl_call *call = arg;
	if (call->state != HL_CALL_ENDED) {
		call->calls->counters.reaped++;
		hl_call_end(call, "Max Duration", "call-deadline", HL_ENDED_BY_SERVER);
		return;
	}
	if (waits_for_ack(call)) {
		call->caller->bye_due = false;
		hl_leg_bye(call->caller, call->cause);
	}
	hl_call_bury(call);
}

/* A gateway may say in To who is called. */
static int find_number(struct hl_call *call, const struct hl_message *invite)
{
	const struct hl_gateway *gateway = call->caller->gateway;
	struct hl_uri uri = {0};
	char plain[HL_USER_PLAIN];
	if (!gateway || !gateway->callee_from_to || hl_message_to_uri(invite, &uri) < 0 ||
	    !uri.user.length)
		return 0;
	hl_free(call->number);
	call->number = hl_slice_copy(hl_uri_user_plain(uri.user, plain, sizeof(plain)));
	return call->number ? 0 : -ENOMEM;
}

struct hl_call *hl_call_new(struct hl_calls *calls, struct hl_transaction *transaction,
			    struct hl_message *invite)
{
	struct hl_call *call = hl_zalloc(call_size() + calls->parts.call_space);
	struct hl_uri uri = {0};
	char plain[HL_USER_PLAIN];
	if (!call)
		return NULL;
	call->calls = calls;
	call->config = hl_config_ref(calls->config);
	call->callee_gateway = "";
	call->started = hl_clock_now();
	hl_list_init(&call->callees);
	hl_list_init(&call->node);
	hl_timer_init(&call->setup, hl_call_setup_fired, call);
	hl_timer_init(&call->reaper, deadline_reached, call);
	hl_random_token(call->id, sizeof(call->id));
	hl_message_request_uri_parts(invite, &uri);
	call->request_uri = hl_strdup(hl_message_request_uri(invite));
	call->number = hl_slice_copy(hl_uri_user_plain(uri.user, plain, sizeof(plain)));
	call->display = hl_strdup(hl_message_from_display(invite));
	call->route_rule = hl_strdup("default");
	if (!call->request_uri || !call->number || !call->display || !call->route_rule ||
	    hl_handle_new(&calls->call_handles, call, &call->handle) < 0 ||
	    new_caller(call, transaction, invite) < 0 || find_number(call, invite) < 0) {
		free_call(call);
		return NULL;
	}
	hl_list_append(&calls->list, &call->node);
	calls->count++;
	hl_call_remember_invite(call);
	hl_timer_start(calls->parts.loop, &call->reaper,
		       (uint64_t)call->config->settings.max_call_duration * 1000);
	return call;
}

/* What the transaction of the caller's INVITE has to say. */
static void caller_happened(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
			    enum hl_transaction_event event, struct hl_message *message)
{
	struct hl_leg *leg = hl_leg_get(arg, handle);
	(void)transaction;
	if (!leg)
		return;
	if (event == HL_TRANSACTION_CANCELLED && leg->call->state < HL_CALL_ANSWERED) {
		hl_call_keep_cause(leg->call, message);
		hl_ladder_note(leg, HL_WAY_IN, message);
		hl_call_finish(leg->call, 487, NULL, "Cancelled", NULL, HL_ENDED_BY_CALLER);
	} else if (event == HL_TRANSACTION_FAILED && leg->call->state < HL_CALL_ANSWERED) {
		/* Nobody is left who could hear the ringing, or the answer. */
		hl_call_finish(leg->call, 487, NULL, "Cancelled", "connection-lost",
			       HL_ENDED_BY_CALLER);
	} else if (event == HL_TRANSACTION_UNACKED && leg->bye_due) {
		leg->bye_due = false;
		hl_leg_bye(leg, leg->call->cause);
		hl_call_bury(leg->call);
	} else if (event == HL_TRANSACTION_UNACKED) {
		leg->ack_cseq = 0;
		hl_call_end(leg->call, "No ACK", "no-ack", HL_ENDED_BY_SERVER);
	}
}

void hl_calls_invite(struct hl_calls *calls, struct hl_transaction *transaction,
		     struct hl_message *message)
{
	struct hl_calls_parts *parts = &calls->parts;
	char phrase[128] = "", address[HL_ADDRESS_TEXT];
	const char *detail = NULL;
	int code = hl_calls_admit(calls, message);

	if (code) {
		hl_transaction_reply(transaction, code, NULL);
		return;
	}
	struct hl_call *call = hl_call_new(calls, transaction, message);
	if (!call) {
		hl_transaction_reply(transaction, 500, NULL);
		return;
	}
	hl_transaction_own(transaction, (struct hl_transaction_owner){caller_happened, calls,
								      call->caller->handle});
	hl_log(HL_LOG_INFO, "call", "invite", hl_str("id", call->id),
	       hl_str("caller", hl_leg_user(call->caller)), hl_str("number", call->number),
	       hl_str("address", hl_address_format(&call->caller->flow.remote, address)),
	       hl_str("call_id", call->caller->call_id));
	/* Who is neither a gateway nor known to a plugin gets nowhere: no open relay. */
	if (!call->caller->gateway && !*hl_transaction_user(transaction)) {
		hl_call_finish(call, 403, NULL, "Rejected", "not-authenticated",
			       HL_ENDED_BY_SERVER);
		return;
	}
	hl_ladder_note(call->caller, HL_WAY_IN, message);
	if (!call->caller->target) { /* RFC 3261 §8.1.1.8 */
		detail = "no-contact";
		code = 400;
	}
	if (!code)
		code = hl_call_limit(call, &detail);
	if (!code && hl_leg_count(call->caller, call->caller->account) == -EBUSY) {
		detail = "limit-caller";
		code = 403;
	}
	if (!code && call->caller->gateway &&
	    hl_trunk_enter(parts->trunks, call->caller->gateway, &call->caller->seat) < 0) {
		detail = "gateway-limit";
		code = 503;
	}
	if (code == 503)
		call->retry_after = hl_strdup("5");
	if (!code)
		code = parts->hooks->leg_recv(parts->arg, call->caller, message);
	if (code < 300)
		code = parts->hooks->route(parts->arg, call);
	if (code < 300)
		code = hl_call_replaces(call, message);
	if (code == 1 || (code < 300 && hl_call_route(call, &code, phrase) == 0))
		hl_call_begin(call);
	else
		hl_call_finish(call, code, *phrase ? phrase : NULL, hl_call_reason_of(code), detail,
			       HL_ENDED_BY_SERVER);
}

void hl_call_setup_fired(void *arg)
{
	hl_call_happened(arg, HL_CALL_TIMEOUT, NULL, NULL);
}

/* The answer to a caller who still waits for one. */
static void refuse_caller(struct hl_call *call, int code, const char *phrase)
{
	struct hl_transaction *invite =
		hl_transaction_get(call->calls->parts.transactions, call->caller->invite);
	if (!invite)
		return;
	struct hl_message *response =
		hl_leg_response(call->caller, hl_transaction_request(invite), code, phrase);
	if (!response)
		return;
	if (call->retry_after)
		hl_message_set_header(response, "Retry-After", call->retry_after);
	if (call->cause && code != 487)
		hl_message_set_header(response, "Reason", call->cause);
	if (code == 420 && call->replaces)
		hl_message_set_header(response, "Unsupported", "replaces");
	if (code < 400 && call->best_contact)
		hl_message_set_header(response, "Contact", call->best_contact);
	hl_leg_respond(call->caller, invite, response);
}

static void end_legs(struct hl_call *call, const char *reason_header)
{
	struct hl_calls_parts *parts = &call->calls->parts;
	struct hl_list *node, *next;
	hl_leg_end(call->caller, call->cause);
	hl_list_each(node, next, &call->callees)
		hl_leg_end(hl_list_entry(node, struct hl_leg, node), reason_header);
	parts->hooks->leg_ended(parts->arg, call->caller);
	hl_list_each(node, next, &call->callees)
		parts->hooks->leg_ended(parts->arg, hl_list_entry(node, struct hl_leg, node));
}

void hl_call_finish(struct hl_call *call, int code, const char *phrase, const char *reason,
		    const char *detail, enum hl_ended_by by)
{
	struct hl_calls *calls = call->calls;
	struct hl_cdr cdr;

	if (call->state == HL_CALL_ENDED)
		return;
	hl_timer_stop(calls->parts.loop, &call->setup);
	hl_call_names_end(call);
	hl_call_forget_invite(call);
	hl_timer_start(calls->parts.loop, &call->reaper, GRAVE_TIME);
	hl_call_set_state(call, HL_CALL_ENDED, reason);
	if (!call->answered) {
		call->sip_code = code;
		refuse_caller(call, code, phrase);
	}
	end_legs(call, call->cause   ? call->cause
		       : code == 487 ? "SIP;cause=487;text=\"Caller cancelled\""
				     : NULL);
	hl_call_record(call, reason, detail, by, &cdr);
	calls->parts.hooks->ended(calls->parts.arg, call, &cdr);
	hl_log(HL_LOG_INFO, "call", "ended", hl_str("id", call->id), hl_str("reason", reason),
	       hl_str("detail", detail), hl_str("by", hl_ended_by_text(by)),
	       hl_int("code", call->sip_code));
	hl_text_fini(&cdr.streams);
	hl_list_remove(&call->node);
	hl_list_append(&calls->graveyard, &call->node);
	calls->count--;
	hl_call_bury(call);
}

void hl_call_end(struct hl_call *call, const char *reason, const char *detail, enum hl_ended_by by)
{
	hl_call_finish(call, 480, NULL, reason, detail, by);
}

void hl_call_keep_cause(struct hl_call *call, const struct hl_message *message)
{
	const char *value = hl_message_header(message, "Reason", 0);
	if (!value)
		return;
	hl_free(call->cause);
	call->cause = hl_strdup(value);
}

const struct hl_call_counters *hl_calls_counters(const struct hl_calls *calls)
{
	return &calls->counters;
}

size_t hl_calls_legs(const struct hl_calls *calls)
{
	return calls->leg_handles.count;
}

size_t hl_calls_count(const struct hl_calls *calls)
{
	return calls->count;
}

void hl_calls_each(struct hl_calls *calls, void (*visit)(void *arg, struct hl_call *call),
		   void *arg)
{
	struct hl_list *node, *next;
	hl_list_each(node, next, &calls->list)
		visit(arg, hl_list_entry(node, struct hl_call, node));
}

struct hl_call *hl_calls_find(struct hl_calls *calls, const char *id)
{
	struct hl_list *node, *next;
	hl_list_each(node, next, &calls->list)
	{
		struct hl_call *call = hl_list_entry(node, struct hl_call, node);
		if (strcmp(call->id, id) == 0)
			return call;
	}
	return NULL;
}

void hl_calls_end_all(struct hl_calls *calls, const char *reason, const char *detail)
{
	while (!hl_list_empty(&calls->list))
		hl_call_end(hl_list_entry(calls->list.next, struct hl_call, node), reason, detail,
			    HL_ENDED_BY_SERVER);
}

/* What plugins may ask. */

const char *hl_call_id(const struct hl_call *call)
{
	return call->id;
}

struct hl_handle hl_call_handle(const struct hl_call *call)
{
	return call->handle;
}

struct hl_call *hl_call_get(struct hl_calls *calls, struct hl_handle handle)
{
	return hl_handle_get(&calls->call_handles, handle);
}

struct hl_leg *hl_call_leg(const struct hl_call *call, enum hl_side side)
{
	return side == HL_SIDE_CALLER ? call->caller : call->callee;
}

const char *hl_call_number(const struct hl_call *call)
{
	return call->number;
}

uint64_t hl_call_answered(const struct hl_call *call)
{
	return call->answered;
}

void *hl_call_space(struct hl_call *call, size_t offset)
{
	return (char *)call + call_size() + offset;
}

void hl_legs_each(struct hl_call *call, void (*visit)(void *arg, struct hl_leg *leg), void *arg)
{
	struct hl_list *node, *next;
	visit(arg, call->caller);
	if (call->callee) {
		visit(arg, call->callee);
		return;
	}
	hl_list_each(node, next, &call->callees)
		visit(arg, hl_list_entry(node, struct hl_leg, node));
}
