/* TCP and TLS connections: framed into messages, found again by handle or by remote address. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sip/frame.h"
#include "sip/message.h"
#include "sip/transport_parts.h"

#include <errno.h>

/* From now on nobody finds it. */
static void connection_forget(struct connection *connection)
{
	struct hl_transport *transport = connection->transport;
	hl_hash_remove(&transport->connections, &connection->by_remote);
	hl_deadline_clear(&transport->idle, &connection->deadline);
	hl_connection_discharge(transport, connection->source);
	if (!connection->flow.opened)
		transport->listeners[connection->flow.listener]->connections--;
	hl_handle_release(&transport->handles, connection->flow.connection);
}

/* Contacts go first, so that a call that has to try elsewhere does not try here. */
static void connection_lost(struct connection *connection)
{
	struct hl_transport *transport = connection->transport;
	connection_forget(connection);
	transport->events->disconnected(transport->arg, &connection->flow);
	while (!hl_list_empty(&connection->watches)) {
		struct hl_flow_watch *watch =
			hl_list_entry(connection->watches.next, struct hl_flow_watch, node);
		hl_list_remove(&watch->node);
		watch->lost(watch);
	}
	hl_free(connection);
}

static void give_up(struct connection *connection, const char *why)
{
	const struct hl_flow *flow = &connection->flow;
	char address[HL_ADDRESS_TEXT];
	uint64_t withheld;

	if (hl_log_allow(&connection->transport->disconnected_limit, &withheld))
		hl_log(HL_LOG_INFO, "transport", "disconnected",
		       hl_str("transport", hl_transport_name(flow->type)),
		       hl_str("remote", hl_address_format(&flow->remote, address)),
		       hl_str("why", why), hl_int("withheld", (int64_t)withheld));
	connection_lost(connection);
}

/* Over an unread megabyte: the peer does not read, and what comes now must not be lost silently. */
static int connection_send(struct connection *connection, struct hl_slice bytes)
{
	int result = hl_stream_write(connection->stream, bytes);
	if (result < 0)
		hl_stream_fail(connection->stream, "the peer does not read what it is sent");
	return result;
}

/* What cannot be cut into messages: whoever sent a request hears why (RFC 3261 §21.4.11), and the
 * connection ends, since nobody knows where the next message begins. */
static void refuse_frame(struct connection *connection, struct hl_slice bytes, bool large)
{
	struct hl_stream *stream = connection->stream;
	struct hl_text response;

	connection->transport->counters.malformed++;
	hl_text_init(&response);
	if (bytes.length > HL_MESSAGE_MAX)
		bytes.length = HL_MESSAGE_MAX;
	if (hl_message_salvage(bytes, large ? 413 : 400,
			       large ? "Request Entity Too Large" : "Bad Request",
			       &connection->flow.remote, &response) == 0)
		hl_stream_write(stream, (struct hl_slice){response.data, response.length});
	hl_text_fini(&response);
	give_up(connection,
		large ? "a message that is too large" : "not SIP, or a length that cannot be");
	hl_stream_finish(stream);
}

/* Hands up every frame that is complete. What is handed up may close the connection. */
static size_t received(void *arg, struct hl_stream *stream, struct hl_slice bytes)
{
	struct connection *connection = arg;
	struct hl_transport *transport = connection->transport;
	struct hl_flow flow = connection->flow;
	size_t used = 0;

	(void)stream;
	if (bytes.length < connection->expected)
		return 0;
	while (used < bytes.length && hl_handle_get(&transport->handles, flow.connection)) {
		struct hl_slice rest = {bytes.data + used, bytes.length - used}, frame;
		enum hl_frame_kind kind = hl_frame_next(rest, &frame);
		connection->expected = kind == HL_FRAME_INCOMPLETE ? frame.length : 0;
		if (kind == HL_FRAME_INCOMPLETE)
			break;
		if (kind == HL_FRAME_BROKEN || kind == HL_FRAME_LARGE) {
			refuse_frame(connection, rest, kind == HL_FRAME_LARGE);
			return bytes.length;
		}
		if (kind == HL_FRAME_PING)
			connection_send(connection, HL_SLICE_LITERAL("\r\n"));
		used += frame.length;
		transport->counters.received++;
		transport->events->received(transport->arg, &flow, frame);
	}
	if (hl_handle_get(&transport->handles, flow.connection))
		hl_connection_heard(connection, used > 0, used < bytes.length);
	return used;
}

static void closed(void *arg, struct hl_stream *stream, const char *why)
{
	(void)stream;
	give_up(arg, why);
}

static const struct hl_stream_events events = {received, closed};

static struct ssl_st *accept_tls(void *arg)
{
	struct hl_transport *transport = arg;
	return transport->tls ? hl_tls_accepting(transport->tls) : NULL;
}

const struct hl_stream_tls hl_connection_tls = {accept_tls, hl_tls_end, hl_tls_explain,
						hl_tls_session_free};

static struct connection *connection_new(struct hl_transport *transport,
					 enum hl_transport_type type)
{
	struct connection *connection;
	if (transport->connections.count >= transport->limits.connections ||
	    !(connection = hl_zalloc(sizeof(*connection))))
		return NULL;
	connection->transport = transport;
	connection->flow.type = (uint8_t)type;
	hl_list_init(&connection->watches);
	hl_deadline_init(&connection->deadline);
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
	connection->heard = hl_clock_now();
	hl_connection_await(connection);
}

static void refuse(struct hl_transport *transport, struct hl_stream *stream, const char *why)
{
	char address[HL_ADDRESS_TEXT];
	uint64_t withheld;

	if (hl_log_allow(&transport->refused_limit, &withheld))
		hl_log(HL_LOG_WARN, "transport", "connection-refused",
		       hl_str("remote", hl_address_format(hl_stream_remote(stream), address)),
		       hl_str("error", why), hl_int("withheld", (int64_t)withheld));
	hl_stream_close(stream);
}

void hl_connection_accepted(void *arg, struct hl_stream *stream)
{
	struct listener *listener = arg;
	struct hl_transport *transport = listener->transport;
	struct connection_source *source = NULL;
	const char *why = hl_connection_admit(transport, hl_stream_remote(stream), &source);
	struct connection *connection = why ? NULL : connection_new(transport, listener->type);

	if (!connection) {
		hl_connection_discharge(transport, source);
		refuse(transport, stream, why ? why : "out of memory");
		return;
	}
	connection->source = source;
	connection->flow.listener = listener->index;
	listener->connections++;
	connection_stands(connection, stream);
	hl_stream_own(stream, &events, connection);
}

/* Accepted ones count too: a peer may well listen where it came from. */
static bool leads_to(const struct hl_hash_node *node, const void *key)
{
	const struct hl_flow *have = &hl_container_of(node, struct connection, by_remote)->flow;
	const struct hl_flow *want = key;
	return have->type == want->type && hl_address_equal(&have->remote, &want->remote) &&
	       (!have->opened || have->name == want->name);
}

static struct connection *find_to(const struct hl_transport *transport, const struct hl_flow *to)
{
	struct hl_hash_node *node =
		hl_hash_find(&transport->connections, hl_address_hash(&to->remote), leads_to, to);
	return node ? hl_container_of(node, struct connection, by_remote) : NULL;
}

static struct hl_stream *open_stream(struct hl_transport *transport, const struct hl_flow *to,
				     struct connection *connection, struct hl_error *error)
{
	struct ssl_st *session;
	if (to->type == HL_TRANSPORT_TCP)
		return hl_stream_connect(transport->loop, NULL, &to->remote, &events, connection,
					 error);
	session = transport->tls
			  ? hl_tls_connecting(transport->tls,
					      to->name ? transport->names[to->name - 1] : NULL,
					      &to->remote)
			  : NULL;
	if (!session) {
		hl_error_set(error, -ENOMEM, "no TLS session");
		return NULL;
	}
	return hl_stream_connect_tls(transport->loop, NULL, &to->remote, &hl_connection_tls,
				     session, &events, connection, error);
}

int hl_connection_to(struct hl_transport *transport, const struct hl_flow *to,
		     struct connection **found)
{
	struct connection *connection = find_to(transport, to);
	struct hl_error error;
	if (connection) {
		*found = connection;
		return 0;
	}
	connection = connection_new(transport, to->type);
	if (!connection)
		return -ENOMEM;
	connection->flow.opened = true;
	connection->flow.name = to->name;
	struct hl_stream *stream = open_stream(transport, to, connection, &error);
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

struct connection *hl_connection_of(const struct hl_transport *transport,
				    const struct hl_flow *flow)
{
	struct connection *connection = hl_handle_get(&transport->handles, flow->connection);
	return connection || !flow->opened ? connection : find_to(transport, flow);
}

void hl_transport_close(struct hl_transport *transport, const struct hl_flow *flow, const char *why)
{
	struct connection *connection = hl_connection_of(transport, flow);
	if (connection)
		hl_stream_fail(connection->stream, why);
}

void hl_transport_watch(struct hl_transport *transport, const struct hl_flow *flow,
			struct hl_flow_watch *watch)
{
	struct connection *connection = hl_connection_of(transport, flow);
	if (connection)
		hl_list_append(&connection->watches, &watch->node);
}

int hl_connections_send(struct hl_transport *transport, const struct hl_flow *flow,
			struct hl_slice bytes)
{
	struct connection *connection = hl_connection_of(transport, flow);
	if (!connection && flow->opened) {
		int result = hl_connection_to(transport, flow, &connection);
		if (result < 0)
			return result;
	}
	return connection ? connection_send(connection, bytes) : -ENOTCONN;
}

static void close_node(struct hl_hash_node *node, void *arg)
{
	struct connection *connection = hl_container_of(node, struct connection, by_remote);
	(void)arg;
	hl_stream_finish(connection->stream);
	connection_forget(connection);
	hl_free(connection);
}

void hl_connections_close(struct hl_transport *transport)
{
	hl_hash_each(&transport->connections, close_node, NULL);
}
