/* What a REGISTER says: Require, Path (RFC 3327), Expires, Contact (RFC 3261 §10.3) and the flows
 * of RFC 5626. Read and refused here, before anything is looked up. */
#include "request.h"

#include <errno.h>

enum {
	UNREADABLE = 3600, /* s: what an expiry that cannot be read stands for (§10.2.1.1) */
	PATHS = 16	   /* Path values one REGISTER may carry */
};

int request_reject(struct request *request, int code, const char *phrase, const char *reason)
{
	return registrar_reject(request->registrar, request->transaction, request->user, code,
				phrase, reason);
}

/* Extensions a REGISTER may insist on (§10.3 step 2). */
static bool extension_known(struct hl_slice token)
{
	return !token.length || hl_slice_equal_nocase(token, HL_SLICE_LITERAL("path")) ||
	       hl_slice_equal_nocase(token, HL_SLICE_LITERAL("outbound"));
}

static int read_required(struct request *request)
{
	struct hl_text *option = &request->registrar->value;
	const char *value;

	for (unsigned i = 0; (value = hl_message_header(request->message, "Require", i)); i++) {
		struct hl_slice rest = hl_slice_of(value);
		while (rest.length) {
			struct hl_slice token = hl_slice_trim(hl_slice_cut(&rest, ','));
			if (extension_known(token))
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

/* Takes `"name" <uri>;parameters` and its comma off `*rest`. 0 or -EBADMSG. */
static int take_path(struct hl_slice *rest, struct hl_uri *uri)
{
	const char *open = memchr(rest->data, '<', rest->length), *end;
	struct hl_slice text;

	if (!open)
		return -EBADMSG;
	text = (struct hl_slice){open + 1, rest->length - (size_t)(open + 1 - rest->data)};
	end = memchr(text.data, '>', text.length);
	if (!end)
		return -EBADMSG;
	*rest = (struct hl_slice){end + 1, text.length - (size_t)(end + 1 - text.data)};
	text.length = (size_t)(end - text.data);
	hl_slice_cut(rest, ',');
	*rest = hl_slice_trim(*rest);
	return hl_uri_parse(text, uri) || !uri->host.length ? -EBADMSG : 0;
}

/* One more value of Path: requests to the contact will take this way, so it must not lead round in
 * a circle. */
static int check_path(struct request *request, const struct hl_uri *uris, unsigned index)
{
	const struct hl_uri *uri = &uris[index];
	struct hl_slice unused;

	if (hl_transport_is_self(hl_switch_transport(request->registrar->holdline), uri))
		return request_reject(request, 482, "Loop Detected", "Path names the switch");
	for (unsigned i = 0; i < index; i++)
		if (hl_uri_equal(&uris[i], uri))
			return request_reject(request, 482, "Loop Detected",
					      "Path names a proxy twice");
	request->edge |= hl_uri_parameter(uri->parameters, "ob", &unused);
	return HL_NEXT;
}

static int read_path(struct request *request)
{
	struct hl_uri uris[PATHS];
	unsigned count = 0;
	const char *value;

	for (unsigned i = 0; (value = hl_message_header(request->message, "Path", i)); i++)
		hl_text_printf(&request->path, "%s%s", i ? ", " : "", value);
	if (request->path.length > REGISTRAR_STRINGS)
		return request_reject(request, 400, "Path Too Long", "Path too long");
	struct hl_slice rest = {request->path.data, request->path.length};
	while (rest.length) {
		if (count == PATHS)
			return request_reject(request, 400, "Path Too Long", "too many proxies");
		if (take_path(&rest, &uris[count]))
			return request_reject(request, 400, "Bad Path", "unreadable Path");
		int result = check_path(request, uris, count++);
		if (result != HL_NEXT)
			return result;
	}
	return HL_NEXT;
}

int64_t request_expires(const struct request *request, const struct hl_contact_field *contact)
{
	if (contact->expires >= 0)
		return contact->expires;
	if (contact->expires == -2)
		return UNREADABLE;
	return request->expires >= 0 ? request->expires : request->registrar->settings->expire;
}

static int read_expires(struct request *request)
{
	uint64_t number = 0;
	int result = hl_message_header_number(request->message, "Expires", &number);

	request->expires = result == -ENOENT		   ? -1
			   : result || number > UINT32_MAX ? UNREADABLE
							   : (int64_t)number;
	return HL_NEXT;
}

/* What stands between <" and ">: it is given back there, so it must not end what it stands in. */
static bool instance_sound(struct hl_slice instance)
{
	for (size_t i = 0; i < instance.length; i++)
		if ((unsigned char)instance.data[i] <= ' ' || strchr("<>\"\\", instance.data[i]))
			return false;
	return true;
}

static int check_contact(struct request *request, struct hl_contact_field *contact,
			 struct hl_uri *uri)
{
	if (!contact->star && (hl_uri_parse(contact->uri, uri) || !uri->host.length))
		return request_reject(request, 400, "Bad Contact", "unreadable Contact");
	if (contact->q == -2)
		return request_reject(request, 400, "Bad Contact", "unreadable q");
	if (contact->uri.length > REGISTRAR_STRINGS || contact->instance.length > REGISTRAR_STRINGS)
		return request_reject(request, 400, "Contact Too Long", "Contact too long");
	if (!instance_sound(contact->instance))
		return request_reject(request, 400, "Bad Contact", "unreadable instance");
	if (!contact->instance.length)
		contact->reg_id = 0; /* a flow of nobody (RFC 5626 §6) */
	return HL_NEXT;
}

/* `*` stands alone and only with Expires: 0. */
static int read_contacts(struct request *request)
{
	struct hl_contact_field *contact = request->contacts;
	unsigned stars = 0;
	int error;

	while (!(error = hl_message_contact(request->message, request->count, contact))) {
		if (request->count == HL_BINDINGS)
			return request_reject(request, 400, "Too Many Contacts",
					      "too many contacts");
		int result = check_contact(request, contact, &request->uris[request->count++]);
		if (result != HL_NEXT)
			return result;
		stars += contact++->star;
	}
	if (error == -EBADMSG)
		return request_reject(request, 400, "Bad Contact", "unreadable Contact");
	if (error != -ENOENT)
		return request_reject(request, 500, NULL, "out of memory");
	request->star = stars > 0;
	if (request->star && (request->count != 1 || request->expires != 0))
		return request_reject(request, 400, "Bad Contact",
				      "* beside others or without Expires: 0");
	return HL_NEXT;
}

/* RFC 5626 §6: reg-id counts where the way back to the device is the flow it came by, or where the
 * proxy at its end keeps that flow. */
static int read_flows(struct request *request)
{
	bool asked = hl_message_lists(request->message, "Supported", "outbound");
	unsigned flows = 0, kept = 0;
	struct hl_via via;

	for (unsigned i = 0; i < request->count; i++) {
		flows += request->contacts[i].reg_id > 0;
		kept += request_expires(request, &request->contacts[i]) > 0;
	}
	if (!flows)
		return HL_NEXT;
	if (!request->edge && hl_message_via(request->message, 1, &via)) {
		if (asked)
			return request_reject(request, 439, "First Hop Lacks Outbound Support",
					      "the first proxy does not keep flows");
		for (unsigned i = 0; i < request->count; i++)
			request->contacts[i].reg_id = 0;
		return HL_NEXT;
	}
	if (kept > 1)
		return request_reject(request, 400, "Bad Contact", "reg-id beside other contacts");
	request->outbound = asked;
	return HL_NEXT;
}

int request_read(struct request *request)
{
	int (*const steps[])(struct request *) = {read_required, read_path, read_expires,
						  read_contacts, read_flows};
	int result = HL_NEXT;

	for (size_t i = 0; i < HL_COUNT(steps) && result == HL_NEXT; i++)
		result = steps[i](request);
	return result;
}
