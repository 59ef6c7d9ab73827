/* Byte streams over libevent's bufferevents. A stream that is closed or over while one of its
 * callbacks runs is freed when that returns. A stream stands once its connection is made and, with
 * TLS, its handshake is through: until then nothing comes, and what is written waits. */
#include "loop/stream.h"
#include "base/clock.h"
#include "base/memory.h"
#include "loop/private.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

enum {
	OUTPUT_BOUND = 1 << 20, /* bytes that may wait to be sent */
	INPUT_BOUND = 1 << 20,  /* bytes that may wait to be used */
	FINISH_TIME = 5000,     /* ms */
	STAND_TIME = 10000      /* ms for making a connection and its handshake */
};

enum stream_state {
	STREAM_OPEN,
	STREAM_FINISHING, /* without owner: sends what waits, then waits for the peer's end */
	STREAM_OVER       /* to be freed when no callback runs */
};

struct hl_stream {
	struct hl_list node;                    /* in the loop's `streams` while it finishes */
	struct hl_loop *loop;                   /* borrowed; outlives it */
	struct bufferevent *bev;                /* owned, with its socket and its session */
	const struct hl_stream_tls *tls;        /* borrowed; NULL: it speaks none */
	const struct hl_stream_events *events;  /* borrowed; NULL: nobody listens (any more) */
	void *arg;                              /* borrowed */
	struct hl_address local, remote;        /* family 0: a Unix socket */
	struct hl_timer patience;               /* until it stands; while it finishes or fails */
	const char *failure;                    /* why it fails; static; NULL: it does not */
	size_t bound;                           /* bytes */
	unsigned depth;                         /* callbacks that run */
	bool stands;                            /* connected, its handshake through */
	bool peer_done;                         /* nothing more comes */
	enum stream_state state;
};

static void stream_free(struct hl_stream *stream)
{
	hl_timer_stop(stream->loop, &stream->patience);
	hl_list_remove(&stream->node);
	bufferevent_free(stream->bev);
	hl_free(stream);
}

static void stream_over(struct hl_stream *stream)
{
	stream->state = STREAM_OVER;
	stream->events = NULL;
	if (!stream->depth)
		stream_free(stream);
}

/* The end that was not asked for: the owner hears of it once. */
static void tell_owner(struct hl_stream *stream, const char *why)
{
	const struct hl_stream_events *events = stream->events;
	uint64_t since = hl_clock_real();

	stream->state = STREAM_OVER;
	stream->events = NULL;
	stream->depth++;
	if (events && events->closed)
		events->closed(stream->arg, stream, why);
	hl_loop_handled("stream closed", since);
	stream->depth--;
}

static void stream_lost(struct hl_stream *stream, const char *why)
{
	tell_owner(stream, why);
	stream_over(stream);
}

/* Without owner from now on: what waits is sent, then the stream is freed. */
static void finish(struct hl_stream *stream)
{
	stream->state = STREAM_FINISHING;
	hl_list_append(&stream->loop->streams, &stream->node);
	hl_timer_start(stream->loop, &stream->patience, FINISH_TIME);
}

/* What waits for the peer may still reach it; it was written before. */
static void fail_now(struct hl_stream *stream)
{
	tell_owner(stream, stream->failure);
	if (evbuffer_get_length(bufferevent_get_output(stream->bev)))
		finish(stream);
	else
		stream_over(stream);
}

static void lost_patience(void *arg)
{
	struct hl_stream *stream = arg;

	if (stream->state != STREAM_OPEN)
		stream_over(stream);
	else if (stream->failure)
		fail_now(stream);
	else
		stream_lost(stream, stream->tls ? "no TLS within 10 s"
						: "no connection within 10 s");
}

/* The last word of TLS, as long as there is somebody to hear it. */
static void end_tls(struct hl_stream *stream)
{
	if (stream->tls && stream->stands && !stream->peer_done)
		stream->tls->end(bufferevent_openssl_get_ssl(stream->bev));
}

/* All is sent: says so to the peer, and leaves the rest to it. Closing with unread bytes would make
 * the kernel reset the connection, and what we sent could be lost with it. */
static void half_close(struct hl_stream *stream)
{
	end_tls(stream);
	if (stream->peer_done || shutdown(bufferevent_getfd(stream->bev), SHUT_WR))
		stream_over(stream);
}

static void can_read(struct bufferevent *bev, void *arg)
{
	struct hl_stream *stream = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	struct hl_slice bytes = { NULL, evbuffer_get_length(input) };
	uint64_t since = hl_clock_real();
	size_t used;

	if (stream->state != STREAM_OPEN || !stream->events) {
		evbuffer_drain(input, bytes.length);
		return;
	}
	bytes.data = (const char *)evbuffer_pullup(input, -1);
	if (!bytes.data) {
		stream_lost(stream, "out of memory");
		return;
	}
	stream->depth++;
	used = stream->events->received(stream->arg, stream, bytes);
	hl_loop_handled("stream received", since);
	stream->depth--;
	if (stream->state == STREAM_OVER) {
		stream_free(stream);
		return;
	}
	evbuffer_drain(input, stream->state == STREAM_OPEN ? used : bytes.length);
	if (evbuffer_get_length(input) >= INPUT_BOUND)
		stream_lost(stream, "too much input without an end");
}

static void has_written(struct bufferevent *bev, void *arg)
{
	struct hl_stream *stream = arg;

	if (stream->state == STREAM_FINISHING && stream->stands &&
	    !evbuffer_get_length(bufferevent_get_output(bev)))
		half_close(stream);
}

static void set_addresses(struct hl_stream *stream)
{
	struct sockaddr_storage name = { 0 };
	socklen_t length = sizeof(name);
	int fd = bufferevent_getfd(stream->bev);

	if (!getsockname(fd, (struct sockaddr *)&name, &length))
		hl_address_from_sockaddr(&stream->local, (struct sockaddr *)&name);
}

/* The peer may have closed its side only, as `echo … | socat` does: the answers that wait are still
 * for it, though nobody owns the stream any more. */
static void ended_by_peer(struct hl_stream *stream)
{
	tell_owner(stream, "closed by the peer");
	stream->peer_done = true;
	if (evbuffer_get_length(bufferevent_get_output(stream->bev)))
		finish(stream);
	else
		stream_over(stream);
}

static void stands_now(struct hl_stream *stream)
{
	stream->stands = true;
	set_addresses(stream);
	if (stream->state == STREAM_FINISHING)
		has_written(stream->bev, stream);
	else if (!stream->failure)
		hl_timer_stop(stream->loop, &stream->patience);
}

static void failed(struct hl_stream *stream, int code)
{
	unsigned long reason = stream->tls ? bufferevent_get_openssl_error(stream->bev) : 0;
	char why[128];

	if (reason)
		stream->tls->explain(bufferevent_openssl_get_ssl(stream->bev), reason, why,
				     sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", code ? strerror(code) : "connection failed");
	stream_lost(stream, why);
}

static void happened(struct bufferevent *bev, short what, void *arg)
{
	struct hl_stream *stream = arg;
	int code = EVUTIL_SOCKET_ERROR();

	if (what & BEV_EVENT_CONNECTED) {
		stands_now(stream);
	} else if (stream->state == STREAM_FINISHING) {
		/* The peer may have closed its side only: what waits is still for it. */
		stream->peer_done = true;
		if (!(what & BEV_EVENT_EOF) || !evbuffer_get_length(bufferevent_get_output(bev)))
			stream_over(stream);
	} else if (what & BEV_EVENT_EOF) {
		ended_by_peer(stream);
	} else if (what & BEV_EVENT_ERROR) {
		failed(stream, code);
	}
}

/* Takes over `fd` and the session (NULL: none); NULL when memory is out, and both are gone then. */
static struct hl_stream *stream_new(struct hl_loop *loop, int fd, const struct hl_stream_tls *tls,
				    struct ssl_st *session, enum bufferevent_ssl_state role)
{
	struct hl_stream *stream = hl_zalloc(sizeof(*stream));
	const int on = 1;

	if (stream)
		stream->bev = session ? bufferevent_openssl_socket_new(loop->base, fd, session,
								       role, BEV_OPT_CLOSE_ON_FREE)
				      : bufferevent_socket_new(loop->base, fd,
							       BEV_OPT_CLOSE_ON_FREE);
	if (!stream || !stream->bev) {
		if (!stream && session)
			tls->free(session); /* else libevent has done so */
		hl_free(stream);
		close(fd);
		return NULL;
	}
	if (session)
		bufferevent_openssl_set_allow_dirty_shutdown(stream->bev, 1);
	stream->tls = session ? tls : NULL;
	stream->loop = loop;
	stream->bound = OUTPUT_BOUND;
	hl_list_init(&stream->node);
	hl_timer_init(&stream->patience, lost_patience, stream);
	bufferevent_setcb(stream->bev, can_read, has_written, happened, stream);
	bufferevent_setwatermark(stream->bev, EV_READ, 0, INPUT_BOUND);
	/* Fails on a Unix socket, which has no delay to switch off. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return stream;
}

struct hl_stream *hl_stream_accept(struct hl_loop *loop, int fd, const struct sockaddr *remote,
				   const struct hl_stream_tls *tls, struct ssl_st *session)
{
	struct hl_stream *stream = stream_new(loop, fd, tls, session, BUFFEREVENT_SSL_ACCEPTING);

	if (!stream)
		return NULL;
	stream->stands = !session;
	hl_address_from_sockaddr(&stream->remote, remote);
	set_addresses(stream);
	bufferevent_disable(stream->bev, EV_READ);
	return stream;
}

struct hl_stream *hl_stream_connect(struct hl_loop *loop, const struct hl_address *local,
				    const struct hl_address *remote,
				    const struct hl_stream_events *events, void *arg,
				    struct hl_error *error)
{
	return hl_stream_connect_tls(loop, local, remote, NULL, NULL, events, arg, error);
}

struct hl_stream *
hl_stream_connect_tls(struct hl_loop *loop, const struct hl_address *local,
		      const struct hl_address *remote, const struct hl_stream_tls *tls,
		      struct ssl_st *session, const struct hl_stream_events *events, void *arg,
		      struct hl_error *error)
{
	char text[HL_ADDRESS_TEXT];
	struct sockaddr_storage to;
	socklen_t length = hl_address_to_sockaddr(remote, &to);
	struct hl_stream *stream;
	int fd = hl_socket_bind("tcp", remote->family, SOCK_STREAM, local, error);

	if (fd < 0) {
		if (session)
			tls->free(session);
		return NULL;
	}
	stream = stream_new(loop, fd, tls, session, BUFFEREVENT_SSL_CONNECTING);
	if (!stream) {
		hl_error_set(error, -ENOMEM, "no memory for a connection");
		return NULL;
	}
	stream->remote = *remote;
	if (bufferevent_socket_connect(stream->bev, (struct sockaddr *)&to, (int)length)) {
		hl_error_set(error, -errno, "tcp:%s: %s", hl_address_format(remote, text),
			     strerror(errno));
		stream_free(stream);
		return NULL;
	}
	set_addresses(stream);
	hl_stream_own(stream, events, arg);
	return stream;
}

void hl_stream_own(struct hl_stream *stream, const struct hl_stream_events *events, void *arg)
{
	stream->events = events;
	stream->arg = arg;
	if (!stream->stands)
		hl_timer_start(stream->loop, &stream->patience, STAND_TIME);
	bufferevent_enable(stream->bev, EV_READ | EV_WRITE);
}

int hl_stream_write(struct hl_stream *stream, struct hl_slice bytes)
{
	size_t waiting = evbuffer_get_length(bufferevent_get_output(stream->bev));

	if (stream->state != STREAM_OPEN || stream->failure)
		return -EPIPE;
	if (bytes.length > stream->bound || waiting > stream->bound - bytes.length)
		return -ENOBUFS;
	return bufferevent_write(stream->bev, bytes.data, bytes.length) ? -ENOMEM : 0;
}

void hl_stream_bound(struct hl_stream *stream, size_t bytes)
{
	stream->bound = bytes;
}

void hl_stream_fail(struct hl_stream *stream, const char *why)
{
	if (stream->state != STREAM_OPEN || stream->failure)
		return;
	stream->failure = why;
	hl_timer_start(stream->loop, &stream->patience, 0);
}

void hl_stream_close(struct hl_stream *stream)
{
	if (!stream)
		return;
	if (stream->state == STREAM_OPEN)
		end_tls(stream);
	stream_over(stream);
}

void hl_stream_finish(struct hl_stream *stream)
{
	if (!stream || stream->state != STREAM_OPEN)
		return;
	stream->events = NULL;
	finish(stream);
	bufferevent_enable(stream->bev, EV_READ | EV_WRITE);
	has_written(stream->bev, stream);
}

void hl_streams_drop(struct hl_loop *loop)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &loop->streams)
		stream_free(hl_list_entry(node, struct hl_stream, node));
}

const struct hl_address *hl_stream_local(const struct hl_stream *stream)
{
	return &stream->local;
}

const struct hl_address *hl_stream_remote(const struct hl_stream *stream)
{
	return &stream->remote;
}
