/* Calls and legs as policy scripts see them: values only, borrowed for the call. */
#ifndef HL_CALL_VIEW_H
#define HL_CALL_VIEW_H

#include "base/address.h"

#include <stdbool.h>
#include <stdint.h>

struct hl_party_view {
	const char *user;
	const char *gateway;	    /* name, or "" for an endpoint */
	struct hl_address received; /* signalling address; family 0: not known yet */
	bool nat;
	const char *network; /* name, or "" */
	const char *user_agent;
	bool timer; /* supports session timers, as far as known */
};

struct hl_call_view {
	const char *id, *from, *to, *request_uri;
	struct hl_party_view caller, callee;
	/* A header of the caller's INVITE, or NULL. */
	const char *(*header)(const void *arg, const char *name);
	const void *header_arg;
	uint64_t started, answered; /* µs since the epoch; 0: not yet */
};

struct hl_leg_view {
	const char *side; /* "caller" or "callee" */
	const char *user_agent;
	const char *allow; /* the Allow header, or "" */
};

enum { HL_RULE_NAME = 64 };

/* Where a call goes, as a policy decided. */
enum { HL_ROUTE_TARGETS = 32 };
struct hl_route_decision {
	unsigned count; /* of targets */
	struct {
		unsigned group; /* targets of one group ring together; groups come in turn */
		char text[256]; /* "user:1002", "gateway:carrier-a", "sip:x@y" */
	} targets[HL_ROUTE_TARGETS];
	int reject;  /* 300–699; 0: none. Neither targets nor reject: nobody (404) */
	bool follow; /* a 3xx of a target: the switch calls its Contacts */
	char reason[128];
	char rule[HL_RULE_NAME];
};

#endif
