/* Where a gateway is (RFC 3263 §4): an address as written; a name with a port: its A and AAAA
 * records; a bare name: the SRV records of its transport, and without those its addresses at the
 * default port. NAPTR is not asked: the transport is the configuration's. Lookups go on by
 * themselves as answers expire, so that no call waits for DNS. */
#include "base/log.h"
#include "gateway/private.h"

#include <stdio.h>

enum {
	SIP_PORT = 5060,
	SIPS_PORT = 5061,
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
	hl_lookup_cancel(location->services);
	location->services = NULL;
	for (size_t i = 0; i < location->asked; i++) {
		hl_lookup_cancel(location->questions[i].lookup);
		location->questions[i].lookup = NULL;
	}
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

static void log_servers(const struct hl_trunk *trunk)
{
	struct hl_text list;
	char address[HL_ADDRESS_TEXT];

	hl_text_init(&list);
	for (size_t i = 0; i < trunk->location.count; i++)
		hl_text_printf(&list, "%s%s", i ? " " : "",
			       hl_address_format(&trunk->location.servers[i].address, address));
	hl_log(HL_LOG_INFO, "gateway", "resolved", hl_str("gateway", trunk->gateway->name),
	       hl_str("host", trunk->gateway->host), hl_str("servers", hl_text_string(&list)),
	       hl_int("seconds", trunk->location.seconds));
	hl_text_fini(&list);
}

/* The servers are those that were found; one that proved good is known again. */
static void take(struct hl_trunk *trunk)
{
	struct location *location = &trunk->location;
	struct hl_address good = location->has_preferred
					 ? location->servers[location->preferred].address
					 : (struct hl_address){0};
	bool same = location->count == location->found_count;

	for (size_t i = 0; same && i < location->count; i++)
		same = hl_address_equal(&location->servers[i].address, &location->found[i].address);
	memcpy(location->servers, location->found,
	       location->found_count * sizeof(*location->found));
	location->count = location->found_count;
	location->fault = NULL;
	location->has_preferred = false;
	for (size_t i = 0; i < location->count; i++)
		if (good.family && hl_address_equal(&location->servers[i].address, &good)) {
			location->preferred = i;
			location->has_preferred = true;
		}
	if (!same)
		log_servers(trunk);
}

/* Nothing was found. A name that is not there has no servers; when nobody could be asked, those of
 * before are better than none (RFC 8767). */
static void miss(struct hl_trunk *trunk, const char *text)
{
	struct location *location = &trunk->location;

	if (!location->failed)
		location->count = 0;
	if (!location->count)
		location->fault = location->failed ? "no DNS server answered for its name"
						   : "its name is not in DNS";
	hl_log(HL_LOG_WARN, "gateway", "unresolved", hl_str("gateway", trunk->gateway->name),
	       hl_str("host", trunk->gateway->host), hl_str("error", text),
	       hl_str("calls", location->count ? "go to the addresses of before"
					       : "go to the next gateway"));
	again_in(trunk, RETRY);
}

static void finish(struct hl_trunk *trunk, const char *text)
{
	struct location *location = &trunk->location;

	if (!location->found_count) {
		miss(trunk, text);
	} else {
		uint32_t seconds = location->seconds;

		take(trunk);
		if (seconds < SECONDS_LEAST)
			seconds = SECONDS_LEAST;
		again_in(trunk, seconds < SECONDS_MOST ? seconds : SECONDS_MOST);
	}
	told(trunk);
}

static void good_for(struct location *location, uint32_t seconds)
{
	if (seconds < location->seconds)
		location->seconds = seconds;
}

static void found_addresses(void *arg, enum hl_resolver_status status,
			    const struct hl_address *list, size_t count, uint32_t seconds,
			    const char *text)
{
	struct question *question = arg;
	struct location *location = &question->trunk->location;

	question->lookup = NULL;
	location->answered++;
	location->failed |= status == HL_RESOLVER_FAILED;
	if (status == HL_RESOLVER_OK)
		good_for(location, seconds);
	for (size_t i = 0; i < count && location->found_count < HL_SERVERS_MAX; i++) {
		struct hl_server *server = &location->found[location->found_count++];

		*server = (struct hl_server){list[i], question->service.priority,
					     question->service.weight};
		server->address.port = question->service.port;
	}
	if (location->answered == location->asked)
		finish(question->trunk, text);
}

/* Which families our listeners speak. */
static void note_family(void *arg, const char *text)
{
	bool *families = arg;

	families[strchr(text, '[') != NULL] = true;
}

static void ask(struct hl_trunk *trunk, const struct hl_srv *services, size_t count)
{
	struct location *location = &trunk->location;
	bool families[2] = {false, false};

	hl_transport_each_listener(trunk->trunks->parts.transport, note_family, families);
	location->asked = count < HL_SERVERS_MAX ? count : HL_SERVERS_MAX;
	location->answered = 0;
	for (size_t i = 0; i < location->asked; i++) {
		struct question *question = &location->questions[i];

		*question = (struct question){.trunk = trunk, .service = services[i]};
		question->lookup = hl_resolver_find(
			trunk->trunks->resolver, question->service.target,
			families[0] || !families[1], families[1], found_addresses, question);
		if (!question->lookup)
			location->answered++;
	}
	if (location->answered == location->asked) {
		location->failed = true;
		finish(trunk, "out of memory");
	}
}

static void ask_host(struct hl_trunk *trunk, uint16_t port)
{
	struct hl_srv own = {.port = port};

	snprintf(own.target, sizeof(own.target), "%s", trunk->gateway->host);
	ask(trunk, &own, 1);
}

static void found_services(void *arg, enum hl_resolver_status status, const struct hl_srv *list,
			   size_t count, uint32_t seconds, const char *text)
{
	struct hl_trunk *trunk = arg;
	bool secure = trunk->gateway->transport == HL_TRANSPORT_TLS;

	trunk->location.services = NULL;
	if (status == HL_RESOLVER_NONE) {
		ask_host(trunk, secure ? SIPS_PORT : SIP_PORT);
	} else if (status == HL_RESOLVER_FAILED) {
		trunk->location.failed = true;
		finish(trunk, text);
	} else {
		good_for(&trunk->location, seconds);
		ask(trunk, list, count);
	}
}

static void look_up(void *arg)
{
	struct hl_trunk *trunk = arg;
	struct location *location = &trunk->location;
	static const char *const services[] = {[HL_TRANSPORT_UDP] = "_sip._udp",
					       [HL_TRANSPORT_TCP] = "_sip._tcp",
					       [HL_TRANSPORT_TLS] = "_sips._tcp"};
	char name[HL_NAME_SIZE + 16];

	hl_location_stop(trunk);
	location->found_count = 0;
	location->seconds = SECONDS_MOST;
	location->failed = false;
	location->asked = 0;
	if (trunk->gateway->port) {
		ask_host(trunk, trunk->gateway->port);
		return;
	}
	snprintf(name, sizeof(name), "%s.%s", services[trunk->gateway->transport],
		 trunk->gateway->host);
	location->services =
		hl_resolver_find_services(trunk->trunks->resolver, name, found_services, trunk);
	if (!location->services)
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
