/* The file cdr.jsonl: one record a line, whole lines only. */
#include "base/file.h"
#include "base/memory.h"
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 16 }; /* bytes read at once */

/* A process that died in the middle of a line must not spoil the next one. */
static void end_last_line(int file)
{
	off_t size = lseek(file, 0, SEEK_END);
	char last = '\n';

	if (size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n' &&
	    write(file, "\n", 1) != 1)
		hl_log(HL_LOG_WARN, "store", "torn-line", hl_str("reason", strerror(errno)));
}

int hl_journal_open(struct hl_journal *journal, struct hl_error *error)
{
	if (journal->file >= 0)
		close(journal->file);
	journal->file = open(journal->name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (journal->file < 0)
		return hl_file_refused(journal->name, -errno, HL_STORE_MEND, error);
	end_last_line(journal->file);
	return 0;
}

void hl_journal_close(struct hl_journal *journal)
{
	if (journal->file >= 0)
		close(journal->file);
	hl_text_fini(&journal->text);
	hl_free(journal->name);
}

void hl_journal_put(struct hl_journal *journal, const struct hl_value *row)
{
	struct hl_json json;

	hl_json_init(&json, &journal->text);
	hl_row_json(journal->columns, row, &json);
	hl_text_append(&journal->text, "\n", 1);
}

int hl_journal_write(struct hl_journal *journal, struct hl_error *error)
{
	off_t before = lseek(journal->file, 0, SEEK_END);
	ssize_t written;
	int code = 0;

	if (journal->text.failed)
		code = -ENOMEM;
	else
		written = write(journal->file, journal->text.data, journal->text.length);
	if (!code && written != (ssize_t)journal->text.length) {
		code = written < 0 ? -errno : -ENOSPC;
		/* Half a line would be half a record. */
		if (written > 0 && ftruncate(journal->file, before))
			end_last_line(journal->file);
	}
	hl_text_clear(&journal->text);
	return code ? hl_error_set(error, code, "%s: %s", journal->name, strerror(-code)) : 0;
}

void hl_journal_mark(const struct hl_journal *journal, uint64_t *file, uint64_t *length)
{
	struct stat status = {0};

	if (journal->file >= 0 && fstat(journal->file, &status))
		status = (struct stat){0};
	*file = status.st_ino;
	*length = (uint64_t)status.st_size;
}

void hl_journal_read(const struct hl_journal *journal, uint64_t from,
		     void (*visit)(void *arg, struct hl_slice line), void *arg)
{
	struct hl_text rest;
	ssize_t got = 1;

	hl_text_init(&rest);
	while (got > 0 && !rest.failed) {
		char *room = hl_text_room(&rest, PIECE);
		struct hl_slice lines = {rest.data, 0};

		got = room ? pread(journal->file, room, PIECE, (off_t)from) : 0;
		rest.length -= PIECE - (size_t)(got > 0 ? got : 0);
		from += (uint64_t)(got > 0 ? got : 0);
		lines.length = rest.length;
		while (lines.length && memchr(lines.data, '\n', lines.length))
			visit(arg, hl_slice_cut(&lines, '\n'));
		memmove(rest.data, lines.data, lines.length);
		rest.length = lines.length;
	}
	hl_text_fini(&rest);
}
