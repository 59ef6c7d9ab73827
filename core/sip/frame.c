#include "sip/frame.h"

#include "sip/message.h"

/* Where the empty line ends, or 0 when it has not come. */
static size_t header_end(struct hl_slice bytes)
{
	const char *found = memmem(bytes.data, bytes.length, "\r\n\r\n", 4);
	return found ? (size_t)(found - bytes.data) + 4 : 0;
}

/* The value of Content-Length (or l); 0 when there is none; −1 when it is no length. */
static int64_t content_length(struct hl_slice header)
{
	while (header.length) {
		struct hl_slice value = hl_slice_trim(hl_slice_cut(&header, '\n'));
		struct hl_slice name = hl_slice_trim(hl_slice_cut(&value, ':'));
		uint64_t length;
		if (!hl_slice_equal_nocase(name, HL_SLICE_LITERAL("content-length")) &&
		    !hl_slice_equal_nocase(name, HL_SLICE_LITERAL("l")))
			continue;
		if (hl_slice_number(hl_slice_trim(value), &length) < 0 || length > HL_MESSAGE_MAX)
			return -1;
		return (int64_t)length;
	}
	return 0;
}

enum hl_frame_kind hl_frame_next(struct hl_slice bytes, struct hl_slice *frame)
{
	*frame = (struct hl_slice){ bytes.data, 0 };
	if (!bytes.length)
		return HL_FRAME_INCOMPLETE;
	if (bytes.data[0] == '\r' || bytes.data[0] == '\n') {
		static const char ping[] = "\r\n\r\n";
		frame->length = bytes.length < 4 ? bytes.length : 4;
		if (frame->length == 4 && memcmp(bytes.data, ping, 4) == 0)
			return HL_FRAME_PING;
		frame->length = 2;
		if (bytes.length >= 2 && memcmp(bytes.data, ping, 2) == 0)
			return HL_FRAME_PONG;
		return bytes.length == 1 && bytes.data[0] == '\r' ? HL_FRAME_INCOMPLETE
								  : HL_FRAME_BROKEN;
	}
	size_t header = header_end(bytes);
	if (!header)
		return bytes.length > HL_MESSAGE_MAX ? HL_FRAME_BROKEN : HL_FRAME_INCOMPLETE;
	int64_t body = content_length((struct hl_slice){ bytes.data, header });
	if (body < 0 || header + (size_t)body > HL_MESSAGE_MAX)
		return HL_FRAME_BROKEN;
	frame->length = header + (size_t)body;
	return frame->length <= bytes.length ? HL_FRAME_MESSAGE : HL_FRAME_INCOMPLETE;
}
