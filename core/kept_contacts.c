/* Registered contacts as rows. A contact that was registered or has moved waits for its row to be
 * written; of one that was refreshed only the new expiry is noted. A sweep hands all of it to the
 * store. A contact that came over a connection is not kept: after a restart no way leads there. */
#include "base/clock.h"
#include "base/log.h"
#include "kept.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	SWEEP = 1000,	    /* ms that changes wait for others */
	SWEEP_AGAIN = 20,   /* … when there were too many for one sweep */
	SWEEP_MOST = 5000,  /* contacts at once: the loop has other work */
	BACKLOG = 200000,   /* rows waiting in the store: no more is given to it */
};

enum column {
	USER, CONTACT, LOCAL, REMOTE, INSTANCE, REG_ID, PATH, USER_AGENT, Q, NAT, NAT_REASON, VIA,
	EXPIRES, COLUMNS
};
_Static_assert((int)COLUMNS == (int)HL_KEPT_CONTACT_COLUMNS, "the header tells how many");

const struct hl_column hl_kept_contact_columns[HL_KEPT_CONTACT_COLUMNS] = {
	[USER] = {"user", HL_KIND_TEXT},
	[CONTACT] = {"contact", HL_KIND_TEXT},
	[LOCAL] = {"local", HL_KIND_TEXT},
	[REMOTE] = {"received", HL_KIND_TEXT},
	[INSTANCE] = {"instance", HL_KIND_TEXT},
	[REG_ID] = {"reg_id", HL_KIND_INTEGER},
	[PATH] = {"path", HL_KIND_TEXT},
	[USER_AGENT] = {"user_agent", HL_KIND_TEXT},
	[Q] = {"q", HL_KIND_INTEGER},
	[NAT] = {"nat", HL_KIND_BOOLEAN},
	[NAT_REASON] = {"nat_reason", HL_KIND_TEXT},
	[VIA] = {"via", HL_KIND_TEXT},
	[EXPIRES] = {"expires", HL_KIND_TIME}, /* it changes with each refresh: the last */
};

static const char *const nat_words[] = {
	[HL_NAT_SAME] = "same", [HL_NAT_CONTACT] = "contact", [HL_NAT_VIA] = "via",
	[HL_NAT_YES] = "yes",	[HL_NAT_NO] = "no",
};

/* What is kept with a contact, in few bytes: there may be a million. */
struct mark {
	uint64_t number : 36; /* of its row; 0: none yet */
	uint64_t check : 24;  /* of what the row says beside the expiry */
	uint64_t waits : 1;   /* in the list */
	uint64_t expires;     /* the latest that was handed over; µs of hl_clock_now */
};

static struct mark *mark_of(const struct hl_kept *kept, struct hl_contact *contact)
{
	return hl_contact_space(contact, kept->contact_offset);
}

size_t hl_kept_contact_space(struct hl_kept *kept, size_t plugins)
{
	kept->contact_offset = (plugins + 7) / 8 * 8;
	return kept->contact_offset + sizeof(struct mark);
}

static bool is_on(const struct hl_kept *kept)
{
	return kept->holdline->config->settings.keep_contacts;
}

/* What a contact's row borrows. */
struct texts {
	char local[HL_ADDRESS_TEXT], remote[HL_ADDRESS_TEXT];
};

static void fill_row(const struct hl_contact *contact, struct texts *texts,
		     struct hl_value row[COLUMNS])
{
	const struct hl_value values[COLUMNS] = {
		[USER] = hl_value_text(hl_contact_user(contact)),
		[CONTACT] = hl_value_text(contact->uri),
		[LOCAL] = hl_value_text(hl_address_format(&contact->flow.local, texts->local)),
		[REMOTE] = hl_value_text(hl_address_format(&contact->flow.remote, texts->remote)),
		[INSTANCE] = hl_value_text(contact->instance),
		[REG_ID] = hl_value_integer(contact->reg_id),
		[PATH] = hl_value_text(contact->path),
		[USER_AGENT] = hl_value_text(contact->user_agent),
		[Q] = hl_value_integer(contact->q),
		[NAT] = hl_value_boolean(contact->nat),
		[NAT_REASON] = hl_value_text(nat_words[contact->nat_reason]),
		[VIA] = hl_value_text(
			contact->nat_reason == HL_NAT_VIA ? hl_contact_via(contact) : NULL),
		[EXPIRES] = hl_value_time(hl_clock_wall_at(contact->expires)),
	};
	memcpy(row, values, sizeof(values));
}

/* A refresh may bring another User-Agent, instance, Path, q or verdict over the same flow. */
static uint64_t check_of(const struct hl_contact *contact)
{
	uint64_t hash = hl_hash_bytes(contact->uri, strlen(contact->uri));

	if (contact->instance)
		hash = hl_hash_mix(hl_hash_mix(hash, contact->reg_id),
				   hl_hash_bytes(contact->instance, strlen(contact->instance)));
	if (contact->nat_reason == HL_NAT_VIA)
		hash = hl_hash_mix(hash, hl_hash_bytes(hl_contact_via(contact),
						       strlen(hl_contact_via(contact))));
	hash = hl_hash_mix(hash, (uint64_t)(uintptr_t)contact->user_agent);
	hash = hl_hash_mix(hash, (uint64_t)contact->q << 8 | contact->nat_reason << 1 |
					 contact->nat);
	if (contact->path)
		hash = hl_hash_mix(hash, hl_hash_bytes(contact->path, strlen(contact->path)));
	return hash & 0xffffff;
}

static void forget_row(struct hl_kept *kept, struct mark *mark)
{
	if (mark->number)
		hl_store_drop(kept->holdline->store, HL_STORE_CONTACTS, (int64_t)mark->number);
	mark->number = 0;
}

/* 0, or -ENOMEM: it waits on. */
static int write_row(struct hl_kept *kept, struct hl_contact *contact)
{
	struct hl_store *store = kept->holdline->store;
	struct mark *mark = mark_of(kept, contact);
	struct hl_value row[COLUMNS];
	struct texts texts;
	int code;

	/* Refreshes of its number that end later would still hold. */
	if (contact->flow.type != HL_TRANSPORT_UDP || contact->expires < mark->expires)
		forget_row(kept, mark);
	if (contact->flow.type != HL_TRANSPORT_UDP)
		return 0;
	if (!mark->number)
		mark->number = (uint64_t)kept->next_contact++;
	fill_row(contact, &texts, row);
	code = hl_store_put(store, HL_STORE_CONTACTS, (int64_t)mark->number, row);
	if (!code) {
		mark->check = check_of(contact);
		mark->expires = contact->expires;
	}
	return code;
}

/* The first `most` of the list. */
static void write_some(struct hl_kept *kept, size_t most)
{
	struct hl_kept_list *list = &kept->contacts;
	size_t done = 0;

	for (; done < list->count && done < most; done++) {
		struct hl_contact *contact =
			hl_contact_get(kept->holdline->endpoints, list->items[done]);

		if (!contact)
			continue;
		if (write_row(kept, contact))
			break;
		mark_of(kept, contact)->waits = false;
	}
	list->count -= done;
	if (done)
		memmove(list->items, list->items + done, list->count * sizeof(*list->items));
}

/* Whether the store took the refreshes that were noted. */
static bool write_refreshes(struct hl_kept *kept)
{
	if (!hl_store_refresh(kept->holdline->store, kept->refreshes, kept->refresh_count))
		kept->refresh_count = 0;
	return !kept->refresh_count;
}

static bool store_has_room(struct hl_kept *kept)
{
	struct hl_store_counters counters;

	hl_store_counters(kept->holdline->store, &counters);
	return counters.rows_waiting < BACKLOG;
}

static void start_sweep(struct hl_kept *kept, unsigned wait)
{
	if (!hl_timer_running(&kept->contact_sweep))
		hl_timer_start(kept->holdline->loop, &kept->contact_sweep, wait);
}

static void sweep(void *arg)
{
	struct hl_kept *kept = arg;
	bool room = store_has_room(kept);

	if (room) {
		write_some(kept, SWEEP_MOST);
		if (kept->refresh_count)
			write_refreshes(kept);
	}
	if (kept->contacts.count || kept->refresh_count)
		start_sweep(kept, room ? SWEEP_AGAIN : SWEEP);
}

/* Notes the new expiry if it is all that changed. While the store takes nothing the contact waits
 * for its row instead, which is written once however often it is refreshed until then. */
static bool note_refresh(struct hl_kept *kept, const struct hl_contact *contact, struct mark *mark)
{
	if (!mark->number || contact->expires < mark->expires || mark->check != check_of(contact))
		return false;
	if (kept->refresh_count == HL_KEPT_REFRESHES &&
	    !(store_has_room(kept) && write_refreshes(kept)))
		return false;
	kept->refreshes[kept->refresh_count++] = (struct hl_store_refresh){
		(int64_t)mark->number, hl_clock_wall_at(contact->expires)};
	mark->expires = contact->expires;
	return true;
}

void hl_kept_contact(struct hl_kept *kept, enum hl_contact_event event, struct hl_contact *contact)
{
	struct mark *mark = mark_of(kept, contact);

	if (kept->deaf)
		return;
	if (event == HL_CONTACT_REMOVED) {
		forget_row(kept, mark);
		return;
	}
	if ((event != HL_CONTACT_ADDED && event != HL_CONTACT_REFRESHED &&
	     event != HL_CONTACT_MOVED) || !is_on(kept))
		return;
	if (mark->waits)
		return;
	if (event != HL_CONTACT_REFRESHED || !note_refresh(kept, contact, mark))
		mark->waits = !hl_kept_list_add(&kept->contacts, contact->handle);
	start_sweep(kept, SWEEP);
}

void hl_kept_contacts_init(struct hl_kept *kept)
{
	hl_timer_init(&kept->contact_sweep, sweep, kept);
}

void hl_kept_contacts_flush(struct hl_kept *kept)
{
	if (!kept->holdline->endpoints)
		return;
	write_some(kept, SIZE_MAX);
	write_refreshes(kept);
}

/* Reading them back. */

struct restoring {
	struct hl_kept *kept;
	int64_t restored, expired, unreachable, unknown;
};

/* Who was taken out of the configuration while the switch was down does not ring any more. */
static bool is_known(struct hl_switch *holdline, struct hl_slice user)
{
	struct hl_credentials_decision decision;
	char text[256];

	if (hl_config_account(holdline->config, user))
		return true;
	snprintf(text, sizeof(text), "%.*s", HL_SLICE_ARGS(user));
	return hl_decide_credentials(holdline, text, holdline->config->settings.realm, &decision);
}

static struct hl_nat_verdict read_verdict(const struct hl_value *row)
{
	struct hl_nat_verdict verdict = {.nat = row[NAT].integer != 0, .reason = HL_NAT_SAME};
	struct hl_slice via = row[VIA].text;
	struct hl_address address;

	for (unsigned i = 0; i < HL_COUNT(nat_words); i++)
		if (hl_slice_equal(row[NAT_REASON].text, hl_slice_of(nat_words[i])))
			verdict.reason = i;
	if (verdict.reason == HL_NAT_VIA && !hl_address_parse_port(via, &address)) {
		const char *colon = memrchr(via.data, ':', via.length);

		verdict.via_host = (struct hl_slice){via.data, (size_t)(colon - via.data)};
		verdict.via_port = address.port;
	}
	return verdict;
}

/* 0; -ENOENT: no way leads there any more; -EINVAL: the row is damaged; -ENOMEM. */
static int bind_row(struct restoring *restoring, const struct hl_value *row, uint64_t left,
		    struct hl_contact **contact)
{
	struct hl_switch *holdline = restoring->kept->holdline;
	struct hl_text path, agent;
	struct hl_address local, remote;
	struct hl_flow flow;
	int code;

	if (hl_address_parse_port(row[LOCAL].text, &local) ||
	    hl_address_parse_port(row[REMOTE].text, &remote) || !row[CONTACT].present)
		return -EINVAL;
	code = hl_transport_flow_again(holdline->transport, &local, &remote, &flow);
	if (code)
		return code;
	hl_text_init(&path);
	hl_text_init(&agent);
	hl_text_slice(&path, row[PATH].text);
	hl_text_slice(&agent, row[USER_AGENT].text);
	struct hl_binding binding = {
		.user = row[USER].text,
		.uri = row[CONTACT].text,
		.instance = row[INSTANCE].text,
		.reg_id = (unsigned)row[REG_ID].integer,
		.path = row[PATH].present ? hl_text_string(&path) : NULL,
		.user_agent = hl_text_string(&agent),
		.call_id = "", /* whatever comes next is the first we hear of it */
		.q = (int)row[Q].integer,
		.flow = &flow,
		.nat = read_verdict(row),
		.expires = (unsigned)((left + HL_SECOND - 1) / HL_SECOND),
	};
	code = path.failed || agent.failed
		       ? -ENOMEM
		       : hl_contact_bind(holdline->endpoints, &binding, contact);
	hl_text_fini(&path);
	hl_text_fini(&agent);
	return code;
}

/* The row is this contact's. */
static void adopt(struct restoring *restoring, struct hl_contact *contact, int64_t number)
{
	struct mark *mark = mark_of(restoring->kept, contact);

	mark->number = (uint64_t)number;
	mark->check = check_of(contact);
	mark->expires = contact->expires;
	/* It has not been heard yet by this process: heartbeats go on at once. */
	contact->heard = 0;
	restoring->restored++;
}

/* No other contact is given that number. */
static void number_taken(struct hl_kept *kept, int64_t number)
{
	if (number >= kept->next_contact)
		kept->next_contact = number + 1;
}

static void visit(void *arg, int64_t number, const struct hl_value *row)
{
	struct restoring *restoring = arg;
	struct hl_kept *kept = restoring->kept;
	uint64_t now = hl_clock_wall();
	struct hl_contact *contact;
	int code = -ENOENT;

	number_taken(kept, number);
	if (!row[EXPIRES].present || row[EXPIRES].time <= now) {
		restoring->expired++;
	} else if (!row[USER].present || !is_known(kept->holdline, row[USER].text)) {
		restoring->unknown++;
	} else {
		code = bind_row(restoring, row, row[EXPIRES].time - now, &contact);
		restoring->unreachable += code != 0;
	}
	if (!code && !mark_of(kept, contact)->number)
		adopt(restoring, contact, number);
	else
		hl_store_drop(kept->holdline->store, HL_STORE_CONTACTS, number);
}

static void drop(void *arg, int64_t number, const struct hl_value *row)
{
	struct restoring *restoring = arg;

	(void)row;
	number_taken(restoring->kept, number);
	hl_store_drop(restoring->kept->holdline->store, HL_STORE_CONTACTS, number);
}

void hl_kept_contacts_restore(struct hl_kept *kept)
{
	struct restoring restoring = {.kept = kept};
	struct hl_error error;

	kept->deaf = true;
	if (hl_store_each(kept->holdline->store, HL_STORE_CONTACTS, is_on(kept) ? visit : drop,
			  &restoring, &error))
		hl_log(HL_LOG_ERROR, "store", "contacts-unreadable", hl_str("error", error.text));
	kept->deaf = false;
	if (restoring.restored + restoring.expired + restoring.unknown + restoring.unreachable)
		hl_log(HL_LOG_INFO, "store", "contacts-restored",
		       hl_int("contacts", restoring.restored), hl_int("expired", restoring.expired),
		       hl_int("unknown", restoring.unknown),
		       hl_int("unreachable", restoring.unreachable));
}
