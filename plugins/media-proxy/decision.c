/* The decision of M1 and M2 as one table: the first row that applies decides, and its words are the
 * reason. Above the six steps of AUTO stand the modes and the policy:
 *
 *	mode must_on  >  policy  >  mode on, or mode off unless an endpoint has must_on  >  AUTO */
#include "decision.h"

#include <stdio.h>

typedef const struct hl_media_question question_t;

struct row {
	bool (*applies)(question_t *question);
	bool relay;
	const char *reason; /* NULL: the policy's rule */
};

static bool mode_must_on(question_t *q)
{
	return q->mode == HL_MEDIA_MUST_ON;
}

static bool policy_on(question_t *q)
{
	return q->policy == HL_MEDIA_POLICY_ON;
}

static bool policy_off(question_t *q)
{
	return q->policy == HL_MEDIA_POLICY_OFF;
}

static bool mode_on(question_t *q)
{
	return q->mode == HL_MEDIA_ON;
}

static bool mode_off(question_t *q)
{
	return q->mode == HL_MEDIA_OFF;
}

static bool off_but_caller_must(question_t *q)
{
	return mode_off(q) && q->caller.setting == HL_MEDIA_MUST_ON;
}

static bool off_but_callee_must(question_t *q)
{
	return mode_off(q) && q->callee.setting == HL_MEDIA_MUST_ON;
}

static bool requires(const struct hl_media_party *party)
{
	return party->setting == HL_MEDIA_ON || party->setting == HL_MEDIA_MUST_ON;
}

static bool caller_requires(question_t *q)
{
	return requires(&q->caller);
}

static bool callee_requires(question_t *q)
{
	return requires(&q->callee);
}

static bool caller_disables(question_t *q)
{
	return q->caller.setting == HL_MEDIA_OFF;
}

static bool callee_disables(question_t *q)
{
	return q->callee.setting == HL_MEDIA_OFF;
}

static bool encrypted(question_t *q)
{
	return q->encrypted;
}

static bool networks_differ(question_t *q)
{
	return q->between_net && strcmp(q->caller.network, q->callee.network) != 0;
}

static bool caller_behind_nat(question_t *q)
{
	return q->behind_nat && q->caller.nat;
}

static bool callee_behind_nat(question_t *q)
{
	return q->behind_nat && q->callee.nat;
}

static bool families_differ(question_t *q)
{
	return q->families;
}

static bool always(question_t *q)
{
	(void)q;
	return true;
}

static const struct row rows[] = {
	{mode_must_on, true, "mode:must_on"},
	{policy_on, true, NULL},
	{policy_off, false, NULL},
	{mode_on, true, "mode:on"},
	{off_but_caller_must, true, "must_on: caller"},
	{off_but_callee_must, true, "must_on: callee"},
	{mode_off, false, "mode:off"},
	{caller_requires, true, "auto:1 caller requires it"},
	{callee_requires, true, "auto:1 callee requires it"},
	{caller_disables, false, "auto:2 caller disables it"},
	{callee_disables, false, "auto:2 callee disables it"},
	{encrypted, true, "auto:3 encrypted media"},
	{networks_differ, true, "auto:4 different networks"},
	{caller_behind_nat, true, "auto:5 caller behind NAT"},
	{callee_behind_nat, true, "auto:5 callee behind NAT"},
	/* Nothing asks for it, but they could not hear each other. */
	{families_differ, true, "families: IPv4 and IPv6"},
	{always, false, "auto:6 direct"},
};

void hl_media_decide(const struct hl_media_question *question, struct hl_media_verdict *verdict)
{
	const struct row *row = rows;

	while (!row->applies(question))
		row++;
	verdict->relay = row->relay;
	if (row->reason)
		hl_put_text(verdict->reason, verdict->reason + sizeof(verdict->reason),
			    hl_slice_of(row->reason));
	else
		snprintf(verdict->reason, sizeof(verdict->reason), "policy: %s", question->rule);
}
