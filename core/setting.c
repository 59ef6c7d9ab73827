/* The command `param`: what the parameters are, who set them, and another value at run time. */
#include "base/memory.h"
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Who set it: "default", "run time", or FILE:LINE:COL. */
static void put_origin(const struct hl_node *node, struct hl_json *json)
{
	struct hl_text place;

	hl_text_init(&place);
	if (!node)
		hl_text_put(&place, "default");
	else if (!node->place.file)
		hl_text_put(&place, "run time");
	else
		hl_text_printf(&place, "%s:%u:%u", node->place.file, node->place.line,
			       node->place.column);
	hl_json_put_string(json, "set", hl_text_string(&place));
	hl_text_fini(&place);
}

static void put_default(const struct hl_config_parameter *parameter, struct hl_json *json)
{
	const struct hl_parameter row[] = {*parameter->row, HL_PARAMETERS_END};
	void *settings = hl_zalloc(parameter->section->size);

	hl_json_key(json, "default");
	if (settings && !hl_parameters_default(row, settings))
		hl_parameter_json(row, settings, json);
	else
		hl_json_null(json);
	if (settings)
		hl_parameters_free(row, settings);
	hl_free(settings);
}

static void put_members(const struct hl_config_parameter *parameter, struct hl_json *json)
{
	struct hl_text name;

	hl_text_init(&name);
	hl_text_printf(&name, "%s.%s", parameter->section->name, parameter->row->key);
	hl_json_put_string(json, "name", hl_text_string(&name));
	hl_json_key(json, "value");
	hl_parameter_json(parameter->row, parameter->settings, json);
	put_default(parameter, json);
	put_origin(parameter->node, json);
	hl_json_put_string(json, "vos3000", parameter->row->vos3000);
	hl_json_put_boolean(json, "reloadable", parameter->row->reloadable);
	hl_text_fini(&name);
}

static void put_parameter(void *arg, const struct hl_config_parameter *parameter)
{
	struct hl_json *json = arg;

	hl_json_object(json);
	put_members(parameter, json);
	hl_json_object_end(json);
}

/* One parameter and the warnings that came of it, or (NULL) all of them. */
static void answer_json(struct hl_answer *answer, const struct hl_config *config,
			const struct hl_config_parameter *parameter, const struct hl_text *report)
{
	struct hl_text text;
	struct hl_json json;

	hl_text_init(&text);
	hl_json_init(&json, &text);
	if (parameter) {
		hl_json_object(&json);
		put_members(parameter, &json);
		if (report)
			hl_warnings_json(report, &json);
		hl_json_object_end(&json);
	} else {
		hl_json_array(&json);
		hl_config_each(config, put_parameter, &json);
		hl_json_array_end(&json);
	}
	if (text.failed)
		hl_answer_error(answer, "out of memory");
	else
		hl_answer_result(answer, (struct hl_slice){text.data, text.length});
	hl_text_fini(&text);
}

static int set(struct hl_switch *holdline, const struct hl_arguments *arguments, const char *name,
	       struct hl_answer *answer, struct hl_error *error)
{
	const char *value = hl_argument(arguments, "value"), *save = hl_argument(arguments, "save");
	struct hl_config_parameter found;
	struct hl_text report;
	int result;

	if (!value)
		return hl_error_set(error, -EINVAL, "which value? `param set NAME VALUE`");
	hl_text_init(&report);
	result = hl_switch_set(holdline, name, value, save && !strcmp(save, "true"), &report);
	if (result < 0)
		hl_answer_error(answer, hl_text_string(&report));
	else if (hl_config_find(holdline->config, hl_slice_of(name), &found))
		answer_json(answer, holdline->config, &found, &report);
	hl_text_fini(&report);
	return 0;
}

/* Answers as it begins: mistakes may be longer than an error's text. */
static int param(void *arg, const struct hl_arguments *arguments, struct hl_answer *answer,
		 struct hl_error *error)
{
	struct hl_switch *holdline = arg;
	const char *op = hl_argument(arguments, "op"), *name = hl_argument(arguments, "name");
	struct hl_config_parameter found;

	if (op && !strcmp(op, "list")) {
		answer_json(answer, holdline->config, NULL, NULL);
		return 0;
	}
	if (!op || (strcmp(op, "get") && strcmp(op, "set")))
		return hl_error_set(error, -EINVAL, "param %s: list, get or set is allowed",
				    op ? op : "");
	if (!name)
		return hl_error_set(error, -EINVAL,
				    "which parameter? `param list` shows their names");
	if (!strcmp(op, "set"))
		return set(holdline, arguments, name, answer, error);
	if (!hl_config_find(holdline->config, hl_slice_of(name), &found))
		return hl_error_set(error, -ENOENT,
				    "%s is no parameter: `param list` shows their names", name);
	answer_json(answer, holdline->config, &found, NULL);
	return 0;
}

int hl_param_register(struct hl_switch *holdline)
{
	const struct hl_command command = {.name = "param",
					   .summary = "parameters: list, get NAME, set NAME VALUE",
					   .begin = param,
					   .arg = holdline};
	return hl_commands_add(holdline->modules, &command);
}
