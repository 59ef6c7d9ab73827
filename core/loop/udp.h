/* UDP sockets: up to 64 datagrams read per wake-up (recvmmsg), many sent per call (sendmmsg), the
 * local address kept, so that an answer leaves from where the question came in, wildcard or not. */
#ifndef HL_LOOP_UDP_H
#define HL_LOOP_UDP_H

#include "base/address.h"
#include "loop/loop.h"

struct hl_udp;

struct hl_datagram {
	struct hl_udp *socket;     /* borrowed */
	struct hl_address local;   /* the address it was sent to, with the socket's port */
	struct hl_address remote;  /* where it came from */
	struct hl_slice bytes;     /* borrowed until the callback returns; a NUL is behind it */
};

struct hl_outgoing {
	struct hl_address local;   /* source to use; family 0: the socket's own choice */
	struct hl_address remote;
	struct hl_slice bytes;     /* borrowed during the call */
};

struct hl_udp_counters {
	uint64_t received, sent;   /* datagrams */
	uint64_t refused;          /* sends the kernel would not take: full buffer, unreachable */
	uint64_t icmp_errors;      /* connection refused and the like, reported on the socket */
};

/* Binds `address` (port 0: any free one) and calls `received(arg, datagram)` for each datagram.
 * NULL with `error` naming address and reason. */
HL_EXPORT struct hl_udp *hl_udp_open(struct hl_loop *loop, const struct hl_address *address,
				     void (*received)(void *arg,
						      const struct hl_datagram *datagram),
				     void *arg, struct hl_error *error);
/* What becomes of datagrams; the `arg` is that of hl_udp_open. Both may be NULL. */
struct hl_udp_failures {
	/* An ICMP error: what was sent to `remote` did not get there. Told within a send or a
	 * wake-up; it must not close the socket. */
	void (*refused)(void *arg, const struct hl_address *local, const struct hl_address *remote);
	/* The kernel would not send what was posted (no way there, too long); told before the turn
	 * ends. The bytes are borrowed during the call. */
	void (*unsent)(void *arg, struct hl_slice bytes);
};
/* Who is told; `failures` outlives the socket. */
HL_EXPORT void hl_udp_tell(struct hl_udp *udp, const struct hl_udp_failures *failures);
HL_EXPORT void hl_udp_close(struct hl_udp *udp);
/* The bound address, with the real port. */
HL_EXPORT const struct hl_address *hl_udp_local(const struct hl_udp *udp);
/* Sends a datagram at the end of this turn, in the order of posting, with what else goes out. What
 * the kernel refuses is counted, and told as `unsent` unless the buffer was full. 0, -ENOMEM or
 * -EMSGSIZE. */
HL_EXPORT int hl_udp_post(struct hl_udp *udp, const struct hl_address *local,
			  const struct hl_address *remote, struct hl_slice bytes);
/* Sends up to `count` at once, with as few system calls as may be: for those whose pace follows
 * what the buffer takes. Returns how many were dealt with, in order; less than `count` means that
 * the buffer is full now. A datagram that its destination refuses is dealt with, its
 * `remote.family` set to 0. */
HL_EXPORT unsigned hl_udp_send_many(struct hl_udp *udp, struct hl_outgoing *list, unsigned count);
HL_EXPORT const struct hl_udp_counters *hl_udp_counters(const struct hl_udp *udp);

#endif
