/* Gateways as the control socket shows them. */
#include "base/clock.h"
#include "gateway/private.h"

static void put_address(const struct hl_trunk *trunk, struct hl_json *json)
{
	char text[HL_ADDRESS_TEXT];

	hl_json_put_string(json, "address", trunk->gateway->address_text);
	hl_json_key(json, "servers");
	hl_json_array(json);
	for (size_t i = 0; i < trunk->location.count; i++)
		hl_json_string(json, hl_address_format(&trunk->location.servers[i].address, text));
	hl_json_array_end(json);
	hl_json_put_string(json, "fault", trunk->location.count ? NULL : trunk->location.fault);
}

static void put_supervision(const struct hl_trunk *trunk, struct hl_json *json)
{
	const struct supervision *supervision = &trunk->supervision;

	if (supervision->reachable < 0)
		hl_json_put_null(json, "reachable");
	else
		hl_json_put_boolean(json, "reachable", supervision->reachable);
	if (supervision->rtt < 0)
		hl_json_put_null(json, "rtt_ms");
	else
		hl_json_put_number(json, "rtt_ms", (double)supervision->rtt / HL_MILLISECOND);
}

static void put_registration(const struct hl_trunk *trunk, struct hl_json *json)
{
	const struct registration *registration = &trunk->registration;
	uint64_t now = hl_clock_now();
	char mapped[HL_ADDRESS_TEXT];
	bool bound = registration->expires > now && registration->state != REGISTRATION_LEFT;

	hl_json_key(json, "registration");
	if (registration->state == REGISTRATION_OFF) {
		hl_json_null(json);
		return;
	}
	hl_json_object(json);
	hl_json_put_string(json, "state", hl_registration_text(registration->state));
	hl_json_put_string(json, "user", trunk->gateway->registration.user);
	if (bound)
		hl_json_put_integer(json, "expires_in",
				    (int64_t)((registration->expires - now) / HL_SECOND));
	else
		hl_json_put_null(json, "expires_in");
	if (registration->last_code)
		hl_json_put_integer(json, "last_code", registration->last_code);
	else
		hl_json_put_null(json, "last_code");
	hl_json_put_string(json, "last_reason",
			   *registration->last_reason ? registration->last_reason : NULL);
	if (hl_timer_running(&registration->timer))
		hl_json_put_integer(json, "next_in",
				    (int64_t)(hl_timer_remaining(trunk->trunks->parts.loop,
								 &registration->timer) /
					      1000));
	else
		hl_json_put_null(json, "next_in");
	hl_json_put_boolean(json, "nat", registration->behind_nat);
	hl_json_put_string(json, "mapped",
			   registration->mapped.family
				   ? hl_address_format(&registration->mapped, mapped)
				   : NULL);
	hl_json_object_end(json);
}

void hl_trunks_count(const struct hl_trunks *trunks, struct hl_trunk_counters *counters)
{
	*counters = (struct hl_trunk_counters){.limited = trunks->limited};
	for (const struct hl_list *node = trunks->list.next; node != &trunks->list;
	     node = node->next) {
		const struct hl_trunk *trunk = hl_list_entry(node, const struct hl_trunk, node);
		enum registration_state state = trunk->registration.state;

		counters->gateways++;
		counters->unreachable += trunk->supervision.reachable == 0;
		counters->registered += state == REGISTRATION_REGISTERED;
		counters->not_registered +=
			state != REGISTRATION_OFF && state != REGISTRATION_REGISTERED;
	}
}

void hl_trunks_json(const struct hl_trunks *trunks, struct hl_json *json)
{
	for (const struct hl_list *node = trunks->list.next; node != &trunks->list;
	     node = node->next) {
		const struct hl_trunk *trunk = hl_list_entry(node, const struct hl_trunk, node);

		hl_json_object(json);
		hl_json_put_string(json, "name", trunk->gateway->name);
		put_address(trunk, json);
		hl_json_put_string(json, "prefix", trunk->gateway->prefix);
		hl_json_put_integer(json, "weight", trunk->gateway->weight);
		hl_json_put_integer(json, "calls", trunk->calls);
		hl_json_put_integer(json, "max_calls", trunk->gateway->max_calls);
		put_supervision(trunk, json);
		put_registration(trunk, json);
		hl_json_object_end(json);
	}
}
