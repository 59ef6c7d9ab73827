/* The section `vos3000`: parameters under their VOS3000 names. Private to config. */
#ifndef HL_CONFIG_VOS3000_H
#define HL_CONFIG_VOS3000_H

#include "config/reader.h"

/* A section, its settings and its node, as the names are looked up in. */
struct hl_vos3000_target {
	const struct hl_section *section;
	void *settings;
	const struct hl_node *map; /* may be NULL */
};

/* Finds the section of a plugin that is not enabled, to say whose name it is. */
struct hl_vos3000_others {
	hl_config_find_section *find;
	void *arg;
	const char *plugin_dir;
};

void hl_vos3000_read(struct hl_reader *reader, const struct hl_node *map,
		     const struct hl_vos3000_target *targets, size_t count,
		     const struct hl_vos3000_others *others);

/* Whether that is the VOS3000 name of a row, in any of its spellings. */
bool hl_vos3000_names(const struct hl_parameter *row, struct hl_slice name);

#endif
