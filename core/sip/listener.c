/* Listeners (RFC 3261 §18): where messages and connections come in, as `switch.listen` says. */
#include "base/memory.h"
#include "sip/transport_parts.h"

#include <errno.h>
#include <stdio.h>

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
	transport->counters.received++;
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

const struct hl_address *hl_listener_local(const struct listener *listener)
{
	return listener->udp ? hl_udp_local(listener->udp)
			     : hl_stream_listener_local(listener->stream);
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

int hl_transport_listen(struct hl_transport *transport, const char *text, struct hl_error *error)
{
	struct hl_address address;
	enum hl_transport_type type = HL_TRANSPORT_UDP;
	int result = parse_listen(text, &type, &address, error);
	if (result < 0)
		return result;
	if (transport->listener_count == LISTENERS_MAX)
		return hl_error_set(error, -ENOSPC,
				    "%s: no more than %d listeners in one run: restart", text,
				    LISTENERS_MAX);
	struct listener *listener = hl_zalloc(sizeof(*listener));
	if (!listener || !(listener->configured = hl_strdup(text))) {
		hl_free(listener);
		return hl_error_set(error, -ENOMEM, "%s: out of memory", text);
	}
	listener->transport = transport;
	listener->type = type;
	listener->wanted = true;
	listener->index = (uint16_t)transport->listener_count;
	if (type == HL_TRANSPORT_UDP)
		listener->udp = hl_udp_open(transport->loop, &address, datagram, listener, error);
	else
		listener->stream = hl_stream_listen(transport->loop, &address,
						    hl_connection_accepted, listener, error);
	if (!listener->udp && !listener->stream) {
		listener_free(listener);
		return -EADDRINUSE;
	}
	if (type == HL_TRANSPORT_TLS)
		hl_stream_listener_secure(listener->stream, &hl_connection_tls, transport);
	if (listener->udp)
		hl_udp_refused(listener->udp, refused);
	transport->listeners[transport->listener_count++] = listener;
	return 0;
}

static struct listener *find_configured(const struct hl_transport *transport, const char *text)
{
	for (unsigned i = 0; i < transport->listener_count; i++) {
		struct listener *listener = transport->listeners[i];
		if (listener && !listener->wanted && strcmp(listener->configured, text) == 0)
			return listener;
	}
	return NULL;
}

static void close_where(struct hl_transport *transport, bool wanted, unsigned from)
{
	for (unsigned i = from; i < transport->listener_count; i++) {
		if (!transport->listeners[i] || transport->listeners[i]->wanted != wanted)
			continue;
		listener_free(transport->listeners[i]);
		transport->listeners[i] = NULL;
	}
}

int hl_transport_relisten(struct hl_transport *transport, char *const *addresses, size_t count,
			  struct hl_error *error)
{
	unsigned before = transport->listener_count;
	int result = 0;
	for (unsigned i = 0; i < before; i++)
		if (transport->listeners[i])
			transport->listeners[i]->wanted = false;
	for (size_t i = 0; i < count && !result; i++) {
		struct listener *old = find_configured(transport, addresses[i]);
		if (old)
			old->wanted = true;
		else
			result = hl_transport_listen(transport, addresses[i], error);
	}
	if (result < 0)
		close_where(transport, true, before);
	else
		close_where(transport, false, 0);
	for (unsigned i = 0; i < transport->listener_count; i++)
		if (transport->listeners[i])
			transport->listeners[i]->wanted = true;
	return result;
}

void hl_transport_each_listener(struct hl_transport *transport,
				void (*visit)(void *arg, const char *text), void *arg)
{
	for (unsigned i = 0; i < transport->listener_count; i++) {
		const struct listener *listener = transport->listeners[i];
		char address[HL_ADDRESS_TEXT], text[HL_ADDRESS_TEXT + 8];
		if (!listener)
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
