#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Session timers, asked for and granted on each leg by itself (T1, T2, T10, 422).
my $switch = start_switch(users => [1001, 1002, 1003], config => {
	endpoints => {1003 => {password => 'secret-1003', session_timer => 'off'}}});
my ($alice, $bob, $off) = phones($switch);

sub call {
	my ($from, $to, $phone, %arg) = @_;
	my $out = $from->invite($to, sdp => 1, %arg);
	my $in = $phone->incoming;
	$in->answer(sdp => 1);
	my $answer = $out->answered;
	my ($row) = @{$switch->control('calls')};
	$out->bye;
	$in->ended;
	return ($in->invite_message, $answer, @{$row->{legs}});
}

my ($invite, $answer, $caller, $callee) = call($alice, '1002', $bob);
is($invite->header('Session-Expires'), '600;refresher=uac', 'to the callee: ttl, and we refresh');
is($invite->header('Min-SE'), 90, 'and Min-SE');
like($invite->header('Supported'), qr/\btimer\b/, 'and Supported: timer');
is($answer->header('Session-Expires'), '600;refresher=uas', 'to the caller: ttl, and we refresh');
like($answer->header('Require'), qr/\btimer\b/, 'with Require: timer');
is($_->{timer}{refresher}, 'switch', "$_->{side}: the switch refreshes") for $caller, $callee;
ok($_->{timer}{active}, "$_->{side}: a timer runs") for $caller, $callee;
near($caller->{timer}{next_in}, 300, 2, 'after ttl / update_segment');

($invite, $answer, $caller) = call($alice, '1002', $bob,
	headers => ['Session-Expires' => '300;refresher=uac']);
is($answer->header('Session-Expires'), '300;refresher=uac', 'a caller that wants to refresh does');
is($caller->{timer}{refresher}, 'peer', 'and the switch watches');
is($invite->header('Session-Expires'), '600;refresher=uac', 'nothing of it shows on the other leg');

($invite, $answer) = call($alice, '1002', $bob, headers => ['x' => '1800']);
is($answer->header('Session-Expires'), '600;refresher=uas', 'compact x is read; more is lowered to ttl');

my $refused = $alice->invite('1002', sdp => 1, headers => ['Session-Expires' => '60'])->failed;
is($refused->code, 422, 'less than min_se: 422');
is($refused->header('Min-SE'), 90, 'which names ours');

$alice->{timer} = 0;
($invite, $answer, $caller) = call($alice, '1002', $bob, headers => ['Session-Expires' => '60']);
is($answer->header('Session-Expires'), undef, 'a caller without timers gets none');
ok(!$caller->{timer}{active}, 'its leg has no timer');
is($caller->{limit_by}, 'default', 'but the configured limit');
near($caller->{limit_in}, 7200, 2, 'of two hours');

($invite, $answer, undef, $callee) = call($bob, '1003', $off);
is($invite->header('Session-Expires'), undef, 'session_timer off: none is offered');
ok(!$callee->{timer}{active}, 'and none runs');
finish;
