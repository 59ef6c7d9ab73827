/* Names with addresses (RFC 3261 §20.10, §25.1): `"Ann" <sip:ann@example>;tag=1` and the bare
 * `sip:ann@example;tag=1`, whose parameters are the header's. Two of them are in every message. */
#include "sip/message_parts.h"

#include <errno.h>

/* Behind a quoted string that begins at `at`; NULL: it does not end. */
static const char *skip_quoted(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"')
			return at + 1;
		at += *at == '\\';
	}
	return NULL;
}

/* What no URI has. */
static const bool foreign[256] = {[0 ... ' '] = true, ['"'] = true, ['<'] = true};

/* A scheme, a colon, and something without blanks. */
static bool looks_like_uri(struct hl_slice text)
{
	struct hl_slice rest = text, scheme = hl_slice_cut(&rest, ':');

	for (size_t i = 0; i < rest.length; i++)
		if (foreign[(unsigned char)rest.data[i]])
			return false;
	return rest.length && hl_is_token(scheme);
}

static bool is_blank(const char *from, const char *to)
{
	return !hl_slice_trim((struct hl_slice){from, (size_t)(to - from)}).length;
}

int hl_header_name(struct hl_slice value, struct hl_name *name)
{
	struct hl_slice text = hl_slice_trim(value);
	const char *at = text.data, *end = at + text.length, *open, *close, *behind;

	if (!text.length)
		return -EBADMSG;
	if (*at == '"' && !(at = skip_quoted(at, end)))
		return -EBADMSG;
	open = memchr(at, '<', (size_t)(end - at));
	close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
	if ((open && !close) || (!open && at > text.data) ||
	    (at > text.data && !is_blank(at, open)))
		return -EBADMSG;
	*name = (struct hl_name){.uri = text};
	if (open) {
		name->display = (struct hl_slice){text.data, (size_t)(open - text.data)};
		name->uri = (struct hl_slice){open + 1, (size_t)(close - open - 1)};
	}
	behind = memchr(open ? close : at, ';', (size_t)(end - (open ? close : at)));
	if (open && !is_blank(close + 1, behind ? behind : end))
		return -EBADMSG;
	if (behind)
		name->parameters = (struct hl_slice){behind + 1, (size_t)(end - behind - 1)};
	if (!open && behind)
		name->uri.length = (size_t)(behind - text.data);
	name->uri = hl_slice_trim(name->uri);
	name->display = hl_slice_trim(name->display);
	return looks_like_uri(name->uri) ? 0 : -EBADMSG;
}

const struct hl_name *hl_message_name(const struct hl_message *constant, unsigned kind)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */
	struct hl_name *name = kind == HL_HEADER_FROM ? &message->from
			       : kind == HL_HEADER_TO ? &message->to
						      : &message->contact;
	const struct hl_header *header;

	if (name->uri.length)
		return name;
	header = hl_header_first(message, kind);
	if (!header || hl_header_name((struct hl_slice){header->value, header->value_length}, name))
		return NULL;
	return name;
}

struct hl_slice hl_header_uri(const char *value)
{
	struct hl_name name;

	return hl_header_name(hl_slice_of(value), &name) ? (struct hl_slice){NULL, 0} : name.uri;
}
