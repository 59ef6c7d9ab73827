/* Wrong passwords (G5): counted for each user and source address together, so that a guesser locks
 * himself out, never the user. */
#ifndef SUSPENSION_H
#define SUSPENSION_H

#include "holdline.h"

enum { SUSPENSIONS_MAX = 65536 }; /* more than that many: the oldest is forgotten */

struct suspensions {
	struct hl_hash table; /* struct suspension by user and address */
	struct hl_list order; /* the same by last failure, oldest first */
};

/* 0 or -ENOMEM. */
int suspensions_init(struct suspensions *suspensions);
void suspensions_fini(struct suspensions *suspensions);
/* Seconds this user is still suspended from that address (the port does not matter); 0: not. */
unsigned suspension_left(struct suspensions *suspensions, struct hl_slice user,
			 const struct hl_address *source);
/* Counts a wrong password; true when this one made `limit` (0: none does) and the user is suspended
 * for `seconds`. After that long without another the count begins anew. */
bool suspension_count(struct suspensions *suspensions, struct hl_slice user,
		      const struct hl_address *source, unsigned limit, unsigned seconds);
/* The password was right: forgets what was counted. */
void suspension_clear(struct suspensions *suspensions, struct hl_slice user,
		      const struct hl_address *source);

#endif
