/* What a restart finds: registered contacts and calls that are up as rows of the store, written
 * behind by its thread. */
#ifndef HL_KEPT_H
#define HL_KEPT_H

#include "call/call.h"
#include "loop/timer.h"
#include "store/store.h"

struct hl_switch;

extern const struct hl_store_layout hl_kept_layouts[HL_STORE_TABLES];

/* Things of one kind that wait to be written. */
struct hl_kept_list {
	struct hl_handle *items; /* owned */
	size_t count, size;
};

enum { HL_KEPT_REFRESHES = 1000 }; /* handed over together */

struct hl_kept {
	struct hl_switch *holdline; /* borrowed */
	size_t contact_offset, call_offset; /* of our bytes in contacts and calls */
	struct hl_kept_list contacts, calls; /* whose rows are to be written */
	struct hl_store_refresh refreshes[HL_KEPT_REFRESHES];
	size_t refresh_count;
	int64_t next_contact, next_call; /* numbers of rows */
	bool deaf; /* contacts that come have their rows, or all is over */
	struct hl_timer contact_sweep, call_sweep, alive_sweep;
};

/* The bytes kept with each contact and call, behind those of the plugins. */
size_t hl_kept_contact_space(struct hl_kept *kept, size_t plugins);
size_t hl_kept_call_space(struct hl_kept *kept, size_t plugins);

void hl_kept_init(struct hl_kept *kept, struct hl_switch *holdline);
/* Brings back the contacts that have not expired, and records the calls that a crash interrupted.
 * Once everything listens; before the loop runs. */
void hl_kept_restore(struct hl_kept *kept);
/* Hands all that waits to the store, while contacts and calls are still there. */
void hl_kept_fini(struct hl_kept *kept);

/* What happened to a contact, or a call. */
void hl_kept_contact(struct hl_kept *kept, enum hl_contact_event event, struct hl_contact *contact);
void hl_kept_call(struct hl_kept *kept, struct hl_call *call);
void hl_kept_call_ended(struct hl_kept *kept, struct hl_call *call);

/* kept_contacts.c and kept_calls.c, for kept.c */
enum { HL_KEPT_CONTACT_COLUMNS = 13 };
extern const struct hl_column hl_kept_contact_columns[HL_KEPT_CONTACT_COLUMNS];
void hl_kept_contacts_init(struct hl_kept *kept);
void hl_kept_contacts_restore(struct hl_kept *kept);
void hl_kept_contacts_flush(struct hl_kept *kept);
void hl_kept_calls_init(struct hl_kept *kept);
void hl_kept_calls_restore(struct hl_kept *kept);
void hl_kept_calls_flush(struct hl_kept *kept);
/* 0 or -ENOMEM. */
int hl_kept_list_add(struct hl_kept_list *list, struct hl_handle handle);

#endif
