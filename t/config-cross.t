# Values that do not go together, and files made to do harm: all told in one pass, each with its place.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use POSIX ();

$ENV{HOLDLINE_SCRIPT_DIR} = source_path('scripts');
my $slow = ($ENV{HOLDLINE_SANITIZERS} || 'no') eq 'yes';
sub check {
	my ($yaml) = @_;
	return switch_object(yaml => $yaml, args => ['--check'])->run($slow ? 60 : 30);
}
my $head = "switch: {realm: x.test, listen: ['udp:127.0.0.1:15000'], state_dir: \@DIR\@/state, "
	. "control: \@DIR\@/c.sock, plugin_dir: $ENV{HOLDLINE_PLUGIN_DIR}}\n";

subtest 'what does not fit is all told at once' => sub {
	my ($exit, $text) = check($head . <<'YAML');
plugins:
  registrar: {nat_expire: 100}
  keepalive:
    period: 25
    send_one_time: 1
    send_interval: 10000
  session-timer: {ttl: 200, min_se: 300, early_hangup: 250}
  media-proxy: {port_range: 10000-20000}
policy:
  rules:
    - {name: phones, match: {user_agent: "Yealink*"}, keepalive: {period: 20}, media: on}
    - {name: this one, match: {user_agent: "Yealink T4*", network: a}, keepalive: off}
    - {name: networks, match: {received: [10.0.0.0/8, 192.0.2.0/24]}, no_timer: 60}
    - {name: inner, match: {received: 10.1.0.0/16}, no_timer: 30, media: off}
    - {name: other, match: {user_agent: "Snom*"}, keepalive: off}
    - {name: all, no_timer: 7200}
    - {name: late, match: {user: "1001"}, no_timer: 100}
endpoints: {"1": {}, "2": {}, "3": {}, "4": {}}
YAML
	is $exit, 2, 'errors: exit 2';
	my @expected = (
		qr/:5:13: warning: plugins\.keepalive\.period: 25 s is more than a fifth of registrar\.nat_expire \(100 s\)/,
		qr/:5:13: warning: plugins\.keepalive\.period: 4 endpoints take 40 s at 1 datagrams each 10000 ms/,
		qr/:8:\d+: (?:warning: )?plugins\.session-timer\.\w+: /,
		qr/:9:29: plugins\.media-proxy\.port_range: 10000-20000 holds the port of the listener udp:127\.0\.0\.1:15000/,
		qr/:13:\d+: warning: policy\.rules\[2\]\.keepalive: never decides: "phones" at .*:12:7 comes first/,
		qr/:15:\d+: warning: policy\.rules\[4\]\.no_timer: never decides: "networks"/,
		qr/:18:\d+: warning: policy\.rules\[7\]\.no_timer: never decides: "all"/,
	);
	like $text, $_, 'told' for @expected;
	unlike $text, qr/rules\[(?:1|3|5|6)\]|rules\[4\]\.media/, 'and no rule that may decide';
};

subtest 'warnings alone leave exit 0' => sub {
	my ($exit, $text) = check($head . "plugins: {registrar: {}, keepalive: {period: 400}}\n");
	is $exit, 0, 'exit 0';
	like $text, qr/400 s exceeds registrar\.nat_expire \(300 s\)/, 'but told';
};

subtest 'mistakes of rules' => sub {
	my ($exit, $text) = check($head . <<'YAML');
policy:
  rules:
    - {name: one, match: {usr: x}, keepalive: off}
    - {name: two, keepalive: {period: 5, perod: 6}, media: perhaps}
    - nonsense
    -
    - {name: [x], no_timer: -1, colour: blue}
YAML
	is $exit, 2, 'exit 2';
	my @expected = (qr/:4:\d+: policy\.rules\[1\]\.match: unknown condition usr; did you mean user\?/,
		qr/:5:39: policy\.rules\[2\]\.keepalive\.period: 5 is not a whole number from 10 to 86400/,
		qr/:5:42: policy\.rules\[2\]\.keepalive\.perod: unknown key/,
		qr/:5:60: policy\.rules\[2\]\.media: must be on, off or auto/,
		qr/:6:7: policy\.rules\[3\]: must be a map/, qr/:7:\d+: policy\.rules\[4\]: must be a map/,
		qr/:8:14: policy\.rules\[5\]\.name: must be text/, qr/:8:29: policy\.rules\[5\]\.no_timer: -1 is not a whole/,
		qr/:8:33: policy\.rules\[5\]\.colour: unknown key/);
	like $text, $_, 'told at its place' for @expected;
	is scalar(() = $text =~ /\n/g), scalar(@expected), 'all in one pass' or diag $text;
	for my $case (['{a: b}', qr/:2:17: policy\.rules: must be a list/], ['5', qr/:2:17: policy\.rules: must be a list/]) {
		($exit, $text) = check("${head}policy: {rules: $case->[0]}\n");
		like $text, $case->[1], "rules: $case->[0]";
	}
};

subtest 'mistakes of rules and of all else' => sub {
	my ($exit, $text) = check($head . <<'YAML');
policy: {rules: [{name: one, media: perhaps}]}
plugins: {keepalive: {period: 5}, no-such-plugin: {}}
endpoints: {"1001": {passwort: x}}
gateways: {carrier: {prefix: 5}}
YAML
	is $exit, 2, 'exit 2';
	like $text, $_, 'in one pass' for qr/:2:\d+: policy\.rules\[1\]\.media: must be on, off or auto/,
		qr/:3:\d+: plugins\.keepalive\.period: "5" is out of range/, qr/:3:\d+: plugins\.no-such-plugin: /,
		qr/:4:\d+: endpoints\.1001\.passwort: unknown key/, qr/:5:\d+: gateways\.carrier\.address: must be given/;
};

subtest 'what is not even a value hides no other mistake' => sub {
	my ($exit, $text) = check($head . <<'YAML');
plugins:
  keepalive: {message: !!binary "@@@", period: 1}
  keepalive: {}
endpoints: {"1001": {<<: {nat: yes}, passwort: x, nat: *nobody}, "1002": {nat: !no x, colour: red}}
YAML
	is $exit, 2, 'exit 2';
	like $text, $_, 'in one pass' for qr/:3:\d+: plugins\.keepalive\.message: is not base64/,
		qr/:3:\d+: plugins\.keepalive\.period: "1" is out of range/, qr/:4:\d+: plugins\.keepalive: is here twice/,
		qr/:5:\d+: endpoints\.1001: merge keys/, qr/:5:\d+: endpoints\.1001\.passwort: unknown key/,
		qr/:5:\d+: endpoints\.1001\.nat: nothing is named &nobody/, qr/:5:\d+: endpoints\.1002\.nat: the tag/,
		qr/:5:\d+: endpoints\.1002\.colour: unknown key/;
};

subtest 'rules of another script are its own' => sub {
	my $switch = switch_object(lua => 'return {}', args => ['--check'], config => {policy => {rules => [
		{name => 'a', keepalive => 'off'}, {name => 'b', keepalive => 'off'}]}});
	my ($exit, $text) = $switch->run;
	is $exit, 0, 'exit 0';
	unlike $text, qr/never decides/, 'nobody compares them';
};

sub refused {
	my ($name, $yaml, $says) = @_;
	my ($exit, $text) = check($yaml); # which gives up on what takes its time
	is $exit, 2, "$name: exit 2";
	like $text, $says, "$name: refused with its line" or diag substr $text, 0, 500;
	return $text;
}

my $bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
$bomb .= "a$_: &a$_ [" . join(', ', ("*a" . ($_ - 1)) x 10) . "]\n" for 1 .. 9;
refused('aliases', $bomb, qr/holdline\.yaml:\d+:\d+: .*too large: aliases/);
refused('an alias of itself', "switch: &s {realm: *s}\n", qr/holdline\.yaml:1:\d+: .*\*s is inside what it names/);
refused('ten megabytes of nothing', 'x' x 10_000_000, qr/holdline\.yaml:1:1: /);
refused('ten megabytes of brackets', '[' x 10_000_000, qr/holdline\.yaml:1:\d+: .*more than 32/);
my $many = refused('ten megabytes of unknown keys', $head . join('', map { "key$_: value $_\n" } 1 .. 500_000),
	qr/holdline\.yaml:2:1: key1: unknown section/);
like $many, qr/^\d+ more mistakes$/m, 'the rest is counted';
cmp_ok length($many), '<', 1_000_000, 'not printed';
refused('a value of ten megabytes', "switch: {realm: " . 'r' x 10_000_000 . "}\n",
	qr/holdline\.yaml:1:17: switch\.realm: "r{10,}…" is too long/);
refused('a NUL', "switch:\n  realm: a\0b\n", qr/holdline\.yaml:2:11: .*control characters are not allowed/);
refused('a tab', "switch:\n\trealm: x\n", qr/holdline\.yaml:2:1: .*cannot start any token/);
refused('a key that is there twice', "switch:\n  realm: a\n  on_stop: keep\n  realm: b\n",
	qr/holdline\.yaml:4:3: switch\.realm: is here twice; the first is at .*:2:3/);
refused('bytes that are no UTF-8', "switch:\n  realm: \xff\xfe\n", qr/holdline\.yaml:2:10: /);
refused('a second document', "switch: {}\n---\nswitch: {}\n", qr/holdline\.yaml:2:1: .*a second document/);

subtest 'include' => sub {
	my $switch = switch_object(yaml => "include: [a.yaml]\n" . $head, args => ['--check']);
	$switch->write_file('a.yaml', "include: [b.yaml]\n");
	$switch->write_file('b.yaml', "plugins: {}\ninclude: a.yaml\n");
	my ($exit, $text) = $switch->run;
	is $exit, 2, 'a cycle: exit 2';
	like $text, qr/b\.yaml:2:10: include: .*a\.yaml includes itself/, 'where it closes';
	$ENV{HOLDLINE_SCENARIO_DIR} = source_path('etc/scenarios');
	($exit, $text) = check("include: mobile.yaml\n$head" . "plugins: {registrar: {}}\n");
	is $exit, 0, 'an installed scenario by its name alone' or diag $text;
	($exit, $text) = check("include: [scenarios/nowhere.yaml]\n$head");
	like $text, qr/holdline\.yaml:1:11: include: cannot read .*nowhere\.yaml/, 'one that is not there';
	my $beside = switch_object(yaml => "include: mobile.yaml\n" . $head, args => ['--check']);
	$beside->write_file('mobile.yaml', "colour: blue\n");
	($exit, $text) = $beside->run;
	like $text, qr{\Q@{[$beside->dir]}\E/mobile\.yaml:1:1: colour: unknown section}, 'beside the file comes first';
};

subtest 'pipes' => sub {
	for my $case (['include', "include: pipe\n$head", qr/:1:10: include: cannot read .*pipe: /],
		['policy.script', "${head}policy: {script: pipe}\n", qr/:2:18: policy\.script: .*pipe: /],
		['switch.tls.key', $head =~ s/^switch: \{/switch: {tls: {certificate: pipe, key: pipe}, /r,
			qr/:1:\d+: switch\.tls\.\w+: .*pipe: is a pipe, not a file/]) {
		my ($name, $yaml, $says) = @$case;
		my $switch = switch_object(yaml => $yaml, args => ['--check']);
		POSIX::mkfifo($switch->dir . '/pipe', 0600) or die $!;
		my ($exit, $text) = $switch->run;
		is $exit, 2, "$name: one that nobody writes to is refused, not waited for";
		like $text, $says, 'with its place';
	}
	my $fed = switch_object(yaml => "include: pipe\n$head", args => ['--check']);
	POSIX::mkfifo($fed->dir . '/pipe', 0600) or die $!;
	open my $writer, '+<', $fed->dir . '/pipe' or die $!;
	syswrite $writer, "colour: blue\n";
	my ($exit, $text) = $fed->run;
	like $text, qr/cannot read .*pipe: Resource temporarily unavailable/, 'nor one that falls silent';
	($exit, $text) = check("include: \"a\\0b\"\n$head");
	like $text, qr/:1:10: include: must not hold a NUL/, 'a name with a NUL';
};

subtest 'holdline.yaml.full' => sub {
	my $full = "$ENV{HOLDLINE_BUILDDIR}/etc/holdline.yaml.full";
	open my $in, '<', $full or return fail "$full: $!";
	my $text = do { local $/; <$in> };
	my (undef, $json) = switch_object(args => ['--params=json'])->run;
	my @rows = @{JSON::PP->new->utf8->decode($json)};
	for my $row (@rows) {
		my ($key) = $row->{key} =~ /([^.]+)$/;
		$text =~ /^ +\Q$key\E: /m or fail "$row->{key} is missing";
	}
	$text =~ s/plugin_dir: .*/plugin_dir: $ENV{HOLDLINE_PLUGIN_DIR}/;
	$text =~ s/state_dir: .*/state_dir: \@DIR\@\/state/;
	my ($exit, $said) = check($text);
	is $exit, 0, 'the file with all parameters is good' or diag $said;
	my $own = start_switch(yaml => $text =~ s/listen: .*/listen: ['udp:127.0.0.1:0']/r
		=~ s/control: .*/control: \@DIR\@\/control.sock/r =~ s/10000-20000/12000-12200/r);
	my %default = map { $_->{key} => $_->{default} } @rows;
	my @differ = grep { $_->{name} !~ /^switch\.(?:listen|state_dir|control|plugin_dir)$|port_range|policy\.script/
		&& JSON::PP->new->allow_nonref->encode([$_->{value}]) ne JSON::PP->new->allow_nonref->encode([$default{$_->{name}}]) }
		@{$own->control('param', op => 'list')};
	is_deeply [map { $_->{name} } @differ], [], 'and says nothing but the defaults';
	$own->stop;
};
finish;
