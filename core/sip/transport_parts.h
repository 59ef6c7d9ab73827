/* The transport's own structs. */
#ifndef HL_SIP_TRANSPORT_PARTS_H
#define HL_SIP_TRANSPORT_PARTS_H

#include "base/hash.h"
#include "base/log.h"
#include "loop/deadline.h"
#include "loop/stream.h"
#include "loop/udp.h"
#include "sip/tls.h"
#include "sip/transport.h"

enum {
	NAMES_MAX = UINT16_MAX, /* of TLS peers, remembered for good */
};

struct listener {
	struct hl_transport *transport; /* its owner */
	enum hl_transport_type type;
	uint16_t index;			   /* in the transport's table */
	char *configured;		   /* owned; as in switch.listen */
	struct hl_udp *udp;		   /* owned; UDP */
	struct hl_stream_listener *stream; /* owned; TCP, TLS */
	struct hl_address local;	   /* what it is bound to */
	unsigned connections;		   /* of those it has accepted */
	bool wanted;			   /* it is in the list */
	bool draining; /* it is not, and takes nothing new; until it is unused */
	bool fresh;    /* opened by the change that is being made */
};

struct connection {
	struct hl_hash_node by_remote;	  /* in the transport */
	struct hl_transport *transport;	  /* its owner */
	struct hl_stream *stream;	  /* owned */
	struct hl_flow flow;		  /* its handle is in there */
	struct hl_list watches;		  /* struct hl_flow_watch */
	struct connection_source *source; /* counted there; NULL: we opened it */
	struct hl_deadline deadline;	  /* in the transport: when to look whether it is of use */
	uint64_t due;			  /* hl_clock_now of that */
	uint64_t heard;			  /* … of the last whole message */
	uint64_t half;			  /* … since when one is unfinished; 0: none is */
	size_t expected;		  /* bytes of that one, once known; else 0 */
};

struct hl_transport {
	struct hl_loop *loop; /* borrowed */
	const struct hl_transport_events *events;
	void *arg;
	struct listener *listeners[HL_LISTENERS_MAX]; /* NULL: closed */
	uint64_t closed[HL_LISTENERS_MAX];	      /* hl_clock_now when that one was */
	unsigned listener_count;		      /* entries ever used */
	struct hl_handles handles;		      /* of connections */
	struct hl_hash connections;		      /* by remote address */
	struct hl_hash sources;			      /* struct connection_source by host */
	struct hl_deadlines idle;		      /* of connections */
	struct hl_transport_limits limits;
	struct hl_timer drain; /* looks after listeners that are draining */
	struct hl_tls *tls;    /* owned; NULL: there can be none */
	char **names;	       /* owned; flow.name - 1 is the index */
	unsigned name_count;
	struct hl_address advertise; /* family 0: none */
	struct hl_transport_counters counters; /* of connections, and sockets that are closed */
	struct hl_log_limit disconnected_limit; /* lines that peers can cause */
	struct hl_log_limit refused_limit;
};

/* listener.c */
const struct hl_address *hl_listener_local(const struct listener *listener);
/* Closes those that were taken out of the list and are of no use any more. */
void hl_listeners_drain(void *transport);
void hl_listeners_close(struct hl_transport *transport);

/* connection_limit.c */
/* Counts a connection from there. NULL, or why it is refused. */
const char *hl_connection_admit(struct hl_transport *transport, const struct hl_address *remote,
				struct connection_source **admitted);
void hl_connection_discharge(struct hl_transport *transport, struct connection_source *source);
/* Something came: a whole message or ping, part of one. */
void hl_connection_heard(struct connection *connection, bool whole, bool half);
/* Sets its deadline. */
void hl_connection_await(struct connection *connection);
void hl_connection_due(void *arg, struct hl_deadline *deadline);

/* connection.c */
void hl_connection_accepted(void *arg, struct hl_stream *stream);
/* A connection to there (type, remote, name of `to`): the one there is, or a new one. 0 or negative
 * errno. */
int hl_connection_to(struct hl_transport *transport, const struct hl_flow *to,
		     struct connection **connection);
/* For the loop's listeners; `arg` is the transport. */
extern const struct hl_stream_tls hl_connection_tls;
/* The connection of a flow, or one to the same place when we opened it; NULL: it is gone. */
struct connection *hl_connection_of(const struct hl_transport *transport,
				    const struct hl_flow *flow);
/* Sends over the flow's connection, opened again if it was ours. 0 or negative errno. */
int hl_connections_send(struct hl_transport *transport, const struct hl_flow *flow,
			struct hl_slice bytes);
void hl_connections_close(struct hl_transport *transport);

#endif
