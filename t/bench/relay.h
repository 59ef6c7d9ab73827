/* Peers of the media relay: what packets cost elsewhere. */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#include <netinet/in.h>
#include <sys/types.h>

/* Fork the least relay there can be, epoll + recvfrom + sendto: what a phone sends to to[phone]
 * goes on to its partner's address in phones[].  The caller kills the process returned. */
pid_t bench_relay_bare(const struct sockaddr_in *phones, struct sockaddr_in *to, unsigned count);

/* Ask an rtpengine, by its ng port ("127.0.0.1:2223"), to relay between the same phones. */
void bench_relay_rtpengine(const char *control, const struct sockaddr_in *phones,
			   struct sockaddr_in *to, unsigned count);

#endif
