# `param`: every parameter at run time, at its bounds and one beyond; a value is taken as a whole or
# not at all, holds until the next reload, and is kept only when that is asked for.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my @plugins = map { m{([\w-]+)\.so$} ? $1 : () } glob "$ENV{HOLDLINE_PLUGIN_DIR}/*.so";
my $switch = start_switch(users => [1001, 1002], clock_rate => 20,
	lua => "return {keepalive = function() return nil end}",
	config => {plugins => {map { $_ => {} } @plugins}});
my @rows = @{$switch->control('param', op => 'list')};
cmp_ok scalar(@rows), '>', 50, 'there are rows';

my (undef, $json) = switch_object(args => ['--params=json'])->run;
my %row = map { $_->{key} => $_ } @{JSON::PP->new->utf8->decode($json)};
is_deeply [sort map { $_->{name} } @rows], [sort keys %row], 'those of --params';
is_deeply [map { $_->{name} } grep { $_->{vos3000} && $_->{set} ne 'default' } @rows], [],
	'what nobody has set says so';

sub value { return $switch->control('param', op => 'get', name => $_[0])->{value} }
sub set {
	my ($name, $value, %arg) = @_;
	return $switch->control_answer('param', op => 'set', name => $name, value => "$value", %arg);
}

# A call is up all the while.
my ($alice, $bob) = phones($switch);
my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;

my @numbers = grep { $_->{type} eq 'integer' && defined $_->{max} && $_->{reloadable} } values %row;
my (@refused, @taken, @moved, @conflicts);
for my $row (sort { $a->{key} cmp $b->{key} } @numbers) {
	my ($name, $before) = ($row->{key}, value($row->{key}));
	for my $beyond ($row->{min} - 1, $row->{max} + 1) {
		my $answer = set($name, $beyond);
		push @refused, "$name=$beyond" if $answer->{ok} || $answer->{error} !~ /allowed: /;
		push @moved, $name if value($name) ne $before;
	}
	for my $bound ($row->{min}, $row->{max}) {
		my $answer = set($name, $bound);
		# Another parameter may have the last word: two that do not fit are refused, too.
		if (!$answer->{ok} && $answer->{error} !~ /allowed: / && value($name) eq $before) {
			push @conflicts, "$name=$bound";
			next;
		}
		push @taken, "$name=$bound" if !$answer->{ok} || value($name) ne $bound;
		set($name, $before);
	}
}
is_deeply \@refused, [], 'one beyond the bounds is refused, with what is allowed';
is_deeply \@moved, [], 'and leaves the value as it was';
is_deeply \@taken, [], 'the bounds themselves are taken';
cmp_ok scalar(@conflicts), '<', 8, "but for those that do not fit the others: @conflicts";
is $switch->control('status')->{calls}, 1, 'and the call is still up';

# One of each kind.
for my $case (['keepalive.method', 'options', 'udp'], ['registrar.auth', 'off', 'on'],
	['switch.realm', 'other.test', 'holdline.test'], ['keepalive.message', "\r\n\r\n", 'HELLO'],
	['switch.domains', '[a.test, b.test]', '[]']) {
	my ($name, $value, $back) = @$case;
	my $answer = set($name, $value);
	ok $answer->{ok}, "$name is set" or diag $answer->{error};
	is $answer->{result}{set}, 'run time', 'and says by whom';
	ok set($name, $back)->{ok}, 'and set back';
}
set('switch.domains', '[a.test, b.test]');
is_deeply value('switch.domains'), ['a.test', 'b.test'], 'a list';
set('switch.domains', '[]');
ok set('SS_SIP_NAT_KEEP_ALIVE_PERIOD', 41)->{ok}, 'by the VOS3000 name';
is value('keepalive.period'), 41, 'it is the same parameter';
is value('sssipnatkeepaliveperiod'), 41, 'in any spelling';
is $switch->control('keepalive')->{period}, 41, 'and the plugin has it';

my $answer;
# Transactions: what does not fit is rolled back, and named.
for my $case (['keepalive.periode', 30, qr/no parameter has this name; did you mean keepalive\.period/],
	['switch.control', '/tmp/x', qr/switch\.control: cannot change while the switch runs/],
	['switch.listen', '[udp:192.0.2.1:0]', qr/192\.0\.2\.1/],
	['policy.script', '/nonexistent.lua', qr/policy\.script: no \/nonexistent\.lua/],
	['switch.domains', '[a.test', qr/switch\.domains: "\[a\.test" is no list; write \[a, b\]/],
	['switch.domains', 'a.test,b.test', qr/is no list; write \[a, b\]/],
	['keepalive.method', 'pigeon', qr/"pigeon" is not a choice; allowed: udp, options/]) {
	my ($name, $value, $says) = @$case;
	$answer = set($name, $value);
	ok !$answer->{ok}, "$name $value: refused";
	like $answer->{error}, $says, 'and why';
}
is $alice->register->code, 200, 'the switch serves as before';

# What may be is taken, and warned of: once, and not with what was odd before.
$answer = set('keepalive.period', 70);
ok $answer->{ok}, 'a value that is odd is taken';
is_deeply [map { /^warning: plugins\.keepalive\.period: 70 s is more than a fifth/ ? 'told' : $_ }
	@{$answer->{result}{warnings}}], ['told'], 'with a warning';
ok $switch->log_events(event => 'warning', text => qr/70 s is more than a fifth/), 'which is logged, too';
is set('keepalive.copies', 2)->{result}{warnings}, undef, 'another parameter does not repeat it';
my $tool = "'$ENV{HOLDLINECTL}' -s '" . $switch->control_path . "'";
my $said = `$tool param set keepalive.period 80 2>&1 >/dev/null`;
like $said, qr/^warning: plugins\.keepalive\.period: 80 s.*\n\z/, 'holdlinectl prints it';
$said = `$tool param set keepalive.period 1 2>&1`;
like $said, qr/^holdlinectl: plugins\.keepalive\.period: "1" is out of range.*[^\n]\n\z/, 'a mistake is a line';

# Over and over.
sub resident {
	open my $in, '<', '/proc/' . $switch->pid . '/statm' or die;
	return (split / /, scalar <$in>)[1] * 4;    # KiB
}
set('keepalive.copies', 1 + $_ % 3) for 1 .. 300;
my $memory = resident();
set('keepalive.copies', 1 + $_ % 3) for 1 .. 1500;
cmp_ok resident() - $memory, '<', 1024, 'a parameter that is set again and again takes no memory'
	unless ($ENV{HOLDLINE_SANITIZERS} || 'no') eq 'yes';
is value('keepalive.period'), 80, 'and the others stay as they were set';

# Not saved: the next reload reads the files again.
ok $switch->reload->{ok}, 'a reload';
is value('keepalive.period'), 30, 'takes back what was not saved';
ok !-e $switch->dir . '/state/parameters.yaml', 'nothing was written';

# Saved: over the files, under either name, over a restart.
$switch->{config}{vos3000} = {SS_SIP_SESSION_TTL => 700};
$switch->reload($switch->{config});
my $saved = set('session-timer.ttl', 800, save => 'true');
ok $saved->{ok}, 'a parameter is set and saved' or diag $saved->{error};
ok set('keepalive.message', "a\tb\r\n\\", save => 'true')->{ok}, 'and bytes';
ok set('switch.domains', '[x.test]', save => 'true')->{ok}, 'and a list';
ok set('keepalive.copies', 2)->{ok}, 'another is only set';
ok $switch->reload->{ok}, 'a reload';
is value('session-timer.ttl'), 800, 'keeps the saved one, though the file has another';
is value('keepalive.message'), "a\tb\r\n\\", 'the bytes';
is_deeply value('switch.domains'), ['x.test'], 'the list';
is value('keepalive.copies'), 1, 'and drops the other';
like $switch->control('param', op => 'get', name => 'session-timer.ttl')->{set},
	qr{/state/parameters\.yaml:\d+:\d+$}, 'says where from';
my $file = $switch->dir . '/state/parameters.yaml';
open my $text, '<', $file or die;
my $content = do { local $/; <$text> };
$switch->write_file('state/parameters.yaml', $content . "session-timer.min_se: 5\n");
$answer = $switch->reload;
like $answer->{error}, qr{state/parameters\.yaml:\d+:\d+: plugins\.session-timer\.min_se: .*90 to},
	'a mistake in the saved ones has its place';
$switch->write_file('state/parameters.yaml', $content);
chmod 0500, $switch->dir . '/state';
SKIP: {
	skip 'root writes everywhere', 2 if $> == 0;
	$answer = set('session-timer.ttl', 900, save => 'true');
	like $answer->{error}, qr/parameters\.yaml: .*nothing was changed/, 'what cannot be saved';
	is value('session-timer.ttl'), 800, 'is not set';
}
chmod 0700, $switch->dir . '/state';
is $out->bye->code, 200, 'the call is hung up';
$in->ended;
$switch->stop;
my $again = Holdline::Test::Switch::start(bless {%$switch, status => undef, stopped => 0,
	lines => [], offset => -s $switch->{log}, cursor => 0}, ref $switch);
is $again->control('param', op => 'get', name => 'session-timer.ttl')->{value}, 800,
	'the next start has the saved value';
finish;
