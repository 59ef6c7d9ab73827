#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# What the log and `holdlinectl call ID` say of each leg: its session timer or its limit and by which
# rule, when it was last alive, and the ladder of messages with their times.
my $switch = start_switch(users => [1001, 1002], clock_rate => 20, lua => <<'LUA', config => {
local policy = {}
function policy.no_timer(call, leg)
	if leg.side == "callee" then
		return 900, "old phones"
	end
end
return policy
LUA
	plugins => {registrar => {}, 'session-timer' => {ttl => 100, update_segment => 10}}});
my $alice = phone(switch => $switch, user => 1001);
my $bob = phone(switch => $switch, user => 1002, timer => 0);
$_->register for $alice, $bob;
my $ctl = $ENV{HOLDLINECTL} || die "HOLDLINECTL must name holdlinectl\n";

sub ask {
	my @command = ($ctl, '-s', $switch->control_path, @_);
	open my $out, '-|', @command or die "@command: $!";
	local $/;
	my $text = <$out>;
	close $out;
	return $text;
}

my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->respond(180);
$out->expect(180);
$in->answer(sdp => 1);
$out->answered;
$switch->control_until(sub { $_[0][0]{state} eq 'active' }, 'calls');
my $id = $switch->control('calls')->[0]{id};

my $timer = $switch->wait_log(event => 'session-timer', call => $id);
is("$timer->{side} $timer->{session_expires} $timer->{min_se} $timer->{refresher}",
	'caller 100 0 switch', 'log: Session-Expires, Min-SE and refresher of a leg with timer');
my $limit = $switch->wait_log(event => 'no-session-timer', call => $id);
is("$limit->{side} $limit->{limit} $limit->{by}", 'callee 900 old phones',
	'log: limit and rule of a leg without');
my $row = $switch->control('call', id => $id);
is($row->{legs}[0]{timer}{session_expires}, 100, 'call: Session-Expires');
is($row->{legs}[1]{limit_by}, 'old phones', 'call: the rule of the limit');

my @ladder = map { join ' ', @$_{qw(side way)}, $_->{status} // (), $_->{method},
	$_->{sdp} ? 'SDP' : () } @{$row->{messages}};
is_deeply(\@ladder, ['caller in INVITE SDP', 'callee out INVITE SDP', 'callee in 180 INVITE',
	'caller out 180 INVITE', 'callee in 200 INVITE SDP', 'callee out ACK',
	'caller out 200 INVITE SDP', 'caller in ACK'], 'the ladder of a call, in order');
like($row->{messages}[0]{at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'with times');
is_deeply([sort map { $_->{at} } @{$row->{messages}}], [map { $_->{at} } @{$row->{messages}}],
	'that go one way');
is($switch->control('calls')->[0]{messages}, undef, '`calls` is without');

my $text = ask('call', $id);
like($text, qr/^\d\d:\d\d:\d\d\.\d{3}\s+--> INVITE \+SDP\s+\d+$/m, 'in text: to the switch');
like($text, qr/^\d\d:\d\d:\d\d\.\d{3}\s+--> INVITE \+SDP\s+1$/m, 'from it to the callee');
like($text, qr/<-- 180 INVITE/, 'and back');
like($text, qr/Last alive/, 'and when it was last alive');
like($text, qr/old phones/, 'and by which rule it is limited');

my $alive = $row->{last_alive};
$switch->control_until(sub { $_[0]{last_alive} gt $alive }, 'call', id => $id);
pass('a refresh that is answered is a sign of life');
$switch->control_until(sub { $_[0]{messages_not_kept} > 0 }, 'call', id => $id);
my $long = $switch->control('call', id => $id);
is(scalar @{$long->{messages}}, 32, 'a long ladder is bounded');
is($long->{messages}[0]{method}, 'INVITE', 'its beginning is kept');
is($long->{messages}[-1]{method}, 'UPDATE', 'and its end');
$out->bye;
$in->ended;
my ($cdr) = $switch->cdrs(1);
is($cdr->{caller_timer}, '100 s, refresher switch', 'the record says so, too');
is($cdr->{callee_timer}, 'none, limit 900 s by old phones', 'for both legs');
cmp_ok($cdr->{last_alive}, 'gt', $alive, 'and when the call was last alive');
finish;
