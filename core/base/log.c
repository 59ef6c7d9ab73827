/* The log: builds a line and writes it with one system call, or a turn's lines together. In text, a
 * value with blanks, quotes, backslashes, control or non-ASCII bytes is quoted and those bytes
 * escaped, so that nobody outside can begin a line or a field. */
#include "base/log.h"
#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* A longer value is cut: the log is not where an attacker stores things. */
enum { VALUE_BYTES = 4096 };
enum { WAITING = 32 << 10 }; /* bytes of lines that wait at most */

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static _Atomic int log_level = HL_LOG_INFO;
static _Atomic int log_format = HL_LOG_TEXT;
static _Thread_local bool gathering;

/* Lines that wait, in order. */
static struct {
	pthread_mutex_t lock;
	size_t length;
	char bytes[WAITING];
} waiting = {.lock = PTHREAD_MUTEX_INITIALIZER};

void hl_log_setup(enum hl_log_level level, enum hl_log_format format)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
	atomic_store_explicit(&log_format, (int)format, memory_order_relaxed);
}

bool hl_log_enabled(enum hl_log_level level)
{
	return (int)level >= atomic_load_explicit(&log_level, memory_order_relaxed);
}

static bool harmless(unsigned char byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void put_quoted(struct hl_text *line, struct hl_slice value)
{
	hl_text_append(line, "\"", 1);
	for (size_t i = 0; i < value.length; i++) {
		unsigned char byte = (unsigned char)value.data[i];

		if (harmless(byte) || byte == ' ')
			hl_text_append(line, &byte, 1);
		else if (byte == '"' || byte == '\\')
			hl_text_printf(line, "\\%c", byte);
		else if (byte == '\n' || byte == '\r' || byte == '\t')
			hl_text_put(line, byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : "\\t");
		else
			hl_text_printf(line, "\\x%02x", byte);
	}
	hl_text_append(line, "\"", 1);
}

static void put_string(struct hl_text *line, struct hl_slice value)
{
	bool plain = value.length > 0;

	for (size_t i = 0; i < value.length && plain; i++)
		plain = harmless((unsigned char)value.data[i]);
	if (plain)
		hl_text_slice(line, value);
	else
		put_quoted(line, value);
}

static void put_words(struct hl_text *line, struct hl_slice value)
{
	hl_text_append(line, "\"", 1);
	hl_text_slice(line, value);
	hl_text_append(line, "\"", 1);
}

static struct hl_slice cut(struct hl_slice value)
{
	if (value.length > VALUE_BYTES)
		value.length = VALUE_BYTES;
	return value;
}

static void put_key(struct hl_text *line, const char *key)
{
	hl_text_append(line, " ", 1);
	hl_text_put(line, key);
	hl_text_append(line, "=", 1);
}

static void put_text(struct hl_text *line, const char *time, const char *level, const char *tag,
		     const char *event, const struct hl_log_field *field)
{
	struct hl_json number; /* for its number format */

	hl_text_put(line, time);
	put_key(line, "level");
	hl_text_put(line, level);
	put_key(line, "tag");
	hl_text_put(line, tag);
	put_key(line, "event");
	hl_text_put(line, event);
	for (; field->key; field++) {
		put_key(line, field->key);
		hl_json_init(&number, line);
		switch (field->type) {
		case HL_FIELD_STRING: put_string(line, cut(field->string)); break;
		case HL_FIELD_WORDS: put_words(line, field->string); break;
		case HL_FIELD_INTEGER: hl_json_integer(&number, field->integer); break;
		case HL_FIELD_NUMBER: hl_json_number(&number, field->number); break;
		}
	}
}

static void put_json(struct hl_text *line, const char *time, const char *level, const char *tag,
		     const char *event, const struct hl_log_field *field)
{
	struct hl_json json;

	hl_json_init(&json, line);
	hl_json_object(&json);
	hl_json_put_string(&json, "time", time);
	hl_json_put_string(&json, "level", level);
	hl_json_put_string(&json, "tag", tag);
	hl_json_put_string(&json, "event", event);
	for (; field->key; field++)
		switch (field->type) {
		case HL_FIELD_STRING:
		case HL_FIELD_WORDS:
			hl_json_put_slice(&json, field->key, cut(field->string));
			break;
		case HL_FIELD_INTEGER:
			hl_json_put_integer(&json, field->key, field->integer);
			break;
		case HL_FIELD_NUMBER: hl_json_put_number(&json, field->key, field->number); break;
		}
	hl_json_object_end(&json);
}

static void write_line(const char *data, size_t length)
{
	while (length) {
		ssize_t written = write(STDERR_FILENO, data, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return; /* there is nowhere left to say so */
		data += written;
		length -= (size_t)written;
	}
}

static void write_waiting(void)
{
	write_line(waiting.bytes, waiting.length);
	waiting.length = 0;
}

void hl_log_gather(bool on)
{
	gathering = on;
}

void hl_log_flush(void)
{
	pthread_mutex_lock(&waiting.lock);
	write_waiting();
	pthread_mutex_unlock(&waiting.lock);
}

/* A line that wants to be seen at once takes along what was said before it. */
static void put_line(const struct hl_text *line, bool at_once)
{
	pthread_mutex_lock(&waiting.lock);
	if (line->length > WAITING - waiting.length)
		write_waiting();
	if (line->length > WAITING) {
		write_line(line->data, line->length);
	} else {
		memcpy(waiting.bytes + waiting.length, line->data, line->length);
		waiting.length += line->length;
		if (at_once)
			write_waiting();
	}
	pthread_mutex_unlock(&waiting.lock);
}

void hl_log_write(enum hl_log_level level, const char *tag, const char *event,
		  const struct hl_log_field *fields)
{
	static const struct hl_log_field no_memory[] = {
		{.key = "fields", .string = HL_SLICE_LITERAL("lost,no-memory")}, {.key = NULL}};
	bool json = atomic_load_explicit(&log_format, memory_order_relaxed) == HL_LOG_JSON;
	int saved_errno = errno;
	char time[HL_CLOCK_TEXT];
	struct hl_text line;

	hl_clock_format(hl_clock_wall(), time);
	hl_text_init(&line);
	(json ? put_json : put_text)(&line, time, level_names[level], tag, event, fields);
	if (line.failed) {
		hl_text_clear(&line);
		(json ? put_json : put_text)(&line, time, level_names[level], tag, event,
					     no_memory);
	}
	hl_text_append(&line, "\n", 1);
	if (!line.failed)
		put_line(&line, !gathering || level >= HL_LOG_WARN);
	hl_text_fini(&line);
	errno = saved_errno;
}

bool hl_log_allow(struct hl_log_limit *limit, uint64_t *withheld)
{
	uint64_t now = hl_clock_real();

	if (now < limit->next) {
		limit->withheld++;
		return false;
	}
	*withheld = limit->withheld;
	limit->withheld = 0;
	limit->next = now + HL_SECOND;
	return true;
}
