/*
 * The wire between many phones and one server, on loopback only.
 *
 * A phone has an address of its own in 127.1.0.0/12 and so a tuple of its own, as phones have in
 * the field; a server that looks contacts up by tuple is not misled by a thousand contacts behind
 * one.  A few sockets carry all of them: bound to the wildcard address of the device `lo`, they
 * receive for every address of 127/8 and choose the source of each datagram with IP_PKTINFO.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_SOCKETS_MAX 64
#define BENCH_PHONES_MAX 1000000
#define BENCH_DATAGRAM_MAX 4096

struct bench_wire {
	int fd[BENCH_SOCKETS_MAX];
	uint16_t port[BENCH_SOCKETS_MAX]; /* host order */
	unsigned sockets;
	struct sockaddr_in server; /* where phones send unless told otherwise */
};

/* A datagram as it came; `data` is followed by a NUL and belongs to the wire. */
struct bench_datagram {
	unsigned phone; /* whose address it was sent to */
	struct sockaddr_in from;
	char *data;
	size_t length;
	uint64_t at; /* ns of bench_clock at which the kernel took it in */
};

typedef void bench_receive(void *arg, const struct bench_datagram *datagram);

/* Open the sockets; `server` is "127.0.0.1:5060".  Dies if it cannot. */
void bench_wire_open(struct bench_wire *wire, const char *server, unsigned sockets);
void bench_wire_close(struct bench_wire *wire);

/* The address and port of a phone. */
struct sockaddr_in bench_wire_phone(const struct bench_wire *wire, unsigned phone);

/* Send from a phone to `to`, or to the server if NULL.  A full buffer loses it, as wires do. */
void bench_wire_send(const struct bench_wire *wire, unsigned phone, const struct sockaddr_in *to,
		     const void *data, size_t length);

/* Hand everything waiting to `receive`; wait at most `wait` ns for the first of it. */
void bench_wire_drain(struct bench_wire *wire, uint64_t wait, bench_receive *receive, void *arg);

/* Sleep for `wait` ns whatever comes, then hand all of it over.  Nobody is woken by a datagram: on
 * a network a server's send wakes no process of its own machine, and waking one costs it as much
 * as the send.  For loads where that would drown the figure. */
void bench_wire_nap(struct bench_wire *wire, uint64_t wait, bench_receive *receive, void *arg);

/* Parse "127.0.0.1:5060"; anything outside 127/8 dies: load goes nowhere else. */
struct sockaddr_in bench_address(const char *text);

/* A plain UDP socket on 127.0.0.1 with a large receive buffer and a port of the kernel's. */
int bench_socket(struct sockaddr_in *local);

#endif
