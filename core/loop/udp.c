/* UDP sockets. One room for 64 datagrams per loop, read with one recvmmsg; what is posted in a turn
 * goes out with one sendmmsg. Bound to a wildcard, a socket learns from control data (IP_PKTINFO,
 * RFC 3542 §6) to which address a datagram was sent, and answers from there; bound to one address
 * it saves that.
 *
 * IP_RECVERR is on, so that ICMP errors are counted, each for its destination. The kernel also
 * tells such an error to the next send, whomever it is for, and sends nothing then: a send that
 * fails is tried again when errors were waiting, and once more anyway, before its destination is
 * blamed. */
#include "loop/udp.h"
#include "base/memory.h"
#include "loop/private.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	RECEIVED = HL_HEARD_MOST, /* datagrams per wake-up */
	SENT = 128,           /* datagrams per sendmmsg */
	DATAGRAM = 65535,     /* bytes, the most UDP can carry */
	/* Bytes from one datagram's place to the next: odd cache lines, because at a multiple of
	 * 64 KiB all of them would compete for the same set of the cache. */
	STRIDE = DATAGRAM + 1 + 5 * 64,
	OUTBOX = 256 << 10,   /* bytes that wait for the end of a turn */
	RETRIES = 64,         /* of one send that others' errors got in the way of */
	BUFFER = 4 << 20      /* bytes of socket buffer asked for, each way */
};

union peer {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static const struct hl_udp_failures nobody = { NULL, NULL };

/* The room for received datagrams, shared by the sockets of a loop. */
struct hl_udp_room {
	struct mmsghdr messages[RECEIVED];
	struct iovec vectors[RECEIVED];
	union peer peers[RECEIVED];
	union control controls[RECEIVED];
	char bytes[RECEIVED][STRIDE];
};

/* What waits for the end of the turn. */
struct outbox {
	struct hl_job job;
	unsigned count;
	size_t used;              /* of `bytes` */
	struct hl_outgoing list[SENT];
	char bytes[OUTBOX];
};

/* A posted datagram that the kernel refused. */
struct unsent {
	struct hl_list node;      /* in the socket's `unsent` */
	size_t length;
	char bytes[];
};

struct hl_udp {
	struct hl_loop *loop;     /* borrowed; outlives it */
	struct hl_watch *watch;   /* owned */
	int fd;                   /* owned; -1: closed */
	bool wildcard;            /* bound to no particular address */
	struct outbox *outbox;    /* owned; NULL: nothing was posted yet */
	bool receiving;           /* within received_some, which frees it if it was closed there */
	struct hl_address local;  /* as bound, with the real port */
	struct hl_udp_counters counters;
	void (*received)(void *arg, const struct hl_datagram *datagram);
	const struct hl_udp_failures *failures; /* borrowed */
	void *arg;                /* borrowed */
	struct hl_list unsent;    /* to be told; owned */
	struct hl_job unsent_job; /* tells them */
};

/* Lets the kernel tell again who a datagram is from, and to which address it came. */
static void make_ready(struct hl_udp_room *room, int count)
{
	for (int i = 0; i < count; i++) {
		room->messages[i].msg_hdr.msg_namelen = sizeof(room->peers[i]);
		room->messages[i].msg_hdr.msg_control = &room->controls[i];
		room->messages[i].msg_hdr.msg_controllen = sizeof(room->controls[i]);
	}
}

static struct hl_udp_room *new_room(void)
{
	struct hl_udp_room *room = hl_alloc(sizeof(*room));

	if (!room)
		return NULL;
	/* Not the bytes: pages that no datagram was long enough for are never touched. */
	memset(room, 0, offsetof(struct hl_udp_room, bytes));
	for (int i = 0; i < RECEIVED; i++) {
		room->vectors[i] = (struct iovec){ room->bytes[i], DATAGRAM };
		room->messages[i].msg_hdr = (struct msghdr){ .msg_name = &room->peers[i],
							     .msg_iov = &room->vectors[i],
							     .msg_iovlen = 1 };
	}
	make_ready(room, RECEIVED);
	return room;
}

/* The address that a datagram was sent to, from its control data. */
static void read_local(struct msghdr *message, struct hl_address *local)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(local->bytes, &info.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(local->bytes, &info.ipi6_addr, 16);
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				local->scope = info.ipi6_ifindex;
		}
	}
}

/* Empties the error queue; while it holds something the socket would wake us again and again.
 * Returns how many there were. */
static unsigned read_errors(struct hl_udp *udp)
{
	union {
		struct cmsghdr align;
		char bytes[512]; /* the error with its source, and where it came in */
	} control;
	char byte;
	unsigned count = 0;

	for (; count < RECEIVED; count++) {
		union peer peer = { .any.sa_family = AF_UNSPEC };
		struct iovec vector = { &byte, 1 };
		struct msghdr message = { .msg_name = &peer, .msg_namelen = sizeof(peer),
					  .msg_iov = &vector, .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };
		struct hl_address local = udp->local, remote;

		if (recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		udp->counters.icmp_errors++;
		if (!udp->failures->refused || !message.msg_namelen ||
		    peer.any.sa_family == AF_UNSPEC)
			continue;
		if (udp->wildcard)
			read_local(&message, &local);
		hl_address_from_sockaddr(&remote, &peer.any);
		udp->failures->refused(udp->arg, &local, &remote);
	}
	return count;
}

static void deliver(struct hl_udp *udp, struct mmsghdr *got, char *bytes)
{
	struct hl_datagram datagram = { .socket = udp, .local = udp->local,
					.bytes = { bytes, got->msg_len } };

	bytes[got->msg_len] = '\0';
	hl_address_from_sockaddr(&datagram.remote, got->msg_hdr.msg_name);
	if (udp->wildcard)
		read_local(&got->msg_hdr, &datagram.local);
	udp->counters.received++;
	udp->received(udp->arg, &datagram);
}

static int receive(struct hl_udp *udp, struct hl_udp_room *room)
{
	int count = recvmmsg(udp->fd, room->messages, RECEIVED, MSG_DONTWAIT, NULL);

	if (count < 0)
		read_errors(udp);
	return count;
}

static void received_some(void *arg, unsigned events)
{
	struct hl_udp *udp = arg;
	struct hl_udp_room *room = udp->loop->datagrams;
	int count;

	(void)events;
	count = receive(udp, room);
	/* An error comes alone and is gone by being told; the datagrams are still there. */
	if (count < 0)
		count = receive(udp, room);
	if (count > 0)
		udp->loop->heard += (unsigned)count - 1;
	udp->receiving = true;
	for (int i = 0; i < count && udp->fd >= 0; i++)
		deliver(udp, &room->messages[i], room->bytes[i]);
	udp->receiving = false;
	if (count > 0)
		make_ready(room, count);
	if (udp->fd < 0)
		hl_free(udp);
}

static void set_options(int fd, const struct hl_address *address, bool wildcard)
{
	const int on = 1, size = BUFFER, fragment = IP_PMTUDISC_DONT;
	bool v6 = address->family == AF_INET6;

	/* FORCE is root's and goes beyond net.core.?mem_max; others take what they are given. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
		if (wildcard)
			setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
		/* Behind NAT the ICMP that path discovery needs is filtered: fragment instead. */
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &fragment, sizeof(fragment));
		if (wildcard)
			setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
}

static void tell_unsent(void *arg)
{
	struct hl_udp *udp = arg;

	while (!hl_list_empty(&udp->unsent)) {
		struct unsent *unsent = hl_list_entry(udp->unsent.next, struct unsent, node);

		hl_list_remove(&unsent->node);
		udp->failures->unsent(udp->arg,
				      (struct hl_slice){ unsent->bytes, unsent->length });
		hl_free(unsent);
	}
}

struct hl_udp *hl_udp_open(struct hl_loop *loop, const struct hl_address *address,
			   void (*received)(void *arg, const struct hl_datagram *datagram),
			   void *arg, struct hl_error *error)
{
	struct hl_udp *udp = hl_zalloc(sizeof(*udp));
	union peer name;
	socklen_t length = sizeof(name);

	if (udp && !loop->datagrams)
		loop->datagrams = new_room();
	if (!udp || !loop->datagrams)
		goto no_memory;
	udp->loop = loop;
	udp->wildcard = hl_address_wildcard(address);
	udp->received = received;
	udp->failures = &nobody;
	udp->arg = arg;
	hl_list_init(&udp->unsent);
	hl_job_init(&udp->unsent_job, tell_unsent, udp);
	udp->fd = hl_socket_bind("udp", address->family, SOCK_DGRAM, address, error);
	if (udp->fd < 0)
		goto failed;
	set_options(udp->fd, address, udp->wildcard);
	getsockname(udp->fd, &name.any, &length);
	hl_address_from_sockaddr(&udp->local, &name.any);
	udp->watch = hl_watch_new(loop, "udp", udp->fd, HL_READABLE, received_some, udp);
	if (udp->watch)
		return udp;
	close(udp->fd);
no_memory:
	hl_error_set(error, -ENOMEM, "no memory for a UDP socket");
failed:
	hl_free(udp);
	return NULL;
}

void hl_udp_tell(struct hl_udp *udp, const struct hl_udp_failures *failures)
{
	udp->failures = failures;
}

const struct hl_address *hl_udp_local(const struct hl_udp *udp)
{
	return &udp->local;
}

const struct hl_udp_counters *hl_udp_counters(const struct hl_udp *udp)
{
	return &udp->counters;
}

/* Control data that makes `local` the source; nothing where the socket has but one address. */
static void choose_source(const struct hl_udp *udp, const struct hl_address *local,
			  struct msghdr *message, union control *control)
{
	bool v6 = udp->local.family == AF_INET6;
	struct in_pktinfo info = { 0 };
	struct in6_pktinfo info6 = { 0 };
	size_t size = v6 ? sizeof(info6) : sizeof(info);
	struct cmsghdr *header;

	if (!udp->wildcard || !local || local->family != udp->local.family ||
	    hl_address_wildcard(local))
		return;
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	header->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(&info.ipi_spec_dst, local->bytes, 4);
	memcpy(&info6.ipi6_addr, local->bytes, 16);
	info6.ipi6_ifindex = local->scope;
	memcpy(CMSG_DATA(header), v6 ? (const void *)&info6 : &info, size);
}

/* Fills in the destination. Without one the kernel refuses the datagram, which is right for one
 * of another family: it would take "none" for 0.0.0.0. */
static void choose_destination(const struct hl_udp *udp, const struct hl_address *remote,
			       struct msghdr *message)
{
	if (remote->family == udp->local.family)
		message->msg_namelen = hl_address_to_sockaddr(remote, message->msg_name);
}

static bool buffer_full(int code)
{
	return code == EAGAIN || code == ENOBUFS || code == EINTR;
}

/* Whether a send that failed with errno is to be tried again (errno is kept): the error may be that
 * of another, sent before. */
static bool others_error(struct hl_udp *udp, int tries)
{
	int code = errno;
	unsigned waiting = tries < RETRIES ? read_errors(udp) : 0;

	errno = code;
	return waiting || tries == 0;
}

/* Describes up to SENT datagrams to the kernel. */
struct flight {
	struct mmsghdr messages[SENT];
	struct iovec vectors[SENT];
	union control controls[SENT];
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peers[SENT];
};

static unsigned prepare(const struct hl_udp *udp, struct flight *flight,
			const struct hl_outgoing *list, unsigned count)
{
	if (count > SENT)
		count = SENT;
	for (unsigned i = 0; i < count; i++) {
		struct msghdr *header = &flight->messages[i].msg_hdr;

		flight->vectors[i] = (struct iovec){ (void *)(uintptr_t)list[i].bytes.data,
						     list[i].bytes.length };
		*header = (struct msghdr){ .msg_name = &flight->peers[i],
					   .msg_iov = &flight->vectors[i], .msg_iovlen = 1 };
		choose_destination(udp, &list[i].remote, header);
		choose_source(udp, &list[i].local, header, &flight->controls[i]);
	}
	return count;
}

/* Sends what was prepared. Returns how many were dealt with; fewer: the buffer is full. */
static unsigned send_flight(struct hl_udp *udp, struct flight *flight, struct hl_outgoing *list,
			    unsigned count)
{
	unsigned done = 0;
	int tries = 0;

	while (done < count) {
		int sent = sendmmsg(udp->fd, flight->messages + done, count - done, MSG_DONTWAIT);

		if (sent >= 0) {
			udp->counters.sent += (unsigned)sent;
			done += (unsigned)sent;
			tries = 0;
		} else if (buffer_full(errno)) {
			udp->counters.refused++;
			return done;
		} else if (!others_error(udp, tries++)) {
			udp->counters.refused++;
			list[done++].remote.family = 0;
			tries = 0;
		}
	}
	return done;
}

unsigned hl_udp_send_many(struct hl_udp *udp, struct hl_outgoing *list, unsigned count)
{
	struct flight flight;
	unsigned done = 0;

	while (done < count) {
		unsigned ready = prepare(udp, &flight, list + done, count - done);
		unsigned dealt = send_flight(udp, &flight, list + done, ready);

		done += dealt;
		if (dealt < ready)
			break;
	}
	return done;
}

/* Out of memory it is as if it had got lost on the way: whoever posted it will send again. */
static void keep_unsent(struct hl_udp *udp, struct hl_slice bytes)
{
	struct unsent *unsent = hl_alloc(sizeof(*unsent) + bytes.length);

	if (!unsent)
		return;
	unsent->length = bytes.length;
	memcpy(unsent->bytes, bytes.data, bytes.length);
	hl_list_append(&udp->unsent, &unsent->node);
	hl_job_want(udp->loop, &udp->unsent_job);
}

static void send_outbox(void *arg)
{
	struct hl_udp *udp = arg;
	struct outbox *outbox = udp->outbox;
	unsigned sent = hl_udp_send_many(udp, outbox->list, outbox->count);

	/* A full buffer, counted once: whoever posted them will send again, or be asked again. */
	if (sent < outbox->count)
		udp->counters.refused += outbox->count - sent - 1;
	for (unsigned i = 0; i < sent && udp->failures->unsent; i++)
		if (!outbox->list[i].remote.family)
			keep_unsent(udp, outbox->list[i].bytes);
	outbox->count = 0;
	outbox->used = 0;
	hl_job_drop(&outbox->job);
}

static struct outbox *new_outbox(struct hl_udp *udp)
{
	struct outbox *outbox = hl_alloc(sizeof(*outbox));

	if (!outbox)
		return NULL;
	outbox->count = 0;
	outbox->used = 0;
	hl_job_init(&outbox->job, send_outbox, udp);
	return outbox;
}

int hl_udp_post(struct hl_udp *udp, const struct hl_address *local, const struct hl_address *remote,
		struct hl_slice bytes)
{
	struct outbox *outbox = udp->outbox;
	char *copy;

	if (!outbox)
		outbox = udp->outbox = new_outbox(udp);
	if (!outbox)
		return -ENOMEM;
	if (outbox->count == SENT || bytes.length > OUTBOX - outbox->used)
		send_outbox(udp);
	if (bytes.length > OUTBOX)
		return -EMSGSIZE;
	copy = outbox->bytes + outbox->used;
	memcpy(copy, bytes.data, bytes.length);
	outbox->used += bytes.length;
	outbox->list[outbox->count++] = (struct hl_outgoing){
		local ? *local : (struct hl_address){ .family = 0 }, *remote, { copy, bytes.length }
	};
	hl_job_want(udp->loop, &outbox->job);
	return 0;
}

void hl_udp_close(struct hl_udp *udp)
{
	if (!udp || udp->fd < 0)
		return;
	if (udp->outbox)
		send_outbox(udp);
	while (!hl_list_empty(&udp->unsent)) {
		struct unsent *unsent = hl_list_entry(udp->unsent.next, struct unsent, node);

		hl_list_remove(&unsent->node);
		hl_free(unsent);
	}
	hl_job_drop(&udp->unsent_job);
	hl_watch_free(udp->watch);
	close(udp->fd);
	hl_free(udp->outbox);
	udp->outbox = NULL;
	udp->fd = -1;
	if (!udp->receiving)
		hl_free(udp);
}
