/* A message as a whole: its memory, and how new ones are put together and written (RFC 3261 §7,
 * §8.1.1, §8.2.6). Text lives in blocks that go with the message, the first of them allocated
 * together with it: a response costs one allocation. */
#include "sip/message_parts.h"

#include "base/memory.h"

#include <errno.h>

#include <osipparser2/osip_parser.h>

enum {
	ALIGNMENT = 8,	     /* of memory in blocks */
	CHUNK = 1024,	     /* bytes, at least, of a further block */
	HEADER_SPARE = 2560, /* for the headers of a message and what is added to it */
	STEP = 2048,	     /* messages are allocated in these sizes, and kept by them */
	SIZES = 4,	     /* of messages that are kept; what is larger is not */
	KEPT = 32,	     /* at most, of each size */
};

struct hl_message_chunk {
	struct hl_message_chunk *next;
};

/* A few freed messages by size: to malloc they are large, and each would be merged and split again.
 * Messages are the signalling thread's. */
static struct shelf {
	struct hl_message *first; /* linked by `next_kept` */
	unsigned count;
} shelves[SIZES];

#ifdef __SANITIZE_ADDRESS__
enum { SHELVING = false }; /* what is freed shall be seen to be */
#else
enum { SHELVING = true };
#endif

static struct hl_message *take_kept(size_t steps)
{
	struct shelf *shelf = &shelves[steps - 1];
	struct hl_message *message = shelf->first;

	if (message) {
		shelf->first = message->next_kept;
		shelf->count--;
	}
	return message;
}

static bool keep(struct hl_message *message)
{
	struct shelf *shelf;

	if (!SHELVING || message->steps > SIZES)
		return false;
	shelf = &shelves[message->steps - 1];
	if (shelf->count == KEPT)
		return false;
	message->next_kept = shelf->first;
	shelf->first = message;
	shelf->count++;
	return true;
}

struct hl_message *hl_message_new(size_t spare)
{
	size_t steps = (sizeof(struct hl_message) + spare + STEP - 1) / STEP;
	struct hl_message *message = steps <= SIZES ? take_kept(steps) : NULL;

	if (!message)
		message = hl_alloc(steps * STEP);
	if (!message)
		return NULL;
	*message = (struct hl_message){.method_text = "", .reason = "", .request_uri = ""};
	message->steps = steps;
	message->free = (char *)(message + 1);
	message->left = steps * STEP - sizeof(*message);
	return message;
}

void *hl_message_alloc(struct hl_message *message, size_t size)
{
	struct hl_message_chunk *chunk;
	void *memory;

	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (size > message->left) {
		message->left = size > CHUNK ? size : CHUNK;
		chunk = hl_alloc(sizeof(*chunk) + message->left);
		if (!chunk) {
			message->left = 0;
			return NULL;
		}
		chunk->next = message->chunks;
		message->chunks = chunk;
		message->free = (char *)(chunk + 1);
	}
	memory = message->free;
	message->free += size;
	message->left -= size;
	return memory;
}

char *hl_message_copy(struct hl_message *message, struct hl_slice text)
{
	char *copy = hl_message_alloc(message, text.length + 1);

	if (!copy)
		return NULL;
	if (text.length)
		memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	return copy;
}

void hl_message_free(struct hl_message *message)
{
	struct hl_message_chunk *chunk, *next;

	if (!message)
		return;
	for (chunk = message->chunks; chunk; chunk = next) {
		next = chunk->next;
		hl_free(chunk);
	}
	if (!keep(message))
		hl_free(message);
}

static bool has_line_break(struct hl_slice text)
{
	return memchr(text.data, '\r', text.length) || memchr(text.data, '\n', text.length);
}

/* Copies `value` and puts it in as a header at `at`; nothing has changed when that fails. */
static int insert_copy(struct hl_message *message, unsigned at, unsigned kind, struct hl_slice name,
		       struct hl_slice value)
{
	struct hl_slice trimmed = hl_slice_trim(value);
	char *copy = hl_message_copy(message, trimmed);
	unsigned count = message->count;
	int error;

	if (kind == HL_HEADER_OTHER)
		name.data = hl_message_copy(message, name);
	if (!copy || !name.data)
		return -ENOMEM;
	error = hl_header_insert(message, at, kind, name, copy, trimmed.length);
	if (error && at == count)
		message->count = count;
	else
		hl_header_forget(message, kind);
	return error == -E2BIG ? -ENOMEM : error;
}

/* What may be written as that header: 0 or -EINVAL. */
static int check_header(struct hl_message *message, unsigned kind, struct hl_slice name,
			struct hl_slice value)
{
	struct hl_slice method, rest = value;
	struct hl_name parts;
	int error = 0;

	if (!value.data || (kind == HL_HEADER_OTHER && !hl_is_token(name)) || has_line_break(value))
		return -EINVAL;
	switch (kind) {
	case HL_HEADER_CONTENT_LENGTH: return -EINVAL;
	case HL_HEADER_CSEQ:
		error = hl_header_cseq(hl_slice_trim(value), &message->cseq, &method);
		break;
	case HL_HEADER_FROM:
	case HL_HEADER_TO: error = hl_header_name(value, &parts); break;
	case HL_HEADER_CONTACT:
		do {
			struct hl_slice part = hl_slice_trim(hl_header_cut(&rest, ','));

			if (!hl_slice_equal(part, HL_SLICE_LITERAL("*")))
				error = hl_header_name(part, &parts);
		} while (rest.length && !error);
		break;
	}
	return error ? -EINVAL : 0;
}

int hl_message_add_header(struct hl_message *message, const char *name, const char *value)
{
	struct hl_slice title = hl_slice_of(name), text = hl_slice_of(value);
	unsigned kind = hl_header_kind(title);
	int error = check_header(message, kind, title, text);

	return error ? error : insert_copy(message, message->count, kind, title, text);
}

int hl_message_add_constant(struct hl_message *message, const char *name, const char *value)
{
	struct hl_slice title = hl_slice_of(name);
	int error = hl_header_insert(message, message->count, hl_header_kind(title), title,
				     (char *)(uintptr_t)value, strlen(value));

	return error == -E2BIG ? -ENOMEM : error;
}

static bool is_header(const struct hl_header *header, unsigned kind, struct hl_slice name)
{
	if (header->kind != kind)
		return false;
	return kind != HL_HEADER_OTHER ||
	       hl_slice_equal_nocase((struct hl_slice){header->name, header->name_length}, name);
}

/* Takes a header away from among the first `count`. */
static void remove_header(struct hl_message *message, unsigned count, unsigned kind,
			  struct hl_slice name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < message->count; i++)
		if (i >= count || !is_header(&message->headers[i], kind, name))
			message->headers[kept++] = message->headers[i];
	message->count = kept;
	hl_header_forget(message, kind);
}

int hl_message_set_header(struct hl_message *message, const char *name, const char *value)
{
	struct hl_slice title = hl_slice_of(name), text = hl_slice_of(value);
	unsigned kind = hl_header_kind(title), before = message->count;
	bool there = hl_header_seen(message, kind);
	int error = value ? check_header(message, kind, title, text) : 0;

	if (!error && value)
		error = insert_copy(message, before, kind, title, text);
	if (!error && there)
		remove_header(message, before, kind, title);
	return error;
}

int hl_message_set_number(struct hl_message *message, const char *name, uint64_t value)
{
	char text[HL_NUMBER_TEXT + 1];

	*hl_put_number(text, value) = '\0';
	return hl_message_set_header(message, name, text);
}

bool hl_message_end_to_end(const struct hl_message *message, unsigned *place, const char **name,
			   const char **value)
{
	while (*place < message->count) {
		const struct hl_header *header = &message->headers[(*place)++];

		if (!hl_header_end_to_end(header->kind))
			continue;
		*name = header->name;
		*value = header->value;
		return true;
	}
	return false;
}

const char *hl_message_header(const struct hl_message *message, const char *name, unsigned index)
{
	struct hl_slice title = hl_slice_of(name);
	unsigned kind = hl_header_kind(title);

	if (!hl_header_seen(message, kind))
		return NULL;
	for (unsigned i = 0; i < message->count; i++)
		if (is_header(&message->headers[i], kind, title) && !index--)
			return message->headers[i].value;
	return NULL;
}

int hl_message_via_push(struct hl_message *message, const char *value)
{
	return insert_copy(message, 0, HL_HEADER_VIA, (struct hl_slice){"", 0}, hl_slice_of(value));
}

int hl_message_set_body(struct hl_message *message, const char *type, struct hl_slice body)
{
	char *copy = NULL;
	int error;

	if (body.length) {
		copy = hl_message_copy(message, body);
		if (!copy)
			return -ENOMEM;
	}
	error = hl_message_set_header(message, "Content-Type", body.length ? type : NULL);
	if (error)
		return error;
	message->body = (struct hl_slice){copy, body.length};
	return 0;
}

static int add_cseq(struct hl_message *message, uint32_t cseq)
{
	char text[48], *at = hl_put_number(text, cseq);

	at = hl_put_text(at, text + sizeof(text), HL_SLICE_LITERAL(" "));
	at = hl_put_text(at, text + sizeof(text), hl_slice_of(message->method_text));
	message->cseq = cseq;
	return insert_copy(message, message->count, HL_HEADER_CSEQ, (struct hl_slice){"", 0},
			   (struct hl_slice){text, (size_t)(at - text)});
}

struct hl_message *hl_message_request(enum hl_method method, const char *request_uri,
				      const char *from, const char *to, const char *call_id,
				      uint32_t cseq)
{
	struct hl_slice uri = hl_slice_of(request_uri);
	struct hl_message *message = hl_message_new(HEADER_SPARE + 3 * uri.length);

	if (!message)
		return NULL;
	message->method = method;
	message->method_text = hl_method_text(method);
	message->request_uri = hl_message_copy(message, uri);
	if (!message->request_uri || !uri.length || strpbrk(request_uri, " \t\r\n<>\"") ||
	    !*call_id || strpbrk(call_id, " \t") ||
	    hl_message_add_constant(message, "Max-Forwards", "70") ||
	    hl_message_add_header(message, "From", from) ||
	    hl_message_add_header(message, "To", to) ||
	    hl_message_add_header(message, "Call-ID", call_id) ||
	    add_cseq(message, cseq)) {
		hl_message_free(message);
		return NULL;
	}
	return message;
}

/* Whether a header of the request comes back in its response (RFC 3261 §8.2.6, §12.1.1). */
static bool is_copied(unsigned kind, int code)
{
	switch (kind) {
	case HL_HEADER_VIA:
	case HL_HEADER_FROM:
	case HL_HEADER_TO:
	case HL_HEADER_CALL_ID:
	case HL_HEADER_CSEQ: return true;
	case HL_HEADER_RECORD_ROUTE: return code > 100 && code < 300;
	case HL_HEADER_TIMESTAMP: return code == 100;
	default: return false;
	}
}

/* Where parameters begin: a tag put in there is read whatever somebody has left behind it. */
static size_t parameters_at(const char *value, struct hl_slice uri)
{
	size_t at = (size_t)(uri.data + uri.length - value);
	size_t blanks = strspn(value + at, " \t");

	return value[at + blanks] == '>' ? at + blanks + 1 : at;
}

static int copy_header(struct hl_message *response, const struct hl_header *header)
{
	char *value = hl_message_copy(response,
				      (struct hl_slice){header->value, header->value_length});

	return value ? hl_header_insert(response, response->count, header->kind,
					(struct hl_slice){header->name, header->name_length}, value,
					header->value_length)
		     : -ENOMEM;
}

/* Copies To and puts a tag into it. */
static int copy_to(struct hl_message *response, const struct hl_message *request, const char *tag)
{
	const struct hl_name *name = hl_message_name(request, HL_HEADER_TO);
	const char *from = hl_message_to(request);
	size_t at = name ? parameters_at(from, name->uri) : strlen(from);
	size_t size = strlen(from) + sizeof(";tag=") + strlen(tag);
	char *value = hl_message_alloc(response, size), *end = value + size, *next;

	if (!value)
		return -ENOMEM;
	next = hl_put_text(value, end, (struct hl_slice){from, at});
	next = hl_put_text(next, end, HL_SLICE_LITERAL(";tag="));
	next = hl_put_text(next, end, hl_slice_of(tag));
	next = hl_put_text(next, end, hl_slice_of(from + at));
	return hl_header_insert(response, response->count, HL_HEADER_TO, (struct hl_slice){"", 0},
				value, (size_t)(next - value));
}

static const char *usual_reason(int code)
{
	const char *reason = osip_message_get_reason(code);

	return reason ? reason : code < 300 ? "OK" : "Failure";
}

struct hl_message *hl_message_response(const struct hl_message *request, int code,
				       const char *reason, const char *to_tag)
{
	size_t size = HEADER_SPARE + (reason ? strlen(reason) : 0);
	struct hl_message *response;
	int error = 0;

	if (!request)
		return NULL;
	if (to_tag && (*hl_message_to_tag(request) || !*to_tag))
		to_tag = NULL;
	for (unsigned i = 0; i < request->count; i++)
		if (is_copied(request->headers[i].kind, code))
			size += request->headers[i].value_length + 2 * ALIGNMENT;
	response = hl_message_new(size);
	if (!response)
		return NULL;
	response->method = request->method;
	response->method_text = hl_message_copy(response, hl_slice_of(request->method_text));
	response->cseq = request->cseq;
	response->status = code;
	response->reason =
		reason ? hl_message_copy(response, hl_slice_of(reason)) : usual_reason(code);
	if (!response->method_text || !response->reason)
		error = -ENOMEM;
	for (unsigned i = 0; i < request->count && !error; i++) {
		const struct hl_header *header = &request->headers[i];

		if (header->kind == HL_HEADER_TO && to_tag)
			error = copy_to(response, request, to_tag);
		else if (is_copied(header->kind, code))
			error = copy_header(response, header);
	}
	if (!error)
		return response;
	hl_message_free(response);
	return NULL;
}

static void put_start_line(struct hl_text *text, const struct hl_message *message)
{
	if (message->status) {
		hl_text_put(text, "SIP/2.0 ");
		hl_text_number(text, (uint64_t)message->status);
		hl_text_append(text, " ", 1);
		hl_text_put(text, message->reason);
		hl_text_append(text, "\r\n", 2);
	} else {
		hl_text_put(text, message->method_text);
		hl_text_append(text, " ", 1);
		hl_text_put(text, message->request_uri);
		hl_text_put(text, " SIP/2.0\r\n");
	}
}

/* Bytes of what is written, roughly: never less. */
static size_t written_size(const struct hl_message *message)
{
	size_t size = HEADER_SPARE / 16 + strlen(message->reason) + strlen(message->request_uri) +
		      strlen(message->method_text) + message->body.length;

	for (unsigned i = 0; i < message->count; i++)
		size += message->headers[i].name_length + message->headers[i].value_length + 4;
	return size;
}

static char *put(char *at, const char *data, size_t length)
{
	return (char *)mempcpy(at, data, length);
}

static void put_header(struct hl_text *text, const struct hl_header *header)
{
	char *at = text->data + text->length;

	at = put(at, header->name, header->name_length);
	at = put(at, ": ", 2);
	at = put(at, header->value, header->value_length);
	at = put(at, "\r\n", 2);
	text->length = (size_t)(at - text->data);
}

int hl_message_write(const struct hl_message *message, struct hl_text *text)
{
	hl_text_reserve(text, written_size(message));
	if (text->failed)
		return -ENOMEM;
	put_start_line(text, message);
	for (unsigned i = 0; i < message->count; i++)
		if (message->headers[i].kind != HL_HEADER_CONTENT_LENGTH)
			put_header(text, &message->headers[i]);
	hl_text_put(text, "Content-Length: ");
	hl_text_number(text, message->body.length);
	hl_text_append(text, "\r\n\r\n", 4);
	hl_text_slice(text, message->body);
	return text->failed ? -ENOMEM : 0;
}
