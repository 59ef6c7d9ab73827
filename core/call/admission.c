/* What keeps an INVITE from becoming a call: no hop left, a loop, the same request by another way
 * (RFC 3261 §8.2.2.2, §16.3), and the limits on calls at once and on INVITEs a second. */
#include "base/log.h"
#include "call/private.h"

#include <errno.h>

/* Calls of one endpoint that has a limit. Counted, freed with the last. */
struct hl_busy {
	struct hl_hash_node by_user; /* in calls->busy */
	int64_t calls;
	char user[]; /* NUL-terminated */
};

static uint64_t invite_hash(const char *call_id, const char *tag)
{
	return hl_hash_mix(hl_hash_bytes(call_id, strlen(call_id)),
			   hl_hash_bytes(tag, strlen(tag)));
}

static bool match_invite(const struct hl_hash_node *node, const void *key)
{
	const struct hl_call *call = hl_container_of(node, struct hl_call, by_invite);
	const struct hl_message *invite = key;
	return call->caller->first_cseq == hl_message_cseq(invite) &&
	       strcmp(call->caller->remote_tag, hl_message_from_tag(invite)) == 0 &&
	       strcmp(call->caller->call_id, hl_message_call_id(invite)) == 0;
}

void hl_call_remember_invite(struct hl_call *call)
{
	const struct hl_leg *caller = call->caller;
	if (caller->remote_tag)
		hl_hash_insert(&call->calls->invites, &call->by_invite,
			       invite_hash(caller->call_id, caller->remote_tag));
}

void hl_call_forget_invite(struct hl_call *call)
{
	if (call->by_invite.hash)
		hl_hash_remove(&call->calls->invites, &call->by_invite);
	call->by_invite.hash = 0;
}

/* Our own INVITE, come back by way of somebody else. */
static bool is_ours(struct hl_calls *calls, const struct hl_message *invite)
{
	const struct hl_leg *leg =
		hl_leg_by_tag(calls, hl_message_from_tag(invite), hl_message_call_id(invite));
	return leg && leg->side == HL_SIDE_CALLEE;
}

/* The same request while its first copy is served: somebody forked it before us. */
static bool is_merged(struct hl_calls *calls, const struct hl_message *invite)
{
	return hl_hash_find(&calls->invites,
			    invite_hash(hl_message_call_id(invite), hl_message_from_tag(invite)),
			    match_invite, invite) != NULL;
}

int hl_calls_admit(struct hl_calls *calls, const struct hl_message *invite)
{
	uint64_t hops;
	int code = 0;
	if (hl_message_header_number(invite, "Max-Forwards", &hops) == 0 && hops == 0)
		code = 483;
	else if (is_ours(calls, invite) || is_merged(calls, invite))
		code = 482;
	if (code)
		calls->counters.looped++;
	return code;
}

/* One INVITE more within the second? A bucket that holds a second's worth. */
static bool within_rate(struct hl_calls *calls, int64_t rate)
{
	uint64_t now = hl_clock_now();
	uint64_t full = HL_SECOND;
	uint64_t since = now - calls->rate_at;
	uint64_t each = full / (uint64_t)rate;
	calls->rate_left += since < full ? since : full;
	if (calls->rate_left > full)
		calls->rate_left = full;
	calls->rate_at = now;
	if (calls->rate_left < each)
		return false;
	calls->rate_left -= each;
	return true;
}

int hl_call_limit(struct hl_call *call, const char **detail)
{
	struct hl_calls *calls = call->calls;
	const struct hl_switch_settings *settings = &call->config->settings;
	if (settings->max_invite_rate && !within_rate(calls, settings->max_invite_rate)) {
		calls->counters.limited_rate++;
		*detail = "limit-rate";
		return 503;
	}
	if (settings->max_calls && calls->count > (size_t)settings->max_calls) {
		calls->counters.limited_calls++;
		*detail = "limit-calls";
		return 503;
	}
	return 0;
}

static bool match_user(const struct hl_hash_node *node, const void *key)
{
	return strcmp(hl_container_of(node, struct hl_busy, by_user)->user, key) == 0;
}

static struct hl_busy *busy_of(struct hl_calls *calls, const char *user)
{
	uint64_t hash = hl_hash_bytes(user, strlen(user));
	struct hl_hash_node *node = hl_hash_find(&calls->busy, hash, match_user, user);
	size_t size = strlen(user) + 1;
	if (node)
		return hl_container_of(node, struct hl_busy, by_user);
	struct hl_busy *busy = hl_alloc(sizeof(*busy) + size);
	if (!busy)
		return NULL;
	busy->calls = 0;
	memcpy(busy->user, user, size);
	hl_hash_insert(&calls->busy, &busy->by_user, hash);
	return busy;
}

int hl_leg_count(struct hl_leg *leg, const struct hl_account *account)
{
	struct hl_calls *calls = leg->call->calls;
	if (!account || !account->max_calls || leg->busy)
		return 0;
	/* Subscribers with equal settings share an account without a name. */
	struct hl_busy *busy =
		busy_of(calls, *account->user ? account->user : hl_leg_user(leg));
	if (!busy)
		return -ENOMEM;
	if (busy->calls >= account->max_calls) {
		calls->counters.limited_endpoint++;
		return -EBUSY;
	}
	busy->calls++;
	leg->busy = busy;
	return 0;
}

void hl_leg_uncount(struct hl_leg *leg)
{
	struct hl_busy *busy = leg->busy;
	leg->busy = NULL;
	if (!busy || --busy->calls)
		return;
	hl_hash_remove(&leg->call->calls->busy, &busy->by_user);
	hl_free(busy);
}
