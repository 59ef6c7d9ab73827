/* A password from whoever types it, or from a pipe: not from the command line, which others see. */
#ifndef HL_TOOLS_PASSWORD_H
#define HL_TOOLS_PASSWORD_H

#include <stddef.h>

/* Asks on the terminal, twice and without echo; else takes the first line of standard input. 0, or
 * −1 after saying on standard error why there is none. */
int password_read(const char *user, char *password, size_t size);

#endif
