/* Between the probes and the test that loads them. */
#ifndef HL_PROBE_H
#define HL_PROBE_H

#include "holdline.h"

struct probe_settings {
	int64_t level;
};

/* Defined by the test: notes "PLUGIN.WHAT" and returns what the test wants the plugin to answer. */
HL_EXPORT int probe(const struct hl_module *self, const char *what);

#endif
