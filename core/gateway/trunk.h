/* Trunks: gateways at run time. The configuration says what a gateway is; its trunk knows the
 * servers behind its name (RFC 3263), whether they answer (OPTIONS), how many calls are with it,
 * and keeps the registration there (RFC 3261 §10.2). Trunks are found by the gateway's name and
 * outlive reloads that leave it where it is. */
#ifndef HL_GATEWAY_TRUNK_H
#define HL_GATEWAY_TRUNK_H

#include "base/json.h"
#include "config/config.h"
#include "sip/transaction.h"

struct hl_trunks;

enum { HL_SERVERS_MAX = 8 };

/* One place a gateway can be reached at. */
struct hl_server {
	struct hl_address address;
	uint16_t priority, weight; /* of its SRV record (RFC 2782) */
};

struct hl_trunks_parts {
	struct hl_loop *loop; /* all borrowed */
	struct hl_transport *transport;
	struct hl_transactions *transactions;
};

/* NULL with `error` set. */
HL_EXPORT struct hl_trunks *hl_trunks_new(const struct hl_trunks_parts *parts,
					  struct hl_error *error);
HL_EXPORT void hl_trunks_free(struct hl_trunks *trunks);
/* Takes the gateways of a configuration, at start and at a reload: registers at new ones,
 * unregisters at those that are gone. The listeners must be open. 0 or -ENOMEM. */
HL_EXPORT int hl_trunks_set_config(struct hl_trunks *trunks, struct hl_config *config);
/* Unregisters everywhere (orderly stop), and whether that is still under way. */
HL_EXPORT void hl_trunks_stop(struct hl_trunks *trunks);
HL_EXPORT bool hl_trunks_leaving(const struct hl_trunks *trunks);
/* A connection is gone: a gateway that the switch registered at over it is registered at anew. */
HL_EXPORT void hl_trunks_disconnected(struct hl_trunks *trunks, const struct hl_flow *flow);

/* The gateway of `config` that a request from that address comes from, or NULL. */
HL_EXPORT const struct hl_gateway *hl_trunks_from(const struct hl_trunks *trunks,
						  const struct hl_config *config,
						  const struct hl_address *source);
/* The gateway's servers in the order they are to be tried; 0: none is known, and `*why` says so. */
HL_EXPORT size_t hl_trunk_servers(const struct hl_trunks *trunks, const struct hl_gateway *gateway,
				  struct hl_server servers[HL_SERVERS_MAX], const char **why);
/* The flow to one of its servers. As hl_transport_flow_to. */
HL_EXPORT int hl_gateway_flow(struct hl_transport *transport, const struct hl_gateway *gateway,
			      const struct hl_address *address, struct hl_flow *flow);
/* False when it is supervised and does not answer. */
HL_EXPORT bool hl_trunk_reachable(const struct hl_trunks *trunks, const struct hl_gateway *gateway);
/* Counts a call; 0 or -EUSERS: it has its `max_calls`. What `*seat` names is given back once. */
HL_EXPORT int hl_trunk_enter(struct hl_trunks *trunks, const struct hl_gateway *gateway,
			     struct hl_handle *seat);
HL_EXPORT void hl_trunk_leave(struct hl_trunks *trunks, struct hl_handle seat);

struct hl_trunk_counters {
	size_t gateways, unreachable;	   /* those that do not answer OPTIONS */
	size_t registered, not_registered; /* of those that ask for it */
	uint64_t limited;		   /* calls that found a gateway full */
};
HL_EXPORT void hl_trunks_count(const struct hl_trunks *trunks, struct hl_trunk_counters *counters);
/* The elements of the array that `holdlinectl gateways` shows. */
HL_EXPORT void hl_trunks_json(const struct hl_trunks *trunks, struct hl_json *json);

#endif
