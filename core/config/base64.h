/* Base64 as YAML's !!binary has it. Private to config. */
#ifndef HL_CONFIG_BASE64_H
#define HL_CONFIG_BASE64_H

#include "base/text.h"

/* Appends what `text` (RFC 4648, blanks allowed) stands for; false when it is no base64. */
bool hl_base64_decode(struct hl_slice text, struct hl_text *bytes);

#endif
