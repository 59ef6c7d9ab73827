/* Parameters that are held against each other, and against another section; stage `reload`. */
#include <holdline.h>

struct settings {
	int64_t low, high;
};

static struct hl_place place_of(const struct hl_node *map, const char *key)
{
	const struct hl_node *node = hl_node_get(map, key);

	return node ? node->place : (struct hl_place){.file = NULL};
}

static void check(const void *values, const struct hl_node *map, struct hl_mistakes *mistakes)
{
	const struct settings *settings = values;

	if (settings->low > settings->high)
		hl_mistake(mistakes, place_of(map, "low"), "plugins.area-review.low",
			   "is above high");
}

static void review(const struct hl_config *config, const void *values, const struct hl_node *map,
		   struct hl_mistakes *mistakes)
{
	const struct settings *settings = values;

	if (settings->high > hl_config_integer(config, "switch.timeout_ringing", 0))
		hl_mistake_warning(mistakes, place_of(map, "high"), "plugins.area-review.high",
				   "is longer than it rings");
}

static void reload(struct hl_module *self)
{
	const struct settings *settings = hl_module_settings(self);

	hl_log(HL_LOG_INFO, "area", "reloaded", hl_int("high", settings->high));
}

static const struct hl_parameter parameters[] = {
	{.key = "low", .type = HL_PARAMETER_INTEGER, .fallback = "1", .max = 1000,
	 .reloadable = true, .help = "The least.", .offset = HL_FIELD(struct settings, low, int64_t)},
	{.key = "high", .type = HL_PARAMETER_INTEGER, .fallback = "9", .max = 1000,
	 .reloadable = true, .help = "The most.", .offset = HL_FIELD(struct settings, high, int64_t)},
	HL_PARAMETERS_END};

HL_EXPORT const struct hl_plugin hl_plugin = {
	.abi = HL_PLUGIN_ABI, .name = "area-review", .version = "1", .summary = "compares",
	.parameters = parameters, .settings_size = sizeof(struct settings), .check = check,
	.review = review, .stages = {.reload = reload}};
