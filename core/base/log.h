/* The log: one structured line per event to stderr, as text or JSON (contract: `switch.log`).
 *
 *	hl_log(HL_LOG_INFO, "registrar", "registered", hl_str("aor", aor), hl_int("expires", 300));
 *
 * Values from the network are escaped here; callers never escape. Passwords and digest responses
 * are never given to it. Thread-safe. */
#ifndef HL_BASE_LOG_H
#define HL_BASE_LOG_H

#include "base/slice.h"

enum hl_log_level { HL_LOG_DEBUG, HL_LOG_INFO, HL_LOG_WARN, HL_LOG_ERROR };
enum hl_log_format { HL_LOG_TEXT, HL_LOG_JSON };

/* Whether this thread's lines below `warn` wait for hl_log_flush, or for anybody's line that does
 * not wait: a loop writes once a turn. */
HL_EXPORT void hl_log_gather(bool on);
/* Writes what waits. */
HL_EXPORT void hl_log_flush(void);

struct hl_log_field {
	const char *key; /* borrowed; NULL ends the list */
	enum { HL_FIELD_STRING, HL_FIELD_WORDS, HL_FIELD_INTEGER, HL_FIELD_NUMBER } type;
	struct hl_slice string; /* borrowed */
	int64_t integer;
	double number;
};

static inline struct hl_log_field hl_str(const char *key, const char *value)
{
	return (struct hl_log_field){ .key = key, .type = HL_FIELD_STRING,
				      .string = hl_slice_of(value ? value : "") };
}

static inline struct hl_log_field hl_sl(const char *key, struct hl_slice value)
{
	return (struct hl_log_field){ .key = key, .type = HL_FIELD_STRING, .string = value };
}

/* A text of our own: what it has of UTF-8 is written as it is. Never one from outside. */
static inline struct hl_log_field hl_words(const char *key, const char *value)
{
	return (struct hl_log_field){ .key = key, .type = HL_FIELD_WORDS,
				      .string = hl_slice_of(value) };
}

static inline struct hl_log_field hl_int(const char *key, int64_t value)
{
	return (struct hl_log_field){ .key = key, .type = HL_FIELD_INTEGER, .integer = value };
}

static inline struct hl_log_field hl_num(const char *key, double value)
{
	return (struct hl_log_field){ .key = key, .type = HL_FIELD_NUMBER, .number = value };
}

HL_EXPORT void hl_log_setup(enum hl_log_level level, enum hl_log_format format);
HL_EXPORT bool hl_log_enabled(enum hl_log_level level);
/* Writes one line; `fields` ends with a NULL key. Use the macro. */
HL_EXPORT void hl_log_write(enum hl_log_level level, const char *tag, const char *event,
			    const struct hl_log_field *fields);

#define hl_log(level, tag, event, ...)                                                      \
	do {                                                                                 \
		if (hl_log_enabled(level))                                                   \
			hl_log_write(level, tag, event,                                      \
				     (const struct hl_log_field[]){ __VA_ARGS__ __VA_OPT__(,) \
								    { .key = NULL } });      \
	} while (0)

/* Says whether a line that an attacker could trigger without end may be written now, and how many
 * were held back since the last: at most one a second for each `limit`. */
struct hl_log_limit {
	uint64_t next;     /* hl_clock_real time of the next allowed line */
	uint64_t withheld; /* lines held back since the last one */
};
HL_EXPORT bool hl_log_allow(struct hl_log_limit *limit, uint64_t *withheld);

#endif
