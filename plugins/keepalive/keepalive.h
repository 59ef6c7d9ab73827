/* The heartbeats: which contact gets what, sent over the flow its REGISTER came by. */
#ifndef KEEPALIVE_H
#define KEEPALIVE_H

#include "holdline.h"
#include "pacer.h"

enum keepalive_method { KEEPALIVE_UDP, KEEPALIVE_OPTIONS, KEEPALIVE_CRLF };

struct keepalive_settings {
	struct hl_slice message;
	int64_t period;	       /* s */
	int64_t send_interval; /* ms */
	int64_t send_one_time;
	int64_t copies;
	int method;  /* enum keepalive_method */
	int overrun; /* enum keepalive_overrun */
	int targets; /* enum keepalive_targets */
	int pacing;  /* enum keepalive_pacing */
	int64_t options_fail_limit;
	int on_dead; /* enum keepalive_dead */
	bool skip_active;
};
enum keepalive_overrun { KEEPALIVE_RESTART, KEEPALIVE_RESUME };
enum keepalive_targets { KEEPALIVE_NAT, KEEPALIVE_ALL };
enum keepalive_pacing { KEEPALIVE_BATCH, KEEPALIVE_EVEN };
enum keepalive_dead { KEEPALIVE_MARK, KEEPALIVE_REMOVE };

/* A decision, shared by all contacts it was the same for. */
struct profile {
	struct hl_hash_node node; /* in profiles */
	uint32_t references;
	uint64_t period; /* µs */
	enum keepalive_method method;
	char decided_by[HL_RULE_NAME];
	size_t length; /* of message */
	char message[];
};

struct profiles {
	struct hl_hash table;
};

/* What is kept with each contact. 88 bytes: there may be a million. */
struct beat {
	struct pacer_member member;
	struct hl_list order;	    /* in keepalive.beats */
	struct hl_contact *contact; /* whose space this is in */
	struct profile *profile;    /* NULL: none is sent */
	uint64_t last;		    /* hl_clock_now of the last one; 0: none yet */
	uint32_t sent;		    /* datagrams, pings */
	uint32_t skipped;	    /* passes that found it active */
	uint32_t refused;	    /* ICMP errors from its address, sends the kernel refused */
	uint16_t generation;	    /* of the configuration that decided */
	uint8_t failures;	    /* unanswered in a row */
	bool waiting;		    /* for the answer to an OPTIONS or a CRLF */
};

/* One of our UDP sockets, as the heartbeats found it. */
struct outlet {
	uint16_t listener;	 /* as flows name it */
	struct hl_address local; /* its address, as the first flow has it */
	uint64_t sent;		 /* datagrams */
	uint64_t full;		 /* times it would take no more */
	uint64_t busy;		 /* µs of real time that it took to send them, waits and all */
	uint64_t counted;	 /* hl_clock_real up to which `busy` is */
	uint64_t waiting;	 /* hl_clock_real since when it takes none; 0: it does */
};

struct outlets {
	struct outlet *list; /* owned */
	unsigned count;
};

/* CRLFs whose pong is awaited, the first sent first. */
struct pongs {
	struct hl_list list;
	struct hl_timer timer; /* for the first */
};

struct keepalive {
	struct hl_module *self;			   /* borrowed */
	struct hl_switch *holdline;		   /* borrowed */
	const struct keepalive_settings *settings; /* the module's; exchanged on reload */
	struct profiles profiles;
	struct pacer pacer;
	struct hl_list beats;	/* all of them, decided longest ago first */
	struct hl_timer review; /* of those that another configuration decided */
	struct outlets outlets;
	struct pongs pongs;
	uint64_t sent, refused; /* datagrams and pings; ICMP errors and sends that failed */
	uint64_t crowded;	/* the load (see pacer_load) that was warned of (K8); 0: none */
	uint16_t generation;	/* of the configuration */
};

int profiles_init(struct profiles *profiles);
void profiles_fini(struct profiles *profiles);
/* The shared profile like this one (its message is `message`), with one reference more; NULL when
 * memory is out. */
struct profile *profile_ref(struct profiles *profiles, const struct profile *like,
			    struct hl_slice message);
void profile_unref(struct profiles *profiles, struct profile *profile);

void beats_init(struct keepalive *keepalive);
void beats_fini(struct keepalive *keepalive);
/* There is another configuration: all are decided anew, a few in each turn. */
void beats_review(struct keepalive *keepalive);
/* The contact is new. */
void beat_begin(struct keepalive *keepalive, struct hl_contact *contact);
/* Decides anew what the contact gets, and puts it into its ring or takes it out. */
void beat_decide(struct keepalive *keepalive, struct hl_contact *contact);
/* The contact is leaving. */
void beat_end(struct keepalive *keepalive, struct hl_contact *contact);
/* Its tuple has been heard from, `answered`: with what was waited for. */
void beat_alive(struct keepalive *keepalive, struct hl_contact *contact, bool answered);
/* Its address answered with an ICMP error, or the kernel refused to send there. */
void beat_refused(struct keepalive *keepalive, struct beat *beat);
/* What it was asked was not answered (K12). May be the end of the contact. */
void beat_failed(struct keepalive *keepalive, struct beat *beat);
/* The pacer's events. */
void beats_send(void *arg, struct pacer_member *const *members, unsigned count,
		enum pacer_result *results);
bool beat_due(void *arg, struct pacer_member *member);

/* What the command `keepalive` answers. */
int keepalive_show(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		   struct hl_error *error);
void beat_json(const struct beat *beat, struct hl_json *json);

/* The outlet of a flow's socket; NULL when memory is out. */
struct outlet *outlet_get(struct outlets *outlets, const struct hl_flow *flow);
/* It was given `count` datagrams at `begun` (hl_clock_real) and took `taken`. Returns whether to
 * try the others again: not once it has been full for long. */
bool outlet_note(struct outlet *outlet, uint64_t begun, unsigned count, unsigned taken);
void outlets_json(const struct outlets *outlets, struct hl_json *json);

void pongs_init(struct keepalive *keepalive);
void pongs_fini(struct keepalive *keepalive);
/* The CRLF just sent is to be answered (RFC 5626 §4.4.1). */
void pong_await(struct keepalive *keepalive, struct beat *beat);

/* Says at start and after a reload what does not fit the registrar's expiry (K9). */
void sizing_warn_expiry(const struct keepalive *keepalive);
/* The same and the size before anything runs, with places in the file: hl_plugin.review. */
void sizing_review(const struct hl_config *config, const void *values, const struct hl_node *map,
		   struct hl_mistakes *mistakes);
/* Says when there are more endpoints than can be served (K8): once, and again only when it has
 * become much worse. */
void sizing_warn_load(struct keepalive *keepalive);
/* Says at start and after a reload that it will come to that when all endpoints of the
 * configuration are there. */
void sizing_forecast(const struct keepalive *keepalive);

#endif
