/* One question and one answer over the control socket, each a line of JSON. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE = 30000 }; /* ms without a byte before we give up */

static const char *mend(int code)
{
	switch (code) {
	case EACCES:
	case EPERM: return "you may not open it: be root, or in the group of that file";
	case ENOENT:
		return "start the switch (`holdline -c FILE`), or, if it runs with another "
		       "switch.control, say where: -s PATH or $HOLDLINE_CONTROL";
	case ECONNREFUSED: return "the switch that made this socket is gone: start it again";
	default: return "is this the path of switch.control? If not: -s PATH or $HOLDLINE_CONTROL";
	}
}

int client_connect(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int code = ENAMETOOLONG, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		fprintf(stderr, "holdlinectl: %s\n", strerror(errno));
		return -1;
	}
	if (strlen(path) < sizeof name.sun_path) {
		memcpy(name.sun_path, path, strlen(path));
		if (!connect(fd, (const struct sockaddr *)&name, sizeof name))
			return fd;
		code = errno;
	}
	close(fd);
	fprintf(stderr, "holdlinectl: no switch at %s: %s\n%s\n", path, strerror(code), mend(code));
	return -1;
}

static int send_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -errno;
		bytes += sent > 0 ? sent : 0;
		length -= sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

/* Reads up to the end of a line, which it cuts off. 0 or negative errno. */
static int read_line(int fd, char **line, size_t *length)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char *data = NULL, bytes[65536];
	size_t used = 0, size = 0;
	int code = 0;

	while (!code) {
		int turn = poll(&ready, 1, PATIENCE);
		ssize_t got = turn > 0 ? recv(fd, bytes, sizeof bytes, 0) : -1;

		if (turn < 0 || (turn > 0 && got < 0)) {
			code = errno == EINTR ? 0 : -errno;
		} else if (!turn || !got) {
			code = turn ? -ECONNRESET : -ETIMEDOUT;
		} else {
			if (used + (size_t)got > size) {
				char *more = realloc(data, size = 2 * (used + (size_t)got));

				code = more ? 0 : -ENOMEM;
				data = more ? more : data;
			}
			if (!code)
				memcpy(data + used, bytes, (size_t)got);
			used += (size_t)got;
			if (!code && bytes[got - 1] == '\n')
				break;
		}
	}
	if (code) {
		free(data);
		return code;
	}
	*line = data;
	*length = used - 1;
	return 0;
}

json_t *client_ask(int fd, const char *path, const char *command, json_t *arguments)
{
	json_t *request = json_pack("{s:s, s:O*}", "cmd", command, "args", arguments);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL, *line = NULL;
	json_t *answer = NULL;
	json_error_t wrong;
	size_t length = 0;
	int code = text ? send_all(fd, text, strlen(text)) : -ENOMEM;

	if (!code)
		code = send_all(fd, "\n", 1);
	if (!code || code == -EPIPE)
		code = read_line(fd, &line, &length);
	if (code == -ETIMEDOUT)
		fprintf(stderr, "holdlinectl: the switch at %s does not answer: is it stopped?\n",
			path);
	else if (code == -ECONNRESET)
		fprintf(stderr, "holdlinectl: the switch at %s ended before it answered\n", path);
	else if (code)
		fprintf(stderr, "holdlinectl: %s: %s\n", path, strerror(-code));
	else if (!(answer = json_loadb(line, length, 0, &wrong)) || !json_is_object(answer))
		fprintf(stderr, "holdlinectl: what answers at %s is no switch\n", path);
	if (answer && !json_is_object(answer)) {
		json_decref(answer);
		answer = NULL;
	}
	free(line);
	free(text);
	json_decref(request);
	return answer;
}
