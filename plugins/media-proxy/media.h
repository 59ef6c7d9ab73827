/* What the files of media-proxy share: its settings, its state, and what it keeps with each call
 * and each leg. All of it belongs to the signalling thread. */
#ifndef HL_MEDIA_MEDIA_H
#define HL_MEDIA_MEDIA_H

#include "decision.h"
#include "engine.h"
#include "ports.h"
#include "relay.h"

enum hl_timeout_when { HL_TIMEOUT_BOTH, HL_TIMEOUT_EITHER };
enum hl_learn_from { HL_LEARN_FROM_EXPECTED, HL_LEARN_FROM_ANY };

struct hl_media_settings {
	int mode; /* enum hl_media_setting */
	bool between_net;
	bool behind_nat;
	struct hl_range port_range;
	int64_t media_timeout;	 /* s; 0: never */
	int media_timeout_when;	 /* enum hl_timeout_when */
	int64_t one_way_after;	 /* s; 0: never */
	int64_t learn_window;	 /* s */
	int learn_from;		 /* enum hl_learn_from */
	int64_t learn_prefix;	 /* bits, IPv4 */
	int64_t learn_prefix6;	 /* bits, IPv6 */
	int ice;		 /* enum hl_sdp_ice */
	int64_t tos;		 /* of the IP header */
	int64_t port_quarantine; /* s */
	int64_t relay_threads;	 /* or HL_WORD(0): auto */
};

/* A figure for monitoring. */
struct hl_media_metric {
	const struct hl_media *media; /* borrowed */
	int kind;		      /* of metrics.c */
};

/* The plugin. */
struct hl_media {
	struct hl_module *module;	      /* borrowed */
	struct hl_switch *holdline;	      /* borrowed */
	const struct hl_media_engine *engine; /* what carries the media */
	struct hl_relay *relay;		      /* owned */
	struct hl_ports *ports;		      /* owned */
	struct hl_list calls;		      /* struct hl_media_call: the relayed ones */
	struct hl_media_metric *metrics;      /* owned */
	struct hl_timer tick;		      /* looks for silence once a second */
};

/* What an SDP says about one m-line of the leg that sent it. */
struct hl_remote {
	struct hl_address rtp, rtcp;
	bool active;	/* port not 0 */
	bool held;	/* sendonly, recvonly, inactive or 0.0.0.0 */
	bool muted;	/* 0.0.0.0 */
	bool datagrams; /* no RTP */
	bool encrypted; /* SRTP */
};

/* One m-line of a leg. */
struct hl_media_stream {
	struct hl_relay_side *side; /* owned; NULL: not relayed */
	uint16_t port;		    /* RTP port of ours that faces the leg; never changes */
	struct hl_remote remote;    /* in force */
	struct hl_remote offered;   /* of an offer that awaits its answer */
};

/* Kept with each leg, zeroed at first. */
struct hl_media_leg {
	struct hl_media_stream *streams; /* owned; by m-line */
	unsigned count;
	struct hl_address local;   /* where its sockets are bound; family 0: not known yet */
	struct hl_address visible; /* the same as its SDP says */
	uint64_t session;	   /* o= towards the leg: session id; 0: none yet */
	uint64_t version;	   /* … and version, raised when the SDP changes */
	uint64_t sent;		   /* hash of the SDP last sent to it; 0: none */
	bool decided;		   /* callee legs: */
	struct hl_media_verdict verdict;
};

/* What call list and CDR say about one m-line. */
struct hl_media_record {
	char type[16];			    /* "audio" */
	char codec[32];			    /* of the answer; "": unknown or refused */
	struct hl_relay_figures figures[2]; /* by enum hl_side, once that leg has ended */
};

/* Kept with each call, zeroed at first. */
struct hl_media_call {
	struct hl_list node; /* in media->calls if `listed` */
	bool listed;
	bool decided; /* … and `verdict` stands, of the fork decided or heard last */
	struct hl_media_verdict verdict;
	struct hl_handle handle; /* of the call */
	struct hl_handle callee; /* leg that is heard: answered, or sent early media, last */
	unsigned worker;	 /* of the relay; good if `listed` */
	bool one_way;		 /* one side is heard and the other is not: */
	enum hl_side silent;	 /* … this one */
	struct hl_media_record *records; /* owned; by m-line */
	unsigned count;
	uint64_t since; /* hl_clock_now of the last answer: silence counts from there */
};

static inline const struct hl_media_settings *hl_media_settings(const struct hl_media *media)
{
	return hl_module_settings(media->module);
}

static inline struct hl_media_leg *hl_media_leg(const struct hl_media *media, struct hl_leg *leg)
{
	return hl_module_leg(media->module, leg);
}

static inline struct hl_media_call *hl_media_call(const struct hl_media *media,
						  struct hl_call *call)
{
	return hl_module_call(media->module, call);
}

#endif
