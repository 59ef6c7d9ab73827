/* Files that people name, read as a whole. Not for plugins: they must not wait for a disk. */
#ifndef HL_BASE_FILE_H
#define HL_BASE_FILE_H

#include "base/text.h"

/* Appends all bytes of a file to `text`. A pipe is read, too, but not waited for: one that nobody
 * writes to is -EPIPE, one that stays silent -EAGAIN. 0 or a negative errno; -EFBIG: it has more
 * than `most` bytes. */
int hl_file_read(const char *path, size_t most, struct hl_text *text);

#endif
