/* A contact: one device registered for an endpoint (RFC 3261 §10, RFC 5626), with the four facts
 * kept apart: received address, received port (flow.remote), Contact as sent (uri), and the NAT
 * verdict. Plugins read it; only the endpoint table writes it. There may be a million of them: what
 * can be worked out from another field is not kept (doc/architecture.md, "What a contact weighs").
 */
#ifndef HL_ENDPOINT_CONTACT_H
#define HL_ENDPOINT_CONTACT_H

#include "base/handle.h"
#include "base/hash.h"
#include "endpoint/view.h"
#include "loop/deadline.h"
#include "sip/transport.h"

struct hl_endpoint;

enum { HL_NAT_REASON_TEXT = 384 }; /* a verdict's reason with NUL */

/* Why a contact is taken to be behind NAT, or not. */
enum hl_nat_reason {
	HL_NAT_SAME,	/* Contact and Via are the source */
	HL_NAT_CONTACT, /* Contact differs from it */
	HL_NAT_VIA,	/* Via does */
	HL_NAT_YES,	/* the endpoint's setting says so */
	HL_NAT_NO,	/* … says that it is not */
};

struct hl_contact {
	struct hl_list node;	      /* in endpoint->contacts, oldest registration first */
	struct hl_hash_node by_flow;  /* in the table; of several with one flow, the latest only */
	struct hl_deadline expiry;    /* in the table's ring */
	struct hl_handle handle;      /* what others keep */
	struct hl_endpoint *endpoint; /* its owner */
	struct hl_flow flow;	      /* the way the last REGISTER came, and the way back */
	uint32_t cseq;		      /* of the last REGISTER */
	char *uri;		      /* Contact as sent, without angle brackets */
	char *instance;		      /* +sip.instance (RFC 5626), or NULL */
	char *path;		      /* Path values (RFC 3327), comma-separated, or NULL */
	const char *user_agent;	      /* interned; "" when unknown */
	uint64_t call_id;	      /* hl_hash_bytes() of the last REGISTER's Call-ID */
	uint64_t refreshed;	      /* hl_clock_now of the last REGISTER */
	uint64_t expires;	      /* … when it ends */
	uint64_t heard;		      /* … of the last packet from its tuple; a second exact */
	uint32_t rtt_us;	      /* last round trip; 0: not measured */
	uint32_t reg_id;	      /* RFC 5626; 0: none */
	int16_t q;		      /* thousandths */
	int8_t reachable;	      /* 1 yes, 0 no, −1 never asked */
	bool nat;		      /* behind NAT */
	uint8_t nat_reason;	      /* enum hl_nat_reason */
};

enum hl_contact_event {
	HL_CONTACT_ADDED,     /* new */
	HL_CONTACT_REFRESHED, /* registered again over the same flow */
	HL_CONTACT_MOVED,     /* registered again over another flow */
	HL_CONTACT_HEARD,     /* packets came from its tuple; told once a second at most */
	HL_CONTACT_REFUSED,   /* an ICMP error: what was sent to its tuple did not get there */
	HL_CONTACT_REMOVED,   /* unregistered, expired, evicted; still readable, gone afterwards */
};

/* Whose it is: "1001", and "1001@realm" written into `text`, which is returned. */
HL_EXPORT const char *hl_contact_user(const struct hl_contact *contact);
HL_EXPORT const char *hl_contact_aor(const struct hl_contact *contact, char text[HL_AOR_TEXT]);
/* Its URI as a Request-URI may be (RFC 3261 §19.1.1): without headers and `method`. The caller's;
 * NULL when memory is out. */
HL_EXPORT char *hl_contact_request_uri(const struct hl_contact *contact);
/* The verdict in words, "Contact 192.168.1.20:5060 differs from source 203.0.113.9:40321", written
 * into `text`, which is returned. */
HL_EXPORT const char *hl_contact_nat_reason(const struct hl_contact *contact,
					    char text[HL_NAT_REASON_TEXT]);
/* What the Via said, "10.0.0.9:5060", where that made the verdict (HL_NAT_VIA). */
HL_EXPORT const char *hl_contact_via(const struct hl_contact *contact);
/* The bytes a plugin asked for with each contact (zeroed at first); `offset` is the module's. */
HL_EXPORT void *hl_contact_space(struct hl_contact *contact, size_t offset);
/* Seconds until it expires, rounded up. */
HL_EXPORT int64_t hl_contact_expires_in(const struct hl_contact *contact);
/* Sets reachability as a probe found it: 1, 0; `rtt_us` 0 leaves the last figure. */
HL_EXPORT void hl_contact_set_reachable(struct hl_contact *contact, int reachable, uint32_t rtt_us);

#endif
