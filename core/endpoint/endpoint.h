/* Endpoints (addresses of record) and the table of all contacts. */
#ifndef HL_ENDPOINT_ENDPOINT_H
#define HL_ENDPOINT_ENDPOINT_H

#include "config/config.h"
#include "endpoint/contact.h"
#include "endpoint/view.h"
#include "sip/message.h"

struct hl_endpoints;

struct hl_endpoint {
	struct hl_hash_node by_user; /* in the table */
	struct hl_list contacts; /* struct hl_contact, oldest first; never empty between calls */
	const struct hl_endpoints *table; /* its owner */
	unsigned contact_count;
	char user[];
};

/* Tells of every change, in order; `arg` is the table's. */
typedef void hl_endpoints_event(void *arg, enum hl_contact_event event, struct hl_contact *contact);

/* `space`: bytes of plugin space kept with each contact. NULL when memory is out. */
HL_EXPORT struct hl_endpoints *hl_endpoints_new(struct hl_loop *loop, size_t space,
						hl_endpoints_event *event, void *arg);
HL_EXPORT void hl_endpoints_free(struct hl_endpoints *table);
HL_EXPORT void hl_endpoints_set_realm(struct hl_endpoints *table, const char *realm);

/* The endpoint of that user, if it has a contact. O(1). */
HL_EXPORT struct hl_endpoint *hl_endpoint_find(struct hl_endpoints *table, struct hl_slice user);
HL_EXPORT size_t hl_endpoints_count(const struct hl_endpoints *table); /* AORs with a contact */
HL_EXPORT size_t hl_contacts_count(const struct hl_endpoints *table);
/* Calls `visit` for each contact; it may remove the one it is given. */
HL_EXPORT void hl_contacts_each(struct hl_endpoints *table,
				void (*visit)(void *arg, struct hl_contact *contact), void *arg);
/* The contact of a handle, or NULL when it is gone. */
HL_EXPORT struct hl_contact *hl_contact_get(struct hl_endpoints *table, struct hl_handle handle);
/* The contact whose REGISTER came by that flow (the latest, if several), or NULL. O(1). */
HL_EXPORT struct hl_contact *hl_contact_by_flow(struct hl_endpoints *table,
						const struct hl_flow *flow);

/* The NAT verdict (G2). */
struct hl_nat_verdict {
	bool nat;
	enum hl_nat_reason reason;
	struct hl_slice via_host; /* of HL_NAT_VIA: what the Via says; borrowed */
	unsigned via_port;
};
/* Whether Contact (NULL: none) or top Via (NULL: none) differ from where the request came from,
 * unless the endpoint's setting (enum hl_tristate) says so. Ports are compared for UDP only: a
 * connection's source port says nothing. */
HL_EXPORT struct hl_nat_verdict hl_nat_verdict(int setting, const struct hl_uri *contact,
					       const struct hl_via *via,
					       const struct hl_flow *flow);

/* What a REGISTER says about one contact. All borrowed. */
struct hl_binding {
	struct hl_slice user;
	struct hl_slice uri;	  /* without angle brackets */
	struct hl_slice instance; /* "" none */
	unsigned reg_id;
	const char *path; /* NULL none */
	const char *user_agent;
	const char *call_id;
	uint32_t cseq;
	int q; /* thousandths */
	const struct hl_flow *flow;
	struct hl_nat_verdict nat;
	unsigned expires;	    /* s, granted */
	struct hl_contact *contact; /* the one it refreshes or moves; NULL: it is new */
};
enum { HL_BINDINGS = 32 }; /* that one REGISTER may carry */

/* The contact this binding refreshes or moves: by instance and reg-id, else by equal URI (RFC 3261
 * §10.3), or NULL. */
HL_EXPORT struct hl_contact *hl_contact_match(struct hl_endpoints *table,
					      const struct hl_binding *binding);
/* Whether two bindings of one REGISTER speak of the same device by the same rules. */
HL_EXPORT bool hl_binding_same(const struct hl_binding *a, const struct hl_binding *b);
/* Adds, refreshes or moves each of them, no two for the same contact, and sets their `contact`. 0,
 * or -ENOMEM and -E2BIG: none was, and nothing has changed. */
HL_EXPORT int hl_contacts_bind(struct hl_endpoints *table, struct hl_binding *bindings,
			       unsigned count);
/* The same for one alone, whose contact is looked up. */
HL_EXPORT int hl_contact_bind(struct hl_endpoints *table, const struct hl_binding *binding,
			      struct hl_contact **contact);
/* Whether that is the Call-ID of its last REGISTER: the device has not begun anew since. */
HL_EXPORT bool hl_contact_same_call_id(const struct hl_contact *contact, const char *call_id);
/* Whether another flow of the same device (RFC 5626: instance alike, reg-id not) was registered
 * later and is not known to be dead: requests go there instead. */
HL_EXPORT bool hl_contact_superseded(const struct hl_contact *contact);
/* Which contact of a full endpoint makes room: one known to be unreachable, else the one that was
 * refreshed longest ago. Never NULL. */
HL_EXPORT struct hl_contact *hl_endpoint_spare(const struct hl_endpoint *endpoint);
/* Removes; `why` ("unregistered", "expired", "evicted", "replaced", "kicked",
 * "unreachable", "disconnected") is logged as the event. */
HL_EXPORT void hl_contact_remove(struct hl_endpoints *table, struct hl_contact *contact,
				 const char *why);
/* A packet came over that flow: proof of life for its contacts (K16). O(1). */
HL_EXPORT void hl_contacts_heard(struct hl_endpoints *table, const struct hl_flow *flow);
/* An ICMP error came for that flow: told for all of its contacts (several: once a second at most),
 * which must stay meanwhile. */
HL_EXPORT void hl_contacts_refused(struct hl_endpoints *table, const struct hl_flow *flow);
/* Whether anybody is registered over that connection, or, UDP, over that listener. O(1). */
HL_EXPORT bool hl_contacts_over(struct hl_endpoints *table, const struct hl_flow *flow);
/* A connection is gone: its contacts are removed. */
HL_EXPORT void hl_contacts_disconnected(struct hl_endpoints *table, const struct hl_flow *flow);

/* Fills a view of a contact; `config` gives network and settings. */
HL_EXPORT void hl_contact_view(const struct hl_contact *contact, const struct hl_config *config,
			       struct hl_endpoint_view *view);
/* The network of an endpoint: its own, else its address's, else "". */
HL_EXPORT const char *hl_endpoint_network(const struct hl_config *config,
					  const struct hl_account *account,
					  const struct hl_address *received);
/* The keys of an `endpoints[]` element that are the core's, into an open object. */
HL_EXPORT void hl_contact_json(const struct hl_contact *contact, struct hl_json *json);

#endif
