/* SDP (RFC 4566, RFC 3264): one pass over the lines to read, one to write. A body is never rebuilt
 * from what was understood: each line is either copied as it stands or replaced by one of ours. */
#include "sip/sdp.h"

#include <errno.h>
#include <stdio.h>

enum {
	SHOWN = 60,   /* bytes of a bad line that an error text shows */
	SESSION = -1, /* the section before the first m-line */
	DISCARD = 9,  /* the port that says "not known yet" (RFC 8840) */
	CODEC_SIZE = 32
};

/* RFC 8839 §5.1.2.1: of type "relay", so that any other candidate that works is preferred. */
enum { CANDIDATE_PRIORITY = 65535 << 8 };

/* What decides how a section's c= is written. */
struct section {
	bool connection; /* has a c= of its own */
	bool held;	 /* that c= is 0.0.0.0 or ::, and means hold */
	bool rtcp;	 /* has an a=rtcp */
};

/* Attributes of ICE (RFC 8839, 8840), as lines begin. */
static const char *const ice_lines[] = {
	"a=candidate:",	  "a=ice-ufrag:",  "a=ice-pwd:",
	"a=ice-options:", "a=ice-lite",	   "a=remote-candidates:",
	"a=ice-mismatch", "a=ice-pacing:", "a=end-of-candidates",
};

/* Payload types that need no rtpmap (RFC 3551 §6). */
static const struct {
	unsigned type;
	const char *name;
} static_codecs[] = {
	{0, "PCMU"},  {3, "GSM"},   {4, "G723"},  {5, "DVI4"},	{6, "DVI4"},   {7, "LPC"},
	{8, "PCMA"},  {9, "G722"},  {10, "L16"},  {11, "L16"},	{12, "QCELP"}, {13, "CN"},
	{14, "MPA"},  {15, "G728"}, {16, "DVI4"}, {17, "DVI4"}, {18, "G729"},  {25, "CelB"},
	{26, "JPEG"}, {28, "nv"},   {31, "H261"}, {32, "MPV"},	{33, "MP2T"},  {34, "H263"},
};

/* Attributes that say something of an m-line. */
static const struct attribute {
	struct hl_slice name;
	enum { DIRECTION, ENCRYPTED, RTCP_MUX, ICE, RTCP } what;
	enum hl_sdp_direction direction;
} attributes[] = {
#define ROW(name, ...) {{name, sizeof(name) - 1}, __VA_ARGS__}
	ROW("sendrecv", DIRECTION, HL_SDP_SENDRECV),
	ROW("sendonly", DIRECTION, HL_SDP_SENDONLY),
	ROW("recvonly", DIRECTION, HL_SDP_RECVONLY),
	ROW("inactive", DIRECTION, HL_SDP_INACTIVE),
	ROW("crypto", ENCRYPTED, 0),
	ROW("fingerprint", ENCRYPTED, 0),
	ROW("rtcp-mux", RTCP_MUX, 0),
	ROW("ice-ufrag", ICE, 0),
	ROW("candidate", ICE, 0),
	ROW("rtcp", RTCP, 0),
#undef ROW
};

/* Takes a line off `*rest`, with its end; false at the end of the body. */
static bool next_line(struct hl_slice *rest, struct hl_slice *line)
{
	const char *feed;

	if (!rest->length)
		return false;
	feed = memchr(rest->data, '\n', rest->length);
	*line = (struct hl_slice){rest->data,
				  feed ? (size_t)(feed + 1 - rest->data) : rest->length};
	rest->data += line->length;
	rest->length -= line->length;
	return true;
}

/* The line without its end, CRLF or LF. */
static struct hl_slice content(struct hl_slice line)
{
	if (line.length && line.data[line.length - 1] == '\n')
		line.length--;
	if (line.length && line.data[line.length - 1] == '\r')
		line.length--;
	return line;
}

/* What is behind "x=" (x is checked before). */
static struct hl_slice value_of(struct hl_slice line)
{
	line = content(line);
	return (struct hl_slice){line.data + 2, line.length - 2};
}

static bool is_line(struct hl_slice line, const char *prefix)
{
	return hl_slice_starts(content(line), hl_slice_of(prefix));
}

/* "IN IP4 192.0.2.1/127"; family 0 for a host name. An address of the other family is an error. */
static int read_connection(struct hl_slice value, struct hl_address *address)
{
	struct hl_slice type;
	bool six;

	if (!hl_slice_equal_nocase(hl_slice_cut(&value, ' '), HL_SLICE_LITERAL("IN")))
		return -EBADMSG;
	type = hl_slice_cut(&value, ' ');
	six = hl_slice_equal_nocase(type, HL_SLICE_LITERAL("IP6"));
	if (!value.length || (!six && !hl_slice_equal_nocase(type, HL_SLICE_LITERAL("IP4"))))
		return -EBADMSG;
	*address = (struct hl_address){.family = 0};
	hl_address_parse(hl_slice_cut(&value, '/'), address);
	return address->family && (address->family == AF_INET6) != six ? -EBADMSG : 0;
}

/* "53020" or "53020 IN IP4 126.16.64.4" (RFC 3605). */
static int read_rtcp(struct hl_slice value, struct hl_address *rtcp)
{
	uint64_t port;

	if (hl_slice_number(hl_slice_cut(&value, ' '), &port) || port > UINT16_MAX)
		return -EBADMSG;
	*rtcp = (struct hl_address){.family = 0};
	if (value.length && read_connection(value, rtcp))
		return -EBADMSG;
	rtcp->port = (uint16_t)port;
	return 0;
}

/* "audio 49170/2 RTP/AVP 0 8" */
static int read_media(struct hl_slice value, struct hl_sdp_media *media)
{
	struct hl_slice ports;
	uint64_t port;

	media->type = hl_slice_cut(&value, ' ');
	ports = hl_slice_cut(&value, ' ');
	media->protocol = hl_slice_cut(&value, ' ');
	media->formats = value;
	if (hl_slice_number(hl_slice_cut(&ports, '/'), &port) || port > UINT16_MAX ||
	    !media->type.length || !media->protocol.length || !media->formats.length)
		return -EBADMSG;
	media->port = (unsigned)port;
	for (size_t i = 0; i + 4 <= media->protocol.length; i++)
		media->encrypted |= !memcmp(media->protocol.data + i, "SAVP", 4);
	return 0;
}

static int read_attribute(struct hl_slice value, struct hl_sdp_media *media)
{
	struct hl_slice name = hl_slice_cut(&value, ':');
	const struct attribute *row = attributes, *end = attributes + HL_COUNT(attributes);

	while (row < end && !hl_slice_equal(name, row->name))
		row++;
	if (row == end)
		return 0;
	switch (row->what) {
	case DIRECTION: media->direction = row->direction; break;
	case ENCRYPTED: media->encrypted = true; break;
	case RTCP_MUX: media->rtcp_mux = true; break;
	case ICE: media->ice = true; break;
	case RTCP: return read_rtcp(value, &media->rtcp);
	}
	return 0;
}

/* "- 2890844526 2890842807 IN IP4 10.47.16.5": the third is the version. */
static int read_origin(struct hl_slice value, struct hl_slice *version)
{
	hl_slice_cut(&value, ' ');
	hl_slice_cut(&value, ' ');
	*version = hl_slice_cut(&value, ' ');
	return version->length && value.length ? 0 : -EBADMSG;
}

/* One line, into the section it belongs to: the session (whose values m-lines begin with) or the
 * last m-line. */
static int read_line(struct hl_sdp *sdp, struct hl_sdp_media *session, struct hl_slice line)
{
	struct hl_sdp_media *here = sdp->media_count ? &sdp->media[sdp->media_count - 1] : session;
	struct hl_slice value = value_of(line);

	switch (line.data[0]) {
	case 'o': return read_origin(value, &sdp->origin_version);
	case 'c': return read_connection(value, &here->connection);
	case 'a': return read_attribute(value, here);
	case 'm':
		if (sdp->media_count == HL_SDP_MEDIA)
			return -E2BIG;
		here = &sdp->media[sdp->media_count++];
		*here = (struct hl_sdp_media){.connection = session->connection,
					      .direction = session->direction,
					      .encrypted = session->encrypted,
					      .ice = session->ice};
		return read_media(value, here);
	}
	return 0;
}

/* What follows of an m-line when all has been read. */
static void conclude(struct hl_sdp *sdp, unsigned index)
{
	struct hl_sdp_media *media = &sdp->media[index];
	bool wildcard = media->connection.family && hl_address_wildcard(&media->connection);

	/* With ICE, 0.0.0.0 says that the candidates are still to come (RFC 8840 §4.1.1). */
	if (wildcard && media->ice)
		media->connection = (struct hl_address){.family = 0};
	media->on_hold = media->direction != HL_SDP_SENDRECV || (wildcard && !media->ice);
	sdp->encrypted |= media->encrypted;
	for (media->shares = 0; media->shares < index; media->shares++) {
		const struct hl_sdp_media *other = &sdp->media[media->shares];

		if (other->port == media->port && media->port && media->port != DISCARD &&
		    media->connection.family &&
		    hl_address_same_host(&other->connection, &media->connection))
			return;
	}
}

int hl_sdp_parse(struct hl_slice body, struct hl_sdp *parsed, struct hl_error *error)
{
	struct hl_sdp sdp = {.body = body};
	struct hl_sdp_media session = {.direction = HL_SDP_SENDRECV};
	struct hl_slice rest = body, line;
	int result;

	if (!body.length || !is_line(body, "v=") || memchr(body.data, '\0', body.length))
		return hl_error_set(error, -EBADMSG, "SDP does not begin with v=, or has a NUL");
	while (next_line(&rest, &line)) {
		struct hl_slice text = content(line);

		if (!text.length)
			continue;
		result = text.length < 2 || text.data[1] != '=' ? -EBADMSG
								: read_line(&sdp, &session, line);
		if (result == -E2BIG)
			return hl_error_set(error, -EBADMSG, "SDP has more than %d m-lines",
					    HL_SDP_MEDIA);
		if (result)
			return hl_error_set(error, result, "SDP line cannot be read: %.*s",
					    (int)(text.length < SHOWN ? text.length : SHOWN),
					    text.data);
	}
	sdp.encrypted = session.encrypted;
	for (unsigned i = 0; i < sdp.media_count; i++)
		conclude(&sdp, i);
	*parsed = sdp;
	return 0;
}

/* What is being written. */
struct writer {
	const struct hl_sdp *sdp;
	const struct hl_sdp_edit *edit;
	struct hl_text *out;
	const char *end; /* of lines: as in the body */
	struct section session;
	struct section media[HL_SDP_MEDIA];
	const struct hl_address *session_address; /* written into the session's c=; NULL: as read */
	int current;				  /* m-line being written, or SESSION */
	bool connection_due;			  /* a c= is to be put in behind m= and i= */
	bool candidate_due;			  /* our candidate is still to be written */
};

/* Whether an m-line is ours to change: port 0 stays as it is. */
static bool is_relayed(const struct writer *writer, unsigned media)
{
	return writer->edit->media[media].relayed && writer->sdp->media[media].port;
}

static bool ice_anywhere(const struct hl_sdp *sdp)
{
	for (unsigned i = 0; i < sdp->media_count; i++)
		if (sdp->media[i].ice)
			return true;
	return false;
}

static void survey(struct writer *writer)
{
	struct hl_slice rest = writer->sdp->body, line;
	struct section *here = &writer->session;
	bool ice = ice_anywhere(writer->sdp);
	unsigned media = 0;

	while (next_line(&rest, &line)) {
		struct hl_address address;

		if (is_line(line, "m="))
			here = &writer->media[media++];
		here->rtcp |= is_line(line, "a=rtcp:");
		if (is_line(line, "c=") && !read_connection(value_of(line), &address)) {
			here->connection = true;
			here->held = address.family && hl_address_wildcard(&address) && !ice;
		}
	}
}

/* The session's c= is ours when no untouched m-line depends on it. */
static void choose_session_address(struct writer *writer)
{
	writer->session_address = NULL;
	if (!writer->session.connection || writer->session.held)
		return;
	for (unsigned i = 0; i < writer->sdp->media_count; i++) {
		if (!is_relayed(writer, i) && !writer->media[i].connection &&
		    writer->sdp->media[i].port) {
			writer->session_address = NULL;
			return;
		}
		if (is_relayed(writer, i) && !writer->session_address)
			writer->session_address = &writer->edit->media[i].rtp;
	}
}

static void put_connection(struct writer *writer, const struct hl_address *address)
{
	char host[HL_ADDRESS_TEXT];

	hl_text_printf(writer->out, "c=IN IP%c %s%s", address->family == AF_INET6 ? '6' : '4',
		       hl_address_host(address, host), writer->end);
}

/* Makes sure that what follows begins on a line of its own. */
static void end_line(struct writer *writer)
{
	const struct hl_text *out = writer->out;

	if (out->length && out->data[out->length - 1] != '\n')
		hl_text_put(writer->out, out->data[out->length - 1] == '\r' ? "\n" : writer->end);
}

static void flush_connection(struct writer *writer)
{
	if (!writer->connection_due)
		return;
	writer->connection_due = false;
	end_line(writer);
	put_connection(writer, &writer->edit->media[writer->current].rtp);
}

static void put_candidate(struct writer *writer, unsigned component, unsigned port)
{
	const struct hl_address *ours = &writer->edit->media[writer->current].rtp;
	char host[HL_ADDRESS_TEXT];

	hl_text_printf(writer->out,
		       "a=candidate:holdline %u UDP %u %s %u typ relay raddr %s rport 9%s",
		       component, CANDIDATE_PRIORITY + 256 - component, hl_address_host(ours, host),
		       port, ours->family == AF_INET6 ? "::" : "0.0.0.0", writer->end);
}

static void flush_candidate(struct writer *writer)
{
	const struct hl_sdp_media *read;

	if (!writer->candidate_due)
		return;
	writer->candidate_due = false;
	end_line(writer);
	read = &writer->sdp->media[writer->current];
	put_candidate(writer, 1, writer->edit->media[writer->current].rtp.port);
	if (!read->rtcp_mux && writer->edit->media[writer->current].rtcp_port)
		put_candidate(writer, 2, writer->edit->media[writer->current].rtcp_port);
}

/* What a section still lacks when it ends. */
static void end_section(struct writer *writer)
{
	unsigned port;

	flush_connection(writer);
	flush_candidate(writer);
	if (writer->current == SESSION || !is_relayed(writer, (unsigned)writer->current) ||
	    writer->media[writer->current].rtcp)
		return;
	port = writer->edit->media[writer->current].rtcp_port;
	if (!port || port == writer->edit->media[writer->current].rtp.port + 1u)
		return;
	end_line(writer);
	hl_text_printf(writer->out, "a=rtcp:%u%s", port, writer->end);
}

static void write_media(struct writer *writer, struct hl_slice line)
{
	unsigned media = (unsigned)++writer->current;
	const struct hl_sdp_media *read = &writer->sdp->media[media];
	const struct hl_address *ours = &writer->edit->media[media].rtp;
	const struct section *section = &writer->media[media];

	if (!is_relayed(writer, media)) {
		hl_text_slice(writer->out, line);
		return;
	}
	hl_text_printf(writer->out, "m=%.*s %u %.*s %.*s%s", HL_SLICE_ARGS(read->type), ours->port,
		       HL_SLICE_ARGS(read->protocol), HL_SLICE_ARGS(read->formats), writer->end);
	writer->candidate_due = read->ice && writer->edit->ice == HL_SDP_ICE_RELAY;
	if (section->connection || writer->session.held)
		return;
	writer->connection_due =
		!writer->session_address || !hl_address_same_host(writer->session_address, ours);
}

static bool is_ice(struct hl_slice line)
{
	for (size_t i = 0; i < HL_COUNT(ice_lines); i++)
		if (is_line(line, ice_lines[i]))
			return true;
	return false;
}

/* a=rtcp as ours; with rtcp-mux it may say the RTP port once more (RFC 5761 §5.1.3). */
static void put_rtcp(struct writer *writer)
{
	const struct hl_sdp_media *read = &writer->sdp->media[writer->current];
	unsigned port = writer->edit->media[writer->current].rtcp_port;

	if (port && read->rtcp.port == read->port)
		port = writer->edit->media[writer->current].rtp.port;
	if (port)
		hl_text_printf(writer->out, "a=rtcp:%u%s", port, writer->end);
}

/* Writes a line that is replaced; false when it is to be copied. */
static bool replace_line(struct writer *writer, struct hl_slice line)
{
	int current = writer->current;
	bool relayed = current != SESSION && is_relayed(writer, (unsigned)current);

	if (is_line(line, "o=") && writer->edit->origin) {
		hl_text_printf(writer->out, "o=%s%s", writer->edit->origin, writer->end);
		return true;
	}
	if (is_line(line, "c=")) {
		const struct hl_address *ours = current == SESSION ? writer->session_address
						: relayed && !writer->media[current].held
							? &writer->edit->media[current].rtp
							: NULL;
		if (ours)
			put_connection(writer, ours);
		return ours;
	}
	if (relayed && is_line(line, "a=rtcp:")) {
		put_rtcp(writer);
		return true;
	}
	if (writer->edit->ice == HL_SDP_ICE_REMOVE && (relayed || current == SESSION))
		return is_ice(line);
	if (relayed && (is_line(line, "a=candidate:") || is_line(line, "a=end-of-candidates")))
		flush_candidate(writer);
	return false;
}

int hl_sdp_rewrite(const struct hl_sdp *sdp, const struct hl_sdp_edit *edit, struct hl_text *out)
{
	struct writer writer = {.sdp = sdp, .edit = edit, .out = out, .current = SESSION};
	struct hl_slice rest = sdp->body, line;
	const char *feed = memchr(rest.data, '\n', rest.length);

	writer.end = feed && feed > rest.data && feed[-1] != '\r' ? "\n" : "\r\n";
	survey(&writer);
	choose_session_address(&writer);
	while (next_line(&rest, &line)) {
		if (is_line(line, "m=")) {
			end_section(&writer);
			write_media(&writer, line);
			continue;
		}
		if (content(line).length && !is_line(line, "i="))
			flush_connection(&writer);
		if (!replace_line(&writer, line))
			hl_text_slice(out, line);
	}
	end_section(&writer);
	return out->failed ? -ENOMEM : 0;
}

static void copy_name(struct hl_slice name, char text[CODEC_SIZE])
{
	hl_put_text(text, text + CODEC_SIZE, name);
}

/* The codec of one format of an m-line; "" when unknown. */
static void codec_of(const struct hl_sdp *sdp, unsigned media, struct hl_slice format,
		     char name[CODEC_SIZE])
{
	const struct hl_slice formats = sdp->media[media].formats;
	struct hl_slice rest = {formats.data, 0}, line;
	uint64_t number;

	*name = '\0';
	rest.length = sdp->body.length - (size_t)(rest.data - sdp->body.data);
	for (next_line(&rest, &line); next_line(&rest, &line) && !is_line(line, "m=");) {
		struct hl_slice value;

		if (!is_line(line, "a=rtpmap:"))
			continue;
		value = value_of(line);
		hl_slice_cut(&value, ':');
		if (hl_slice_equal(hl_slice_cut(&value, ' '), format)) {
			copy_name(hl_slice_cut(&value, '/'), name);
			return;
		}
	}
	if (hl_slice_number(format, &number)) {
		copy_name(format, name); /* "t38": the format is the codec */
		return;
	}
	for (size_t i = 0; i < HL_COUNT(static_codecs); i++)
		if (static_codecs[i].type == number)
			copy_name(hl_slice_of(static_codecs[i].name), name);
}

void hl_sdp_codec(const struct hl_sdp *sdp, unsigned media, char name[32])
{
	struct hl_slice formats, format, codec;

	*name = '\0';
	if (media >= sdp->media_count)
		return;
	formats = sdp->media[media].formats;
	/* Events (RFC 4733) and comfort noise go beside a codec, whatever comes first. */
	do {
		format = hl_slice_cut(&formats, ' ');
		codec_of(sdp, media, format, name);
		codec = hl_slice_of(name);
	} while (formats.length &&
		 (hl_slice_equal_nocase(codec, HL_SLICE_LITERAL("CN")) ||
		  hl_slice_equal_nocase(codec, HL_SLICE_LITERAL("telephone-event"))));
}
