/* The section `policy`: where the script is and what it may use up. The script itself is run by
 * the room next door. */
#include "config/sections.h"

#include "base/memory.h"
#include "config/source.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define FIELD(field, ctype) HL_FIELD(struct hl_policy_settings, field, ctype)

const struct hl_parameter hl_policy_rows[] = {
	{.key = "script",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "policy.lua",
	 .reloadable = true,
	 .help = "The Lua script that decides per endpoint and call; relative to the file, else "
		 "one of those installed; empty: none.",
	 .offset = FIELD(script, char *)},
	{.key = "max_instructions",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "1000000",
	 .min = 1000,
	 .max = 1000000000,
	 .reloadable = true,
	 .help = "Lua instructions that one call into the script may take.",
	 .offset = FIELD(max_instructions, int64_t)},
	{.key = "max_time_ms",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "50",
	 .min = 1,
	 .max = 1000,
	 .unit = "ms",
	 .reloadable = true,
	 .help = "Real time that one call into the script may take.",
	 .offset = FIELD(max_time_ms, int64_t)},
	{.key = "max_memory_mb",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "64",
	 .min = 1,
	 .max = 1024,
	 .unit = "MB",
	 .reloadable = true,
	 .help = "Memory that the script may hold.",
	 .offset = FIELD(max_memory_mb, int64_t)},
	HL_PARAMETERS_END};

const char *const hl_policy_others[] = {"rules", NULL};

const char *hl_config_script_dir(void)
{
	const char *dir = getenv("HOLDLINE_SCRIPT_DIR");

	return dir && *dir ? dir : HL_SCRIPT_DIR;
}

static char *installed(const char *name)
{
	struct hl_text path;

	hl_text_init(&path);
	hl_text_printf(&path, "%s/%s", hl_config_script_dir(), name);
	return hl_text_take(&path);
}

/* `path` (or NULL when memory is out) takes the place of the script's name. */
static void take_path(struct hl_reader *reader, struct hl_policy_settings *policy, char *path)
{
	char *absolute = path ? realpath(path, NULL) : NULL;

	if (absolute) {
		hl_free(policy->script);
		policy->script = hl_strdup(absolute);
	}
	reader->no_memory |= !absolute || !policy->script;
	free(absolute);
}

void hl_policy_find_script(struct hl_reader *reader, struct hl_policy_settings *policy,
			   const struct hl_node *map)
{
	const struct hl_node *named = hl_node_get(map, "script");
	char *beside = NULL, *stock;

	if (!*policy->script)
		return;
	if (named)
		beside = hl_source_beside(hl_reader_file(reader, named), policy->script);
	stock = installed(policy->script);
	if (beside && !access(beside, R_OK))
		take_path(reader, policy, beside);
	else if (stock && !access(stock, R_OK) && *policy->script != '/')
		take_path(reader, policy, stock);
	else if (!stock || (named && !beside))
		reader->no_memory = true;
	else if (named)
		hl_reader_error(reader, named->place, "script", "no %s and no %s", beside, stock);
	else if (hl_node_get(map, "rules"))
		hl_reader_error(reader, map->place, "rules",
				"nobody reads them: the stock script is missing (%s)", stock);
	else
		*policy->script = '\0'; /* nobody asked for one */
	hl_free(beside);
	hl_free(stock);
}
