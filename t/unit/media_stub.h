/* A core made of stubs for the units of media-proxy: calls and legs as far as the plugin looks. */
#ifndef HL_MEDIA_STUB_H
#define HL_MEDIA_STUB_H

#include "../../plugins/media-proxy/media.h"

struct hl_leg {
	struct hl_call *call;
	enum hl_side side;
	struct hl_flow flow;
	struct hl_party party;
	bool nat;
	const char *network;
	struct hl_media_leg space;
};

enum { LEGS = 4 }; /* the caller's, and three phones that may ring */

struct hl_call {
	struct hl_leg legs[LEGS];
	uint64_t answered;
	const char *ended; /* detail */
	uint64_t alive;	   /* hl_clock_now */
	struct hl_media_call space;
};

static struct hl_media media;
static struct hl_media_settings settings;
static struct hl_loop *loop;
static struct hl_call call;
static struct hl_media_decision policy;
static bool policy_decides;

const void *hl_module_settings(const struct hl_module *module)
{
	(void)module;
	return &settings;
}

void *hl_module_call(const struct hl_module *module, struct hl_call *of)
{
	(void)module;
	return &of->space;
}

void *hl_module_leg(const struct hl_module *module, struct hl_leg *of)
{
	(void)module;
	return &of->space;
}

struct hl_loop *hl_switch_loop(struct hl_switch *holdline)
{
	(void)holdline;
	return loop;
}

struct hl_calls *hl_switch_calls(struct hl_switch *holdline)
{
	(void)holdline;
	return NULL;
}

struct hl_transport *hl_switch_transport(struct hl_switch *holdline)
{
	(void)holdline;
	return NULL;
}

void hl_transport_visible(const struct hl_transport *transport, const struct hl_flow *flow,
			  struct hl_address *address)
{
	(void)transport;
	*address = flow->local;
}

int hl_decide_media(struct hl_switch *holdline, const struct hl_call *of,
		    const struct hl_leg *callee, struct hl_media_decision *decision)
{
	(void)holdline;
	(void)of;
	(void)callee;
	*decision = policy;
	return policy_decides;
}

const char *hl_call_id(const struct hl_call *of)
{
	(void)of;
	return "call-1";
}

struct hl_handle hl_call_handle(const struct hl_call *of)
{
	(void)of;
	return (struct hl_handle){0, 1};
}

struct hl_call *hl_call_get(struct hl_calls *calls, struct hl_handle handle)
{
	(void)calls;
	return handle.generation ? &call : NULL;
}

struct hl_leg *hl_call_leg(const struct hl_call *of, enum hl_side side)
{
	return side == HL_SIDE_CALLER ? (struct hl_leg *)&of->legs[0] : NULL;
}

uint64_t hl_call_answered(const struct hl_call *of)
{
	return of->answered;
}

void hl_call_end(struct hl_call *of, const char *reason, const char *detail, enum hl_ended_by by)
{
	(void)reason;
	(void)by;
	of->ended = detail;
}

void hl_call_alive(struct hl_call *of, uint64_t moment)
{
	if (moment > of->alive)
		of->alive = moment;
}

struct hl_call *hl_leg_call(const struct hl_leg *leg)
{
	return leg->call;
}

enum hl_side hl_leg_side(const struct hl_leg *leg)
{
	return leg->side;
}

const char *hl_side_text(enum hl_side side)
{
	return side == HL_SIDE_CALLER ? "caller" : "callee";
}

struct hl_handle hl_leg_handle(const struct hl_leg *leg)
{
	return (struct hl_handle){(uint32_t)(leg - leg->call->legs), 1};
}

struct hl_leg *hl_leg_get(struct hl_calls *calls, struct hl_handle handle)
{
	(void)calls;
	return handle.generation ? &call.legs[handle.slot] : NULL;
}

const struct hl_flow *hl_leg_flow(const struct hl_leg *leg)
{
	return &leg->flow;
}

const char *hl_leg_user(const struct hl_leg *leg)
{
	(void)leg;
	return "1002";
}

const char *hl_leg_network(const struct hl_leg *leg)
{
	return leg->network;
}

bool hl_leg_nat(const struct hl_leg *leg)
{
	return leg->nat;
}

const struct hl_party *hl_leg_party(const struct hl_leg *leg)
{
	return &leg->party;
}

#endif
