/* The streams of a leg: its ports, and the SDP that passes through (RFC 3264). Ports belong to the
 * leg and stay the same for its life, whatever is offered by whom (rules 28 and 29). */
#ifndef HL_MEDIA_STREAM_H
#define HL_MEDIA_STREAM_H

#include "media.h"

/* Whether a datagram relay can carry that m-line: everything but TCP. */
bool hl_streams_relayable(const struct hl_sdp_media *line);
/* Opens what `sdp` needs for both legs: all of it or nothing. 0, -EADDRINUSE when the port range is
 * full, another negative errno. */
int hl_streams_open(struct hl_media *media, struct hl_media_call *call, struct hl_leg *from,
		    struct hl_leg *to, const struct hl_sdp *sdp);
/* Notes what an offer says about the leg it came from; it holds once it is answered. */
void hl_streams_offered(struct hl_media_leg *leg, const struct hl_sdp *sdp);
/* An answer of `from`: both ends' SDP are in force, the two legs hear each other. 0 or -ENOMEM. */
int hl_streams_answered(struct hl_media *media, struct hl_leg *from, struct hl_leg *to,
			const struct hl_sdp *sdp);
/* The leg hears nobody any more: 0 or -ENOMEM. */
int hl_streams_unlink(struct hl_media_leg *leg);
/* Closes them, and gives the ports back. */
void hl_streams_close(struct hl_media *media, struct hl_media_leg *leg);
/* Whether the SDP names a relay port of ours as where to send media to (rule 30). */
bool hl_streams_loop(const struct hl_media *media, const struct hl_sdp *sdp);
/* Writes `sdp` as the leg shall see it: our addresses, our origin. 0 or -ENOMEM. */
int hl_streams_rewrite(struct hl_media_leg *leg, const struct hl_sdp *sdp,
		       struct hl_text *rewritten);

#endif
