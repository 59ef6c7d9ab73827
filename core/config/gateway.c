/* `gateways`: the switches and carriers that calls come from and go to. */
#include "config/sections.h"

#include "base/memory.h"

#include <stdlib.h>

enum { SIP_PORT = 5060, TRANSPORT_UDP = 0, TRANSPORT_TCP = 1 };

/* A gateway with what is read and checked here, and used by a later version. */
struct gateway {
	struct hl_gateway public;
	struct hl_strings match; /* as written */
	char *register_user, *register_password;
	int64_t register_expire;      /* s; HL_WORD(0): auto */
	int64_t register_retry_delay; /* s */
	bool register_send_unregister;
	int privacy, identity, display, callee_from; /* index of the words below */
};

static const char *const auto_word[] = {"auto", NULL};
static const char *const privacy_words[] = {"ignore", "id", "none", NULL};
static const char *const identity_words[] = {"none", "pai", "ppi", "rpid", "pass", NULL};
static const char *const display_words[] = {"on", "off", "number", NULL};
static const char *const callee_words[] = {"request-uri", "to", NULL};

#define FIELD(field, ctype) HL_FIELD(struct gateway, field, ctype)

static const struct hl_parameter rows[] = {
	{.key = "address",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .help = "Where it is: sip:IP[:PORT][;transport=tcp].",
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
	 .help = "Calls at once; 0: no limit.",
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
	 .help = "How often it is asked whether it lives; 0: never.",
	 .offset = FIELD(public.options_period, int64_t)},
	{.key = "register.user",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "[408, 5xx, timeout]",
	 .help = "The user the switch registers as there.",
	 .offset = FIELD(register_user, char *)},
	{.key = "register.password",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .help = "The password for that.",
	 .offset = FIELD(register_password, char *)},
	{.key = "register.expire",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "auto",
	 .min = 20,
	 .max = 7200,
	 .values = auto_word,
	 .unit = "s",
	 .help = "The expiry asked for.",
	 .offset = FIELD(register_expire, int64_t)},
	{.key = "register.retry_delay",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "60",
	 .min = 30,
	 .max = 600,
	 .unit = "s",
	 .help = "Pause after a registration failed.",
	 .offset = FIELD(register_retry_delay, int64_t)},
	{.key = "register.send_unregister",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .help = "Whether the switch unregisters when it stops.",
	 .offset = FIELD(register_send_unregister, bool)},
	{.key = "privacy",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "ignore",
	 .values = privacy_words,
	 .help = "RFC 3323 privacy.",
	 .offset = FIELD(privacy, int)},
	{.key = "identity",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "none",
	 .values = identity_words,
	 .help = "The header that asserts the caller.",
	 .offset = FIELD(identity, int)},
	{.key = "display",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "on",
	 .values = display_words,
	 .help = "The display name in From.",
	 .offset = FIELD(display, int)},
	{.key = "callee_from",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "request-uri",
	 .values = callee_words,
	 .help = "Where the called number of its calls is.",
	 .offset = FIELD(callee_from, int)},
	HL_PARTY_ROWS(struct gateway, public.party),
	HL_PARAMETERS_END};

/* Read and checked, but not yet used by anybody. */
static const char *const idle[] = {"max_calls", "weight",   "options_period", "register",
				   "privacy",	"identity", "display",	      "callee_from"};

static struct hl_place member_place(const struct hl_node *node, const char *key)
{
	const struct hl_node *member = hl_node_get(node, key);

	return member ? member->place : node->key_place;
}

/* The parameters of a SIP URI behind its host: only `transport` means something here. */
static const char *read_transport(struct hl_slice rest, int *transport)
{
	while (rest.length) {
		struct hl_slice value = hl_slice_cut(&rest, ';'), name = hl_slice_cut(&value, '=');

		if (!hl_slice_equal_nocase(name, HL_SLICE_LITERAL("transport")))
			return "has an unknown parameter; allowed: transport=udp or transport=tcp";
		if (hl_slice_equal_nocase(value, HL_SLICE_LITERAL("tcp")))
			*transport = TRANSPORT_TCP;
		else if (hl_slice_equal_nocase(value, HL_SLICE_LITERAL("tls")))
			return "asks for tls, which comes in a later version";
		else if (!hl_slice_equal_nocase(value, HL_SLICE_LITERAL("udp")))
			return "has an unknown transport; allowed: udp, tcp";
	}
	return NULL;
}

/* "sip:IP[:PORT][;transport=tcp]"; what is wrong with it, or NULL. */
static const char *read_address(struct hl_slice text, struct hl_gateway *gateway)
{
	struct hl_slice rest = text, scheme = hl_slice_cut(&rest, ':'), host;

	if (hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("sips")))
		return "asks for tls, which comes in a later version";
	if (!hl_slice_equal_nocase(scheme, HL_SLICE_LITERAL("sip")) || !rest.length)
		return "must be sip:IP[:PORT][;transport=tcp]";
	host = hl_slice_cut(&rest, ';');
	if (memchr(host.data, '@', host.length))
		return "must not have a user part: sip:IP[:PORT][;transport=tcp]";
	if (hl_address_parse_port(host, &gateway->address) ||
	    hl_address_wildcard(&gateway->address))
		return "must name an IP address: host names come in a later version";
	if (!gateway->address.port)
		gateway->address.port = SIP_PORT;
	gateway->transport = TRANSPORT_UDP;
	return read_transport(rest, &gateway->transport);
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

static void check(struct hl_reader *reader, const struct hl_config *config, struct gateway *gateway,
		  const struct hl_node *node)
{
	struct hl_gateway *public = &gateway->public;
	const char *fault;

	if (!*public->address_text) {
		hl_reader_error(reader, member_place(node, "address"), "address",
				"must be given: sip:IP[:PORT][;transport=tcp]");
	} else {
		fault = read_address(hl_slice_of(public->address_text), public);
		if (fault)
			hl_reader_error(reader, member_place(node, "address"), "address",
					"\"%s\" %s", public->address_text, fault);
	}
	for (size_t i = 0; i < public->failover_on.count; i++)
		if (!good_failover(public->failover_on.items[i]))
			hl_reader_error(reader,
					hl_reader_item_place(hl_node_get(node, "failover_on"), i),
					"failover_on",
					"\"%s\" is no answer; allowed: a code from "
					"300 to 699, 3xx to 6xx, timeout",
					public->failover_on.items[i]);
	take_match(reader, gateway, node);
	hl_networks_require(reader, config, public->party.network, node);
	for (size_t i = 0; i < HL_COUNT(idle); i++) {
		const struct hl_node *member = hl_node_get(node, idle[i]);

		if (member)
			hl_reader_warning(reader, member->key_place, idle[i],
					  "has no effect in this version");
	}
}

static void gateway_free(struct gateway *gateway)
{
	hl_parameters_free(rows, gateway);
	hl_free(gateway->public.match);
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
	hl_reader_map(reader, rows, gateway, node, NULL);
	check(reader, config, gateway, node);
	hl_list_append(&config->gateways, &gateway->public.node);
}

void hl_gateways_read(struct hl_reader *reader, struct hl_config *config, const struct hl_node *map)
{
	size_t mark = hl_reader_down(reader, "gateways");

	if (hl_reader_is_map(reader, map) && map)
		for (const struct hl_node *node = map->first; node && !reader->no_memory;
		     node = node->next) {
			size_t inner = hl_reader_down(reader, node->key);

			read_one(reader, config, node);
			hl_reader_up(reader, inner);
		}
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

/* TCP comes from any port; UDP from another port than the gateway's may be somebody else behind
 * the same address, whom `match` can name. */
static bool comes_from(const struct hl_gateway *gateway, const struct hl_address *source)
{
	if (gateway->transport == TRANSPORT_UDP ? hl_address_equal(&gateway->address, source)
						: hl_address_same_host(&gateway->address, source))
		return true;
	for (size_t i = 0; i < gateway->match_count; i++)
		if (hl_network_contains(&gateway->match[i], source))
			return true;
	return false;
}

const struct hl_gateway *hl_config_gateway_from(const struct hl_config *config,
						const struct hl_address *source)
{
	for (struct hl_list *node = config->gateways.next; node != &config->gateways;
	     node = node->next) {
		const struct hl_gateway *gateway = hl_list_entry(node, struct hl_gateway, node);

		if (comes_from(gateway, source))
			return gateway;
	}
	return NULL;
}
