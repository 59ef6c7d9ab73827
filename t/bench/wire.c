/* Many phones' datagrams over a few sockets of the loopback device. */
#include "wire.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define WIRE_FIRST_ADDRESS 0x7F010000u /* 127.1.0.0 is phone 0 */
#define WIRE_BATCH 64
#define WIRE_BUFFER_BYTES (4 << 20)

/* The room recvmmsg fills; one for the process, since one drain runs at a time. */
static struct {
	struct mmsghdr message[WIRE_BATCH];
	struct iovec vector[WIRE_BATCH];
	struct sockaddr_in from[WIRE_BATCH];
	char control[WIRE_BATCH]
		    [CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct timespec))];
	char data[WIRE_BATCH][BENCH_DATAGRAM_MAX + 1];
} wire_room;

struct sockaddr_in bench_address(const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[INET_ADDRSTRLEN] = "";
	unsigned port = 0;

	if (sscanf(text, "%15[0-9.]:%u", host, &port) != 2 || port == 0 || port > 65535 ||
	    inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
	    ntohl(address.sin_addr.s_addr) >> 24 != 127)
		bench_die("%s is not an address and port in 127.0.0.0/8", text);
	address.sin_port = htons((uint16_t)port);
	return address;
}

static int wire_socket(in_addr_t host, struct sockaddr_in *local)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
	socklen_t length = sizeof(address);
	int bytes = WIRE_BUFFER_BYTES, on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		bench_die("no socket: %m");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof("lo")) ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(fd, (struct sockaddr *)local, &length))
		bench_die("no socket on the loopback device: %m");
	return fd;
}

int bench_socket(struct sockaddr_in *local)
{
	return wire_socket(INADDR_LOOPBACK, local);
}

void bench_wire_open(struct bench_wire *wire, const char *server, unsigned sockets)
{
	struct sockaddr_in local;
	unsigned i;

	if (sockets < 1 || sockets > BENCH_SOCKETS_MAX)
		bench_die("%u sockets: 1 to %d are possible", sockets, BENCH_SOCKETS_MAX);
	wire->server = bench_address(server);
	wire->sockets = sockets;
	for (i = 0; i < sockets; i++) {
		wire->fd[i] = wire_socket(INADDR_ANY, &local);
		wire->port[i] = ntohs(local.sin_port);
	}
	for (i = 0; i < WIRE_BATCH; i++) {
		wire_room.vector[i] = (struct iovec){wire_room.data[i], BENCH_DATAGRAM_MAX};
		wire_room.message[i].msg_hdr.msg_iov = &wire_room.vector[i];
		wire_room.message[i].msg_hdr.msg_iovlen = 1;
	}
}

void bench_wire_close(struct bench_wire *wire)
{
	unsigned i;

	for (i = 0; i < wire->sockets; i++)
		close(wire->fd[i]);
	wire->sockets = 0;
}

struct sockaddr_in bench_wire_phone(const struct bench_wire *wire, unsigned phone)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(wire->port[phone % wire->sockets]),
		.sin_addr.s_addr = htonl(WIRE_FIRST_ADDRESS + phone),
	};
}

void bench_wire_send(const struct bench_wire *wire, unsigned phone, const struct sockaddr_in *to,
		     const void *data, size_t length)
{
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(WIRE_FIRST_ADDRESS + phone)};
	struct iovec vector = {(void *)(uintptr_t)data, length};
	union {
		char room[CMSG_SPACE(sizeof(info))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr message = {
		.msg_name = (void *)(uintptr_t)(to ? to : &wire->server),
		.msg_namelen = sizeof(*to),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};

	control.align.cmsg_level = IPPROTO_IP;
	control.align.cmsg_type = IP_PKTINFO;
	control.align.cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(&control.align), &info, sizeof(info));
	(void)sendmsg(wire->fd[phone % wire->sockets], &message, 0);
}

/* How far the wall clock, by which the kernel stamps datagrams, is ahead of bench_clock. */
static uint64_t wire_clock_lead(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (uint64_t)wall.tv_sec * BENCH_SECOND + (uint64_t)wall.tv_nsec - bench_clock();
}

/* To which phone and when, from what the kernel tells beside the data. */
static bool wire_read_control(struct msghdr *message, uint64_t lead,
			      struct bench_datagram *datagram)
{
	struct cmsghdr *control;
	struct in_pktinfo info;
	struct timespec stamp;
	uint32_t host = 0;

	for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
		if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(control), sizeof(info));
			host = ntohl(info.ipi_addr.s_addr);
		} else if (control->cmsg_level == SOL_SOCKET &&
			   control->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
			datagram->at = (uint64_t)stamp.tv_sec * BENCH_SECOND +
				       (uint64_t)stamp.tv_nsec - lead;
		}
	}
	if (host < WIRE_FIRST_ADDRESS || host - WIRE_FIRST_ADDRESS >= BENCH_PHONES_MAX)
		return false;
	datagram->phone = host - WIRE_FIRST_ADDRESS;
	return true;
}

static void wire_deliver(int count, bench_receive *receive, void *arg)
{
	struct bench_datagram datagram;
	uint64_t lead = wire_clock_lead();
	int i;

	for (i = 0; i < count; i++) {
		if (!wire_read_control(&wire_room.message[i].msg_hdr, lead, &datagram))
			continue;
		datagram.from = wire_room.from[i];
		datagram.data = wire_room.data[i];
		datagram.length = wire_room.message[i].msg_len;
		datagram.data[datagram.length] = '\0';
		receive(arg, &datagram);
	}
}

static void wire_drain_socket(int fd, bench_receive *receive, void *arg)
{
	struct msghdr *header;
	int count, i;

	do {
		for (i = 0; i < WIRE_BATCH; i++) {
			header = &wire_room.message[i].msg_hdr;
			header->msg_name = &wire_room.from[i];
			header->msg_namelen = sizeof(wire_room.from[i]);
			header->msg_control = wire_room.control[i];
			header->msg_controllen = sizeof(wire_room.control[i]);
		}
		count = recvmmsg(fd, wire_room.message, WIRE_BATCH, MSG_DONTWAIT, NULL);
		if (count > 0)
			wire_deliver(count, receive, arg);
	} while (count == WIRE_BATCH);
}

void bench_wire_drain(struct bench_wire *wire, uint64_t wait, bench_receive *receive, void *arg)
{
	struct timespec timeout = {(time_t)(wait / BENCH_SECOND), (long)(wait % BENCH_SECOND)};
	struct pollfd ready[BENCH_SOCKETS_MAX];
	unsigned i;

	for (i = 0; i < wire->sockets; i++)
		ready[i] = (struct pollfd){.fd = wire->fd[i], .events = POLLIN};
	if (ppoll(ready, wire->sockets, &timeout, NULL) <= 0)
		return;
	for (i = 0; i < wire->sockets; i++) {
		if (ready[i].revents & POLLIN)
			wire_drain_socket(wire->fd[i], receive, arg);
	}
}

void bench_wire_nap(struct bench_wire *wire, uint64_t wait, bench_receive *receive, void *arg)
{
	struct timespec nap = {(time_t)(wait / BENCH_SECOND), (long)(wait % BENCH_SECOND)};
	unsigned i;

	nanosleep(&nap, NULL);
	for (i = 0; i < wire->sockets; i++)
		wire_drain_socket(wire->fd[i], receive, arg);
}
