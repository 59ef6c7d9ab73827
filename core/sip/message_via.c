/* The way back of a response: `received` and `rport` in the top Via (RFC 3261 §18.2.1, RFC 3581
 * §4), and the 400 for a request that could not be parsed, put together from what can be made out.
 */
#include "sip/message_parts.h"

#include "base/memory.h"
#include "base/random.h"

#include <errno.h>

enum {
	VIA_MARK = 96,	     /* bytes that received and rport add at most */
	SALVAGED_LINES = 24, /* header lines that the answer copies at most */
	TAG = 13,	     /* characters of our To tag, with NUL */
};

/* Whether the sent-by host of a Via is the very address it came from. */
static bool sent_by_source(struct hl_slice value, const struct hl_address *source)
{
	struct hl_slice head = hl_slice_cut(&value, ';'), host = head;
	struct hl_address address;
	const char *blank;

	/* "SIP/2.0/UDP host:port", with blanks anywhere but inside the host */
	for (int slashes = 0; slashes < 2; slashes++)
		hl_slice_cut(&host, '/');
	host = hl_slice_trim(host);
	blank = host.length ? memchr(host.data, ' ', host.length) : NULL;
	if (!blank)
		return false;
	host.length -= (size_t)(blank - host.data);
	host.data = blank;
	return !hl_address_parse_port(hl_slice_trim(host), &address) &&
	       hl_address_same_host(&address, source);
}

/* Where the marks of a written Via are. */
struct marks {
	size_t length;			 /* of the whole value */
	struct hl_slice received, rport; /* their values in it; empty: not there */
	bool replaced;			 /* the sender had claimed something of the kind */
};

enum parameter { OTHER, RECEIVED, RPORT };

static enum parameter parameter_of(struct hl_slice part)
{
	struct hl_slice name;

	part = hl_slice_trim(part);
	if (!part.length || (*part.data | 0x20) != 'r')
		return OTHER;
	name = hl_slice_trim(hl_slice_cut(&part, '='));
	return hl_slice_equal_nocase(name, HL_SLICE_LITERAL("rport"))	   ? RPORT
	       : hl_slice_equal_nocase(name, HL_SLICE_LITERAL("received")) ? RECEIVED
									   : OTHER;
}

static char *put(char *at, struct hl_slice text)
{
	if (text.length)
		memcpy(at, text.data, text.length);
	return at + text.length;
}

/* Writes the parameters but those that are ours to write; true in `asked`: rport was there. */
static char *put_others(char *at, struct hl_slice rest, struct marks *marks, bool *asked)
{
	while (rest.data) {
		struct hl_slice part = hl_slice_cut(&rest, ';');

		switch (parameter_of(part)) {
		case RPORT: *asked = true; break;
		case RECEIVED: marks->replaced = true; break;
		case OTHER:
			*at++ = ';';
			at = put(at, part);
		}
	}
	return at;
}

static char *put_marks(char *at, const struct hl_address *source, bool told, bool asked,
		       struct marks *marks)
{
	char text[HL_ADDRESS_TEXT];

	if (told) {
		at = put(at, HL_SLICE_LITERAL(";received="));
		marks->received = hl_slice_of(hl_address_host(source, text));
		at = put(at, marks->received);
		marks->received.data = at - marks->received.length;
	}
	if (asked) {
		at = put(at, HL_SLICE_LITERAL(";rport="));
		marks->rport.data = at;
		at = hl_put_number(at, source->port);
		marks->rport.length = (size_t)(at - marks->rport.data);
	}
	return at;
}

/* The marks come in front of the others: what somebody left unfinished stays at the end. `out` has
 * room for VIA_MARK bytes more than `value`; the others wait behind that room. */
static struct marks mark(struct hl_slice value, const struct hl_address *source, char *out)
{
	struct hl_slice behind = value, rest = hl_header_cut(&behind), whole = rest, head;
	struct marks marks = {.replaced = false};
	bool asked = false;
	char *at, *others, *end;

	head = hl_slice_cut(&rest, ';');
	others = out + head.length + VIA_MARK;
	end = put_others(others, rest, &marks, &asked);
	at = put_marks(put(out, head), source, asked || !sent_by_source(whole, source), asked,
		       &marks);
	memmove(at, others, (size_t)(end - others));
	at += end - others;
	if (behind.data) {
		*at++ = ',';
		at = put(at, behind);
	}
	marks.length = (size_t)(at - out);
	return marks;
}

int hl_message_via_received(struct hl_message *message, const struct hl_address *source)
{
	struct hl_header *header =
		(struct hl_header *)(uintptr_t)hl_header_first(message, HL_HEADER_VIA);
	struct marks marks;
	char *value;

	if (!header)
		return -EINVAL;
	value = hl_message_alloc(message, header->value_length + VIA_MARK);
	if (!value)
		return -ENOMEM;
	marks = mark((struct hl_slice){header->value, header->value_length}, source, value);
	value[marks.length] = '\0';
	header->value = value;
	header->value_length = (uint32_t)marks.length;
	if (marks.replaced)
		hl_header_forget(message, HL_HEADER_VIA);
	else
		hl_via_reread(message, marks.received, marks.rport);
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

	value = hl_slice_trim(value);
	if (kind < HL_HEADER_VIA || kind > HL_HEADER_CSEQ || !value.length ||
	    (kind != HL_HEADER_VIA && found & 1u << kind))
		return found;
	if (kind == HL_HEADER_VIA && !(found & 1u << kind)) {
		marked = hl_alloc(value.length + VIA_MARK);
		if (!marked)
			return found;
		value.length = mark(value, source, marked).length;
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
