#!/usr/bin/perl
# A broken script never drops a call: each function fails in each way, the configured default
# holds, and the log says where.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my @functions = qw(keepalive no_timer media register credentials route answered ended);
my %value = map { $_ => 1 } qw(keepalive no_timer media register credentials route);    # these answer

# A value of every type, which none of them may answer.
my %type = (boolean => 'true', number => '-1.5', string => '"user:1002"', table => '{ oops = 1 }',
	function => 'print', thread => 'coroutine.create(print)');

# Ways to fail: the body of a function, and whether its line is the body's or the definition's.
my %way = (
	'an error' => {body => sub { 'local nothing; return nothing.field' }, offset => 1,
		text => qr/attempt to index a nil value/},
	'a raised error' => {body => sub { 'error({})' }, offset => 1, text => qr/error|table/},
	(map { my $type = $_; ("a wrong answer, a $type" => {body => sub { "return $type{$type}" }, offset => 0,
		text => qr/wrong answer/, only => \%value}) } keys %type),
	'half of an answer' => {body => sub { 'return {ha1 = "short", expires = 60, period = 15, reject = 404, x = 1}' },
		offset => 0, text => qr/wrong answer/, only => \%value},
	'an endless loop' => {body => sub { 'while true do end' }, offset => 1,
		text => qr/max_(?:instructions|time_ms) reached/},
	'a loop that catches its end' => {offset => 1, text => qr/max_(?:instructions|time_ms) reached/,
		body => sub { 'while true do pcall(function() while true do end end) end' }},
	'a coroutine without end' => {offset => 1, text => qr/max_(?:instructions|time_ms) reached/,
		body => sub { 'return coroutine.wrap(function() while true do end end)()' }},
	'a bomb of string.rep' => {offset => 1, text => qr/string\.rep: more than/,
		body => sub { "local s = ('x'):rep(1000000000)" }},
	'a bomb of a pattern' => {offset => 1, text => qr/pattern takes too long|max_time_ms/,
		body => sub { "local s = ('a'):rep(100000):match('.-.-.-b')" }},
	'deep recursion' => {offset => 1, text => qr/stack overflow|memory|max_/,
		body => sub { 'local function f() return 1 + f() end local x = f()' }},
	'an error that errs' => {offset => 1, text => qr/./,
		body => sub { 'error(setmetatable({}, {__tostring = function() error("again") end}))' }},
	'os.exit' => {offset => 1, text => qr/attempt to index a nil value \(global 'os'\)/,
		body => sub { 'os.exit(1)' }},
	'endless growth' => {body => sub { 'local t = {} while true do t[#t + 1] = {} end' }, offset => 1,
		text => qr/memory|max_(?:instructions|time_ms) reached/},
);

# The script, and the line where each function begins.
sub script {
	my ($way) = @_;
	my @line = ('local policy = {}');
	my %begins;
	for my $name (grep { !$way->{only} || $way->{only}{$_} } @functions) {
		push @line, "function policy.$name(...)", "\t" . $way->{body}->($name), 'end';
		$begins{$name} = @line - 2;
	}
	return (join("\n", @line, 'return policy', ''), \%begins);
}

my $switch = start_switch(users => [1001 .. 1004], lua => 'return {}', config => {
	policy => {max_time_ms => 20, max_memory_mb => 8},
	plugins => {registrar => {expire => 900}, keepalive => {period => 40, targets => 'all'},
		'session-timer' => {no_timer_max_duration => 5000}, 'media-proxy' => {}}});
my ($alice, $bob) = map { phone(switch => $switch, user => $_, timer => 0) } 1001, 1002;
my $records = 0;

# A hundred calls are up through all of it, with keepalives and refreshes of registrations beside.
my ($carol, $dave) = map { phone(switch => $switch, user => $_, timer => 0) } 1003, 1004;
$_->register for $carol, $dave;
my @up = map {
	my $out = $carol->invite('1004', sdp => 1);
	my $in = $dave->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	[$out, $in];
} 1 .. 100;
my %up = map { $_->{id} => 1 } @{$switch->control('calls')};
is(scalar(keys %up), 100, 'a hundred calls');

for my $name (sort keys %way) {
	my ($text, $begins) = script($way{$name});
	$switch->write_file('policy.lua', $text);
	ok($switch->reload->{ok}, "$name: the script is taken: it looks well until it runs");
	for my $phone ($alice, $bob) {
		my $granted = $phone->register;
		is($granted->code, 200, "$name: register, credentials: the configured password holds");
		like($granted->header('Contact'), qr/;expires=900\b/, "$name: register: the configured expiry");
	}
	my $beat = $switch->endpoint('1001')->{keepalive};
	is($beat->{decided_by}, 'default', "$name: keepalive: by default");
	is($beat->{period}, 40, "$name: keepalive: as configured");

	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	my ($row) = grep { !$up{$_->{id}} } @{$switch->control('calls')};
	is($row->{state}, 'active', "$name: route: the call went its default way and is up");
	is($row->{media}{reason}, 'auto:6 direct', "$name: media: as configured");
	is($row->{legs}[0]{limit_by}, 'default', "$name: no_timer: by default");
	near($row->{legs}[0]{limit_in}, 5000, 10, "$name: no_timer: as configured");
	is($out->bye->code, 200, "$name: it is hung up");
	$in->ended;
	my $cdr = ($switch->cdrs(++$records))[-1];
	is($cdr->{reason}, 'Normal', "$name: and recorded");

	for my $function (sort keys %$begins) {
		my $failure;
		wait_for { ($failure) = $switch->log_events(tag => 'policy', event => 'failed',
			line => qr/\bfunction=$function\b/, error => $way{$name}{text}) };
		my $line = $begins->{$function} + $way{$name}{offset};
		like($failure ? $failure->{line} : 'nothing', qr/policy\.lua:$line\b/,
			"$name: the log has the line of $function");
	}
	my ($failure) = $switch->log_events(function => 'keepalive', event => 'failed');
	like($failure->{for}, qr/^100[1-4]\@holdline\.test$/, "$name: and whom it was about");
	$_->unregister for $alice, $bob;
	@{$switch->{lines}} = ();
	$switch->{cursor} = 0;
}

# Its metrics, of each function.
my %metric = map { ("$_->{name} " . ($_->{labels} // '') => $_->{value}) } @{$switch->control('metrics')};
for my $function (@functions) {
	cmp_ok $metric{"holdline_policy_${_}_total function=\"$function\""}, '>', 0, "$_ of $function are counted"
		for qw(calls errors limits seconds);
}
cmp_ok $metric{'holdline_policy_memory_bytes '}, '>', 1000, 'memory is known';
cmp_ok $metric{'holdline_policy_memory_bytes '}, '<=', 8 << 20, 'and within its cap';

# A call that a script has kept is a picture of it: it knows nothing more, and breaks nothing.
$switch->write_file('policy.lua', "local kept\nreturn {media = function(call)\n\tlocal before = kept or call\n\tkept = call\n"
	. "\treturn before:header('X-None')\nend}\n");
ok($switch->reload->{ok}, 'a script that keeps calls');
$_->register for $alice, $bob;
for my $n (1, 2) {
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	is($out->bye->code, 200, "call $n goes its way");
	$in->ended;
	$records++;
}
like($switch->wait_log(event => 'failed', function => 'media')->{error}, qr/of a call that was decided before/,
	'asking a call of before is an error with its line');

# What does not even load leaves the script of before.
$switch->write_file('policy.lua', "return {media = function() return 'off', 'the good one' end}\n");
ok($switch->reload->{ok}, 'a good script');
$switch->write_file('policy.lua', "return {media = function( return 'off' end}\n");
my $answer = $switch->reload;
like($answer->{error}, qr/policy\.lua:1: .*expected near/, 'a syntax error is refused with its line');
my $out = $carol->invite('1004', sdp => 1);
my $in = $dave->incoming;
$in->answer(sdp => 1);
$out->answered;
my ($row) = grep { !$up{$_->{id}} } @{$switch->control('calls')};
is($row->{media}{reason}, 'policy: the good one', 'and the one before decides on');
$out->bye;
$in->ended;

is(scalar(grep { $up{$_->{id}} && $_->{state} eq 'active' } @{$switch->control('calls')}), 100,
	'the hundred calls went on through all of it');
is(scalar(grep { $_->[0]->bye->code == 200 && $_->[1]->ended } @up), 100, 'and hang up in good order');
finish;
