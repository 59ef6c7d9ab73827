/* `gateways`: the switches and carriers that calls come from and go to. */
#include "config/gateway.h"

#include "base/memory.h"

#include <stdlib.h>

const char *const hl_expire_words[] = {"auto", NULL};
const char *const hl_privacy_words[] = {"ignore", "id", "none", NULL};
const char *const hl_display_words[] = {"on", "off", "number", NULL};
static const char *const identity_words[] = {"none", "pai", "ppi", "rpid", "pass", NULL};
static const char *const callee_words[] = {"request-uri", "to", NULL};

/* A gateway with what is turned into something else once it is read. */
struct gateway {
	struct hl_gateway public;
	struct hl_strings match; /* as written */
	int callee_from;	 /* index in callee_words */
};

#define FIELD(field, ctype) HL_FIELD(struct gateway, field, ctype)

/* Rows that say "see switch.gateway" have their default there. */
static const struct hl_parameter rows[] = {
	{.key = "address",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .help = "Where it is: sip:HOST[:PORT][;transport=tcp|tls]; a host name is looked up in "
		 "DNS.",
	 .offset = FIELD(public.address_text, char *)},
	{.key = "prefix",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .max = 64,
	 .help = "What the numbers that go there begin with; the longest match wins.",
	 .offset = FIELD(public.prefix, char *)},
	{.key = "match",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "",
	 .help = "More source networks that are this gateway.",
	 .offset = FIELD(match, struct hl_strings)},
	{.key = "failover_on",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "[408, 5xx, timeout]",
	 .help = "Answers that pass a call on to the next gateway: 408, 5xx, timeout.",
	 .offset = FIELD(public.failover_on, struct hl_strings)},
	{.key = "max_calls",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .max = 1000000,
	 .help = "Calls at once, in both directions; 0: no limit.",
	 .offset = FIELD(public.max_calls, int64_t)},
	{.key = "weight",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "1",
	 .max = 1000,
	 .help = "Its share among gateways of equal prefix; 0: only when the others failed.",
	 .offset = FIELD(public.weight, int64_t)},
	{.key = "options_period",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .max = 86400,
	 .unit = "s",
	 .help = "How often it is asked whether it lives; 0: never. See switch.gateway.",
	 .offset = FIELD(public.options_period, int64_t)},
	{.key = "register.user",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .max = 128,
	 .help = "The user the switch registers as there.",
	 .offset = FIELD(public.registration.user, char *)},
	{.key = "register.password",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .help = "The password for that, and for the calls that go there.",
	 .offset = FIELD(public.registration.password, char *)},
	{.key = "register.expire",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "auto",
	 .min = 20,
	 .max = 7200,
	 .values = hl_expire_words,
	 .unit = "s",
	 .help = "The expiry asked for. See switch.gateway.",
	 .offset = FIELD(public.registration.expire, int64_t)},
	{.key = "register.retry_delay",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "60",
	 .min = 30,
	 .max = 600,
	 .unit = "s",
	 .help = "Pause after a registration failed; it grows. See switch.gateway.",
	 .offset = FIELD(public.registration.retry_delay, int64_t)},
	{.key = "register.send_unregister",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .help = "Whether the switch unregisters when it stops. See switch.gateway.",
	 .offset = FIELD(public.registration.send_unregister, bool)},
	{.key = "privacy",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "ignore",
	 .values = hl_privacy_words,
	 .help = "RFC 3323 privacy: ignore leaves it to the caller, id hides the caller in From, "
		 "none forbids hiding. See switch.gateway.",
	 .offset = FIELD(public.privacy, int)},
	{.key = "identity",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "none",
	 .values = identity_words,
	 .help = "The header that asserts the caller: none, P-Asserted-Identity, "
		 "P-Preferred-Identity, Remote-Party-ID, or what another gateway sent.",
	 .offset = FIELD(public.identity, int)},
	{.key = "display",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "on",
	 .values = hl_display_words,
	 .help = "The display name in From: the caller's, none, or the number. See "
		 "switch.gateway.",
	 .offset = FIELD(public.display, int)},
	{.key = "callee_from",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "request-uri",
	 .values = callee_words,
	 .help = "Where the called number of its calls is.",
	 .offset = FIELD(callee_from, int)},
	{.key = "invite_use_contact",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "off",
	 .help = "Whether calls to it carry the Contact that is registered there. See "
		 "switch.gateway.",
	 .offset = FIELD(public.invite_use_contact, bool)},
	HL_PARTY_ROWS(struct gateway, public.party),
	HL_PARAMETERS_END};

static struct hl_place member_place(const struct hl_node *node, const char *key)
{
	const struct hl_node *member = hl_node_get(node, key);

	return member ? member->place : node->key_place;
}

static void take_match(struct hl_reader *reader, struct gateway *gateway,
		       const struct hl_node *node)
{
	const struct hl_node *match = hl_node_get(node, "match");
	size_t count = gateway->match.count;

	if (!count)
		return;
	gateway->public.match = hl_zalloc(count * sizeof(*gateway->public.match));
	if (!gateway->public.match) {
		reader->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct hl_network *network = &gateway->public.match[gateway->public.match_count];

		if (hl_network_parse(hl_slice_of(gateway->match.items[i]), network))
			hl_reader_error(
				reader, hl_reader_item_place(match, i), "match",
				"\"%s\" is not a network; allowed: ADDRESS/PREFIX or a lone "
				"address",
				gateway->match.items[i]);
		else
			gateway->public.match_count++;
	}
}

/* "408", "5xx", "timeout". */
static bool good_failover(const char *text)
{
	if (!strcmp(text, "timeout"))
		return true;
	return strlen(text) == 3 && text[0] >= '3' && text[0] <= '6' &&
	       (!strcmp(text + 1, "xx") || strspn(text + 1, "0123456789") == 2);
}

static void check_address(struct hl_reader *reader, struct hl_gateway *gateway,
			  const struct hl_node *node)
{
	const char *fault = "must be given: " HL_GATEWAY_ADDRESS;

	if (*gateway->address_text)
		fault = hl_gateway_read_address(gateway);
	if (!fault && !gateway->host)
		reader->no_memory = true;
	else if (fault && *gateway->address_text)
		hl_reader_error(reader, member_place(node, "address"), "address", "\"%s\" %s",
				gateway->address_text, fault);
	else if (fault)
		hl_reader_error(reader, member_place(node, "address"), "address", "%s", fault);
}

static void check_failover(struct hl_reader *reader, const struct hl_gateway *gateway,
			   const struct hl_node *node)
{
	for (size_t i = 0; i < gateway->failover_on.count; i++)
		if (!good_failover(gateway->failover_on.items[i]))
			hl_reader_error(reader,
					hl_reader_item_place(hl_node_get(node, "failover_on"), i),
					"failover_on",
					"\"%s\" is no answer; allowed: a code from "
					"300 to 699, 3xx to 6xx, timeout",
					gateway->failover_on.items[i]);
}

/* A user goes into URIs as it is. */
static void check_register(struct hl_reader *reader, const struct hl_gateway *gateway,
			   const struct hl_node *node)
{
	const struct hl_node *map = hl_node_get(node, "register");
	const char *user = gateway->registration.user;

	if (!map)
		return;
	if (!*user)
		hl_reader_error(reader, map->key_place, "register.user", "must be given");
	for (const char *c = user; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("@:;<>\"\\", *c)) {
			hl_reader_error(reader, member_place(map, "user"), "register.user",
					"is not a user part: no blanks, no @ : ; < > and quotes");
			break;
		}
}

static void check(struct hl_reader *reader, const struct hl_config *config, struct gateway *gateway,
		  const struct hl_node *node)
{
	struct hl_gateway *public = &gateway->public;

	public->callee_from_to = gateway->callee_from == 1;
	check_address(reader, public, node);
	check_failover(reader, public, node);
	check_register(reader, public, node);
	take_match(reader, gateway, node);
	hl_networks_require(reader, config, public->party.network, node);
	if (public->invite_use_contact && hl_node_get(node, "invite_use_contact") &&
	    !*public->registration.user)
		hl_reader_warning(reader, member_place(node, "invite_use_contact"),
				  "invite_use_contact",
				  "has no effect: the switch does not register there");
}

/* What the gateway says nothing of is as `switch.gateway` has it. */
static void take_defaults(struct hl_gateway *gateway, const struct hl_switch_settings *settings)
{
	gateway->registration.expire = settings->gateway.expire;
	gateway->registration.retry_delay = settings->gateway.retry_delay;
	gateway->registration.send_unregister = settings->gateway.send_unregister;
	gateway->options_period = settings->gateway.options_period;
	gateway->invite_use_contact = settings->gateway.invite_use_contact;
	gateway->privacy = settings->gateway.privacy;
	gateway->display = settings->gateway.display;
}

static void gateway_free(struct gateway *gateway)
{
	hl_parameters_free(rows, gateway);
	hl_free(gateway->public.match);
	hl_free(gateway->public.host);
	hl_free(gateway->public.name);
	hl_free(gateway);
}

static void read_one(struct hl_reader *reader, struct hl_config *config, const struct hl_node *node)
{
	struct gateway *gateway = hl_zalloc(sizeof(*gateway));

	if (!gateway || hl_parameters_default(rows, gateway) ||
	    !(gateway->public.name = hl_strdup(node->key))) {
		reader->no_memory = true;
		if (gateway)
			gateway_free(gateway);
		return;
	}
	take_defaults(&gateway->public, &config->settings);
	hl_reader_map(reader, rows, gateway, node, NULL);
	check(reader, config, gateway, node);
	hl_list_append(&config->gateways, &gateway->public.node);
}

void hl_gateways_read(struct hl_reader *reader, struct hl_config *config, const struct hl_node *map)
{
	size_t mark = hl_reader_down(reader, "gateways");

	if (hl_reader_is_map(reader, map))
		hl_reader_each(reader, config, map, read_one);
	hl_reader_up(reader, mark);
}

void hl_gateways_free(struct hl_config *config)
{
	struct hl_list *node, *next;

	hl_list_each(node, next, &config->gateways)
		gateway_free(hl_container_of(node, struct gateway, public.node));
}

const struct hl_gateway *hl_config_gateway(const struct hl_config *config, struct hl_slice name)
{
	for (struct hl_list *node = config->gateways.next; node != &config->gateways;
	     node = node->next) {
		const struct hl_gateway *gateway = hl_list_entry(node, struct hl_gateway, node);

		if (hl_slice_equal(hl_slice_of(gateway->name), name))
			return gateway;
	}
	return NULL;
}

bool hl_gateway_sends_from(const struct hl_gateway *gateway, const struct hl_address *source)
{
	if (gateway->transport == HL_GATEWAY_UDP ? hl_address_equal(&gateway->address, source)
						 : hl_address_same_host(&gateway->address, source))
		return true;
	for (size_t i = 0; i < gateway->match_count; i++)
		if (hl_network_contains(&gateway->match[i], source))
			return true;
	return false;
}
