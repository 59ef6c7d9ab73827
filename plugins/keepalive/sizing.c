/* Does it fit? Warnings with the figures and the smallest change that would help (K8, K9). */
#include "keepalive.h"

#include <stdio.h>

/* The registrar's nat_expire in s, read by its row; 0: there is none. */
static int64_t nat_expire(const struct hl_config *config)
{
	for (size_t i = 0; i < config->plugin_count; i++) {
		const struct hl_plugin_config *plugin = &config->plugins[i];
		const struct hl_parameter *row =
			strcmp(plugin->section->name, "registrar")
				? NULL
				: hl_parameter_find(plugin->section->rows,
						    HL_SLICE_LITERAL("nat_expire"));
		if (row && row->type == HL_PARAMETER_INTEGER)
			return *(const int64_t *)(const void *)((const char *)plugin->settings +
								row->offset);
	}
	return 0;
}

void sizing_warn_expiry(const struct keepalive *keepalive)
{
	int64_t expire = nat_expire(hl_switch_config(keepalive->holdline));
	int64_t period = keepalive->settings->period;

	if (!expire || period * 5 <= expire || !keepalive->settings->message.length)
		return;
	hl_log(HL_LOG_WARN, "keepalive", "sizing", hl_int("period", period),
	       hl_int("nat_expire", expire),
	       hl_str("text", period > expire
				      ? "period exceeds nat_expire: registrations behind NAT end "
					"before the first heartbeat"
				      : "period is more than a fifth of nat_expire"));
}

void sizing_warn_load(struct keepalive *keepalive)
{
	const struct keepalive_settings *settings = keepalive->settings;
	uint64_t needed = pacer_needed(&keepalive->pacer);
	uint64_t datagrams = (uint64_t)keepalive->pacer.count * (uint64_t)settings->copies;
	uint64_t bursts = (uint64_t)settings->period * 1000 / (uint64_t)settings->send_interval;
	char mend[96];
	int length;

	if (pacer_load(&keepalive->pacer) <= 1000) {
		keepalive->crowded = false;
		return;
	}
	if (keepalive->crowded)
		return;
	keepalive->crowded = true;
	uint64_t burst = bursts ? (datagrams + bursts - 1) / bursts : 0;
	length = snprintf(mend, sizeof(mend), "period: %llu",
			  (unsigned long long)((needed + HL_SECOND - 1) / HL_SECOND));
	if (burst > (uint64_t)settings->send_one_time && burst <= 10000)
		snprintf(mend + length, sizeof(mend) - (size_t)length, " or send_one_time: %llu",
			 (unsigned long long)burst);
	hl_log(HL_LOG_WARN, "keepalive", "sizing", hl_int("endpoints", keepalive->pacer.count),
	       hl_num("needed_period", (double)needed / HL_SECOND),
	       hl_int("period", settings->period), hl_int("send_interval", settings->send_interval),
	       hl_int("send_one_time", settings->send_one_time),
	       hl_str("text", "more endpoints than a period can serve"), hl_str("mend", mend));
}
