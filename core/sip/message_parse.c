/* From bytes to a message: lines are cut in a copy of the datagram, in place, and everything that
 * later steps rely on is checked here (RFC 3261 §7, §18.3; RFC 4475 for what people send). */
#include "sip/message_parts.h"

#include <errno.h>

enum {
	SPARE = 2048,	/* memory beside the text: the header table, a marked Via, Contacts read */
	CODE_MIN = 100, /* status codes */
	CODE_MAX = 699,
	SHOWN = 80,	  /* bytes of a bad value that an error text shows */
};

struct cursor {
	char *at, *end;
	const char *nul; /* the first NUL byte, or `end` */
	unsigned lines; /* header lines so far */
	struct hl_error *error;
};

/* Cuts the next line, its continuations joined to it by blanks; length 0 is the empty line. */
static int next_line(struct cursor *cursor, struct hl_slice *line)
{
	char *start = cursor->at, *from = start, *feed, *stop;

	for (;;) {
		feed = from < cursor->end ? memchr(from, '\n', (size_t)(cursor->end - from)) : NULL;
		if (!feed)
			return hl_error_set(cursor->error, -EBADMSG,
					    "the header part has no end (no empty line)");
		stop = feed > start && feed[-1] == '\r' ? feed - 1 : feed;
		from = feed + 1;
		if (stop == start || from == cursor->end || (*from != ' ' && *from != '\t'))
			break;
		while (from < cursor->end && (*from == ' ' || *from == '\t'))
			from++;
		memset(stop, ' ', (size_t)(from - stop));
	}
	cursor->at = from;
	*line = (struct hl_slice){start, (size_t)(stop - start)};
	if (cursor->nul < stop || memchr(start, '\r', line->length))
		return hl_error_set(cursor->error, -EBADMSG,
				    "a NUL byte or a lone carriage return among the headers");
	*stop = '\0';
	return 0;
}

/* A NUL-terminated string out of a slice that is followed by a byte nobody needs. */
static const char *terminate(struct hl_slice slice)
{
	char *text = (char *)(uintptr_t)slice.data;

	text[slice.length] = '\0';
	return text;
}

static int parse_status_line(struct hl_message *message, struct hl_slice rest,
			     struct hl_error *error)
{
	struct hl_slice code = hl_slice_cut(&rest, ' ');
	uint64_t number;

	if (code.length != 3 || hl_slice_number(code, &number) || number < CODE_MIN ||
	    number > CODE_MAX)
		return hl_error_set(error, -EBADMSG, "no status code from %d to %d", CODE_MIN,
				    CODE_MAX);
	message->status = (int)number;
	message->reason = rest.data ? rest.data : "";
	return 0;
}

static bool uri_acceptable(struct hl_slice text)
{
	struct hl_slice rest = text, scheme = hl_slice_cut(&rest, ':');
	struct hl_uri uri;

	if (!rest.length || !hl_is_token(scheme))
		return false;
	for (size_t i = 0; i < rest.length; i++)
		if ((unsigned char)rest.data[i] <= ' ')
			return false;
	/* An unknown scheme is for the routing to refuse (416), not for the parser (400). */
	if (hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("sip")) ||
	    hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("sips")) ||
	    hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("tel")))
		return !hl_uri_parse(text, &uri);
	return true;
}

static int parse_start_line(struct hl_message *message, struct hl_slice line,
			    struct hl_error *error)
{
	static const struct hl_slice version = HL_SLICE_LITERAL("SIP/2.0");
	struct hl_slice rest = line, method = hl_slice_cut(&rest, ' '), uri;

	if (hl_slice_equal_nocase(method, version))
		return parse_status_line(message, rest, error);
	uri = hl_slice_cut(&rest, ' ');
	if (!hl_is_token(method) || !uri.length || !rest.length)
		return hl_error_set(error, -EBADMSG,
				    "the first line is neither a request nor a status line");
	if (!hl_slice_equal_nocase(rest, version))
		return hl_error_set(error, -EBADMSG, "the request line does not end in SIP/2.0");
	if (!uri_acceptable(uri))
		return hl_error_set(error, -EBADMSG, "the Request-URI cannot be read: %.*s",
				    (int)(uri.length < SHOWN ? uri.length : SHOWN), uri.data);
	message->method = hl_method_of(method);
	message->method_text = terminate(method);
	message->request_uri = terminate(uri);
	return 0;
}

static int parse_header(struct hl_message *message, struct hl_slice line, struct hl_error *error)
{
	struct hl_slice value = line, name = hl_slice_trim(hl_slice_cut(&value, ':'));
	unsigned kind = hl_header_kind(name);
	int result;

	if (!value.data || (kind == HL_HEADER_OTHER && !hl_is_token(name)) ||
	    name.data != line.data)
		return hl_error_set(error, -EBADMSG, "no header line: %.*s",
				    (int)(line.length < SHOWN ? line.length : SHOWN), line.data);
	value = hl_slice_trim(value);
	terminate(name);
	terminate(value);
	if (hl_header_once(kind) && hl_header_seen(message, kind))
		return hl_error_set(error, -EBADMSG, "%s comes twice", name.data);
	result = hl_header_insert(message, message->count, kind, name,
				  (char *)(uintptr_t)value.data, value.length);
	if (result == -E2BIG)
		return hl_error_set(error, -EBADMSG, "more than %d headers", HL_MESSAGE_HEADERS);
	return result;
}

static int parse_headers(struct hl_message *message, struct cursor *cursor)
{
	struct hl_slice line;
	int error;

	for (;;) {
		error = next_line(cursor, &line);
		if (error || !line.length)
			return error;
		if (++cursor->lines > HL_MESSAGE_HEADERS)
			return hl_error_set(cursor->error, -EBADMSG, "more than %d header lines",
					    HL_MESSAGE_HEADERS);
		error = parse_header(message, line, cursor->error);
		if (error)
			return error;
	}
}

static int take_body(struct hl_message *message, const struct cursor *cursor)
{
	const struct hl_header *header = hl_header_first(message, HL_HEADER_CONTENT_LENGTH);
	size_t here = (size_t)(cursor->end - cursor->at);
	uint64_t length = here;

	if (header && hl_slice_number(hl_slice_of(header->value), &length))
		return hl_error_set(cursor->error, -EBADMSG, "Content-Length is no number: %.*s",
				    SHOWN, header->value);
	if (length > here)
		return hl_error_set(cursor->error, -EBADMSG,
				    "Content-Length says %llu bytes, but there are %zu",
				    (unsigned long long)length, here);
	message->body = (struct hl_slice){cursor->at, (size_t)length};
	return 0;
}

/* Whether a header that is there can be read. What will be asked for stays read. Of a Contact that
 * is the URI: its parameters are a registrar's to read, once it knows for whom. */
static int check_field(struct hl_message *message, const struct hl_header *header)
{
	struct hl_slice value = {header->value, header->value_length};
	struct hl_name name;
	struct hl_via via;

	switch (header->kind) {
	case HL_HEADER_VIA:
		if (!message->via_read)
			return hl_message_via(message, 0, &via) ? 0 : -EBADMSG;
		return hl_header_via(value, &via);
	case HL_HEADER_FROM:
	case HL_HEADER_TO: return hl_message_name(message, header->kind) ? 0 : -EBADMSG;
	case HL_HEADER_CONTACT:
		if (!strcmp(header->value, "*"))
			return 0;
		if (header == hl_header_first(message, HL_HEADER_CONTACT))
			return hl_message_name(message, HL_HEADER_CONTACT) ? 0 : -EBADMSG;
		return hl_header_name(value, &name);
	default: return 0;
	}
}

static int check_fields(struct hl_message *message, struct hl_error *error)
{
	static const uint8_t needed[] = {HL_HEADER_VIA, HL_HEADER_FROM, HL_HEADER_TO};

	for (unsigned i = 0; i < message->count; i++) {
		const struct hl_header *header = &message->headers[i];

		int result = check_field(message, header);

		if (result == -EBADMSG)
			hl_error_set(error, result, "%s cannot be read: %.*s", header->name, SHOWN,
				     header->value);
		if (result)
			return result;
	}
	for (size_t i = 0; i < HL_COUNT(needed); i++)
		if (!hl_header_seen(message, needed[i]))
			return hl_error_set(error, -EBADMSG, "%s is missing",
					    hl_header_title(needed[i]));
	return 0;
}

static int check_cseq(struct hl_message *message, struct hl_error *error)
{
	const struct hl_header *header = hl_header_first(message, HL_HEADER_CSEQ);
	struct hl_slice method;

	if (!header)
		return hl_error_set(error, -EBADMSG, "CSeq is missing");
	if (hl_header_cseq(hl_slice_of(header->value), &message->cseq, &method))
		return hl_error_set(error, -EBADMSG, "CSeq cannot be read: %.*s", SHOWN,
				    header->value);
	if (message->status) {
		message->method = hl_method_of(method);
		message->method_text = method.data; /* the end of a NUL-terminated value */
	} else if (!hl_slice_equal(method, hl_slice_of(message->method_text))) {
		return hl_error_set(error, -EBADMSG, "CSeq names %.*s in a request of method %.*s",
				    SHOWN, method.data, SHOWN, message->method_text);
	}
	return 0;
}

static int check_message(struct hl_message *message, struct hl_error *error)
{
	const struct hl_header *hops = hl_header_first(message, HL_HEADER_MAX_FORWARDS);
	const char *call_id = hl_message_call_id(message);
	uint64_t number;
	int result = check_cseq(message, error);

	if (!result)
		result = check_fields(message, error);
	if (result)
		return result;
	if (!*call_id || strpbrk(call_id, " \t"))
		return hl_error_set(error, -EBADMSG, "Call-ID is missing or has blanks");
	if (hops && hl_slice_number(hl_slice_of(hops->value), &number))
		return hl_error_set(error, -EBADMSG, "Max-Forwards is no number: %.*s", SHOWN,
				    hops->value);
	return 0;
}

int hl_message_parse(struct hl_slice bytes, struct hl_message **parsed, struct hl_error *error)
{
	struct cursor cursor = {.error = error};
	struct hl_message *message;
	struct hl_slice line;
	char *copy;
	int result;

	if (bytes.length > HL_MESSAGE_MAX)
		return hl_error_set(error, -EBADMSG, "%zu bytes; %d are allowed", bytes.length,
				    HL_MESSAGE_MAX);
	/* Empty lines before the first are passed over (RFC 3261 §7.5). */
	while (bytes.length && (*bytes.data == '\r' || *bytes.data == '\n')) {
		bytes.data++;
		bytes.length--;
	}
	message = hl_message_new(bytes.length + SPARE);
	copy = message ? hl_message_copy(message, bytes) : NULL;
	if (!copy) {
		hl_message_free(message);
		return hl_error_set(error, -ENOMEM, "out of memory");
	}
	cursor.at = copy;
	cursor.end = copy + bytes.length;
	cursor.nul = bytes.length ? memchr(copy, '\0', bytes.length) : NULL;
	cursor.nul = cursor.nul ? cursor.nul : cursor.end;
	result = next_line(&cursor, &line);
	if (!result)
		result = parse_start_line(message, line, error);
	if (!result)
		result = parse_headers(message, &cursor);
	if (!result)
		result = take_body(message, &cursor);
	if (!result)
		result = check_message(message, error);
	if (!result)
		*parsed = message;
	else
		hl_message_free(message);
	return result == -ENOMEM ? hl_error_set(error, result, "out of memory") : result;
}
