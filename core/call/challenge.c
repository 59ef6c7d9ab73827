/* Gateways that ask for credentials: a 401 or 407 to a request of ours is answered with the user
 * and password of its registration (RFC 3261 §22.2), once, and again while only the nonce was too
 * old. Later requests of the leg carry them unasked. */
#include "call/private.h"

#include <errno.h>

enum { CHALLENGES_MOST = 3 };

bool hl_leg_challenged(struct hl_leg *leg, const struct hl_message *answer)
{
	int code = hl_message_status(answer);
	bool first = !leg->credentials, stale = false;

	bool again = hl_message_cseq(answer) == leg->challenged_cseq;

	if ((code != 401 && code != 407) || !leg->gateway || !*leg->gateway->registration.password)
		return false;
	if (first && !(leg->credentials = hl_zalloc(sizeof(*leg->credentials))))
		return false;
	if (hl_credentials_challenged(leg->credentials, answer, &stale) < 0)
		return false;
	/* For a later request another nonce is no news of the password; for this one it is. */
	if (!again)
		leg->challenges = 0;
	if ((again && !stale) || leg->challenges++ >= CHALLENGES_MOST)
		return false;
	leg->challenged_cseq = leg->local_cseq + 1;
	return true;
}

int hl_leg_authorize(struct hl_leg *leg, struct hl_message *request)
{
	const struct hl_gateway *gateway = leg->gateway;

	if (!leg->credentials)
		return 0;
	return hl_credentials_apply(leg->credentials, request, gateway->registration.user,
				    gateway->registration.password);
}

void hl_leg_forget_credentials(struct hl_leg *leg)
{
	if (leg->credentials)
		hl_credentials_fini(leg->credentials);
	hl_free(leg->credentials);
	leg->credentials = NULL;
}
