/* Where a message in a stream ends: behind its headers, which say how long its body is; empty lines
 * between messages are pings and pongs. */
#include "sip/frame.h"

#include "sip/message.h"

/* Where the empty line ends, or 0 when it has not come. */
static size_t header_end(struct hl_slice bytes)
{
	const char *found = memmem(bytes.data, bytes.length, "\r\n\r\n", 4);
	return found ? (size_t)(found - bytes.data) + 4 : 0;
}

/* The value of Content-Length (or l), at most HL_MESSAGE_MAX; 0 when there is none; −1 when it is
 * no length, or there are two that differ: whoever believes the other one sees another message. */
static int64_t content_length(struct hl_slice header)
{
	int64_t found = -1;
	while (header.length) {
		struct hl_slice value = hl_slice_trim(hl_slice_cut(&header, '\n'));
		struct hl_slice name = hl_slice_trim(hl_slice_cut(&value, ':'));
		uint64_t length;
		if (!hl_slice_equal_nocase(name, HL_SLICE_LITERAL("content-length")) &&
		    !hl_slice_equal_nocase(name, HL_SLICE_LITERAL("l")))
			continue;
		if (hl_slice_number(hl_slice_trim(value), &length) < 0)
			return -1;
		if (length > HL_MESSAGE_MAX)
			length = HL_MESSAGE_MAX;
		if ((found >= 0 && found != (int64_t)length))
			return -1;
		found = (int64_t)length;
	}
	return found < 0 ? 0 : found;
}

/* One CRLF is a pong, two are a ping; half a line waits for its other half. */
static enum hl_frame_kind next_empty_line(struct hl_slice bytes, struct hl_slice *frame)
{
	static const char ping[] = "\r\n\r\n";
	size_t same = 0;

	while (same < bytes.length && same < 4 && bytes.data[same] == ping[same])
		same++;
	if (same == bytes.length && same % 2)
		return HL_FRAME_INCOMPLETE;
	frame->length = same & ~(size_t)1;
	return same == 4 ? HL_FRAME_PING : same >= 2 ? HL_FRAME_PONG : HL_FRAME_BROKEN;
}

enum hl_frame_kind hl_frame_next(struct hl_slice bytes, struct hl_slice *frame)
{
	*frame = (struct hl_slice){bytes.data, 0};
	if (!bytes.length)
		return HL_FRAME_INCOMPLETE;
	if (bytes.data[0] == '\r' || bytes.data[0] == '\n')
		return next_empty_line(bytes, frame);
	size_t header = header_end(bytes);
	if (!header)
		return bytes.length > HL_MESSAGE_MAX ? HL_FRAME_LARGE : HL_FRAME_INCOMPLETE;
	int64_t body = content_length((struct hl_slice){bytes.data, header});
	if (body < 0)
		return HL_FRAME_BROKEN;
	if (header + (size_t)body > HL_MESSAGE_MAX)
		return HL_FRAME_LARGE;
	frame->length = header + (size_t)body;
	return frame->length <= bytes.length ? HL_FRAME_MESSAGE : HL_FRAME_INCOMPLETE;
}
