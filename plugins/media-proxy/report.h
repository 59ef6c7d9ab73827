/* What call list and CDR say about the media of a call. */
#ifndef HL_MEDIA_REPORT_H
#define HL_MEDIA_REPORT_H

#include "media.h"

/* What came so far from one side of an m-line. */
void hl_media_figures(const struct hl_media *media, struct hl_call *call, enum hl_side side,
		      unsigned index, struct hl_relay_figures *figures);
/* The stream of one side of an m-line, or NULL. */
struct hl_media_stream *hl_media_stream_of(const struct hl_media *media, struct hl_call *call,
					   enum hl_side side, unsigned index);
/* The MOS of what comes from `side`, by the figures of both; 0: it has none. */
double hl_media_mos(const struct hl_relay_figures figures[2], int side,
		    const struct hl_media_record *record);
/* The member "media" of a call. */
void hl_media_report_call(const struct hl_media *media, struct hl_call *call, struct hl_json *json);
/* media_relayed, media_reason, codec, streams, last_alive. */
void hl_media_report_cdr(const struct hl_media *media, struct hl_call *call, struct hl_cdr *cdr);

#endif
