/* The pairs that are free wait in a ring, the longest rested in front: taking one, giving one back
 * and seeing that none is free are O(1). */
#include "ports.h"

#include <errno.h>
#include <unistd.h>

struct pair {
	void *owner;	   /* borrowed; NULL: it waits in the ring */
	uint64_t released; /* hl_clock_now when it was given back; 0: it need not rest */
};

struct hl_ports {
	unsigned first;	     /* RTP port of pair 0 */
	unsigned count;	     /* of pairs */
	struct pair *pairs;  /* owned */
	uint16_t *ring;	     /* owned; indexes of pairs that wait */
	unsigned head;	     /* of the ring */
	unsigned waiting;    /* in the ring */
	uint64_t quarantine; /* µs */
	uint64_t refused;    /* times no pair was free */
	int tos;	     /* of the IP header */
};

unsigned hl_ports_in_range(const struct hl_range *range)
{
	int64_t first = range->low + (range->low & 1);

	return range->high > first ? (unsigned)(range->high - first + 1) / 2 : 0;
}

struct hl_ports *hl_ports_new(const struct hl_range *range)
{
	struct hl_ports *ports = hl_zalloc(sizeof(*ports));

	if (!ports)
		return NULL;
	ports->first = (unsigned)(range->low + (range->low & 1));
	ports->count = ports->waiting = hl_ports_in_range(range);
	ports->pairs = hl_zalloc(ports->count * sizeof(*ports->pairs));
	ports->ring = hl_alloc(ports->count * sizeof(*ports->ring));
	if (!ports->pairs || !ports->ring) {
		hl_ports_free(ports);
		return NULL;
	}
	for (unsigned i = 0; i < ports->count; i++)
		ports->ring[i] = (uint16_t)i;
	return ports;
}

void hl_ports_free(struct hl_ports *ports)
{
	if (!ports)
		return;
	hl_free(ports->pairs);
	hl_free(ports->ring);
	hl_free(ports);
}

void hl_ports_quarantine(struct hl_ports *ports, int64_t seconds)
{
	ports->quarantine = (uint64_t)seconds * HL_SECOND;
}

void hl_ports_tos(struct hl_ports *ports, int tos)
{
	ports->tos = tos;
}

static void ring_append(struct hl_ports *ports, unsigned index)
{
	ports->ring[(ports->head + ports->waiting++) % ports->count] = (uint16_t)index;
}

static void ring_prepend(struct hl_ports *ports, unsigned index)
{
	ports->head = (ports->head + ports->count - 1) % ports->count;
	ports->ring[ports->head] = (uint16_t)index;
	ports->waiting++;
}

static unsigned ring_take(struct hl_ports *ports)
{
	unsigned index = ports->ring[ports->head];

	ports->head = (ports->head + 1) % ports->count;
	ports->waiting--;
	return index;
}

static bool rested(const struct hl_ports *ports, const struct pair *pair)
{
	return !pair->released || hl_clock_now() - pair->released >= ports->quarantine;
}

/* Marks what the socket sends, and asks for no fragments: the number that tells them apart costs
 * more than a hash and is of use to nobody while packets are small. A system that does not let us
 * is no reason to refuse a call. */
static void mark(int fd, int family, int tos)
{
	static const int whole = IP_PMTUDISC_DO;

	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	else
		(void)(setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) ||
		       setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof(whole)));
}

static int bind_socket(const struct hl_ports *ports, const struct hl_address *local, unsigned port,
		       int *fd)
{
	struct hl_address address = *local;
	struct sockaddr_storage storage;
	socklen_t length;
	int one = 1, rc = 0;

	address.port = (uint16_t)port;
	length = hl_address_to_sockaddr(&address, &storage);
	*fd = socket(address.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	if (address.family == AF_INET6 &&
	    setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		rc = -errno;
	if (!rc && bind(*fd, (struct sockaddr *)&storage, length))
		rc = -errno;
	if (rc)
		close(*fd);
	else
		mark(*fd, address.family, ports->tos);
	return rc;
}

static int bind_pair(const struct hl_ports *ports, const struct hl_address *local, unsigned port,
		     int fds[2])
{
	int rc = bind_socket(ports, local, port, &fds[0]);

	if (rc)
		return rc;
	rc = bind_socket(ports, local, port + 1, &fds[1]);
	if (rc)
		close(fds[0]);
	return rc;
}

int hl_ports_open(struct hl_ports *ports, const struct hl_address *local, void *owner,
		  struct hl_port_pair *pair)
{
	unsigned tries = ports->waiting;
	int fds[2], rc;

	while (tries-- && rested(ports, &ports->pairs[ports->ring[ports->head]])) {
		unsigned index = ring_take(ports), port = ports->first + 2 * index;

		rc = bind_pair(ports, local, port, fds);
		if (!rc) {
			ports->pairs[index].owner = owner;
			*pair = (struct hl_port_pair){{fds[0], fds[1]}, (uint16_t)port};
			return 0;
		}
		if (rc != -EADDRINUSE) {
			ring_prepend(ports, index);
			return rc;
		}
		/* Somebody else's program has one of the two: its turn comes again last. */
		ports->pairs[index].released = 0;
		ring_append(ports, index);
	}
	ports->refused++;
	return -EADDRINUSE;
}

void hl_ports_release(struct hl_ports *ports, uint16_t port, bool used)
{
	unsigned index = (port - ports->first) / 2;

	ports->pairs[index] = (struct pair){.released = used ? hl_clock_now() : 0};
	if (used)
		ring_append(ports, index);
	else
		ring_prepend(ports, index);
}

void *hl_ports_owner(const struct hl_ports *ports, uint16_t port)
{
	if (port < ports->first || port >= ports->first + 2 * ports->count)
		return NULL;
	return ports->pairs[(port - ports->first) / 2].owner;
}

void hl_ports_figures(const struct hl_ports *ports, struct hl_port_figures *figures)
{
	*figures = (struct hl_port_figures){
		.pairs = ports->count,
		.used = ports->count - ports->waiting,
		.refused = ports->refused,
	};
	for (unsigned i = 0; i < ports->waiting; i++) {
		unsigned index = ports->ring[(ports->head + i) % ports->count];

		figures->resting += !rested(ports, &ports->pairs[index]);
	}
}
