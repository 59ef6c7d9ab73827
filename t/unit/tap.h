/*
 * tap.h - the Test Anything Protocol for our C units, in one header. A unit is
 *
 *	int main(void)
 *	{
 *		ok(!slice.data, "a new slice is empty");
 *		is_int(slice.length, 0, "and has length %d", 0);
 *		return done_testing();
 *	}
 *
 * Every check returns true when it passed, so a test can stop where going on makes no sense.
 */
#ifndef HL_TAP_H
#define HL_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct {
	int planned; /* tests announced by plan(), 0: done_testing() counts */
	int run;     /* tests so far */
	int failed;  /* of those */
} tap;

/* A line of explanation that prove shows to people. */
#define diag(...) (fflush(stdout), fprintf(stderr, "# " __VA_ARGS__), fputc('\n', stderr))
#define ok(condition, ...) tap_ok((condition), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) tap_int((got), (want), __FILE__, __LINE__, __VA_ARGS__)
/* Strings may be NULL, which equals only NULL. */
#define is_str(got, want, ...) tap_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_mem(got, want, length, ...)                                                             \
	tap_mem((got), (want), (length), __FILE__, __LINE__, __VA_ARGS__)

/* Announce the number of tests; without it done_testing() prints the plan. */
static inline void plan(int tests)
{
	tap.planned = tests;
	printf("1..%d\n", tests);
}

__attribute__((format(printf, 4, 5))) static inline bool tap_ok(bool passed, const char *file,
								int line, const char *name, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap.run);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	if (!passed) {
		tap.failed++;
		diag("failed at %s:%d", file, line);
	}
	return passed;
}

#define tap_int(got, want, file, line, ...)                                                        \
	__extension__({                                                                            \
		long long tap_got = (got), tap_want = (want);                                      \
		bool tap_same = tap_ok(tap_got == tap_want, file, line, __VA_ARGS__);              \
		if (!tap_same)                                                                     \
			diag("  got %lld, want %lld", tap_got, tap_want);                          \
		tap_same;                                                                          \
	})
#define tap_str(got, want, file, line, ...)                                                        \
	__extension__({                                                                            \
		const char *tap_got = (got), *tap_want = (want);                                   \
		bool tap_same =                                                                    \
			tap_got && tap_want ? !strcmp(tap_got, tap_want) : tap_got == tap_want;    \
		if (!tap_ok(tap_same, file, line, __VA_ARGS__))                                    \
			diag("  got \"%s\"\n#  want \"%s\"", tap_got ? tap_got : "(null)",         \
			     tap_want ? tap_want : "(null)");                                      \
		tap_same;                                                                          \
	})
#define tap_mem(got, want, length, file, line, ...)                                                \
	__extension__({                                                                            \
		const unsigned char *tap_got = (const void *)(got);                                \
		const unsigned char *tap_want = (const void *)(want);                              \
		size_t tap_at = 0, tap_length = (length);                                          \
		while (tap_at < tap_length && tap_got[tap_at] == tap_want[tap_at])                 \
			tap_at++;                                                                  \
		if (!tap_ok(tap_at == tap_length, file, line, __VA_ARGS__))                        \
			diag("  byte %zu of %zu: got %02x, want %02x", tap_at, tap_length,         \
			     tap_got[tap_at], tap_want[tap_at]);                                   \
		tap_at == tap_length;                                                              \
	})

/* Ends main(): prints the plan if plan() did not; the exit status, 0 when everything passed. */
static inline int done_testing(void)
{
	if (!tap.planned)
		printf("1..%d\n", tap.run);
	return tap.failed || !tap.run || (tap.planned && tap.planned != tap.run);
}

#endif
