/* The commands that this tool has words and columns for. */
#ifndef HL_TOOLS_COMMAND_H
#define HL_TOOLS_COMMAND_H

#include "view.h"

struct command {
	const char *name;
	const char *usage;	/* its arguments, for people */
	const char *positional; /* the argument without a name; NULL: none */
	bool required;		/* it must be there */
	const char *option;	/* the argument given as --NAME VALUE; NULL: none */
	const struct field
		*fields; /* columns of a list, or lines of one object; NULL: as it comes */
	const struct field *details; /* lines for each of a list, when one was asked for by name */
	const char *none;	     /* said of an empty list; %s is the positional */
	const char *done;	     /* said in place of an empty object; %s is the positional */
	void (*more)(const json_t *result); /* shown behind the fields; NULL: nothing */
};

/* Ends with a NULL name. */
extern const struct command commands[];
/* NULL: none of ours. */
const struct command *command_find(const char *name);
/* Shows a result for people; `name` is the positional argument, or NULL. */
void command_show(const struct command *command, const char *name, const json_t *result);

#endif
