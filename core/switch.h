/* The switch: everything together. Plugins get it from hl_module_switch. */
#ifndef HL_SWITCH_H
#define HL_SWITCH_H

#include "call/leg.h"
#include "endpoint/endpoint.h"
#include "policy/policy.h"
#include "sip/digest.h"
#include "sip/transaction.h"

struct hl_switch;
struct hl_modules;
struct hl_store;

/* Its parts, for as long as it runs. */
HL_EXPORT struct hl_loop *hl_switch_loop(struct hl_switch *holdline);
HL_EXPORT struct hl_transport *hl_switch_transport(struct hl_switch *holdline);
HL_EXPORT struct hl_transactions *hl_switch_transactions(struct hl_switch *holdline);
HL_EXPORT struct hl_endpoints *hl_switch_endpoints(struct hl_switch *holdline);
HL_EXPORT struct hl_calls *hl_switch_calls(struct hl_switch *holdline);
/* The digest of a subscriber's password, of the database's accounts: H(user:realm:password) in
 * hexadecimal into `ha1`. 0; -ENOENT: there is no such subscriber, or its password is none now;
 * -ENOTSUP: there is one, but of another algorithm, which is put into `algorithm`. */
HL_EXPORT int hl_switch_subscriber_ha1(struct hl_switch *holdline, struct hl_slice user,
				       enum hl_digest_algorithm *algorithm,
				       char ha1[HL_DIGEST_HEX]);
/* The configuration in force; take a reference to keep it over a reload. */
HL_EXPORT struct hl_config *hl_switch_config(struct hl_switch *holdline);
/* The gateway a request from that address comes from, or NULL. */
HL_EXPORT const struct hl_gateway *hl_switch_gateway_from(struct hl_switch *holdline,
							  const struct hl_address *source);

/* Decisions: the policy is asked about a live thing. 1: decided; 0: the configured default holds.
 */
HL_EXPORT int hl_decide_keepalive(struct hl_switch *holdline, const struct hl_contact *contact,
				  struct hl_keepalive_decision *decision);
HL_EXPORT int hl_decide_no_timer(struct hl_switch *holdline, const struct hl_leg *leg,
				 struct hl_no_timer_decision *decision);
HL_EXPORT int hl_decide_media(struct hl_switch *holdline, const struct hl_call *call,
			      const struct hl_leg *callee, struct hl_media_decision *decision);
/* Whether it has a say in registrations: else nobody need gather what it would ask about. */
HL_EXPORT bool hl_decides_register(const struct hl_switch *holdline);
HL_EXPORT int hl_decide_register(struct hl_switch *holdline,
				 const struct hl_endpoint_view *endpoint,
				 struct hl_register_decision *decision);
HL_EXPORT int hl_decide_credentials(struct hl_switch *holdline, const char *user, const char *realm,
				    struct hl_credentials_decision *decision);

#endif
