/* Gateways as read: what the files of this room share. Private to config. */
#ifndef HL_CONFIG_GATEWAY_H
#define HL_CONFIG_GATEWAY_H

#include "config/sections.h"

#define HL_GATEWAY_ADDRESS "sip:HOST[:PORT][;transport=tcp|tls]"
enum { HL_GATEWAY_UDP = 0, HL_GATEWAY_TCP = 1, HL_GATEWAY_TLS = 2 }; /* of hl_gateway.transport */

/* Words of rows that are in `switch.gateway` too. */
extern const char *const hl_expire_words[];
extern const char *const hl_privacy_words[];
extern const char *const hl_display_words[];

/* Reads `address_text` into host, port, address, transport. What is wrong with it, or NULL (host
 * NULL then: memory is out). */
const char *hl_gateway_read_address(struct hl_gateway *gateway);

#endif
