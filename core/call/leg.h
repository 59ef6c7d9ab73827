/* Calls and legs as plugins see them. A leg is one dialog of the back-to-back user agent: the
 * caller's, and one for each contact that is rung until one answers. Pointers are good during the
 * stage that gave them; what outlives it keeps the handle. */
#ifndef HL_CALL_LEG_H
#define HL_CALL_LEG_H

#include "base/handle.h"
#include "call/cdr.h"
#include "call/view.h"
#include "config/config.h"
#include "sip/message.h"
#include "sip/transport.h"

struct hl_call;
struct hl_leg;
struct hl_calls;

enum hl_side { HL_SIDE_CALLER, HL_SIDE_CALLEE };

/* The call. */
HL_EXPORT const char *hl_call_id(const struct hl_call *call);
HL_EXPORT struct hl_handle hl_call_handle(const struct hl_call *call);
HL_EXPORT struct hl_call *hl_call_get(struct hl_calls *calls, struct hl_handle handle);
/* The caller's leg, or the callee's that answered (before that: NULL). */
HL_EXPORT struct hl_leg *hl_call_leg(const struct hl_call *call, enum hl_side side);
/* hl_clock_now of the answer; 0: not answered. */
HL_EXPORT uint64_t hl_call_answered(const struct hl_call *call);
/* The number or user that was called: the user part of the Request-URI. */
HL_EXPORT const char *hl_call_number(const struct hl_call *call);
/* A sign of life that is no message of a leg (RTP): hl_clock_now of it. */
HL_EXPORT void hl_call_alive(struct hl_call *call, uint64_t moment);
/* hl_clock_now of the last sign of life: message or hl_call_alive. */
HL_EXPORT uint64_t hl_call_last_alive(const struct hl_call *call);
HL_EXPORT void *hl_call_space(struct hl_call *call, size_t offset);
/* Fills a view; `callee` may be NULL (then the answering leg, if any). */
HL_EXPORT void hl_call_view(const struct hl_call *call, const struct hl_leg *callee,
			    struct hl_call_view *view);
/* Ends the call in this turn: BYE or CANCEL to every leg, an error response to a caller who still
 * waits, media released, CDR. `reason` and `detail` are static strings of the contract. Harmless
 * on a call that is ending. */
HL_EXPORT void hl_call_end(struct hl_call *call, const char *reason, const char *detail,
			   enum hl_ended_by by);

/* A leg. */
HL_EXPORT struct hl_call *hl_leg_call(const struct hl_leg *leg);
HL_EXPORT enum hl_side hl_leg_side(const struct hl_leg *leg);
HL_EXPORT const char *hl_side_text(enum hl_side side);
HL_EXPORT struct hl_handle hl_leg_handle(const struct hl_leg *leg);
HL_EXPORT struct hl_leg *hl_leg_get(struct hl_calls *calls, struct hl_handle handle);
/* The leg at the other end (NULL while no callee has answered). */
HL_EXPORT struct hl_leg *hl_leg_peer(const struct hl_leg *leg);
HL_EXPORT bool hl_leg_confirmed(const struct hl_leg *leg);
HL_EXPORT const struct hl_flow *hl_leg_flow(const struct hl_leg *leg);
HL_EXPORT const char *hl_leg_user(const struct hl_leg *leg);
HL_EXPORT const char *hl_leg_gateway(const struct hl_leg *leg); /* name, or "" */
HL_EXPORT const char *hl_leg_network(const struct hl_leg *leg); /* name, or "" */
HL_EXPORT bool hl_leg_nat(const struct hl_leg *leg);
HL_EXPORT const char *hl_leg_user_agent(const struct hl_leg *leg);
/* How its endpoint or gateway is to be treated; never NULL. */
HL_EXPORT const struct hl_party *hl_leg_party(const struct hl_leg *leg);
/* Whether the peer's Allow lists the method, its Supported the option, as last heard. */
HL_EXPORT bool hl_leg_allows(const struct hl_leg *leg, enum hl_method method);
HL_EXPORT bool hl_leg_supports_timer(const struct hl_leg *leg);
HL_EXPORT void hl_leg_view(const struct hl_leg *leg, struct hl_leg_view *view);
HL_EXPORT void *hl_leg_space(struct hl_leg *leg, size_t offset);
/* Whether an INVITE or UPDATE transaction of the leg is under way: a refresh waits then. */
HL_EXPORT bool hl_leg_busy(const struct hl_leg *leg);
/* Sends a session refresh (RFC 4028 §7.4): an UPDATE without body, or a re-INVITE with the SDP last
 * sent, byte for byte. Stage leg_send sees the request, leg_recv the response; then `done` gets the
 * final code, 0 when nothing came (Timer B, F) — unless the leg ended meanwhile. 0, -EBUSY when a
 * transaction is under way, -ENOTCONN, -ENOMEM. */
HL_EXPORT int hl_leg_refresh(struct hl_leg *leg, enum hl_method method,
			     void (*done)(void *arg, struct hl_leg *leg, int code), void *arg);

#endif
