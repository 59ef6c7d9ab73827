/* Via (RFC 3261 §20.42): reading it in place; the way back of a response, `received` and `rport` in
 * the top one (§18.2.1, RFC 3581 §4); and the 400 for a request that could not be parsed, put
 * together from what can be made out. */
#include "sip/message_parts.h"

#include "base/memory.h"
#include "base/random.h"

#include <errno.h>

enum {
	VIA_MARK = 96,	     /* bytes that received and rport add at most */
	SALVAGED_LINES = 24, /* header lines that the answer copies at most */
	TAG = 13,	     /* characters of our To tag, with NUL */
};

static bool is_ipv6(struct hl_slice text)
{
	while (text.length) {
		struct hl_slice group = hl_slice_cut(&text, ':');

		if (group.length && !hl_is_token(group))
			return false;
	}
	return true;
}

/* "host" or "host:port", with blanks around either. */
static int read_sent_by(struct hl_slice text, struct hl_via *via)
{
	struct hl_slice rest = text, host;
	uint64_t port = 0;

	if (text.length && *text.data == '[') {
		host = hl_slice_cut(&rest, ']');
		via->host = (struct hl_slice){text.data, host.length + 1};
		host = (struct hl_slice){host.data + 1, host.length - 1};
		if (!rest.data || !is_ipv6(host) || hl_slice_trim(hl_slice_cut(&rest, ':')).length)
			return -EBADMSG;
	} else {
		via->host = hl_slice_trim(hl_slice_cut(&rest, ':'));
		if (!hl_is_token(via->host))
			return -EBADMSG;
	}
	if (rest.data &&
	    (hl_slice_number(hl_slice_trim(rest), &port) || !port || port > UINT16_MAX))
		return -EBADMSG;
	via->port = (unsigned)port;
	return 0;
}

/* What is in front of the parameters: "SIP/2.0/UDP sent-by", with blanks around each word. */
static int read_head(struct hl_slice head, struct hl_via *via)
{
	struct hl_slice name = hl_slice_trim(hl_slice_cut(&head, '/'));
	struct hl_slice version = hl_slice_trim(hl_slice_cut(&head, '/'));
	size_t length = 0;

	head = hl_slice_trim(head);
	while (length < head.length && head.data[length] != ' ' && head.data[length] != '\t')
		length++;
	via->transport = (struct hl_slice){head.data, length};
	if (!hl_slice_equal_nocase(name, HL_SLICE_LITERAL("SIP")) ||
	    !hl_slice_equal(version, HL_SLICE_LITERAL("2.0")) || !hl_is_token(via->transport))
		return -EBADMSG;
	head = (struct hl_slice){head.data + length, head.length - length};
	return read_sent_by(hl_slice_trim(head), via);
}

enum parameter { OTHER, BRANCH, RECEIVED, RPORT };

static enum parameter parameter_of(struct hl_slice part, struct hl_slice *value)
{
	static const struct hl_slice names[] = {
		[BRANCH] = HL_SLICE_LITERAL("branch"),
		[RECEIVED] = HL_SLICE_LITERAL("received"),
		[RPORT] = HL_SLICE_LITERAL("rport"),
	};
	struct hl_slice name = hl_slice_trim(hl_slice_cut(&part, '='));

	for (unsigned i = BRANCH; i < HL_COUNT(names); i++) {
		if (!hl_slice_equal_nocase(name, names[i]))
			continue;
		*value = hl_slice_trim(part);
		return i;
	}
	return OTHER;
}

/* What is there twice counts once: the first. */
static void read_parameter(struct hl_slice part, struct hl_via *via)
{
	struct hl_slice value;
	uint64_t port;

	switch (parameter_of(part, &value)) {
	case OTHER: break;
	case BRANCH:
		if (!via->branch.length)
			via->branch = value;
		break;
	case RECEIVED:
		if (!via->received.length)
			via->received = value;
		break;
	case RPORT:
		if (!via->rport && !hl_slice_number(value, &port) && port <= UINT16_MAX)
			via->rport_value = (unsigned)port;
		via->rport = true;
	}
}

int hl_header_via(struct hl_slice value, struct hl_via *via)
{
	struct hl_slice rest = value, head = hl_slice_cut(&rest, ';');
	struct hl_via read = {.branch = {"", 0}, .received = {"", 0}};

	/* Comments went with RFC 2543, and would hide what is added behind them. */
	if (read_head(head, &read) || memchr(value.data, '(', value.length))
		return -EBADMSG;
	while (rest.length)
		read_parameter(hl_header_cut(&rest, ';'), &read);
	*via = read;
	return 0;
}

/* Whether the sent-by host is the very address it came from. */
static bool sent_by_source(const struct hl_via *via, const struct hl_address *source)
{
	struct hl_address address;

	return !hl_address_parse(via->host, &address) && hl_address_same_host(&address, source);
}

static char *put(char *at, struct hl_slice text)
{
	if (text.length)
		memcpy(at, text.data, text.length);
	return at + text.length;
}

/* Writes the parameters but those that are ours to write. */
static char *put_others(char *at, struct hl_slice rest)
{
	struct hl_slice value;

	while (rest.data) {
		struct hl_slice part = hl_header_cut(&rest, ';');
		enum parameter parameter = parameter_of(part, &value);

		if (parameter == RECEIVED || parameter == RPORT)
			continue;
		*at++ = ';';
		at = put(at, part);
	}
	return at;
}

/* Writes our parameters, and brings the reading up to date with them. */
static char *put_marks(char *at, const struct hl_address *source, struct hl_via *via)
{
	bool told = via->rport || !sent_by_source(via, source);
	char text[HL_ADDRESS_TEXT];

	via->received = hl_slice_of(told ? hl_address_host(source, text) : "");
	if (told) {
		at = put(at, HL_SLICE_LITERAL(";received="));
		at = put(at, via->received);
		via->received.data = at - via->received.length;
	}
	if (via->rport) {
		at = put(at, HL_SLICE_LITERAL(";rport="));
		at = hl_put_number(at, source->port);
		via->rport_value = source->port;
	}
	return at;
}

/* The marks come in front of the others: what somebody left unfinished stays at the end. `out` has
 * room for VIA_MARK bytes more than `value`, whose reading is `via`. The length of what it has. */
static size_t mark(struct hl_slice value, const struct hl_address *source, struct hl_via *via,
		   char *out)
{
	struct hl_slice behind = value, rest = hl_header_cut(&behind, ',');
	struct hl_slice head = hl_slice_cut(&rest, ';');
	char *at = put_others(put_marks(put(out, head), source, via), rest);

	if (behind.data) {
		*at++ = ',';
		at = put(at, behind);
	}
	return (size_t)(at - out);
}

int hl_message_via_received(struct hl_message *message, const struct hl_address *source)
{
	struct hl_header *header =
		(struct hl_header *)(uintptr_t)hl_header_first(message, HL_HEADER_VIA);
	struct hl_via via;
	size_t length;
	char *value;

	if (!hl_message_via(message, 0, &via))
		return -EINVAL;
	value = hl_message_alloc(message, header->value_length + VIA_MARK);
	if (!value)
		return -ENOMEM;
	length = mark((struct hl_slice){header->value, header->value_length}, source, &via, value);
	value[length] = '\0';
	header->value = value;
	header->value_length = (uint32_t)length;
	message->via = via; /* what it was read from stays as long as the message */
	return 0;
}

/* The next line with its continuations, raw; false at the empty line or the end. */
static bool next_raw_line(struct hl_slice *rest, struct hl_slice *line)
{
	size_t length = 0;

	for (;;) {
		const char *feed = memchr(rest->data + length, '\n', rest->length - length);

		if (!feed)
			break;
		length = (size_t)(feed + 1 - rest->data);
		if (length == rest->length || (*(feed + 1) != ' ' && *(feed + 1) != '\t'))
			break;
	}
	if (!length)
		length = rest->length;
	*line = hl_slice_trim((struct hl_slice){rest->data, length});
	rest->data += length;
	rest->length -= length;
	return line->length > 0;
}

/* Appends a line's value with its control characters made blanks. */
static void put_plain(struct hl_text *text, const char *name, struct hl_slice value)
{
	hl_text_put(text, name);
	for (size_t i = 0; i < value.length; i++)
		hl_text_append(text, (unsigned char)value.data[i] < ' ' ? " " : &value.data[i], 1);
}

/* Whether a line begins a request that may be answered at all. */
static bool is_answerable(struct hl_slice line)
{
	struct hl_slice rest = line, method = hl_slice_cut(&rest, ' ');

	return hl_is_token(method) && rest.length && memmem(rest.data, rest.length, "SIP/", 4) &&
	       hl_method_of(method) != HL_METHOD_ACK;
}

/* The header lines of an answer, in their order; bit set of the kinds that were found. */
static unsigned salvage_line(struct hl_text *text, struct hl_slice line, unsigned found,
			     const struct hl_address *source)
{
	struct hl_slice value = line;
	struct hl_slice name = hl_slice_trim(hl_slice_cut(&value, ':'));
	unsigned kind = hl_header_kind(name);
	char tag[TAG], *marked;
	struct hl_slice rest;
	struct hl_via via;

	value = hl_slice_trim(value);
	if (kind < HL_HEADER_VIA || kind > HL_HEADER_CSEQ || !value.length ||
	    (kind != HL_HEADER_VIA && found & 1u << kind))
		return found;
	if (kind == HL_HEADER_VIA && !(found & 1u << kind)) {
		marked = hl_alloc(value.length + VIA_MARK);
		if (!marked)
			return found;
		rest = value;
		if (hl_header_via(hl_slice_trim(hl_header_cut(&rest, ',')), &via))
			via = (struct hl_via){.host = {"", 0}};
		value.length = mark(value, source, &via, marked);
		value.data = marked;
		put_plain(text, "Via: ", value);
		hl_free(marked);
	} else {
		static const char *const names[] = {
			[HL_HEADER_VIA] = "Via: ",   [HL_HEADER_FROM] = "From: ",
			[HL_HEADER_TO] = "To: ",     [HL_HEADER_CALL_ID] = "Call-ID: ",
			[HL_HEADER_CSEQ] = "CSeq: ",
		};

		put_plain(text, names[kind], value);
	}
	if (kind == HL_HEADER_TO && !memmem(value.data, value.length, "tag=", 4)) {
		hl_random_token(tag, sizeof(tag));
		hl_text_printf(text, ";tag=%s", tag);
	}
	hl_text_put(text, "\r\n");
	return found | 1u << kind;
}

int hl_message_salvage(struct hl_slice bytes, int code, const char *reason,
		       const struct hl_address *source, struct hl_text *response)
{
	const unsigned needed =
		1u << HL_HEADER_VIA | 1u << HL_HEADER_CALL_ID | 1u << HL_HEADER_CSEQ;
	struct hl_slice rest = hl_slice_trim(bytes), line;
	unsigned found = 0;

	hl_text_clear(response);
	if (bytes.length > HL_MESSAGE_MAX || !rest.length || !next_raw_line(&rest, &line) ||
	    !is_answerable(line))
		return -EBADMSG;
	hl_text_printf(response, "SIP/2.0 %d %s\r\n", code, reason);
	for (unsigned lines = 0; lines < SALVAGED_LINES && rest.length; lines++) {
		if (!next_raw_line(&rest, &line))
			break;
		found = salvage_line(response, line, found, source);
	}
	hl_text_put(response, "Content-Length: 0\r\n\r\n");
	return (found & needed) != needed || response->failed ? -EBADMSG : 0;
}
