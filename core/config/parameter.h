/* Parameters: one row per setting. The rows are the parser, the checker, `--params`, the run-time
 * `param` command, the man page tables and the test of the bounds. A value lives in a settings
 * struct at the row's offset, in the C type that belongs to the row's type. */
#ifndef HL_CONFIG_PARAMETER_H
#define HL_CONFIG_PARAMETER_H

#include "base/error.h"
#include "base/json.h"
#include "base/slice.h"

enum hl_parameter_type {		       /* C type of the field:       YAML */
			 HL_PARAMETER_INTEGER, /* int64_t               number, or one of `values`:
						  see HL_WORD */
			 HL_PARAMETER_BOOLEAN, /* bool                  on | off (also yes/no,
						  true/false) */
			 HL_PARAMETER_CHOICE,  /* int: index in values  one of `values` */
			 HL_PARAMETER_STRING,  /* char *                text (owned by the settings;
						  never NULL) */
			 HL_PARAMETER_BYTES, /* struct hl_slice       text with escapes, or !!binary
						(owned) */
			 HL_PARAMETER_RANGE, /* struct hl_range       LOW-HIGH */
			 HL_PARAMETER_LIST, /* struct hl_strings     [text, …] or a single text;
						with `values`: of those */
};

/* An INTEGER row may also take words: the field is then HL_WORD(index in values), below zero. */
#define HL_WORD(index) (-1 - (int64_t)(index))

struct hl_range {
	int64_t low, high; /* both included */
};

struct hl_strings {
	char **items; /* owned */
	size_t count;
};

struct hl_parameter {
	const char *key;     /* name in its section */
	const char *vos3000; /* its VOS3000 name, or NULL */
	enum hl_parameter_type type;
	const char *fallback; /* the default as YAML text; NULL: empty */
	int64_t min,
		max; /* INTEGER: value; RANGE: both ends; STRING, BYTES: length; max 0: unbounded */
	const char *const *values; /* CHOICE, INTEGER, LIST: words, NULL-terminated; or NULL */
	const char *unit;	   /* "s", "ms", "bytes", … or NULL */
	bool reloadable;	   /* a reload or `param set` takes effect without a restart */
	const char *help;	   /* one sentence for people */
	size_t offset;		   /* of the field in the settings struct */
};

/* The offset of a field, checked at compile time to have the type its row needs:
 *	{ .key = "period", .type = HL_PARAMETER_INTEGER, .offset = HL_FIELD(struct s, period,
 *int64_t) } */
#define HL_FIELD(settings, field, ctype)                                                           \
	(offsetof(settings, field) +                                                               \
	 0 * sizeof(char[_Generic(((settings *)0)->field, ctype : 1, default                       \
				  : -1)]))

#define HL_PARAMETERS_END                                                                          \
	{                                                                                          \
		.key = NULL                                                                        \
	}

/* Writes every row's default into `settings` (zeroed before). 0 or -ENOMEM. */
HL_EXPORT int hl_parameters_default(const struct hl_parameter *rows, void *settings);
/* Sets one value from text as YAML has it. 0, -EINVAL, -ERANGE (with what is wrong and what is
 * allowed in `error`), -ENOMEM; on failure the field is as it was. */
HL_EXPORT int hl_parameter_set(const struct hl_parameter *row, void *settings, struct hl_slice text,
			       struct hl_error *error);
/* Sets a LIST row from separate texts; everything else as hl_parameter_set. */
HL_EXPORT int hl_parameter_set_list(const struct hl_parameter *row, void *settings,
				    const struct hl_slice *items, size_t count,
				    struct hl_error *error);
/* Writes the value as JSON (numbers, booleans, strings, arrays of strings). */
HL_EXPORT void hl_parameter_json(const struct hl_parameter *row, const void *settings,
				 struct hl_json *json);
/* Frees what the fields own. */
HL_EXPORT void hl_parameters_free(const struct hl_parameter *rows, void *settings);
/* The row of that key or VOS3000 name (compared without case and `_`), or NULL. */
HL_EXPORT const struct hl_parameter *hl_parameter_find(const struct hl_parameter *rows,
						       struct hl_slice name);
/* What a row allows, in words: "10 to 86400 s", "one of udp, options". */
HL_EXPORT void hl_parameter_allowed(const struct hl_parameter *row, struct hl_text *text);

#endif
