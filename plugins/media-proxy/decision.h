/* Whether the media of a call goes through the switch (M1, M2), and by which rule (M3). */
#ifndef HL_MEDIA_DECISION_H
#define HL_MEDIA_DECISION_H

#include "holdline.h"

enum hl_media_policy { HL_MEDIA_POLICY_NONE, HL_MEDIA_POLICY_ON, HL_MEDIA_POLICY_OFF };

/* One side of the call. */
struct hl_media_party {
	int setting;	     /* enum hl_media_setting of its endpoint or gateway */
	bool nat;	     /* behind NAT */
	const char *network; /* name, "" when it is in none */
};

/* All that the decision depends on; texts are borrowed. */
struct hl_media_question {
	int mode;	  /* enum hl_media_setting, of the plugin */
	bool between_net; /* relay between different networks */
	bool behind_nat;  /* relay for whoever is behind NAT */
	int policy;	  /* enum hl_media_policy: what the script said */
	const char *rule; /* the policy's rule */
	bool encrypted;	  /* the offer asks for SRTP */
	bool families;	  /* one side speaks IPv4 and the other IPv6 */
	struct hl_media_party caller, callee;
};

enum { HL_MEDIA_REASON = 128 };

struct hl_media_verdict {
	bool relay;
	char reason[HL_MEDIA_REASON]; /* in words, as the CDR, the log and the control socket have
					 it */
};

/* Decides. */
void hl_media_decide(const struct hl_media_question *question, struct hl_media_verdict *verdict);

#endif
