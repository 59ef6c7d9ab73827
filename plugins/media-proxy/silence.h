/* The media time-out (M7, rule 26): a call whose media fell silent is ended, and one that is heard
 * on one side only is flagged. */
#ifndef HL_MEDIA_SILENCE_H
#define HL_MEDIA_SILENCE_H

#include "media.h"

/* Begins to look for silence, once a second. */
void hl_silence_start(struct hl_media *media);
void hl_silence_stop(struct hl_media *media);

#endif
