/* SIP messages. One is cut into its header lines once; everybody else reads and changes it through
 * these functions. Via, From, To and the URI of a Contact are read in place; the parameters of a
 * Contact, and the reason phrases of codes, are libosip2's, which is seen in none but these files.
 * Returned strings and slices live as long as the message is unchanged. */
#ifndef HL_SIP_MESSAGE_H
#define HL_SIP_MESSAGE_H

#include "base/address.h"
#include "base/error.h"
#include "base/text.h"
#include "sip/uri.h"

struct hl_message;

enum hl_method {
	HL_METHOD_OTHER,
	HL_METHOD_INVITE,
	HL_METHOD_ACK,
	HL_METHOD_BYE,
	HL_METHOD_CANCEL,
	HL_METHOD_OPTIONS,
	HL_METHOD_REGISTER,
	HL_METHOD_UPDATE,
	HL_METHOD_PRACK,
	HL_METHOD_INFO,
	HL_METHOD_MESSAGE,
	HL_METHOD_REFER,
	HL_METHOD_NOTIFY,
	HL_METHOD_SUBSCRIBE,
	HL_METHOD_PUBLISH,
};

enum {
	HL_MESSAGE_MAX = 65535,	 /* bytes */
	HL_MESSAGE_HEADERS = 256 /* more header lines than that are refused */
};

/* Parses a whole message (the body as Content-Length says). 0, -EBADMSG with what is wrong,
 * -ENOMEM. The message is the caller's. Checks what every later step relies on: Via with a branch
 * or RFC 2543 fields, From, To, Call-ID, CSeq with the request's method, lengths that fit. */
HL_EXPORT int hl_message_parse(struct hl_slice bytes, struct hl_message **message,
			       struct hl_error *error);
/* For bytes that do not parse: the response `code reason` put together from the Via, From, To,
 * Call-ID and CSeq lines that can be made out. -EBADMSG when it cannot be answered, or is no
 * request. */
HL_EXPORT int hl_message_salvage(struct hl_slice bytes, int code, const char *reason,
				 const struct hl_address *source, struct hl_text *response);
HL_EXPORT void hl_message_free(struct hl_message *message);

/* A new request without Via (the transaction layer adds it): request line, Max-Forwards 70, From,
 * To (both complete header values), Call-ID, CSeq. NULL when memory is out or a value is malformed.
 */
HL_EXPORT struct hl_message *hl_message_request(enum hl_method method, const char *request_uri,
						const char *from, const char *to,
						const char *call_id, uint32_t cseq);
/* A response to `request` (NULL gives NULL): Via, From, To, Call-ID, CSeq, Record-Route (for 1xx,
 * 2xx) copied; `reason` NULL: the usual phrase; `to_tag` is added to To if it has none (NULL: none
 * is added). */
HL_EXPORT struct hl_message *hl_message_response(const struct hl_message *request, int code,
						 const char *reason, const char *to_tag);
/* Serialises, with Content-Length. 0 or -ENOMEM. */
HL_EXPORT int hl_message_write(const struct hl_message *message, struct hl_text *text);

/* What it is. */
HL_EXPORT bool hl_message_is_request(const struct hl_message *message);
HL_EXPORT enum hl_method hl_message_method(
	const struct hl_message *message); /* responses: CSeq's */
HL_EXPORT const char *hl_message_method_text(const struct hl_message *message);
HL_EXPORT int hl_message_status(const struct hl_message *message); /* 0 for a request */
HL_EXPORT const char *hl_message_reason(const struct hl_message *message);
HL_EXPORT const char *hl_method_text(enum hl_method method);

/* The fields every message has. Tags are "" when missing. */
HL_EXPORT const char *hl_message_call_id(const struct hl_message *message);
HL_EXPORT uint32_t hl_message_cseq(const struct hl_message *message);
HL_EXPORT const char *hl_message_from(const struct hl_message *message); /* the whole value */
HL_EXPORT const char *hl_message_to(const struct hl_message *message);
HL_EXPORT const char *hl_message_from_tag(const struct hl_message *message);
HL_EXPORT const char *hl_message_to_tag(const struct hl_message *message);
HL_EXPORT int hl_message_from_uri(const struct hl_message *message, struct hl_uri *uri);
HL_EXPORT int hl_message_to_uri(const struct hl_message *message, struct hl_uri *uri);
/* From's display name without quotes, or "". */
HL_EXPORT const char *hl_message_from_display(const struct hl_message *message);
/* Request-URI: text and parts (requests only). */
HL_EXPORT const char *hl_message_request_uri(const struct hl_message *message);
HL_EXPORT int hl_message_request_uri_parts(const struct hl_message *message, struct hl_uri *uri);

/* Via, from the top (0). */
struct hl_via {
	struct hl_slice transport; /* "UDP" */
	struct hl_slice host;	   /* sent-by, IPv6 with its brackets */
	unsigned port;		   /* 0: none given */
	struct hl_slice branch;	   /* "" when missing */
	struct hl_slice received;  /* "" when missing */
	bool rport;		   /* the parameter is there */
	unsigned rport_value;	   /* 0: none */
};
HL_EXPORT bool hl_message_via(const struct hl_message *message, unsigned index, struct hl_via *via);
/* Sets `received` and, where rport was asked for, `rport` of the top Via (RFC 3581 §4). */
HL_EXPORT int hl_message_via_received(struct hl_message *message, const struct hl_address *source);
/* Puts a Via on top. 0 or -ENOMEM. */
HL_EXPORT int hl_message_via_push(struct hl_message *message, const char *value);

/* Contact, by index. */
struct hl_contact_field {
	bool star;		  /* "*" */
	struct hl_slice uri;	  /* without angle brackets */
	int64_t expires;	  /* −1: no parameter; −2: unreadable */
	int q;			  /* thousandths; −1: no parameter; −2: unreadable or over 1 */
	struct hl_slice instance; /* +sip.instance without quotes and brackets, or "" */
	unsigned reg_id;	  /* 0: none */
};
/* 0; -ENOENT behind the last; -EBADMSG: one of them cannot be read; -ENOMEM. */
HL_EXPORT int hl_message_contact(const struct hl_message *message, unsigned index,
				 struct hl_contact_field *contact);
/* Its URI only, which is all that calls need of it, empty for "*"; false behind the last. */
HL_EXPORT bool hl_message_contact_uri(const struct hl_message *message, unsigned index,
				      struct hl_slice *uri);

/* The next header, from `*place` (0 to begin with) on, that means the same on both sides of a
 * back-to-back user agent and names no address of either; false behind the last. */
HL_EXPORT bool hl_message_end_to_end(const struct hl_message *message, unsigned *place,
				     const char **name, const char **value);
/* Any header by its full name (compact forms are understood), by index; NULL behind the last.
 * Typed headers are returned as text as well. */
HL_EXPORT const char *hl_message_header(const struct hl_message *message, const char *name,
					unsigned index);
/* 0, -ENOMEM, -EINVAL when the value has a line break or does not parse. */
HL_EXPORT int hl_message_add_header(struct hl_message *message, const char *name,
				    const char *value);
/* The same for a header without lists whose name and value are constants: taken as they are. */
HL_EXPORT int hl_message_add_constant(struct hl_message *message, const char *name,
				      const char *value);
/* Replaces all headers of that name by one; NULL removes them. */
HL_EXPORT int hl_message_set_header(struct hl_message *message, const char *name,
				    const char *value);
/* The same with a number. */
HL_EXPORT int hl_message_set_number(struct hl_message *message, const char *name, uint64_t value);
/* The value as a number: 0, -ENOENT (not there), -EINVAL. Parameters behind ';' are ignored. */
HL_EXPORT int hl_message_header_number(const struct hl_message *message, const char *name,
				       uint64_t *value);
/* Whether a comma-separated header (Supported, Require, Allow, …) lists `token`. */
HL_EXPORT bool hl_message_lists(const struct hl_message *message, const char *name,
				const char *token);

/* The body; the type is "" when there is none. */
HL_EXPORT struct hl_slice hl_message_body(const struct hl_message *message);
HL_EXPORT const char *hl_message_content_type(const struct hl_message *message);
HL_EXPORT bool hl_message_has_sdp(const struct hl_message *message);
/* Replaces the body (copied); an empty one removes it and its type. 0 or -ENOMEM. */
HL_EXPORT int hl_message_set_body(struct hl_message *message, const char *type,
				  struct hl_slice body);

#endif
