/* libosip2's reading of Via and Contact. Its habits stay in this file: it takes memory
 * piece by piece, keeps blanks around parameters, takes brackets off hosts, and passes over empty
 * values. */
#include "sip/message_parts.h"

#include <errno.h>
#include <strings.h>

#include <osipparser2/osip_parser.h>

/* Whose memory libosip2 is given. Nothing of its is freed by itself: all goes with the message. */
static _Thread_local struct hl_message *owner;

static void *give(size_t size)
{
	return owner ? hl_message_alloc(owner, size) : NULL;
}

/* Only its writers resize, and they are not used. */
static void *give_more(void *block, size_t size)
{
	(void)block, (void)size;
	return NULL;
}

static void take_back(void *block)
{
	(void)block;
}

static void lend(struct hl_message *message)
{
	if (osip_malloc_func != give)
		osip_set_allocators(give, give_more, take_back);
	owner = message;
}

/* libosip2's codes: everything but "no memory" means that it could not be read. */
static int from_osip(int code)
{
	return code >= 0 ? 0 : code == OSIP_NOMEM ? -ENOMEM : -EBADMSG;
}

void hl_header_forget(struct hl_message *message, unsigned kind)
{
	if (kind == HL_HEADER_VIA)
		message->via_read = false;
	if (kind == HL_HEADER_FROM)
		message->from_tag = message->display = NULL;
	if (kind == HL_HEADER_TO)
		message->to_tag = NULL;
	/* Only these two are kept read; other kinds may be beyond the bits of `read`. */
	if ((kind != HL_HEADER_VIA && kind != HL_HEADER_CONTACT) || !(message->read & 1u << kind))
		return;
	message->read &= ~(1u << kind);
	osip_list_init(kind == HL_HEADER_VIA ? &message->typed->vias : &message->typed->contacts);
}

/* Our readers want the host of IPv6 as it stands. */
static int bracket_host(osip_via_t *via)
{
	size_t length = strlen(via->host);
	char *host;

	if (!strchr(via->host, ':'))
		return 0;
	host = give(length + 3);
	if (!host)
		return -ENOMEM;
	host[0] = '[';
	memcpy(host + 1, via->host, length);
	memcpy(host + 1 + length, "]", 2);
	via->host = host;
	return 0;
}

static void trim_in_place(char *text)
{
	struct hl_slice trimmed = hl_slice_trim(hl_slice_of(text));

	if (!text || trimmed.length == strlen(text))
		return;
	memmove(text, trimmed.data, trimmed.length);
	text[trimmed.length] = '\0';
}

/* `; tag = 1` has a parameter "tag". */
static void tidy(osip_list_t *parameters)
{
	osip_list_iterator_t at;
	osip_generic_param_t *parameter = osip_list_get_first(parameters, &at);

	for (; parameter; parameter = osip_list_get_next(&at)) {
		trim_in_place(parameter->gname);
		trim_in_place(parameter->gvalue);
	}
}

static int read_via(const char *value, osip_via_t **read)
{
	uint64_t port = 1;
	osip_via_t *via;
	int error = from_osip(osip_via_init(&via));

	if (!error)
		error = from_osip(osip_via_parse(via, value));
	if (error)
		return error;
	/* Any three words with slashes between them have been taken. */
	if (strncasecmp(value, "SIP", 3) || value[3 + strspn(value + 3, " \t")] != '/' ||
	    strcmp(via->version, "2.0") || !hl_is_token(hl_slice_of(via->protocol)))
		return -EBADMSG;
	/* Comments went with RFC 2543, and would hide what is added behind them. */
	if (!via->host || !*via->host || via->comment ||
	    via->host[strcspn(via->host, " \t,;()<>\"@/?=[]")])
		return -EBADMSG;
	if (via->port &&
	    (hl_slice_number(hl_slice_of(via->port), &port) || !port || port > UINT16_MAX))
		return -EBADMSG;
	tidy(&via->via_params);
	*read = via;
	return bracket_host(via);
}

/* Sets a parameter of a reading, adding it where there is none. */
static int set_parameter(struct hl_message *message, osip_via_t *via, const char *name,
			 struct hl_slice value)
{
	osip_list_iterator_t at;
	osip_generic_param_t *parameter = osip_list_get_first(&via->via_params, &at);
	char *copy = hl_message_copy(message, value);
	char *title;

	if (!copy)
		return -ENOMEM;
	while (parameter && strcasecmp(parameter->gname, name))
		parameter = osip_list_get_next(&at);
	if (parameter) {
		parameter->gvalue = copy;
		return 0;
	}
	title = hl_message_copy(message, hl_slice_of(name));
	return title ? from_osip(osip_generic_param_add(&via->via_params, title, copy)) : -ENOMEM;
}

void hl_via_reread(struct hl_message *message, struct hl_slice received, struct hl_slice rport)
{
	osip_via_t *via;
	int error = 0;

	message->via_read = false;
	if (!(message->read & 1u << HL_HEADER_VIA))
		return;
	lend(message);
	via = osip_list_get(&message->typed->vias, 0);
	if (received.length)
		error = set_parameter(message, via, "received", received);
	if (!error && rport.length)
		error = set_parameter(message, via, "rport", rport);
	if (error)
		hl_header_forget(message, HL_HEADER_VIA);
}

static int read_contact(const char *value, osip_contact_t **read)
{
	osip_contact_t *contact;
	int error = from_osip(osip_contact_init(&contact));

	if (!error)
		error = from_osip(osip_contact_parse(contact, value));
	if (error)
		return error;
	if (!contact->url && strcmp(value, "*"))
		return -EBADMSG;
	tidy(&contact->gen_params);
	*read = contact;
	return 0;
}

/* Reads one value into the list of its kind. */
static int read_one(osip_message_t *typed, unsigned kind, const char *value)
{
	osip_via_t *via;
	osip_contact_t *contact;
	int error = kind == HL_HEADER_VIA ? read_via(value, &via) : read_contact(value, &contact);

	if (error)
		return error;
	return from_osip(kind == HL_HEADER_VIA ? osip_list_add(&typed->vias, via, -1)
					       : osip_list_add(&typed->contacts, contact, -1));
}

int hl_header_read(const struct hl_message *constant, unsigned kind)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant;
	int error = 0;

	if (message->read & 1u << kind)
		return 0;
	lend(message);
	if (!message->typed && osip_message_init(&message->typed)) {
		message->typed = NULL;
		return -ENOMEM;
	}
	message->read |= 1u << kind;
	for (unsigned i = 0; i < message->count && !error; i++)
		if (message->headers[i].kind == kind)
			error = read_one(message->typed, kind, message->headers[i].value);
	if (error)
		hl_header_forget(message, kind);
	return error;
}
