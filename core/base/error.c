/* Text for people about what failed. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int hl_error_set(struct hl_error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (error) {
		va_start(arguments, format);
		vsnprintf(error->text, sizeof(error->text), format, arguments);
		va_end(arguments);
	}
	return code;
}
