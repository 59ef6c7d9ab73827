/* Flows (RFC 3261 §18): how messages get where they are meant to go. */
#include "sip/transport.h"

#include "base/memory.h"
#include "sip/transport_parts.h"

#include <errno.h>
#include <unistd.h>

enum { BATCH = 128, SIP_PORT = 5060, SIPS_PORT = 5061 };
/* Bytes of a Contact besides user and host: brackets, scheme, transport, NUL. */
enum { CONTACT_AROUND = 24 };

static const char *const type_names[] = {
	[HL_TRANSPORT_UDP] = "udp", [HL_TRANSPORT_TCP] = "tcp", [HL_TRANSPORT_TLS] = "tls"};

const char *hl_transport_name(enum hl_transport_type type)
{
	return type_names[type];
}

struct hl_transport *hl_transport_new(struct hl_loop *loop,
				      const struct hl_transport_events *events, void *arg)
{
	struct hl_transport *transport = hl_zalloc(sizeof(*transport));
	if (!transport)
		return NULL;
	transport->loop = loop;
	transport->events = events;
	transport->arg = arg;
	hl_handles_init(&transport->handles);
	transport->limits = (struct hl_transport_limits){10000, 10000, 120};
	if (hl_hash_init(&transport->connections) < 0)
		goto no_connections;
	if (hl_hash_init(&transport->sources) < 0)
		goto no_sources;
	hl_timer_init(&transport->drain, hl_listeners_drain, transport);
	hl_deadlines_init(&transport->idle, loop, hl_connection_due, transport);
	return transport;
no_sources:
	hl_hash_fini(&transport->connections);
no_connections:
	hl_free(transport);
	return NULL;
}

void hl_transport_free(struct hl_transport *transport)
{
	if (!transport)
		return;
	hl_timer_stop(transport->loop, &transport->drain);
	hl_connections_close(transport);
	hl_listeners_close(transport);
	hl_deadlines_fini(&transport->idle);
	hl_hash_fini(&transport->sources);
	hl_hash_fini(&transport->connections);
	hl_handles_fini(&transport->handles);
	hl_tls_free(transport->tls);
	for (unsigned i = 0; i < transport->name_count; i++)
		hl_free(transport->names[i]);
	hl_free(transport->names);
	hl_free(transport);
}

void hl_transport_limit(struct hl_transport *transport, const struct hl_transport_limits *limits)
{
	transport->limits = *limits;
}

void hl_transport_secure(struct hl_transport *transport, struct hl_tls *tls)
{
	hl_tls_free(transport->tls);
	transport->tls = tls;
}

void hl_transport_advertise(struct hl_transport *transport, const struct hl_address *address)
{
	transport->advertise = *address;
}

static struct hl_udp *socket_of(const struct hl_transport *transport, const struct hl_flow *flow)
{
	if (flow->type != HL_TRANSPORT_UDP || flow->listener >= transport->listener_count ||
	    !transport->listeners[flow->listener])
		return NULL;
	return transport->listeners[flow->listener]->udp;
}

int hl_transport_post(struct hl_transport *transport, const struct hl_flow *flow,
		      struct hl_slice bytes)
{
	struct hl_udp *udp = socket_of(transport, flow);
	int result = -ENOTCONN;
	if (udp)
		return hl_udp_post(udp, &flow->local, &flow->remote, bytes);
	if (flow->type != HL_TRANSPORT_UDP)
		result = hl_connections_send(transport, flow, bytes);
	if (result < 0)
		transport->counters.refused++;
	else
		transport->counters.sent++;
	return result;
}

/* Sends a run of parcels of one socket. Returns how many were dealt with. */
static unsigned send_run(struct hl_udp *udp, struct hl_parcel *parcels, unsigned count)
{
	struct hl_outgoing list[BATCH];
	for (unsigned i = 0; i < count; i++)
		list[i] = (struct hl_outgoing){parcels[i].flow->local, parcels[i].flow->remote,
					       parcels[i].bytes};
	unsigned done = hl_udp_send_many(udp, list, count);
	for (unsigned i = 0; i < done; i++)
		parcels[i].result = list[i].remote.family ? 0 : -EHOSTUNREACH;
	return done;
}

unsigned hl_transport_send_many(struct hl_transport *transport, struct hl_parcel *parcels,
				unsigned count)
{
	unsigned done = 0;
	while (done < count) {
		const struct hl_flow *flow = parcels[done].flow;
		struct hl_udp *udp = socket_of(transport, flow);
		unsigned run = 1;
		if (!udp) {
			parcels[done].result =
				hl_transport_post(transport, flow, parcels[done].bytes);
			done++;
			continue;
		}
		while (done + run < count && run < BATCH &&
		       parcels[done + run].flow->type == HL_TRANSPORT_UDP &&
		       parcels[done + run].flow->listener == flow->listener)
			run++;
		unsigned sent = send_run(udp, parcels + done, run);
		done += sent;
		if (sent < run)
			break;
	}
	return done;
}

/* The address a packet to `remote` would leave from, for a socket that is bound to none. */
static struct hl_address local_towards(const struct hl_address *remote, uint16_t port)
{
	struct sockaddr_storage address;
	struct hl_address local = {.family = remote->family};
	socklen_t length = hl_address_to_sockaddr(remote, &address);
	int fd = socket(remote->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, length) == 0) {
		length = sizeof(address);
		if (getsockname(fd, (struct sockaddr *)&address, &length) == 0)
			hl_address_from_sockaddr(&local, (struct sockaddr *)&address);
	}
	if (fd >= 0)
		close(fd);
	local.port = port;
	return local;
}

/* How well a listener suits a remote address: 0 not at all. */
static unsigned suits(const struct listener *listener, enum hl_transport_type type,
		      const struct hl_address *remote)
{
	const struct hl_address *local;
	if (!listener || listener->draining || listener->type != type)
		return 0;
	local = hl_listener_local(listener);
	if (local->family != remote->family)
		return 0;
	if (hl_address_wildcard(local))
		return 1;
	if (hl_address_loopback(local) != hl_address_loopback(remote))
		return 0;
	return 2;
}

static const struct listener *best_listener(const struct hl_transport *transport,
					    enum hl_transport_type type,
					    const struct hl_address *remote)
{
	const struct listener *best = NULL;
	unsigned best_score = 0;
	for (unsigned i = 0; i < transport->listener_count; i++) {
		unsigned score = suits(transport->listeners[i], type, remote);
		if (score > best_score) {
			best = transport->listeners[i];
			best_score = score;
		}
	}
	return best;
}

/* The number of a name; 0: out of memory. */
static uint16_t name_number(struct hl_transport *transport, const char *name)
{
	for (unsigned i = 0; i < transport->name_count; i++)
		if (strcmp(transport->names[i], name) == 0)
			return (uint16_t)(i + 1);
	char **names = transport->name_count == NAMES_MAX
			       ? NULL
			       : hl_realloc(transport->names,
					    (transport->name_count + 1) * sizeof(*names));
	if (!names)
		return 0;
	transport->names = names;
	names[transport->name_count] = hl_strdup(name);
	return names[transport->name_count] ? (uint16_t)++transport->name_count : 0;
}

static int stream_to(struct hl_transport *transport, enum hl_transport_type type, const char *host,
		     const struct hl_address *remote, struct hl_flow *flow)
{
	struct hl_flow to = {.type = (uint8_t)type, .remote = *remote};
	struct connection *connection;
	if (host && type == HL_TRANSPORT_TLS && !(to.name = name_number(transport, host)))
		return -ENOMEM;
	int result = hl_connection_to(transport, &to, &connection);
	if (!result)
		*flow = connection->flow;
	return result;
}

int hl_transport_flow_to(struct hl_transport *transport, enum hl_transport_type type,
			 const struct hl_address *remote, struct hl_flow *flow)
{
	return hl_transport_flow_to_host(transport, type, NULL, remote, flow);
}

int hl_transport_flow_to_host(struct hl_transport *transport, enum hl_transport_type type,
			      const char *host, const struct hl_address *remote,
			      struct hl_flow *flow)
{
	if (type != HL_TRANSPORT_UDP)
		return stream_to(transport, type, host, remote, flow);
	const struct listener *listener = best_listener(transport, type, remote);
	if (!listener)
		return -EAFNOSUPPORT;
	const struct hl_address *local = hl_listener_local(listener);
	*flow = (struct hl_flow){.type = (uint8_t)type,
				 .listener = listener->index,
				 .local = *local,
				 .remote = *remote};
	if (hl_address_wildcard(local))
		flow->local = local_towards(remote, local->port);
	return 0;
}

int hl_transport_of_uri(const struct hl_uri *uri, enum hl_transport_type *type, uint16_t *port)
{
	bool secure = hl_slice_equal_nocase(uri->scheme, HL_SLICE_LITERAL("sips"));
	struct hl_slice wanted;
	*type = secure ? HL_TRANSPORT_TLS : HL_TRANSPORT_UDP;
	if (hl_uri_parameter(uri->parameters, "transport", &wanted)) {
		size_t i = 0;
		while (i < HL_COUNT(type_names) &&
		       !hl_slice_equal_nocase(wanted, hl_slice_of(type_names[i])))
			i++;
		/* "sips" over TCP is TLS over TCP (RFC 5630); over UDP it is nothing. */
		if (i == HL_COUNT(type_names) || (secure && i == HL_TRANSPORT_UDP))
			return -EPROTONOSUPPORT;
		*type = secure ? HL_TRANSPORT_TLS : (enum hl_transport_type)i;
	}
	*port = uri->port ? (uint16_t)uri->port : *type == HL_TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;
	return 0;
}

bool hl_flow_equal(const struct hl_flow *a, const struct hl_flow *b)
{
	if (a->type != b->type)
		return false;
	if (a->type != HL_TRANSPORT_UDP)
		return hl_handle_equal(a->connection, b->connection);
	return a->listener == b->listener && hl_address_equal(&a->remote, &b->remote) &&
	       hl_address_equal(&a->local, &b->local);
}

uint64_t hl_flow_hash(const struct hl_flow *flow)
{
	if (flow->type != HL_TRANSPORT_UDP)
		return hl_hash_bytes(&flow->connection, sizeof(flow->connection));
	return hl_hash_mix(hl_address_hash(&flow->remote), flow->listener);
}

/* The port we can be reached at: nobody can connect to the one that a connection of ours happens to
 * leave from. */
static uint16_t listening_port(const struct hl_transport *transport, const struct hl_flow *flow)
{
	const struct listener *best = best_listener(transport, flow->type, &flow->remote);
	if (!flow->opened)
		return flow->local.port;
	for (unsigned i = 0; i < transport->listener_count; i++) {
		const struct listener *listener = transport->listeners[i];
		if (listener && !listener->draining && listener->type == flow->type &&
		    hl_address_same_host(hl_listener_local(listener), &flow->local))
			best = listener;
	}
	return best ? hl_listener_local(best)->port : flow->local.port;
}

void hl_transport_visible(const struct hl_transport *transport, const struct hl_flow *flow,
			  struct hl_address *address)
{
	struct hl_address visible = flow->local;
	visible.port = listening_port(transport, flow);
	if (transport->advertise.family == visible.family) {
		uint16_t port =
			transport->advertise.port ? transport->advertise.port : visible.port;
		visible = transport->advertise;
		visible.port = port;
	}
	*address = visible;
}

static size_t put(char *text, size_t used, const char *part, size_t length)
{
	if (length)
		memcpy(text + used, part, length);
	return used + length;
}

void hl_transport_contact(const struct hl_transport *transport, const struct hl_flow *flow,
			  const char *user, char *text, size_t size)
{
	struct hl_address own;
	char host[HL_ADDRESS_TEXT];
	hl_transport_visible(transport, flow, &own);
	hl_address_format(&own, host);
	size_t length = user ? strlen(user) : 0, used = 0;
	if (length + strlen(host) + CONTACT_AROUND > size)
		length = 0;
	used = put(text, used, "<sip:", 5);
	used = put(text, used, user, length);
	used = put(text, used, "@", length ? 1 : 0);
	used = put(text, used, host, strlen(host));
	if (flow->type != HL_TRANSPORT_UDP) {
		used = put(text, used, ";transport=", 11);
		used = put(text, used, type_names[flow->type], 3);
	}
	put(text, used, ">", 2);
}

/* Whether a listener hears what is sent to that address. A wildcard hears all of this machine's. */
static bool hears(const struct listener *listener, const struct hl_address *address)
{
	const struct hl_address *local = hl_listener_local(listener);
	if (local->port != address->port || local->family != address->family)
		return false;
	if (!hl_address_wildcard(local))
		return hl_address_same_host(local, address);
	struct hl_address own = local_towards(address, address->port);
	return hl_address_same_host(&own, address);
}

bool hl_transport_is_self(const struct hl_transport *transport, const struct hl_uri *uri)
{
	enum hl_transport_type type;
	struct hl_address host;
	if (hl_address_parse(uri->host, &host) < 0 ||
	    hl_transport_of_uri(uri, &type, &host.port) < 0)
		return false;
	bool advertised =
		transport->advertise.family && hl_address_same_host(&transport->advertise, &host);
	/* A phone behind the switch's own NAT has the advertised address, too, and another port. */
	if (advertised && !uri->port)
		return true;
	for (unsigned i = 0; i < transport->listener_count; i++) {
		const struct listener *listener = transport->listeners[i];
		if (listener && (hears(listener, &host) ||
				 (advertised && hl_listener_local(listener)->port == host.port)))
			return true;
	}
	return false;
}
