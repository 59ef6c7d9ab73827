/* For units that use real sockets: whose address, how many descriptors, and turns of the loop until
 * something came. */
#ifndef HL_UNIT_WIRE_H
#define HL_UNIT_WIRE_H

#include "base/address.h"
#include "loop/loop.h"

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { WIRE_PATIENCE = 3000 }; /* ms, at least */

/* Turns the loop until `*counter` has come to `count`, which something in the loop counts up. */
static inline bool wait_for(struct hl_loop *turned, const unsigned *counter, unsigned count)
{
	for (int i = 0; i < WIRE_PATIENCE && *counter < count; i++) {
		hl_loop_turn(turned);
		if (*counter < count)
			poll(NULL, 0, 1);
	}
	return *counter >= count;
}

/* The address a socket is bound to. */
static inline struct hl_address socket_address(int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	struct hl_address address = {.family = 0};

	if (!getsockname(fd, (struct sockaddr *)&name, &length))
		hl_address_from_sockaddr(&address, (struct sockaddr *)&name);
	return address;
}

/* A TCP socket of 127.0.0.1 that listens. */
static inline int open_listening(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) || listen(fd, 1))
		exit(1);
	return fd;
}

/* How many this process has open. */
static inline int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

#endif
