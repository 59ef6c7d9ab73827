/* Our sockets, as the heartbeats find them: how long they take, and whether they take anything. */
#include "keepalive.h"

#include <stdio.h>

/* µs of real time that a full socket is waited for. Then those behind it are given up for this
 * pass, so that it does not hold up the others. */
enum { PATIENCE = 200 * HL_MILLISECOND };

struct outlet *outlet_get(struct outlets *outlets, const struct hl_flow *flow)
{
	for (unsigned i = 0; i < outlets->count; i++) {
		struct outlet *known = &outlets->list[i];

		if (known->listener != flow->listener)
			continue;
		if (known->local.port != flow->local.port) /* the one of that number is gone */
			*known = (struct outlet){.listener = flow->listener, .local = flow->local};
		return known;
	}
	struct outlet *list =
		hl_realloc(outlets->list, (outlets->count + 1) * sizeof(*outlets->list));
	if (!list)
		return NULL;
	outlets->list = list;
	list[outlets->count] = (struct outlet){.listener = flow->listener, .local = flow->local};
	return &list[outlets->count++];
}

bool outlet_note(struct outlet *outlet, uint64_t begun, unsigned count, unsigned taken)
{
	uint64_t now = hl_clock_real();

	outlet->busy += now - (outlet->waiting ? outlet->counted : begun);
	outlet->counted = now;
	outlet->sent += taken;
	if (taken == count) {
		outlet->waiting = 0;
		return true;
	}
	outlet->full++;
	if (taken || !outlet->waiting)
		outlet->waiting = now;
	return now - outlet->waiting < PATIENCE;
}

static double time_each(const struct outlet *outlet)
{
	return (double)outlet->busy / (double)(outlet->sent ? outlet->sent : 1);
}

static void outlet_name(const struct outlet *outlet, char text[HL_ADDRESS_TEXT + 8])
{
	char address[HL_ADDRESS_TEXT];

	snprintf(text, HL_ADDRESS_TEXT + 8, "udp:%s", hl_address_format(&outlet->local, address));
}

void outlets_json(const struct outlets *outlets, struct hl_json *json)
{
	const struct outlet *slowest = NULL;
	char name[HL_ADDRESS_TEXT + 8];

	hl_json_key(json, "sockets");
	hl_json_array(json);
	for (unsigned i = 0; i < outlets->count; i++) {
		const struct outlet *outlet = &outlets->list[i];
		if (!slowest || time_each(outlet) > time_each(slowest))
			slowest = outlet;
		outlet_name(outlet, name);
		hl_json_object(json);
		hl_json_put_string(json, "socket", name);
		hl_json_put_integer(json, "sent", (int64_t)outlet->sent);
		hl_json_put_integer(json, "full", (int64_t)outlet->full);
		hl_json_put_number(json, "us_each", time_each(outlet));
		hl_json_object_end(json);
	}
	hl_json_array_end(json);
	if (slowest)
		outlet_name(slowest, name);
	hl_json_put_string(json, "slowest_socket", slowest ? name : NULL);
}
