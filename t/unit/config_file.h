/* What the units of the configuration share: files to read, plugins to find, and what was told. */
#ifndef HL_TEST_CONFIG_FILE_H
#define HL_TEST_CONFIG_FILE_H

#include "tap.h"

#include "base/memory.h"
#include "config/config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two plugins: `beat` is there to be enabled, `timer` too; the file timer.so makes it known. */
struct beat {
	struct hl_slice message;
	int64_t period;
};
static const struct hl_parameter beat_rows[] = {
	{.key = "message",
	 .vos3000 = "SS_BEAT_MESSAGE",
	 .type = HL_PARAMETER_BYTES,
	 .fallback = "HELLO",
	 .max = 1200,
	 .offset = HL_FIELD(struct beat, message, struct hl_slice)},
	{.key = "period",
	 .vos3000 = "SS_BEAT_PERIOD",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "30",
	 .min = 10,
	 .max = 86400,
	 .unit = "s",
	 .offset = HL_FIELD(struct beat, period, int64_t)},
	HL_PARAMETERS_END,
};
static inline void beat_check(const void *settings, const struct hl_node *map,
			      struct hl_mistakes *mistakes)
{
	if (((const struct beat *)settings)->period == 77)
		hl_mistake_warning(mistakes, map->place, "plugins.beat.period", "77 is odd");
}
static const struct hl_section beat = {"beat", beat_rows, sizeof(struct beat), beat_check, NULL};

static const struct hl_parameter timer_rows[] = {
	{.key = "ttl",
	 .vos3000 = "SS_TIMER_TTL",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "600",
	 .min = 60,
	 .max = 86400},
	HL_PARAMETERS_END,
};
static const struct hl_section timer = {"timer", timer_rows, sizeof(int64_t), NULL, NULL};
static const struct hl_section bare = {"bare", NULL, 0, NULL, NULL};

static char folder[] = "/tmp/holdline-config-XXXXXX";

static inline const struct hl_section *find(void *arg, const char *plugin, const char *plugin_dir,
					    struct hl_place place, struct hl_mistakes *mistakes)
{
	const struct hl_section *all[] = {&beat, &timer, &bare};

	(void)arg;
	for (size_t i = 0; i < HL_COUNT(all); i++)
		if (!strcmp(all[i]->name, plugin))
			return all[i];
	hl_mistake(mistakes, place, plugin, "not in %s", plugin_dir);
	return NULL;
}

static inline void write_file(const char *name, const char *text, size_t length)
{
	FILE *file = fopen(name, "w");

	if (!file || fwrite(text, 1, length, file) != length)
		printf("Bail out! cannot write %s\n", name);
	if (file)
		fclose(file);
}

static char *told;		 /* what the last reading had to say */
static struct hl_config *config; /* what came of it */

static inline bool read_files_with(const char *const *files, size_t count,
				   hl_config_find_section *finder)
{
	struct hl_mistakes mistakes;
	struct hl_text text;

	hl_free(told);
	hl_config_unref(config);
	hl_text_init(&text);
	hl_mistakes_init(&mistakes);
	config = hl_config_read(files, count, finder, NULL, &mistakes);
	if (mistakes.errors) {
		hl_config_unref(config);
		config = NULL;
	}
	hl_mistakes_print(&mistakes, &text);
	hl_text_append(&text, "", 0);
	told = hl_strdup(hl_text_string(&text));
	hl_text_fini(&text);
	hl_mistakes_fini(&mistakes);
	return config;
}

static inline bool read_files(const char *const *files, size_t count)
{
	return read_files_with(files, count, find);
}

static inline bool reads(const char *yaml)
{
	static const char *const file[] = {"a.yaml"};

	write_file("a.yaml", yaml, strlen(yaml));
	return read_files(file, 1);
}

/* A folder of its own to work in, and no installed plugins, scripts or scenarios. */
static inline bool begin(void)
{
	if (!mkdtemp(folder) || chdir(folder))
		return false;
	setenv("HOLDLINE_PLUGIN_DIR", "/nowhere/plugins", 1);
	setenv("HOLDLINE_SCRIPT_DIR", "/nowhere/scripts", 1);
	unsetenv("HOLDLINE_SCENARIO_DIR");
	mkdir("so", 0700);
	write_file("so/timer.so", "", 0);
	return true;
}

static inline int end(void)
{
	char command[64];

	hl_free(told);
	hl_config_unref(config);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	if (chdir("/") || system(command))
		diag("%s is left", folder);
	return done_testing();
}

#endif
