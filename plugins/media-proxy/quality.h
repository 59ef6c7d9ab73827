/* The listening quality of a stream as the E-model estimates it (ITU-T G.107, G.113). */
#ifndef HL_MEDIA_QUALITY_H
#define HL_MEDIA_QUALITY_H

#include <stdint.h>

struct hl_quality {
	const char *codec; /* name of the answer's codec, any case */
	double loss;	   /* share of the packets that never came, 0–1 */
	double jitter;	   /* ms */
	double round_trip; /* ms, from end to end; 0: not known */
};

/* Mean opinion score, 1.0 to 4.5. */
double hl_quality_mos(const struct hl_quality *quality);

#endif
