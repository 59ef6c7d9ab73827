/* Functions that every policy script finds, whatever plugins run: `crypto`, for credentials that
 * another program checks with the same secret. They are offered as a plugin's would be. */
#include "base/memory.h"
#include "run.h"
#include "sip/keyed.h"

#include <errno.h>
#include <string.h>

enum {
	TEXT_MOST = 4096, /* bytes of an argument: signalling waits */
	CODED_MOST = (TEXT_MOST + 2) / 3 * 4 + 1,
};

/* All of `count` arguments are texts that are not too long. */
static int check_texts(const struct hl_script_value *arguments, size_t given, size_t count,
		       struct hl_error *error)
{
	if (given != count)
		return hl_error_set(error, -EINVAL, "takes %zu texts, not %zu", count, given);
	for (size_t i = 0; i < count; i++) {
		if (arguments[i].type != HL_SCRIPT_TEXT)
			return hl_error_set(error, -EINVAL, "argument %zu is not text", i + 1);
		if (arguments[i].text.length > TEXT_MOST)
			return hl_error_set(error, -EINVAL, "argument %zu has more than %d bytes",
					    i + 1, TEXT_MOST);
	}
	return 0;
}

static int hmac(struct hl_module *self, const struct hl_script_value *arguments, size_t count,
		struct hl_script_value *result, struct hl_error *error)
{
	static const char *const names[HL_KEYED_HASHES] = {"SHA-1", "SHA-256"};
	static unsigned char mac[HL_KEYED_MOST];
	int code = check_texts(arguments, count, 3, error);

	(void)self;
	if (code)
		return code;
	for (int i = 0; i < HL_KEYED_HASHES; i++) {
		if (!hl_slice_equal(arguments[0].text, hl_slice_of(names[i])))
			continue;
		result->type = HL_SCRIPT_TEXT;
		result->text.data = (const char *)mac;
		result->text.length =
			hl_keyed((enum hl_keyed_hash)i, arguments[1].text, arguments[2].text, mac);
		return result->text.length ? 0 : hl_error_set(error, -EIO, "failed");
	}
	return hl_error_set(error, -EINVAL, "algorithm is %.*s; allowed: SHA-1, SHA-256",
			    HL_SLICE_ARGS(arguments[0].text));
}

static int base64(struct hl_module *self, const struct hl_script_value *arguments, size_t count,
		  struct hl_script_value *result, struct hl_error *error)
{
	static char coded[CODED_MOST];
	int code = check_texts(arguments, count, 1, error);

	(void)self;
	if (code)
		return code;
	result->type = HL_SCRIPT_TEXT;
	result->text.data = coded;
	result->text.length = hl_base64(arguments[0].text, coded);
	return 0;
}

static int hex(struct hl_module *self, const struct hl_script_value *arguments, size_t count,
	       struct hl_script_value *result, struct hl_error *error)
{
	static char digits[2 * TEXT_MOST];
	int code = check_texts(arguments, count, 1, error);

	(void)self;
	for (size_t i = 0; !code && i < 2 * arguments[0].text.length; i++) {
		unsigned char byte = (unsigned char)arguments[0].text.data[i / 2];

		digits[i] = "0123456789abcdef"[i % 2 ? byte & 15 : byte >> 4];
	}
	if (code)
		return code;
	result->type = HL_SCRIPT_TEXT;
	result->text = (struct hl_slice){digits, 2 * arguments[0].text.length};
	return 0;
}

static const struct hl_function functions[] = {
	{"hmac", "The HMAC of a text under a key, as bytes.", hmac},
	{"base64", "A text in base64.", base64},
	{"hex", "A text in hexadecimal digits.", hex},
	{.name = NULL},
};

static int call(struct hl_module *self, const struct hl_function *function,
		const struct hl_script_value *arguments, size_t count,
		struct hl_script_value *result, struct hl_error *error)
{
	return function->call(self, arguments, count, result, error);
}

struct hl_function_library *hl_script_libraries(const struct hl_modules *modules,
						const struct hl_config *config, size_t *count)
{
	struct hl_function_library *offered, *all;

	*count = 0;
	offered = config ? hl_modules_functions(modules, config, count) : NULL;
	all = hl_zalloc((*count + 1) * sizeof(*all));
	if (!all || (config && !offered)) {
		hl_free(all);
		all = NULL;
		*count = 0;
	} else {
		all[0] = (struct hl_function_library){"crypto", functions, call, NULL};
		if (*count)
			memcpy(all + 1, offered, *count * sizeof(*all));
		++*count;
	}
	hl_free(offered);
	return all;
}
