/* Offer and answer (RFC 3264) from leg to leg: the body passes through the stages of the plugins,
 * and each leg remembers what it was sent, so that a refresh can repeat it byte for byte. */
#include "call/private.h"

#include <errno.h>
#include <stdio.h>

/* A host of one leg that the other is not to see, where a value names it; the port goes with it. */
static bool names_host(const char *at, const char *value, size_t length)
{
	static const char inner[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
	bool begins = at == value || !strchr(inner, at[-1]);
	return begins && (!at[length] || !strchr(inner, at[length]));
}

/* Writes `value` with every `host` (and its port) replaced. */
static void put_hidden(struct hl_text *text, const char *value, const char *host,
		       const char *instead)
{
	size_t length = strlen(host);
	const char *at;
	while (length && (at = strstr(value, host))) {
		bool named = names_host(at, value, length);
		hl_text_append(text, value, (size_t)(at - value));
		hl_text_put(text, named ? instead : host);
		value = at + length;
		if (named && *value == ':')
			value += 1 + strspn(value + 1, "0123456789");
	}
	hl_text_put(text, value);
}

/* The value as the other leg may see it: where the switch is is no secret, where `from` is is. */
static int add_hidden(const struct hl_leg *from, struct hl_message *to, const char *name,
		      const char *value)
{
	struct hl_address own;
	struct hl_uri uri = {0};
	char own_host[HL_ADDRESS_TEXT], received[HL_ADDRESS_TEXT], contact[HL_ADDRESS_TEXT] = "";
	struct hl_text once, twice;
	hl_transport_visible(from->call->calls->parts.transport, &from->flow, &own);
	hl_address_uri_host(&own, own_host);
	hl_address_uri_host(&from->flow.remote, received);
	if (from->target && hl_uri_parse(hl_slice_of(from->target), &uri) == 0)
		snprintf(contact, sizeof(contact), "%.*s", (int)uri.host.length, uri.host.data);
	if (strcmp(received, own_host) == 0)
		received[0] = '\0';
	if (strcmp(contact, own_host) == 0)
		contact[0] = '\0';
	hl_text_init(&once);
	hl_text_init(&twice);
	put_hidden(&once, value, received, own_host);
	if (!once.failed)
		put_hidden(&twice, hl_text_string(&once), contact, own_host);
	int result = once.failed || twice.failed
			     ? -ENOMEM
			     : hl_message_add_header(to, name, hl_text_string(&twice));
	hl_text_fini(&once);
	hl_text_fini(&twice);
	return result;
}

static int add_refer_to(const struct hl_leg *from, struct hl_message *to, const char *value)
{
	struct hl_text text;
	hl_text_init(&text);
	int result = hl_replaces_hide(from->call->calls, value, &text);
	result = add_hidden(from, to, "Refer-To", result < 0 ? value : hl_text_string(&text));
	hl_text_fini(&text);
	return result;
}

/* What cannot be written as a header is left out. */
static int pass_header(const struct hl_leg *leg, struct hl_message *to, const char *name,
		       const char *value, bool hide)
{
	int result = hide ? add_hidden(leg, to, name, value)
			  : hl_message_add_header(to, name, value);
	return result == -ENOMEM ? result : 0;
}

/* What is passed on because the configuration says so. */
static int pass_configured(const struct hl_leg *leg, const struct hl_message *from,
			   struct hl_message *to, bool hide)
{
	const struct hl_strings *names = &leg->call->config->settings.pass_headers;
	const char *value;
	int result = 0;
	for (size_t i = 0; i < names->count; i++)
		for (unsigned n = 0;
		     !result && (value = hl_message_header(from, names->items[i], n)); n++)
			result = pass_header(leg, to, names->items[i], value, hide);
	return result;
}

static int pass_headers(const struct hl_leg *leg, const struct hl_message *from,
			struct hl_message *to, bool hide)
{
	const char *refer_to = hl_message_header(from, "Refer-To", 0), *name, *value;
	unsigned place = 0;
	int result = 0;
	if (refer_to)
		result = hide ? add_refer_to(leg, to, refer_to)
			      : hl_message_add_header(to, "Refer-To", refer_to);
	while (!result && hl_message_end_to_end(from, &place, &name, &value))
		result = pass_header(leg, to, name, value, hide);
	return result ? result : pass_configured(leg, from, to, hide);
}

int hl_session_pass_headers(const struct hl_leg *leg, const struct hl_message *from,
			    struct hl_message *to)
{
	return pass_headers(leg, from, to, true);
}

int hl_session_copy_headers(const struct hl_leg *leg, const struct hl_message *from,
			    struct hl_message *to)
{
	return pass_headers(leg, from, to, false);
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
