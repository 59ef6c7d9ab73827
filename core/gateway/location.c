/* Where a gateway is: an address as written, or what its name stands for (search.c). Searches go on
 * by themselves as answers expire, so that no call waits for DNS. */
#include "base/log.h"
#include "gateway/private.h"

#include <stdio.h>

enum {
	SECONDS_LEAST = 10, /* between lookups of a name, whatever its records say */
	SECONDS_MOST = 86400,
	RETRY = 15, /* s, after a lookup that failed */
};

static void look_up(void *arg);

void hl_location_init(struct hl_trunk *trunk)
{
	hl_timer_init(&trunk->location.again, look_up, trunk);
}

void hl_location_stop(struct hl_trunk *trunk)
{
	struct location *location = &trunk->location;

	hl_timer_stop(trunk->trunks->parts.loop, &location->again);
	hl_search_cancel(location->search);
	location->search = NULL;
}

static void told(struct hl_trunk *trunk)
{
	hl_registration_located(trunk);
	hl_supervision_start(trunk);
}

static void again_in(struct hl_trunk *trunk, uint32_t seconds)
{
	hl_timer_start(trunk->trunks->parts.loop, &trunk->location.again, seconds * 1000ull);
}

static void log_servers(const struct hl_trunk *trunk, uint32_t seconds)
{
	struct hl_text list;
	char address[HL_ADDRESS_TEXT];

	hl_text_init(&list);
	for (size_t i = 0; i < trunk->location.count; i++)
		hl_text_printf(&list, "%s%s", i ? " " : "",
			       hl_address_format(&trunk->location.servers[i].address, address));
	hl_log(HL_LOG_INFO, "gateway", "resolved", hl_str("gateway", trunk->gateway->name),
	       hl_str("host", trunk->gateway->host), hl_str("servers", hl_text_string(&list)),
	       hl_int("seconds", seconds));
	hl_text_fini(&list);
}

/* The servers are those that were found; one that proved good is known again. */
static void take(struct hl_trunk *trunk, const struct hl_search_result *result)
{
	struct location *location = &trunk->location;
	struct hl_address good = location->has_preferred
					 ? location->servers[location->preferred].address
					 : (struct hl_address){0};
	bool same = location->count == result->count;

	for (size_t i = 0; same && i < location->count; i++)
		same = hl_address_equal(&location->servers[i].address, &result->servers[i].address);
	memcpy(location->servers, result->servers, result->count * sizeof(*result->servers));
	location->count = result->count;
	location->fault = NULL;
	location->has_preferred = false;
	for (size_t i = 0; i < location->count; i++)
		if (good.family && hl_address_equal(&location->servers[i].address, &good)) {
			location->preferred = i;
			location->has_preferred = true;
		}
	if (!same)
		log_servers(trunk, result->seconds);
}

/* Nothing was found. A name that is not there has no servers; when nobody could be asked, those of
 * before are better than none (RFC 8767). */
static void miss(struct hl_trunk *trunk, const struct hl_search_result *result)
{
	struct location *location = &trunk->location;

	if (!result->failed)
		location->count = 0;
	if (!location->count)
		location->fault = result->failed ? "no DNS server answered for its name"
						 : "its name is not in DNS";
	hl_log(HL_LOG_WARN, "gateway", "unresolved", hl_str("gateway", trunk->gateway->name),
	       hl_str("host", trunk->gateway->host), hl_str("error", result->text),
	       hl_str("calls", location->count ? "go to the addresses of before"
					       : "go to the next gateway"));
	again_in(trunk, RETRY);
}

static void searched(void *arg, const struct hl_search_result *result)
{
	struct hl_trunk *trunk = arg;

	trunk->location.search = NULL;
	if (!result->count) {
		miss(trunk, result);
	} else {
		uint32_t seconds = result->seconds;

		take(trunk, result);
		if (seconds < SECONDS_LEAST)
			seconds = SECONDS_LEAST;
		again_in(trunk, seconds < SECONDS_MOST ? seconds : SECONDS_MOST);
	}
	told(trunk);
}

static void look_up(void *arg)
{
	struct hl_trunk *trunk = arg;
	const struct hl_gateway *gateway = trunk->gateway;

	hl_location_stop(trunk);
	trunk->location.search =
		hl_search_start(trunk->trunks, (enum hl_transport_type)gateway->transport,
				gateway->host, gateway->port, searched, trunk);
	if (!trunk->location.search)
		again_in(trunk, RETRY);
}

void hl_location_start(struct hl_trunk *trunk)
{
	struct location *location = &trunk->location;

	if (!trunk->gateway->address.family) {
		look_up(trunk);
		return;
	}
	location->servers[0] = (struct hl_server){.address = trunk->gateway->address};
	location->count = 1;
	told(trunk);
}
