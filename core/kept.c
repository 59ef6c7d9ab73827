/* What a restart finds, and the order in which it does. */
#include "kept.h"
#include "base/memory.h"
#include "call/cdr.h"
#include "run.h"

#include <errno.h>

enum { FIRST = 64 }; /* places in a list */

const struct hl_store_layout hl_kept_layouts[HL_STORE_TABLES] = {
	[HL_STORE_CDR] = {.columns = {hl_cdr_columns, HL_CDR_COLUMNS}},
	[HL_STORE_CONTACTS] = {.columns = {hl_kept_contact_columns, HL_KEPT_CONTACT_COLUMNS},
			       .refreshed = true},
	/* last_alive */
	[HL_STORE_CALLS] = {.columns = {hl_cdr_columns, HL_CDR_COLUMNS}, .changing = 1},
	[HL_STORE_SUBSCRIBERS] = {.columns = {hl_subscriber_columns, HL_SUBSCRIBER_COLUMNS}},
};

int hl_kept_list_add(struct hl_kept_list *list, struct hl_handle handle)
{
	if (list->count == list->size) {
		size_t size = list->size ? list->size * 2 : FIRST;
		struct hl_handle *items = hl_realloc(list->items, size * sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->size = size;
	}
	list->items[list->count++] = handle;
	return 0;
}

void hl_kept_init(struct hl_kept *kept, struct hl_switch *holdline)
{
	kept->holdline = holdline;
	kept->next_contact = kept->next_call = 1;
	hl_kept_contacts_init(kept);
	hl_kept_calls_init(kept);
}

void hl_kept_restore(struct hl_kept *kept)
{
	hl_kept_contacts_restore(kept);
	hl_kept_calls_restore(kept);
}

void hl_kept_fini(struct hl_kept *kept)
{
	struct hl_loop *loop;

	if (!kept->holdline)
		return;
	loop = kept->holdline->loop;
	hl_timer_stop(loop, &kept->contact_sweep);
	hl_timer_stop(loop, &kept->call_sweep);
	hl_timer_stop(loop, &kept->alive_sweep);
	hl_kept_contacts_flush(kept);
	hl_kept_calls_flush(kept);
	kept->deaf = true;
	hl_free(kept->contacts.items);
	hl_free(kept->calls.items);
}
