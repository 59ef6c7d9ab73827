/* Random bytes, drawn from the kernel a page at a time so that a tag does not cost a system call.
 */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	POOL_SIZE = 1024,
	WHOLE = 12 /* characters of a token that a number of 64 bits gives in full */
};

static const char alphabet[32] = "0123456789abcdefghijklmnopqrstuv";

static _Thread_local struct {
	unsigned char bytes[POOL_SIZE];
	size_t left; /* unused bytes, at the end */
} pool;

/* There is no going on without randomness: every tag and nonce would be guessable. */
static void draw(unsigned char *data, size_t length)
{
	while (length) {
		ssize_t got = getrandom(data, length, 0);

		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			data += got;
			length -= (size_t)got;
		}
	}
}

void hl_random_bytes(void *data, size_t length)
{
	unsigned char *from;

	if (length > POOL_SIZE / 4) {
		draw(data, length);
		return;
	}
	if (length > pool.left) {
		draw(pool.bytes, POOL_SIZE);
		pool.left = POOL_SIZE;
	}
	from = pool.bytes + POOL_SIZE - pool.left;
	memcpy(data, from, length);
	/* What was handed out is a secret of its owner from now on. */
	memset(from, 0, length);
	pool.left -= length;
}

uint64_t hl_random_u64(void)
{
	uint64_t number;

	hl_random_bytes(&number, sizeof(number));
	return number;
}

uint64_t hl_random_below(uint64_t bound)
{
	/* A multiple of `bound`: what is above it would favour the small numbers. */
	uint64_t limit = UINT64_MAX - UINT64_MAX % bound, number;

	do
		number = hl_random_u64();
	while (number >= limit);
	return number % bound;
}

void hl_random_token(char *token, size_t size)
{
	if (!size)
		return;
	hl_random_bytes(token, size - 1);
	for (size_t i = 0; i + 1 < size; i++)
		token[i] = alphabet[(unsigned char)token[i] % sizeof(alphabet)];
	token[size - 1] = '\0';
}

void hl_token(uint64_t number, char *token, size_t size)
{
	for (size_t i = 0; i + 1 < size && i < WHOLE; i++, number >>= 5)
		*token++ = alphabet[number % sizeof(alphabet)];
	*token = '\0';
}
