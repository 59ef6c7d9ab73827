/* A look at a plugin's file before dlopen, which waits for a pipe's writer, and which dies (SIGBUS)
 * of a file that is shorter than its own headers say: what a copy leaves when the disk is full. */
#include "plugin/private.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NATIVE_CLASS = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32 };

static bool read_whole(int file, void *to, size_t size, uint64_t at)
{
	return at <= INT64_MAX && pread(file, to, size, (off_t)at) == (ssize_t)size;
}

/* Whether it is ELF as this machine has it; all else dlopen refuses in its own words. */
static bool read_header(int file, ElfW(Ehdr) *header)
{
	return read_whole(file, header, sizeof *header, 0) &&
	       !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == NATIVE_CLASS;
}

static uint64_t farther(uint64_t end, uint64_t offset, uint64_t length)
{
	uint64_t other;

	if (__builtin_add_overflow(offset, length, &other))
		return UINT64_MAX;
	return other > end ? other : end;
}

/* Bytes that the file must have by its headers; the section table stands last as a rule. */
static uint64_t size_by_headers(int file, const ElfW(Ehdr) *header)
{
	uint64_t end = farther(0, header->e_phoff, (uint64_t)header->e_phnum * header->e_phentsize);
	ElfW(Phdr) segment;

	if (header->e_shoff)
		end = farther(end, header->e_shoff,
			      (uint64_t)header->e_shnum * header->e_shentsize);
	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (!read_whole(file, &segment, sizeof segment,
				header->e_phoff + (uint64_t)i * header->e_phentsize))
			break;
		if (segment.p_type == PT_LOAD)
			end = farther(end, segment.p_offset, segment.p_filesz);
	}
	return end;
}

int hl_shared_object_check(const char *path, const char *name, struct hl_error *error)
{
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ElfW(Ehdr) header;
	struct stat status;
	uint64_t size;
	int rc = 0;

	if (file < 0 || fstat(file, &status)) {
		rc = hl_error_set(error, -errno, "plugin %s: cannot read %s: %s: install the "
				  "plugin again",
				  name, path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(status.st_mode)) {
		rc = hl_error_set(error, -ELIBACC,
				  "plugin %s: %s is a %s, not a file: install the "
				  "plugin again", name, path,
				  S_ISFIFO(status.st_mode)  ? "pipe"
				  : S_ISDIR(status.st_mode) ? "directory"
							    : "device");
		goto out;
	}
	if (!read_header(file, &header))
		goto out;
	size = size_by_headers(file, &header);
	if (size > (uint64_t)status.st_size)
		rc = hl_error_set(error, -ELIBACC,
				  "plugin %s: %s is cut short: %lld of %llu bytes: install the "
				  "plugin again, or take it out of `plugins`", name, path,
				  (long long)status.st_size, (unsigned long long)size);
out:
	if (file >= 0)
		close(file);
	return rc;
}
