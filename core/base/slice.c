/* Slices: comparing, cutting and reading bytes that somebody else owns. */
#include "base/slice.h"
#include "base/memory.h"

#include <errno.h>

static inline unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool hl_slice_equal(struct hl_slice a, struct hl_slice b)
{
	return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

bool hl_slice_equal_nocase(struct hl_slice a, struct hl_slice b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (a.data[i] != b.data[i] && lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

bool hl_slice_starts(struct hl_slice s, struct hl_slice prefix)
{
	return s.length >= prefix.length &&
	       (!prefix.length || !memcmp(s.data, prefix.data, prefix.length));
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct hl_slice hl_slice_trim(struct hl_slice s)
{
	while (s.length && blank(s.data[0])) {
		s.data++;
		s.length--;
	}
	while (s.length && blank(s.data[s.length - 1]))
		s.length--;
	return s;
}

struct hl_slice hl_slice_cut(struct hl_slice *rest, char separator)
{
	struct hl_slice head = *rest;
	const char *at = head.length ? memchr(head.data, separator, head.length) : NULL;

	if (!at) {
		*rest = (struct hl_slice){NULL, 0};
		return head;
	}
	head.length = (size_t)(at - head.data);
	rest->data = at + 1;
	rest->length -= head.length + 1;
	return head;
}

int hl_slice_number(struct hl_slice s, uint64_t *number)
{
	uint64_t value = 0;
	bool overflow = false;

	if (!s.length)
		return -EINVAL;
	for (size_t i = 0; i < s.length; i++) {
		unsigned digit = (unsigned)(s.data[i] - '0');

		if (s.data[i] < '0' || s.data[i] > '9')
			return -EINVAL;
		overflow |= __builtin_mul_overflow(value, 10u, &value) ||
			    __builtin_add_overflow(value, digit, &value);
	}
	if (overflow)
		return -ERANGE;
	*number = value;
	return 0;
}

char *hl_slice_copy(struct hl_slice s)
{
	char *copy = hl_alloc(s.length + 1);

	if (!copy)
		return NULL;
	if (s.length)
		memcpy(copy, s.data, s.length);
	copy[s.length] = '\0';
	return copy;
}

/* Only the last star has to be remembered: what an earlier one could match more of, the later one
 * can match instead. */
bool hl_slice_glob(struct hl_slice pattern, struct hl_slice text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

	while (t < text.length) {
		if (p < pattern.length && pattern.data[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.length && (pattern.data[p] == '?' ||
						  lower(pattern.data[p]) == lower(text.data[t]))) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.length && pattern.data[p] == '*')
		p++;
	return p == pattern.length;
}
