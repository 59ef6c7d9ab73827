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

const char *hl_argument(const struct hl_arguments *arguments, const char *name)
{
	for (size_t i = 0; i < arguments->count; i++)
		if (!strcmp(arguments->items[i].name, name))
			return arguments->items[i].value;
	return NULL;
}
