/* Files that people name: read as a whole, and what to say of those that cannot be used. Not for
 * plugins: they must not wait for a disk. */
#ifndef HL_BASE_FILE_H
#define HL_BASE_FILE_H

#include "base/error.h"
#include "base/text.h"

/* Appends all bytes of a file to `text`. A pipe is read, too, but not waited for: one that nobody
 * writes to is -EPIPE, one that stays silent -EAGAIN. 0 or a negative errno; -EFBIG: it has more
 * than `most` bytes. */
int hl_file_read(const char *path, size_t most, struct hl_text *text);
/* Whom this process runs as: "nobody (uid 65534)", or "uid 65534" where that has no name. */
enum { HL_FILE_USER = 64 };
const char *hl_file_user(char text[HL_FILE_USER]);
/* Says that a file could not be used, and `more` behind that. Of a missing right it says whom this
 * process runs as and what to do; where there is no such file it is the directory that lacks it.
 * Returns `code`, a negative errno. */
int hl_file_refused(const char *path, int code, const char *more, struct hl_error *error);

#endif
