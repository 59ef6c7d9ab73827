/* The inside of a message, for core/sip/message*.c only. What is on the wire are the header lines,
 * in their order and as they were written; what they mean is read from them in place, but for the
 * parameters of Contact, which libosip2 reads. */
#ifndef HL_SIP_MESSAGE_PARTS_H
#define HL_SIP_MESSAGE_PARTS_H

#include "sip/message.h"

#include "base/text.h"

#include <osipparser2/osip_list.h>

/* Headers that have a compact form or are treated specially; the table is in message_header.c. */
enum hl_header_kind {
	HL_HEADER_OTHER, /* compared by name */
	HL_HEADER_VIA,
	HL_HEADER_FROM,
	HL_HEADER_TO,
	HL_HEADER_CALL_ID,
	HL_HEADER_CSEQ,
	HL_HEADER_CONTACT,
	HL_HEADER_CONTENT_LENGTH,
	HL_HEADER_CONTENT_TYPE,
	HL_HEADER_MAX_FORWARDS,
	HL_HEADER_RECORD_ROUTE,
	HL_HEADER_TIMESTAMP,
	HL_HEADER_KINDS = 64 /* at most: kinds are bits of a set */
};

struct hl_header {
	const char *name;      /* the full name; static, or in the message's memory */
	const char *value;     /* trimmed, NUL-terminated, in the message's memory */
	uint32_t name_length;  /* bytes */
	uint32_t value_length; /* bytes */
	uint8_t kind;	       /* enum hl_header_kind or a row of the table */
};

/* A name-addr or addr-spec with its parameters: From, To, Contact and what looks like them. */
struct hl_name {
	struct hl_slice display;    /* with its quotes; empty: none */
	struct hl_slice uri;	    /* as it was written */
	struct hl_slice parameters; /* of the header, from behind the first `;` */
};

struct hl_message_chunk; /* a further block of memory */

struct hl_message {
	enum hl_method method;
	int status;		  /* 0: a request */
	const char *method_text;  /* as written */
	const char *reason;	  /* responses */
	const char *request_uri;  /* requests */
	uint32_t cseq;		  /* number of the CSeq */
	unsigned count, capacity; /* of headers */
	uint64_t kinds;		  /* that it has, as bits; and some that were taken away */
	struct hl_header *headers;
	struct hl_slice body;
	osip_list_t *contacts;		 /* libosip2's, in our memory; NULL until asked for */
	struct hl_name from, to, contact; /* the first one; without a URI: not read yet */
	const char *display;		 /* From's display name; NULL until asked for */
	const char *from_tag, *to_tag;	 /* NULL until asked for */
	struct hl_via via;		 /* the top one, if `via_read` */
	bool via_read;
	struct hl_message *next_kept;	 /* of those freed and kept */
	size_t steps;			 /* its size, in steps */
	char *free;			 /* memory not given out yet */
	size_t left;			 /* bytes of it */
	struct hl_message_chunk *chunks; /* owned: what was allocated later */
};

/* Memory. */
/* An empty message with room for `spare` bytes of text; NULL when memory is out. */
struct hl_message *hl_message_new(size_t spare);
/* Memory that lives as long as the message; NULL when memory is out. */
void *hl_message_alloc(struct hl_message *message, size_t size);
char *hl_message_copy(struct hl_message *message, struct hl_slice text);

/* Headers. */
enum hl_method hl_method_of(struct hl_slice text);
/* Whether `text` is a token (RFC 3261 §25.1): methods, header names. */
bool hl_is_token(struct hl_slice text);
/* The table's row for a full or compact name, or HL_HEADER_OTHER. */
unsigned hl_header_kind(struct hl_slice name);
/* Its full name. */
const char *hl_header_title(unsigned kind);
/* Whether the message may have a header of that kind. */
bool hl_header_seen(const struct hl_message *message, unsigned kind);
/* Whether that header may come once only. */
bool hl_header_once(unsigned kind);
/* Whether it means the same on both sides of a back-to-back user agent. */
bool hl_header_end_to_end(unsigned kind);
/* Adds a header line at position `at`; both strings are in the message's memory or static; `value`
 * is cut at its commas where each part is a value of its own. 0, -ENOMEM, -E2BIG. */
int hl_header_insert(struct hl_message *message, unsigned at, unsigned kind, struct hl_slice name,
		     char *value, size_t length);
/* The first header of that kind, or NULL. */
const struct hl_header *hl_header_first(const struct hl_message *message, unsigned kind);
/* The `index`-th header of that kind, or NULL. */
const struct hl_header *hl_header_nth(const struct hl_message *message, unsigned kind,
				      unsigned index);
/* Reads "number method". 0 or -EBADMSG. */
int hl_header_cseq(struct hl_slice value, uint32_t *number, struct hl_slice *method);
/* Reads a name: 0, or -EBADMSG when quotes or brackets do not end, or there is no URI. */
int hl_header_name(struct hl_slice value, struct hl_name *name);
/* What a message's From, To or first Contact says; NULL when it cannot be read. */
const struct hl_name *hl_message_name(const struct hl_message *message, unsigned kind);
/* The URI of a name, empty when it cannot be read. */
struct hl_slice hl_header_uri(const char *value);
/* Reads one value of a Via: 0 or -EBADMSG. */
int hl_header_via(struct hl_slice value, struct hl_via *via);
/* Fills `contacts`: 0, -EBADMSG, -ENOMEM. It is a cache only, and so the message is constant. */
int hl_contacts_read(const struct hl_message *message);
/* Forgets what was kept of a kind whose lines have changed. */
void hl_header_forget(struct hl_message *message, unsigned kind);
/* Like hl_slice_cut, but not at a separator inside quotes or angle brackets. */
struct hl_slice hl_header_cut(struct hl_slice *rest, char separator);

#endif
