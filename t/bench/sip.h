/*
 * SIP as a load generator needs it: messages are text, a header is a line.  The generators trust
 * the server they load to write one header a line; what they check is that each operation ends.
 */
#ifndef BENCH_SIP_H
#define BENCH_SIP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "wire.h"

/* A part of a message, not ended by a NUL. */
struct sip_part {
	const char *at;
	size_t length;
};

/* A message being written; too long a one dies. */
struct sip_text {
	char data[BENCH_DATAGRAM_MAX];
	size_t length;
};

/* What a message is, read once; status 0 for a request. */
struct sip_kind {
	int status;
	struct sip_part method; /* of the request line, or of the CSeq of a response */
	unsigned cseq;
};

/* False if it is no SIP message at all (a heartbeat). */
bool sip_kind(const char *message, struct sip_kind *kind);
bool sip_is(struct sip_part part, const char *text);

/* The value of the first header of that name at or after *cursor, which moves past it; NULL cursor
 * content is the end.  Names are compared without case; compact forms are not known. */
bool sip_header(const char **cursor, const char *name, struct sip_part *value);
/* The value of the first header of that name in the message. */
bool sip_first(const char *message, const char *name, struct sip_part *value);
/* The text between < and > of a name-addr. */
bool sip_uri(struct sip_part address, struct sip_part *uri);
/* The value of NAME= within a header, without quotes. */
bool sip_parameter(struct sip_part header, const char *name, struct sip_part *value);

void sip_add(struct sip_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Add the Content-Length, the empty line and the body ("" for none). */
void sip_end(struct sip_text *text, const char *body);

/* "127.1.2.3:4567" of an address, in a static buffer that the next four calls leave alone. */
const char *sip_hostport(struct sockaddr_in address);
/* A new branch of a client transaction, in a static buffer that the next call overwrites. */
const char *sip_branch(void);
/* A word that differs between two runs against the same server. */
const char *sip_run(void);

/* Start an answer: status line, Via, Record-Route, From, To (with a tag), Call-ID, CSeq. */
void sip_answer(struct sip_text *text, const char *request, const char *status, const char *tag);

/* An SDP body with one audio stream at that address, in a static buffer. */
const char *sip_sdp(struct sockaddr_in media);
/* Where the SDP of a message wants its audio; false if it has none. */
bool sip_sdp_media(const char *message, struct sockaddr_in *media);

#endif
