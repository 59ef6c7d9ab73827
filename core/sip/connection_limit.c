/* How many connections there may be, in all and from one address, and how long one may be of no use
 * to anybody. */
#include "base/clock.h"
#include "base/memory.h"
#include "sip/transport_parts.h"

enum { HALF_TIME = 30, /* s for the rest of a message that has begun */ NETWORK_6 = 8 /* bytes */ };

/* Where connections come from: an IPv4 address or an IPv6 /64. */
struct connection_source {
	struct hl_hash_node node; /* in transport->sources */
	struct hl_address host;
	unsigned count; /* connections */
};

static struct hl_address source_of(const struct hl_address *remote)
{
	struct hl_address host = *remote;
	host.port = 0;
	host.scope = 0;
	if (host.family == AF_INET6)
		memset(host.bytes + NETWORK_6, 0, sizeof(host.bytes) - NETWORK_6);
	return host;
}

static bool is_source(const struct hl_hash_node *node, const void *key)
{
	return hl_address_equal(&hl_container_of(node, struct connection_source, node)->host, key);
}

const char *hl_connection_admit(struct hl_transport *transport, const struct hl_address *remote,
				struct connection_source **admitted)
{
	struct hl_address host = source_of(remote);
	uint64_t hash = hl_address_hash(&host);
	struct hl_hash_node *node = hl_hash_find(&transport->sources, hash, is_source, &host);
	struct connection_source *source;

	if (transport->connections.count >= transport->limits.connections)
		return "switch.connections.max is reached";
	if (node) {
		source = hl_container_of(node, struct connection_source, node);
		if (source->count >= transport->limits.per_address)
			return "switch.connections.max_per_address is reached";
	} else {
		source = hl_zalloc(sizeof(*source));
		if (!source)
			return "out of memory";
		source->host = host;
		hl_hash_insert(&transport->sources, &source->node, hash);
	}
	source->count++;
	*admitted = source;
	return NULL;
}

void hl_connection_discharge(struct hl_transport *transport, struct connection_source *source)
{
	if (!source || --source->count)
		return;
	hl_hash_remove(&transport->sources, &source->node);
	hl_free(source);
}

static bool is_needed(const struct connection *connection)
{
	const struct hl_transport *transport = connection->transport;
	return !hl_list_empty(&connection->watches) ||
	       (transport->events->needed &&
		transport->events->needed(transport->arg, &connection->flow));
}

static uint64_t idle_end(const struct connection *connection)
{
	return connection->heard + connection->transport->limits.idle * HL_SECOND;
}

void hl_connection_heard(struct connection *connection, bool whole, bool half)
{
	uint64_t now = hl_clock_now();
	if (whole)
		connection->heard = now;
	if (!half)
		connection->half = 0;
	else if (whole || !connection->half)
		connection->half = now;
	/* What is heard in time needs no new deadline: the old one looks again. */
	if (connection->half == now && connection->due > now + HALF_TIME * HL_SECOND)
		hl_connection_await(connection);
}

void hl_connection_await(struct connection *connection)
{
	uint64_t end = idle_end(connection), half = connection->half + HALF_TIME * HL_SECOND;
	connection->due = connection->half && half < end ? half : end;
	hl_deadline_set(&connection->transport->idle, &connection->deadline, connection->due);
}

void hl_connection_due(void *arg, struct hl_deadline *deadline)
{
	struct connection *connection = hl_container_of(deadline, struct connection, deadline);
	uint64_t now = hl_clock_now();
	(void)arg;
	if (connection->half && now >= connection->half + HALF_TIME * HL_SECOND) {
		hl_stream_fail(connection->stream, "a message was not finished within 30 s");
		return;
	}
	if (now >= idle_end(connection)) {
		if (!is_needed(connection)) {
			hl_stream_fail(connection->stream, "idle: nobody is registered over it");
			return;
		}
		connection->heard = now;
	}
	hl_connection_await(connection);
}
