/* Whole files, and what to say of those that are refused. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

const char *hl_file_user(char text[HL_FILE_USER])
{
	struct passwd entry, *found = NULL;
	char strings[4096];
	uid_t uid = geteuid();

	if (getpwuid_r(uid, &entry, strings, sizeof(strings), &found) || !found)
		snprintf(text, HL_FILE_USER, "uid %ju", (uintmax_t)uid);
	else
		snprintf(text, HL_FILE_USER, "%.32s (uid %ju)", entry.pw_name, (uintmax_t)uid);
	return text;
}

int hl_file_refused(const char *path, int code, const char *more, struct hl_error *error)
{
	const char *slash = strrchr(path, '/');
	char user[HL_FILE_USER];
	struct stat status;
	bool there = !slash || slash == path || !lstat(path, &status);

	if (code != -EACCES && code != -EPERM)
		return hl_error_set(error, code, "%s: %s%s", path, strerror(-code), more);
	return hl_error_set(error, code,
			    "%s%.*s: %s for %s, whom holdline runs as: chown or chmod it%s",
			    there ? "" : "directory ",
			    there ? (int)strlen(path) : (int)(slash - path), path, strerror(-code),
			    hl_file_user(user), more);
}
