/* SIP URIs (RFC 3261 §19.1): sip, sips and tel, read as slices and compared; never copied. What
 * phones write is taken with good will (a `#` in the user part, a trailing parameter without a
 * value); what would confuse a later step (blanks, quotes, %00, brackets without end) is refused.
 */
#include "sip/uri.h"

#include <ctype.h>
#include <errno.h>

enum { PORT_MAX = 65535 };

/* Parameters that, given in one URI only, make two URIs different (RFC 3261 §19.1.4). */
static const char *const compared[] = {"transport", "user", "ttl", "method", "maddr"};

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte at `*at`, unescaped; moves `*at` behind it. −1: an escape that is none. */
static int next_byte(struct hl_slice text, size_t *at)
{
	int high, low;

	if (text.data[*at] != '%')
		return (unsigned char)text.data[(*at)++];
	if (text.length - *at < 3)
		return -1;
	high = hex_value(text.data[*at + 1]);
	low = hex_value(text.data[*at + 2]);
	*at += 3;
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* What a byte may be part of. Anything above 0x7f is text. */
enum { TEXT = 1, HOST = 2 };

#define BOTH (TEXT | HOST)
static const unsigned char classes[256] = {
	['!'] = TEXT,	      ['#' ... ','] = TEXT, ['-' ... '.'] = BOTH,   ['/'] = TEXT,
	['0' ... '9'] = BOTH, [':' ... ';'] = TEXT, ['='] = TEXT,	    ['?' ... '@'] = TEXT,
	['A' ... 'Z'] = BOTH, ['[' ... '^'] = TEXT, ['_'] = BOTH,	    ['`'] = TEXT,
	['a' ... 'z'] = BOTH, ['{' ... '~'] = TEXT, [0x80 ... 0xff] = TEXT,
};
#undef BOTH

/* Whether `text` is printable, without blanks and URI delimiters, and its escapes are sound. */
static bool text_sound(struct hl_slice text)
{
	for (size_t at = 0; at < text.length;) {
		unsigned char plain = (unsigned char)text.data[at];

		if (!(classes[plain] & TEXT))
			return false;
		if (plain != '%')
			at++;
		else if (next_byte(text, &at) < 1)
			return false;
	}
	return true;
}

static bool host_sound(struct hl_slice host)
{
	for (size_t at = 0; at < host.length; at++)
		if (!(classes[(unsigned char)host.data[at]] & HOST))
			return false;
	return host.length > 0;
}

/* Takes the host off the beginning of `*rest`, IPv6 with its brackets. */
static int take_host(struct hl_slice *rest, struct hl_slice *host)
{
	const char *end;

	if (!rest->length)
		return -EBADMSG;
	if (rest->data[0] == '[') {
		end = memchr(rest->data, ']', rest->length);
		if (!end || end == rest->data + 1)
			return -EBADMSG;
		*host = (struct hl_slice){rest->data, (size_t)(end + 1 - rest->data)};
		for (size_t at = 1; at + 1 < host->length; at++)
			if (!isxdigit((unsigned char)host->data[at]) &&
			    !strchr(":.", host->data[at]))
				return -EBADMSG;
	} else {
		end = memchr(rest->data, ':', rest->length);
		*host = (struct hl_slice){rest->data,
					  end ? (size_t)(end - rest->data) : rest->length};
		if (!host_sound(*host))
			return -EBADMSG;
	}
	rest->data += host->length;
	rest->length -= host->length;
	return 0;
}

static int take_port(struct hl_slice rest, unsigned *port)
{
	uint64_t number;

	if (!rest.length)
		return 0;
	if (rest.data[0] != ':' ||
	    hl_slice_number((struct hl_slice){rest.data + 1, rest.length - 1}, &number) < 0 ||
	    !number || number > PORT_MAX)
		return -EBADMSG;
	*port = (unsigned)number;
	return 0;
}

static int parse_sip(struct hl_slice rest, struct hl_uri *uri)
{
	const char *at = rest.length ? memchr(rest.data, '@', rest.length) : NULL;
	struct hl_slice place;

	if (at) {
		struct hl_slice login = {rest.data, (size_t)(at - rest.data)};

		rest = (struct hl_slice){at + 1, rest.length - login.length - 1};
		if (!text_sound(login))
			return -EBADMSG;
		uri->user = hl_slice_cut(&login, ':');
		if (!uri->user.length)
			return -EBADMSG;
	}
	if (!text_sound(rest))
		return -EBADMSG;
	uri->headers = rest;
	uri->parameters = hl_slice_cut(&uri->headers, '?');
	place = hl_slice_cut(&uri->parameters, ';');
	return take_host(&place, &uri->host) < 0 ? -EBADMSG : take_port(place, &uri->port);
}

static int parse_tel(struct hl_slice rest, struct hl_uri *uri)
{
	if (!text_sound(rest))
		return -EBADMSG;
	uri->parameters = rest;
	uri->user = hl_slice_cut(&uri->parameters, ';');
	return uri->user.length ? 0 : -EBADMSG;
}

int hl_uri_parse(struct hl_slice text, struct hl_uri *uri)
{
	struct hl_uri parsed = {.scheme = {NULL, 0}};
	struct hl_slice rest = text;
	int error;

	parsed.scheme = hl_slice_cut(&rest, ':');
	if (hl_slice_equal_nocase(parsed.scheme, HL_SLICE_LITERAL("sip")) ||
	    hl_slice_equal_nocase(parsed.scheme, HL_SLICE_LITERAL("sips")))
		error = parse_sip(rest, &parsed);
	else if (hl_slice_equal_nocase(parsed.scheme, HL_SLICE_LITERAL("tel")))
		error = parse_tel(rest, &parsed);
	else
		error = -EBADMSG;
	if (!error)
		*uri = parsed;
	return error;
}

bool hl_uri_parameter(struct hl_slice parameters, const char *name, struct hl_slice *value)
{
	struct hl_slice wanted = hl_slice_of(name);

	while (parameters.length) {
		struct hl_slice rest = hl_slice_cut(&parameters, ';');

		if (!hl_slice_equal_nocase(hl_slice_trim(hl_slice_cut(&rest, '=')), wanted))
			continue;
		*value = hl_slice_trim(rest);
		return true;
	}
	return false;
}

/* Unreserved, and the plus of international numbers. */
static bool needs_no_escape(int byte)
{
	return isalnum(byte) || (byte && byte < 0x80 && strchr("-_.!~*'()+", byte));
}

struct hl_slice hl_uri_user_plain(struct hl_slice user, char *text, size_t size)
{
	size_t length = 0;

	if (!user.length || user.length > size || !memchr(user.data, '%', user.length))
		return user;
	for (size_t at = 0, next = 0; at < user.length; at = next) {
		int byte = next_byte(user, &next);

		if (next == at)
			next = user.length; /* an escape that is cut off */
		if (byte >= 0 && needs_no_escape(byte)) {
			text[length++] = (char)byte;
			continue;
		}
		memcpy(text + length, user.data + at, next - at);
		length += next - at;
	}
	return (struct hl_slice){text, length};
}

/* Equality of user parts: with case, an escaped character equal to itself. */
static bool user_equal(struct hl_slice a, struct hl_slice b)
{
	size_t i = 0, j = 0;

	while (i < a.length && j < b.length)
		if (next_byte(a, &i) != next_byte(b, &j))
			return false;
	return i >= a.length && j >= b.length;
}

bool hl_uri_equal(const struct hl_uri *a, const struct hl_uri *b)
{
	if (a->port != b->port || !hl_slice_equal_nocase(a->scheme, b->scheme) ||
	    !hl_slice_equal_nocase(a->host, b->host) || !user_equal(a->user, b->user))
		return false;
	for (size_t i = 0; i < HL_COUNT(compared); i++) {
		struct hl_slice mine = {NULL, 0}, theirs = {NULL, 0};

		if (hl_uri_parameter(a->parameters, compared[i], &mine) !=
			    hl_uri_parameter(b->parameters, compared[i], &theirs) ||
		    !hl_slice_equal_nocase(mine, theirs))
			return false;
	}
	return true;
}
