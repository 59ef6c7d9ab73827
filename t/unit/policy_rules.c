/* match(), `config`, the stock script that reads policy.rules, and the examples. */
#include "policy_script.h"

static struct hl_config *config;
static struct hl_keepalive_decision keepalive;
static struct hl_no_timer_decision no_timer;
static struct hl_media_decision media;
static char source[4096];

static const struct hl_node *configuration(const char *yaml)
{
	static char path[sizeof(script) + 8];
	struct hl_mistakes mistakes;
	struct hl_text text;
	FILE *file;

	hl_config_unref(config);
	snprintf(path, sizeof(path), "%s.yaml", script);
	file = fopen(path, "w");
	if (!file || fputs(yaml, file) < 0 || fclose(file))
		printf("Bail out! cannot write %s\n", path);
	hl_text_init(&text);
	hl_mistakes_init(&mistakes);
	config = hl_config_read((const char *const[]){path}, 1, NULL, NULL, &mistakes);
	hl_mistakes_print(&mistakes, &text);
	if (!config)
		diag("%s", hl_text_string(&text));
	hl_text_fini(&text);
	hl_mistakes_fini(&mistakes);
	unlink(path);
	return config ? config->root : NULL;
}

static bool loads_file(const char *name, const struct hl_node *root)
{
	char path[sizeof(source) + 64];
	struct hl_policy_settings with = settings;

	snprintf(path, sizeof(path), "%s/%s", source, name);
	with.script = path;
	hl_policy_free(policy);
	error.text[0] = '\0';
	policy = hl_policy_new(&with, &(struct hl_policy_world){.configuration = root}, &error);
	if (!policy)
		diag("%s", error.text);
	return policy;
}

/* Whether an expression over `endpoint` is true for the endpoint of these tests. */
static bool holds(const char *expression, const struct hl_node *root)
{
	char text[1024];
	struct hl_keepalive_decision decision;

	snprintf(text, sizeof(text),
		 "return {keepalive = function(endpoint)\nif %s then return false end\nend}",
		 expression);
	return loads_with(text, root) && hl_policy_keepalive(policy, &endpoint, &decision) == 1;
}

static void matching(void)
{
	static const char *const yes[] = {
		"{}",
		"{user_agent = 'Yealink*'}",
		"{user_agent = '*t46s*'}",
		"{network = 'cgnat'}",
		"{network = {'office', 'cgn*'}}",
		"{user = '1?0?'}",
		"{user = 1001}",
		"{aor = '*@example.org'}",
		"{nat = true}",
		"{transport = 'UDP'}",
		"{received = '192.0.2.0/24'}",
		"{received = {'10.0.0.0/8', '192.0.2.7'}}",
		"{user_agent = 'Yealink*', network = 'cgnat', nat = true}",
		"{match = {user = '1001'}, name = 'x', keepalive = {period = 15}}",
		"{name = 'for everybody', media = true}",
	};
	static const char *const no[] = {
		"{user_agent = 'Snom*'}",
		"{network = 'office'}",
		"{nat = false}",
		"{transport = 'tcp'}",
		"{received = '10.0.0.0/8'}",
		"{received = '2001:db8::/32'}",
		"{user_agent = 'Yealink*', network = 'office'}",
		"{user = {}}",
		"{match = {user = '1002'}}",
	};
	static const char *const wrong[] = {
		"{match = {useragent = 'x'}}", "{match = {nat = 'yes'}}",
		"{received = '10.0.0.0/99'}",  "{user = {}, network = true}",
		"{match = 'Yealink*'}",
	};
	char text[256];

	for (size_t i = 0; i < HL_COUNT(yes); i++) {
		snprintf(text, sizeof(text), "match(%s, endpoint)", yes[i]);
		ok(holds(text, NULL), "matches: %s", yes[i]);
	}
	for (size_t i = 0; i < HL_COUNT(no); i++) {
		snprintf(text, sizeof(text), "match(%s, endpoint) == false", no[i]);
		ok(holds(text, NULL), "does not: %s", no[i]);
	}
	for (size_t i = 0; i < HL_COUNT(wrong); i++) {
		snprintf(text, sizeof(text), "not pcall(match, %s, endpoint)", wrong[i]);
		ok(holds(text, NULL), "is an error: %s", wrong[i]);
	}
}

static void what_scripts_see(void)
{
	static const char *const true_of_endpoint[] = {
		"endpoint.aor == 'sip:1001@example.org'",
		"endpoint.user == '1001'",
		"endpoint.contact == '<sip:1001@10.0.0.7:5062>'",
		"endpoint.received == '192.0.2.7'",
		"endpoint.received_port == 4711",
		"endpoint.transport == 'udp'",
		"endpoint.nat == true",
		"endpoint.user_agent:find('Yealink')",
		"endpoint.expires == 300",
		"endpoint.network == 'cgnat'",
		"endpoint.alg == nil",
		"endpoint.settings == nil",
		"clock() > 1.6e9 and clock() % 1 ~= nil",
	};
	static const char *const true_of_call[] = {
		"call.id == 'c-1'",
		"call.from == 'sip:1001@example.org'",
		"call.to == 'sip:1002@example.org'",
		"call.request_uri == 'sip:1002@example.org'",
		"call.caller.user == '1001' and call.caller.gateway == nil",
		"call.caller.timer == true and call.callee.timer == false",
		"call.callee.gateway == 'carrier' and call.callee.received == nil",
		"call.callee.network == nil and call.callee.user_agent == 'Snom'",
		"call:header('X-Tenant') == 'blue'",
		"call:header('X-None') == nil",
		"call.started == 1700000000.5 and call.answered == nil",
		"leg.side == 'callee' and leg.user_agent == 'Snom'",
		"leg.allow == 'INVITE, BYE'",
	};
	char text[512];

	for (size_t i = 0; i < HL_COUNT(true_of_endpoint); i++)
		ok(holds(true_of_endpoint[i], NULL), "%s", true_of_endpoint[i]);
	for (size_t i = 0; i < HL_COUNT(true_of_call); i++) {
		snprintf(text, sizeof(text),
			 "return {no_timer = function(call, leg)\nif %s then return 1 end\nend}",
			 true_of_call[i]);
		ok(loads(text) && hl_policy_no_timer(policy, &call, &leg, &no_timer) == 1, "%s",
		   true_of_call[i]);
	}
	ok(loads("local kept\nreturn {media = function(call)\n"
		 "if kept then return kept:header('X-Tenant') end\nkept = call\nend}"),
	   "a script that keeps a call");
	hl_policy_media(policy, &call, &media);
	is_int(hl_policy_media(policy, &call, &media), 0, "learns nothing from it later");
	is_int(counted(offsetof(struct hl_policy_counters, errors)), 1, "but an error");
}

static void records(void)
{
	struct hl_cdr cdr = {.id = "c-1",
			     .started = 1700000000500000,
			     .answered = 1700000001000000,
			     .ended = 1700000003500000,
			     .pdd_ms = 80,
			     .caller = "1001",
			     .callee = "1002",
			     .gateway = "",
			     .ended_by = HL_ENDED_BY_SERVER,
			     .reason = "Session Timeout",
			     .detail = "refresh-failed",
			     .sip_code = 200,
			     .codec = "PCMA"};

	ok(loads("return {ended = function(cdr)\n"
		 "assert(cdr.id == 'c-1' and cdr.caller == '1001' and cdr.callee == '1002')\n"
		 "assert(cdr.started == '2023-11-14T22:13:20.500Z' and cdr.duration == 2.5)\n"
		 "assert(cdr.ended_by == 'server' and cdr.reason == 'Session Timeout')\n"
		 "assert(cdr.detail == 'refresh-failed' and cdr.gateway == nil)\n"
		 "assert(cdr.pdd_ms == 80 and cdr.sip_code == 200 and cdr.media_relayed == false)\n"
		 "assert(cdr.last_alive == nil)\n"
		 "assert(cdr.codec == 'PCMA' and cdr.caller_timer == nil and cdr.refreshes == 0)\n"
		 "end,\nanswered = function(call) assert(call.callee.user == '1002') end}"),
	   "a script that is told");
	hl_policy_ended(policy, &cdr);
	hl_policy_answered(policy, &call);
	is_int(counted(offsetof(struct hl_policy_counters, calls)), 2, "is told twice");
	is_int(counted(offsetof(struct hl_policy_counters, errors)), 0, "and finds what it was promised");
}

static void configurations(void)
{
	static const char *const true_of_config[] = {
		"config.switch.realm == 'r'",
		"config.switch.listen[1] == 'udp:127.0.0.1:0'",
		"#config.switch.listen == 2",
		"config.policy.rules[1].period == 15",
		"config.policy.rules[1].on == true and config.policy.rules[1].off == false",
		"config.policy.rules[1].phone == '007' and config.policy.rules[1].quoted == '15'",
		"config.policy.rules[1].half == 0.5 and config.policy.rules[1].nothing == nil",
		"config.policy.rules[1].network == '10.0.0.0/8'",
		"config.none == nil",
		"config.endpoints['1001'].nat == true",
		"config.endpoints['1001'].password == nil",
		"(function() for k in pairs(config.endpoints['1001']) do\n"
		"if k == 'password' then return false end end return true end)()",
		"(function() local n = 0 for k, v in pairs(config.switch) do n = n + 1 end\n"
		"return n == 2 end)()",
		"(function() local n = 0 for i, v in ipairs(config.switch.listen) do n = n + i end\n"
		"return n == 3 end)()",
		"not pcall(function() config.switch.realm = 'x' end)",
		"not pcall(function() config.x = 'x' end)",
		"not pcall(rawset, config, 'x', 1)",
		"not pcall(setmetatable, config, {})",
		"not pcall(function() config.policy.rules[2] = {} end)",
		"getmetatable(config) == 'read-only'",
	};
	const struct hl_node *root = configuration(
		"switch: {realm: r, listen: [udp:127.0.0.1:0, tcp:127.0.0.1:0]}\n"
		"endpoints: {\"1001\": {password: secret, nat: yes}}\n"
		"policy: {script: \"\", rules: [{period: 15, on: on, off: no, phone: 007,\n"
		"  quoted: \"15\", half: 0.5, nothing: , network: 10.0.0.0/8}]}\n");
	struct hl_text text;

	for (size_t i = 0; i < HL_COUNT(true_of_config); i++)
		ok(holds(true_of_config[i], root), "%.*s", (int)strcspn(true_of_config[i], "\n"),
		   true_of_config[i]);
	hl_text_init(&text);
	hl_text_put(&text, "endpoints:\n");
	for (int i = 0; i < 5000; i++)
		hl_text_printf(&text, "  u%d: {password: x, network: , force_rport: on}\n", i);
	root = configuration(hl_text_string(&text));
	ok(holds("config.endpoints.u4999.force_rport == true and config.endpoints.u5000 == nil",
		 root),
	   "one of many endpoints");
	ok(hl_policy_memory(policy) < 200000, "costs no memory for the others");
	hl_text_fini(&text);
}

static void stock_script(void)
{
	const struct hl_node *root = configuration(
		"policy:\n  script: \"\"\n  rules:\n"
		"    - {match: {user_agent: \"Snom*\"}, keepalive: off, media: off}\n"
		"    - name: yealink behind cgnat\n"
		"      match: {user_agent: \"Yealink*\", network: cgnat}\n"
		"      keepalive: {message: \"\\r\\n\\r\\n\", period: 15, method: udp}\n"
		"    - {name: late, match: {nat: yes}, keepalive: off, no_timer: 60}\n"
		"    - {no_timer: {max_duration: 3600, action: probe}}\n");

	ok(loads_file("scripts/policy.lua", root), "the stock script with rules");
	is_int(selftest(), 0, "passes its selftest");
	is_int(hl_policy_keepalive(policy, &endpoint, &keepalive), 1, "keepalive is decided");
	is_str(keepalive.rule, "yealink behind cgnat", "by the first rule that matches");
	is_mem(keepalive.message, "\r\n\r\n", 4, "with its message");
	is_int(keepalive.period, 15, "and period");
	is_int(hl_policy_no_timer(policy, &call, &leg, &no_timer), 1, "no_timer is decided");
	is_str(no_timer.rule, "rule 4", "by a rule without a name, for the leg's side");
	ok(no_timer.probe && no_timer.max_duration == 3600, "with its action");
	is_int(hl_policy_media(policy, &call, &media), 1, "media is decided");
	ok(!media.on, "by a rule for either side");
	is_str(media.rule, "rule 1", "the first");

	ok(loads_file("scripts/policy.lua", configuration("policy: {script: \"\"}")), "no rules");
	is_int(hl_policy_keepalive(policy, &endpoint, &keepalive), 0, "decide nothing");
	is_int(counted(offsetof(struct hl_policy_counters, calls)), 0, "and the script is not even asked");
}

static void wrong_rules(void)
{
	static const struct {
		const char *rule, *says;
	} rules[] = {
		{"{keepalive: {perod: 15}}", "policy.rules[1].keepalive: unknown key perod"},
		{"{keepalive: {period: 9}}", "policy.rules[1].keepalive.period: 9 is not"},
		{"{keepalive: soon}", "policy.rules[1].keepalive: must be off, on or a map"},
		{"{keepalive: {method: tcp}}",
		 "policy.rules[1].keepalive.method: tcp is not one of"},
		{"{no_timer: {action: kill}}",
		 "policy.rules[1].no_timer.action: kill is not one of"},
		{"{no_timer: -1}", "policy.rules[1].no_timer: -1 is not"},
		{"{media: perhaps}", "policy.rules[1].media: must be on, off or auto"},
		{"{mach: {user: x}}", "policy.rules[1]: unknown key mach"},
		{"{match: {usr: x}}", "match: unknown condition usr; did you mean user?"},
		{"{match: {received: x}}", "match: received must be a network"},
		{"{name: [x]}", "policy.rules[1].name: must be text"},
	};
	char yaml[256];

	for (size_t i = 0; i < HL_COUNT(rules); i++) {
		snprintf(yaml, sizeof(yaml), "policy: {script: \"\", rules: [%s]}", rules[i].rule);
		if (!ok(loads_file("scripts/policy.lua", configuration(yaml)), "a rule %s",
			rules[i].rule))
			continue;
		ok(selftest() < 0, "is refused by the selftest");
		ok(strstr(error.text, rules[i].says), "saying %s", rules[i].says);
		if (!strstr(error.text, rules[i].says))
			diag("%s", error.text);
	}
	ok(loads_file("scripts/policy.lua", configuration("policy: {script: \"\", rules: {a: 1}}")),
	   "rules that are a map");
	ok(selftest() < 0, "are refused");
}

static void examples(void)
{
	struct hl_endpoint_view mobile = endpoint;
	struct hl_call_view hotline = call;
	struct hl_register_decision registration;
	struct hl_credentials_decision credentials;
	struct hl_route_decision route;

	mobile.received.bytes[0] = 100;
	mobile.received.bytes[1] = 64;
	ok(loads_file("scripts/examples/cgnat.lua", NULL), "cgnat.lua");
	is_int(hl_policy_keepalive(policy, &mobile, &keepalive), 1, "decides for CGNAT");
	is_str(keepalive.rule, "cgnat", "by its rule");
	is_int(hl_policy_keepalive(policy, &endpoint, &keepalive), 0, "and for nobody else");
	is_int(hl_policy_register(policy, &mobile, &registration), 1, "registrations too");
	is_int(registration.expires, 120, "are short there");

	hotline.callee.user = "100";
	ok(loads_file("scripts/examples/office-hours.lua", NULL), "office-hours.lua");
	is_int(hl_policy_route(policy, &hotline, &route), 1, "routes the hotline");
	ok(!strncmp(route.rule, "hotline, ", 9), "by the hour: %s", route.rule);
	hotline.callee.user = "0090012345";
	hotline.caller.user = "2001";
	is_int(hl_policy_route(policy, &hotline, &route), 1, "premium numbers");
	is_int(route.reject, 403, "are refused");
	is_int(hl_policy_route(policy, &call, &route), 0, "others are routed as configured");

	ok(loads_file("scripts/examples/hotdesk.lua", NULL), "hotdesk.lua");
	is_int(hl_policy_credentials(policy, "2042", "r", &credentials), 1, "knows a desk");
	is_str(credentials.password, "change me-2402", "and its password");
	is_int(hl_policy_credentials(policy, "3042", "r", &credentials), 0, "and no other");
}

int main(void)
{
	const char *folder = getenv("HOLDLINE_SRCDIR");

	if (!realpath(folder ? folder : ".", source) || !begin())
		return 1;
	unsetenv("HOLDLINE_SCRIPT_DIR");
	matching();
	what_scripts_see();
	records();
	configurations();
	stock_script();
	wrong_rules();
	examples();
	hl_config_unref(config);
	return end();
}
