/* The servers behind a name (RFC 3263 §4.2): with a port its A and AAAA records; a bare name the
 * SRV records of its transport, and without those its addresses at the default port. NAPTR is not
 * asked: whoever has the name knows the transport. */
#ifndef HL_GATEWAY_SEARCH_H
#define HL_GATEWAY_SEARCH_H

#include "gateway/trunk.h"

struct hl_search;

struct hl_search_result {
	const struct hl_server *servers; /* borrowed while `done` runs; unordered */
	size_t count;
	uint32_t seconds; /* how long that is good */
	bool failed;	  /* a server refused to answer, or memory is out */
	const char *text; /* for people */
};
typedef void hl_search_done(void *arg, const struct hl_search_result *result);

/* `done` is called later, once, and the search is gone then. NULL when memory is out. `port` 0: the
 * name is bare. */
HL_EXPORT struct hl_search *hl_search_start(struct hl_trunks *trunks, enum hl_transport_type type,
					    const char *host, uint16_t port, hl_search_done *done,
					    void *arg);
/* Its `done` will not be called. Harmless on NULL. */
HL_EXPORT void hl_search_cancel(struct hl_search *search);
/* Puts servers in the order of trial: by priority, drawn by weight within one (RFC 2782). */
HL_EXPORT void hl_servers_order(struct hl_server *servers, size_t count);

#endif
