/* A request from its line: {"cmd": WORD, "args": {NAME: text, number or boolean, …}}. */
#include "control/private.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static int wrong_member(const char *name, struct hl_error *error)
{
	return hl_error_set(error, -EINVAL,
			    "a request is {\"cmd\": WORD, \"args\": {…}}, it has no \"%.40s\"",
			    name);
}

/* Numbers and booleans are given to commands as they are written. */
static int add_argument(struct hl_request *request, const char *name, const json_t *value,
			struct hl_error *error)
{
	struct hl_argument_pair *pair = &request->pairs[request->arguments.count];
	char **made = &request->made[request->arguments.count];

	if (json_is_null(value))
		return 0;
	if (json_is_array(value) || json_is_object(value))
		return hl_error_set(error, -EINVAL,
				    "args.%.40s must be a text, a number, true or false", name);
	if (request->arguments.count == HL_REQUEST_ARGUMENTS)
		return hl_error_set(error, -EINVAL, "more than %d args", HL_REQUEST_ARGUMENTS);
	pair->name = name;
	pair->value = json_string_value(value);
	if (!pair->value)
		pair->value = *made = json_dumps(value, JSON_ENCODE_ANY);
	if (!pair->value)
		return hl_error_set(error, -ENOMEM, "out of memory");
	request->arguments.count++;
	return 0;
}

static int read_members(struct hl_request *request, struct hl_error *error)
{
	json_t *args = json_object_get(request->root, "args");
	json_t *value;
	const char *name;
	int rc;

	json_object_foreach(request->root, name, value)
	{
		if (strcmp(name, "cmd") && strcmp(name, "args"))
			return wrong_member(name, error);
	}
	request->command = json_string_value(json_object_get(request->root, "cmd"));
	if (!request->command)
		return hl_error_set(error, -EINVAL,
				    "a request needs \"cmd\", a text: try {\"cmd\": \"help\"}");
	if (args && !json_is_object(args) && !json_is_null(args))
		return hl_error_set(error, -EINVAL, "\"args\" must be an object");
	json_object_foreach(args, name, value)
	{
		rc = add_argument(request, name, value, error);
		if (rc)
			return rc;
	}
	return 0;
}

int hl_request_parse(struct hl_request *request, struct hl_slice line, struct hl_error *error)
{
	json_error_t wrong;
	int rc;

	*request = (struct hl_request){.root = json_loadb(line.length ? line.data : "", line.length,
							  JSON_REJECT_DUPLICATES, &wrong)};
	if (!request->root)
		return hl_error_set(error, -EINVAL, "not JSON: %s at column %d", wrong.text,
				    wrong.column);
	request->arguments.items = request->pairs;
	rc = json_is_object(request->root)
		     ? read_members(request, error)
		     : hl_error_set(error, -EINVAL,
				    "a request is an object: try {\"cmd\": \"help\"}");
	if (rc)
		hl_request_fini(request);
	return rc;
}

void hl_request_fini(struct hl_request *request)
{
	for (size_t i = 0; i < HL_REQUEST_ARGUMENTS; i++)
		free(request->made[i]);
	json_decref(request->root);
}
