/* REGISTER (RFC 3261 §10.3, RFC 3327, RFC 5626): all of a request's bindings or none. */
#include "request.h"

#include <errno.h>
#include <stdio.h>

static bool served_here(const struct request *request, const struct hl_uri *uri)
{
	struct hl_switch *holdline = request->registrar->holdline;
	const struct hl_strings *domains = &hl_switch_config(holdline)->settings.domains;

	for (size_t i = 0; i < domains->count; i++)
		if (hl_slice_equal_nocase(uri->host, hl_slice_of(domains->items[i])))
			return true;
	return domains->count == 0 || hl_transport_is_self(hl_switch_transport(holdline), uri);
}

/* §10.3 step 5: whose bindings these are. The Request-URI was the switch's to check. */
static int check_address(struct request *request)
{
	struct hl_uri to;

	if (hl_message_to_uri(request->message, &to))
		return request_reject(request, 400, "Bad To", "unreadable To");
	request->user = hl_uri_user_plain(to.user, request->plain, sizeof(request->plain));
	if (!served_here(request, &to))
		return request_reject(request, 404, NULL, "domain not served");
	if (!to.user.length || to.user.length > REGISTRAR_USER)
		return request_reject(request, 404, NULL, "no such user");
	return HL_NEXT;
}

/* Whether an older request overtook this one, and so changes nothing (§10.3 steps 6 and 7). */
static bool out_of_order(const struct request *request, const struct hl_contact *contact)
{
	return contact && hl_message_cseq(request->message) <= contact->cseq &&
	       hl_contact_same_call_id(contact, hl_message_call_id(request->message));
}

/* The policy's word on one binding. */
static int decide(struct request *request, struct hl_binding *binding, int64_t asked)
{
	struct registrar *registrar = request->registrar;
	const struct hl_config *config = hl_switch_config(registrar->holdline);
	const struct hl_account *account = request->account;
	struct hl_register_decision decision;
	char user[REGISTRAR_USER + 1], contact[REGISTRAR_STRINGS + 1];

	if (!hl_decides_register(registrar->holdline))
		return HL_NEXT;
	struct hl_endpoint_view view = {
		.user = registrar_text(user, sizeof(user), request->user),
		.contact = registrar_text(contact, sizeof(contact), binding->uri),
		.received = request->flow->remote,
		.transport = hl_transport_name(request->flow->type),
		.nat = binding->nat.nat,
		.user_agent = binding->user_agent,
		.expires = asked,
		.network = hl_endpoint_network(config, account, &request->flow->remote),
		.settings = account ? account->node : NULL,
	};
	snprintf(view.aor, sizeof(view.aor), "%s@%s", user, config->settings.realm);
	if (!hl_decide_register(registrar->holdline, &view, &decision))
		return HL_NEXT;
	if (decision.reject)
		return request_reject(request, decision.reject,
				      *decision.reason ? decision.reason : NULL, "policy");
	hl_text_clear(&request->headers);
	if (*decision.headers)
		hl_text_put(&request->headers, decision.headers);
	if (decision.expires > 0 && decision.expires < binding->expires)
		binding->expires = (unsigned)decision.expires;
	return HL_NEXT;
}

/* Spreads the refreshes of devices that all began at once (expire_jitter): a device that begins, by
 * its Call-ID, gets less than the full time, later the full time. Less each time would wear away
 * the expiry of those who ask for what they were granted. */
static unsigned spread(const struct request *request, const struct hl_binding *binding)
{
	const struct registrar_settings *settings = request->registrar->settings;
	unsigned least = (unsigned)settings->min_expire, granted = binding->expires;
	uint64_t most = (uint64_t)granted * (uint64_t)settings->expire_jitter / 100;

	if (!most || granted <= least ||
	    (binding->contact && hl_contact_same_call_id(binding->contact, binding->call_id)))
		return granted;
	granted -= (unsigned)hl_random_below(most + 1);
	return granted < least ? least : granted;
}

/* Grants an expiry (G3), or refuses a too short one. */
static int grant(struct request *request, struct hl_binding *binding, int64_t asked)
{
	const struct registrar_settings *settings = request->registrar->settings;
	int64_t limit = binding->nat.nat ? settings->nat_expire : settings->expire;

	if (asked < settings->min_expire) {
		char least[24];
		snprintf(least, sizeof(least), "%lld", (long long)settings->min_expire);
		return registrar_reject_with(request->registrar, request->transaction,
					     request->user, 423, "Min-Expires", least,
					     "expiry too short");
	}
	binding->expires = (unsigned)(asked < limit ? asked : limit);
	int result = decide(request, binding, asked);
	binding->expires = spread(request, binding);
	return result;
}

/* Whether a new Contact leads back to the switch: what is sent there would come again. Where the
 * REGISTER itself came from nobody listens but the device, though a port of ours may have the same
 * number for another protocol. */
static bool names_switch(const struct request *request, const struct hl_binding *binding,
			 const struct hl_uri *uri)
{
	struct hl_address host;

	if (binding->contact && hl_slice_equal(binding->uri, hl_slice_of(binding->contact->uri)))
		return false; /* looked at when it came */
	if (!hl_address_parse(uri->host, &host) && uri->port == request->flow->remote.port &&
	    hl_address_same_host(&host, &request->flow->remote))
		return false;
	return hl_transport_is_self(hl_switch_transport(request->registrar->holdline), uri);
}

static int plan_binding(struct request *request, unsigned index, const struct hl_via *via)
{
	const struct hl_contact_field *field = &request->contacts[index];
	struct hl_binding *binding = &request->bindings[request->kept];
	struct hl_endpoints *table = hl_switch_endpoints(request->registrar->holdline);
	const char *agent = hl_message_header(request->message, "User-Agent", 0);
	int setting = request->account ? request->account->party.nat : HL_AUTO;
	int64_t asked = request_expires(request, field);

	*binding = (struct hl_binding){
		.user = request->user,
		.uri = field->uri,
		.instance = field->instance,
		.reg_id = field->reg_id,
		.path = request->path.length ? hl_text_string(&request->path) : NULL,
		.user_agent = agent ? agent : "",
		.call_id = hl_message_call_id(request->message),
		.cseq = hl_message_cseq(request->message),
		.q = field->q < 0 ? 1000 : field->q,
		.flow = request->flow,
	};
	binding->contact = hl_contact_match(table, binding);
	if (out_of_order(request, binding->contact))
		return request_reject(request, 500, "CSeq Out Of Order", "CSeq out of order");
	if (asked == 0) {
		if (binding->contact)
			request->removed[request->gone++] = binding->contact;
		return HL_NEXT;
	}
	if (names_switch(request, binding, &request->uris[index]))
		return request_reject(request, 400, "Bad Contact", "Contact names the switch");
	binding->nat = hl_nat_verdict(setting, &request->uris[index], via, request->flow);
	request->kept++;
	return grant(request, binding, asked);
}

/* Whether two of the bindings are one contact. */
static bool names_twice(const struct request *request)
{
	const struct hl_binding *bindings = request->bindings;

	for (unsigned i = 1; i < request->kept; i++)
		for (unsigned n = 0; n < i; n++)
			if (bindings[i].contact
				    ? bindings[i].contact == bindings[n].contact
				    : !bindings[n].contact &&
					      hl_binding_same(&bindings[i], &bindings[n]))
				return true;
	return false;
}

/* Works out every binding before the first is touched. */
static int plan(struct request *request)
{
	const struct registrar_settings *settings = request->registrar->settings;
	struct hl_via via;
	const struct hl_via *top = hl_message_via(request->message, 0, &via) ? &via : NULL;

	for (unsigned i = 0; i < request->count; i++) {
		int result = plan_binding(request, i, top);
		if (result != HL_NEXT)
			return result;
	}
	if (names_twice(request))
		return request_reject(request, 400, "Bad Contact", "a contact is named twice");
	if (request->kept > (settings->replace ? 1 : settings->max_contacts))
		return request_reject(request, 403, "Too Many Contacts",
				      "more contacts than allowed");
	return HL_NEXT;
}

static void log_registered(const struct hl_contact *contact, bool news)
{
	enum hl_log_level level = news ? HL_LOG_INFO : HL_LOG_DEBUG;
	char received[HL_ADDRESS_TEXT], aor[HL_AOR_TEXT], reason[HL_NAT_REASON_TEXT];

	if (!hl_log_enabled(level))
		return;
	hl_log(level, "registrar", "registered", hl_str("aor", hl_contact_aor(contact, aor)),
	       hl_str("user", hl_contact_user(contact)), hl_str("contact", contact->uri),
	       hl_str("received", hl_address_host(&contact->flow.remote, received)),
	       hl_int("received_port", contact->flow.remote.port),
	       hl_str("transport", hl_transport_name(contact->flow.type)),
	       hl_int("expires", hl_contact_expires_in(contact)),
	       hl_str("nat", contact->nat ? "yes" : "no"),
	       hl_str("nat_reason", hl_contact_nat_reason(contact, reason)));
}

/* A device that moves says so once more under its new address: then it is not the old one that
 * goes. */
static bool is_bound(const struct request *request, const struct hl_contact *contact)
{
	for (unsigned i = 0; i < request->kept; i++)
		if (request->bindings[i].contact == contact)
			return true;
	return false;
}

/* Carries the plan out: what may fail, the binding, comes first. */
static int carry_out(struct request *request)
{
	const struct registrar_settings *settings = request->registrar->settings;
	struct hl_endpoints *table = hl_switch_endpoints(request->registrar->holdline);
	unsigned most = settings->replace ? 1 : (unsigned)settings->max_contacts;
	bool news[HL_BINDINGS];

	for (unsigned i = 0; i < request->kept; i++) {
		const struct hl_contact *contact = request->bindings[i].contact;
		news[i] = !contact || !hl_flow_equal(&contact->flow, request->flow);
	}
	if (hl_contacts_bind(table, request->bindings, request->kept))
		return request_reject(request, 500, NULL, "out of memory");
	for (unsigned i = 0; i < request->gone; i++)
		if (!is_bound(request, request->removed[i]))
			hl_contact_remove(table, request->removed[i], "unregistered");
	if (!request->kept)
		return HL_NEXT;
	for (unsigned i = 0; i < request->kept; i++)
		log_registered(request->bindings[i].contact, news[i]);
	/* Those just bound are the most recently refreshed: never the spare one. */
	request->endpoint = request->bindings[0].contact->endpoint;
	while (request->endpoint->contact_count > most)
		hl_contact_remove(table, hl_endpoint_spare(request->endpoint),
				  settings->replace ? "replaced" : "evicted");
	return HL_NEXT;
}

static int remove_all(struct request *request)
{
	struct hl_endpoints *table = hl_switch_endpoints(request->registrar->holdline);
	struct hl_endpoint *endpoint = hl_endpoint_find(table, request->user);
	struct hl_list *node, *next;

	if (!endpoint)
		return HL_NEXT;
	hl_list_each(node, next, &endpoint->contacts)
	{
		if (out_of_order(request, hl_list_entry(node, struct hl_contact, node)))
			return request_reject(request, 500, "CSeq Out Of Order",
					      "CSeq out of order");
	}
	/* The endpoint goes with its last contact. */
	for (unsigned left = endpoint->contact_count; left; left--) {
		node = endpoint->contacts.next;
		hl_contact_remove(table, hl_list_entry(node, struct hl_contact, node),
				  "unregistered");
	}
	return HL_NEXT;
}

static int list_contact(struct hl_message *response, const struct hl_contact *contact,
			struct hl_text *value)
{
	hl_text_clear(value);
	hl_text_put(value, "<");
	hl_text_put(value, contact->uri);
	hl_text_put(value, ">;expires=");
	hl_text_number(value, (uint64_t)hl_contact_expires_in(contact));
	if (contact->q != 1000)
		hl_text_printf(value, ";q=%d.%03d", contact->q / 1000, contact->q % 1000);
	if (contact->instance) {
		hl_text_put(value, ";+sip.instance=\"<");
		hl_text_put(value, contact->instance);
		hl_text_put(value, ">\"");
	}
	if (contact->reg_id) {
		hl_text_put(value, ";reg-id=");
		hl_text_number(value, contact->reg_id);
	}
	return value->failed ? -ENOMEM
			     : hl_message_add_header(response, "Contact", hl_text_string(value));
}

/* What the policy has to say to the device. */
static int add_policy_headers(const struct hl_text *headers, struct hl_message *response)
{
	struct hl_slice rest = {headers->data, headers->length};
	int failed = headers->failed ? -ENOMEM : 0;

	while (rest.length && !failed) {
		struct hl_slice value = hl_slice_cut(&rest, '\n'), name = hl_slice_cut(&value, ':');
		char *line = hl_slice_copy(name), *text = hl_slice_copy(hl_slice_trim(value));

		failed = line && text ? hl_message_add_header(response, line, text) : -ENOMEM;
		hl_free(line);
		hl_free(text);
	}
	return failed;
}

/* What the 200 says beside the bindings: Path to who understands it (RFC 3327 §5.3), and that its
 * flows are kept to who asked for that (RFC 5626 §6). */
static int add_extensions(const struct request *request, struct hl_message *response)
{
	int failed = 0;

	if (request->path.length && hl_message_lists(request->message, "Supported", "path"))
		failed = hl_message_add_header(response, "Path", hl_text_string(&request->path));
	if (!failed && request->outbound)
		failed = hl_message_add_header(response, "Require", "outbound");
	return failed ? failed : add_policy_headers(&request->headers, response);
}

/* 200 with all bindings (§10.3 step 8). */
static int respond(struct request *request)
{
	struct hl_endpoints *table = hl_switch_endpoints(request->registrar->holdline);
	const struct hl_endpoint *endpoint =
		request->endpoint ? request->endpoint : hl_endpoint_find(table, request->user);
	struct hl_message *response = hl_message_response(request->message, 200, NULL,
							  hl_transaction_tag(request->transaction));
	struct hl_list *node, *next;
	int failed = !response;

	if (!failed && endpoint)
		hl_list_each(node, next, &endpoint->contacts) failed |=
			list_contact(response, hl_list_entry(node, struct hl_contact, node),
				     &request->registrar->value);
	if (!failed)
		failed = add_extensions(request, response);
	if (failed) {
		hl_message_free(response);
		return request_reject(request, 500, NULL, "out of memory");
	}
	hl_transaction_respond(request->transaction, response);
	return HL_DONE;
}

static int serve(struct request *request)
{
	int result = request_read(request);

	if (result == HL_NEXT && request->star)
		result = remove_all(request);
	else if (result == HL_NEXT)
		result = plan(request);
	if (result == HL_NEXT && !request->star)
		result = carry_out(request);
	return result == HL_NEXT ? respond(request) : result;
}

int registrar_register(struct registrar *registrar, struct hl_transaction *transaction,
		       struct hl_message *message)
{
	struct request request;
	struct hl_slice sender;

	request.registrar = registrar;
	request.transaction = transaction;
	request.message = message;
	request.user = HL_SLICE_LITERAL("");
	request.flow = hl_transaction_flow(transaction);
	request.endpoint = NULL;
	request.edge = request.outbound = false;
	request.count = request.kept = request.gone = 0;
	int result = check_address(&request);
	if (result == HL_NEXT)
		result = registrar_identify(registrar, transaction, message, request.user,
					    &sender);
	if (result == HL_NEXT && !hl_slice_equal(sender, request.user))
		result = request_reject(&request, 403, NULL, "To is another user");
	if (result != HL_NEXT)
		return result;
	request.account = hl_config_account(hl_switch_config(registrar->holdline), request.user);
	hl_text_init(&request.path);
	hl_text_init(&request.headers);
	result = serve(&request);
	hl_text_fini(&request.path);
	hl_text_fini(&request.headers);
	return result;
}
