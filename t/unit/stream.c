/* Streams: bytes through, bounds, ends of every kind, from within every callback. */
#include "loop/stream.h"
#include "base/clock.h"
#include "base/memory.h"
#include "loop/timer.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum act { ACT_NONE, ACT_CLOSE, ACT_FINISH, ACT_USE_NOTHING, ACT_ECHO, ACT_USE_THREE };

struct side {
	struct hl_stream *stream;
	size_t length;    /* bytes received */
	unsigned long sum; /* of the bytes */
	char last[64];    /* of what came last */
	unsigned calls;
	enum act on_received, on_closed;
	char why[64];
	unsigned closed;
};

static struct hl_loop *loop;
static struct side client, server;
static enum act on_accepted;
static struct hl_stream_listener *listener;

static void act(enum act what, struct hl_stream *stream)
{
	if (what == ACT_CLOSE)
		hl_stream_close(stream);
	else if (what == ACT_FINISH)
		hl_stream_finish(stream);
}

static size_t received(void *arg, struct hl_stream *stream, struct hl_slice bytes)
{
	struct side *side = arg;
	size_t used = bytes.length;

	side->calls++;
	snprintf(side->last, sizeof(side->last), "%.*s",
		 (int)(bytes.length < 63 ? bytes.length : 63), bytes.data);
	if (side->on_received == ACT_USE_NOTHING)
		return 0;
	if (side->on_received == ACT_USE_THREE && used > 3)
		used = 3;
	if (side->on_received == ACT_ECHO)
		hl_stream_write(stream, bytes);
	for (size_t i = 0; i < used; i++)
		side->sum += (unsigned char)bytes.data[i];
	side->length += used;
	act(side->on_received, stream);
	return used;
}

static void closed(void *arg, struct hl_stream *stream, const char *why)
{
	struct side *side = arg;

	side->closed++;
	side->stream = NULL;
	snprintf(side->why, sizeof(side->why), "%s", why);
	act(side->on_closed, stream);
}

static const struct hl_stream_events events = { received, closed };

static void accepted(void *arg, struct hl_stream *stream)
{
	(void)arg;
	server.stream = stream;
	if (on_accepted == ACT_CLOSE) {
		hl_stream_close(stream);
		hl_stream_listener_free(listener);
		listener = NULL;
		return;
	}
	hl_stream_own(stream, &events, &server);
}

#define UNTIL(condition)                                                                   \
	for (uint64_t until = hl_clock_real() + 5 * HL_SECOND;                              \
	     !(condition) && hl_clock_real() < until;)                                      \
	hl_loop_turn(loop)

static struct hl_address any_port(void)
{
	struct hl_address address;

	hl_address_parse_port(HL_SLICE_LITERAL("127.0.0.1:0"), &address);
	return address;
}

static void listen_again(void)
{
	struct hl_address address = any_port();
	struct hl_error error;

	on_accepted = ACT_NONE;
	listener = hl_stream_listen(loop, &address, accepted, NULL, &error);
}

static void connect_both(void)
{
	struct hl_error error;

	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.stream = hl_stream_connect(loop, NULL, hl_stream_listener_local(listener), &events,
					  &client, &error);
	UNTIL(server.stream || on_accepted);
}

static void through(void)
{
	connect_both();
	if (!ok(client.stream && server.stream, "connected"))
		exit(1);
	ok(hl_address_equal(hl_stream_remote(client.stream), hl_stream_local(server.stream)) &&
		   hl_address_equal(hl_stream_local(client.stream),
				    hl_stream_remote(server.stream)),
	   "both know where they are");
	server.on_received = ACT_ECHO;
	is_int(hl_stream_write(client.stream, HL_SLICE_LITERAL("hello")), 0, "written");
	UNTIL(client.length == 5);
	is_str(client.last, "hello", "and back again");
	server.on_received = ACT_USE_THREE;
	hl_stream_write(client.stream, HL_SLICE_LITERAL("abcde"));
	UNTIL(server.calls == 2);
	hl_stream_write(client.stream, HL_SLICE_LITERAL("fg"));
	UNTIL(server.calls == 3);
	is_str(server.last, "defg", "what was not used comes again, with what came after");
	client.on_closed = ACT_CLOSE;
	hl_stream_close(server.stream);
	UNTIL(client.closed);
	is_int(client.closed, 1, "the peer hears of the end, once");
	is_str(client.why, "closed by the peer", "and why");
	is_int(server.closed, 0, "who closes hears nothing");
}

static void before_it_stands(void)
{
	struct hl_address nobody = any_port(), local = any_port();
	struct hl_stream_listener *gone = hl_stream_listen(loop, &nobody, accepted, NULL, NULL);
	struct hl_error error = { "" };

	nobody = *hl_stream_listener_local(gone);
	hl_stream_listener_free(gone);
	memset(&client, 0, sizeof(client));
	client.stream = hl_stream_connect(loop, NULL, &nobody, &events, &client, &error);
	ok(client.stream && !client.closed, "a connection to nobody begins");
	hl_stream_write(client.stream, HL_SLICE_LITERAL("x"));
	UNTIL(client.closed);
	is_str(client.why, "Connection refused", "and ends with the reason");
	hl_address_parse(HL_SLICE_LITERAL("127.0.0.9"), &local);
	memset(&server, 0, sizeof(server));
	client.closed = 0;
	client.stream = hl_stream_connect(loop, &local, hl_stream_listener_local(listener), &events,
					  &client, &error);
	hl_stream_write(client.stream, HL_SLICE_LITERAL("early"));
	UNTIL(server.length);
	is_str(server.last, "early", "what is written before it stands is sent then");
	ok(hl_address_same_host(hl_stream_remote(server.stream), &local),
	   "from the address asked for");
	hl_stream_close(client.stream);
	UNTIL(server.closed);
	local.bytes[0] = 192;
	ok(!hl_stream_connect(loop, &local, &nobody, &events, &client, &error) && error.text[0],
	   "from another's address it does not begin: %s", error.text);
}

static void bounds(void)
{
	struct hl_slice big = { calloc(1, 2 << 20), 1 << 20 };
	size_t sent = 0;

	connect_both();
	big.length++;
	is_int(hl_stream_write(client.stream, big), -ENOBUFS,
	       "more than the bound at once is refused");
	big.length--;
	is_int(hl_stream_write(client.stream, big), 0, "the bound itself is not");
	is_int(hl_stream_write(client.stream, HL_SLICE_LITERAL("x")), -ENOBUFS, "then it is full");
	hl_stream_bound(client.stream, 2 << 20);
	is_int(hl_stream_write(client.stream, HL_SLICE_LITERAL("x")), 0, "a wider bound has room");
	UNTIL(server.length > 1 << 20);
	is_int(server.length, (1 << 20) + 1, "all of it arrives, and nothing twice");
	server.on_received = ACT_USE_NOTHING;
	for (int i = 0; i < 3; i++)
		sent += hl_stream_write(client.stream, big) ? 0 : big.length;
	UNTIL(server.closed);
	is_str(server.why, "too much input without an end", "unread input is bounded (%zu sent)",
	       sent);
	UNTIL(client.closed);
	is_int(client.closed, 1, "which the peer notices");
	free((void *)(uintptr_t)big.data);
}

static void finishing(void)
{
	static char big[800000];
	unsigned long sum = 0;

	for (size_t i = 0; i < sizeof(big); i++)
		sum += (unsigned char)(big[i] = (char)i);
	connect_both();
	/* Unread bytes at the finishing side would make the kernel reset the connection. */
	hl_stream_write(client.stream, HL_SLICE_LITERAL("unread"));
	hl_stream_write(server.stream, (struct hl_slice){ big, sizeof(big) });
	hl_stream_finish(server.stream);
	UNTIL(client.closed);
	is_int(client.length, sizeof(big), "finishing sends all that waits");
	ok(client.sum == sum, "byte for byte");
	is_str(client.why, "closed by the peer", "then ends in order");
	is_int(server.closed, 0, "and the finisher hears nothing");

	connect_both();
	server.on_received = ACT_FINISH;
	hl_stream_write(client.stream, HL_SLICE_LITERAL("x"));
	UNTIL(client.closed);
	is_int(client.closed, 1, "finishing from within the callback");
	connect_both();
	server.on_received = ACT_CLOSE;
	hl_stream_write(client.stream, HL_SLICE_LITERAL("x"));
	UNTIL(client.closed);
	is_int(client.closed, 1, "closing from within the callback");
}

/* A peer that neither reads nor closes must not hold a finishing stream for ever. */
static void patience(void)
{
	static char big[1 << 20];
	struct sockaddr_storage to;
	socklen_t length = hl_address_to_sockaddr(hl_stream_listener_local(listener), &to);
	int fd = socket(AF_INET, SOCK_STREAM, 0), got;
	uint64_t since;

	memset(&server, 0, sizeof(server));
	if (connect(fd, (struct sockaddr *)&to, length))
		diag("cannot connect");
	UNTIL(server.stream);
	hl_stream_bound(server.stream, 8 << 20);
	for (int i = 0; i < 8; i++)
		hl_stream_write(server.stream, (struct hl_slice){ big, sizeof(big) });
	hl_clock_set_rate(100);
	hl_stream_finish(server.stream);
	since = hl_clock_now();
	do {
		hl_loop_turn(loop);
		usleep(1000);
	} while (hl_clock_now() < since + 6 * HL_SECOND);
	hl_clock_set_rate(1);
	do
		got = (int)recv(fd, big, sizeof(big), MSG_DONTWAIT);
	while (got > 0);
	ok(got == 0 || errno == ECONNRESET, "five seconds later it is closed all the same");
	close(fd);
}

static void unix_sockets(void)
{
	char path[64], long_path[200];
	struct hl_stream_listener *first, *second;
	struct hl_error error = { "" };
	struct stat file;
	int fd;

	snprintf(path, sizeof(path), "/tmp/holdline-unit-%d.sock", (int)getpid());
	first = hl_stream_listen_unix(loop, path, 0660, accepted, NULL, &error);
	if (!ok(first != NULL, "a Unix socket %s", error.text))
		return;
	ok(!stat(path, &file) && (file.st_mode & 0777) == 0660, "with the mode asked for");
	is_int(hl_stream_listener_local(first)->family, 0, "and no address");
	ok(!hl_stream_listen_unix(loop, path, 0660, accepted, NULL, &error), "a live one is kept");
	ok(strstr(error.text, path) && strstr(error.text, "another process"), "%s", error.text);
	ok(!stat(path, &file), "its file too");
	hl_stream_listener_free(first);
	ok(stat(path, &file) && errno == ENOENT, "the end removes the file");
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ok(!hl_stream_listen_unix(loop, path, 0660, accepted, NULL, &error) && !stat(path, &file),
	   "a file that is no socket is left alone: %s", error.text);
	unlink(path);
	/* What a killed process leaves behind: a file without a listener. */
	first = hl_stream_listen_unix(loop, path, 0660, accepted, NULL, &error);
	snprintf(long_path, sizeof(long_path), "%s.kept", path);
	if (link(path, long_path))
		diag("cannot link");
	hl_stream_listener_free(first);
	if (rename(long_path, path))
		diag("cannot rename");
	second = hl_stream_listen_unix(loop, path, 0600, accepted, NULL, &error);
	ok(second != NULL, "a stale one is replaced");
	unlink(path);
	first = hl_stream_listen_unix(loop, path, 0600, accepted, NULL, &error);
	hl_stream_listener_free(second);
	ok(!stat(path, &file), "another's file is not removed");
	hl_stream_listener_free(first);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	ok(!hl_stream_listen_unix(loop, long_path, 0600, accepted, NULL, &error),
	   "too long a path is refused");
}

static void stop(void *arg)
{
	hl_loop_stop(arg);
}

/* With no descriptor left a connection stays in the queue; the loop must not spin on it. */
static void no_descriptors(void)
{
	struct rlimit limit, low;
	struct timespec before, after;
	struct hl_timer timer;
	int used = dup(0);
	long milliseconds;

	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.stream = hl_stream_connect(loop, NULL, hl_stream_listener_local(listener), &events,
					  &client, NULL);
	close(used);
	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = (rlim_t)used;
	setrlimit(RLIMIT_NOFILE, &low);
	hl_timer_init(&timer, stop, loop);
	hl_timer_start(loop, &timer, 250);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	hl_loop_run(loop);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	setrlimit(RLIMIT_NOFILE, &limit);
	milliseconds = (after.tv_sec - before.tv_sec) * 1000 +
		       (after.tv_nsec - before.tv_nsec) / 1000000;
	ok(!server.stream, "without descriptors nothing is accepted");
	ok(milliseconds < 100, "and the loop sleeps meanwhile (%ld ms used)", milliseconds);
	UNTIL(server.stream);
	ok(server.stream != NULL, "with some it goes on");
	hl_stream_close(server.stream);
	UNTIL(client.closed);
}

int main(void)
{
	loop = hl_loop_new(NULL);
	listen_again();
	if (!ok(listener != NULL, "listening"))
		return done_testing();
	through();
	before_it_stands();
	bounds();
	finishing();
	patience();
	unix_sockets();
	no_descriptors();
	on_accepted = ACT_CLOSE;
	connect_both();
	UNTIL(client.closed);
	ok(!listener && client.closed, "a listener may be freed from within accepted");
	listen_again();
	connect_both();
	hl_stream_write(server.stream, HL_SLICE_LITERAL("x"));
	hl_stream_finish(server.stream);
	hl_stream_close(client.stream);
	hl_stream_listener_free(listener);
	hl_loop_free(loop);
	ok(true, "a loop frees the streams that still finish");
	return done_testing();
}
