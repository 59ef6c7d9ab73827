/* The switch's clock: now = base + (real − base) × rate. Reading takes no lock: rate and bases are
 * set before the threads start, the fake time is one atomic. */
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static uint64_t base_real;  /* µs, monotonic, when the rate was set */
static uint64_t base_now;   /* µs, switch, at base_real */
static int64_t wall_offset; /* µs from hl_clock_now to the time of day */
static unsigned clock_rate = 1;
static _Atomic uint64_t fake; /* µs; 0: not fake */

static uint64_t read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * HL_SECOND + (uint64_t)time.tv_nsec / 1000;
}

/* Time has to stand before any other code asks for it. */
__attribute__((constructor)) static void start_clock(void)
{
	base_real = base_now = read_clock(CLOCK_MONOTONIC);
	wall_offset = (int64_t)(read_clock(CLOCK_REALTIME) - base_now);
}

uint64_t hl_clock_real(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t hl_clock_processor(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t hl_clock_now(void)
{
	uint64_t frozen = atomic_load_explicit(&fake, memory_order_relaxed);

	return frozen ? frozen : base_now + (hl_clock_real() - base_real) * clock_rate;
}

void hl_clock_set_rate(unsigned rate)
{
	uint64_t real = hl_clock_real();

	base_now += (real - base_real) * clock_rate;
	base_real = real;
	clock_rate = rate < 1 ? 1 : rate > 100 ? 100 : rate;
}

unsigned hl_clock_rate(void)
{
	return clock_rate;
}

uint64_t hl_clock_wall_at(uint64_t moment)
{
	return moment + (uint64_t)wall_offset;
}

uint64_t hl_clock_wall(void)
{
	return hl_clock_wall_at(hl_clock_now());
}

static void put_digits(char *at, unsigned digits, unsigned number)
{
	for (; digits; number /= 10)
		at[--digits] = (char)('0' + number % 10);
}

void hl_clock_format(uint64_t wall, char text[HL_CLOCK_TEXT])
{
	/* Times come by the second: the date is worked out once for it. */
	static _Thread_local char last[HL_CLOCK_TEXT] = "1970-01-01T00:00:00.000Z";
	static _Thread_local time_t last_seconds;
	time_t seconds = (time_t)(wall / HL_SECOND);

	if (seconds != last_seconds) {
		struct tm utc;

		gmtime_r(&seconds, &utc);
		put_digits(last, 4, (unsigned)utc.tm_year + 1900);
		put_digits(last + 5, 2, (unsigned)utc.tm_mon + 1);
		put_digits(last + 8, 2, (unsigned)utc.tm_mday);
		put_digits(last + 11, 2, (unsigned)utc.tm_hour);
		put_digits(last + 14, 2, (unsigned)utc.tm_min);
		put_digits(last + 17, 2, (unsigned)utc.tm_sec);
		last_seconds = seconds;
	}
	memcpy(text, last, HL_CLOCK_TEXT);
	put_digits(text + 20, 3, (unsigned)(wall % HL_SECOND / HL_MILLISECOND));
}

int hl_clock_parse(struct hl_slice text, uint64_t *wall)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	unsigned part[7] = {0}, parts = 0;

	if (text.length != sizeof(form) - 1)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		bool digit = text.data[i] >= '0' && text.data[i] <= '9';

		if (form[i] == '0' ? !digit : text.data[i] != form[i])
			return -EINVAL;
		if (digit)
			part[parts] = part[parts] * 10 + (unsigned)(text.data[i] - '0');
		else
			parts++;
	}
	struct tm utc = {.tm_year = (int)part[0] - 1900, .tm_mon = (int)part[1] - 1,
			 .tm_mday = (int)part[2],	 .tm_hour = (int)part[3],
			 .tm_min = (int)part[4],	 .tm_sec = (int)part[5]};
	time_t seconds = timegm(&utc);
	if (seconds < 0)
		return -EINVAL;
	*wall = (uint64_t)seconds * HL_SECOND + part[6] * HL_MILLISECOND;
	return 0;
}

void hl_clock_fake(uint64_t now)
{
	atomic_store_explicit(&fake, now, memory_order_relaxed);
}

bool hl_clock_is_fake(void)
{
	return atomic_load_explicit(&fake, memory_order_relaxed) != 0;
}
