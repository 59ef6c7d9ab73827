/* Ports and packets are counted where they pass; what streams are like now (jitter, round trip,
 * MOS) is the mean over those that run, worked out when somebody asks. */
#include "metrics.h"

#include "report.h"

#include <errno.h>

enum kind {
	PORT_PAIRS,
	PORTS_USED,
	PORTS_RESTING,
	PORTS_REFUSED,
	PACKETS,
	BYTES,
	LOST,
	REJECTED,
	INVALID,
	CALLS,
	ONE_WAY,
	JITTER,
	ROUND_TRIP,
	MOS,
	KINDS
};

static const struct {
	const char *name, *help;
	bool counter;
} rows[KINDS] = {
	[PORT_PAIRS] = {"media_port_pairs", "Pairs of ports the relay has.", false},
	[PORTS_USED] = {"media_port_pairs_used", "Pairs that are open.", false},
	[PORTS_RESTING] = {"media_port_pairs_resting", "Pairs in quarantine.", false},
	[PORTS_REFUSED] = {"media_ports_refused_total", "Times no pair was free (503).", true},
	[PACKETS] = {"media_packets_total", "RTP packets accepted.", true},
	[BYTES] = {"media_bytes_total", "Their bytes, UDP payload.", true},
	[LOST] = {"media_lost_total", "RTP packets that never came.", true},
	[REJECTED] = {"media_rejected_total", "Packets of strangers, dropped.", true},
	[INVALID] = {"media_invalid_total", "Packets that are no media, dropped.", true},
	[CALLS] = {"media_calls", "Calls that are relayed now.", false},
	[ONE_WAY] = {"media_calls_one_way", "Calls with one-way audio now.", false},
	[JITTER] = {"media_jitter_ms", "Mean jitter of the streams that run.", false},
	[ROUND_TRIP] = {"media_rtt_ms", "Mean round trip of the phones that report.", false},
	[MOS] = {"media_mos", "Mean MOS of the streams that run.", false},
};

/* A mean in the making. */
struct mean {
	double sum;
	unsigned count;
};

static void mean_add(struct mean *mean, double value)
{
	mean->sum += value;
	mean->count++;
}

static void add_streams(const struct hl_media *media, struct hl_call *call,
			struct mean means[KINDS])
{
	const struct hl_media_call *own = hl_media_call(media, call);

	for (unsigned i = 0; i < own->count; i++) {
		struct hl_relay_figures figures[2];

		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++)
			hl_media_figures(media, call, side, i, &figures[side]);
		for (int side = HL_SIDE_CALLER; side <= HL_SIDE_CALLEE; side++) {
			double mos = hl_media_mos(figures, side, &own->records[i]);

			if (figures[side].packets)
				mean_add(&means[JITTER],
					 (double)figures[side].jitter / HL_MILLISECOND);
			if (figures[side].round_trip)
				mean_add(&means[ROUND_TRIP],
					 (double)figures[side].round_trip / HL_MILLISECOND);
			if (mos > 0)
				mean_add(&means[MOS], mos);
		}
	}
}

static double of_calls(const struct hl_media *media, enum kind kind)
{
	struct hl_calls *calls = hl_switch_calls(media->holdline);
	struct mean means[KINDS] = {{0, 0}};
	const struct hl_list *node;

	for (node = media->calls.next; node != &media->calls; node = node->next) {
		struct hl_media_call *own = hl_list_entry(node, struct hl_media_call, node);
		struct hl_call *call = hl_call_get(calls, own->handle);

		means[CALLS].sum++;
		means[ONE_WAY].sum += own->one_way;
		if (call && kind > ONE_WAY)
			add_streams(media, call, means);
	}
	return means[kind].count ? means[kind].sum / means[kind].count : means[kind].sum;
}

static double of_ports(const struct hl_media *media, enum kind kind)
{
	struct hl_port_figures figures;

	hl_ports_figures(media->ports, &figures);
	switch (kind) {
	case PORT_PAIRS: return figures.pairs;
	case PORTS_USED: return figures.used;
	case PORTS_RESTING: return figures.resting;
	default: return (double)figures.refused;
	}
}

static double of_packets(const struct hl_media *media, enum kind kind)
{
	struct hl_relay_totals totals;

	hl_relay_totals(media->relay, &totals);
	switch (kind) {
	case PACKETS: return (double)totals.packets;
	case BYTES: return (double)totals.bytes;
	case LOST: return (double)totals.lost;
	case REJECTED: return (double)totals.rejected;
	default: return (double)totals.invalid;
	}
}

static double read_metric(void *arg)
{
	const struct hl_media_metric *metric = arg;
	enum kind kind = (enum kind)metric->kind;

	if (kind <= PORTS_REFUSED)
		return of_ports(metric->media, kind);
	return kind <= INVALID ? of_packets(metric->media, kind) : of_calls(metric->media, kind);
}

int hl_media_metrics(struct hl_media *media)
{
	int rc = 0;

	media->metrics = hl_zalloc(KINDS * sizeof(*media->metrics));
	if (!media->metrics)
		return -ENOMEM;
	for (int kind = 0; !rc && kind < KINDS; kind++) {
		media->metrics[kind] = (struct hl_media_metric){media, kind};
		rc = hl_metric_register(media->holdline, &(struct hl_metric){
								 .name = rows[kind].name,
								 .help = rows[kind].help,
								 .counter = rows[kind].counter,
								 .read = read_metric,
								 .arg = &media->metrics[kind],
							 });
	}
	return rc;
}
