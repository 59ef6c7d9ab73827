/* R = 93.2 − Id − Ie,eff (G.107 with its default values), where
 *	Id     = 0.024 d + 0.11 (d − 177.3) beyond 177.3 ms: the delay
 *	Ie,eff = Ie + (95 − Ie) · Ppl / (Ppl + Bpl): the codec, and how it bears random loss of Ppl
 *% and MOS = 1 + 0.035 R + R (R − 60) (100 − R) · 7·10⁻⁶ (G.107 annex B). The delay from mouth to
 *ear is half the round trip, 20 ms of packet, and a jitter buffer of twice the jitter. */
#include "quality.h"

#include "holdline.h"

#define R_DEFAULT 93.2
#define PACKET_MS 20.0
#define KNEE_MS 177.3

/* G.113 appendix I, with concealment; what is not named is taken for G.711. Wideband codecs are
 * measured as if they were narrowband: the figure says what the network did to them. */
static const struct {
	const char *name;
	double ie, bpl;
} codecs[] = {
	{"G729", 11, 19}, {"G723", 15, 16.1}, {"GSM", 20, 10}, {"GSM-EFR", 5, 10},
	{"iLBC", 11, 32}, {"G726*", 7, 25.1}, {"AMR", 5, 10},  {"speex", 11, 20},
	{"G728", 7, 17},  {"*", 0, 25.1},
};

static double limit(double value, double low, double high)
{
	return value < low ? low : value > high ? high : value;
}

double hl_quality_mos(const struct hl_quality *quality)
{
	double delay = quality->round_trip / 2 + PACKET_MS + 2 * quality->jitter;
	double loss = 100 * limit(quality->loss, 0, 1), r = R_DEFAULT - 0.024 * delay;
	struct hl_slice name = hl_slice_of(quality->codec);
	size_t i = 0;

	if (delay > KNEE_MS)
		r -= 0.11 * (delay - KNEE_MS);
	while (!hl_slice_glob(hl_slice_of(codecs[i].name), name))
		i++;
	r -= codecs[i].ie + (95 - codecs[i].ie) * loss / (loss + codecs[i].bpl);
	r = limit(r, 0, 100);
	return limit(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1, 4.5);
}
