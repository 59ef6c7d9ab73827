/* The call room's own structs. A call owns its legs; everything outside keeps handles. */
#ifndef HL_CALL_PRIVATE_H
#define HL_CALL_PRIVATE_H

#include "base/clock.h"
#include "base/memory.h"
#include "call/call.h"
#include "loop/timer.h"
#include "sip/credentials.h"

/* A hook's answer that means: taken care of (the plugins' HL_DONE). */
enum { HL_STAGE_DONE = 1 };
enum { HL_TAG_SIZE = 33, HL_CALL_ID_SIZE = 25 };

/* What a call goes through. */
enum hl_call_state {
	HL_CALL_ROUTING,  /* the INVITE came; targets are being chosen */
	HL_CALL_TRYING,	  /* a group of targets was called; none rings yet */
	HL_CALL_RINGING,  /* one rings, or sends early media */
	HL_CALL_ANSWERED, /* our 2xx went to the caller; its ACK is awaited */
	HL_CALL_ACTIVE,	  /* both legs are confirmed */
	HL_CALL_ENDED,	  /* recorded; a leg may wait for its ACK so that it can get its BYE */
};

enum hl_call_event {
	HL_CALL_HEARD,	  /* a callee sent 100 */
	HL_CALL_PROGRESS, /* a callee sent 101–199 */
	HL_CALL_ANSWER,	  /* a callee sent 2xx */
	HL_CALL_REFUSAL,  /* a callee's final failure, or no answer from it */
	HL_CALL_LOST,	  /* a callee cannot be reached: refused, connection gone */
	HL_CALL_TIMEOUT,  /* the set-up timer of this state */
	HL_CALL_ACK,	  /* the caller's ACK */
	HL_CALL_EVENTS
};

/* What a call that is being set up waits for. */
enum hl_wait {
	HL_WAIT_RESPONSE,    /* anything at all */
	HL_WAIT_PROGRESS,    /* more than 100 */
	HL_WAIT_RINGING,     /* more than 101–199 without SDP */
	HL_WAIT_EARLY_MEDIA, /* the answer, hearing early media */
	HL_WAIT_ANSWER,	     /* the answer, ringing */
};

struct hl_reliable; /* reliable.c: a caller's reliable provisional responses */
struct hl_names;    /* names.c: targets of a call whose hosts are being looked up */
struct hl_busy;	    /* admission.c: calls of an endpoint that has a limit */

struct hl_calls {
	struct hl_calls_parts parts;
	struct hl_config *config; /* a reference */
	struct hl_text from, to;  /* of the request that is being made; kept for their memory */
	struct hl_list list;	  /* struct hl_call, oldest first; ended ones excepted */
	struct hl_list graveyard; /* ended: freed in the next turn, once no leg waits for an ACK */
	struct hl_hash legs;	  /* struct hl_leg by local tag */
	struct hl_hash invites; /* struct hl_call by the caller's Call-ID and tag, until answered */
	struct hl_hash busy;	/* struct hl_busy by user */
	struct hl_list exchanges; /* struct hl_exchange of legs that are gone */
	struct hl_handles call_handles, leg_handles, exchange_handles;
	struct hl_timer bury; /* frees the graveyard */
	size_t count;	      /* in list */
	struct hl_call_counters counters;
	uint64_t rate_at;   /* hl_clock_now: when the bucket of max_invite_rate was looked at */
	uint64_t rate_left; /* µs worth of INVITEs in it */
};

/* One place a call may go to. */
struct hl_target {
	enum { HL_TARGET_CONTACT, HL_TARGET_GATEWAY, HL_TARGET_URI } kind;
	unsigned group;			  /* targets of one group ring together */
	struct hl_handle contact;	  /* CONTACT */
	const struct hl_gateway *gateway; /* GATEWAY: in the call's configuration */
	struct hl_address address;	  /* GATEWAY, URI: which server; family 0: none known */
	const char *fault;		  /* GATEWAY: why there is none; static */
	char *uri;			  /* Request-URI; owned */
};

struct hl_leg {
	struct hl_list node;	    /* in call->callees; alone for the caller's */
	struct hl_hash_node by_tag; /* in calls->legs */
	struct hl_handle handle;
	struct hl_call *call; /* its owner */
	enum hl_side side;
	uint8_t fork; /* callee's: which one of the call, from 1; modulo 256 */
	enum { HL_LEG_INVITED, HL_LEG_EARLY, HL_LEG_CONFIRMED, HL_LEG_ENDED } state;

	/* The dialog (RFC 3261 §12). */
	char local_tag[HL_TAG_SIZE];
	char *remote_tag;		/* owned; NULL until known */
	char *call_id, *local, *remote; /* owned; From and To values of ours and theirs, no tags */
	char *target;			/* owned; the peer's Contact URI */
	char *routes;			/* owned; Route value, or NULL */
	uint32_t local_cseq, remote_cseq;
	uint32_t first_cseq;	  /* caller's: of its first INVITE */
	struct hl_handle contact; /* the device it talks to, if it is registered */
	struct hl_busy *busy;	  /* where it is counted, or NULL */
	struct hl_flow flow;	  /* the way to the peer */

	/* Transactions under way. */
	struct hl_handle invite;  /* the first INVITE: server (caller) or client (callee) */
	struct hl_handle serving; /* re-INVITE or UPDATE of the peer, not answered yet */
	struct hl_handle acking;  /* the INVITE of the peer that got its 2xx last */
	struct hl_list exchanges; /* struct hl_exchange: requests of ours under way */
	struct hl_handle asking;  /* exchange of our re-INVITE or UPDATE */
	uint32_t ack_cseq;	  /* the INVITE whose ACK is awaited from the peer; 0: none */
	uint32_t ack_answer;	  /* the INVITE of ours whose ACK carried the answer; 0: none */
	uint32_t due_ack;	  /* the 2xx whose ACK waits for the other leg's answer; 0: none */
	bool bye_due;		  /* BYE goes out once the ACK came (RFC 3261 §15) */

	/* Reliable provisional responses (RFC 3262). */
	struct hl_reliable *reliable; /* caller's; owned; NULL until one is sent */
	uint32_t rseq, rseq_dialog; /* callee's: the last one acknowledged, and a hash of its tag */
	enum { HL_REL_NONE, HL_REL_SUPPORTED, HL_REL_REQUIRED } rel; /* what its INVITE says */

	/* A REFER passed on: its CSeq here and where it came from, for the id in its NOTIFYs. */
	uint32_t refer_sent, refer_heard;

	/* The session. */
	struct hl_text sdp; /* what we last sent to the peer */

	/* Who it is. */
	char *user;			    /* owned; user part, "" unknown */
	const char *network;		    /* in the call's configuration, or "" */
	const struct hl_account *account;   /* in the call's configuration, or NULL */
	const struct hl_party *party;	    /* in the call's configuration; never NULL */
	const struct hl_gateway *gateway;   /* in the call's configuration, or NULL */
	struct hl_handle seat;		    /* its place among the gateway's calls */
	struct hl_credentials *credentials; /* owned; NULL until the gateway asked for some */
	unsigned challenges;		    /* in a row */
	uint32_t challenged_cseq;	    /* of the request that answered the last one */
	char *user_agent;		    /* owned; NULL until known */
	char *allow;			    /* owned; the peer's Allow, NULL until known */
	bool timer;			    /* the peer's Supported lists timer */
	bool nat;
	bool media;	/* callee's: the caller was sent its early SDP */
	uint64_t heard; /* hl_clock_now of its last message */
			/* the plugins' space follows */
};

/* A request of ours inside a dialog, until its final response: passed on from the other leg, or
 * a refresh. Named by handle, since both legs may be gone when the response comes. */
struct hl_exchange {
	struct hl_list node;   /* in its leg's exchanges, else in those of `calls` */
	struct hl_timer limit; /* INVITE: how long the peer may think about it */
	struct hl_handle handle;
	struct hl_calls *calls;	      /* borrowed */
	struct hl_handle leg;	      /* that asks */
	struct hl_handle transaction; /* of the request */
	struct hl_handle from;	      /* passed on: the leg it came from */
	struct hl_handle serving;     /* passed on: that leg's transaction */
	enum hl_method method;
	struct hl_text sdp; /* the offer it carried; empty: none */
	void (*done)(void *arg, struct hl_leg *leg, int code); /* refresh: who is told */
	void *arg;
};

/* A message of the call's ladder. */
struct hl_rung {
	uint32_t at; /* ms since the call began */
	uint32_t cseq;
	uint16_t status; /* 0: a request */
	uint8_t method;	 /* enum hl_method */
	uint8_t fork;	 /* hl_leg.fork */
	uint8_t flags;	 /* ladder.c */
};
enum { HL_LADDER_FIRST = 16, HL_LADDER_LATEST = 16 };
enum hl_way { HL_WAY_IN, HL_WAY_OUT };

struct hl_call {
	struct hl_list node;	       /* in calls->list or ->graveyard */
	struct hl_hash_node by_invite; /* in calls->invites until it is answered */
	struct hl_calls *calls;	       /* borrowed */
	struct hl_config *config;      /* a reference, for its whole life */
	struct hl_handle handle;
	char id[HL_CALL_ID_SIZE];
	enum hl_call_state state;
	struct hl_leg *caller;	/* owned */
	struct hl_list callees; /* struct hl_leg, owned: those that ring, or the one */
	struct hl_leg *callee;	/* the one that answered, in callees */
	struct hl_leg *early;	/* the one whose ringing the caller hears, in callees; or NULL */
	char *replaces;		/* owned; Replaces for the callee, or NULL */
	char *request_uri;	/* owned; of the caller's INVITE */
	char *number;		/* owned; its user part: who is called */
	char *display;		/* owned; the caller's display name, or "" */
	char *route_rule;	/* owned; who routed it: "default" or a rule's name */

	struct hl_target *targets; /* owned; by group */
	unsigned target_count, next_target;
	struct hl_names *names;	 /* owned; NULL: nothing is being looked up */
	int best_code;		 /* the best failure so far (RFC 3261 §16.7); 0: none */
	char *best_reason;	 /* owned; its phrase, or NULL */
	char *best_contact;	 /* owned; Contact of a 3xx, or NULL */
	char *retry_after;	 /* owned; or NULL */
	bool refused;		 /* the best failure came from a callee */
	const char *best_detail; /* static; what the record says of it; or NULL */
	bool follow;		 /* the policy wants redirections followed */
	uint8_t redirects;	 /* followed so far */
	enum hl_wait wait;	 /* what the current group is waited for */
	struct hl_timer setup;	 /* D6 */
	struct hl_timer reaper;	 /* its absolute end, whatever else goes wrong */
	char *cause;		 /* owned; the Reason header that came with its end, or NULL */

	struct hl_rung ladder[HL_LADDER_FIRST + HL_LADDER_LATEST];
	unsigned rungs; /* put on it so far, those included that are no longer there */
	uint8_t forks;	/* callee legs so far */

	uint64_t started, rang, answered;     /* hl_clock_now; 0: not yet */
	uint64_t alive;			      /* … of the last sign of life beside the legs' */
	int sip_code;			      /* what the caller got */
	char callee_address[HL_ADDRESS_TEXT]; /* of the leg that counts for the record */
	const char *callee_gateway;	      /* its name, in the configuration, or "" */
					      /* the plugins' space follows */
};

/* call.c: lifecycle */
struct hl_call *hl_call_new(struct hl_calls *calls, struct hl_transaction *transaction,
			    struct hl_message *invite);
void hl_call_set_state(struct hl_call *call, enum hl_call_state state, const char *why);
/* Frees it in the next turn, once no leg waits for an ACK. */
void hl_call_bury(struct hl_call *call);
/* Keeps the Reason header of a message for the other legs. */
void hl_call_keep_cause(struct hl_call *call, const struct hl_message *message);
/* The set-up timer of a call. */
void hl_call_setup_fired(void *arg);
/* cdr.c: fills the core's part of the record. */
void hl_call_record(const struct hl_call *call, const char *reason, const char *detail,
		    enum hl_ended_by by, struct hl_cdr *cdr);
/* Ends it: `code` goes to a caller who still waits. */
void hl_call_finish(struct hl_call *call, int code, const char *phrase, const char *reason,
		    const char *detail, enum hl_ended_by by);

/* admission.c: what refuses a call */
/* The code that refuses an INVITE before it is a call; 0: none. */
int hl_calls_admit(struct hl_calls *calls, const struct hl_message *invite);
/* The code and detail that refuse a call for the limits of the switch; 0: none. */
int hl_call_limit(struct hl_call *call, const char **detail);
/* Between the two the INVITE is known, so that its copies are told from it. */
void hl_call_remember_invite(struct hl_call *call);
void hl_call_forget_invite(struct hl_call *call);
/* Counts the leg for its endpoint, if that has a limit: 0, -EBUSY when it is reached, -ENOMEM. */
int hl_leg_count(struct hl_leg *leg, const struct hl_account *account);
void hl_leg_uncount(struct hl_leg *leg);

/* reliable.c: RFC 3262 */
/* Acknowledges a callee's provisional response, if it is to be. False: it came before. */
bool hl_reliable_heard(struct hl_leg *leg, const struct hl_message *response);
/* Sends the caller a provisional response, reliably if it insists, or if `wanted` and it can. Takes
 * it over. */
void hl_reliable_progress(struct hl_leg *leg, struct hl_message *response, bool wanted);
/* Whether the 2xx has to wait for a PRACK; it is taken over then. */
bool hl_reliable_hold(struct hl_leg *leg, struct hl_message *response);
/* The caller's PRACK: whether it is the one awaited. Then, once it is answered, what waited goes.
 */
bool hl_reliable_acknowledged(struct hl_leg *leg, const struct hl_message *prack);
void hl_reliable_go_on(struct hl_leg *leg);
void hl_reliable_end(struct hl_leg *leg);

/* redirect.c: puts what a 3xx names in front of the targets still to come. False: it names nobody,
 * or is the caller's to follow. */
bool hl_call_follow(struct hl_call *call, const struct hl_message *response);

/* replaces.c: transfers */
/* For an INVITE with Replaces: 1 when the call has its one target, else the code that refuses it;
 * 0: it has none. */
int hl_call_replaces(struct hl_call *call, const struct hl_message *invite);
/* A Refer-To whose Replaces names one of our dialogs, as somebody else may see it: 0 or -ENOENT. */
int hl_replaces_hide(struct hl_calls *calls, const char *refer_to, struct hl_text *out);

/* ladder.c: messages of a call, as people see them later. O(1) */
void hl_ladder_put(struct hl_leg *leg, enum hl_way way, enum hl_method method, int status,
		   uint32_t cseq, bool sdp);
void hl_ladder_note(struct hl_leg *leg, enum hl_way way, const struct hl_message *message);

/* machine.c: the table */
const char *hl_call_state_text(const struct hl_call *call);
void hl_call_happened(struct hl_call *call, enum hl_call_event event, struct hl_leg *leg,
		      struct hl_message *message);

/* routing.c */
/* Fills call->targets. 0, or negative errno with the code (and phrase, or "") for the caller. */
int hl_call_route(struct hl_call *call, int *code, char phrase[128]);
void hl_call_drop_targets(struct hl_call *call);
/* NULL when there is no room. */
struct hl_target *hl_call_add_target(struct hl_call *call, int kind, unsigned group);
/* By group, in order of naming within one. */
void hl_call_sort_targets(struct hl_call *call);
/* Where a target's URI leads: 1 and its address, 0 for a host that has to be looked up, or negative
 * errno for what is no place to call. */
int hl_target_place(struct hl_slice uri, struct hl_address *address);

/* names.c */
/* Calls the first group, once the hosts that targets name are known. */
void hl_call_begin(struct hl_call *call);
void hl_call_names_timeout(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
void hl_call_names_end(struct hl_call *call);

/* setup.c: calling the targets */
void hl_call_next_group(struct hl_call *call);
const char *hl_call_wait_detail(const struct hl_call *call);
void hl_call_heard(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
void hl_call_progress(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
void hl_call_answer(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
/* The leg goes; a 2xx to its INVITE that comes again is still told from another fork's. */
void hl_leg_leave_answer(struct hl_leg *leg);
/* Sends the ACK that the other leg's 2xx waits for, with the answer of this one. */
void hl_call_pass_ack(struct hl_leg *leg, struct hl_message *ack);
void hl_call_acked(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);

/* failure.c: targets that do not answer */
void hl_call_refusal(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
/* A callee that has not answered hangs up. */
void hl_call_quit(struct hl_call *call, struct hl_leg *leg);
void hl_call_lost(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
void hl_call_setup_timeout(struct hl_call *call, struct hl_leg *leg, struct hl_message *message);
/* Keeps the better of two failures; `message` (may be NULL) has phrase and headers, `detail`
 * (static, may be NULL) is for the record. */
void hl_call_note_failure(struct hl_call *call, int code, const struct hl_message *message,
			  bool refused, const char *detail);
/* Passes over what is left of that gateway's servers: what it said, they would say too. */
void hl_call_skip_servers(struct hl_call *call, const struct hl_gateway *gateway);
/* What the other leg is told of a leg's final failure. */
int hl_call_told_code(int code);
/* How a final code reads in the record: "Busy", "Rejected", … */
const char *hl_call_reason_of(int code);
/* Ends and frees one callee's leg. `reason` is a Reason value for its CANCEL, or NULL. */
void hl_call_drop_leg(struct hl_call *call, struct hl_leg *leg, const char *reason);
/* No target is left: the caller gets the best failure. */
void hl_call_give_up(struct hl_call *call);

/* identity.c: who the caller is to a callee */
/* Sets From and To of a callee's leg, without tags. 0 or -ENOMEM. */
int hl_leg_name_parties(struct hl_leg *leg);
/* The user part of our Contact on the leg; may be NULL. */
const char *hl_leg_contact_user(const struct hl_leg *leg);
/* Puts privacy and identity headers on an INVITE to a gateway. 0 or -ENOMEM. */
int hl_leg_identify(const struct hl_leg *leg, struct hl_message *invite);

/* challenge.c: credentials for gateways */
/* Takes a 401 or 407; true: hl_leg_repeat will answer it. */
bool hl_leg_challenged(struct hl_leg *leg, const struct hl_message *answer);
/* Puts credentials on a request if the leg has any. 0 or -ENOMEM. */
int hl_leg_authorize(struct hl_leg *leg, struct hl_message *request);
void hl_leg_forget_credentials(struct hl_leg *leg);

/* leg.c: the dialog */
/* A From or To value without its tag; owned by the caller; NULL when memory is out. */
char *hl_address_of(const char *value);
struct hl_leg *hl_leg_new(struct hl_call *call, enum hl_side side);
void hl_leg_free(struct hl_leg *leg);
/* Takes remote tag, target, route set, Allow, Supported, User-Agent from a message of the peer. */
int hl_leg_learn(struct hl_leg *leg, const struct hl_message *message);
/* A request in the leg's dialog, complete but for its body; CSeq counted up (ACK: `cseq`). */
struct hl_message *hl_leg_request(struct hl_leg *leg, enum hl_method method, uint32_t cseq);
/* A response in the leg's dialog with our Contact and headers. */
struct hl_message *hl_leg_response(struct hl_leg *leg, const struct hl_message *request, int code,
				   const char *reason);
/* Adds our Contact, Allow, Supported, User-Agent as the message calls for. */
int hl_leg_dress(struct hl_leg *leg, struct hl_message *message);
/* Stage leg_send, then out. Both take over the message. */
int hl_leg_respond(struct hl_leg *leg, struct hl_transaction *transaction,
		   struct hl_message *response);
int hl_leg_start(struct hl_leg *leg, struct hl_message *request, struct hl_transaction_owner owner,
		 struct hl_handle *transaction);
/* Sends the request of a transaction again, in a transaction of its own with the next CSeq. */
int hl_leg_repeat(struct hl_leg *leg, const struct hl_transaction *failed,
		  struct hl_transaction_owner owner, struct hl_handle *transaction);
/* ACK to a 2xx, with the answer that the first one had, if any. */
void hl_leg_ack(struct hl_leg *leg, uint32_t cseq);
/* Takes it over. */
void hl_leg_send_ack(struct hl_leg *leg, struct hl_message *ack);
/* `reason` is a Reason value or NULL. */
void hl_leg_bye(struct hl_leg *leg, const char *reason);
/* Ends one leg: CANCEL, BYE, or nothing, as its state asks. `reason` is a Reason value or NULL. */
void hl_leg_end(struct hl_leg *leg, const char *reason);
/* A 2xx that nobody waits for any more: ACKed; and, of a dialog that had no BYE yet, ended as well
 * (RFC 3261 §13.2.2.4). */
void hl_leg_ack_late(struct hl_calls *calls, struct hl_transaction *transaction,
		     const struct hl_message *response);
void hl_leg_decline_answer(struct hl_calls *calls, struct hl_transaction *transaction,
			   const struct hl_message *response);

/* session.c: SDP from leg to leg. `out` becomes the body of `to`'s message. 0 or a SIP code. */
int hl_session_offer(struct hl_leg *from, struct hl_leg *to, const struct hl_message *message,
		     struct hl_message *out);
int hl_session_answer(struct hl_leg *from, struct hl_leg *to, const struct hl_message *message,
		      struct hl_message *out);
/* Remembers the SDP of a message that goes to the leg. */
void hl_session_sent(struct hl_leg *leg, const struct hl_message *message);
/* Headers that may pass from one leg to the other: `leg` is where `from` came from, and its
 * addresses are hidden. 0 or -ENOMEM. */
int hl_session_pass_headers(const struct hl_leg *leg, const struct hl_message *from,
			    struct hl_message *to);
/* The same headers from one message of the switch's to another for the same leg. */
int hl_session_copy_headers(const struct hl_leg *leg, const struct hl_message *from,
			    struct hl_message *to);

/* dialog.c: requests inside dialogs */
void hl_leg_requested(struct hl_leg *leg, struct hl_transaction *transaction,
		      struct hl_message *message);
/* The leg at the other end, or before the answer the one that rings there; or NULL. */
struct hl_leg *hl_leg_opposite(const struct hl_leg *leg);
struct hl_leg *hl_leg_by_local_tag(struct hl_calls *calls, struct hl_slice tag);
struct hl_leg *hl_leg_by_tag(struct hl_calls *calls, const char *tag, const char *call_id);
void hl_leg_got_ack(struct hl_leg *leg, struct hl_message *message);
/* Answers a request of the peer with a code and nothing more. */
int hl_leg_reply(struct hl_leg *leg, struct hl_transaction *transaction, int code);

/* exchange.c: requests of ours inside dialogs */
/* For a request on `leg`; NULL when memory is out. */
struct hl_exchange *hl_exchange_new(struct hl_leg *leg, enum hl_method method);
void hl_exchange_free(struct hl_exchange *exchange);
/* Sends its request and takes it over; on an error the exchange is gone as well. */
int hl_exchange_start(struct hl_exchange *exchange, struct hl_leg *leg, struct hl_message *request);
void hl_exchange_fini(struct hl_calls *calls);
/* The leg is over: who waits for its answers gets 487, and what can be is cancelled. */
void hl_exchanges_refuse(struct hl_leg *leg);
/* The leg is freed: its exchanges wait on for their transactions. */
void hl_exchanges_orphan(struct hl_leg *leg);

#endif
