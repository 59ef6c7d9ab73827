/* MD5, RFC 1321 section 3. */
#include "md5.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MD5_BLOCK 64
#define MD5_STEPS 64

static const unsigned char md5_shift[4][4] = {
	{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

/* Section 3.4: floor(2^32 * abs(sin(i + 1))). */
static const uint32_t *md5_sines(void)
{
	static uint32_t sines[MD5_STEPS];
	int i;

	for (i = 0; !sines[MD5_STEPS - 1] && i < MD5_STEPS; i++)
		sines[i] = (uint32_t)(int64_t)floor(fabs(sin(i + 1)) * 4294967296.0);
	return sines;
}

static uint32_t md5_mix(int step, uint32_t b, uint32_t c, uint32_t d)
{
	switch (step / 16) {
	case 0: return (b & c) | (~b & d);
	case 1: return (b & d) | (c & ~d);
	case 2: return b ^ c ^ d;
	default: return c ^ (b | ~d);
	}
}

static int md5_word(int step)
{
	static const unsigned char factor[4] = {1, 5, 3, 7}, offset[4] = {0, 1, 5, 0};

	return (factor[step / 16] * step + offset[step / 16]) % 16;
}

static void md5_block(uint32_t state[4], const unsigned char *block)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], word[16], sum;
	const uint32_t *sines = md5_sines();
	int i, shift;

	for (i = 0; i < 16; i++)
		word[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
			  (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
	for (i = 0; i < MD5_STEPS; i++) {
		shift = md5_shift[i / 16][i % 4];
		sum = a + md5_mix(i, b, c, d) + sines[i] + word[md5_word(i)];
		a = d;
		d = c;
		c = b;
		b += sum << shift | sum >> (32 - shift);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void bench_md5(const void *data, size_t length, char hex[BENCH_MD5_HEX])
{
	uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	unsigned char tail[2 * MD5_BLOCK] = {0};
	size_t rest = length % MD5_BLOCK, whole = length - rest, padded, i;
	uint64_t bits = (uint64_t)length * 8;

	for (i = 0; i < whole; i += MD5_BLOCK)
		md5_block(state, (const unsigned char *)data + i);
	memcpy(tail, (const unsigned char *)data + whole, rest);
	tail[rest] = 0x80;
	padded = rest < MD5_BLOCK - 8 ? MD5_BLOCK : 2 * MD5_BLOCK;
	for (i = 0; i < 8; i++)
		tail[padded - 8 + i] = (unsigned char)(bits >> 8 * i);
	for (i = 0; i < padded; i += MD5_BLOCK)
		md5_block(state, tail + i);
	for (i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", state[i / 4] >> 8 * (i % 4) & 0xff);
}
