/* What a message says: the readers of its start line, headers and body. */
#include "sip/message_parts.h"

#include <errno.h>

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

static struct hl_slice slice_of(const struct hl_header *header)
{
	return (struct hl_slice){header->value, header->value_length};
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

static const char *read_tag(struct hl_message *message, unsigned kind)
{
	const struct hl_name *name = hl_message_name(message, kind);
	struct hl_slice tag = {NULL, 0};
	const char *copy;

	if (!name || !hl_uri_parameter(name->parameters, "tag", &tag))
		return "";
	copy = hl_message_copy(message, tag);
	return copy ? copy : "";
}

const char *hl_message_from_tag(const struct hl_message *constant)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */

	if (!message->from_tag)
		message->from_tag = read_tag(message, HL_HEADER_FROM);
	return message->from_tag;
}

const char *hl_message_to_tag(const struct hl_message *constant)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */

	if (!message->to_tag)
		message->to_tag = read_tag(message, HL_HEADER_TO);
	return message->to_tag;
}

int hl_message_from_uri(const struct hl_message *message, struct hl_uri *uri)
{
	const struct hl_name *name = hl_message_name(message, HL_HEADER_FROM);

	return name ? hl_uri_parse(name->uri, uri) : -EBADMSG;
}

int hl_message_to_uri(const struct hl_message *message, struct hl_uri *uri)
{
	const struct hl_name *name = hl_message_name(message, HL_HEADER_TO);

	return name ? hl_uri_parse(name->uri, uri) : -EBADMSG;
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
	const struct hl_name *name = hl_message_name(message, HL_HEADER_FROM);

	if (!message->display)
		message->display = name ? plain_display(message, name->display) : "";
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

bool hl_message_via(const struct hl_message *constant, unsigned index, struct hl_via *via)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */
	const struct hl_header *header;

	if (!index && message->via_read) {
		*via = message->via;
		return true;
	}
	header = hl_header_nth(message, HL_HEADER_VIA, index);
	if (!header || hl_header_via(slice_of(header), via))
		return false;
	if (!index) {
		message->via = *via;
		message->via_read = true;
	}
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
