/* Header lines: names and compact forms (RFC 3261 §7.3), and values that stand side by side behind
 * commas. */
#include "sip/message_parts.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

enum {
	FEW_HEADERS = 24,     /* room for a first allocation */
	BUCKETS = 64,	      /* of the names */
	CSEQ_MAX = 0x7fffffff /* RFC 3261 §8.1.1.5 */
};

enum header_flag {
	ONCE = 1,
	LIST = 2,      /* each value between commas is a header of its own */
	END_TO_END = 4 /* means the same on both legs of a call and names no address of either */
};

static const struct header_row {
	const char *name;
	uint8_t length;
	char compact; /* 0: none */
	uint8_t flags;
} rows[] = {
#define ROW(kind, name, compact, flags) [kind] = {name, sizeof(name) - 1, compact, flags}
	ROW(HL_HEADER_OTHER, "", 0, 0),
	ROW(HL_HEADER_VIA, "Via", 'v', LIST),
	ROW(HL_HEADER_FROM, "From", 'f', ONCE),
	ROW(HL_HEADER_TO, "To", 't', ONCE),
	ROW(HL_HEADER_CALL_ID, "Call-ID", 'i', ONCE),
	ROW(HL_HEADER_CSEQ, "CSeq", 0, ONCE),
	ROW(HL_HEADER_CONTACT, "Contact", 'm', LIST),
	ROW(HL_HEADER_CONTENT_LENGTH, "Content-Length", 'l', ONCE),
	ROW(HL_HEADER_CONTENT_TYPE, "Content-Type", 'c', ONCE),
	ROW(HL_HEADER_MAX_FORWARDS, "Max-Forwards", 0, ONCE),
	ROW(HL_HEADER_RECORD_ROUTE, "Record-Route", 0, LIST),
	ROW(HL_HEADER_TIMESTAMP, "Timestamp", 0, 0),
	ROW(12, "Route", 0, LIST),
	ROW(13, "Path", 0, LIST),
	ROW(14, "Service-Route", 0, LIST),
	ROW(15, "Session-Expires", 'x', 0),
	ROW(16, "Supported", 'k', 0),
	ROW(17, "Subject", 's', END_TO_END),
	ROW(18, "Content-Encoding", 'e', 0),
	ROW(19, "Event", 'o', END_TO_END),
	ROW(20, "Allow-Events", 'u', 0),
	ROW(21, "Refer-To", 'r', 0),
	ROW(22, "Referred-By", 'b', END_TO_END),
	ROW(23, "Accept-Contact", 'a', 0),
	ROW(24, "Reject-Contact", 'j', 0),
	ROW(25, "Request-Disposition", 'd', 0),
	ROW(26, "Identity", 'y', 0),
	ROW(27, "Identity-Info", 'n', 0),
	ROW(28, "Allow", 0, 0),
	ROW(29, "Expires", 0, 0),
	ROW(30, "Require", 0, 0),
	ROW(31, "User-Agent", 0, 0),
	ROW(32, "Authorization", 0, 0),
	ROW(33, "Proxy-Authorization", 0, 0),
	ROW(34, "P-Asserted-Identity", 0, LIST),
	ROW(35, "P-Preferred-Identity", 0, LIST),
	ROW(36, "Min-SE", 0, 0),
	ROW(37, "Server", 0, 0),
	ROW(38, "Priority", 0, END_TO_END),
	ROW(39, "Reason", 0, END_TO_END),
	ROW(40, "Retry-After", 0, END_TO_END),
	ROW(41, "Alert-Info", 0, END_TO_END),
	ROW(42, "Accept-Language", 0, END_TO_END),
	ROW(43, "Subscription-State", 0, END_TO_END),
	ROW(44, "Info-Package", 0, END_TO_END),
	ROW(45, "Content-Disposition", 0, END_TO_END),
	ROW(46, "Content-Language", 0, END_TO_END),
	ROW(47, "Privacy", 0, END_TO_END),
	ROW(48, "P-Early-Media", 0, END_TO_END),
	ROW(49, "Replaces", 0, 0),
	ROW(50, "RSeq", 0, 0),
#undef ROW
};

/* The rows by length and first letter, and by compact form; 0: none. */
static struct {
	bool built;
	uint8_t first[BUCKETS];
	uint8_t next[HL_COUNT(rows)];
	uint8_t compact[26];
} name_index;

static const char *const methods[] = {
	[HL_METHOD_OTHER] = "",
	[HL_METHOD_INVITE] = "INVITE",
	[HL_METHOD_ACK] = "ACK",
	[HL_METHOD_BYE] = "BYE",
	[HL_METHOD_CANCEL] = "CANCEL",
	[HL_METHOD_OPTIONS] = "OPTIONS",
	[HL_METHOD_REGISTER] = "REGISTER",
	[HL_METHOD_UPDATE] = "UPDATE",
	[HL_METHOD_PRACK] = "PRACK",
	[HL_METHOD_INFO] = "INFO",
	[HL_METHOD_MESSAGE] = "MESSAGE",
	[HL_METHOD_REFER] = "REFER",
	[HL_METHOD_NOTIFY] = "NOTIFY",
	[HL_METHOD_SUBSCRIBE] = "SUBSCRIBE",
	[HL_METHOD_PUBLISH] = "PUBLISH",
};

/* RFC 3261 §25.1 */
static const bool token_characters[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
	['.'] = true,	      ['!'] = true,	    ['%'] = true,	  ['*'] = true,
	['_'] = true,	      ['+'] = true,	    ['`'] = true,	  ['\''] = true,
	['~'] = true,
};

const char *hl_method_text(enum hl_method method)
{
	return (unsigned)method < HL_COUNT(methods) ? methods[method] : "";
}

enum hl_method hl_method_of(struct hl_slice text)
{
	for (unsigned i = 1; i < HL_COUNT(methods); i++)
		if (hl_slice_equal(text, hl_slice_of(methods[i])))
			return i;
	return HL_METHOD_OTHER;
}

bool hl_is_token(struct hl_slice text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!token_characters[(unsigned char)text.data[i]])
			return false;
	return text.length > 0;
}

static unsigned bucket_of(size_t length, char first)
{
	return (unsigned)(length * 5 + (unsigned char)(first | 0x20)) % BUCKETS;
}

/* Every message looks up a dozen names, most of them known. Built at the first one. */
static void build_index(void)
{
	for (unsigned i = HL_COUNT(rows); --i;) {
		unsigned bucket = bucket_of(rows[i].length, rows[i].name[0]);

		name_index.next[i] = name_index.first[bucket];
		name_index.first[bucket] = (uint8_t)i;
		if (rows[i].compact)
			name_index.compact[rows[i].compact - 'a'] = (uint8_t)i;
	}
	name_index.built = true;
}

/* Nearly everybody writes a name as its RFC does. */
static bool is_named(const struct header_row *row, struct hl_slice name)
{
	return name.length == row->length && (!memcmp(name.data, row->name, name.length) ||
					      !strncasecmp(name.data, row->name, name.length));
}

unsigned hl_header_kind(struct hl_slice name)
{
	unsigned kind;

	if (!name.length)
		return HL_HEADER_OTHER;
	if (!name_index.built)
		build_index();
	if (name.length == 1)
		return isalpha((unsigned char)*name.data)
			       ? name_index.compact[(*name.data | 0x20) - 'a']
			       : HL_HEADER_OTHER;
	kind = name_index.first[bucket_of(name.length, *name.data)];
	while (kind && !is_named(&rows[kind], name))
		kind = name_index.next[kind];
	return kind;
}

const char *hl_header_title(unsigned kind)
{
	return rows[kind].name;
}

bool hl_header_seen(const struct hl_message *message, unsigned kind)
{
	return message->kinds & UINT64_C(1) << kind;
}

bool hl_header_once(unsigned kind)
{
	return rows[kind].flags & ONCE;
}

bool hl_header_end_to_end(unsigned kind)
{
	return rows[kind].flags & END_TO_END;
}

const struct hl_header *hl_header_first(const struct hl_message *message, unsigned kind)
{
	if (!hl_header_seen(message, kind))
		return NULL;
	for (unsigned i = 0; i < message->count; i++)
		if (message->headers[i].kind == kind)
			return &message->headers[i];
	return NULL;
}

const struct hl_header *hl_header_nth(const struct hl_message *message, unsigned kind,
				      unsigned index)
{
	for (unsigned i = 0; i < message->count; i++)
		if (message->headers[i].kind == kind && !index--)
			return &message->headers[i];
	return NULL;
}

void hl_header_forget(struct hl_message *message, unsigned kind)
{
	switch (kind) {
	case HL_HEADER_VIA: message->via_read = false; break;
	case HL_HEADER_FROM:
		message->from = (struct hl_name){.uri = {NULL, 0}};
		message->from_tag = message->display = NULL;
		break;
	case HL_HEADER_TO:
		message->to = (struct hl_name){.uri = {NULL, 0}};
		message->to_tag = NULL;
		break;
	case HL_HEADER_CONTACT:
		message->contact = (struct hl_name){.uri = {NULL, 0}};
		message->contacts = NULL;
		break;
	}
}

static bool has_quotes(struct hl_slice text)
{
	return text.length &&
	       (memchr(text.data, '"', text.length) || memchr(text.data, '<', text.length));
}

struct hl_slice hl_header_cut(struct hl_slice *rest, char separator)
{
	struct hl_slice whole = *rest;
	bool quoted = false, bracketed = false;

	if (!has_quotes(whole))
		return hl_slice_cut(rest, separator);
	for (size_t i = 0; i < whole.length; i++) {
		switch (whole.data[i]) {
		case '\\': i += quoted; continue;
		case '"': quoted = !quoted; continue;
		case '<': bracketed |= !quoted; continue;
		case '>': bracketed &= quoted; continue;
		}
		if (whole.data[i] != separator || quoted || bracketed)
			continue;
		rest->data = whole.data + i + 1;
		rest->length = whole.length - i - 1;
		return (struct hl_slice){whole.data, i};
	}
	*rest = (struct hl_slice){NULL, 0};
	return whole;
}

static int make_room(struct hl_message *message)
{
	unsigned capacity = message->capacity ? 2 * message->capacity : FEW_HEADERS;
	struct hl_header *headers;

	if (message->count == HL_MESSAGE_HEADERS)
		return -E2BIG;
	if (message->count < message->capacity)
		return 0;
	headers = hl_message_alloc(message, capacity * sizeof(*headers));
	if (!headers)
		return -ENOMEM;
	if (message->count)
		memcpy(headers, message->headers, message->count * sizeof(*headers));
	message->headers = headers;
	message->capacity = capacity;
	return 0;
}

static int insert_one(struct hl_message *message, unsigned at, const struct hl_header *header)
{
	int error = make_room(message);

	if (error)
		return error;
	if (at < message->count)
		memmove(message->headers + at + 1, message->headers + at,
			(message->count - at) * sizeof(*header));
	message->headers[at] = *header;
	message->kinds |= UINT64_C(1) << header->kind;
	message->count++;
	return 0;
}

int hl_header_insert(struct hl_message *message, unsigned at, unsigned kind, struct hl_slice name,
		     char *value, size_t length)
{
	struct hl_header header = {.name = name.data,
				   .name_length = (uint32_t)name.length,
				   .value = value,
				   .value_length = (uint32_t)length,
				   .kind = (uint8_t)kind};
	struct hl_slice rest = {value, length};
	int error = 0;

	if (kind != HL_HEADER_OTHER) {
		header.name = rows[kind].name;
		header.name_length = rows[kind].length;
	}
	if (!(rows[kind].flags & LIST) || !memchr(value, ',', length))
		return insert_one(message, at, &header);
	while (rest.length && !error) {
		struct hl_slice part = hl_slice_trim(hl_header_cut(&rest, ','));

		if (!part.length)
			continue;
		header.value = part.data;
		header.value_length = (uint32_t)part.length;
		value[part.data + part.length - value] = '\0';
		error = insert_one(message, at++, &header);
	}
	return error;
}

int hl_header_cseq(struct hl_slice value, uint32_t *number, struct hl_slice *method)
{
	size_t digits = 0;
	uint64_t parsed;
	struct hl_slice name;

	while (digits < value.length && isdigit((unsigned char)value.data[digits]))
		digits++;
	name = hl_slice_trim((struct hl_slice){value.data + digits, value.length - digits});
	if (digits == value.length || !isspace((unsigned char)value.data[digits]) ||
	    !hl_is_token(name) || hl_slice_number((struct hl_slice){value.data, digits}, &parsed) ||
	    parsed > CSEQ_MAX)
		return -EBADMSG;
	*number = (uint32_t)parsed;
	*method = name;
	return 0;
}
