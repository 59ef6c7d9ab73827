/* What a message says: the readers of its start line, headers and body. */
#include "sip/message_parts.h"

#include <errno.h>
#include <strings.h>

#include <osipparser2/osip_parser.h>

enum { Q_ONE = 1000 /* thousandths */ };

bool hl_message_is_request(const struct hl_message *message)
{
	return !message->status;
}

enum hl_method hl_message_method(const struct hl_message *message)
{
	return message->method;
}

const char *hl_message_method_text(const struct hl_message *message)
{
	return message->method_text;
}

int hl_message_status(const struct hl_message *message)
{
	return message->status;
}

const char *hl_message_reason(const struct hl_message *message)
{
	return message->reason;
}

uint32_t hl_message_cseq(const struct hl_message *message)
{
	return message->cseq;
}

static const char *first_value(const struct hl_message *message, unsigned kind)
{
	const struct hl_header *header = hl_header_first(message, kind);

	return header ? header->value : "";
}

const char *hl_message_call_id(const struct hl_message *message)
{
	return first_value(message, HL_HEADER_CALL_ID);
}

const char *hl_message_from(const struct hl_message *message)
{
	return first_value(message, HL_HEADER_FROM);
}

const char *hl_message_to(const struct hl_message *message)
{
	return first_value(message, HL_HEADER_TO);
}

/* A parameter by name, or NULL. */
static const osip_generic_param_t *find(const osip_list_t *list, const char *name)
{
	osip_list_iterator_t at;
	const osip_generic_param_t *parameter = osip_list_get_first(list, &at);

	while (parameter && (!parameter->gname || strcasecmp(parameter->gname, name)))
		parameter = osip_list_get_next(&at);
	return parameter;
}

static const char *read_tag(struct hl_message *message, const char *value)
{
	struct hl_name name;
	struct hl_slice tag = {NULL, 0};
	const char *copy;

	if (hl_header_name(hl_slice_of(value), &name) ||
	    !hl_uri_parameter(name.parameters, "tag", &tag))
		return "";
	copy = hl_message_copy(message, tag);
	return copy ? copy : "";
}

const char *hl_message_from_tag(const struct hl_message *constant)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */

	if (!message->from_tag)
		message->from_tag = read_tag(message, hl_message_from(message));
	return message->from_tag;
}

const char *hl_message_to_tag(const struct hl_message *constant)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */

	if (!message->to_tag)
		message->to_tag = read_tag(message, hl_message_to(message));
	return message->to_tag;
}

int hl_message_from_uri(const struct hl_message *message, struct hl_uri *uri)
{
	return hl_uri_parse(hl_header_uri(hl_message_from(message)), uri);
}

int hl_message_to_uri(const struct hl_message *message, struct hl_uri *uri)
{
	return hl_uri_parse(hl_header_uri(hl_message_to(message)), uri);
}

/* Copies a display name without its quotes and backslashes. */
static const char *plain_display(struct hl_message *message, struct hl_slice name)
{
	char *plain = hl_message_copy(message, name);
	size_t length = 0;

	if (!plain)
		return "";
	if (name.length < 2 || *name.data != '"')
		return plain;
	for (size_t i = 1; i + 1 < name.length; i++) {
		i += name.data[i] == '\\' && i + 2 < name.length;
		plain[length++] = name.data[i];
	}
	plain[length] = '\0';
	return plain;
}

const char *hl_message_from_display(const struct hl_message *constant)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */
	struct hl_name name;

	if (!message->display)
		message->display = hl_header_name(hl_slice_of(hl_message_from(message)), &name)
					   ? ""
					   : plain_display(message, name.display);
	return message->display;
}

const char *hl_message_request_uri(const struct hl_message *message)
{
	return message->request_uri;
}

int hl_message_request_uri_parts(const struct hl_message *message, struct hl_uri *uri)
{
	return hl_uri_parse(hl_slice_of(message->request_uri), uri);
}

/* The value of a number parameter, 0 when it is missing or none. */
static unsigned small_number(const osip_generic_param_t *parameter, unsigned most)
{
	uint64_t number;

	if (!parameter || hl_slice_number(hl_slice_of(parameter->gvalue), &number) || number > most)
		return 0;
	return (unsigned)number;
}

static struct hl_via via_of(const osip_via_t *read)
{
	const osip_generic_param_t *branch = find(&read->via_params, "branch");
	const osip_generic_param_t *received = find(&read->via_params, "received");
	const osip_generic_param_t *rport = find(&read->via_params, "rport");
	uint64_t port = 0;

	if (read->port && hl_slice_number(hl_slice_of(read->port), &port))
		port = 0;
	return (struct hl_via){
		.transport = hl_slice_of(read->protocol),
		.host = hl_slice_of(read->host),
		.port = (unsigned)port,
		.branch = hl_slice_of(branch && branch->gvalue ? branch->gvalue : ""),
		.received = hl_slice_of(received && received->gvalue ? received->gvalue : ""),
		.rport = rport,
		.rport_value = small_number(rport, UINT16_MAX),
	};
}

bool hl_message_via(const struct hl_message *constant, unsigned index, struct hl_via *via)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */
	const osip_via_t *read;

	if (!message->via_read || index) {
		if (hl_header_read(message, HL_HEADER_VIA) || index >= HL_MESSAGE_HEADERS)
			return false;
		read = osip_list_get(&message->typed->vias, (int)index);
		if (!read)
			return false;
		*via = via_of(read);
		if (index)
			return true;
		message->via = *via;
		message->via_read = true;
	}
	*via = message->via;
	return true;
}

/* "0.25" in thousandths; −2 for what is no q-value (RFC 3261 §25.1). */
static int q_value(const char *text)
{
	struct hl_slice rest = hl_slice_of(text), whole = hl_slice_cut(&rest, '.');
	int value, unit = Q_ONE / 10;

	if (whole.length != 1 || (*whole.data != '0' && *whole.data != '1') || rest.length > 3)
		return -2;
	value = (*whole.data - '0') * Q_ONE;
	for (size_t i = 0; i < rest.length; i++, unit /= 10) {
		if (rest.data[i] < '0' || rest.data[i] > '9')
			return -2;
		value += (rest.data[i] - '0') * unit;
	}
	return value > Q_ONE ? -2 : value;
}

/* RFC 3261 §20.19 goes no further than 2^32−1: what is beyond is no expiry. */
static int64_t expires_value(const char *text)
{
	uint64_t seconds;

	if (hl_slice_number(hl_slice_of(text), &seconds) || seconds > UINT32_MAX)
		return -2;
	return (int64_t)seconds;
}

/* "<urn:uuid:…>" in quotes, without either (RFC 5626 §4.1). */
static struct hl_slice instance_value(const char *text)
{
	struct hl_slice value = hl_slice_of(text);

	if (value.length >= 2 && *value.data == '"' && value.data[value.length - 1] == '"')
		value = (struct hl_slice){value.data + 1, value.length - 2};
	if (value.length >= 2 && *value.data == '<' && value.data[value.length - 1] == '>')
		value = (struct hl_slice){value.data + 1, value.length - 2};
	return value;
}

/* The text of the `index`-th header of a kind. */
static const char *nth_value(const struct hl_message *message, unsigned kind, unsigned index)
{
	for (unsigned i = 0; i < message->count; i++)
		if (message->headers[i].kind == kind && !index--)
			return message->headers[i].value;
	return NULL;
}

bool hl_message_contact(const struct hl_message *message, unsigned index,
			struct hl_contact_field *contact)
{
	const char *value = nth_value(message, HL_HEADER_CONTACT, index);
	const osip_generic_param_t *expires, *q, *instance;
	const osip_contact_t *read;

	if (!value || hl_header_read(message, HL_HEADER_CONTACT))
		return false;
	read = osip_list_get(&message->typed->contacts, (int)index);
	expires = find(&read->gen_params, "expires");
	q = find(&read->gen_params, "q");
	instance = find(&read->gen_params, "+sip.instance");
	*contact = (struct hl_contact_field){
		.star = !read->url,
		.uri = read->url ? hl_header_uri(value) : hl_slice_of(""),
		.expires = expires ? expires_value(expires->gvalue) : -1,
		.q = q ? q_value(q->gvalue) : -1,
		.instance = instance_value(instance ? instance->gvalue : NULL),
		.reg_id = small_number(find(&read->gen_params, "reg-id"), INT32_MAX),
	};
	return true;
}

int hl_message_header_number(const struct hl_message *message, const char *name, uint64_t *value)
{
	struct hl_slice rest = hl_slice_of(hl_message_header(message, name, 0));

	if (!rest.data)
		return -ENOENT;
	return hl_slice_number(hl_slice_trim(hl_slice_cut(&rest, ';')), value) ? -EINVAL : 0;
}

bool hl_message_lists(const struct hl_message *message, const char *name, const char *token)
{
	struct hl_slice wanted = hl_slice_of(token);
	const char *value;

	for (unsigned i = 0; (value = hl_message_header(message, name, i)); i++) {
		struct hl_slice rest = hl_slice_of(value);

		while (rest.length)
			if (hl_slice_equal_nocase(hl_slice_trim(hl_slice_cut(&rest, ',')), wanted))
				return true;
	}
	return false;
}

struct hl_slice hl_message_body(const struct hl_message *message)
{
	return message->body;
}

const char *hl_message_content_type(const struct hl_message *message)
{
	return message->body.length ? first_value(message, HL_HEADER_CONTENT_TYPE) : "";
}

bool hl_message_has_sdp(const struct hl_message *message)
{
	struct hl_slice rest = hl_slice_of(hl_message_content_type(message));

	return hl_slice_equal_nocase(hl_slice_trim(hl_slice_cut(&rest, ';')),
				     HL_SLICE_LITERAL("application/sdp"));
}
