/* Reading and writing SIP messages as lines of text. */
#include "sip.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bench.h"

#define SIP_WORD_MAX 64

bool sip_is(struct sip_part part, const char *text)
{
	return strlen(text) == part.length && !memcmp(part.at, text, part.length);
}

bool sip_kind(const char *message, struct sip_kind *kind)
{
	struct sip_part cseq;
	char *end;

	*kind = (struct sip_kind){0};
	if (!strncmp(message, "SIP/2.0 ", 8))
		kind->status = atoi(message + 8);
	if (!sip_first(message, "CSeq", &cseq))
		return false;
	kind->cseq = (unsigned)strtoul(cseq.at, &end, 10);
	while (*end == ' ')
		end++;
	kind->method.at = end;
	kind->method.length = strcspn(end, " \r\n");
	return kind->method.length > 0;
}

bool sip_header(const char **cursor, const char *name, struct sip_part *value)
{
	size_t length = strlen(name);
	const char *line;

	while ((line = *cursor) != NULL) {
		*cursor = strstr(line, "\r\n");
		if (!*cursor || *cursor == line)
			break;
		*cursor += 2;
		if (strncasecmp(line, name, length) || line[length] != ':')
			continue;
		value->at = line + length + 1;
		value->at += strspn(value->at, " ");
		value->length = (size_t)(*cursor - 2 - value->at);
		return true;
	}
	*cursor = NULL;
	return false;
}

bool sip_first(const char *message, const char *name, struct sip_part *value)
{
	return sip_header(&message, name, value);
}

bool sip_uri(struct sip_part address, struct sip_part *uri)
{
	const char *open = memchr(address.at, '<', address.length);
	const char *close = memchr(address.at, '>', address.length);

	if (!open || !close || close < open)
		return false;
	uri->at = open + 1;
	uri->length = (size_t)(close - uri->at);
	return true;
}

bool sip_parameter(struct sip_part header, const char *name, struct sip_part *value)
{
	const char *end = header.at + header.length, *at = header.at;
	size_t length = strlen(name);

	for (; at + length < end; at++) {
		if (strncasecmp(at, name, length) || at[length] != '=' || !strchr(" ,;", at[-1]))
			continue;
		value->at = at + length + 1;
		if (*value->at == '"') {
			value->at++;
			value->length = strcspn(value->at, "\"\r\n");
		} else {
			value->length = strcspn(value->at, " ,;>\r\n");
		}
		return true;
	}
	return false;
}

void sip_add(struct sip_text *text, const char *format, ...)
{
	size_t room = sizeof(text->data) - text->length;
	va_list args;
	int written;

	va_start(args, format);
	written = vsnprintf(text->data + text->length, room, format, args);
	va_end(args);
	if (written < 0 || (size_t)written >= room)
		bench_die("a message of more than %d bytes", BENCH_DATAGRAM_MAX);
	text->length += (size_t)written;
}

void sip_end(struct sip_text *text, const char *body)
{
	if (*body)
		sip_add(text, "Content-Type: application/sdp\r\n");
	sip_add(text, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
}

const char *sip_hostport(struct sockaddr_in address)
{
	static char words[4][SIP_WORD_MAX];
	static unsigned turn;
	const unsigned char *host = (const unsigned char *)&address.sin_addr;
	char *word = words[turn++ % 4];

	snprintf(word, SIP_WORD_MAX, "%u.%u.%u.%u:%u", host[0], host[1], host[2], host[3],
		 ntohs(address.sin_port));
	return word;
}

const char *sip_run(void)
{
	static char word[SIP_WORD_MAX];

	if (!*word)
		snprintf(word, sizeof(word), "%x%llx", (unsigned)getpid(),
			 (unsigned long long)bench_clock());
	return word;
}

const char *sip_branch(void)
{
	static char word[2 * SIP_WORD_MAX];
	static unsigned count;

	snprintf(word, sizeof(word), "z9hG4bK%s-%u", sip_run(), ++count);
	return word;
}

void sip_answer(struct sip_text *text, const char *request, const char *status, const char *tag)
{
	static const char *const several[] = {"Via", "Record-Route"};
	static const char *const single[] = {"From", "To", "Call-ID", "CSeq"};
	struct sip_part value, old;
	const char *cursor;
	size_t i;

	text->length = 0;
	sip_add(text, "SIP/2.0 %s\r\n", status);
	for (i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
		for (cursor = request; sip_header(&cursor, several[i], &value);)
			sip_add(text, "%s: %.*s\r\n", several[i], (int)value.length, value.at);
	}
	for (i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
		if (!sip_first(request, single[i], &value))
			continue;
		sip_add(text, "%s: %.*s", single[i], (int)value.length, value.at);
		if (!strcmp(single[i], "To") && !sip_parameter(value, "tag", &old))
			sip_add(text, ";tag=%s", tag);
		sip_add(text, "\r\n");
	}
}

const char *sip_sdp(struct sockaddr_in media)
{
	static char body[512];
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &media.sin_addr, host, sizeof(host));
	snprintf(
		body, sizeof(body),
		"v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
		"m=audio %u RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
		host, host, ntohs(media.sin_port));
	return body;
}

bool sip_sdp_media(const char *message, struct sockaddr_in *media)
{
	const char *body = strstr(message, "\r\n\r\n");
	const char *connection = body ? strstr(body, "c=IN IP4 ") : NULL;
	const char *audio = body ? strstr(body, "m=audio ") : NULL;
	char host[INET_ADDRSTRLEN] = "", address[SIP_WORD_MAX];

	if (!connection || !audio || sscanf(connection, "c=IN IP4 %15[0-9.]", host) != 1)
		return false;
	snprintf(address, sizeof(address), "%s:%d", host, atoi(audio + strlen("m=audio ")));
	*media = bench_address(address);
	return true;
}
