#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# A leg without session timer: the configured limit, or what policy says.
my $switch = start_switch(users => [1001, 1002], clock_rate => 50, lua => <<'LUA', config => {
local policy = {}
function policy.no_timer(call, leg)
	if leg.side == "caller" and call.caller.user_agent == "short" then
		return 60, "short calls"
	elseif leg.side == "caller" and call.caller.user_agent == "probed" then
		return { max_duration = 30, action = "probe" }, "ask first"
	end
end
return policy
LUA
	plugins => {registrar => {}, 'session-timer' => {no_timer_max_duration => 100}}});
my ($alice, $bob) = phones($switch, timer => 0);
my $records = 0;

sub call {
	my ($agent) = @_;
	$alice->{user_agent} = $agent;
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	return ($out, $in, now());
}

{
	my ($out, $in, $answered) = call('plain');
	my @leg = @{$switch->control('calls')->[0]{legs}};
	is($leg[0]{limit_by}, 'default', 'the configured limit');
	near($leg[0]{limit_in}, 100, 10, 'counts from the answer');
	ok($out->ended(10), 'at the limit: BYE to the caller');
	near((now() - $answered) * 50, 100, 12, 'not before, not after');
	ok($in->ended, 'and to the callee');
	my $cdr = ($switch->cdrs(++$records))[-1];
	is($cdr->{reason}, 'Max Duration', 'record: reason');
	is($cdr->{detail}, 'no-timer-limit', 'record: detail');
	is($cdr->{caller_timer}, 'none, limit 100 s by default', 'record: what held for the leg');
}
{
	my ($out, $in, $answered) = call('short');
	is($switch->control('calls')->[0]{legs}[0]{limit_by}, 'short calls', 'policy limits, by name');
	ok($out->ended(10), 'and ends the call');
	near((now() - $answered) * 50, 60, 10, 'at its limit');
	is(($switch->cdrs(++$records))[-1]{caller_timer}, 'none, limit 60 s by short calls', 'recorded');
	$in->ended;
}
{
	my ($out, $in) = call('probed');
	ok($out->expect('UPDATE', 5), 'policy asks for a probe: the peer is asked');
	is($switch->control('calls')->[0]{state}, 'active', 'it lives, the call goes on');
	$alice->{serve}{UPDATE} = sub { $_[0]->respond($_[1], 481) };
	ok($in->ended(5), 'the next time it does not: both legs end');
	my $cdr = ($switch->cdrs(++$records))[-1];
	is($cdr->{detail}, 'probe-failed', 'record: detail');
	is($cdr->{reason}, 'Session Timeout', 'record: reason');
}
finish;
