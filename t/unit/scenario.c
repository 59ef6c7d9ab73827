/* D4: the deployment scenarios ship as files, with the figures of their tables. */
#include "config_file.h"

struct figures {
	int64_t period, send_interval, send_one_time;
	int64_t ttl, update_segment, no_timer_max_duration;
};

#define FIGURE(name)                                                                               \
	{                                                                                          \
		.key = #name, .type = HL_PARAMETER_INTEGER, .fallback = "-1", .min = -1,           \
		.offset = HL_FIELD(struct figures, name, int64_t)                                  \
	}

static const struct hl_parameter heartbeat_rows[] = {
	FIGURE(period),
	FIGURE(send_interval),
	FIGURE(send_one_time),
	HL_PARAMETERS_END,
};
static const struct hl_parameter session_rows[] = {
	FIGURE(ttl),
	FIGURE(update_segment),
	FIGURE(no_timer_max_duration),
	HL_PARAMETERS_END,
};
static const struct hl_section heartbeat = {"keepalive", heartbeat_rows, sizeof(struct figures),
					    NULL, NULL};
static const struct hl_section session = {"session-timer", session_rows, sizeof(struct figures),
					  NULL, NULL};

static const struct hl_section *find_section(void *arg, const char *plugin, const char *plugin_dir,
					     struct hl_place place, struct hl_mistakes *found)
{
	(void)arg;
	(void)plugin_dir;
	if (!strcmp(plugin, heartbeat.name))
		return &heartbeat;
	if (!strcmp(plugin, session.name))
		return &session;
	hl_mistake(found, place, plugin, "is no plugin of a scenario");
	return NULL;
}

/* −1: the file leaves it at the default. */
static const struct {
	const char *name;
	struct figures figures;
} scenarios[] = {
	{"small-office", {20, 500, 3000, -1, -1, -1}},
	{"medium", {30, 500, 3000, -1, -1, -1}},
	{"large", {30, 500, 1500, -1, -1, -1}},
	{"strict-nat", {15, 200, 3000, -1, -1, -1}},
	{"constrained", {30, 1000, 1000, -1, -1, -1}},
	{"wholesale", {30, -1, -1, 600, 2, 0}},
	{"call-center", {20, -1, -1, 900, 3, 14400}},
	{"mobile", {15, -1, -1, 300, 2, 3600}},
	{"enterprise", {30, -1, -1, 1200, 2, 28800}},
	{"high-security", {10, -1, -1, 180, 2, 1800}},
};

static void check(const char *name, const struct figures *want)
{
	const struct figures none = {-1, -1, -1, -1, -1, -1};
	const struct figures *beats = &none, *sessions = &none;

	for (size_t i = 0; i < config->plugin_count; i++) {
		if (config->plugins[i].section == &heartbeat)
			beats = config->plugins[i].settings;
		else
			sessions = config->plugins[i].settings;
	}
	is_int(beats->period, want->period, "%s: period", name);
	is_int(beats->send_interval, want->send_interval, "%s: send_interval", name);
	is_int(beats->send_one_time, want->send_one_time, "%s: send_one_time", name);
	is_int(sessions->ttl, want->ttl, "%s: ttl", name);
	is_int(sessions->update_segment, want->update_segment, "%s: update_segment", name);
	is_int(sessions->no_timer_max_duration, want->no_timer_max_duration, "%s: no-timer limit",
	       name);
}

int main(void)
{
	const char *source = getenv("HOLDLINE_SRCDIR");
	char folder_of_source[4096], path[4200];

	if (!realpath(source ? source : ".", folder_of_source) || !begin())
		return 1;
	for (size_t i = 0; i < HL_COUNT(scenarios); i++) {
		snprintf(path, sizeof(path), "%s/etc/scenarios/%s.yaml", folder_of_source,
			 scenarios[i].name);
		if (ok(read_files_with((const char *[]){path}, 1, find_section), "%s is read",
		       scenarios[i].name))
			check(scenarios[i].name, &scenarios[i].figures);
		is_str(told, "", "%s has no mistakes", scenarios[i].name);
	}
	return end();
}
