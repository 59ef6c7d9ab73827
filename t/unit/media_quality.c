/* The E-model: figures that G.107 and G.113 give, and that worse is never better. */
#include "../../plugins/media-proxy/quality.h"

#include "tap.h"

static double mos(const char *codec, double loss, double jitter, double round_trip)
{
	struct hl_quality quality = {codec, loss, jitter, round_trip};

	return hl_quality_mos(&quality);
}

static void known(void)
{
	static const struct {
		const char *codec;
		double loss, jitter, round_trip, want;
	} rows[] = {
		{"PCMU", 0, 0, 0, 4.40},       {"PCMA", 0.01, 0, 100, 4.30},
		{"PCMU", 0.05, 0, 100, 3.85},  {"PCMU", 0, 0, 800, 2.91},
		{"G729", 0, 0, 0, 4.10},       {"g729", 0.03, 0, 0, 3.61},
		{"opus", 0, 0, 0, 4.40},       {"", 0, 0, 0, 4.40},
		{"PCMU", 1, 0, 0, 1.16},       {"PCMU", 0, 60, 0, 4.32},
		{"PCMU", 1, 5000, 9000, 1.00},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double got = mos(rows[i].codec, rows[i].loss, rows[i].jitter, rows[i].round_trip);

		ok(got > rows[i].want - 0.02 && got < rows[i].want + 0.02,
		   "%s, %.0f %% lost, jitter %.0f ms, round trip %.0f ms: %.2f, want %.2f",
		   rows[i].codec, rows[i].loss * 100, rows[i].jitter, rows[i].round_trip, got,
		   rows[i].want);
	}
}

static void monotonic(void)
{
	double last = 5;

	for (int i = 0; i <= 100; i++) {
		double here = mos("PCMU", i / 100.0, i, i * 10);

		if (here > last || here < 1)
			ok(false, "at %d it gets better: %.3f after %.3f", i, here, last);
		last = here;
	}
	ok(last >= 1 && last < 1.5, "more loss, jitter and delay are never better");
}

int main(void)
{
	known();
	monotonic();
	return done_testing();
}
