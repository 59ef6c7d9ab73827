/* The registry of control commands, in order of name. A module's go with it. */
#include "plugin/private.h"

#include "base/memory.h"

#include <errno.h>

int hl_commands_add(struct hl_modules *modules, const struct hl_command *command)
{
	struct hl_registration *added;
	struct hl_list *node;

	for (node = modules->commands.next; node != &modules->commands; node = node->next) {
		const struct hl_registration *known =
			hl_list_entry(node, struct hl_registration, node);
		int order = strcmp(known->command.name, command->name);

		if (!order)
			return -EEXIST;
		if (order > 0)
			break;
	}
	added = hl_zalloc(sizeof *added);
	if (!added)
		return -ENOMEM;
	added->command = *command;
	added->owner = modules->beginning;
	hl_list_insert(node, &added->node);
	return 0;
}

void hl_commands_drop(struct hl_modules *modules, const struct hl_module *owner)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &modules->commands)
	{
		struct hl_registration *known = hl_list_entry(node, struct hl_registration, node);

		if (owner && known->owner != owner)
			continue;
		hl_list_remove(node);
		hl_free(known);
	}
}

const struct hl_command *hl_command_find(const struct hl_modules *modules, const char *name)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &modules->commands)
	{
		const struct hl_registration *known =
			hl_list_entry(node, struct hl_registration, node);

		if (!strcmp(known->command.name, name))
			return &known->command;
	}
	return NULL;
}

void hl_commands_each(const struct hl_modules *modules,
		      void (*visit)(void *arg, const struct hl_command *command), void *arg)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &modules->commands)
		visit(arg, &hl_list_entry(node, struct hl_registration, node)->command);
}

static void put_command(void *arg, const struct hl_command *command)
{
	struct hl_json *json = arg;

	hl_json_object(json);
	hl_json_put_string(json, "name", command->name);
	hl_json_put_string(json, "summary", command->summary);
	hl_json_object_end(json);
}

static int run_help(void *arg, const struct hl_arguments *arguments, struct hl_json *result,
		    struct hl_error *error)
{
	(void)arguments;
	(void)error;
	hl_json_array(result);
	hl_commands_each(arg, put_command, result);
	hl_json_array_end(result);
	return 0;
}

int hl_commands_init(struct hl_modules *modules)
{
	const struct hl_command help = {.name = "help",
					.summary = "the commands of this switch",
					.run = run_help,
					.arg = modules};

	hl_list_init(&modules->commands);
	return hl_commands_add(modules, &help);
}

const char *hl_argument(const struct hl_arguments *arguments, const char *name)
{
	for (size_t i = 0; i < arguments->count; i++)
		if (!strcmp(arguments->items[i].name, name))
			return arguments->items[i].value;
	return NULL;
}
