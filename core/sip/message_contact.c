/* Contact (RFC 3261 §20.10): its URI is read in place, its parameters are libosip2's reading, made
 * when first asked for. libosip2's habits stay in this file: it takes memory piece by piece, keeps
 * blanks around parameters, and passes over empty values. */
#include "sip/message_parts.h"

#include <errno.h>
#include <strings.h>

#include <osipparser2/osip_parser.h>

enum {
	Q_ONE = 1000,	 /* thousandths */
	PARAMETERS = 128 /* of a value that libosip2 reads: it walks its list for each */
};

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

/* Whether a value has more parameters than anybody needs. */
static bool is_overloaded(const char *value)
{
	unsigned count = 0;

	while ((value = strpbrk(value, ";&")) && ++count <= PARAMETERS)
		value++;
	return count > PARAMETERS;
}

static int read_one(osip_list_t *list, const char *value)
{
	osip_contact_t *contact;
	int error = is_overloaded(value) ? -EBADMSG : from_osip(osip_contact_init(&contact));

	if (!error)
		error = from_osip(osip_contact_parse(contact, value));
	if (error)
		return error;
	if (!contact->url && strcmp(value, "*"))
		return -EBADMSG;
	tidy(&contact->gen_params);
	return from_osip(osip_list_add(list, contact, -1));
}

int hl_contacts_read(const struct hl_message *constant)
{
	struct hl_message *message = (struct hl_message *)(uintptr_t)constant; /* a cache only */
	osip_list_t *list = message->contacts;
	int error = 0;

	if (list)
		return 0;
	list = hl_message_alloc(message, sizeof(*list));
	if (!list)
		return -ENOMEM;
	lend(message);
	osip_list_init(list);
	for (unsigned i = 0; i < message->count && !error; i++)
		if (message->headers[i].kind == HL_HEADER_CONTACT)
			error = read_one(list, message->headers[i].value);
	if (!error)
		message->contacts = list;
	return error;
}

/* A parameter by name, or NULL. */
static const osip_generic_param_t *find(const osip_list_t *list, const char *name)
{
	osip_list_iterator_t at;
	const osip_generic_param_t *parameter = osip_list_get_first(list, &at);

	while (parameter && (!parameter->gname || strcasecmp(parameter->gname, name)))
		parameter = osip_list_get_next(&at);
	return parameter;
}

/* The value of a number parameter, 0 when it is missing or none. */
static unsigned small_number(const osip_generic_param_t *parameter, unsigned most)
{
	uint64_t number;

	if (!parameter || hl_slice_number(hl_slice_of(parameter->gvalue), &number) || number > most)
		return 0;
	return (unsigned)number;
}

/* "0.25" in thousandths; −2 for what is no q-value (RFC 3261 §25.1). */
static int q_value(const char *text)
{
	struct hl_slice rest = hl_slice_of(text), whole = hl_slice_cut(&rest, '.');
	int value, unit = Q_ONE / 10;

	if (whole.length != 1 || (*whole.data != '0' && *whole.data != '1') || rest.length > 3)
		return -2;
	value = (*whole.data - '0') * Q_ONE;
	for (size_t i = 0; i < rest.length; i++, unit /= 10) {
		if (rest.data[i] < '0' || rest.data[i] > '9')
			return -2;
		value += (rest.data[i] - '0') * unit;
	}
	return value > Q_ONE ? -2 : value;
}

/* RFC 3261 §20.19 goes no further than 2^32−1: what is beyond is no expiry. */
static int64_t expires_value(const char *text)
{
	uint64_t seconds;

	if (hl_slice_number(hl_slice_of(text), &seconds) || seconds > UINT32_MAX)
		return -2;
	return (int64_t)seconds;
}

/* "<urn:uuid:…>" in quotes, without either (RFC 5626 §4.1). */
static struct hl_slice instance_value(const char *text)
{
	struct hl_slice value = hl_slice_of(text);

	if (value.length >= 2 && *value.data == '"' && value.data[value.length - 1] == '"')
		value = (struct hl_slice){value.data + 1, value.length - 2};
	if (value.length >= 2 && *value.data == '<' && value.data[value.length - 1] == '>')
		value = (struct hl_slice){value.data + 1, value.length - 2};
	return value;
}

bool hl_message_contact_uri(const struct hl_message *message, unsigned index, struct hl_slice *uri)
{
	const struct hl_header *header = hl_header_nth(message, HL_HEADER_CONTACT, index);
	const struct hl_name *first;

	if (!header)
		return false;
	if (index) {
		*uri = hl_header_uri(header->value);
		return true;
	}
	first = hl_message_name(message, HL_HEADER_CONTACT);
	*uri = first ? first->uri : (struct hl_slice){"", 0};
	return true;
}

int hl_message_contact(const struct hl_message *message, unsigned index,
		       struct hl_contact_field *contact)
{
	const osip_generic_param_t *expires, *q, *instance;
	const osip_contact_t *read;
	struct hl_slice uri;
	int error;

	if (!hl_message_contact_uri(message, index, &uri))
		return -ENOENT;
	error = hl_contacts_read(message);
	if (error)
		return error;
	read = osip_list_get(message->contacts, (int)index);
	expires = find(&read->gen_params, "expires");
	q = find(&read->gen_params, "q");
	instance = find(&read->gen_params, "+sip.instance");
	*contact = (struct hl_contact_field){
		.star = !read->url,
		.uri = uri,
		.expires = expires ? expires_value(expires->gvalue) : -1,
		.q = q ? q_value(q->gvalue) : -1,
		.instance = instance_value(instance ? instance->gvalue : NULL),
		.reg_id = small_number(find(&read->gen_params, "reg-id"), INT32_MAX),
	};
	return 0;
}
