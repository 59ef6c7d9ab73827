/* One contact's heartbeat: what it gets, and whether it lives. */
#include "keepalive.h"

/* A turn of a review: so many, or as many as there is time for when a script is asked. */
enum { REVIEW = 500, REVIEW_TIME = 5 * HL_MILLISECOND /* of real time */ };

static struct beat *beat_of(const struct keepalive *keepalive, struct hl_contact *contact)
{
	return hl_module_contact(keepalive->self, contact);
}

/* Who gets any (K14). */
static bool is_target(const struct keepalive *keepalive, const struct hl_contact *contact,
		      const struct hl_account *account)
{
	if (account && account->keepalive != HL_AUTO)
		return account->keepalive == HL_ON;
	return contact->nat || keepalive->settings->targets == KEEPALIVE_ALL;
}

/* A stream is pinged with CRLFs or OPTIONS, a datagram there would be no SIP. */
static enum keepalive_method method_for(const struct hl_contact *contact,
					enum keepalive_method wanted)
{
	if (contact->flow.type == HL_TRANSPORT_UDP || wanted == KEEPALIVE_OPTIONS)
		return wanted;
	return KEEPALIVE_CRLF;
}

static enum keepalive_method method_named(const char *name, enum keepalive_method fallback)
{
	static const char *const names[] = {
		[KEEPALIVE_UDP] = "udp",
		[KEEPALIVE_OPTIONS] = "options",
		[KEEPALIVE_CRLF] = "crlf",
	};

	for (size_t i = 0; name && i < HL_COUNT(names); i++)
		if (!strcmp(name, names[i]))
			return (enum keepalive_method)i;
	return fallback;
}

/* What the configuration and the policy (K11) say of this contact; period 0: nothing is sent. */
static struct profile *profile_decide(struct keepalive *keepalive, struct hl_contact *contact)
{
	const struct keepalive_settings *settings = keepalive->settings;
	const struct hl_config *config = hl_switch_config(keepalive->holdline);
	const struct hl_account *account =
		hl_config_account(config, hl_slice_of(hl_contact_user(contact)));
	struct profile like = {.period = (uint64_t)settings->period * HL_SECOND,
			       .method = (enum keepalive_method)settings->method,
			       .decided_by = "default"};
	struct hl_slice message = settings->message;
	struct hl_keepalive_decision decision;

	if (!is_target(keepalive, contact, account)) {
		like.period = 0;
	} else if (hl_decide_keepalive(keepalive->holdline, contact, &decision)) {
		memcpy(like.decided_by, decision.rule, sizeof(like.decided_by));
		if (decision.message_set)
			message = (struct hl_slice){decision.message, decision.message_length};
		if (decision.period > 0)
			like.period = (uint64_t)decision.period * HL_SECOND;
		if (decision.off)
			like.period = 0;
		like.method = method_named(decision.method, like.method);
	}
	if (!message.length)
		like.period = 0;
	like.method = method_for(contact, like.method);
	if (like.method == KEEPALIVE_CRLF)
		message = HL_SLICE_LITERAL("\r\n\r\n");
	else if (like.method == KEEPALIVE_OPTIONS)
		message.length = 0;
	return profile_ref(&keepalive->profiles, &like, message);
}

void beat_decide(struct keepalive *keepalive, struct hl_contact *contact)
{
	struct beat *beat = beat_of(keepalive, contact);
	struct profile *profile = profile_decide(keepalive, contact);

	hl_list_remove(&beat->order);
	hl_list_append(&keepalive->beats, &beat->order);
	if (!profile)
		return; /* out of memory: it goes on with what it had */
	profile_unref(&keepalive->profiles, beat->profile);
	beat->profile = profile;
	beat->contact = contact;
	beat->generation = keepalive->generation;
	beat->waiting = false;
	beat->failures = 0;
	if (profile->period)
		pacer_add(&keepalive->pacer, &beat->member, profile->period);
	else
		pacer_remove(&keepalive->pacer, &beat->member);
}

void beat_begin(struct keepalive *keepalive, struct hl_contact *contact)
{
	hl_list_init(&beat_of(keepalive, contact)->order);
	beat_decide(keepalive, contact);
}

static void review(void *arg)
{
	struct keepalive *keepalive = arg;
	uint64_t begun = hl_clock_real();
	const struct beat *beat;

	for (unsigned i = 0; i < REVIEW && hl_clock_real() - begun < REVIEW_TIME; i++) {
		beat = hl_list_entry(keepalive->beats.next, struct beat, order);
		if (hl_list_empty(&keepalive->beats) ||
		    beat->generation == keepalive->generation) {
			sizing_warn_load(keepalive);
			return;
		}
		beat_decide(keepalive, beat->contact);
	}
	hl_timer_start(hl_switch_loop(keepalive->holdline), &keepalive->review, 0);
}

void beats_review(struct keepalive *keepalive)
{
	keepalive->generation++;
	hl_timer_start(hl_switch_loop(keepalive->holdline), &keepalive->review, 0);
}

void beats_init(struct keepalive *keepalive)
{
	hl_list_init(&keepalive->beats);
	hl_timer_init(&keepalive->review, review, keepalive);
}

void beats_fini(struct keepalive *keepalive)
{
	hl_timer_stop(hl_switch_loop(keepalive->holdline), &keepalive->review);
}

void beat_end(struct keepalive *keepalive, struct hl_contact *contact)
{
	struct beat *beat = beat_of(keepalive, contact);

	hl_list_remove(&beat->order);
	pacer_remove(&keepalive->pacer, &beat->member);
	profile_unref(&keepalive->profiles, beat->profile);
	beat->profile = NULL;
}

void beat_alive(struct keepalive *keepalive, struct hl_contact *contact, bool answered)
{
	struct beat *beat = beat_of(keepalive, contact);

	beat->failures = 0;
	if (!answered)
		return;
	beat->waiting = false;
	hl_contact_set_reachable(contact, 1, (uint32_t)(hl_clock_now() - beat->last));
}

void beat_refused(struct keepalive *keepalive, struct beat *beat)
{
	beat->refused++;
	keepalive->refused++;
}

/* A flow that fails takes its contact along; closed, it shows the device that it has to come anew.
 */
static void contact_dead(struct keepalive *keepalive, struct hl_contact *contact)
{
	struct hl_flow flow = contact->flow;

	hl_contact_remove(hl_switch_endpoints(keepalive->holdline), contact, "unreachable");
	if (flow.type != HL_TRANSPORT_UDP)
		hl_transport_close(hl_switch_transport(keepalive->holdline), &flow,
				   "pings are not answered");
}

void beat_failed(struct keepalive *keepalive, struct beat *beat)
{
	const struct keepalive_settings *settings = keepalive->settings;
	struct hl_contact *contact = beat->contact;
	char aor[HL_AOR_TEXT];

	beat->waiting = false;
	/* It has spoken since: that it does not answer is its own affair. */
	if (contact->heard > beat->last)
		return;
	if (beat->failures < UINT8_MAX)
		beat->failures++;
	if (beat->failures < settings->options_fail_limit)
		return;
	if (contact->reachable != 0)
		hl_log(HL_LOG_WARN, "keepalive", "unreachable",
		       hl_str("aor", hl_contact_aor(contact, aor)), hl_str("contact", contact->uri),
		       hl_int("unanswered", beat->failures));
	hl_contact_set_reachable(contact, 0, 0);
	if (settings->on_dead == KEEPALIVE_REMOVE)
		contact_dead(keepalive, contact);
}

bool beat_due(void *arg, struct pacer_member *member)
{
	const struct keepalive *keepalive = arg;
	struct beat *beat = hl_container_of(member, struct beat, member);

	if (!keepalive->settings->skip_active ||
	    hl_clock_now() - beat->contact->heard >= beat->profile->period / 2)
		return true;
	beat->skipped++;
	return false;
}
