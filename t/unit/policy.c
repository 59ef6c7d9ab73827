/* The policy: every function's right answers and wrong ones, errors with their line, limits that
 * hold whatever the script does. */
#include "policy_script.h"

static struct hl_keepalive_decision keepalive;
static struct hl_no_timer_decision no_timer;
static struct hl_media_decision media;
static struct hl_register_decision registration;
static struct hl_credentials_decision credentials;
static struct hl_route_decision route;

static int ask_keepalive(void)
{
	return hl_policy_keepalive(policy, &endpoint, &keepalive);
}

/* Each time another one: 1002, 1003, … */
static int ask_keepalive_of_another(void)
{
	static int number = 1001;
	struct hl_endpoint_view another = endpoint;

	snprintf(another.aor, sizeof(another.aor), "sip:%d@example.org", ++number);
	return hl_policy_keepalive(policy, &another, &keepalive);
}

static int ask_no_timer(void)
{
	return hl_policy_no_timer(policy, &call, &leg, &no_timer);
}

static int ask_media(void)
{
	return hl_policy_media(policy, &call, &media);
}

static int ask_register(void)
{
	return hl_policy_register(policy, &endpoint, &registration);
}

static int ask_credentials(void)
{
	return hl_policy_credentials(policy, "1001", "example.org", &credentials);
}

static int ask_route(void)
{
	return hl_policy_route(policy, &call, &route);
}

/* Makes `policy.FUNCTION` answer with an expression. */
static bool answers(const char *function, const char *expression)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "local policy = {}\nfunction policy.%s(a, b)\n\treturn %s\nend\nreturn policy\n",
		 function, expression);
	return loads(text);
}

static void nothing(void)
{
	hl_policy_free(policy);
	policy = NULL;
	is_int(ask_keepalive(), 0, "without a script the default holds");
	ok(loads("return {}"), "a script without functions");
	is_int(ask_keepalive() + ask_no_timer() + ask_media() + ask_register() + ask_credentials() +
		       ask_route(),
	       0, "decides nothing");
	is_int(counted(offsetof(struct hl_policy_counters, calls)), 0, "and is not asked");
	is_int(selftest(), 0, "its selftest passes");
}

static void right_answers(void)
{
	ok(answers("keepalive", "nil"), "nil");
	is_int(ask_keepalive(), 0, "means as configured");
	answers("keepalive", "false, 'quiet'");
	is_int(ask_keepalive(), 1, "keepalive: false decides");
	ok(keepalive.off, "for none");
	is_str(keepalive.rule, "quiet", "by the rule named");
	answers("keepalive", "{message = 'a\\0b', period = 15, method = 'options'}");
	is_int(ask_keepalive(), 1, "keepalive: a table decides");
	ok(!keepalive.off && keepalive.message_set, "with a message");
	is_int(keepalive.message_length, 3, "of any bytes");
	is_mem(keepalive.message, "a\0b", 3, "as they are");
	is_int(keepalive.period, 15, "a period");
	is_str(keepalive.method, "options", "a method");
	is_str(keepalive.rule, "policy", "and the rule is the policy when it has no name");
	answers("keepalive", "{}");
	is_int(ask_keepalive(), 1, "an empty table decides");
	ok(!keepalive.message_set && !keepalive.period && !keepalive.method, "for the defaults");

	answers("no_timer", "3600, 'r'");
	is_int(ask_no_timer(), 1, "no_timer: seconds");
	is_int(no_timer.max_duration, 3600, "are the limit");
	ok(!no_timer.probe, "that hangs up");
	answers("no_timer", "0");
	is_int(ask_no_timer(), 1, "no_timer: 0");
	is_int(no_timer.max_duration, 0, "is no limit");
	answers("no_timer", "{action = 'probe'}");
	is_int(ask_no_timer(), 1, "no_timer: a table");
	ok(no_timer.probe, "may ask for a probe");
	is_int(no_timer.max_duration, -1, "and leave the limit as configured");

	answers("media", "'on'");
	is_int(ask_media(), 1, "media: on");
	ok(media.on, "relays");
	answers("media", "'off'");
	is_int(ask_media(), 1, "media: off");
	ok(!media.on, "does not");

	answers("register", "{expires = 120}");
	is_int(ask_register(), 1, "register: expires");
	is_int(registration.expires, 120, "is taken");
	is_str(registration.headers, "", "without headers");
	answers("register", "{headers = {['X-Turn-User'] = '12:x'}}");
	is_int(ask_register(), 1, "register: a header");
	is_str(registration.headers, "X-Turn-User: 12:x\n", "is taken");
	answers("register", "{reject = 403, reason = 'Go Away'}");
	is_int(ask_register(), 1, "register: reject");
	is_int(registration.reject, 403, "has a code");
	is_str(registration.reason, "Go Away", "and a reason");

	answers("credentials", "{password = a .. '@' .. b}");
	is_int(ask_credentials(), 1, "credentials: a password");
	is_str(credentials.password, "1001@example.org", "made of user and realm");
	answers("credentials", "{ha1 = ('ab'):rep(32), algorithm = 'SHA-256'}");
	is_int(ask_credentials(), 1, "credentials: a hash");
	is_int(strlen(credentials.ha1), 64, "of 64 digits");
	is_str(credentials.algorithm, "SHA-256", "for SHA-256");
	is_str(credentials.password, "", "and no password");
}

static void routes(void)
{
	answers("route", "{'user:1002', {'gateway:a', 'gateway:b'}, 'sip:x@y'}, 'plan'");
	is_int(ask_route(), 1, "route: a list");
	is_int(route.count, 4, "of four targets");
	is_str(route.targets[0].text, "user:1002", "the first");
	is_int(route.targets[0].group, 0, "by itself");
	is_int(route.targets[1].group, 1, "the second");
	is_int(route.targets[2].group, 1, "rings with the third");
	is_str(route.targets[2].text, "gateway:b", "which is a gateway");
	is_int(route.targets[3].group, 2, "the fourth comes after");
	is_str(route.rule, "plan", "by the rule named");
	answers("route", "{}");
	is_int(ask_route(), 1, "route: an empty list");
	ok(!route.count && !route.reject, "is nobody");
	answers("route", "{reject = 486, reason = 'Busy'}");
	is_int(ask_route(), 1, "route: reject");
	is_int(route.reject, 486, "with a code");
	is_int(route.count, 0, "and no targets");
}

/* Every wrong answer is an error that says what is wrong, and the default holds. */
static const struct {
	const char *function, *expression;
	int (*ask)(void);
	const char *says;
} wrong[] = {
	{"keepalive", "true", ask_keepalive, "wrong answer: a boolean; allowed: false, or"},
	{"keepalive", "15", ask_keepalive, "wrong answer: a number; allowed: false, or"},
	{"keepalive", "'HELLO'", ask_keepalive, "wrong answer: a string; allowed: false, or"},
	{"keepalive", "{perod = 15}", ask_keepalive, "unknown key perod; did you mean period?"},
	{"keepalive", "{15}", ask_keepalive, "unknown key 1"},
	{"keepalive", "{period = 9}", ask_keepalive, "period is 9; allowed: 10 to 86400"},
	{"keepalive", "{period = 86401}", ask_keepalive, "period is 86401; allowed: 10 to 86400"},
	{"keepalive", "{period = 15.5}", ask_keepalive, "period is not a whole number"},
	{"keepalive", "{period = '15'}", ask_keepalive, "period is not a whole number"},
	{"keepalive", "{message = 5}", ask_keepalive, "message is a number, not text"},
	{"keepalive", "{message = ('x'):rep(1201)}", ask_keepalive, "longer than 1200 bytes"},
	{"keepalive", "{method = 'tcp'}", ask_keepalive,
	 "method is tcp; allowed: udp, options, crlf"},
	{"keepalive", "{}, 5", ask_keepalive, "the rule's name is a number, not text"},
	{"no_timer", "-1", ask_no_timer, "the limit is -1; allowed: 0 to 86400"},
	{"no_timer", "86401", ask_no_timer, "the limit is 86401; allowed: 0 to 86400"},
	{"no_timer", "'600'", ask_no_timer, "wrong answer: a string; allowed: seconds, or"},
	{"no_timer", "false", ask_no_timer, "wrong answer: a boolean"},
	{"no_timer", "{action = 'kill'}", ask_no_timer, "action is kill; allowed: hangup, probe"},
	{"no_timer", "{max_duration = {}}", ask_no_timer, "max_duration is not a whole number"},
	{"media", "true", ask_media, "media is true; allowed:"},
	{"media", "'maybe'", ask_media, "media is maybe; allowed:"},
	{"register", "false", ask_register, "wrong answer: a boolean; allowed: {expires=, headers=}, or"},
	{"register", "{expires = 0}", ask_register, "expires is 0; allowed: 1 to 86400"},
	{"register", "{reject = 200}", ask_register, "reject is 200; allowed: 300 to 699"},
	{"register", "{reject = 700}", ask_register, "reject is 700; allowed: 300 to 699"},
	{"register", "{reject = 403, reason = 'a\\r\\nb'}", ask_register, "has control characters"},
	{"register", "{expire = 60}", ask_register, "unknown key expire; did you mean expires?"},
	{"register", "{headers = 'x'}", ask_register, "allowed: headers = {"},
	{"register", "{headers = {Contact = 'x'}}", ask_register, "header Contact; allowed: X-NAME"},
	{"register", "{headers = {['X-A\\r\\nB'] = 'x'}}", ask_register, "allowed: X-NAME"},
	{"register", "{headers = {['X-'] = 'x'}}", ask_register, "allowed: X-NAME"},
	{"register", "{headers = {'x'}}", ask_register, "header 1; allowed: X-NAME"},
	{"register", "{headers = {['X-A'] = 'a\\r\\nb'}}", ask_register, "control characters"},
	{"register", "{headers = {['X-A'] = 5}}", ask_register, "X-A is a number, not text"},
	{"register", "{headers = {['X-A'] = ('x'):rep(256)}}", ask_register, "longer than 255"},
	{"register",
	 "(function() local h = {} for i = 1, 9 do h['X-' .. i] = ('x'):rep(200) end\n"
	 "return {headers = h} end)()",
	 ask_register, "headers are longer than 1023 bytes"},
	{"credentials", "'secret'", ask_credentials,
	 "wrong answer: a string; allowed: {password=}"},
	{"credentials", "{}", ask_credentials, "neither password nor ha1"},
	{"credentials", "{password = ''}", ask_credentials, "password is empty"},
	{"credentials", "{ha1 = 'abc'}", ask_credentials, "ha1 is not the 32 digits of MD5"},
	{"credentials", "{ha1 = ('x'):rep(32)}", ask_credentials,
	 "ha1 is not the 32 digits of MD5"},
	{"credentials", "{ha1 = '', algorithm = 'SHA1'}", ask_credentials, "algorithm is SHA1"},
	{"route", "'user:1002'", ask_route, "wrong answer: a string; allowed: a list of targets"},
	{"route", "{'1002'}", ask_route, "target 1002; allowed: user:NAME, gateway:NAME, sip:URI"},
	{"route", "{'user:'}", ask_route, "target user:; allowed:"},
	{"route", "{5}", ask_route, "a target is a number, not text"},
	{"route", "{{{'user:1'}}}", ask_route, "a target is a table, not text"},
	{"route", "{target = 'user:1'}", ask_route, "neither a list of targets nor"},
	{"route", "{reject = 99}", ask_route, "reject is 99; allowed: 300 to 699"},
	{"route", "{reject = 404, 'user:1'}", ask_route, "unknown key 1"},
	{"route", "{('user:x '):rep(40)}", ask_route, "a target is longer than 255 bytes"},
	{"route", "(function() local t = {} for i = 1, 33 do t[i] = 'user:1' end return t end)()",
	 ask_route, "more than 32 targets"},
	{"media", "a.none.x", ask_media, "attempt to index a nil value (field 'none')"},
	{"media", "error('on purpose')", ask_media, "on purpose"},
	{"media", "error({})", ask_media, "table: "},
	{"media", "error(nil)", ask_media, "nil"},
	{"media", "coroutine.yield()", ask_media, "outside a coroutine"},
};

static void wrong_answers(void)
{
	for (size_t i = 0; i < HL_COUNT(wrong); i++) {
		ok(answers(wrong[i].function, wrong[i].expression), "%s: return %s",
		   wrong[i].function, wrong[i].expression);
		is_int(with_log(wrong[i].ask), 0, "leaves it as configured");
		ok(strstr(logged, wrong[i].says), "and is logged: %s", wrong[i].says);
		ok(strstr(logged, ".lua:") && strstr(logged, wrong[i].function),
		   "with line and function");
		is_int(counted(offsetof(struct hl_policy_counters, errors)), 1, "and counted");
	}
	diag("for instance: %.*s", (int)strcspn(logged, "\n"), logged);
}

static void errors_have_places(void)
{
	ok(loads("local policy = {}\nfunction policy.keepalive(endpoint)\n\n\treturn endpoint.x.y\n"
		 "end\nreturn policy\n"),
	   "an error in line 4");
	memset(&keepalive, 'x', sizeof(keepalive));
	is_int(with_log(ask_keepalive), 0, "leaves it as configured");
	ok(keepalive.message[0] == 'x' && keepalive.rule[0] == 'x', "the decision is untouched");
	ok(strstr(logged, ".lua:4"), "the line is logged");
	ok(strstr(logged, "sip:1001@example.org"), "and the endpoint");
	is_int(with_log(ask_keepalive), 0, "the same again");
	is_str(logged, "", "is not logged within the same second");
	is_int(counted(offsetof(struct hl_policy_counters, errors)), 2, "but counted");
	is_int(with_log(ask_keepalive_of_another), 0, "for another endpoint");
	ok(strstr(logged, "sip:1002@example.org"), "it is");
	for (int i = 0; i < 20; i++)
		with_log(ask_keepalive_of_another);
	is_str(logged, "", "but not more than sixteen a second, whoever asks");
	ok(!loads("return {\n"), "a syntax error");
	ok(strstr(error.text, ".lua:2:"), "is told with its line: %s", error.text);
	ok(!loads("local x = nil\nx.y = 1\n"), "an error at the top level");
	ok(strstr(error.text, ".lua:2:"), "too: %s", error.text);
	ok(!loads("return 5"), "a script that returns no table");
	ok(strstr(error.text, "must return a table"), "is told: %s", error.text);
	ok(!loads("return {keepalive = 5}"), "a function that is none");
	ok(strstr(error.text, "policy.keepalive is a number"), "is told: %s", error.text);
	ok(!loads("while true do end"), "an endless top level");
	ok(strstr(error.text, ".lua:1: policy.max_"), "is ended: %s", error.text);
	ok(!loads("\033Lua"), "a binary chunk");
	ok(strstr(error.text, "binary"), "is refused: %s", error.text);
	unlink(script);
	ok(!hl_policy_new(&settings, NULL, &error), "a script that is not there");
	ok(strstr(error.text, "No such file"), "is told: %s", error.text);
}

static void selftests(void)
{
	ok(loads("return {selftest = function() error('rule 3 is wrong', 0) end}"), "a selftest");
	ok(selftest() < 0, "that raises an error fails");
	is_str(error.text, "rule 3 is wrong", "with its message");
	ok(loads("return {selftest = function() return false, 'no' end}"),
	   "one that returns false");
	ok(selftest() < 0, "fails");
	ok(strstr(error.text, "selftest says: no"), "with its reason: %s", error.text);
	ok(loads("return {selftest = function() return true end}"), "one that returns true");
	is_int(selftest(), 0, "passes");
}

int main(void)
{
	if (!begin())
		return 1;
	nothing();
	right_answers();
	routes();
	wrong_answers();
	errors_have_places();
	selftests();
	return end();
}
