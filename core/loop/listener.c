/* Listening for streams, on TCP addresses and Unix sockets. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/private.h"
#include "loop/stream.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ACCEPTED = 64,   /* streams per wake-up */
	PAUSE = 100      /* ms without accepting when descriptors or memory are used up */
};

struct hl_stream_listener {
	struct hl_loop *loop;     /* borrowed; outlives it */
	struct hl_watch *watch;   /* owned */
	struct hl_timer pause;
	struct hl_log_limit limit;
	int fd;                   /* owned; -1: freed while it accepts */
	bool accepting;
	struct hl_address local;  /* family 0: a Unix socket */
	char *path;               /* of the Unix socket, owned; else NULL */
	struct stat file;         /* what we put at `path` */
	void (*accepted)(void *arg, struct hl_stream *stream);
	void *arg;                /* borrowed */
	const struct hl_stream_tls *tls; /* borrowed; NULL: none is spoken */
	void *tls_arg;                   /* borrowed */
};

static void go_on(void *arg)
{
	struct hl_stream_listener *listener = arg;

	if (hl_watch_set(listener->watch, HL_READABLE))
		hl_timer_start(listener->loop, &listener->pause, PAUSE);
}

/* The connection stays in the queue and would wake us without end. */
static void take_a_break(struct hl_stream_listener *listener, int code)
{
	uint64_t withheld;

	if (hl_log_allow(&listener->limit, &withheld))
		hl_log(HL_LOG_ERROR, "stream", "accept-failed", hl_str("reason", strerror(code)),
		       hl_int("withheld", (int64_t)withheld));
	hl_watch_set(listener->watch, 0);
	hl_timer_start(listener->loop, &listener->pause, PAUSE);
}

/* Whether to go on accepting. */
static bool accept_one(struct hl_stream_listener *listener)
{
	struct sockaddr_storage remote = { 0 };
	socklen_t length = sizeof(remote);
	int fd = accept4(listener->fd, (struct sockaddr *)&remote, &length,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	int code = errno;
	struct ssl_st *session = NULL;
	struct hl_stream *stream = NULL;

	if (fd < 0) {
		if (code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM)
			take_a_break(listener, code);
		/* These are of the one connection that went away; the next may be fine. */
		return code == ECONNABORTED || code == EINTR || code == EPROTO;
	}
	if (listener->tls)
		session = listener->tls->accepting(listener->tls_arg);
	if (listener->tls && !session)
		close(fd);
	else
		stream = hl_stream_accept(listener->loop, fd, (struct sockaddr *)&remote,
					  listener->tls, session);
	if (stream)
		listener->accepted(listener->arg, stream);
	return listener->fd >= 0;
}

static void can_accept(void *arg, unsigned events)
{
	struct hl_stream_listener *listener = arg;

	(void)events;
	listener->accepting = true;
	for (int left = ACCEPTED; left && accept_one(listener); left--)
		;
	listener->accepting = false;
	if (listener->fd < 0)
		hl_free(listener);
}

/* Takes over `fd` and makes a listener of it; NULL with `fd` closed. */
static struct hl_stream_listener *listen_on(struct hl_loop *loop, int fd,
					    void (*accepted)(void *arg, struct hl_stream *stream),
					    void *arg, struct hl_error *error)
{
	struct hl_stream_listener *listener = hl_zalloc(sizeof(*listener));
	struct sockaddr_storage name = { 0 };
	socklen_t length = sizeof(name);

	if (!listener)
		goto failed;
	listener->loop = loop;
	listener->fd = fd;
	listener->accepted = accepted;
	listener->arg = arg;
	hl_timer_init(&listener->pause, go_on, listener);
	getsockname(fd, (struct sockaddr *)&name, &length);
	hl_address_from_sockaddr(&listener->local, (struct sockaddr *)&name);
	listener->watch = hl_watch_new(loop, "accept", fd, HL_READABLE, can_accept, listener);
	if (!listener->watch)
		goto failed;
	if (!listen(fd, SOMAXCONN))
		return listener;
	hl_error_set(error, -errno, "cannot listen: %s", strerror(errno));
	hl_watch_free(listener->watch);
	close(fd);
	hl_free(listener);
	return NULL;
failed:
	hl_error_set(error, -ENOMEM, "no memory for a listener");
	close(fd);
	hl_free(listener);
	return NULL;
}

struct hl_stream_listener *hl_stream_listen(struct hl_loop *loop, const struct hl_address *address,
					    void (*accepted)(void *arg, struct hl_stream *stream),
					    void *arg, struct hl_error *error)
{
	int fd = hl_socket_bind("tcp", address->family, SOCK_STREAM, address, error);

	return fd < 0 ? NULL : listen_on(loop, fd, accepted, arg, error);
}

void hl_stream_listener_secure(struct hl_stream_listener *listener,
			       const struct hl_stream_tls *tls, void *arg)
{
	listener->tls = tls;
	listener->tls_arg = arg;
}

/* Removes the socket file of a process that is gone. 0 or negative errno with `error`. */
static int remove_stale(const struct sockaddr_un *name, struct hl_error *error)
{
	struct stat file;
	int fd, code = 0;

	if (lstat(name->sun_path, &file))
		return errno == ENOENT ? 0
				       : hl_error_set(error, -errno, "%s: %s", name->sun_path,
						      strerror(errno));
	if (!S_ISSOCK(file.st_mode))
		return hl_error_set(error, -EEXIST, "%s: is there and is no socket; remove it",
				    name->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return hl_error_set(error, -errno, "%s: %s", name->sun_path, strerror(errno));
	if (!connect(fd, (const struct sockaddr *)name, sizeof(*name)) || errno != ECONNREFUSED)
		code = hl_error_set(error, -EADDRINUSE, "%s: another process listens there",
				    name->sun_path);
	else if (unlink(name->sun_path))
		code = hl_error_set(error, -errno, "%s: a stale socket that cannot be removed: %s",
				    name->sun_path, strerror(errno));
	close(fd);
	return code;
}

static int bind_unix(const char *path, mode_t mode, struct hl_error *error)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, code;

	if (strlen(path) >= sizeof(name.sun_path))
		return hl_error_set(error, -ENAMETOOLONG, "%s: longer than the %zu bytes of a path "
				    "of a socket", path, sizeof(name.sun_path) - 1);
	memcpy(name.sun_path, path, strlen(path));
	code = remove_stale(&name, error);
	if (code)
		return code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return hl_error_set(error, -errno, "%s: %s", path, strerror(errno));
	/* On the descriptor first: the file is never more open than asked, not for a moment. */
	if (fchmod(fd, mode) || bind(fd, (struct sockaddr *)&name, sizeof(name)) ||
	    chmod(path, mode)) {
		code = hl_error_set(error, -errno, "%s: %s", path, strerror(errno));
		close(fd);
		return code;
	}
	return fd;
}

struct hl_stream_listener *
hl_stream_listen_unix(struct hl_loop *loop, const char *path, mode_t mode,
		      void (*accepted)(void *arg, struct hl_stream *stream), void *arg,
		      struct hl_error *error)
{
	struct hl_stream_listener *listener;
	int fd = bind_unix(path, mode, error);

	if (fd < 0)
		return NULL;
	listener = listen_on(loop, fd, accepted, arg, error);
	if (!listener) {
		unlink(path);
		return NULL;
	}
	listener->path = hl_strdup(path);
	if (!listener->path || lstat(path, &listener->file)) {
		hl_error_set(error, -ENOMEM, "%s: no memory for a listener", path);
		hl_stream_listener_free(listener);
		unlink(path);
		return NULL;
	}
	return listener;
}

/* Another process may have taken our path for stale and put its own socket there. */
static void remove_file(const struct hl_stream_listener *listener)
{
	struct stat file;

	if (listener->path && !lstat(listener->path, &file) &&
	    file.st_dev == listener->file.st_dev && file.st_ino == listener->file.st_ino)
		unlink(listener->path);
}

void hl_stream_listener_free(struct hl_stream_listener *listener)
{
	if (!listener || listener->fd < 0)
		return;
	remove_file(listener);
	hl_timer_stop(listener->loop, &listener->pause);
	hl_watch_free(listener->watch);
	close(listener->fd);
	listener->fd = -1;
	hl_free(listener->path);
	if (!listener->accepting)
		hl_free(listener);
}

const struct hl_address *hl_stream_listener_local(const struct hl_stream_listener *listener)
{
	return &listener->local;
}
