/* The configuration: files to settings. */
#include "config_file.h"

static const struct beat *beats(void)
{
	return config && config->plugin_count ? config->plugins[0].settings : NULL;
}

static const struct hl_account *account(const char *user)
{
	return config ? hl_config_account(config, hl_slice_of(user)) : NULL;
}

static void defaults(void)
{
	ok(reads(""), "an empty file is a configuration");
	is_str(told, "", "without mistakes");
	is_str(config->settings.realm, "holdline", "the realm has its default");
	is_int(config->settings.listen.count, 2, "two listeners");
	is_str(config->settings.listen.items[1], "tcp:0.0.0.0:5060", "one of them for TCP");
	is_int(config->settings.log_level, HL_LOG_INFO, "the log level");
	is_int(config->policy.max_time_ms, 50, "the policy's limit");
	is_int(config->settings.timeout_ringing, 120, "the ringing timer");
	is_str(config->file, "a.yaml", "and the file's name");
	is_str(config->policy.script, "", "no script where none is installed");
	is_int(config->plugin_count, 0, "no plugins");
}

static void settings(void)
{
	ok(reads("switch:\n"
		 "  realm: example.org\n"
		 "  listen: [udp:127.0.0.1:0, \"tcp:[::1]:0\"]\n"
		 "  log: {level: warn, format: json}\n"
		 "  on_stop: keep\n"
		 "  domains: [a.example, b.example]\n"
		 "  advertise: 203.0.113.10\n"
		 "plugins: {bare: , beat: {message: \"\\r\\n\\0\", period: 15}}\n"),
	   "a configuration with settings");
	is_str(told, "", "without mistakes");
	is_str(config->settings.realm, "example.org", "the realm");
	is_str(config->settings.listen.items[1], "tcp:[::1]:0", "a listener");
	is_int(config->settings.log_level, HL_LOG_WARN, "a nested choice");
	is_int(config->settings.log_format, HL_LOG_JSON, "another");
	is_int(config->settings.on_stop, HL_ON_STOP_KEEP, "on_stop");
	is_str(config->settings.domains.items[1], "b.example", "a domain");
	is_int(config->plugin_count, 2, "two plugins, in order of the file");
	is_str(config->plugins[1].section->name, "beat", "the second");
	is_int(((struct beat *)config->plugins[1].settings)->period, 15, "its number");
	is_mem(((struct beat *)config->plugins[1].settings)->message.data, "\r\n\0", 3,
	       "its bytes, escapes resolved");
	ok(reads("plugins: {beat: {message: !!binary /w8A}}"), "binary bytes");
	is_mem(beats()->message.data, "\xff\x0f\0", 3, "are decoded");
	ok(reads("plugins: {beat: {message: \"\"}}"), "an empty message");
	is_int(beats()->message.length, 0, "is empty");
	ok(reads("plugins: {beat: {message: \\r\\n}}"), "a message with bare backslashes");
	is_str(told,
	       "a.yaml:1:27: warning: plugins.beat.message: holds a backslash as such; escapes "
	       "like \\r\\n need double quotes\n",
	       "is warned about");
	ok(reads("plugins: {beat: {period: 77}}"), "a section's own check");
	is_str(told, "a.yaml:1:17: warning: plugins.beat.period: 77 is odd\n", "may warn");
}

static void files_merge(void)
{
	static const char low[] = "switch: {realm: low, advertise: 192.0.2.1}\n"
				  "endpoints: {a: {password: one, nat: yes}, b: {password: two}}\n"
				  "plugins: {beat: {period: 20}}\n";
	static const char high[] = "include: [inc/base.yaml]\n"
				   "switch: {realm: high}\n"
				   "endpoints: {a: {password: three}, c: {}}\n";
	static const char base[] = "include: other.yaml\nswitch: {realm: base, on_stop: keep}\n";
	static const char other[] = "switch: {on_stop: hangup, domains: x}\n";

	mkdir("inc", 0700);
	write_file("low.yaml", low, sizeof(low) - 1);
	write_file("high.yaml", high, sizeof(high) - 1);
	write_file("inc/base.yaml", base, sizeof(base) - 1);
	write_file("inc/other.yaml", other, sizeof(other) - 1);
	ok(read_files((const char *[]){"low.yaml", "high.yaml"}, 2), "two files, two includes");
	is_str(told, "", "without mistakes");
	is_str(config->settings.realm, "high", "the later file wins, over its include too");
	is_str(config->settings.advertise, "192.0.2.1", "the earlier keeps what the later lacks");
	is_int(config->settings.on_stop, HL_ON_STOP_KEEP, "a file wins over what it includes");
	is_str(config->settings.domains.items[0], "x", "an include's include, beside that file");
	is_str(account("a")->password, "three", "maps are merged key by key");
	is_int(account("a")->party.nat, HL_ON, "deep down");
	ok(account("b") && account("c"), "and keep what is in one of them only");
	is_int(beats()->period, 20, "plugins too");
	is_str(config->file, "low.yaml", "the first file names the configuration");

	mkdir("scenarios", 0700);
	write_file("scenarios/quiet.yaml", other, sizeof(other) - 1);
	setenv("HOLDLINE_SCENARIO_DIR", "scenarios", 1);
	mkdir("deep", 0700);
	write_file("deep/a.yaml", "include: [scenarios/quiet.yaml]", 31);
	ok(read_files((const char *[]){"deep/a.yaml"}, 1), "an installed scenario is found");
	is_str(config->settings.domains.items[0], "x", "and read");
	unsetenv("HOLDLINE_SCENARIO_DIR");

	write_file("inc/other.yaml", "include: ../high.yaml", 21);
	ok(!read_files((const char *[]){"high.yaml"}, 1), "a circle of includes is refused");
	is_str(told, "inc/other.yaml:1:10: include: inc/../high.yaml includes itself\n",
	       "where it closes");
}

static void aliases(void)
{
	struct hl_text bomb;

	ok(reads("endpoints:\n  a: &phone {password: x, nat: yes}\n  b: *phone\n"),
	   "an alias shares what it names");
	is_str(account("b")->password, "x", "all of it");
	is_int(account("b")->party.nat, HL_ON, "down to the last key");
	hl_text_init(&bomb);
	hl_text_put(&bomb, "policy:\n  rules:\n    - &n0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 0; i < 9; i++)
		hl_text_printf(&bomb,
			       "    - &n%d [*n%d, *n%d, *n%d, *n%d, *n%d, *n%d, *n%d, *n%d]\n",
			       i + 1, i, i, i, i, i, i, i, i);
	ok(!reads(hl_text_string(&bomb)), "a bomb of aliases is refused");
	is_str(told,
	       "a.yaml:10:32: policy.rules[8][4]: too large: aliases or includes make too many "
	       "values of it\n",
	       "at the line where it grows too large");
	hl_text_fini(&bomb);
	hl_text_init(&bomb);
	for (int i = 0; i < 100000; i++)
		hl_text_put(&bomb, "[");
	ok(!reads(hl_text_string(&bomb)), "endless nesting is refused");
	ok(strstr(told, "more than 32 maps and lists inside each other"), "and told");
	hl_text_fini(&bomb);
}

static const char *network_of(const char *text)
{
	struct hl_address address;

	hl_address_parse(hl_slice_of(text), &address);
	return hl_config_network(config, &address);
}

static void networks(void)
{
	ok(reads("switch: {networks: {all: [10.0.0.0/8, \"2001:db8::/32\"], lab: 10.1.0.0/16,\n"
		 "  desk: 10.1.2.3}}\nendpoints: {a: {network: lab}}\n"),
	   "networks");
	is_str(network_of("10.9.0.1"), "all", "an address in one");
	is_str(network_of("10.1.9.9"), "lab", "in two: the longest match");
	is_str(network_of("10.1.2.3"), "desk", "a lone address is the longest");
	is_str(network_of("2001:db8::7"), "all", "IPv6");
	is_str(network_of("192.0.2.1"), "", "in none");
	is_str(account("a")->party.network, "lab", "an account's own");
}

static const struct hl_gateway *gateway_from(const char *text)
{
	struct hl_address address;
	struct hl_list *node, *next;

	hl_address_parse_port(hl_slice_of(text), &address);
	hl_list_each(node, next, &config->gateways) {
		const struct hl_gateway *gateway = hl_list_entry(node, struct hl_gateway, node);

		if (hl_gateway_sends_from(gateway, &address))
			return gateway;
	}
	return NULL;
}

static void named_gateways(void)
{
	const struct hl_gateway *gateway;

	ok(reads("switch: {gateway: {privacy: id, options_period: 30}}\n"
		 "vos3000: {SS_SIP_USER_AGENT_EXPIRE: 300}\n"
		 "gateways:\n  a: {address: \"sip:carrier.example\", register: {user: u, "
		 "password: p}}\n"
		 "  b: {address: \"sip:gw-1.carrier.example:5070;transport=tcp\", privacy: none, "
		 "register: {user: u, expire: 60}, options_period: 0}\n"),
	   "two gateways with names");
	is_str(told, "", "without mistakes");
	gateway = hl_config_gateway(config, hl_slice_of("a"));
	is_str(gateway->host, "carrier.example", "the name is kept");
	is_int(gateway->address.family, 0, "it is no address");
	is_int(gateway->port, 0, "no port was written");
	is_int(gateway->registration.expire, 300, "the default under its VOS3000 name");
	is_int(gateway->privacy, HL_PRIVACY_ID, "the defaults of switch.gateway");
	is_int(gateway->options_period, 30, "all of them");
	gateway = hl_config_gateway(config, hl_slice_of("b"));
	is_int(gateway->port, 5070, "the port as written");
	is_int(gateway->registration.expire, 60, "its own goes before the default");
	is_int(gateway->privacy, HL_PRIVACY_NONE, "in everything");
	is_int(gateway->options_period, 0, "off, too");
}

static void gateways(void)
{
	const struct hl_gateway *gateway;

	ok(reads("gateways:\n  a: {address: \"sip:192.0.2.1\", prefix: \"00\"}\n"
		 "  b: {address: \"sip:[2001:db8::1]:5080;transport=tcp\", match: "
		 "198.51.100.0/24}\n"
		 "  c: {address: \"sip:192.0.2.3:5070\", media_proxy: must_on, session_timer: "
		 "off}\n"),
	   "three gateways");
	is_str(told, "", "without mistakes");
	gateway = hl_config_gateway(config, hl_slice_of("a"));
	is_int(gateway->address.port, 5060, "the port is 5060 unless given");
	is_int(gateway->transport, 0, "over UDP");
	is_str(gateway->prefix, "00", "with its prefix");
	is_int(gateway->weight, 1, "and the default weight");
	is_int(gateway->failover_on.count, 3, "three reasons to try the next");
	is_str(gateway->failover_on.items[1], "5xx", "unless told otherwise");
	gateway = hl_config_gateway(config, hl_slice_of("b"));
	is_int(gateway->transport, 1, "over TCP where the URI says so");
	is_int(gateway->address.port, 5080, "at that port");
	gateway = hl_config_gateway(config, hl_slice_of("c"));
	is_int(gateway->party.media_proxy, HL_MEDIA_MUST_ON, "settings as endpoints have");
	is_int(gateway->party.session_timer, false, "all of them");
	ok(!hl_config_gateway(config, hl_slice_of("d")), "no other");
	is_str(gateway_from("192.0.2.1:5060")->name, "a", "known by its address");
	ok(!gateway_from("192.0.2.1:9999"), "but not from another port of a UDP gateway");
	is_str(gateway_from("[2001:db8::1]:40000")->name, "b", "from any port over TCP");
	is_str(gateway_from("198.51.100.77:1")->name, "b", "from any address of `match`");
	ok(!gateway_from("192.0.2.4:5060"), "and nobody else");
	ok(!reads("gateways: {x: {address: \"sip:192.0.2.1\", register: {user: u, expire: "
		  "19}}}"),
	   "an expiry too short");
	ok(!reads("gateways: {x: {address: \"sip:192.0.2.1\", register: {password: p}}}"),
	   "a registration of nobody");
	ok(!reads("gateways: {x: {address: \"sip:192.0.2.1\", register: {user: \"a@b\"}}}"),
	   "a user that is none");
}

static void accounts(void)
{
	ok(reads("endpoints:\n  1001: {password: 0123, keepalive: off, nat: no,\n"
		 "    media_proxy: off, session_timer: off, force_rport: on}\n  \"+49\":\n"),
	   "accounts");
	is_str(told, "", "nothing to be said of them");
	is_str(account("1001")->password, "0123", "a password of digits keeps its zero");
	is_int(account("1001")->keepalive, HL_OFF, "keepalive");
	is_int(account("1001")->party.nat, HL_OFF, "nat: no");
	is_int(account("1001")->party.media_proxy, HL_MEDIA_OFF, "media_proxy");
	is_int(account("1001")->party.session_timer, false, "session_timer");
	is_int(account("1001")->force_rport, true, "force_rport");
	is_str(hl_node_text(account("1001")->node, "nat", "?"), "no", "its entry in the file");
	is_str(account("+49")->password, "", "an account without settings");
	is_int(account("+49")->party.session_timer, true, "has the defaults");
	ok(!account("1002"), "nobody else");
}

static void vos3000(void)
{
	ok(reads("vos3000: {SS_BEAT_PERIOD: 45, ssbeatmessage: PING, SS_SIP_TIMEOUT_RINGING: 60}\n"
		 "plugins: {beat: {}}\n"),
	   "parameters under their VOS3000 names");
	is_str(told, "", "without mistakes");
	is_int(beats()->period, 45, "a plugin's");
	is_mem(beats()->message.data, "PING", 4, "in any spelling");
	is_int(config->settings.timeout_ringing, 60, "and the core's");
}

static void policy(void)
{
	char path[256];

	write_file("inc/p.lua", "return {}", 9);
	write_file("inc/p.yaml", "policy: {script: p.lua, rules: [{name: any, thing: 1}]}", 55);
	ok(read_files((const char *[]){"inc/p.yaml"}, 1), "a script beside its file");
	snprintf(path, sizeof(path), "%s/inc/p.lua", folder);
	is_str(config ? config->policy.script : NULL, path, "is found, by its absolute path");
	mkdir("scripts", 0700);
	write_file("scripts/policy.lua", "return {}", 9);
	setenv("HOLDLINE_SCRIPT_DIR", "scripts", 1);
	ok(reads(""), "no script named");
	snprintf(path, sizeof(path), "%s/scripts/policy.lua", folder);
	is_str(config->policy.script, path, "the installed one is taken");
	ok(reads("policy: {script: \"\"}"), "an empty name");
	is_str(config->policy.script, "", "is no script");
	setenv("HOLDLINE_SCRIPT_DIR", "/nowhere/scripts", 1);
	ok(!reads("policy: {rules: []}"), "rules without a script are refused");
}

static void references(void)
{
	struct hl_config *kept;

	ok(reads("switch: {realm: kept}"), "a configuration");
	kept = hl_config_ref(config);
	ok(reads(""), "outlives the next");
	is_str(kept->settings.realm, "kept", "while somebody holds it");
	hl_config_unref(kept);
}

/* Every allocation of a reading fails once: no crash, no leak (the sanitizers look), and it says
 * so. */
static void memory(void)
{
	static const char yaml[] =
		"switch: {networks: {a: 10.0.0.0/8}, listen: [udp:127.0.0.1:0]}\n"
		"plugins: {beat: {message: x}}\nvos3000: {SS_BEAT_PERIOD: 45}\n"
		"endpoints: {a: {password: x}}\n"
		"gateways: {x: {address: \"sip:1.2.3.4\", match: 1.2.3.5}}\n";
	const char *const file[] = {"a.yaml"};
	unsigned long failures = 0;
	bool good = true;

	write_file("a.yaml", yaml, sizeof(yaml) - 1);
	for (unsigned long n = 1; n < 1000; n++) {
		struct hl_mistakes found;
		struct hl_config *tried;

		hl_mistakes_init(&found);
		hl_memory_fail_at(n);
		tried = hl_config_read(file, 1, find, NULL, &found);
		hl_memory_fail_at(0);
		failures += !tried;
		good &= tried || found.errors;
		hl_config_unref(tried);
		hl_mistakes_fini(&found);
	}
	ok(good, "a configuration that is not read has told why");
	ok(failures > 20, "want of memory refuses it (%lu times)", failures);
}

static void params(void)
{
	const struct hl_section *sections[] = {&beat, &timer, &bare};
	struct hl_text text;
	const char *line;
	size_t widest = 0, length;

	hl_text_init(&text);
	hl_config_print_params(sections, 2, true, &text);
	is_str(hl_text_string(&text),
	       "[{\"key\":\"beat.message\",\"vos3000\":\"SS_BEAT_MESSAGE\",\"type\":\"bytes\","
	       "\"default\":\"HELLO\",\"min\":0,\"max\":1200,\"values\":null,\"unit\":null,"
	       "\"reloadable\":false,\"help\":null},"
	       "{\"key\":\"beat.period\",\"vos3000\":\"SS_BEAT_PERIOD\",\"type\":\"integer\","
	       "\"default\":30,\"min\":10,\"max\":86400,\"values\":null,\"unit\":\"s\","
	       "\"reloadable\":false,\"help\":null},"
	       "{\"key\":\"timer.ttl\",\"vos3000\":\"SS_TIMER_TTL\",\"type\":\"integer\","
	       "\"default\":600,\"min\":60,\"max\":86400,\"values\":null,\"unit\":null,"
	       "\"reloadable\":false,\"help\":null}]\n",
	       "the parameters as JSON");
	hl_text_clear(&text);
	for (int i = 0; hl_config_core_sections[i].name; i++)
		hl_config_print_params(&(const struct hl_section *){&hl_config_core_sections[i]}, 1,
				       false, &text);
	/* A row whose default is a path is as wide as the installation's prefix is long. */
	for (line = hl_text_string(&text); *line; line += length + 1) {
		length = strcspn(line, "\n");
		if (length > widest && !memmem(line, length, " \"/", 3))
			widest = length;
	}
	ok(widest > 60 && widest <= 100, "the table fits 100 columns (%zu)", widest);
	ok(strstr(hl_text_string(&text), "switch.timeout_ringing"), "and names the parameters");
	hl_text_fini(&text);
}

static void large(void)
{
	struct hl_text text;

	hl_text_init(&text);
	hl_text_put(&text, "endpoints:\n");
	for (int i = 0; i < 20000; i++)
		hl_text_printf(&text, "  \"%d\": {password: secret%d, nat: auto}\n", 100000 + i, i);
	ok(reads(hl_text_string(&text)), "twenty thousand endpoints");
	is_int(config ? (int)config->accounts.count : 0, 20000, "are all there");
	is_str(account("119999")->password, "secret19999", "to the last");
	hl_text_put(&text, "  \"100007\": {}\n");
	ok(!reads(hl_text_string(&text)), "one of them twice");
	is_str(told,
	       "a.yaml:20002:3: endpoints.100007: is here twice; the first is at a.yaml:9:3\n",
	       "is found");
	hl_text_fini(&text);
}

int main(void)
{
	if (!begin())
		return 1;
	defaults();
	settings();
	files_merge();
	aliases();
	networks();
	gateways();
	named_gateways();
	accounts();
	vos3000();
	policy();
	references();
	memory();
	params();
	large();
	return end();
}
