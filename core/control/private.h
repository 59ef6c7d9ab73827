/* The control room's own structs. */
#ifndef HL_CONTROL_PRIVATE_H
#define HL_CONTROL_PRIVATE_H

#include "control/control.h"

enum { HL_REQUEST_ARGUMENTS = 16 };

struct json_t;

/* One request as it was read. */
struct hl_request {
	struct json_t *root;	       /* owned; what the rest points into */
	const char *command;	       /* its `cmd` */
	struct hl_arguments arguments; /* its `args`, as texts */
	struct hl_argument_pair pairs[HL_REQUEST_ARGUMENTS];
	char *made[HL_REQUEST_ARGUMENTS]; /* owned by jansson; texts of numbers and booleans */
};

/* Reads one line. 0, or -EINVAL with `error`; then there is nothing to free. */
int hl_request_parse(struct hl_request *request, struct hl_slice line, struct hl_error *error);
void hl_request_fini(struct hl_request *request);

#endif
