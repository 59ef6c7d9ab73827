/* The control socket: a Unix stream socket, one JSON object a line (contract: "Control socket").
 * It knows commands only as registrations. */
#ifndef HL_CONTROL_CONTROL_H
#define HL_CONTROL_CONTROL_H

#include "loop/loop.h"
#include "plugin/loader.h"

struct hl_control;

/* Listens at `path` (mode 0660; its directory is created when the parent exists). NULL with
 * `error` naming the path and what to do. */
HL_EXPORT struct hl_control *hl_control_open(struct hl_loop *loop, const char *path,
					     struct hl_modules *modules, struct hl_error *error);
HL_EXPORT void hl_control_close(struct hl_control *control);

#endif
