/* Reading a password, with the terminal's echo off while it is typed. */
#include "password.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int read_line(char *line, size_t size)
{
	size_t length;

	if (!fgets(line, (int)size, stdin)) {
		fputs("holdlinectl: no password came\n", stderr);
		return -1;
	}
	length = strcspn(line, "\r\n");
	if (!line[length] && length + 1 == size) {
		fputs("holdlinectl: that is too long for a password\n", stderr);
		return -1;
	}
	line[length] = '\0';
	if (length)
		return 0;
	fputs("holdlinectl: a password must not be empty\n", stderr);
	return -1;
}

static int ask(const char *question, const char *user, char *line, size_t size)
{
	struct termios shown, hidden;
	int rc;

	fprintf(stderr, "%s %s: ", question, user);
	if (tcgetattr(STDIN_FILENO, &shown))
		return -1;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	rc = read_line(line, size);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	return rc;
}

int password_read(const char *user, char *password, size_t size)
{
	char again[256];

	if (!isatty(STDIN_FILENO))
		return read_line(password, size);
	if (ask("Password for", user, password, size) ||
	    ask("Again, for", user, again, sizeof again))
		return -1;
	if (!strcmp(password, again))
		return 0;
	fputs("holdlinectl: these are two different passwords\n", stderr);
	return -1;
}
