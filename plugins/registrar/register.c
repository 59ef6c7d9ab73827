/* REGISTER (RFC 3261 §10.3, RFC 3327, RFC 5626): all of a request's bindings or none. */
#include "registrar.h"

#include <errno.h>
#include <stdio.h>

/* One REGISTER on its way through. */
struct request {
	struct registrar *registrar;
	struct hl_transaction *transaction;
	struct hl_message *message;
	const struct hl_account *account; /* NULL: known to the policy only */
	struct hl_slice user;
	const struct hl_flow *flow;
	int64_t expires; /* the header's, s; −1: none */
	bool star;	 /* Contact: * */
	unsigned count;	 /* of contacts */
	struct hl_contact_field contacts[REGISTRAR_CONTACTS];
	struct hl_uri uris[REGISTRAR_CONTACTS];		/* of theirs */
	struct hl_binding bindings[REGISTRAR_CONTACTS]; /* expires 0: removed */
};

static int reject(struct request *request, int code, const char *phrase, const char *reason)
{
	return registrar_reject(request->registrar, request->transaction, request->user, code,
				phrase, reason);
}

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
		return reject(request, 400, "Bad To", "unreadable To");
	request->user = to.user;
	if (!served_here(request, &to))
		return reject(request, 404, NULL, "domain not served");
	if (!to.user.length || to.user.length > REGISTRAR_USER)
		return reject(request, 404, NULL, "no such user");
	return HL_NEXT;
}

/* §10.3 step 2. Only the extensions named here may be required. */
static int check_required(struct request *request)
{
	struct hl_text *option = &request->registrar->value;
	const char *value;

	for (unsigned i = 0; (value = hl_message_header(request->message, "Require", i)); i++) {
		struct hl_slice rest = hl_slice_of(value);
		while (rest.length) {
			struct hl_slice token = hl_slice_trim(hl_slice_cut(&rest, ','));
			if (!token.length || hl_slice_equal_nocase(token, HL_SLICE_LITERAL("path")))
				continue;
			hl_text_clear(option);
			hl_text_slice(option, token);
			return registrar_reject_with(request->registrar, request->transaction,
						     request->user, 420, "Unsupported",
						     hl_text_string(option),
						     "unknown extension required");
		}
	}
	return HL_NEXT;
}

/* What is asked for one contact, s: its parameter over the header over the default. A value that
 * cannot be read counts as 3600 (§10.2.1.1). */
static int64_t expires_asked(const struct request *request, const struct hl_contact_field *contact)
{
	enum { UNREADABLE = 3600 };

	if (contact->expires >= 0)
		return contact->expires;
	if (contact->expires == -2)
		return UNREADABLE;
	return request->expires >= 0 ? request->expires : request->registrar->settings->expire;
}

static int read_expires(struct request *request)
{
	uint64_t number;
	int result = hl_message_header_number(request->message, "Expires", &number);

	request->expires = -1;
	if (!result)
		request->expires = number > UINT32_MAX ? UINT32_MAX : (int64_t)number;
	return result == -EINVAL ? reject(request, 400, "Bad Expires", "unreadable Expires")
				 : HL_NEXT;
}

/* Contact as it came: `*` stands alone and only with Expires: 0. */
static int read_contacts(struct request *request)
{
	struct hl_contact_field *contact = request->contacts;
	struct hl_uri *uri = request->uris;
	unsigned stars = 0;

	for (; hl_message_contact(request->message, request->count, contact); contact++, uri++) {
		stars += contact->star;
		if (!contact->star && (hl_uri_parse(contact->uri, uri) || !uri->host.length))
			return reject(request, 400, "Bad Contact", "unreadable Contact");
		if (contact->q == -2)
			return reject(request, 400, "Bad Contact", "unreadable q");
		if (contact->uri.length > REGISTRAR_STRINGS ||
		    contact->instance.length > REGISTRAR_STRINGS)
			return reject(request, 400, "Contact Too Long", "Contact too long");
		if (++request->count == REGISTRAR_CONTACTS)
			break;
	}
	struct hl_contact_field more;
	if (hl_message_contact(request->message, request->count, &more))
		return reject(request, 400, "Too Many Contacts", "too many contacts");
	request->star = stars > 0;
	if (request->star && (request->count != 1 || request->expires != 0))
		return reject(request, 400, "Bad Contact", "* beside others or without Expires: 0");
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
		return reject(request, decision.reject, *decision.reason ? decision.reason : NULL,
			      "policy");
	if (decision.expires > 0 && decision.expires < binding->expires)
		binding->expires = (unsigned)decision.expires;
	return HL_NEXT;
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
	return decide(request, binding, asked);
}

static int plan_binding(struct request *request, unsigned index, const struct hl_via *via)
{
	const struct hl_contact_field *field = &request->contacts[index];
	struct hl_binding *binding = &request->bindings[index];
	struct hl_endpoints *table = hl_switch_endpoints(request->registrar->holdline);
	const char *agent = hl_message_header(request->message, "User-Agent", 0);
	int setting = request->account ? request->account->party.nat : HL_AUTO;
	int64_t asked = expires_asked(request, field);

	*binding = (struct hl_binding){
		.user = request->user,
		.uri = field->uri,
		.instance = field->instance,
		.reg_id = field->reg_id,
		.user_agent = agent ? agent : "",
		.call_id = hl_message_call_id(request->message),
		.cseq = hl_message_cseq(request->message),
		.q = field->q < 0 ? 1000 : field->q,
		.flow = request->flow,
	};
	binding->contact = hl_contact_match(table, binding);
	if (out_of_order(request, binding->contact))
		return reject(request, 500, "CSeq Out Of Order", "CSeq out of order");
	if (asked == 0)
		return HL_NEXT;
	binding->nat = hl_nat_verdict(setting, &request->uris[index], via, request->flow);
	return grant(request, binding, asked);
}

/* Works out every binding before the first is touched. */
static int plan(struct request *request, struct hl_text *path)
{
	const struct registrar_settings *settings = request->registrar->settings;
	struct hl_via via;
	const struct hl_via *top = hl_message_via(request->message, 0, &via) ? &via : NULL;
	const char *value;
	int64_t kept = 0;

	for (unsigned i = 0; (value = hl_message_header(request->message, "Path", i)); i++)
		hl_text_printf(path, "%s%s", i ? ", " : "", value);
	if (path->length > REGISTRAR_STRINGS ||
	    strlen(hl_message_call_id(request->message)) > REGISTRAR_STRINGS)
		return reject(request, 400, "Header Too Long", "Path or Call-ID too long");
	for (unsigned i = 0; i < request->count; i++) {
		int result = plan_binding(request, i, top);
		if (result != HL_NEXT)
			return result;
		request->bindings[i].path = path->length ? hl_text_string(path) : NULL;
		kept += request->bindings[i].expires > 0;
	}
	if (kept > (settings->replace ? 1 : settings->max_contacts))
		return reject(request, 403, "Too Many Contacts", "more contacts than allowed");
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

/* Whether this registration is worth a line: a new device, or one that moved. */
static bool is_news(const struct hl_contact *contact, const struct request *request)
{
	return !contact || !hl_flow_equal(&contact->flow, request->flow);
}

static int bind_one(struct request *request, const struct hl_binding *binding)
{
	const struct registrar_settings *settings = request->registrar->settings;
	struct hl_endpoints *table = hl_switch_endpoints(request->registrar->holdline);
	unsigned most = settings->replace ? 1 : (unsigned)settings->max_contacts;
	struct hl_contact *contact = hl_contact_match(table, binding);

	if (!binding->expires) {
		if (contact)
			hl_contact_remove(table, contact, "unregistered");
		return 0;
	}
	bool news = is_news(contact, request);
	int result = hl_contact_bind(table, binding, &contact);
	if (result)
		return result;
	log_registered(contact, news);
	/* The one just bound is the most recently refreshed: never the spare one. */
	while (contact->endpoint->contact_count > most)
		hl_contact_remove(table, hl_endpoint_spare(contact->endpoint),
				  settings->replace ? "replaced" : "evicted");
	return 0;
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
			return reject(request, 500, "CSeq Out Of Order", "CSeq out of order");
	}
	/* The endpoint goes with its last contact. */
	for (unsigned left = endpoint->contact_count; left; left--) {
		node = endpoint->contacts.next;
		hl_contact_remove(table, hl_list_entry(node, struct hl_contact, node),
				  "unregistered");
	}
	return HL_NEXT;
}

static void put_number(struct hl_text *text, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	hl_text_append(text, digits + at, sizeof(digits) - at);
}

static int list_contact(struct hl_message *response, const struct hl_contact *contact,
			struct hl_text *value)
{
	hl_text_clear(value);
	hl_text_put(value, "<");
	hl_text_put(value, contact->uri);
	hl_text_put(value, ">;expires=");
	put_number(value, (uint64_t)hl_contact_expires_in(contact));
	if (contact->q != 1000)
		hl_text_printf(value, ";q=%d.%03d", contact->q / 1000, contact->q % 1000);
	if (contact->instance)
		hl_text_printf(value, ";+sip.instance=\"<%s>\"", contact->instance);
	if (contact->reg_id)
		hl_text_printf(value, ";reg-id=%u", contact->reg_id);
	return value->failed ? -ENOMEM
			     : hl_message_add_header(response, "Contact", hl_text_string(value));
}

/* 200 with all bindings (§10.3 step 8), and Path for who understands it (RFC 3327 §5.3). */
static int respond(struct request *request, const struct hl_text *path)
{
	struct hl_endpoints *table = hl_switch_endpoints(request->registrar->holdline);
	struct hl_endpoint *endpoint = hl_endpoint_find(table, request->user);
	struct hl_message *response = hl_message_response(request->message, 200, NULL,
							  hl_transaction_tag(request->transaction));
	struct hl_list *node, *next;
	int failed = !response;

	if (!failed && endpoint)
		hl_list_each(node, next, &endpoint->contacts) failed |=
			list_contact(response, hl_list_entry(node, struct hl_contact, node),
				     &request->registrar->value);
	if (!failed && path->length && hl_message_lists(request->message, "Supported", "path"))
		failed = hl_message_add_header(response, "Path", hl_text_string(path));
	if (failed) {
		hl_message_free(response);
		return reject(request, 500, NULL, "out of memory");
	}
	hl_transaction_respond(request->transaction, response);
	return HL_DONE;
}

static int serve(struct request *request, struct hl_text *path)
{
	int (*const steps[])(struct request *) = {check_required, read_expires, read_contacts};
	int result = HL_NEXT;

	for (size_t i = 0; i < HL_COUNT(steps) && result == HL_NEXT; i++)
		result = steps[i](request);
	if (result == HL_NEXT)
		result = request->star ? remove_all(request) : plan(request, path);
	if (result != HL_NEXT)
		return result;
	for (unsigned i = 0; i < request->count && !request->star; i++)
		if (bind_one(request, &request->bindings[i]))
			return reject(request, 500, NULL, "out of memory");
	return respond(request, path);
}

int registrar_register(struct registrar *registrar, struct hl_transaction *transaction,
		       struct hl_message *message)
{
	struct request request;
	struct hl_slice sender;
	struct hl_text path;

	request.registrar = registrar;
	request.transaction = transaction;
	request.message = message;
	request.user = HL_SLICE_LITERAL("");
	request.flow = hl_transaction_flow(transaction);
	request.count = 0;
	int result = check_address(&request);
	if (result == HL_NEXT)
		result = registrar_identify(registrar, transaction, message, &sender);
	if (result == HL_NEXT && !hl_slice_equal(sender, request.user))
		result = reject(&request, 403, NULL, "To is another user");
	if (result != HL_NEXT)
		return result;
	request.account = hl_config_account(hl_switch_config(registrar->holdline), request.user);
	hl_text_init(&path);
	result = serve(&request, &path);
	hl_text_fini(&path);
	return result;
}
