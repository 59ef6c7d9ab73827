/* Does it fit? Warnings with the figures and the smallest change that would help (K8, K9). */
#include "keepalive.h"

#include <stdio.h>

enum {
	ALL = 1000000,	     /* of the time there is (see pacer_load) */
	ROOM = ALL / 10 * 9, /* below that a warning may be given anew */
	BURST_MOST = 10000,  /* the range of send_one_time */
	PERIOD_MOST = 86400, /* … of period, s */
	EXPIRY_SHARE = 5     /* heartbeats there shall be before a registration ends */
};

/* The registrar's nat_expire in s; 0: there is none. */
static int64_t nat_expire(const struct hl_config *config)
{
	return hl_config_integer(config, "registrar.nat_expire", 0);
}

static struct hl_place place_of(const struct hl_node *map, const char *key)
{
	const struct hl_node *node = hl_node_get(map, key);

	return node ? node->place : map ? map->place : (struct hl_place){.file = NULL};
}

/* What --check and a reload say before anybody has registered: every endpoint of the file may. */
void sizing_review(const struct hl_config *config, const void *values, const struct hl_node *map,
		   struct hl_mistakes *mistakes)
{
	const struct keepalive_settings *settings = values;
	int64_t expire = nat_expire(config), period = settings->period;
	int64_t datagrams = (int64_t)config->accounts.count * settings->copies;
	int64_t bursts = (datagrams + settings->send_one_time - 1) / settings->send_one_time;
	int64_t needed = (bursts * settings->send_interval + 999) / 1000;

	if (!settings->message.length)
		return;
	if (expire && period > expire)
		hl_mistake_warning(mistakes, place_of(map, "period"), "plugins.keepalive.period",
				   "%lld s exceeds registrar.nat_expire (%lld s): registrations "
				   "behind NAT end before the first heartbeat",
				   (long long)period, (long long)expire);
	else if (expire && period * EXPIRY_SHARE > expire)
		hl_mistake_warning(mistakes, place_of(map, "period"), "plugins.keepalive.period",
				   "%lld s is more than a fifth of registrar.nat_expire (%lld s)",
				   (long long)period, (long long)expire);
	if (needed > period)
		hl_mistake_warning(mistakes, place_of(map, "period"), "plugins.keepalive.period",
				   "%lld endpoints take %lld s at %lld datagrams each %lld ms: "
				   "raise period to that, or send_one_time",
				   (long long)config->accounts.count, (long long)needed,
				   (long long)settings->send_one_time,
				   (long long)settings->send_interval);
}

void sizing_warn_expiry(const struct keepalive *keepalive)
{
	int64_t expire = nat_expire(hl_switch_config(keepalive->holdline));
	int64_t period = keepalive->settings->period;
	char mend[96];

	if (!expire || period * EXPIRY_SHARE <= expire || !keepalive->settings->message.length)
		return;
	snprintf(mend, sizeof(mend), "period ≤ %lld s or nat_expire ≥ %lld s",
		 (long long)(expire / EXPIRY_SHARE), (long long)period * EXPIRY_SHARE);
	hl_log(HL_LOG_WARN, "keepalive", "sizing", hl_int("period", period),
	       hl_int("nat_expire", expire),
	       hl_str("text", period > expire
				      ? "period exceeds nat_expire: registrations behind NAT end "
					"before the first heartbeat"
				      : "period is more than a fifth of nat_expire"),
	       hl_words("mend", mend));
}

/* What is to fit: the rings as they are, or so many endpoints with the configured period. */
struct load {
	const struct pacer *pacer;
	uint64_t period;   /* µs, configured */
	uint64_t expected; /* endpoints; 0: as they are */
};

/* The load with these settings, and with `period` (µs) in place of the configured one. */
static uint64_t load_with(const struct load *load, const struct pacer_settings *settings,
			  uint64_t period)
{
	if (!load->expected)
		return pacer_load(load->pacer, settings, load->period, period);
	return (pacer_time(settings, load->expected) * ALL + period - 1) / period;
}

/* The least value from `low` to `high` at which it fits, or `high` + 1. More is never worse. */
static uint64_t least(const struct load *load, uint64_t low, uint64_t high, bool is_period)
{
	while (low <= high) {
		uint64_t middle = low + (high - low) / 2, period = load->period;
		struct pacer_settings settings = load->pacer->settings;
		if (is_period)
			period = middle * HL_SECOND;
		else
			settings.burst = (unsigned)middle;
		if (load_with(load, &settings, period) > ALL)
			low = middle + 1;
		else if (high == middle)
			break;
		else
			high = middle;
	}
	return low;
}

/* The greatest send_interval in ms at which it fits with that burst; 0: none. */
static uint64_t greatest_interval(const struct load *load, unsigned burst)
{
	struct pacer_settings settings = load->pacer->settings;
	uint64_t fits = 0;

	settings.burst = burst;
	for (uint64_t low = 1, high = settings.interval / HL_MILLISECOND; low <= high;) {
		uint64_t middle = low + (high - low) / 2;
		settings.interval = middle * HL_MILLISECOND;
		if (load_with(load, &settings, load->period) <= ALL) {
			fits = middle;
			low = middle + 1;
		} else {
			high = middle - 1;
		}
	}
	return fits;
}

/* The smallest changes that would do, each by itself. */
static void describe_mend(const struct load *load, char *text, size_t size)
{
	unsigned burst = load->pacer->settings.burst;
	uint64_t needed_burst = least(load, burst, BURST_MOST, false);
	uint64_t needed_period = least(load, load->period / HL_SECOND, PERIOD_MOST, true);
	char period[64] = "";

	if (needed_period <= PERIOD_MOST)
		snprintf(period, sizeof(period), "period ≥ %llu s",
			 (unsigned long long)needed_period);
	if (needed_burst <= BURST_MOST) {
		snprintf(text, size, "send_one_time ≥ %llu%s%s", (unsigned long long)needed_burst,
			 *period ? " or " : "", period);
		return;
	}
	uint64_t interval = greatest_interval(load, burst);
	if (!interval) {
		interval = greatest_interval(load, BURST_MOST);
		burst = BURST_MOST;
	}
	if (!interval)
		snprintf(text, size, "%s", *period ? period : "fewer endpoints");
	else if (burst == load->pacer->settings.burst)
		snprintf(text, size, "send_interval ≤ %llu ms%s%s", (unsigned long long)interval,
			 *period ? " or " : "", period);
	else
		snprintf(text, size, "send_one_time ≥ %u with send_interval ≤ %llu ms%s%s", burst,
			 (unsigned long long)interval, *period ? " or " : "", period);
}

static void warn(const struct keepalive *keepalive, const struct load *load, const char *event,
		 const char *text)
{
	const struct keepalive_settings *settings = keepalive->settings;
	uint64_t endpoints = load->expected ? load->expected : load->pacer->count;
	uint64_t needed = pacer_time(&load->pacer->settings, endpoints);
	char mend[160];

	describe_mend(load, mend, sizeof(mend));
	hl_log(HL_LOG_WARN, "keepalive", event, hl_int("endpoints", (int64_t)endpoints),
	       hl_num("needed_period", (double)needed / HL_SECOND),
	       hl_int("period", settings->period), hl_int("send_interval", settings->send_interval),
	       hl_int("send_one_time", settings->send_one_time), hl_int("copies", settings->copies),
	       hl_str("text", text), hl_words("mend", mend));
}

static struct load load_of(const struct keepalive *keepalive)
{
	return (struct load){.pacer = &keepalive->pacer,
			     .period = (uint64_t)keepalive->settings->period * HL_SECOND};
}

void sizing_warn_load(struct keepalive *keepalive)
{
	struct load load = load_of(keepalive);
	uint64_t share = load_with(&load, &load.pacer->settings, load.period);

	if (share < ROOM)
		keepalive->crowded = 0;
	if (share <= ALL || share <= keepalive->crowded + keepalive->crowded / 4)
		return;
	keepalive->crowded = share;
	warn(keepalive, &load, "sizing", "more endpoints than a period can serve");
}

static void account_count(struct hl_hash_node *node, void *arg)
{
	const struct hl_account *account = hl_container_of(node, struct hl_account, by_user);

	if (account->keepalive != HL_OFF && account->party.nat != HL_OFF)
		++*(uint64_t *)arg;
}

void sizing_forecast(const struct keepalive *keepalive)
{
	struct load load = load_of(keepalive);

	if (!keepalive->settings->message.length)
		return;
	hl_hash_each(&hl_switch_config(keepalive->holdline)->accounts, account_count,
		     &load.expected);
	if (load.expected <= load.pacer->count ||
	    load_with(&load, &load.pacer->settings, load.period) <= ALL)
		return;
	warn(keepalive, &load, "forecast",
	     "more endpoints are configured than a period could serve, were all behind NAT");
}
