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

/* What is kept with each contact. */
struct beat {
	struct pacer_member member;
	struct hl_contact *contact; /* whose space this is in */
	struct profile *profile;    /* NULL: none is sent */
	uint64_t last;		    /* hl_clock_now of the last one; 0: none yet */
	uint32_t sent;		    /* datagrams, pings */
	uint16_t generation;	    /* of the configuration that decided */
	uint8_t failures;	    /* unanswered in a row */
	bool waiting;		    /* for the answer to an OPTIONS or a CRLF */
};

struct keepalive {
	struct hl_module *self;			   /* borrowed */
	struct hl_switch *holdline;		   /* borrowed */
	const struct keepalive_settings *settings; /* the module's; exchanged on reload */
	struct profiles profiles;
	struct pacer pacer;
	uint64_t sent;	     /* datagrams, pings */
	uint16_t generation; /* of the configuration */
	bool crowded;	     /* the warning about K8 was given */
};

int profiles_init(struct profiles *profiles);
void profiles_fini(struct profiles *profiles);
/* The shared profile like this one (its message is `message`), with one reference more; NULL when
 * memory is out. */
struct profile *profile_ref(struct profiles *profiles, const struct profile *like,
			    struct hl_slice message);
void profile_unref(struct profiles *profiles, struct profile *profile);

/* Decides anew what the contact gets, and puts it into its ring or takes it out. */
void beat_decide(struct keepalive *keepalive, struct hl_contact *contact);
/* The contact is leaving. */
void beat_end(struct keepalive *keepalive, struct hl_contact *contact);
/* Its tuple has been heard from, `answered`: with what was waited for. */
void beat_alive(struct keepalive *keepalive, struct hl_contact *contact, bool answered);
/* What it was asked was not answered (K12); true: that was the end of the contact. */
bool beat_failed(struct keepalive *keepalive, struct beat *beat);
/* The pacer's events. */
unsigned beats_send(void *arg, struct pacer_member *const *members, unsigned count);
bool beat_due(void *arg, const struct pacer_member *member);

/* Says at start and after a reload what does not fit the registrar's expiry (K9). */
void sizing_warn_expiry(const struct keepalive *keepalive);
/* Says once when there have come to be more endpoints than can be served (K8). */
void sizing_warn_load(struct keepalive *keepalive);

#endif
