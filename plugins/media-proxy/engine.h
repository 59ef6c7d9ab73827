/* What carries the media of relayed calls: the seam behind which another engine (an rtpengine over
 * its ng protocol) can take the place of our relay. Ports and sockets are the engine's business;
 * which calls are relayed, the record and the time-outs are not. */
#ifndef HL_MEDIA_ENGINE_H
#define HL_MEDIA_ENGINE_H

#include "relay.h"

struct hl_media;
struct hl_media_call;
struct hl_media_leg;

struct hl_media_engine {
	/* Opens what an offer needs on both legs, all of it or nothing, and writes it as `to` shall
	 * see it. 0, -EADDRINUSE when no port is free, -ELOOP when the SDP names one of them,
	 * another negative errno. */
	int (*offer)(struct hl_media *media, struct hl_media_call *call, struct hl_leg *from,
		     struct hl_leg *to, const struct hl_sdp *sdp, struct hl_text *rewritten);
	/* The answer of `from` puts both descriptions in force: the legs hear each other. 0 or
	 * -ENOMEM. */
	int (*answer)(struct hl_media *media, struct hl_leg *from, struct hl_leg *to,
		      const struct hl_sdp *sdp, struct hl_text *rewritten);
	/* The leg hears nobody any more. 0 or -ENOMEM. */
	int (*unlink)(struct hl_media_leg *leg);
	/* The leg is gone: releases all it had. */
	void (*close)(struct hl_media *media, struct hl_media_leg *leg);
	/* Whether the SDP names a place of the engine's own as where to send media to. */
	bool (*loops)(const struct hl_media *media, const struct hl_sdp *sdp);
	/* What came so far from a leg on one m-line; false: it is not relayed. */
	bool (*figures)(const struct hl_media_leg *leg, unsigned index,
			struct hl_relay_figures *figures);
};

/* The relay's own threads. */
extern const struct hl_media_engine hl_engine_relay;

#endif
