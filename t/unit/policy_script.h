/* What the units of the policy share: scripts to load, somebody to ask them about, and what was
 * logged. */
#ifndef HL_TEST_POLICY_SCRIPT_H
#define HL_TEST_POLICY_SCRIPT_H

#include "tap.h"

#include "base/clock.h"
#include "base/memory.h"
#include "policy/policy.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static struct hl_policy *policy;
static struct hl_error error;
static char script[] = "/tmp/holdline-policy-XXXXXX.lua";
/* Time enough that a busy machine decides nothing. */
static struct hl_policy_settings settings = {script, 1000000, 1000, 16};

static const struct hl_endpoint_view endpoint = {
	.aor = "sip:1001@example.org",
	.user = "1001",
	.contact = "<sip:1001@10.0.0.7:5062>",
	.received = {.bytes = {192, 0, 2, 7}, .port = 4711, .family = AF_INET},
	.transport = "udp",
	.nat = true,
	.user_agent = "Yealink SIP-T46S 66.84",
	.expires = 300,
	.network = "cgnat",
};

static inline const char *header_of(const void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "X-Tenant") ? "blue" : NULL;
}

static const struct hl_call_view call = {
	.id = "c-1",
	.from = "sip:1001@example.org",
	.to = "sip:1002@example.org",
	.request_uri = "sip:1002@example.org",
	.caller = {.user = "1001",
		   .gateway = "",
		   .received = {.bytes = {192, 0, 2, 7}, .port = 4711, .family = AF_INET},
		   .nat = true,
		   .network = "cgnat",
		   .user_agent = "Yealink",
		   .timer = true},
	.callee = {.user = "1002", .gateway = "carrier", .network = "", .user_agent = "Snom"},
	.header = header_of,
	.started = 1700000000500000,
};
static const struct hl_leg_view leg = {"callee", "Snom", "INVITE, BYE"};

/* Loads the text as the policy; false with `error`. */
static inline bool loads_with(const char *text, const struct hl_node *configuration)
{
	const struct hl_policy_world world = {.configuration = configuration};
	FILE *file = fopen(script, "w");

	hl_policy_free(policy);
	policy = NULL;
	error.text[0] = '\0';
	if (!file || fputs(text, file) < 0 || fclose(file))
		printf("Bail out! cannot write %s\n", script);
	policy = hl_policy_new(&settings, &world, &error);
	return policy;
}

static inline bool loads(const char *text)
{
	return loads_with(text, NULL);
}

/* The script's selftest; why it fails is in `error`. */
static inline int selftest(void)
{
	struct hl_text reason;
	int result;

	hl_text_init(&reason);
	result = hl_policy_selftest(policy, &reason);
	hl_error_set(&error, result, "%s", hl_text_string(&reason));
	hl_text_fini(&reason);
	return result;
}

/* The last line that `work` logged: stderr goes to a file meanwhile. The log's rate limit counts
 * real time, so a policy logs its first failure only. */
static char logged[4096];
static long logged_bytes; /* all of it */

static inline int with_log(int (*work)(void))
{
	FILE *into = tmpfile();
	int old = dup(2), result;
	size_t length;

	fflush(stderr);
	dup2(fileno(into), 2);
	result = work();
	fflush(stderr);
	dup2(old, 2);
	close(old);
	fseek(into, 0, SEEK_END);
	logged_bytes = ftell(into);
	rewind(into);
	length = fread(logged, 1, sizeof(logged) - 1, into);
	logged[length] = '\0';
	fclose(into);
	return result;
}

/* A counter, of all functions together. */
static inline int64_t counted(size_t offset)
{
	uint64_t sum = 0;

	for (int i = 0; i < HL_POLICY_FUNCTIONS; i++)
		sum += *(const uint64_t *)(const void *)((const char *)hl_policy_counters(
								 policy,
								 (enum hl_policy_function)i) +
							 offset);
	return (int64_t)sum;
}

static inline bool begin(void)
{
	int file = mkstemps(script, 4);

	if (file < 0)
		return false;
	close(file);
	return true;
}

static inline int end(void)
{
	hl_policy_free(policy);
	unlink(script);
	return done_testing();
}

#endif
