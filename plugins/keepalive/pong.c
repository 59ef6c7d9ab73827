/* CRLFs on streams are to be answered within ten seconds (RFC 5626 §4.4.1). They are all given the
 * same time: a queue and one timer do. */
#include "keepalive.h"

enum { PONG = 10 * HL_SECOND };

struct pong {
	struct hl_list node;
	struct hl_handle contact;
	uint64_t sent; /* hl_clock_now */
};

static void pong_schedule(struct keepalive *keepalive)
{
	const struct hl_list *list = &keepalive->pongs.list;

	if (!hl_list_empty(list))
		hl_timer_start_at(hl_switch_loop(keepalive->holdline), &keepalive->pongs.timer,
				  hl_list_entry(list->next, struct pong, node)->sent + PONG);
}

/* Whoever has answered, moved or gone since is none the worse for it. */
static void pong_missing(struct keepalive *keepalive, const struct pong *pong)
{
	struct hl_contact *contact =
		hl_contact_get(hl_switch_endpoints(keepalive->holdline), pong->contact);
	struct beat *beat = contact ? hl_module_contact(keepalive->self, contact) : NULL;

	if (beat && beat->waiting && beat->last == pong->sent)
		beat_failed(keepalive, beat);
}

static void pongs_due(void *arg)
{
	struct keepalive *keepalive = arg;
	struct hl_list *list = &keepalive->pongs.list;

	while (!hl_list_empty(list)) {
		struct pong *pong = hl_list_entry(list->next, struct pong, node);
		if (pong->sent + PONG > hl_clock_now())
			break;
		hl_list_remove(&pong->node);
		pong_missing(keepalive, pong);
		hl_free(pong);
	}
	pong_schedule(keepalive);
}

void pongs_init(struct keepalive *keepalive)
{
	hl_list_init(&keepalive->pongs.list);
	hl_timer_init(&keepalive->pongs.timer, pongs_due, keepalive);
}

void pongs_fini(struct keepalive *keepalive)
{
	struct hl_list *node, *next;

	hl_timer_stop(hl_switch_loop(keepalive->holdline), &keepalive->pongs.timer);
	hl_list_each(node, next, &keepalive->pongs.list)
		hl_free(hl_list_entry(node, struct pong, node));
}

void pong_await(struct keepalive *keepalive, struct beat *beat)
{
	struct pong *pong = hl_alloc(sizeof(*pong));

	beat->waiting = pong != NULL; /* out of memory: this one is not supervised */
	if (!pong)
		return;
	*pong = (struct pong){.contact = beat->contact->handle, .sent = beat->last};
	hl_list_append(&keepalive->pongs.list, &pong->node);
	if (!hl_timer_running(&keepalive->pongs.timer))
		pong_schedule(keepalive);
}
