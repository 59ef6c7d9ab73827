/* The switch's clock: the only source of time. It starts at the real time and runs `rate` times as
 * fast; tests replace it by one that moves when told. All values are microseconds. */
#ifndef HL_BASE_CLOCK_H
#define HL_BASE_CLOCK_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define HL_MILLISECOND 1000ull
#define HL_SECOND 1000000ull

/* Sets how fast the clock runs (1–100); before the first loop starts. */
HL_EXPORT void hl_clock_set_rate(unsigned rate);
HL_EXPORT unsigned hl_clock_rate(void);
/* Monotonic time of the switch. Thread-safe. */
HL_EXPORT uint64_t hl_clock_now(void);
/* The switch's time of day: microseconds since the epoch, UTC, moving with hl_clock_now. */
HL_EXPORT uint64_t hl_clock_wall(void);
/* The time of day that belongs to a moment of hl_clock_now. */
HL_EXPORT uint64_t hl_clock_wall_at(uint64_t moment);
/* Real monotonic time, not scaled: Lua limits, control time-outs, trace stamps. */
HL_EXPORT uint64_t hl_clock_real(void);
/* Processor time of the calling thread: what a computation has used, however busy the machine. */
HL_EXPORT uint64_t hl_clock_processor(void);

enum { HL_CLOCK_TEXT = 32 };
/* RFC 3339, UTC, milliseconds: "2026-11-22T15:53:07.123Z", for microseconds since the epoch. */
HL_EXPORT void hl_clock_format(uint64_t wall, char text[HL_CLOCK_TEXT]);
/* The way back. 0, or -EINVAL when the text has not that form. */
HL_EXPORT int hl_clock_parse(struct hl_slice text, uint64_t *wall);

/* Tests: freezes the clock at `now` (0: back to the real one). */
HL_EXPORT void hl_clock_fake(uint64_t now);
HL_EXPORT bool hl_clock_is_fake(void);

#endif
