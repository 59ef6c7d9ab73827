/* What commands and metrics have in common: a list in order, and who put each entry there. */
#include "plugin/private.h"

#include "base/memory.h"

#include <errno.h>

int hl_registry_add(const struct hl_modules *modules, struct hl_list *registry,
		    struct hl_registration *added,
		    int (*compare)(const struct hl_registration *a,
				   const struct hl_registration *b))
{
	struct hl_list *node;

	for (node = registry->next; node != registry; node = node->next) {
		int order = compare(hl_list_entry(node, struct hl_registration, node), added);

		if (!order) {
			hl_free(added);
			return -EEXIST;
		}
		if (order > 0)
			break;
	}
	added->owner = modules->beginning;
	hl_list_insert(node, &added->node);
	return 0;
}

void hl_registry_drop(struct hl_list *registry, const struct hl_module *owner)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, registry)
	{
		struct hl_registration *known = hl_list_entry(node, struct hl_registration, node);

		if (owner && known->owner != owner)
			continue;
		hl_list_remove(node);
		hl_free(known);
	}
}
