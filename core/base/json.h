/* The one JSON writer (RFC 8259): logs, CDRs and control answers. Streams into a text buffer;
 * commas are its business, balance the caller's. Bytes that are not UTF-8 are written as \u00XX. */
#ifndef HL_BASE_JSON_H
#define HL_BASE_JSON_H

#include "base/text.h"

enum { HL_JSON_DEPTH = 32 };

struct hl_json {
	struct hl_text *text;      /* borrowed: where it goes */
	unsigned depth;            /* open objects and arrays */
	bool comma[HL_JSON_DEPTH]; /* whether a comma is due at that depth */
	bool keyed;                /* a key was just written: the value follows without comma */
};

HL_EXPORT void hl_json_init(struct hl_json *json, struct hl_text *text);
HL_EXPORT void hl_json_object(struct hl_json *json);
HL_EXPORT void hl_json_object_end(struct hl_json *json);
HL_EXPORT void hl_json_array(struct hl_json *json);
HL_EXPORT void hl_json_array_end(struct hl_json *json);
/* The key of the member that follows. */
HL_EXPORT void hl_json_key(struct hl_json *json, const char *key);
/* The same for one that is an identifier, as it is: quicker. Inside an object only. */
HL_EXPORT void hl_json_name(struct hl_json *json, const char *name);
/* Values: in an array, at the top, or behind hl_json_key. A NULL string is null. */
HL_EXPORT void hl_json_string(struct hl_json *json, const char *value);
HL_EXPORT void hl_json_slice(struct hl_json *json, struct hl_slice value);
HL_EXPORT void hl_json_integer(struct hl_json *json, int64_t value);
/* Written with up to three decimals; infinities and NaN are null. */
HL_EXPORT void hl_json_number(struct hl_json *json, double value);
HL_EXPORT void hl_json_boolean(struct hl_json *json, bool value);
HL_EXPORT void hl_json_null(struct hl_json *json);
/* Inserts text that is JSON already. */
HL_EXPORT void hl_json_raw(struct hl_json *json, struct hl_slice value);

/* Members: key and value in one. */
HL_EXPORT void hl_json_put_string(struct hl_json *json, const char *key, const char *value);
HL_EXPORT void hl_json_put_slice(struct hl_json *json, const char *key, struct hl_slice value);
HL_EXPORT void hl_json_put_integer(struct hl_json *json, const char *key, int64_t value);
HL_EXPORT void hl_json_put_number(struct hl_json *json, const char *key, double value);
HL_EXPORT void hl_json_put_boolean(struct hl_json *json, const char *key, bool value);
HL_EXPORT void hl_json_put_null(struct hl_json *json, const char *key);

/* Appends `value` as a quoted JSON string, without any bookkeeping. */
HL_EXPORT void hl_json_quote(struct hl_text *text, struct hl_slice value);

#endif
