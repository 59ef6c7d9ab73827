/* Cutting a byte stream into SIP messages (RFC 3261 §18.3, RFC 5626 §4.4.1). */
#ifndef HL_SIP_FRAME_H
#define HL_SIP_FRAME_H

#include "base/slice.h"

enum hl_frame_kind {
	HL_FRAME_INCOMPLETE, /* more bytes are needed */
	HL_FRAME_MESSAGE,    /* a whole message */
	HL_FRAME_PING,	     /* a double CRLF */
	HL_FRAME_PONG,	     /* a single CRLF */
	HL_FRAME_BROKEN,     /* no message can begin here: close */
	HL_FRAME_LARGE,	     /* one that is longer than any may be: close */
};

/* What `bytes` begins with; `frame` is set to it (for MESSAGE, PING, PONG); of an INCOMPLETE one
 * its length, 0 as long as that is not known. */
enum hl_frame_kind hl_frame_next(struct hl_slice bytes, struct hl_slice *frame);

#endif
