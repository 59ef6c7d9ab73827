/* The gateway room's own structs. The table owns its trunks; a trunk owns the configuration it was
 * read from for as long as it lives, and everybody else keeps its handle. */
#ifndef HL_GATEWAY_PRIVATE_H
#define HL_GATEWAY_PRIVATE_H

#include "base/hash.h"
#include "gateway/search.h"
#include "loop/resolver.h"
#include "loop/timer.h"
#include "sip/credentials.h"

struct hl_trunk;

struct hl_trunks {
	struct hl_trunks_parts parts;
	struct hl_resolver *resolver; /* owned */
	struct hl_handles handles;    /* struct hl_trunk */
	struct hl_hash by_name;	      /* those of the configuration */
	struct hl_list list;	      /* the same, in order of the file */
	struct hl_list leaving;	      /* taken out; they only unregister yet */
	struct hl_list searches;      /* struct hl_search */
	uint64_t limited;	      /* calls that found a gateway full */
	bool stopping;
};

/* Where it is (location.c). */
struct location {
	struct hl_server servers[HL_SERVERS_MAX]; /* good until the timer rings */
	size_t count;
	size_t preferred;   /* the one that answered last */
	bool has_preferred; /* somebody asked it */
	const char *fault;  /* why there is none; static; NULL: not asked yet, or there are */
	struct hl_timer again;
	struct hl_search *search; /* under way, or NULL */
};

/* Whether it lives (supervision.c). */
struct supervision {
	struct hl_timer timer;
	struct hl_handle transaction;
	uint64_t asked;	      /* hl_clock_now of the OPTIONS */
	size_t server, tried; /* which one was asked; how many were in this round */
	struct hl_address asked_address;
	int reachable; /* 1, 0; −1: never asked */
	int64_t rtt;   /* µs; −1: unknown */
};

enum registration_state {
	REGISTRATION_OFF,	 /* it asks for none */
	REGISTRATION_WAITING,	 /* for the first address, or for the next attempt */
	REGISTRATION_TRYING,	 /* the first REGISTER is under way */
	REGISTRATION_REGISTERED, /* the binding stands; it may be being refreshed */
	REGISTRATION_FAILED,	 /* no answer, or one that may be different later */
	REGISTRATION_REJECTED,	 /* user or password are not liked */
	REGISTRATION_LEAVING,	 /* unregistering */
	REGISTRATION_LEFT,
};

/* The binding of the switch there (registration.c). */
struct registration {
	enum registration_state state;
	struct hl_timer timer; /* the next attempt */
	struct hl_timer pulse; /* keeps the NAT's mapping: a double CRLF */
	char call_id[25], tag[17];
	uint32_t cseq;
	struct hl_credentials credentials;
	struct hl_handle transaction;		  /* the REGISTER under way */
	struct hl_flow flow;			  /* of the last REGISTER */
	struct hl_server servers[HL_SERVERS_MAX]; /* of this attempt, in order */
	size_t server_count, server;
	unsigned challenges, raises; /* in this attempt: 401/407 and 423 answered */
	unsigned failures;	     /* attempts in a row */
	int64_t minimum;	     /* s; what a 423 asked for */
	int64_t asked;		     /* s; of this attempt */
	uint64_t granted;	     /* hl_clock_now of the last 200 */
	uint64_t expires;	     /* hl_clock_now when the binding ends; 0: there is none */
	struct hl_address mapped;    /* how the registrar sees us; family 0: not known */
	bool behind_nat;
	int last_code; /* 0: no answer */
	char last_reason[96];
};

struct hl_trunk {
	struct hl_list node;	     /* in trunks->list or ->leaving */
	struct hl_hash_node by_name; /* in trunks->by_name */
	struct hl_handle handle;
	struct hl_trunks *trunks;	  /* its owner */
	struct hl_config *config;	  /* a reference */
	const struct hl_gateway *gateway; /* in config */
	int64_t calls;
	bool kept; /* while a reload walks */
	struct location location;
	struct supervision supervision;
	struct registration registration;
};

/* trunk.c */
struct hl_trunk *hl_trunk_of(const struct hl_trunks *trunks, const struct hl_gateway *gateway);
void hl_trunk_free(struct hl_trunk *trunk);
/* "sip:[USER@]HOST[:PORT][;transport=tcp]" of the gateway, as it was written. */
void hl_trunk_put_uri(const struct hl_trunk *trunk, const char *user, struct hl_text *text);
/* The servers in order of trial: by priority, drawn by weight within one, what proved good first.
 */
size_t hl_trunk_order(const struct hl_trunk *trunk, struct hl_server servers[HL_SERVERS_MAX]);

/* search.c */
/* Those under way come to nothing: their `done` is called now. */
void hl_searches_fail(struct hl_trunks *trunks);

/* location.c */
void hl_location_init(struct hl_trunk *trunk);
/* Begins, and goes on as long as answers are good. */
void hl_location_start(struct hl_trunk *trunk);
/* Lookups under way are forgotten; what was found stays. */
void hl_location_stop(struct hl_trunk *trunk);

/* supervision.c */
void hl_supervision_init(struct hl_trunk *trunk);
/* Begins as the configuration says, or ends; harmless when nothing changed. */
void hl_supervision_start(struct hl_trunk *trunk);
void hl_supervision_stop(struct hl_trunk *trunk);

/* registration.c */
void hl_registration_init(struct hl_trunk *trunk);
/* Servers are known, or others than before: registers if that is due. */
void hl_registration_located(struct hl_trunk *trunk);
/* There are other settings than in `before`. */
void hl_registration_changed(struct hl_trunk *trunk, const struct hl_gateway *before);
/* Removes the binding. False: there is none, or it shall stay; all is over then. */
bool hl_registration_leave(struct hl_trunk *trunk);
void hl_registration_stop(struct hl_trunk *trunk);
/* The connection of the binding is gone. */
void hl_registration_lost(struct hl_trunk *trunk);
/* Sends a REGISTER now. */
void hl_registration_attempt(struct hl_trunk *trunk);
/* Sends the REGISTER of this attempt: again with credentials, to the next server. 0 or negative. */
int hl_registration_send(struct hl_trunk *trunk);
/* How the peer of that flow sees us, from the Via of its answer. */
void hl_registration_mapped(struct hl_trunk *trunk, const struct hl_flow *flow,
			    const struct hl_message *answer);
const char *hl_registration_text(enum registration_state state);

/* registration_answer.c: what a REGISTER came to */
void hl_registration_happened(void *arg, struct hl_handle handle,
			      struct hl_transaction *transaction, enum hl_transaction_event event,
			      struct hl_message *message);
/* The attempt came to nothing: what for, and when next. */
void hl_registration_fail(struct hl_trunk *trunk, int code, const char *reason, uint64_t wait);

#endif
