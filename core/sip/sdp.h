/* SDP (RFC 4566, 3264): read as slices over the body, and rewritten line by line, so that whatever
 * is not changed on purpose stays as it was, byte for byte. */
#ifndef HL_SIP_SDP_H
#define HL_SIP_SDP_H

#include "base/address.h"
#include "base/error.h"
#include "base/text.h"

enum { HL_SDP_MEDIA = 16 }; /* m-lines; a body with more is refused */

enum hl_sdp_direction { HL_SDP_SENDRECV, HL_SDP_SENDONLY, HL_SDP_RECVONLY, HL_SDP_INACTIVE };

struct hl_sdp_media {
	struct hl_slice type;	  /* "audio" */
	unsigned port;		  /* 0: refused or unused */
	struct hl_slice protocol; /* "RTP/AVP", "udptl", … */
	struct hl_slice formats;  /* "0 8 101" */
	struct hl_address
		connection;	/* of the m-line, else the session's; family 0: none or a name */
	struct hl_address rtcp; /* a=rtcp; family 0 with port: same host; port 0: not given */
	unsigned shares; /* the first m-line with the same address and port: BUNDLE (RFC 8843);
			  * itself when there is none before it */
	bool rtcp_mux;	 /* a=rtcp-mux */
	bool ice;	 /* a=ice-ufrag or a=candidate */
	bool encrypted;	 /* RTP/SAVP…, a=crypto or a=fingerprint */
	bool on_hold;	 /* connection 0.0.0.0 (without ICE), or a direction that is not
			  * sendrecv */
	enum hl_sdp_direction direction; /* of the m-line, else the session's */
};

struct hl_sdp {
	struct hl_slice body; /* borrowed: what was read */
	struct hl_sdp_media media[HL_SDP_MEDIA];
	unsigned media_count;
	struct hl_slice origin_version; /* o=, second number */
	bool encrypted;			/* any m-line, or a session-level fingerprint */
};

/* 0, or -EBADMSG with what is wrong. `sdp` borrows `body`. */
HL_EXPORT int hl_sdp_parse(struct hl_slice body, struct hl_sdp *sdp, struct hl_error *error);

/* What becomes of ICE (RFC 8839) on m-lines that are relayed. */
enum hl_sdp_ice {
	HL_SDP_ICE_PASS,   /* as read */
	HL_SDP_ICE_RELAY,  /* as read, and our address as the candidate of last resort */
	HL_SDP_ICE_REMOVE, /* taken out */
};

/* What to write in place of what was read. */
struct hl_sdp_edit {
	const char *origin; /* a whole o= value, or NULL: as read */
	enum hl_sdp_ice ice;
	struct {
		bool relayed;	       /* false: this m-line is left untouched */
		struct hl_address rtp; /* address and port of ours */
		unsigned rtcp_port;    /* 0: a=rtcp is removed; else written where one was (the
					* RTP port if it was that), or the port is not rtp+1 */
	} media[HL_SDP_MEDIA];
};

/* Writes `sdp` with `edit` applied: c= at session and media level, ports, a=rtcp, o=; IPv4 or IPv6
 * as our address is; hold forms (0.0.0.0) stay hold; port 0 stays 0. 0 or -ENOMEM. */
HL_EXPORT int hl_sdp_rewrite(const struct hl_sdp *sdp, const struct hl_sdp_edit *edit,
			     struct hl_text *out);
/* The codec name of an m-line's first format but for events and noise ("PCMU", from a=rtpmap or
 * the static table of RFC 3551), copied into `name`; "" when unknown. */
HL_EXPORT void hl_sdp_codec(const struct hl_sdp *sdp, unsigned media, char name[32]);

#endif
