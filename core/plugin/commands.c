/* The registry of control commands, in order of name. A module's go with it. */
#include "plugin/private.h"

#include "base/memory.h"

#include <errno.h>

struct known {
	struct hl_registration registration; /* in modules->commands */
	struct hl_command command;	     /* its texts are the registrant's */
};

static const struct known *known_of(const struct hl_list *node)
{
	return hl_list_entry(node, const struct known, registration.node);
}

static int compare(const struct hl_registration *a, const struct hl_registration *b)
{
	return strcmp(known_of(&a->node)->command.name, known_of(&b->node)->command.name);
}

int hl_commands_add(struct hl_modules *modules, const struct hl_command *command)
{
	struct known *added = hl_zalloc(sizeof *added);

	if (!added)
		return -ENOMEM;
	added->command = *command;
	return hl_registry_add(modules, &modules->commands, &added->registration, compare);
}

const struct hl_command *hl_command_find(const struct hl_modules *modules, const char *name)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &modules->commands)
	{
		const struct hl_command *command = &known_of(node)->command;

		if (!strcmp(command->name, name))
			return command;
	}
	return NULL;
}

void hl_commands_each(const struct hl_modules *modules,
		      void (*visit)(void *arg, const struct hl_command *command), void *arg)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &modules->commands)
		visit(arg, &known_of(node)->command);
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
