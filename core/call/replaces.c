/* Transfers: REFER with Replaces (RFC 3515, 3891) across the legs. Who is transferred learns
 * nothing of the other call's dialogs: it is given the call's own id, and when its INVITE names
 * that, the INVITE goes to the party at the other end, with the dialog as that one knows it. */
#include "call/private.h"

#include <errno.h>

struct dialog_name {
	struct hl_slice call_id, to_tag, from_tag;
	bool early_only;
};

/* "Call-ID;to-tag=…;from-tag=…". 0 or -EINVAL. */
static int parse(struct hl_slice value, struct dialog_name *name)
{
	struct hl_slice rest = value, unused;
	name->call_id = hl_slice_trim(hl_slice_cut(&rest, ';'));
	if (!name->call_id.length || !hl_uri_parameter(rest, "to-tag", &name->to_tag) ||
	    !hl_uri_parameter(rest, "from-tag", &name->from_tag))
		return -EINVAL;
	name->early_only = hl_uri_parameter(rest, "early-only", &unused);
	return 0;
}

/* The leg whose peer knows its dialog by that name, or whose call we gave that name. */
static struct hl_leg *find(struct hl_calls *calls, const struct dialog_name *name)
{
	struct hl_leg *leg = hl_leg_by_local_tag(calls, name->to_tag);
	if (!leg)
		return NULL;
	if (hl_slice_equal(name->call_id, hl_slice_of(leg->call->id)))
		return leg;
	return hl_slice_equal(name->call_id, hl_slice_of(leg->call_id)) && leg->remote_tag &&
			       hl_slice_equal(name->from_tag, hl_slice_of(leg->remote_tag))
		       ? leg
		       : NULL;
}

static int aim(struct hl_call *call, const struct hl_leg *party)
{
	struct hl_target *target = hl_zalloc(sizeof(*target));
	if (!target)
		return -ENOMEM;
	target->kind = hl_contact_get(call->calls->parts.endpoints, party->contact)
			       ? HL_TARGET_CONTACT
		       : party->gateway ? HL_TARGET_GATEWAY
					: HL_TARGET_URI;
	target->contact = party->contact;
	target->gateway = hl_config_gateway(call->config, hl_slice_of(hl_leg_gateway(party)));
	target->address = party->flow.remote;
	target->uri = hl_strdup(party->target);
	call->targets = target;
	call->target_count = 1;
	struct hl_text value;
	hl_text_init(&value);
	hl_text_printf(&value, "%s;to-tag=%s;from-tag=%s", party->call_id, party->remote_tag,
		       party->local_tag);
	call->replaces = hl_text_take(&value);
	return target->uri && call->replaces ? 0 : -ENOMEM;
}

int hl_call_replaces(struct hl_call *call, const struct hl_message *invite)
{
	const char *value = hl_message_header(invite, "Replaces", 0);
	struct dialog_name name;
	if (!value)
		return 0;
	if (parse(hl_slice_of(value), &name) < 0 || hl_message_header(invite, "Replaces", 1))
		return 400;
	struct hl_leg *leg = find(call->calls, &name);
	struct hl_leg *party = leg ? hl_leg_peer(leg) : NULL;
	if (!party || !party->remote_tag || !party->target)
		return 481;
	if (leg->state == HL_LEG_ENDED)
		return 603;
	if (name.early_only && leg->state == HL_LEG_CONFIRMED)
		return 486;
	return aim(call, party) == 0 ? 1 : 500;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static void put_unescaped(struct hl_text *text, struct hl_slice value)
{
	for (size_t i = 0; i < value.length; i++) {
		char c = value.data[i];
		if (c == '%' && i + 2 < value.length && hex(value.data[i + 1]) >= 0 &&
		    hex(value.data[i + 2]) >= 0) {
			c = (char)(hex(value.data[i + 1]) * 16 + hex(value.data[i + 2]));
			i += 2;
		}
		hl_text_append(text, &c, 1);
	}
}

int hl_replaces_hide(struct hl_calls *calls, const char *refer_to, struct hl_text *out)
{
	static const char key[] = "Replaces=";
	const char *at = strcasestr(refer_to, key);
	struct dialog_name name;
	struct hl_leg *leg = NULL;
	struct hl_text plain;
	if (!at)
		return -ENOENT;
	at += sizeof(key) - 1;
	size_t length = strcspn(at, "&>");
	hl_text_init(&plain);
	put_unescaped(&plain, (struct hl_slice){at, length});
	if (!plain.failed && parse((struct hl_slice){plain.data, plain.length}, &name) == 0)
		leg = find(calls, &name);
	if (leg) {
		hl_text_append(out, refer_to, (size_t)(at - refer_to));
		hl_text_printf(out, "%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D0", leg->call->id,
			       leg->local_tag);
		hl_text_put(out, at + length);
	}
	hl_text_fini(&plain);
	return leg ? 0 : -ENOENT;
}
