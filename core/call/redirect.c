/* Redirections (RFC 3261 §8.1.3.4): a 3xx goes to the caller, unless the policy that routed the
 * call wants it followed. Its Contacts then come next, in their order: contacts of a user of ours,
 * or addresses; never a gateway by its prefix, or any phone could call out on the caller's account.
 */
#include "base/log.h"
#include "call/private.h"

#include <errno.h>

enum {
	REDIRECTS_MAX = 5, /* of one call */
	TARGETS_MAX = 64,
	GROUP = 1u << 24 /* above all others; each target in one of its own */
};

/* Puts a target in front of those still to come. NULL when there is no room. */
static struct hl_target *insert(struct hl_call *call, unsigned place, int kind, struct hl_slice uri)
{
	if (call->target_count == TARGETS_MAX)
		return NULL;
	struct hl_target *targets =
		hl_realloc(call->targets, (call->target_count + 1) * sizeof(*targets));
	char *copy = hl_slice_copy(uri);
	if (targets)
		call->targets = targets;
	if (!targets || !copy) {
		hl_free(copy);
		return NULL;
	}
	memmove(&targets[place + 1], &targets[place],
		(call->target_count - place) * sizeof(*targets));
	targets[place] =
		(struct hl_target){.kind = kind, .group = GROUP + call->target_count, .uri = copy};
	call->target_count++;
	return &targets[place];
}

static bool is_ours(const struct hl_call *call, const struct hl_uri *uri)
{
	const struct hl_switch_settings *settings = &call->config->settings;
	if (hl_transport_is_self(call->calls->parts.transport, uri) ||
	    hl_slice_equal_nocase(uri->host, hl_slice_of(settings->realm)))
		return true;
	for (size_t i = 0; i < settings->domains.count; i++)
		if (hl_slice_equal_nocase(uri->host, hl_slice_of(settings->domains.items[i])))
			return true;
	return false;
}

static unsigned add_user(struct hl_call *call, unsigned place, struct hl_slice user)
{
	struct hl_endpoint *endpoint = hl_endpoint_find(call->calls->parts.endpoints, user);
	struct hl_list *node, *next;
	unsigned added = 0;
	if (!endpoint)
		return 0;
	hl_list_each(node, next, &endpoint->contacts)
	{
		struct hl_contact *contact = hl_list_entry(node, struct hl_contact, node);
		if (hl_contact_superseded(contact))
			continue;
		struct hl_target *target =
			insert(call, place + added, HL_TARGET_CONTACT, hl_slice_of(contact->uri));
		if (!target)
			break;
		target->contact = contact->handle;
		added++;
	}
	return added;
}

static unsigned add_contact(struct hl_call *call, unsigned place, struct hl_slice text)
{
	struct hl_address address;
	struct hl_uri uri;
	if (hl_uri_parse(text, &uri) < 0)
		return 0;
	if (is_ours(call, &uri))
		return add_user(call, place, uri.user);
	if (hl_target_place(text, &address) != 1)
		return 0;
	struct hl_target *target = insert(call, place, HL_TARGET_URI, text);
	if (target)
		target->address = address;
	return target ? 1 : 0;
}

bool hl_call_follow(struct hl_call *call, const struct hl_message *response)
{
	struct hl_slice contact;
	unsigned place = call->next_target, before = place;
	if (!call->follow || call->redirects == REDIRECTS_MAX)
		return false;
	for (unsigned i = 0; hl_message_contact_uri(response, i, &contact); i++)
		place += add_contact(call, place, contact);
	if (place == before)
		return false;
	call->redirects++;
	hl_log(HL_LOG_INFO, "call", "redirected", hl_str("id", call->id),
	       hl_int("code", hl_message_status(response)), hl_int("targets", place - before));
	return true;
}
