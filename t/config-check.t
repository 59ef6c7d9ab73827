# A wrong configuration: every mistake with its place, exit 2; what else keeps a switch from starting.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use IO::Socket::IP;

sub check { return switch_object(args => ['--check'], @_)->run }

# The lines of the output that are about a place, as [line, column, text].
sub mistakes { return map { m{holdline\.yaml:(\d+):(\d+): (.*)} ? [$1, $2, $3] : () } split /\n/, $_[0] }

my $head = "switch:\n  realm: holdline.test\n  listen: [udp:127.0.0.1:0]\n"
	. "  state_dir: \@DIR\@/state\n  control: \@DIR\@/control.sock\n"
	. ($ENV{HOLDLINE_PLUGIN_DIR} ? "  plugin_dir: $ENV{HOLDLINE_PLUGIN_DIR}\n" : '');
my $lines = () = $head =~ /\n/g;

subtest 'a good file' => sub {
	my ($exit, $text) = check(users => [1001]);
	is $exit, 0, 'exit 0';
	is_deeply [mistakes($text)], [], 'nothing to say';
};

subtest 'every mistake in one go' => sub {
	my ($exit, $text) = check(yaml => $head . <<'YAML');
plugins:
  registrar: {expire: 59}
  keepalive:
    periode: 30
    method: pigeon
    send_one_time: many
endpoints:
  "1001": {password: secret, nat: perhaps}
colour: blue
YAML
	is $exit, 2, 'exit 2';
	my @found = mistakes($text);
	my %at = map { $_->[2] =~ /^([\w.-]+): (.*)/ ? ($1 => [@$_[0, 1], $2]) : () } @found;
	my @expected = (
		['plugins.registrar.expire', 2, 23, qr/60/],
		['plugins.keepalive.periode', 4, 5, qr/period\b/],
		['plugins.keepalive.method', 5, 13, qr/udp.*options/],
		['plugins.keepalive.send_one_time', 6, 20, qr/1.*10000/],
		['endpoints.1001.nat', 8, 35, qr/auto/],
		['colour', 9, 1, qr/unknown/i],
	);
	for my $row (@expected) {
		my ($path, $line, $column, $says) = @$row;
		my $mistake = $at{$path};
		ok $mistake, "$path is found" or next;
		is "$mistake->[0]:$mistake->[1]", ($line + $lines) . ":$column", 'at its place';
		like $mistake->[2], $says, 'says what is allowed';
	}
	is scalar(@found), scalar(@expected), 'and nothing else' or diag $text;
};

subtest 'warnings' => sub {
	my ($exit, $text) = check(yaml => $head . "plugins:\n  session-timer:\n    ttl: 60\n");
	is $exit, 0, 'leave exit 0';
	my ($warning) = mistakes($text);
	is "$warning->[0]:$warning->[1]", (3 + $lines) . ':10', 'but have a place';
	like $warning->[2], qr/^warning: plugins\.session-timer\.ttl: /, 'and say so';
};

subtest 'not even YAML' => sub {
	my ($exit, $text) = check(yaml => $head . "plugins: [registrar\nendpoints: {}\n");
	is $exit, 2, 'exit 2';
	like $text, qr{holdline\.yaml:\d+:\d+: }, 'with a place';
};

subtest 'the same parameter twice, by both names' => sub {
	my ($exit, $text) = check(yaml => $head . "plugins:\n  session-timer: {ttl: 300}\n"
		. "vos3000: {SS_SIP_SESSION_TTL: 600}\n");
	is $exit, 2, 'exit 2';
	like $text, qr/SS_SIP_SESSION_TTL/, 'named';
};

subtest 'a switch does not start with it either' => sub {
	my $switch = switch_object(yaml => $head . "plugins: {registrar: {expire: 1}}\n");
	my ($exit, $text) = $switch->run;
	is $exit, 2, 'exit 2';
	like $text, qr/plugins\.registrar\.expire: /, 'says why';
};

subtest 'policy scripts are read too' => sub {
	my ($exit, $text) = check(lua => "local policy = {}\nfunction policy.media(\nreturn policy\n");
	is $exit, 2, 'exit 2';
	like $text, qr/policy\.lua:3/, 'with the line of the script';
};

subtest 'plugins that do not load' => sub {
	my $switch = switch_object(yaml => "switch: {plugin_dir: \@DIR\@/plugins, state_dir: \@DIR\@/state, "
		. "listen: ['udp:127.0.0.1:0'], control: \@DIR\@/c.sock}\nplugins:\n  registrar: {}\n");
	mkdir $switch->dir . '/plugins' or die $!;
	$switch->write_file('plugins/registrar.so', 'no library at all');
	my ($exit, $text) = $switch->run;
	is $exit, 2, 'a broken file: exit 2';
	like $text, qr{plugins/registrar\.so}, 'which file';
	like $text, qr{holdline\.yaml:3:3: plugins\.registrar: }, 'and who asked for it';
	($exit, $text) = check(yaml => $head . "plugins:\n  registra: {}\n");
	is $exit, 2, 'an unknown one: exit 2';
	like $text, qr{:2:3: plugins\.registra: .*|:\d+:3: plugins\.registra: .*}, 'with its place';
	like $text, qr/registrar/, 'and what was meant';
};

subtest 'a port in use' => sub {
	my $taken = Holdline::Test::Link::udp_socket('127.0.0.1');
	my $port = $taken->sockport;
	my ($exit, $text) = switch_object(config => {switch => {listen => ["udp:127.0.0.1:$port"]}})->run;
	is $exit, 1, 'exit 1';
	like $text, qr/udp:127\.0\.0\.1:$port/, 'names it';
};

subtest 'the state directory' => sub {
	my $switch = start_switch();
	ok -d $switch->dir . '/state', 'is created';
	$switch->stop;
	my $blocked = switch_object();
	$blocked->write_file('state', 'a file in the way');
	my ($exit, $text) = $blocked->run;
	cmp_ok $exit, '>', 0, 'or the switch ends';
	like $text, qr{\Q$blocked->{dir}\E/state}, 'and says which';
};

# A second one would take the calls of the first for interrupted, and record them.
subtest 'a state directory for one switch' => sub {
	my $first = start_switch();
	my $state = $first->dir . '/state';
	my ($exit, $text) = switch_object(config => {switch => {state_dir => $state}})->run;
	is $exit, 1, 'a second one: exit 1';
	like $text, qr/state directory \Q$state\E: another holdline uses it; .*switch\.state_dir/, 'which, and what to do';
	$first->kill_now;
	wait_for { $first->gone };
	ok start_switch(config => {switch => {state_dir => $state}}), 'free again when that is dead';
};

subtest 'the command line' => sub {
	my ($exit, $text) = switch_object(args => ['--version'])->run;
	is $exit, 0, '--version';
	like $text, qr/holdline \d+\.\d+/i, 'tells it';
	($exit, $text) = switch_object(clock_rate => 10, config => {
		switch => {listen => ['udp:0.0.0.0:0']}})->run;
	cmp_ok $exit, '>', 0, '--clock-rate is for loopback only';
	like $text, qr/clock-rate/, 'and says so';
	($exit, $text) = switch_object(args => ['--params=json'])->run;
	is $exit, 0, '--params=json';
	my $rows = eval { JSON::PP->new->utf8->decode($text) } || [];
	my ($ttl) = grep { $_->{key} eq 'session-timer.ttl' } @$rows;
	is_deeply [@$ttl{qw(vos3000 default min max unit)}], ['SS_SIP_SESSION_TTL', 600, 60, 86400, 's'],
		'a row of it';
	local $ENV{HOLDLINE_PLUGIN_DIR} = '/nonexistent';
	($exit, $text) = switch_object(args => ['--params'])->run;
	is $exit, 0, '--params where there are no plugins';
	like $text, qr/no plugins in \/nonexistent/, 'says that rows are missing';
};

finish;
