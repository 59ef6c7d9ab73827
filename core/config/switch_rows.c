/* The section `switch`. */
#include "config/gateway.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const on_stop_words[] = {"hangup", "keep", NULL};
static const char *const verify_words[] = {"off", "optional", "required", NULL};

#define HL_RESEND_INTERVAL "0.5,1,2,4,4,4,4,4,4,4"
enum { PUBLISH_EXPIRE = 300 };

#define FIELD(field, ctype) HL_FIELD(struct hl_switch_settings, field, ctype)

const struct hl_parameter hl_switch_rows[] = {
	{.key = "realm",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "holdline",
	 .min = 1,
	 .max = 255,
	 .reloadable = true,
	 .help = "The realm of digest authentication; phones hash it with "
		 "their password.",
	 .offset = FIELD(realm, char *)},
	{.key = "listen",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "[udp:0.0.0.0:5060, tcp:0.0.0.0:5060]",
	 .help = "Where the switch listens: udp, tcp or tls:ADDRESS:PORT; IPv6 in brackets, "
		 "port 0 picks a free one.",
	 .reloadable = true,
	 .offset = FIELD(listen, struct hl_strings)},
	{.key = "advertise",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .max = 64,
	 .reloadable = true,
	 .help = "The address in Via, Contact and SDP when the switch itself is "
		 "behind NAT.",
	 .offset = FIELD(advertise, char *)},
	{.key = "keep_contacts",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .reloadable = true,
	 .help = "Registered contacts are rows of holdline.db, so that a restart finds them.",
	 .offset = FIELD(keep_contacts, bool)},
	{.key = "state_dir",
	 .type = HL_PARAMETER_STRING,
	 .fallback = HL_STATE_DIR,
	 .min = 1,
	 .help = "Where call records, the database and traces are kept.",
	 .offset = FIELD(state_dir, char *)},
	{.key = "control",
	 .type = HL_PARAMETER_STRING,
	 .fallback = HL_RUN_DIR "/control.sock",
	 .min = 1,
	 .max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	 .help = "The control socket, for holdlinectl.",
	 .offset = FIELD(control, char *)},
	{.key = "plugin_dir",
	 .type = HL_PARAMETER_STRING,
	 .fallback = HL_PLUGIN_DIR,
	 .min = 1,
	 .help = "Where the plugins are.",
	 .offset = FIELD(plugin_dir, char *)},
	{.key = "log.level",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "info",
	 .values = log_levels,
	 .reloadable = true,
	 .help = "The least important lines that are logged.",
	 .offset = FIELD(log_level, int)},
	{.key = "log.format",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "text",
	 .values = log_formats,
	 .reloadable = true,
	 .help = "Log lines as text for people, or one JSON object a line.",
	 .offset = FIELD(log_format, int)},
	{.key = "on_stop",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "hangup",
	 .values = on_stop_words,
	 .reloadable = true,
	 .help = "What happens to calls when the switch is stopped: they get BYE, or are left.",
	 .offset = FIELD(on_stop, int)},
	{.key = "domains",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "",
	 .reloadable = true,
	 .help = "The only domains that are served; empty serves every domain that reaches it.",
	 .offset = FIELD(domains, struct hl_strings)},
	{.key = "max_calls",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .max = 1000000,
	 .reloadable = true,
	 .help = "Calls at once in all; 503 beyond. 0: no limit.",
	 .offset = FIELD(max_calls, int64_t)},
	{.key = "max_invite_rate",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .max = 100000,
	 .unit = "1/s",
	 .reloadable = true,
	 .help = "New calls a second; 503 beyond. 0: no limit.",
	 .offset = FIELD(max_invite_rate, int64_t)},
	{.key = "max_call_duration",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "86400",
	 .min = 60,
	 .max = 604800,
	 .unit = "s",
	 .reloadable = true,
	 .help = "The absolute end of a call, counted from its INVITE, whatever else goes wrong.",
	 .offset = FIELD(max_call_duration, int64_t)},
	{.key = "pass_headers",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "",
	 .reloadable = true,
	 .help = "Headers that pass from one leg of a call to the other, besides those that always "
		 "do: [X-Account, ...].",
	 .offset = FIELD(pass_headers, struct hl_strings)},
	{.key = "gather",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "10000",
	 .max = 20000,
	 .unit = "us",
	 .reloadable = true,
	 .help = "Under load, when several messages are to be expected within this time, they "
		 "are handled together: less CPU for as much delay. 0: each at once.",
	 .offset = FIELD(gather, int64_t)},
	{.key = "resend_interval",
	 .vos3000 = "SS_SIP_RESEND_INTERVAL",
	 .type = HL_PARAMETER_STRING,
	 .fallback = HL_RESEND_INTERVAL,
	 .min = 1,
	 .max = 255,
	 .reloadable = true,
	 .help = "The pauses in seconds between repeats of a request over UDP, fixed by RFC 3261; "
		 "another value is warned of.",
	 .offset = FIELD(resend_interval, char *)},
	{.key = "publish_expire",
	 .vos3000 = "SS_SIP_PUBLISH_EXPIRE",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "300",
	 .min = 30,
	 .max = 7200,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long what was published holds, if PUBLISH were served; another value is "
		 "warned of.",
	 .offset = FIELD(publish_expire, int64_t)},
	{.key = "timeout_invite",
	 .vos3000 = "SS_SIP_TIMEOUT_INVITE",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "10",
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long a called party may be silent after INVITE; 0: no limit.",
	 .offset = FIELD(timeout_invite, int64_t)},
	{.key = "timeout_trying",
	 .vos3000 = "SS_SIP_TIMEOUT_TRYING",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "20",
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long it may stay at 100 Trying; 0: no limit.",
	 .offset = FIELD(timeout_trying, int64_t)},
	{.key = "timeout_progress",
	 .vos3000 = "SS_SIP_TIMEOUT_SESSION_PROGRESS",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "20",
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long it may stay at 183 without SDP; 0: no limit.",
	 .offset = FIELD(timeout_progress, int64_t)},
	{.key = "timeout_progress_sdp",
	 .vos3000 = "SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "120",
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long it may stay at 183 with SDP; 0: no limit.",
	 .offset = FIELD(timeout_progress_sdp, int64_t)},
	{.key = "timeout_ringing",
	 .vos3000 = "SS_SIP_TIMEOUT_RINGING",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "120",
	 .max = 3600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How long it may ring; 0: no limit.",
	 .offset = FIELD(timeout_ringing, int64_t)},
	{.key = "nameservers",
	 .type = HL_PARAMETER_LIST,
	 .fallback = "",
	 .reloadable = true,
	 .help = "DNS servers for the names of gateways: ADDRESS[:PORT]; empty: those of "
		 "/etc/resolv.conf.",
	 .offset = FIELD(nameservers, struct hl_strings)},
	{.key = "gateway.register_expire",
	 .vos3000 = "SS_SIP_USER_AGENT_EXPIRE",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "auto",
	 .min = 20,
	 .max = 7200,
	 .values = hl_expire_words,
	 .unit = "s",
	 .reloadable = true,
	 .help = "The expiry that registrations at gateways ask for, unless the gateway has its "
		 "own; auto: 3600, or 120 behind NAT.",
	 .offset = FIELD(gateway.expire, int64_t)},
	{.key = "gateway.register_retry_delay",
	 .vos3000 = "SS_SIP_USER_AGENT_RETRY_DELAY",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "60",
	 .min = 30,
	 .max = 600,
	 .unit = "s",
	 .reloadable = true,
	 .help = "Pause after a registration at a gateway failed, doubled each time up to an hour, "
		 "unless the gateway has its own.",
	 .offset = FIELD(gateway.retry_delay, int64_t)},
	{.key = "gateway.send_unregister",
	 .vos3000 = "SS_SIP_USER_AGENT_SEND_UNREGISTER",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "on",
	 .reloadable = true,
	 .help = "Whether the switch unregisters at gateways when it stops, unless the gateway has "
		 "its own.",
	 .offset = FIELD(gateway.send_unregister, bool)},
	{.key = "gateway.privacy",
	 .vos3000 = "SS_SIP_USER_AGENT_PRIVACY",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "ignore",
	 .values = hl_privacy_words,
	 .reloadable = true,
	 .help = "The RFC 3323 privacy of calls to gateways that have none of their own.",
	 .offset = FIELD(gateway.privacy, int)},
	{.key = "gateway.display",
	 .vos3000 = "SS_SIP_E164_DISPLAY_FROM",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "on",
	 .values = hl_display_words,
	 .reloadable = true,
	 .help = "The display name towards gateways that have no such setting of their own.",
	 .offset = FIELD(gateway.display, int)},
	{.key = "gateway.invite_use_contact",
	 .vos3000 = "SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT",
	 .type = HL_PARAMETER_BOOLEAN,
	 .fallback = "off",
	 .reloadable = true,
	 .help = "Whether calls to a gateway carry the Contact that is registered there, unless "
		 "the gateway has its own.",
	 .offset = FIELD(gateway.invite_use_contact, bool)},
	{.key = "gateway.options_period",
	 .vos3000 = "SS_SIP_OPTIONS_CHECK_PERIOD",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "0",
	 .max = 86400,
	 .unit = "s",
	 .reloadable = true,
	 .help = "How often gateways without a period of their own are asked whether they live; "
		 "0: never.",
	 .offset = FIELD(gateway.options_period, int64_t)},
	{.key = "connections.max",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "10000",
	 .min = 1,
	 .max = 100000,
	 .reloadable = true,
	 .help = "TCP and TLS connections at once; more are refused; each takes an open file.",
	 .offset = FIELD(connections_max, int64_t)},
	{.key = "connections.max_per_address",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "5000",
	 .min = 1,
	 .max = 100000,
	 .reloadable = true,
	 .help = "Connections accepted at once from one IPv4 address or IPv6 /64.",
	 .offset = FIELD(connections_max_per_address, int64_t)},
	{.key = "connections.idle_timeout",
	 .type = HL_PARAMETER_INTEGER,
	 .fallback = "120",
	 .min = 10,
	 .max = 86400,
	 .unit = "s",
	 .reloadable = true,
	 .help = "A connection over which nothing came for so long is closed, unless somebody is "
		 "registered or in a call over it.",
	 .offset = FIELD(connections_idle_timeout, int64_t)},
	{.key = "tls.certificate",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .reloadable = true,
	 .help = "The certificate (PEM) of TLS listeners, its chain behind it; looked for beside "
		 "the file that names it, and read again by every reload.",
	 .offset = FIELD(tls_certificate, char *)},
	{.key = "tls.key",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .reloadable = true,
	 .help = "Its private key (PEM) without passphrase; none: it is in the certificate's file.",
	 .offset = FIELD(tls_key, char *)},
	{.key = "tls.ca",
	 .type = HL_PARAMETER_STRING,
	 .fallback = "",
	 .reloadable = true,
	 .help = "The authorities (PEM) that certificates of peers are verified against.",
	 .offset = FIELD(tls_ca, char *)},
	{.key = "tls.verify",
	 .type = HL_PARAMETER_CHOICE,
	 .fallback = "off",
	 .values = verify_words,
	 .reloadable = true,
	 .help = "Certificates of peers: off looks at none, optional verifies what a client "
		 "shows, required wants one; both verify a server's, which must be for its "
		 "address or name.",
	 .offset = FIELD(tls_verify, int)},
	HL_PARAMETERS_END};

const char *const hl_switch_others[] = {"networks", NULL};

const char *hl_config_plugin_dir(void)
{
	const char *dir = getenv("HOLDLINE_PLUGIN_DIR");

	return dir && *dir ? dir : HL_PLUGIN_DIR;
}

/* What is wrong with "PROTOCOL:ADDRESS:PORT", or NULL. */
static const char *listen_fault(struct hl_slice text)
{
	struct hl_slice rest = text, protocol = hl_slice_cut(&rest, ':'), tail;
	struct hl_address address;

	if (!hl_slice_equal(protocol, HL_SLICE_LITERAL("udp")) &&
	    !hl_slice_equal(protocol, HL_SLICE_LITERAL("tcp")) &&
	    !hl_slice_equal(protocol, HL_SLICE_LITERAL("tls")))
		return "must begin with udp:, tcp: or tls:, as in udp:0.0.0.0:5060";
	if (hl_address_parse_port(rest, &address))
		return "must have an IPv4 address, or an IPv6 one in brackets, and a port up to "
		       "65535 behind the protocol";
	tail = rest;
	if (rest.data[0] == '[')
		hl_slice_cut(&tail, ']');
	hl_slice_cut(&tail, ':');
	return tail.length ? NULL : "has no port: udp:0.0.0.0:5060, or port 0 for any that is free";
}

static void check_listen(const struct hl_switch_settings *settings, const struct hl_node *node,
			 struct hl_place place, struct hl_mistakes *mistakes)
{
	if (!settings->listen.count)
		hl_mistake(mistakes, place, "switch.listen", "there must be one listener at least");
	for (size_t i = 0; i < settings->listen.count; i++) {
		const char *text = settings->listen.items[i];
		const char *fault = listen_fault(hl_slice_of(text));
		struct hl_place here = node ? hl_reader_item_place(node, i) : place;

		if (!fault && !strncmp(text, "tls:", 4) && !*settings->tls_certificate)
			fault = "needs a certificate: switch.tls.certificate and switch.tls.key";
		if (fault)
			hl_mistake(mistakes, here, "switch.listen", "\"%s\" %s", text, fault);
		for (size_t j = 0; j < i && !fault; j++)
			if (!strcmp(text, settings->listen.items[j]) &&
			    strcmp(text + strlen(text) - 2, ":0"))
				hl_mistake(mistakes, here, "switch.listen", "\"%s\" is here twice",
					   text);
	}
}

/* Headers that each leg of a call has of its own. */
static const char *const own_headers[] = {"Via",
					  "From",
					  "To",
					  "Call-ID",
					  "CSeq",
					  "Contact",
					  "Route",
					  "Record-Route",
					  "Max-Forwards",
					  "Content-Length",
					  "Content-Type",
					  "Authorization",
					  "Proxy-Authorization",
					  "WWW-Authenticate",
					  "Proxy-Authenticate",
					  "Session-Expires",
					  "Min-SE",
					  "Supported",
					  "Require",
					  "Allow",
					  "RSeq",
					  "RAck",
					  "Replaces",
					  "Expires"};

/* What is wrong with a name in pass_headers, or NULL. */
static const char *header_fault(const char *name)
{
	static const char token[] = "-.!%*_+`'~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	if (!*name || name[strspn(name, token)])
		return "is not the name of a header";
	for (size_t i = 0; i < HL_COUNT(own_headers); i++)
		if (!strcasecmp(name, own_headers[i]))
			return "belongs to one leg of a call and cannot pass to the other";
	return NULL;
}

static void check_pass_headers(const struct hl_strings *names, const struct hl_node *node,
			       struct hl_place place, struct hl_mistakes *mistakes)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *fault = header_fault(names->items[i]);
		if (fault)
			hl_mistake(mistakes, node ? hl_reader_item_place(node, i) : place,
				   "switch.pass_headers", "\"%s\" %s", names->items[i], fault);
	}
}

static void check_nameservers(const struct hl_switch_settings *settings, const struct hl_node *node,
			      struct hl_mistakes *mistakes)
{
	for (size_t i = 0; i < settings->nameservers.count; i++) {
		struct hl_address address;

		if (hl_address_parse_port(hl_slice_of(settings->nameservers.items[i]), &address) ||
		    hl_address_wildcard(&address))
			hl_mistake(mistakes,
				   node ? hl_reader_item_place(node, i) : (struct hl_place){0},
				   "switch.nameservers",
				   "\"%s\" must be an IP address, with :PORT "
				   "if it is not 53, IPv6 in brackets then",
				   settings->nameservers.items[i]);
	}
}

static struct hl_place place_of(const struct hl_node *map, const char *key)
{
	const struct hl_node *node = hl_reader_member(map, key);

	return node ? node->place : map ? map->place : (struct hl_place){0};
}

static void check_tls(const struct hl_switch_settings *settings, const struct hl_node *map,
		      struct hl_mistakes *mistakes)
{
	if (*settings->tls_key && !*settings->tls_certificate)
		hl_mistake(mistakes, place_of(map, "tls.key"), "switch.tls.key",
			   "there is no switch.tls.certificate that it could belong to");
	if (settings->tls_verify && !*settings->tls_ca)
		hl_mistake(mistakes, place_of(map, "tls.verify"), "switch.tls.ca",
			   "must be given: the authorities that tls.verify: %s verifies against",
			   verify_words[settings->tls_verify]);
	if (!settings->tls_verify && *settings->tls_ca)
		hl_mistake_warning(mistakes, place_of(map, "tls.ca"), "switch.tls.ca",
				   "has no effect while switch.tls.verify is off");
}

/* What has a VOS3000 name and no meaning here: nobody shall believe that it does something. */
static void warn_idle(const struct hl_switch_settings *settings, const struct hl_node *map,
		      struct hl_mistakes *mistakes)
{
	if (strcmp(settings->resend_interval, HL_RESEND_INTERVAL))
		hl_mistake_warning(mistakes, place_of(map, "resend_interval"),
				   "switch.resend_interval",
				   "has no effect: repeats keep to RFC 3261, " HL_RESEND_INTERVAL);
	if (settings->publish_expire != PUBLISH_EXPIRE)
		hl_mistake_warning(mistakes, place_of(map, "publish_expire"),
				   "switch.publish_expire", "has no effect: PUBLISH is not served");
}

void hl_switch_rows_check(const void *section, const struct hl_node *map,
			  struct hl_mistakes *mistakes)
{
	const struct hl_switch_settings *settings = section;
	struct hl_address address;

	check_pass_headers(&settings->pass_headers, hl_reader_member(map, "pass_headers"),
			   place_of(map, "pass_headers"), mistakes);
	check_listen(settings, hl_reader_member(map, "listen"), place_of(map, "listen"), mistakes);
	check_nameservers(settings, hl_reader_member(map, "nameservers"), mistakes);
	if (*settings->advertise && hl_address_parse(hl_slice_of(settings->advertise), &address))
		hl_mistake(mistakes, place_of(map, "advertise"), "switch.advertise",
			   "\"%s\" is not an IP address", settings->advertise);
	for (const char *c = settings->realm; *c; c++)
		if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20) {
			hl_mistake(mistakes, place_of(map, "realm"), "switch.realm",
				   "must not hold quotes, backslashes or control characters");
			break;
		}
	check_tls(settings, map, mistakes);
	warn_idle(settings, map, mistakes);
}
