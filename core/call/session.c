/* Offer and answer (RFC 3264) from leg to leg: the body passes through the stages of the plugins,
 * and each leg remembers what it was sent, so that a refresh can repeat it byte for byte. */
#include "call/private.h"

#include <errno.h>

/* Headers that mean the same on both legs and name no address of either. */
static const char *const passed_headers[] = {
	"Subject",
	"Priority",
	"Reason",
	"Retry-After",
	"Alert-Info",
	"Accept-Language",
	"Refer-To",
	"Referred-By",
	"Event",
	"Subscription-State",
	"Info-Package",
	"Content-Disposition",
	"Content-Language",
	"Privacy",
	"P-Early-Media",
};

int hl_session_pass_headers(const struct hl_message *from, struct hl_message *to)
{
	for (size_t i = 0; i < HL_COUNT(passed_headers); i++) {
		const char *value;
		for (unsigned n = 0; (value = hl_message_header(from, passed_headers[i], n)); n++)
			if (hl_message_add_header(to, passed_headers[i], value) == -ENOMEM)
				return -ENOMEM;
	}
	return 0;
}

typedef int session_stage(void *arg, struct hl_call *call, struct hl_leg *from, struct hl_leg *to,
			  struct hl_slice sdp, struct hl_text *rewritten);

static int pass_body(session_stage *stage, struct hl_leg *from, struct hl_leg *to,
		     const struct hl_message *message, struct hl_message *out)
{
	struct hl_slice body = hl_message_body(message);
	struct hl_text rewritten;
	int code = 0;

	if (!body.length)
		return 0;
	if (!hl_message_has_sdp(message))
		return hl_message_set_body(out, hl_message_content_type(message), body) ? 500 : 0;
	hl_text_init(&rewritten);
	int verdict = stage(from->call->calls->parts.arg, from->call, from, to, body, &rewritten);
	if (verdict >= 300)
		code = verdict;
	else if (verdict == HL_STAGE_DONE)
		body = (struct hl_slice){rewritten.data, rewritten.length};
	if (!code && (rewritten.failed || hl_message_set_body(out, "application/sdp", body) < 0))
		code = 500;
	hl_text_fini(&rewritten);
	return code;
}

int hl_session_offer(struct hl_leg *from, struct hl_leg *to, const struct hl_message *message,
		     struct hl_message *out)
{
	return pass_body(from->call->calls->parts.hooks->offer, from, to, message, out);
}

int hl_session_answer(struct hl_leg *from, struct hl_leg *to, const struct hl_message *message,
		      struct hl_message *out)
{
	return pass_body(from->call->calls->parts.hooks->answer, from, to, message, out);
}

void hl_session_sent(struct hl_leg *leg, const struct hl_message *message)
{
	if (!hl_message_has_sdp(message))
		return;
	hl_text_clear(&leg->sdp);
	hl_text_slice(&leg->sdp, hl_message_body(message));
}
