/* The growing text buffer: doubles, keeps room for the NUL, refuses to go on once it failed. */
#include "base/text.h"
#include "base/memory.h"

#include <stdio.h>

enum { INITIAL_CAPACITY = 128, STEP = 256 /* of what is reserved: few sizes, used again */ };

void hl_text_init(struct hl_text *text)
{
	*text = (struct hl_text){0};
}

void hl_text_fini(struct hl_text *text)
{
	hl_free(text->data);
	hl_text_init(text);
}

void hl_text_clear(struct hl_text *text)
{
	text->length = 0;
	text->failed = false;
	if (text->data)
		text->data[0] = '\0';
}

static bool grow(struct hl_text *text, size_t capacity)
{
	char *data = text->failed ? NULL : hl_realloc(text->data, capacity);

	text->failed |= !data;
	if (!data)
		return false;
	text->data = data;
	text->capacity = capacity;
	return true;
}

/* Makes room for `length` bytes more and the NUL. */
static bool reserve(struct hl_text *text, size_t length)
{
	size_t capacity = text->capacity ? text->capacity : INITIAL_CAPACITY;

	if (text->failed)
		return false;
	if (text->length + length < text->capacity)
		return true;
	if (length > SIZE_MAX / 4 || text->length > SIZE_MAX / 4) {
		text->failed = true;
		return false;
	}
	while (capacity <= text->length + length)
		capacity *= 2;
	return grow(text, capacity);
}

void hl_text_reserve(struct hl_text *text, size_t length)
{
	if (text->length + length >= text->capacity)
		grow(text, (text->length + length + STEP) / STEP * STEP);
}

void hl_text_append(struct hl_text *text, const void *data, size_t length)
{
	if (!reserve(text, length))
		return;
	if (length)
		memcpy(text->data + text->length, data, length);
	text->length += length;
	text->data[text->length] = '\0';
}

char *hl_text_room(struct hl_text *text, size_t length)
{
	char *at;

	if (!reserve(text, length))
		return NULL;
	at = text->data + text->length;
	text->length += length;
	text->data[text->length] = '\0';
	return at;
}

void hl_text_put(struct hl_text *text, const char *string)
{
	hl_text_append(text, string, strlen(string));
}

char *hl_put_number(char *at, uint64_t number)
{
	char digits[HL_NUMBER_TEXT];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		*at++ = digits[--count];
	return at;
}

char *hl_put_text(char *at, const char *end, struct hl_slice text)
{
	size_t room = (size_t)(end - at) - 1;
	size_t length = text.length < room ? text.length : room;

	if (length)
		memcpy(at, text.data, length);
	at[length] = '\0';
	return at + length;
}

void hl_text_number(struct hl_text *text, uint64_t number)
{
	char digits[HL_NUMBER_TEXT];

	hl_text_append(text, digits, (size_t)(hl_put_number(digits, number) - digits));
}

void hl_text_slice(struct hl_text *text, struct hl_slice slice)
{
	hl_text_append(text, slice.data, slice.length);
}

void hl_text_printf(struct hl_text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	hl_text_vprintf(text, format, arguments);
	va_end(arguments);
}

void hl_text_vprintf(struct hl_text *text, const char *format, va_list arguments)
{
	va_list again;
	size_t room;
	int length;

	if (!reserve(text, 0))
		return;
	room = text->capacity - text->length;
	va_copy(again, arguments);
	length = vsnprintf(text->data + text->length, room, format, arguments);
	if (length >= 0 && (size_t)length >= room && reserve(text, (size_t)length))
		vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
	va_end(again);
	if (length < 0)
		text->failed = true;
	if (text->failed)
		text->data[text->length] = '\0';
	else
		text->length += (size_t)length;
}

const char *hl_text_string(const struct hl_text *text)
{
	return text->data ? text->data : "";
}

char *hl_text_take(struct hl_text *text)
{
	char *data;

	hl_text_append(text, NULL, 0);
	if (text->failed) {
		hl_text_fini(text);
		return NULL;
	}
	data = text->data;
	hl_text_init(text);
	return data;
}
