/* Setting a call up: targets are called group by group, a group rings together, the first answer
 * wins, and each stage of waiting has its timer (D6). */
#include "base/log.h"
#include "base/random.h"
#include "call/private.h"

#include <errno.h>

#define ELSEWHERE "SIP;cause=200;text=\"Call completed elsewhere\""

static int aim_at_contact(struct hl_leg *leg, const struct hl_target *target)
{
	struct hl_call *call = leg->call;
	struct hl_contact *contact = hl_contact_get(call->calls->parts.endpoints, target->contact);
	if (!contact)
		return -ENOENT;
	const struct hl_account *account =
		hl_config_account(call->config, hl_slice_of(hl_contact_user(contact)));
	leg->contact = contact->handle;
	leg->flow = contact->flow;
	leg->nat = contact->nat;
	leg->user = hl_strdup(hl_contact_user(contact));
	leg->user_agent = hl_strdup(contact->user_agent);
	if (contact->path)
		leg->routes = hl_strdup(contact->path);
	leg->account = account;
	if (account)
		leg->party = &account->party;
	leg->network = hl_endpoint_network(call->config, account, &contact->flow.remote);
	return leg->user && leg->user_agent ? hl_leg_count(leg, account) : -ENOMEM;
}

/* Whether that is the switch itself. */
static bool is_self(struct hl_transport *transport, const struct hl_address *address)
{
	char host[HL_ADDRESS_TEXT];
	struct hl_uri uri = {.port = address->port};
	uri.host = hl_slice_of(hl_address_uri_host(address, host));
	return hl_transport_is_self(transport, &uri);
}

/* `host` is the name it was found by, or NULL. */
static int aim_at(struct hl_leg *leg, enum hl_transport_type type, const char *host,
		  const struct hl_address *address)
{
	struct hl_call *call = leg->call;
	struct hl_transport *transport = call->calls->parts.transport;
	if (is_self(transport, address))
		return -ELOOP;
	leg->network = leg->party->network && *leg->party->network
			       ? leg->party->network
			       : hl_config_network(call->config, address);
	leg->user = hl_strdup(call->number);
	if (!leg->user)
		return -ENOMEM;
	if (leg->gateway)
		return hl_gateway_flow(transport, leg->gateway, address, &leg->flow);
	return host ? hl_transport_flow_to_host(transport, type, host, address, &leg->flow)
		    : hl_transport_flow_to(transport, type, address, &leg->flow);
}

static int aim_at_gateway(struct hl_leg *leg, const struct hl_target *target)
{
	const struct hl_gateway *gateway = target->gateway;
	int result;
	leg->gateway = gateway;
	leg->party = &gateway->party;
	leg->nat = gateway->party.nat == HL_ON;
	if (!target->address.family)
		return -ENXIO;
	result = hl_trunk_enter(leg->call->calls->parts.trunks, gateway, &leg->seat);
	return result ? result
		      : aim_at(leg, (enum hl_transport_type)gateway->transport, NULL,
			       &target->address);
}

static int aim_at_address(struct hl_leg *leg, const struct hl_target *target)
{
	enum hl_transport_type type = HL_TRANSPORT_UDP;
	struct hl_address address;
	struct hl_uri uri;
	uint16_t port;

	if (!target->address.family)
		return -ENODATA;
	int result = hl_uri_parse(hl_slice_of(target->uri), &uri);
	if (!result)
		result = hl_transport_of_uri(&uri, &type, &port);
	if (result)
		return result;
	if (hl_address_parse(uri.host, &address) == 0)
		return aim_at(leg, type, NULL, &target->address);
	char *host = hl_slice_copy(uri.host);
	result = host ? aim_at(leg, type, host, &target->address) : -ENOMEM;
	hl_free(host);
	return result;
}

static void invite_happened(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
			    enum hl_transaction_event event, struct hl_message *message);

/* The INVITE once more, on the same leg: the group goes on waiting as it did. */
static int repeat_invite(struct hl_leg *leg, const struct hl_transaction *failed)
{
	struct hl_transaction_owner owner = {invite_happened, leg->call->calls, leg->handle};
	return hl_leg_repeat(leg, failed, owner, &leg->invite);
}

/* A 2xx that nobody waits for. A proxy behind the callee may have forked: another tag is another
 * dialog, which is declined (RFC 3261 §13.2.2.4). */
static void answered_again(struct hl_calls *calls, struct hl_leg *leg,
			   struct hl_transaction *transaction, const struct hl_message *message)
{
	bool same = leg && leg->call->callee == leg &&
		    strcmp(hl_message_to_tag(message), leg->remote_tag) == 0;
	if (!same)
		hl_leg_decline_answer(calls, transaction, message);
	else if (leg->state == HL_LEG_ENDED)
		hl_leg_ack_late(calls, transaction, message);
	else if (!leg->due_ack)
		hl_leg_ack(leg, hl_message_cseq(message));
}

static uint32_t hash_of(const char *tag)
{
	return (uint32_t)hl_hash_bytes(tag, strlen(tag));
}

/* The same when the leg is forgotten: `handle` keeps what its tag was. */
static void answered_late(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
			  enum hl_transaction_event event, struct hl_message *message)
{
	if (event != HL_TRANSACTION_RESPONSE || hl_message_status(message) / 100 != 2)
		return;
	if (hash_of(hl_message_to_tag(message)) == handle.slot)
		hl_leg_ack_late(arg, transaction, message);
	else
		hl_leg_decline_answer(arg, transaction, message);
}

void hl_leg_leave_answer(struct hl_leg *leg)
{
	struct hl_calls *calls = leg->call->calls;
	struct hl_transaction *invite = hl_transaction_get(calls->parts.transactions, leg->invite);
	if (invite && leg->call->callee == leg)
		hl_transaction_own(invite,
				   (struct hl_transaction_owner){
					   answered_late, calls, {hash_of(leg->remote_tag), 0}});
}

/* What the transaction of a callee's INVITE has to say. */
static void invite_happened(void *arg, struct hl_handle handle, struct hl_transaction *transaction,
			    enum hl_transaction_event event, struct hl_message *message)
{
	struct hl_calls *calls = arg;
	struct hl_leg *leg = hl_leg_get(calls, handle);
	int status = message ? hl_message_status(message) : 0;
	bool answer = event == HL_TRANSACTION_RESPONSE && status >= 200 && status < 300;

	if (!leg || leg->state == HL_LEG_ENDED || leg->state == HL_LEG_CONFIRMED) {
		if (answer)
			answered_again(calls, leg, transaction, message);
		return;
	}
	if (message)
		hl_ladder_note(leg, HL_WAY_IN, message);
	if (message && status > 100) {
		if (hl_leg_learn(leg, message) < 0)
			message = NULL, answer = false, status = 500;
		else if ((calls->parts.hooks->leg_recv(calls->parts.arg, leg, message) ==
				  HL_STAGE_DONE ||
			  hl_leg_challenged(leg, message)) &&
			 status >= 300 && repeat_invite(leg, transaction) == 0)
			return;
	}
	enum hl_call_event what = answer			   ? HL_CALL_ANSWER
				  : event == HL_TRANSACTION_FAILED ? HL_CALL_LOST
				  : status == 0 || status >= 300   ? HL_CALL_REFUSAL
				  : status == 100		   ? HL_CALL_HEARD
								   : HL_CALL_PROGRESS;
	hl_call_happened(leg->call, what, leg, message);
}

static int invite_leg(struct hl_leg *leg)
{
	struct hl_call *call = leg->call;
	struct hl_calls *calls = call->calls;
	struct hl_transaction *caller =
		hl_transaction_get(calls->parts.transactions, call->caller->invite);
	struct hl_message *heard = hl_transaction_request(caller);
	struct hl_message *invite = hl_leg_request(leg, HL_METHOD_INVITE, 0);
	struct hl_transaction_owner owner = {invite_happened, calls, leg->handle};
	uint64_t forwards = 70;
	int code;

	if (!invite)
		return -ENOMEM;
	hl_message_header_number(heard, "Max-Forwards", &forwards);
	if (hl_message_set_number(invite, "Max-Forwards", forwards > 70 ? 69 : forwards - 1) < 0 ||
	    hl_session_pass_headers(call->caller, heard, invite) < 0) {
		hl_message_free(invite);
		return -ENOMEM;
	}
	code = hl_session_offer(call->caller, leg, heard, invite);
	if (code) {
		hl_message_free(invite);
		hl_call_note_failure(call, code, NULL, false, NULL);
		return -ECANCELED;
	}
	hl_session_sent(leg, invite);
	/* Without an offer of ours a reliable response would carry one, and its PRACK the answer
	 * that only the caller can give. */
	if (hl_message_has_sdp(invite))
		hl_message_set_header(invite, "Supported", "100rel, replaces");
	if (call->replaces)
		hl_message_set_header(invite, "Replaces", call->replaces);
	/* Only the callee can do it: without, it would have two calls (RFC 5589 §7.3). */
	if (call->replaces && hl_message_lists(heard, "Require", "replaces"))
		hl_message_set_header(invite, "Require", "replaces");
	return hl_leg_start(leg, invite, owner, &leg->invite);
}

static int (*const aims[])(struct hl_leg *leg, const struct hl_target *target) = {
	[HL_TARGET_CONTACT] = aim_at_contact,
	[HL_TARGET_GATEWAY] = aim_at_gateway,
	[HL_TARGET_URI] = aim_at_address,
};

/* What a target that cannot be called counts like. The last row takes what no other takes. */
static const struct {
	int error, code;
	const char *detail; /* of the record */
	const char *text;   /* for people; NULL: the error's own */
} misses[] = {
	{-ENOMEM, 500, NULL, "out of memory"},
	{-ELOOP, 482, "loop", "it is the switch itself"},
	{-EBUSY, 486, "limit-callee", "it has its max_calls"},
	{-EUSERS, 503, "gateway-limit", "the gateway has its max_calls"},
	{-ENXIO, 503, "gateway-unresolved", "the gateway has no address"},
	{-ENODATA, 503, "unresolved", "its name has no address"},
	{0, 503, "unreachable", NULL},
};

static void note_miss(struct hl_call *call, const struct hl_target *target, int error)
{
	size_t i = 0;
	while (misses[i].error && misses[i].error != error)
		i++;
	const char *text = target->fault    ? target->fault
			   : misses[i].text ? misses[i].text
					    : strerror(-error);
	hl_log(HL_LOG_WARN, "call", "target-failed", hl_str("id", call->id),
	       hl_str("target", target->uri),
	       hl_str("gateway", target->gateway ? target->gateway->name : ""),
	       hl_str("error", text));
	if (target->gateway && !*call->callee_gateway)
		call->callee_gateway = target->gateway->name;
	/* What the offer came to was noted where it was made. */
	if (error != -ECANCELED)
		hl_call_note_failure(call, misses[i].code, NULL, false, misses[i].detail);
}

/* Calls one target. What fails here counts like a refusal of the target. */
static void call_target(struct hl_call *call, const struct hl_target *target)
{
	struct hl_leg *leg = hl_leg_new(call, HL_SIDE_CALLEE);
	int result = -ENOMEM;
	if (leg) {
		hl_list_append(&call->callees, &leg->node);
		hl_hash_insert(&call->calls->legs, &leg->by_tag,
			       hl_hash_bytes(leg->local_tag, strlen(leg->local_tag)));
		result = aims[target->kind](leg, target);
	}
	if (!result) {
		char token[25];
		hl_random_token(token, sizeof(token));
		leg->call_id = hl_strdup(token);
		leg->target = hl_strdup(target->uri);
		result = leg->call_id && leg->target ? hl_leg_name_parties(leg) : -ENOMEM;
	}
	if (!result)
		result = invite_leg(leg);
	if (!result) {
		hl_address_format(&leg->flow.remote, call->callee_address);
		call->callee_gateway = leg->gateway ? leg->gateway->name : "";
		return;
	}
	note_miss(call, target, result);
	if (leg)
		hl_call_drop_leg(call, leg, NULL);
	if (result == -EUSERS)
		hl_call_skip_servers(call, target->gateway);
}

/* The stages of waiting for a callee, each with its limit (D6). A group only moves on in them, so
 * that repeated ringing does not ring for ever. */
static const struct {
	size_t limit; /* offset of an int64_t in hl_switch_settings, s; 0: none */
	const char *detail;
} waits[] = {
	[HL_WAIT_RESPONSE] = {offsetof(struct hl_switch_settings, timeout_invite),
			      "invite-timeout"},
	[HL_WAIT_PROGRESS] = {offsetof(struct hl_switch_settings, timeout_trying),
			      "trying-timeout"},
	[HL_WAIT_RINGING] = {offsetof(struct hl_switch_settings, timeout_progress),
			     "progress-timeout"},
	[HL_WAIT_EARLY_MEDIA] = {offsetof(struct hl_switch_settings, timeout_progress_sdp),
				 "progress-timeout"},
	[HL_WAIT_ANSWER] = {offsetof(struct hl_switch_settings, timeout_ringing),
			    "ringing-timeout"},
};

static void wait_for(struct hl_call *call, enum hl_wait wait)
{
	const char *settings = (const char *)&call->config->settings;
	int64_t seconds;
	call->wait = wait;
	memcpy(&seconds, settings + waits[wait].limit, sizeof(seconds));
	if (seconds > 0)
		hl_timer_start(call->calls->parts.loop, &call->setup, (uint64_t)seconds * 1000);
	else
		hl_timer_stop(call->calls->parts.loop, &call->setup);
}

const char *hl_call_wait_detail(const struct hl_call *call)
{
	return waits[call->wait].detail;
}

void hl_call_next_group(struct hl_call *call)
{
	while (call->state != HL_CALL_ENDED && hl_list_empty(&call->callees)) {
		if (call->next_target == call->target_count) {
			hl_call_give_up(call);
			return;
		}
		unsigned group = call->targets[call->next_target].group;
		hl_call_set_state(call, HL_CALL_TRYING, "calling the next targets");
		while (call->next_target < call->target_count &&
		       call->targets[call->next_target].group == group)
			call_target(call, &call->targets[call->next_target++]);
		wait_for(call, HL_WAIT_RESPONSE);
	}
}

void hl_call_heard(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	(void)leg, (void)message;
	if (call->wait < HL_WAIT_PROGRESS)
		wait_for(call, HL_WAIT_PROGRESS);
}

/* Whether the caller gets the SDP of this provisional response; its leg is the early one then. */
static bool shows_media(struct hl_call *call, struct hl_leg *leg, const struct hl_message *message)
{
	bool session = hl_message_has_sdp(message);
	bool taken = call->early && call->early != leg && call->early->media;
	if (!call->early || (session && !taken))
		call->early = leg;
	leg->media |= session && !taken;
	return session && !taken;
}

static int pass_early_session(struct hl_call *call, struct hl_leg *leg, struct hl_message *message,
			      struct hl_message *response)
{
	const struct hl_transaction *invite =
		hl_transaction_get(call->calls->parts.transactions, leg->invite);
	const struct hl_message *asked = invite ? hl_transaction_request(invite) : NULL;
	int code = asked && hl_message_body(asked).length
			   ? hl_session_answer(leg, call->caller, message, response)
			   : hl_session_offer(leg, call->caller, message, response);
	if (!code)
		hl_session_sent(call->caller, response);
	return code;
}

void hl_call_progress(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	struct hl_transaction *caller =
		hl_transaction_get(call->calls->parts.transactions, call->caller->invite);
	int status = hl_message_status(message);
	leg->state = HL_LEG_EARLY;
	if (!hl_reliable_heard(leg, message))
		return;
	if (!call->rang)
		call->rang = hl_clock_now();
	enum hl_wait wait = status == 180		  ? HL_WAIT_ANSWER
			    : hl_message_has_sdp(message) ? HL_WAIT_EARLY_MEDIA
							  : HL_WAIT_RINGING;
	if (call->wait < wait)
		wait_for(call, wait);
	struct hl_message *response = hl_leg_response(call->caller, hl_transaction_request(caller),
						      status, hl_message_reason(message));
	if (!response)
		return;
	/* One dialog of the caller's cannot hear two: the first with media keeps it. */
	bool heard = shows_media(call, leg, message);
	if (heard && pass_early_session(call, leg, message, response)) {
		hl_message_free(response);
		return;
	}
	hl_session_pass_headers(leg, message, response);
	hl_reliable_progress(call->caller, response,
			     hl_message_lists(message, "Require", "100rel"));
}

/* ACKs the 2xx: at once, or, when it carries the offer, with the caller's answer. */
static void acknowledge(struct hl_leg *leg, struct hl_message *answer)
{
	struct hl_transaction *invite =
		hl_transaction_get(leg->call->calls->parts.transactions, leg->invite);
	bool offered = invite && hl_message_body(hl_transaction_request(invite)).length;
	if (offered || !hl_message_has_sdp(answer))
		hl_leg_ack(leg, hl_message_cseq(answer));
	else
		leg->due_ack = hl_message_cseq(answer);
}

void hl_call_answer(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	struct hl_calls *calls = call->calls;
	struct hl_transaction *caller =
		hl_transaction_get(calls->parts.transactions, call->caller->invite);
	struct hl_list *node, *next;

	hl_timer_stop(calls->parts.loop, &call->setup);
	leg->state = HL_LEG_CONFIRMED;
	call->callee = leg;
	hl_address_format(&leg->flow.remote, call->callee_address);
	call->callee_gateway = leg->gateway ? leg->gateway->name : "";
	acknowledge(leg, message);
	hl_list_each(node, next, &call->callees)
	{
		struct hl_leg *other = hl_list_entry(node, struct hl_leg, node);
		if (other != leg)
			hl_call_drop_leg(call, other, ELSEWHERE);
	}
	struct hl_message *response =
		hl_leg_response(call->caller, hl_transaction_request(caller),
				hl_message_status(message), hl_message_reason(message));
	int code = response ? 0 : 500;
	if (response) {
		/* A 2xx to an INVITE without SDP carries an offer, not an answer. */
		code = leg->due_ack ? hl_session_offer(leg, call->caller, message, response)
				    : hl_session_answer(leg, call->caller, message, response);
	}
	if (code) {
		hl_message_free(response);
		hl_call_finish(call, code, NULL, "Rejected", "bad-answer", HL_ENDED_BY_SERVER);
		return;
	}
	hl_session_sent(call->caller, response);
	hl_session_pass_headers(leg, message, response);
	call->caller->state = HL_LEG_CONFIRMED;
	call->caller->ack_cseq = hl_message_cseq(response);
	call->caller->acking = call->caller->invite;
	call->answered = hl_clock_now();
	hl_call_forget_invite(call);
	call->sip_code = 200;
	if (!hl_reliable_hold(call->caller, response))
		hl_leg_respond(call->caller, caller, response);
	hl_log(HL_LOG_INFO, "call", "answered", hl_str("id", call->id),
	       hl_str("callee", hl_leg_user(leg)), hl_str("address", call->callee_address));
	calls->parts.hooks->answered(calls->parts.arg, call);
}

void hl_call_pass_ack(struct hl_leg *leg, struct hl_message *message)
{
	struct hl_leg *peer = hl_leg_peer(leg);
	if (!peer || !peer->due_ack)
		return;
	struct hl_message *ack = hl_leg_request(peer, HL_METHOD_ACK, peer->due_ack);
	uint32_t cseq = peer->due_ack;
	peer->due_ack = 0;
	if (!ack)
		return;
	if (!hl_session_answer(leg, peer, message, ack) && hl_message_has_sdp(ack)) {
		hl_session_sent(peer, ack);
		peer->ack_answer = cseq;
	}
	hl_leg_send_ack(peer, ack);
}

void hl_call_acked(struct hl_call *call, struct hl_leg *leg, struct hl_message *message)
{
	(void)call;
	if (leg->bye_due) {
		leg->bye_due = false;
		hl_leg_bye(leg, leg->call->cause);
		return;
	}
	hl_call_pass_ack(leg, message);
}
