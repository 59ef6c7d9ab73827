/* MD5 (RFC 1321) for the phones' digest credentials; the generators link nothing of the switch. */
#ifndef BENCH_MD5_H
#define BENCH_MD5_H

#include <stddef.h>

#define BENCH_MD5_HEX 33

/* The digest of `length` bytes as 32 lower-case hexadecimal digits and a NUL. */
void bench_md5(const void *data, size_t length, char hex[BENCH_MD5_HEX]);

#endif
