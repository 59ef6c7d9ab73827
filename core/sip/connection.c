/* TCP connections: framed into messages, found again by handle or by remote address. */
#include "base/log.h"
#include "base/memory.h"
#include "sip/frame.h"
#include "sip/transport_parts.h"

#include <errno.h>

static void connection_free(struct connection *connection)
{
	struct hl_transport *transport = connection->transport;
	hl_hash_remove(&transport->connections, &connection->by_remote);
	hl_handle_release(&transport->handles, connection->flow.connection);
	hl_free(connection);
}

static void give_up(struct connection *connection, const char *why)
{
	struct hl_transport *transport = connection->transport;
	struct hl_flow flow = connection->flow;
	char address[HL_ADDRESS_TEXT];
	uint64_t withheld;

	if (hl_log_allow(&transport->disconnected_limit, &withheld))
		hl_log(HL_LOG_INFO, "transport", "disconnected",
		       hl_str("remote", hl_address_format(&flow.remote, address)),
		       hl_str("why", why), hl_int("withheld", (int64_t)withheld));
	connection_free(connection);
	transport->events->disconnected(transport->arg, &flow);
}

/* Hands up every frame that is complete. What is handed up may close the connection. */
static size_t received(void *arg, struct hl_stream *stream, struct hl_slice bytes)
{
	struct connection *connection = arg;
	struct hl_transport *transport = connection->transport;
	struct hl_flow flow = connection->flow;
	size_t used = 0;

	while (used < bytes.length && hl_connection_get(transport, flow.connection)) {
		struct hl_slice rest = {bytes.data + used, bytes.length - used}, frame;
		enum hl_frame_kind kind = hl_frame_next(rest, &frame);
		if (kind == HL_FRAME_INCOMPLETE)
			break;
		if (kind == HL_FRAME_BROKEN) {
			transport->counters.malformed++;
			give_up(connection, "not SIP, or a length that cannot be");
			hl_stream_close(stream);
			return bytes.length;
		}
		if (kind == HL_FRAME_PING)
			hl_stream_write(stream, HL_SLICE_LITERAL("\r\n"));
		used += frame.length;
		transport->counters.received++;
		transport->events->received(transport->arg, &flow, frame);
	}
	return used;
}

static void closed(void *arg, struct hl_stream *stream, const char *why)
{
	(void)stream;
	give_up(arg, why);
}

static const struct hl_stream_events events = {received, closed};

static struct connection *connection_new(struct hl_transport *transport)
{
	struct connection *connection;
	if (transport->connections.count >= CONNECTIONS_MAX ||
	    !(connection = hl_zalloc(sizeof(*connection))))
		return NULL;
	connection->transport = transport;
	connection->flow.type = HL_TRANSPORT_TCP;
	if (hl_handle_new(&transport->handles, connection, &connection->flow.connection) < 0) {
		hl_free(connection);
		return NULL;
	}
	return connection;
}

static void connection_stands(struct connection *connection, struct hl_stream *stream)
{
	connection->stream = stream;
	connection->flow.local = *hl_stream_local(stream);
	connection->flow.remote = *hl_stream_remote(stream);
	hl_hash_insert(&connection->transport->connections, &connection->by_remote,
		       hl_address_hash(&connection->flow.remote));
}

void hl_connection_accepted(void *arg, struct hl_stream *stream)
{
	struct listener *listener = arg;
	struct connection *connection = connection_new(listener->transport);
	uint64_t withheld;

	if (!connection) {
		if (hl_log_allow(&listener->transport->refused_limit, &withheld))
			hl_log(HL_LOG_WARN, "transport", "connection-refused",
			       hl_str("error", "too many connections, or out of memory"),
			       hl_int("withheld", (int64_t)withheld));
		hl_stream_close(stream);
		return;
	}
	connection_stands(connection, stream);
	hl_stream_own(stream, &events, connection);
}

static bool match_remote(const struct hl_hash_node *node, const void *key)
{
	const struct connection *connection = hl_container_of(node, struct connection, by_remote);
	return hl_address_equal(&connection->flow.remote, key);
}

int hl_connection_to(struct hl_transport *transport, const struct hl_address *remote,
		     struct connection **found)
{
	struct hl_hash_node *node = hl_hash_find(&transport->connections, hl_address_hash(remote),
						 match_remote, remote);
	struct hl_error error;
	if (node) {
		*found = hl_container_of(node, struct connection, by_remote);
		return 0;
	}
	struct connection *connection = connection_new(transport);
	if (!connection)
		return -ENOMEM;
	struct hl_stream *stream =
		hl_stream_connect(transport->loop, NULL, remote, &events, connection, &error);
	if (!stream) {
		hl_log(HL_LOG_WARN, "transport", "connect-failed", hl_str("error", error.text));
		hl_handle_release(&transport->handles, connection->flow.connection);
		hl_free(connection);
		return -EHOSTUNREACH;
	}
	connection_stands(connection, stream);
	*found = connection;
	return 0;
}

struct connection *hl_connection_get(const struct hl_transport *transport, struct hl_handle handle)
{
	return hl_handle_get(&transport->handles, handle);
}

static void close_node(struct hl_hash_node *node, void *arg)
{
	struct connection *connection = hl_container_of(node, struct connection, by_remote);
	(void)arg;
	hl_stream_finish(connection->stream);
	connection_free(connection);
}

void hl_connections_close(struct hl_transport *transport)
{
	hl_hash_each(&transport->connections, close_node, NULL);
}
