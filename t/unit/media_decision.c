/* The decision of media-proxy: every combination of both sides' settings in every mode, against
 * M1 and M2 written down a second time, as a chain of conditions; and the words of each step. */
#include "../../plugins/media-proxy/decision.h"

#include "tap.h"

enum { POLICIES = 3, SETTINGS = 4, MODES = 4 };

static bool asks(int setting)
{
	return setting == HL_MEDIA_ON || setting == HL_MEDIA_MUST_ON;
}

/* What the requirements say, read straight through; returns the reason, cut behind the step. */
static const char *required(const struct hl_media_question *q)
{
	const struct hl_media_party *a = &q->caller, *b = &q->callee;

	if (q->mode == HL_MEDIA_MUST_ON)
		return "+mode:must_on";
	if (q->policy != HL_MEDIA_POLICY_NONE)
		return q->policy == HL_MEDIA_POLICY_ON ? "+policy: " : "-policy: ";
	if (q->mode == HL_MEDIA_ON)
		return "+mode:on";
	if (q->mode == HL_MEDIA_OFF)
		return a->setting == HL_MEDIA_MUST_ON || b->setting == HL_MEDIA_MUST_ON
			       ? "+must_on: "
			       : "-mode:off";
	if (asks(a->setting) || asks(b->setting))
		return "+auto:1 ";
	if (a->setting == HL_MEDIA_OFF || b->setting == HL_MEDIA_OFF)
		return "-auto:2 ";
	if (q->encrypted)
		return "+auto:3 ";
	if (q->between_net && strcmp(a->network, b->network) != 0)
		return "+auto:4 ";
	if (q->behind_nat && (a->nat || b->nat))
		return "+auto:5 ";
	return "-auto:6 ";
}

static unsigned wrong, seen;

static void compare(const struct hl_media_question *q)
{
	const char *want = required(q);
	struct hl_media_verdict verdict;

	hl_media_decide(q, &verdict);
	seen++;
	if (verdict.relay == (*want == '+') && !strncmp(verdict.reason, want + 1, strlen(want + 1)))
		return;
	if (!wrong++)
		diag("mode %d policy %d caller %d callee %d: got %s, want %s", q->mode, q->policy,
		     q->caller.setting, q->callee.setting, verdict.reason, want + 1);
}

/* Everything but mode, policy and settings. */
static void circumstances(struct hl_media_question *q)
{
	for (unsigned bits = 0; bits < 64; bits++) {
		q->between_net = bits & 1;
		q->behind_nat = bits & 2;
		q->encrypted = bits & 4;
		q->caller.nat = bits & 8;
		q->callee.nat = bits & 16;
		q->callee.network = bits & 32 ? "office" : "";
		compare(q);
	}
}

static void every_combination(void)
{
	struct hl_media_question q = {.rule = "a rule", .caller = {.network = ""}};

	for (q.mode = 0; q.mode < MODES; q.mode++)
		for (q.policy = 0; q.policy < POLICIES; q.policy++)
			for (q.caller.setting = 0; q.caller.setting < SETTINGS; q.caller.setting++)
				for (q.callee.setting = 0; q.callee.setting < SETTINGS;
				     q.callee.setting++)
					circumstances(&q);
	is_int(seen, MODES * POLICIES * SETTINGS * SETTINGS * 64, "every combination was asked");
	is_int(wrong, 0, "and each is decided as M1 and M2 say");
}

/* Mode auto, both options on, settings auto, nothing else, but for what a row names. */
static const struct {
	const char *reason;
	bool relay;
	struct hl_media_question question;
} words[] = {
#define SAME .between_net = true, .behind_nat = true
#define NO_NET .network = ""
	{"auto:1 caller requires it",
	 true,
	 {SAME, .caller = {HL_MEDIA_ON, false, ""}, .callee = {HL_MEDIA_OFF, NO_NET}}},
	{"auto:1 callee requires it",
	 true,
	 {SAME, .caller = {HL_MEDIA_OFF, false, ""}, .callee = {HL_MEDIA_MUST_ON, NO_NET}}},
	{"auto:2 caller disables it",
	 false,
	 {SAME, .caller = {HL_MEDIA_OFF, true, "x"}, .callee = {NO_NET}, .encrypted = true}},
	{"auto:2 callee disables it",
	 false,
	 {SAME, .caller = {.nat = true, NO_NET}, .callee = {HL_MEDIA_OFF, false, ""}}},
	{"auto:3 encrypted media",
	 true,
	 {SAME, .caller = {NO_NET}, .callee = {.network = "x"}, .encrypted = true}},
	{"auto:4 different networks",
	 true,
	 {SAME, .caller = {.nat = true, .network = "a"}, .callee = {.network = "b"}}},
	{"auto:5 caller behind NAT",
	 true,
	 {SAME, .caller = {.nat = true, NO_NET}, .callee = {.nat = true, NO_NET}}},
	{"auto:5 callee behind NAT",
	 true,
	 {SAME, .caller = {NO_NET}, .callee = {.nat = true, NO_NET}}},
	{"auto:6 direct", false, {SAME, .caller = {NO_NET}, .callee = {NO_NET}}},
	{"auto:6 direct",
	 false,
	 {.caller = {.nat = true, .network = "a"}, .callee = {.network = "b"}}},
	{"must_on: caller",
	 true,
	 {.mode = HL_MEDIA_OFF, .caller = {HL_MEDIA_MUST_ON, NO_NET}, .callee = {NO_NET}}},
	{"must_on: callee",
	 true,
	 {.mode = HL_MEDIA_OFF, .caller = {NO_NET}, .callee = {HL_MEDIA_MUST_ON, NO_NET}}},
	{"mode:off",
	 false,
	 {.mode = HL_MEDIA_OFF, .caller = {HL_MEDIA_ON, NO_NET}, .callee = {NO_NET}}},
	{"mode:on",
	 true,
	 {.mode = HL_MEDIA_ON, .caller = {HL_MEDIA_OFF, NO_NET}, .callee = {NO_NET}}},
	{"mode:must_on",
	 true,
	 {.mode = HL_MEDIA_MUST_ON,
	  .policy = HL_MEDIA_POLICY_OFF,
	  .rule = "r",
	  .caller = {HL_MEDIA_OFF, NO_NET},
	  .callee = {NO_NET}}},
	{"policy: lab phones",
	 false,
	 {.mode = HL_MEDIA_ON,
	  .policy = HL_MEDIA_POLICY_OFF,
	  .rule = "lab phones",
	  .caller = {NO_NET},
	  .callee = {NO_NET}}},
	{"policy: lab phones",
	 true,
	 {SAME, .policy = HL_MEDIA_POLICY_ON, .rule = "lab phones",
	  .caller = {HL_MEDIA_OFF, NO_NET}, .callee = {NO_NET}}},
};

int main(void)
{
	struct hl_media_verdict verdict;

	every_combination();
	for (size_t i = 0; i < HL_COUNT(words); i++) {
		hl_media_decide(&words[i].question, &verdict);
		is_str(verdict.reason, words[i].reason, "row %zu in words", i);
		ok(verdict.relay == words[i].relay, "  which means %s",
		   words[i].relay ? "relay" : "direct");
	}
	return done_testing();
}
