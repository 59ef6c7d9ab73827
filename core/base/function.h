/* Functions that a policy script may call, and the values that go in and out. They know nothing of
 * the language: whoever offers one sees texts, numbers and truth. */
#ifndef HL_BASE_FUNCTION_H
#define HL_BASE_FUNCTION_H

#include "base/error.h"
#include "base/slice.h"

struct hl_module;

enum hl_script_type { HL_SCRIPT_NIL, HL_SCRIPT_BOOLEAN, HL_SCRIPT_NUMBER, HL_SCRIPT_TEXT };

struct hl_script_value {
	enum hl_script_type type;
	bool boolean;
	double number;
	struct hl_slice text; /* borrowed: an argument for the call, a result until the next one */
};

enum { HL_FUNCTION_ARGUMENTS = 8 }; /* the most of them */

struct hl_function {
	const char *name; /* scripts call it PLUGIN.NAME(…), with _ for - in PLUGIN */
	const char *help; /* one sentence for people */
	/* Writes `result` (nil before). 0, or negative errno with `error`, which is an error in the
	 * script. Must not wait. */
	int (*call)(struct hl_module *self, const struct hl_script_value *arguments, size_t count,
		    struct hl_script_value *result, struct hl_error *error);
};

/* The functions of one plugin. */
struct hl_function_library {
	const char *name;		     /* of the plugin */
	const struct hl_function *functions; /* ends with a NULL name */
	/* Calls one of them; nil while the plugin does not run. */
	int (*call)(struct hl_module *self, const struct hl_function *function,
		    const struct hl_script_value *arguments, size_t count,
		    struct hl_script_value *result, struct hl_error *error);
	struct hl_module *self;
};

#endif
