#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { PATIENCE_MS = 2000 }; /* for what a pipe's writer has to say next */

/* Opening without O_NONBLOCK would wait until somebody opens the other end of a pipe. */
int hl_file_read(const char *path, size_t most, struct hl_text *text)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
	struct pollfd readable = {.fd = file, .events = POLLIN};
	size_t before = text->length;
	char block[65536];
	ssize_t length;

	if (file < 0)
		return -errno;
	while (!error && (length = read(file, block, sizeof(block)))) {
		if (length > 0)
			hl_text_append(text, block, (size_t)length);
		else if (errno != EAGAIN || poll(&readable, 1, PATIENCE_MS) <= 0)
			error = -errno;
		if (text->length - before > most)
			error = -EFBIG;
		if (text->failed)
			error = -ENOMEM;
	}
	if (!error && text->length == before && lseek(file, 0, SEEK_CUR) < 0)
		error = -EPIPE;
	close(file);
	return error;
}
