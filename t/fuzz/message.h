/* The door of the fuzz target t/fuzz/message.c. */
#ifndef HL_FUZZ_MESSAGE_H
#define HL_FUZZ_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
