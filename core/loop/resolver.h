/* Names in DNS: addresses and SRV records, looked up without waiting (c-ares). Answers come from
 * the system's hosts file or from name servers; each says how long it is good. */
#ifndef HL_LOOP_RESOLVER_H
#define HL_LOOP_RESOLVER_H

#include "base/address.h"
#include "loop/loop.h"

struct hl_resolver;
struct hl_lookup;

enum { HL_NAME_SIZE = 256 };

struct hl_srv {
	char target[HL_NAME_SIZE];
	uint16_t priority, weight, port;
};

enum hl_resolver_status {
	HL_RESOLVER_OK,
	HL_RESOLVER_NONE,   /* the name, or that kind of record, does not exist */
	HL_RESOLVER_FAILED, /* no server answered, or none would */
};

/* What came of it; lists live until it returns. `seconds`: how long that is good. `text` is for
 * people. */
typedef void hl_resolver_addresses(void *arg, enum hl_resolver_status status,
				   const struct hl_address *list, size_t count, uint32_t seconds,
				   const char *text);
typedef void hl_resolver_services(void *arg, enum hl_resolver_status status,
				  const struct hl_srv *list, size_t count, uint32_t seconds,
				  const char *text);

/* NULL with `error` set when it cannot be had. */
HL_EXPORT struct hl_resolver *hl_resolver_new(struct hl_loop *loop, struct hl_error *error);
/* Lookups under way are forgotten; their pointers are void. */
HL_EXPORT void hl_resolver_free(struct hl_resolver *resolver);
/* Which servers are asked: "ADDRESS[:PORT]"; none: those of /etc/resolv.conf. 0 or negative errno.
 * Lookups under way are forgotten; their pointers are void. */
HL_EXPORT int hl_resolver_use(struct hl_resolver *resolver, char *const *servers, size_t count);

/* Asks for A and AAAA, as `ipv4` and `ipv6` say. `done` is called later, once; NULL when memory is
 * out. */
HL_EXPORT struct hl_lookup *hl_resolver_find(struct hl_resolver *resolver, const char *name,
					     bool ipv4, bool ipv6, hl_resolver_addresses *done,
					     void *arg);
/* Asks for SRV records (RFC 2782) of "_sip._udp.carrier.example". */
HL_EXPORT struct hl_lookup *hl_resolver_find_services(struct hl_resolver *resolver,
						      const char *name, hl_resolver_services *done,
						      void *arg);
/* Its `done` will not be called. Harmless on NULL. */
HL_EXPORT void hl_lookup_cancel(struct hl_lookup *lookup);

#endif
