/* Unpredictable bytes (getrandom, buffered per thread): tags, branches, Call-IDs, nonces, seeds. */
#ifndef HL_BASE_RANDOM_H
#define HL_BASE_RANDOM_H

#include "base/export.h"

#include <stdint.h>

HL_EXPORT void hl_random_bytes(void *data, size_t length);
HL_EXPORT uint64_t hl_random_u64(void);
/* A number from 0 to bound−1, evenly; bound ≥ 1. */
HL_EXPORT uint64_t hl_random_below(uint64_t bound);
/* `size`−1 characters of [0-9a-v] and a NUL; 5 bits each. */
HL_EXPORT void hl_random_token(char *token, size_t size);
/* The same from the low bits of a number: at most 12 of them, and a NUL. */
HL_EXPORT void hl_token(uint64_t number, char *token, size_t size);

#endif
