/* Byte streams: TCP connections, with TLS or without, and Unix sockets, with bounded output. */
#ifndef HL_LOOP_STREAM_H
#define HL_LOOP_STREAM_H

#include "base/address.h"
#include "loop/loop.h"

#include <sys/types.h>

struct hl_stream;
struct hl_stream_listener;

/* What a stream tells its owner. */
struct hl_stream_events {
	/* Bytes arrived (all that are unread so far); returns how many were used up. A stream with
	 * more than 1 MiB unread is over. */
	size_t (*received)(void *arg, struct hl_stream *stream, struct hl_slice bytes);
	/* It is over (why: for the log); the stream is gone when this returns. What was written to
	 * a peer that only closed its side is still sent. Not called after hl_stream_close. */
	void (*closed)(void *arg, struct hl_stream *stream, const char *why);
};

/* TLS, of OpenSSL. The loop carries its sessions and asks whoever knows them for the rest. */
struct ssl_st;
struct hl_stream_tls {
	/* A session for an accepted connection, which takes it over; NULL: it is refused. */
	struct ssl_st *(*accepting)(void *arg);
	/* Tells the peer that nothing more comes. */
	void (*end)(struct ssl_st *session);
	/* Writes why a session failed; `code` is OpenSSL's, 0: none. */
	void (*explain)(struct ssl_st *session, unsigned long code, char *text, size_t size);
	void (*free)(struct ssl_st *session);
};

/* Listens on a TCP address (port 0: any). `accepted` must call hl_stream_own or hl_stream_close. */
HL_EXPORT struct hl_stream_listener *
hl_stream_listen(struct hl_loop *loop, const struct hl_address *address,
		 void (*accepted)(void *arg, struct hl_stream *stream), void *arg,
		 struct hl_error *error);
/* Connections accepted from now on speak TLS; `arg` is `accepting`'s. Both are borrowed. */
HL_EXPORT void hl_stream_listener_secure(struct hl_stream_listener *listener,
					 const struct hl_stream_tls *tls, void *arg);
/* The same on a Unix socket; a stale socket file is replaced, a live one is -EADDRINUSE. */
HL_EXPORT struct hl_stream_listener *
hl_stream_listen_unix(struct hl_loop *loop, const char *path, mode_t mode,
		      void (*accepted)(void *arg, struct hl_stream *stream), void *arg,
		      struct hl_error *error);
/* Stops listening (and removes the Unix socket's file); accepted streams live on. */
HL_EXPORT void hl_stream_listener_free(struct hl_stream_listener *listener);
HL_EXPORT const struct hl_address *hl_stream_listener_local(const struct hl_stream_listener *l);

/* Opens a TCP connection from `local` (may be NULL) without waiting: what is written meanwhile is
 * sent when it stands; a failure, or 10 s without it, arrives as `closed`. NULL when it cannot even
 * begin. */
HL_EXPORT struct hl_stream *hl_stream_connect(struct hl_loop *loop, const struct hl_address *local,
					      const struct hl_address *remote,
					      const struct hl_stream_events *events, void *arg,
					      struct hl_error *error);
/* The same with TLS, by `session`, which the stream takes over in any case. */
HL_EXPORT struct hl_stream *
hl_stream_connect_tls(struct hl_loop *loop, const struct hl_address *local,
		      const struct hl_address *remote, const struct hl_stream_tls *tls,
		      struct ssl_st *session, const struct hl_stream_events *events, void *arg,
		      struct hl_error *error);
/* Sets who hears of an accepted stream; reading begins. `events` is borrowed for its life. */
HL_EXPORT void hl_stream_own(struct hl_stream *stream, const struct hl_stream_events *events,
			     void *arg);
/* Queues bytes. 0, or -ENOBUFS when more than the bound (1 MiB, see hl_stream_bound) would wait:
 * nothing was queued then. */
HL_EXPORT int hl_stream_write(struct hl_stream *stream, struct hl_slice bytes);
/* Sets how many unsent bytes may wait. */
HL_EXPORT void hl_stream_bound(struct hl_stream *stream, size_t bytes);
/* It has failed: from the next turn of the loop on it is over, and `closed` tells its owner `why`
 * (static). */
HL_EXPORT void hl_stream_fail(struct hl_stream *stream, const char *why);
/* Closes at once; hl_stream_finish sends what waits first (at most 5 s). No `closed` follows. */
HL_EXPORT void hl_stream_close(struct hl_stream *stream);
HL_EXPORT void hl_stream_finish(struct hl_stream *stream);
HL_EXPORT const struct hl_address *hl_stream_local(const struct hl_stream *stream);
HL_EXPORT const struct hl_address *hl_stream_remote(const struct hl_stream *stream);

#endif
