/* Listeners (RFC 3261 §18): where messages and connections come in, as `switch.listen` says. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sip/transport_parts.h"

#include <errno.h>
#include <stdio.h>

enum {
	DRAIN_STEP = 1000, /* ms between looks whether a listener can be closed */
	FORGOTTEN_S = 300, /* after its end no transaction's flow names a listener any more */
};

static void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	if (listener->udp)
		hl_udp_close(listener->udp);
	if (listener->stream)
		hl_stream_listener_free(listener->stream);
	hl_free(listener->configured);
	hl_free(listener);
}

void hl_listeners_close(struct hl_transport *transport)
{
	for (unsigned i = 0; i < transport->listener_count; i++)
		listener_free(transport->listeners[i]);
}

static void datagram(void *arg, const struct hl_datagram *got)
{
	struct listener *listener = arg;
	struct hl_transport *transport = listener->transport;
	struct hl_flow flow = {.type = HL_TRANSPORT_UDP,
			       .listener = listener->index,
			       .local = got->local,
			       .remote = got->remote};
	transport->events->received(transport->arg, &flow, got->bytes);
}

static void refused(void *arg, const struct hl_address *local, const struct hl_address *remote)
{
	struct listener *listener = arg;
	struct hl_transport *transport = listener->transport;
	struct hl_flow flow = {.type = HL_TRANSPORT_UDP,
			       .listener = listener->index,
			       .local = *local,
			       .remote = *remote};
	if (transport->events->refused)
		transport->events->refused(transport->arg, &flow);
}

static void unsent(void *arg, struct hl_slice bytes)
{
	struct listener *listener = arg;
	struct hl_transport *transport = listener->transport;
	if (transport->events->unsent)
		transport->events->unsent(transport->arg, bytes);
}

static const struct hl_udp_failures failures = {refused, unsent};

const struct hl_address *hl_listener_local(const struct listener *listener)
{
	return &listener->local;
}

static int parse_listen(const char *text, enum hl_transport_type *type, struct hl_address *address,
			struct hl_error *error)
{
	struct hl_slice rest = hl_slice_of(text);
	struct hl_slice name = hl_slice_cut(&rest, ':');
	if (hl_slice_equal_nocase(name, HL_SLICE_LITERAL("udp")))
		*type = HL_TRANSPORT_UDP;
	else if (hl_slice_equal_nocase(name, HL_SLICE_LITERAL("tcp")))
		*type = HL_TRANSPORT_TCP;
	else if (hl_slice_equal_nocase(name, HL_SLICE_LITERAL("tls")))
		*type = HL_TRANSPORT_TLS;
	else
		return hl_error_set(error, -EINVAL,
				    "%s: udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT is allowed",
				    text);
	if (hl_address_parse_port(rest, address) < 0)
		return hl_error_set(error, -EINVAL,
				    "%s: an IP address and a port are needed, IPv6 in brackets",
				    text);
	return 0;
}

/* An entry that was never used, else the one that has been closed for the longest. */
static int find_entry(const struct hl_transport *transport)
{
	int oldest = -1;
	if (transport->listener_count < HL_LISTENERS_MAX)
		return (int)transport->listener_count;
	for (int i = 0; i < HL_LISTENERS_MAX; i++)
		if (!transport->listeners[i] &&
		    (oldest < 0 || transport->closed[i] < transport->closed[oldest]))
			oldest = i;
	if (oldest >= 0 &&
	    hl_clock_now() - transport->closed[oldest] < FORGOTTEN_S * (uint64_t)HL_SECOND)
		return -1;
	return oldest;
}

/* Counts what went over a listener's socket. */
static void count(const struct listener *listener, struct hl_transport_counters *counters)
{
	const struct hl_udp_counters *udp;

	if (!listener || !listener->udp)
		return;
	udp = hl_udp_counters(listener->udp);
	counters->received += udp->received;
	counters->sent += udp->sent;
	counters->refused += udp->refused;
}

struct hl_transport_counters hl_transport_counters(const struct hl_transport *transport)
{
	struct hl_transport_counters counters = transport->counters;

	for (unsigned i = 0; i < transport->listener_count; i++)
		count(transport->listeners[i], &counters);
	return counters;
}

static void close_entry(struct hl_transport *transport, unsigned entry)
{
	count(transport->listeners[entry], &transport->counters);
	listener_free(transport->listeners[entry]);
	transport->listeners[entry] = NULL;
	transport->closed[entry] = hl_clock_now();
}

int hl_transport_listen(struct hl_transport *transport, const char *text, struct hl_error *error)
{
	struct hl_address address;
	enum hl_transport_type type = HL_TRANSPORT_UDP;
	int result = parse_listen(text, &type, &address, error), entry = find_entry(transport);
	if (result < 0)
		return result;
	if (entry < 0)
		return hl_error_set(error, -ENOSPC, "%s: no more than %d listeners in %d minutes",
				    text, HL_LISTENERS_MAX, FORGOTTEN_S / 60);
	struct listener *listener = hl_zalloc(sizeof(*listener));
	if (!listener || !(listener->configured = hl_strdup(text))) {
		hl_free(listener);
		return hl_error_set(error, -ENOMEM, "%s: out of memory", text);
	}
	listener->transport = transport;
	listener->type = type;
	listener->wanted = listener->fresh = true;
	listener->index = (uint16_t)entry;
	if (type == HL_TRANSPORT_UDP)
		listener->udp = hl_udp_open(transport->loop, &address, datagram, listener, error);
	else
		listener->stream = hl_stream_listen(transport->loop, &address,
						    hl_connection_accepted, listener, error);
	if (!listener->udp && !listener->stream) {
		listener_free(listener);
		return -EADDRINUSE;
	}
	listener->local = listener->udp ? *hl_udp_local(listener->udp)
					: *hl_stream_listener_local(listener->stream);
	if (type == HL_TRANSPORT_TLS)
		hl_stream_listener_secure(listener->stream, &hl_connection_tls, transport);
	if (listener->udp)
		hl_udp_tell(listener->udp, &failures);
	transport->listeners[entry] = listener;
	transport->listener_count += (unsigned)entry == transport->listener_count;
	return 0;
}

/* One that is there already; it may have been taken out of the list before, and be draining. */
static struct listener *find_configured(const struct hl_transport *transport, const char *text)
{
	for (unsigned i = 0; i < transport->listener_count; i++) {
		struct listener *listener = transport->listeners[i];
		if (listener && !listener->wanted && (listener->udp || listener->stream) &&
		    strcmp(listener->configured, text) == 0)
			return listener;
	}
	return NULL;
}

static void say(const struct listener *listener, const char *event)
{
	char address[HL_ADDRESS_TEXT];
	hl_log(HL_LOG_INFO, "transport", event,
	       hl_str("transport", hl_transport_name(listener->type)),
	       hl_str("address", hl_address_format(&listener->local, address)));
}

static bool is_needed(const struct listener *listener)
{
	const struct hl_transport *transport = listener->transport;
	struct hl_flow flow = {.type = HL_TRANSPORT_UDP, .listener = listener->index};
	if (listener->type != HL_TRANSPORT_UDP)
		return listener->connections > 0;
	return transport->events->needed && transport->events->needed(transport->arg, &flow);
}

/* A listener that was taken out of the list: its connections and its UDP socket serve whoever is
 * registered or in a call over them, until nobody is. */
static void drain(struct listener *listener)
{
	if (!listener->draining)
		say(listener, "listener-draining");
	listener->draining = true;
	if (listener->stream)
		hl_stream_listener_free(listener->stream);
	listener->stream = NULL;
}

void hl_listeners_drain(void *arg)
{
	struct hl_transport *transport = arg;
	bool more = false;
	for (unsigned i = 0; i < transport->listener_count; i++) {
		struct listener *listener = transport->listeners[i];
		if (!listener || listener->wanted)
			continue;
		if (is_needed(listener)) {
			drain(listener);
			more = true;
			continue;
		}
		say(listener, "listener-closed");
		close_entry(transport, i);
	}
	if (more)
		hl_timer_start(transport->loop, &transport->drain, DRAIN_STEP);
}

/* What a failed change has opened is closed again, and what it took out is back. */
static void undo(struct hl_transport *transport)
{
	for (unsigned i = 0; i < transport->listener_count; i++) {
		struct listener *listener = transport->listeners[i];
		if (listener && listener->fresh)
			close_entry(transport, i);
		else if (listener)
			listener->wanted = !listener->draining;
	}
}

int hl_transport_relisten(struct hl_transport *transport, char *const *addresses, size_t count,
			  struct hl_error *error)
{
	int result = 0;
	for (unsigned i = 0; i < transport->listener_count; i++)
		if (transport->listeners[i])
			transport->listeners[i]->wanted = transport->listeners[i]->fresh = false;
	for (size_t i = 0; i < count && !result; i++) {
		struct listener *old = find_configured(transport, addresses[i]);
		if (old)
			old->wanted = true;
		else
			result = hl_transport_listen(transport, addresses[i], error);
	}
	if (result < 0) {
		undo(transport);
		return result;
	}
	for (unsigned i = 0; i < transport->listener_count; i++)
		if (transport->listeners[i] && transport->listeners[i]->wanted)
			transport->listeners[i]->draining = false;
	hl_listeners_drain(transport);
	return 0;
}

bool hl_transport_draining(const struct hl_transport *transport, const struct hl_flow *flow)
{
	return !flow->opened && flow->listener < transport->listener_count &&
	       transport->listeners[flow->listener] &&
	       transport->listeners[flow->listener]->draining;
}

void hl_transport_each_listener(struct hl_transport *transport,
				void (*visit)(void *arg, const char *text), void *arg)
{
	for (unsigned i = 0; i < transport->listener_count; i++) {
		const struct listener *listener = transport->listeners[i];
		char address[HL_ADDRESS_TEXT], text[HL_ADDRESS_TEXT + 8];
		if (!listener || listener->draining)
			continue;
		snprintf(text, sizeof(text), "%s:%s", hl_transport_name(listener->type),
			 hl_address_format(hl_listener_local(listener), address));
		visit(arg, text);
	}
}

int hl_transport_flow_again(const struct hl_transport *transport, const struct hl_address *local,
			    const struct hl_address *remote, struct hl_flow *flow)
{
	for (unsigned i = 0; i < transport->listener_count; i++) {
		const struct listener *listener = transport->listeners[i];
		const struct hl_address *bound;

		if (!listener || listener->type != HL_TRANSPORT_UDP)
			continue;
		bound = hl_listener_local(listener);
		if (bound->port != local->port || bound->family != local->family ||
		    (!hl_address_wildcard(bound) && !hl_address_same_host(bound, local)))
			continue;
		*flow = (struct hl_flow){.type = HL_TRANSPORT_UDP,
					 .listener = listener->index,
					 .local = *local,
					 .remote = *remote};
		return 0;
	}
	return -ENOENT;
}
