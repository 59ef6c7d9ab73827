/* Transport (RFC 3261 §18, RFC 3581, RFC 5626): listeners, connections, and flows. A flow is the
 * way back to whoever sent a message: our socket, the transport, the remote tuple or connection.
 * What is sent to an endpoint goes over the flow it came by, never over one that was looked up. */
#ifndef HL_SIP_TRANSPORT_H
#define HL_SIP_TRANSPORT_H

#include "base/address.h"
#include "base/error.h"
#include "base/handle.h"
#include "loop/loop.h"
#include "sip/uri.h"

/* Listeners, those that are closed included: a flow goes on naming its listener for a while. */
enum { HL_LISTENERS_MAX = 1024 };

enum hl_transport_type { HL_TRANSPORT_UDP, HL_TRANSPORT_TCP, HL_TRANSPORT_TLS };

struct hl_flow {
	uint8_t type;	/* enum hl_transport_type */
	uint8_t opened; /* by us: when it is gone it is opened again */
	union {
		uint16_t listener; /* which of our listeners it came in by; UDP: our socket */
		uint16_t name;	   /* opened: the peer's, for its certificate; 0: none */
	};
	struct hl_address local;     /* our end, as the packet was addressed */
	struct hl_address remote;    /* their end */
	struct hl_handle connection; /* TCP, TLS */
};

struct hl_tls;
struct hl_transport;

struct hl_transport_events {
	/* Bytes that arrived: a datagram, or one framed message of a stream. */
	void (*received)(void *arg, const struct hl_flow *flow, struct hl_slice bytes);
	/* A connection is gone; its flow leads nowhere now. */
	void (*disconnected)(void *arg, const struct hl_flow *flow);
	/* An ICMP error says that a datagram sent over that flow did not arrive. May be NULL; must
	 * not send. */
	void (*refused)(void *arg, const struct hl_flow *flow);
	/* What was posted over UDP cannot be sent at all. May be NULL. */
	void (*unsent)(void *arg, struct hl_slice bytes);
	/* Whether anybody is registered or talks over that connection, or, with a UDP flow that
	 * has no remote address, over that listener. NULL: nobody ever. */
	bool (*needed)(void *arg, const struct hl_flow *flow);
};

/* What connections may take. */
struct hl_transport_limits {
	unsigned connections; /* at once */
	unsigned per_address; /* of them from one IPv4 address or IPv6 /64 */
	unsigned idle;	      /* s without a message, if nobody needs it; then it is closed */
};

struct hl_transport_counters {
	uint64_t received, sent; /* messages and datagrams */
	uint64_t refused;	 /* sends that found no way there, or a full buffer */
	uint64_t malformed;	 /* what of streams could not be cut into messages */
};

HL_EXPORT struct hl_transport *hl_transport_new(struct hl_loop *loop,
						const struct hl_transport_events *events,
						void *arg);
HL_EXPORT void hl_transport_free(struct hl_transport *transport);
/* Holds from now on; without it there are 10,000, all from one address if need be, for 120 s. */
HL_EXPORT void hl_transport_limit(struct hl_transport *transport,
				  const struct hl_transport_limits *limits);
/* What TLS is spoken with from now on; takes it over. Connections there are keep what they have. */
HL_EXPORT void hl_transport_secure(struct hl_transport *transport, struct hl_tls *tls);
/* Opens "udp:HOST:PORT", "tcp:HOST:PORT" or "tls:HOST:PORT". 0 or negative errno with `error`
 * naming it. */
HL_EXPORT int hl_transport_listen(struct hl_transport *transport, const char *address,
				  struct hl_error *error);
/* Makes the listeners be those of the list: opens new ones, drains those not named any more (port 0
 * entries match the listener they opened). One that drains accepts no connection; its connections
 * and its UDP socket serve on until nobody `needed` them. On failure nothing has changed. */
HL_EXPORT int hl_transport_relisten(struct hl_transport *transport, char *const *addresses,
				    size_t count, struct hl_error *error);
/* Whether that came in by a listener that drains: nothing new shall begin there. */
HL_EXPORT bool hl_transport_draining(const struct hl_transport *transport,
				     const struct hl_flow *flow);
/* The address put into Via, Contact instead of the local one; family 0: none. */
HL_EXPORT void hl_transport_advertise(struct hl_transport *transport,
				      const struct hl_address *address);
/* Calls `visit` for each listener with "udp:127.0.0.1:5060" (the real port). */
HL_EXPORT void hl_transport_each_listener(struct hl_transport *transport,
					  void (*visit)(void *arg, const char *text), void *arg);

/* Sends: over a connection at once, over UDP at the end of this turn, with others; what the system
 * refuses then is told as `unsent`. 0 or negative errno: -ENOTCONN listener or connection gone,
 * -ENOBUFS the peer does not read, -ENOMEM, … */
HL_EXPORT int hl_transport_post(struct hl_transport *transport, const struct hl_flow *flow,
				struct hl_slice bytes);

struct hl_parcel {
	const struct hl_flow *flow; /* borrowed */
	struct hl_slice bytes;	    /* borrowed */
	int result;		    /* set: 0 or negative errno */
};
/* Sends many at once, with one system call for each run of parcels of one UDP socket. Returns how
 * many were dealt with, in order; less than `count`: a socket is full, go on there later. */
HL_EXPORT unsigned hl_transport_send_many(struct hl_transport *transport, struct hl_parcel *parcels,
					  unsigned count);

/* Closes the connection of that flow from the next turn of the loop on; `disconnected` tells then.
 * `why` is static, for the log. Nothing happens to UDP. */
HL_EXPORT void hl_transport_close(struct hl_transport *transport, const struct hl_flow *flow,
				  const char *why);

/* Whoever waits for something over a connection, to be told once if that is lost first. */
struct hl_flow_watch {
	struct hl_list node; /* hl_list_init; alone when it waits for nothing */
	void (*lost)(struct hl_flow_watch *watch);
};
/* Begins to wait; hl_list_remove of its node ends it. Nothing happens for UDP. When a connection is
 * lost, `disconnected` comes before the watches. */
HL_EXPORT void hl_transport_watch(struct hl_transport *transport, const struct hl_flow *flow,
				  struct hl_flow_watch *watch);

/* The flow to a place nobody wrote from: a UDP listener of its family (preferring loopback for
 * loopback), or a TCP or TLS connection, opened or reused. 0, -EAFNOSUPPORT when no listener fits,
 * … A TLS peer's certificate must be for its address, where switch.tls.verify asks for one. */
HL_EXPORT int hl_transport_flow_to(struct hl_transport *transport, enum hl_transport_type type,
				   const struct hl_address *remote, struct hl_flow *flow);
/* The same to a host that was found by its name: that is what TLS asks for and verifies. */
HL_EXPORT int hl_transport_flow_to_host(struct hl_transport *transport, enum hl_transport_type type,
					const char *host, const struct hl_address *remote,
					struct hl_flow *flow);
/* How a URI wants to be reached: its transport (UDP when it does not say; TLS for `sips`) and its
 * port, or the usual one. 0 or -EPROTONOSUPPORT. */
HL_EXPORT int hl_transport_of_uri(const struct hl_uri *uri, enum hl_transport_type *type,
				  uint16_t *port);
/* The UDP flow that once led from our `local` to `remote`, over the listener there is now. 0, or
 * -ENOENT when there is none. */
HL_EXPORT int hl_transport_flow_again(const struct hl_transport *transport,
				      const struct hl_address *local,
				      const struct hl_address *remote, struct hl_flow *flow);
/* Whether two flows lead to the same place by the same way. */
HL_EXPORT bool hl_flow_equal(const struct hl_flow *a, const struct hl_flow *b);
HL_EXPORT uint64_t hl_flow_hash(const struct hl_flow *flow);
HL_EXPORT const char *hl_transport_name(enum hl_transport_type type); /* "udp" */
/* Our host and port as the peer of that flow shall see them: advertised or local. */
HL_EXPORT void hl_transport_visible(const struct hl_transport *transport,
				    const struct hl_flow *flow, struct hl_address *address);
/* A Contact URI of ours for that flow: "<sip:user@host:port;transport=tcp>" (user may be ""). */
HL_EXPORT void hl_transport_contact(const struct hl_transport *transport,
				    const struct hl_flow *flow, const char *user, char *text,
				    size_t size);
/* Whether that is one of our own addresses (loops). */
HL_EXPORT bool hl_transport_is_self(const struct hl_transport *transport, const struct hl_uri *uri);
/* Of all listeners and connections since the start. */
HL_EXPORT struct hl_transport_counters
hl_transport_counters(const struct hl_transport *transport);

#endif
