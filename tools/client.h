/* The other end of the control socket. */
#ifndef HL_TOOLS_CLIENT_H
#define HL_TOOLS_CLIENT_H

#include <jansson.h>

/* Connects. The descriptor; or −1, after saying on standard error why and what to do. */
int client_connect(const char *path);
/* Sends one request and waits for its answer, a JSON object with `ok`. NULL, after saying why, when
 * there is none. The caller drops the reference. */
json_t *client_ask(int fd, const char *path, const char *command, json_t *arguments);

#endif
