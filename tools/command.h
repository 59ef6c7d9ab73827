/* The commands that this tool has words and columns for. */
#ifndef HL_TOOLS_COMMAND_H
#define HL_TOOLS_COMMAND_H

#include "view.h"

struct command {
	const char *name;
	const char *usage;	    /* its arguments, for people */
	const char *positionals[4]; /* the arguments without a name, in turn; up to a NULL */
	unsigned required;	    /* so many of them must be there */
	const char *option;	    /* the argument given as --NAME VALUE; NULL: none */
	const char *flag;	    /* the argument given as --NAME alone; NULL: none */
	bool named;		    /* it takes NAME=VALUE, too */
	const char *const *secret;  /* for these first arguments a password is asked for; or NULL */
	const struct field
		*fields;	  /* columns of a list, or lines of one object; NULL: as it comes */
	const struct field *card; /* lines of one object, if `fields` are columns; or NULL */
	const struct field *details; /* lines for each of a list, when one was asked for by name */
	const char *none;	     /* said of an empty list */
	const char *done; /* said in place of an empty object; %s is the last positional */
	void (*more)(const json_t *result); /* shown behind the fields; NULL: nothing */
};

/* Ends with a NULL name. */
extern const struct command commands[];
/* NULL: none of ours. */
const struct command *command_find(const char *name);
/* Shows a result for people; `name` is the last positional argument, or NULL. */
void command_show(const struct command *command, const char *name, const json_t *result);

#endif
