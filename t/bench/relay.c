/* A bare relay, and the setting up of calls in an rtpengine. */
#include "relay.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "sip.h"

#define RELAY_EVENTS 64
#define RELAY_PACKET_MAX 2048
#define RELAY_PATIENCE_MS 2000

static void relay_loop(const int *fds, const struct sockaddr_in *phones, unsigned count)
{
	struct epoll_event events[RELAY_EVENTS], event = {.events = EPOLLIN};
	char packet[RELAY_PACKET_MAX];
	struct sockaddr_in from;
	socklen_t length;
	ssize_t bytes;
	uint32_t i;
	int ready, k, epoll = epoll_create1(EPOLL_CLOEXEC);

	for (i = 0; i < count; i++) {
		event.data.u32 = i;
		epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
	}
	for (;;) {
		ready = epoll_wait(epoll, events, RELAY_EVENTS, -1);
		for (k = 0; k < ready; k++) {
			i = events[k].data.u32;
			length = sizeof(from);
			bytes = recvfrom(fds[i], packet, sizeof(packet), 0,
					 (struct sockaddr *)&from, &length);
			if (bytes > 0)
				(void)sendto(fds[i ^ 1], packet, (size_t)bytes, 0,
					     (const struct sockaddr *)&phones[i ^ 1],
					     sizeof(phones[0]));
		}
	}
}

pid_t bench_relay_bare(const struct sockaddr_in *phones, struct sockaddr_in *to, unsigned count)
{
	int *fds = calloc(count, sizeof(*fds));
	unsigned i;
	pid_t child;

	if (!fds)
		bench_die("out of memory");
	for (i = 0; i < count; i++)
		fds[i] = bench_socket(&to[i]);
	fflush(stdout);
	child = fork();
	if (child < 0)
		bench_die("fork: %m");
	if (child == 0) {
		bench_child();
		relay_loop(fds, phones, count);
	}
	for (i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
	return child;
}

/* One ng command (a bencoded dictionary after a cookie); the answer's SDP is where to send. */
static void relay_ask(int fd, const struct sip_text *text, struct sockaddr_in *to)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char answer[BENCH_DATAGRAM_MAX + 5] = "\r\n\r\n";
	ssize_t length;

	if (send(fd, text->data, text->length, 0) < 0 || poll(&ready, 1, RELAY_PATIENCE_MS) != 1)
		bench_die("rtpengine does not answer");
	length = recv(fd, answer + 4, BENCH_DATAGRAM_MAX, 0);
	if (length <= 0 || !sip_sdp_media(answer, to))
		bench_die("rtpengine answers %s", answer + 4);
}

static void relay_command(struct sip_text *text, const char *command, unsigned call,
			  struct sockaddr_in phone)
{
	const char *sdp = sip_sdp(phone);
	char id[96];

	snprintf(id, sizeof(id), "%s-%u", sip_run(), call);
	text->length = 0;
	sip_add(text, "%s-%s d7:call-id%zu:%s7:command%zu:%s8:from-tag1:a", id, command, strlen(id),
		id, strlen(command), command);
	sip_add(text, "7:replacel6:origine3:sdp%zu:%s", strlen(sdp), sdp);
	sip_add(text, "%se", strcmp(command, "answer") ? "" : "6:to-tag1:b");
}

void bench_relay_rtpengine(const char *control, const struct sockaddr_in *phones,
			   struct sockaddr_in *to, unsigned count)
{
	struct sockaddr_in local, server = bench_address(control);
	int fd = bench_socket(&local);
	struct sip_text text;
	unsigned i;

	if (connect(fd, (struct sockaddr *)&server, sizeof(server)))
		bench_die("rtpengine at %s: %m", control);
	for (i = 0; i < count; i += 2) {
		relay_command(&text, "offer", i, phones[i]);
		relay_ask(fd, &text, &to[i + 1]);
		relay_command(&text, "answer", i, phones[i + 1]);
		relay_ask(fd, &text, &to[i]);
	}
	close(fd);
}
