/* The figures of media-proxy for monitoring. */
#ifndef HL_MEDIA_METRICS_H
#define HL_MEDIA_METRICS_H

#include "media.h"

/* Registers them. 0 or negative errno. */
int hl_media_metrics(struct hl_media *media);

#endif
