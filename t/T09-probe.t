#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# A leg without timer whose policy says `probe`: at the limit the peer is asked whether it is still
# there. Lost packets kill no call, silence does after so many probes, 481 at once.
my $switch = start_switch(users => [1001, 1002], clock_rate => 50, lua => <<'LUA', config => {
local policy = {}
function policy.no_timer(call, leg)
	return { max_duration = 30, action = "probe" }, "ask first"
end
return policy
LUA
	plugins => {registrar => {}, 'session-timer' => {probe_fail_limit => 3}}});
my ($alice, $bob) = phones($switch, timer => 0, retransmit => 1);
my $records = 0;

sub probes { return scalar(() = $switch->log_events(event => 'probe', @_)) }

# A fifth of the packets is lost, each way, on both legs: those of a leg that is asked by UPDATE and of
# one that knows none and is asked by re-INVITE.
{
	$bob->{allow} = 'INVITE, ACK, CANCEL, BYE';
	my ($out, $in) = answered_call($alice, '1002', $bob);
	$_->link->lose(20) for $alice, $bob;
	wait_for { probes(code => 200) >= 50 } 60;
	cmp_ok(probes(code => 200), '>=', 50, 'fifty probes');
	cmp_ok($_->link->lost, '>=', 15, $_->user . ': ' . $_->link->lost . ' packets were lost')
		for $alice, $bob;
	ok(scalar(my @asked = $alice->seen('UPDATE')), 'one leg was asked by UPDATE');
	ok(scalar(@asked = $bob->seen('INVITE')) > 1, 'the other by re-INVITE');
	is($switch->control('calls')->[0]{state}, 'active', 'and the call stands');
	$_->link->lose(0) for $alice, $bob;
	is($out->bye->code, 200, 'it ends when somebody hangs up');
	$in->ended;
	is(($switch->cdrs(++$records))[-1]{reason}, 'Normal', 'as any other');
	$bob->{allow} = $alice->{allow};
}

# Nobody answers.
{
	my ($out, $in) = answered_call($alice, '1002', $bob);
	my $before = probes(code => 0);
	$alice->silent(1);
	ok($in->ended(10), 'a peer that is gone: BYE to the other leg');
	is(probes(code => 0) - $before, 3, 'after three probes in a row, not after one');
	my $cdr = ($switch->cdrs(++$records))[-1];
	is($cdr->{detail}, 'probe-failed', 'record: detail');
	is($cdr->{reason}, 'Session Timeout', 'record: reason');
	$alice->silent(0);
	ok($out->ended(5), 'BYE to the silent one, too');
}

# Its own word is final.
{
	my ($out, $in) = answered_call($alice, '1002', $bob);
	$alice->{serve}{UPDATE} = sub { $_[0]->respond($_[1], 481) };
	ok($in->ended(5), '481: it has no such call, both legs end');
	ok($out->ended(5), 'at once');
	is(($switch->cdrs(++$records))[-1]{detail}, 'probe-failed', 'and the record says so');
	delete $alice->{serve}{UPDATE};
}

# Without UPDATE: re-INVITE with the session as it was.
{
	$alice->{allow} = 'INVITE, ACK, CANCEL, BYE';
	my ($out, $in) = answered_call($alice, '1002', $bob);
	my $again = $out->expect('INVITE', 5);
	is($again->body, $out->remote_sdp_text, 'a probe by re-INVITE repeats the session');
	ok($out->expect('ACK', 5), 'and is acknowledged');
	is($switch->control('calls')->[0]{state}, 'active', 'the call goes on');
	$out->bye;
}
finish;
