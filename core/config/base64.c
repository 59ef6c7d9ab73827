/* Base64 into bytes (RFC 4648 §4), with the line breaks that YAML allows in it. */
#include "config/base64.h"

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool hl_base64_decode(struct hl_slice text, struct hl_text *bytes)
{
	unsigned bits = 0, count = 0, padding = 0;

	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];
		int digit = base64_digit(c);

		if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (digit < 0 || padding)
			return false;
		bits = (bits << 6 | (unsigned)digit) & 0xffffff;
		if (++count % 4) {
			char byte = (char)(bits >> (6 - 2 * (count % 4 - 1)));

			if (count % 4 > 1)
				hl_text_append(bytes, &byte, 1);
		} else {
			char byte = (char)bits;

			hl_text_append(bytes, &byte, 1);
		}
	}
	return (count + padding) % 4 == 0 && padding <= 2;
}
