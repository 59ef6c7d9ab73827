/* Opening sockets, with a reason that helps when it fails. */
#include "loop/private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
	int code;
	const char *mend;
} mends[] = {
	{ EADDRINUSE, "; another program has this port (ss -tulpn shows which)" },
	{ EADDRNOTAVAIL, "; no interface of this machine has this address (ip addr lists them)" },
	{ EACCES, "; ports below 1024 need CAP_NET_BIND_SERVICE" },
	{ EAFNOSUPPORT, "; this machine has that kind of address switched off" },
	{ EMFILE, "; raise the limit of open files (ulimit -n, LimitNOFILE=)" },
};

static int explain(const char *kind, const struct hl_address *address, int code,
		   struct hl_error *error)
{
	char text[HL_ADDRESS_TEXT] = "";
	const char *mend = "";

	for (size_t i = 0; i < HL_COUNT(mends); i++)
		if (mends[i].code == code)
			mend = mends[i].mend;
	if (address)
		hl_address_format(address, text);
	return hl_error_set(error, -code, "%s:%s: %s%s", kind, text, strerror(code), mend);
}

int hl_socket_bind(const char *kind, int family, int type, const struct hl_address *address,
		   struct hl_error *error)
{
	struct sockaddr_storage to;
	const int on = 1;
	int fd, code;

	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return explain(kind, address, errno, error);
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		goto failed;
	/* A restart must get the port back from connections that linger in TIME_WAIT. For UDP the
	 * same option would let two switches share a port, so it stays off there. */
	if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		goto failed;
	if (address && bind(fd, (struct sockaddr *)&to, hl_address_to_sockaddr(address, &to)))
		goto failed;
	return fd;
failed:
	code = errno;
	close(fd);
	return explain(kind, address, code, error);
}
