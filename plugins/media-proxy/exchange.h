/* The stages offer, answer, leg_ended and ended: what happens to the media of a call. */
#ifndef HL_MEDIA_EXCHANGE_H
#define HL_MEDIA_EXCHANGE_H

#include "media.h"

int hl_media_offer(struct hl_media *media, struct hl_call *call, struct hl_leg *from,
		   struct hl_leg *to, struct hl_slice body, struct hl_text *rewritten);
int hl_media_answer(struct hl_media *media, struct hl_call *call, struct hl_leg *from,
		    struct hl_leg *to, struct hl_slice body, struct hl_text *rewritten);
void hl_media_leg_ended(struct hl_media *media, struct hl_leg *leg);
void hl_media_ended(struct hl_media *media, struct hl_call *call, struct hl_cdr *cdr);

#endif
