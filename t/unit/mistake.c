/* Mistakes in a configuration: each is told with its place, its reason and the mend. */
#include "config_file.h"

/* One mistake: the YAML, and the line it is answered with. */
static const struct {
	const char *yaml, *told;
} mistakes[] = {
	{"plugins:\n  beat:\n    perod: 15\n",
	 "a.yaml:3:5: plugins.beat.perod: unknown key; did you mean period?\n"},
	{"plugins: {beat: {period: 9}}",
	 "a.yaml:1:26: plugins.beat.period: \"9\" is out of range; allowed: 10 to 86400 s\n"},
	{"plugins: {beat: {period: soon}}",
	 "a.yaml:1:26: plugins.beat.period: \"soon\" is not a whole number; allowed: 10 to "
	 "86400 s\n"},
	{"plugins: {beat: {period: [15]}}",
	 "a.yaml:1:26: plugins.beat.period: is a list; it takes one value: 10 to 86400 s\n"},
	{"plugins: {beat: {period: {a: 1}}}",
	 "a.yaml:1:26: plugins.beat.period: is a map; it takes one value: 10 to 86400 s\n"},
	{"plugins: [beat]", "a.yaml:1:10: plugins: is a list; it must be a map (key: value)\n"},
	{"plugins: {beat: 15}",
	 "a.yaml:1:17: plugins.beat: is a single value; it must be a map (key: value)\n"},
	{"plugins: {beet: }", "a.yaml:1:11: beet: not in /nowhere/plugins\n"},
	{"plugin: {}", "a.yaml:1:1: plugin: unknown section; did you mean plugins?\n"},
	{"switch: {relm: x}", "a.yaml:1:10: switch.relm: unknown key; did you mean realm?\n"},
	{"switch: {nonsense: x}", "a.yaml:1:10: switch.nonsense: unknown key\n"},
	{"switch: {log: {lvl: info}}",
	 "a.yaml:1:16: switch.log.lvl: unknown key; did you mean level?\n"},
	{"switch: {log: info}",
	 "a.yaml:1:15: switch.log: is a single value; it must be a map (key: value)\n"},
	{"switch: {log: {level: inf}}",
	 "a.yaml:1:23: switch.log.level: \"inf\" is not a choice; allowed: debug, info, warn, "
	 "error; "
	 "did you mean info?\n"},
	{"switch: {log.level: info}", "a.yaml:1:10: switch.log.level: unknown key\n"},
	{"switch: {listen: {a: b}}", "a.yaml:1:18: switch.listen: is a map; it must be a list\n"},
	{"switch: {listen: [[a]]}", "a.yaml:1:19: switch.listen: every item must be text\n"},
	{"switch: {listen: [udp:1.2.3.4:0, sctp:1.2.3.4:5060]}",
	 "a.yaml:1:34: switch.listen: \"sctp:1.2.3.4:5060\" must begin with udp:, tcp: or tls:, as in "
	 "udp:0.0.0.0:5060\n"},
	{"switch: {listen: udp:1.2.3.4}",
	 "a.yaml:1:18: switch.listen: \"udp:1.2.3.4\" has no port: udp:0.0.0.0:5060, or port 0 for "
	 "any that is free\n"},
	{"switch: {listen: \"udp:[::1]\"}",
	 "a.yaml:1:18: switch.listen: \"udp:[::1]\" has no port: udp:0.0.0.0:5060, or port 0 "
	 "for any "
	 "that is free\n"},
	{"switch: {listen: udp:localhost:5060}",
	 "a.yaml:1:18: switch.listen: \"udp:localhost:5060\" must have an IPv4 address, or an "
	 "IPv6 one "
	 "in brackets, and a port up to 65535 behind the protocol\n"},
	{"switch: {listen: [udp:1.2.3.4:1, udp:1.2.3.4:1]}",
	 "a.yaml:1:34: switch.listen: \"udp:1.2.3.4:1\" is here twice\n"},
	{"switch: {listen: []}",
	 "a.yaml:1:18: switch.listen: there must be one listener at least\n"},
	{"switch: {advertise: host}",
	 "a.yaml:1:21: switch.advertise: \"host\" is not an IP address\n"},
	{"switch: {realm: 'a\"b'}",
	 "a.yaml:1:17: switch.realm: must not hold quotes, backslashes or control characters\n"},
	{"policy: {max_time_ms: 0}",
	 "a.yaml:1:23: policy.max_time_ms: \"0\" is out of range; allowed: 1 to 1000 ms\n"},
	{"policy: {script: none.lua}",
	 "a.yaml:1:18: policy.script: no none.lua and no /nowhere/scripts/none.lua\n"},
	{"endpoints:\n  \"1001\": {pasword: x}\n",
	 "a.yaml:2:12: endpoints.1001.pasword: unknown key; did you mean password?\n"},
	{"endpoints: {a@b: {}}",
	 "a.yaml:1:13: endpoints.a@b: is not a user part: no blanks, no @ : ; < > and quotes\n"},
	{"endpoints: [1001]", "a.yaml:1:12: endpoints: is a list; it must be a map (key: value)\n"},
	{"switch: {networks: {office: 10.0.0.0/8}}\nendpoints: {a: {network: ofice}}",
	 "a.yaml:2:26: endpoints.a.network: \"ofice\" is not one of switch.networks; did you mean "
	 "office?\n"},
	{"switch: {networks: {a: [10.0.0.0/33]}}",
	 "a.yaml:1:25: switch.networks.a: \"10.0.0.0/33\" is not a network; allowed: "
	 "ADDRESS/PREFIX as "
	 "in 192.168.0.0/16 or 2001:db8::/32, or a lone address\n"},
	{"switch: {networks: {a: 10.0.0.0/8, b: 10.0.0.0/8}}",
	 "a.yaml:1:20: switch.networks: 10.0.0.0/8 is in both a and b\n"},
	{"gateways: {x: {}}",
	 "a.yaml:1:12: gateways.x.address: must be given: sip:HOST[:PORT][;transport=tcp|tls]\n"},
	{"gateways: {x: {address: \"sip:carrier..example\"}}",
	 "a.yaml:1:25: gateways.x.address: \"sip:carrier..example\" has neither an IP address "
	 "(IPv6 in brackets) nor a host name\n"},
	{"gateways: {x: {address: \"sip:10.0.0.256\"}}",
	 "a.yaml:1:25: gateways.x.address: \"sip:10.0.0.256\" has neither an IP address "
	 "(IPv6 in brackets) nor a host name\n"},
	{"gateways: {x: {address: \"sip:carrier.example:70000\"}}",
	 "a.yaml:1:25: gateways.x.address: \"sip:carrier.example:70000\" has a port that is none; "
	 "allowed: 1 to 65535\n"},
	{"switch: {nameservers: [dns.example]}",
	 "a.yaml:1:24: switch.nameservers: \"dns.example\" must be an IP address, with :PORT if it "
	 "is not 53, IPv6 in brackets then\n"},
	{"gateways: {x: {address: \"sips:1.2.3.4;transport=tcp\"}}",
	 "a.yaml:1:25: gateways.x.address: \"sips:1.2.3.4;transport=tcp\" is sips: and asks for "
	 "another transport than tls\n"},
	{"gateways: {x: {address: 1.2.3.4}}",
	 "a.yaml:1:25: gateways.x.address: \"1.2.3.4\" must be sip:HOST[:PORT][;transport=tcp|tls]\n"},
	{"gateways: {x: {address: \"sip:1.2.3.4\", match: [1.2.3.4/40]}}",
	 "a.yaml:1:48: gateways.x.match: \"1.2.3.4/40\" is not a network; allowed: "
	 "ADDRESS/PREFIX or a "
	 "lone address\n"},
	{"vos3000: {SS_BEAT_PERIOT: 15}\nplugins: {beat: {}}",
	 "a.yaml:1:11: vos3000.SS_BEAT_PERIOT: no parameter has this VOS3000 name; did you mean "
	 "SS_BEAT_PERIOD?\n"},
	{"vos3000: {SS_BEAT_PERIOD: 5}\nplugins: {beat: {}}",
	 "a.yaml:1:27: vos3000.SS_BEAT_PERIOD: \"5\" is out of range; allowed: 10 to 86400 s\n"},
	{"vos3000: {SS_BEAT_PERIOD: 15}\nplugins: {beat: {period: 15}}",
	 "a.yaml:1:11: vos3000.SS_BEAT_PERIOD: is set twice: it is beat.period, which is also "
	 "set at "
	 "a.yaml:2:18\n"},
	{"vos3000: {SS_BEAT_PERIOD: 15, SSBeatPeriod: 15}\nplugins: {beat: {}}",
	 "a.yaml:1:31: vos3000.SSBeatPeriod: is set twice: it is beat.period, which is also set at "
	 "a.yaml:1:11\n"},
	{"switch: {plugin_dir: so}\nvos3000: {SS_TIMER_TTL: 600}\n",
	 "a.yaml:2:11: vos3000.SS_TIMER_TTL: is a parameter of the plugin timer, which is not "
	 "enabled: "
	 "name it below `plugins`\n"},
	{"switch: {realm: a}\nplugins: {}\nswitch: {realm: b}\n",
	 "a.yaml:3:1: switch: is here twice; the first is at a.yaml:1:1\n"},
	{"endpoints:\n  a: {password: x,\n      password: y}\n",
	 "a.yaml:3:7: endpoints.a.password: is here twice; the first is at a.yaml:2:7\n"},
	{"- a\n", "a.yaml:1:1: the file must be a map (switch: …, plugins: …)\n"},
	{"switch: {}\n---\nswitch: {}\n", "a.yaml:2:1: a second document: one file holds one\n"},
	{"switch:\n\trealm: x\n",
	 "a.yaml:2:1: switch: found character that cannot start any token, while scanning for "
	 "the next "
	 "token at line 2\n"},
	{"switch: {realm: x\n",
	 "a.yaml:2:1: switch: did not find expected ',' or '}', while parsing a flow mapping at "
	 "line "
	 "1\n"},
	{"switch:\n  realm: \x01\n",
	 "a.yaml:2:10: control characters are not allowed (byte 0x01)\n"},
	{"? [a, b]\n: c\n", "a.yaml:1:3: a key must be text, not a list\n"},
	{"switch: *a\n", "a.yaml:1:9: switch: nothing is named &a before this\n"},
	{"switch: &a {networks: *a}\n",
	 "a.yaml:1:23: switch.networks: *a is inside what it names\n"},
	{"switch: !foo {}\n", "a.yaml:1:9: switch: the tag !foo is not known\n"},
	{"plugins: {beat: {message: !!binary a}}\n",
	 "a.yaml:1:27: plugins.beat.message: is not base64, as !!binary must be (up to 65536 "
	 "bytes)\n"},
	{"endpoints: {a: &a {password: x}, b: {<<: *a}}\n",
	 "a.yaml:1:38: endpoints.b: merge keys (<<) are not supported: write the keys out\n"},
	{"include: none.yaml\n",
	 "a.yaml:1:10: include: cannot read none.yaml: No such file or directory\n"},
	{"include: {a: b}\n", "a.yaml:1:10: include: must be a file name, or a list of them\n"},
	{"include: a.yaml\n", "a.yaml:1:10: include: a.yaml includes itself\n"},
	{"endpoints: {\"a\\nb\": {}}",
	 "a.yaml:1:13: endpoints.a\\x0ab: is not a user part: no blanks, no @ : ; < > and "
	 "quotes\n"},
};

static void each_mistake(void)
{
	for (size_t i = 0; i < HL_COUNT(mistakes); i++) {
		bool good = reads(mistakes[i].yaml);

		ok(!good, "refused: %.*s", (int)strcspn(mistakes[i].yaml, "\n"), mistakes[i].yaml);
		is_str(told, mistakes[i].told, "with place and reason");
	}
	write_file("a.yaml", "switch:\n  realm: a\0b\n", 22);
	ok(!read_files((const char *[]){"a.yaml"}, 1), "a NUL in the file is refused");
	is_str(told, "a.yaml:2:11: control characters are not allowed (byte 0x00)\n",
	       "with its place");
	ok(!read_files((const char *[]){"none.yaml"}, 1), "a file that is not there");
	is_str(told, "none.yaml:1:1: cannot read none.yaml: No such file or directory\n",
	       "is told");
}

static void all_at_once(void)
{
	ok(!reads("plugins:\n  beat: {period: 9, mesage: x}\nendpoints:\n  a: {nat: perhaps}\n"
		  "gateways:\n  g: {address: \"sip:1.2.3.4\", weight: 1001}\n"),
	   "four mistakes");
	is_str(told,
	       "a.yaml:2:18: plugins.beat.period: \"9\" is out of range; allowed: 10 to 86400 s\n"
	       "a.yaml:2:21: plugins.beat.mesage: unknown key; did you mean message?\n"
	       "a.yaml:4:12: endpoints.a.nat: \"perhaps\" is not a choice; allowed: auto, yes, no\n"
	       "a.yaml:6:39: gateways.g.weight: \"1001\" is out of range; allowed: 0 to 1000\n",
	       "are told in one pass, in order of their places");
}

int main(void)
{
	if (!begin())
		return 1;
	each_mistake();
	all_at_once();
	return end();
}
