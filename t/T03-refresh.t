#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Refreshes: UPDATE where the peer allows it, else the unchanged session again; and who watches.
my $switch = start_switch(users => [1001, 1002], clock_rate => 20,
	config => {plugins => {registrar => {}, 'session-timer' => {ttl => 100, update_segment => 2}}});
my $alice = phone(switch => $switch, user => 1001);
my $bob = phone(switch => $switch, user => 1002, allow => 'INVITE, ACK, CANCEL, BYE, OPTIONS');
is($_->register->code, 200, 'registered') for $alice, $bob;

my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->answer(sdp => 1);
my $answered = now();
$out->answered;
my $first_offer = $in->invite_message->body;

my $update = $out->expect('UPDATE', 10);
near((now() - $answered) * 20, 50, 6, 'a refresh after ttl / update_segment');
is($update->body, '', 'UPDATE without SDP where the peer allows UPDATE');
is($update->header('Session-Expires'), '100;refresher=uac', 'we are uac of our refresh');
my $again = $in->expect('INVITE', 10);
is($again->body, $first_offer, 're-INVITE with the same SDP, byte for byte, where it does not');
ok($in->expect('ACK'), 'and its ACK');
$switch->control_until(sub { 2 == grep { $_->{timer}{refreshes} } @{$_[0][0]{legs}} }, 'calls');
pass('both refreshes are counted');
ok($out->expect('UPDATE', 10), 'and the next comes a period later');

# 405 to UPDATE: re-INVITE from then on.
$alice->{serve}{UPDATE} = sub { $_[0]->respond($_[1], 405) };
$out->expect('UPDATE', 10);
ok($out->expect('INVITE', 5), '405 to UPDATE: the same session by re-INVITE at once');
is($switch->control('calls')->[0]{state}, 'active', 'the call goes on');
$out->bye;
ok($in->ended, 'ended');
my ($cdr) = $switch->cdrs(1);
cmp_ok($cdr->{refreshes}, '>=', 5, 'the record counts the refreshes');
is($cdr->{caller_timer}, '100 s, refresher switch', 'and says who made them');

# The peer refreshes: as long as it does, the call stands.
$out = $alice->invite('1002', sdp => 1, headers => ['Session-Expires' => '100;refresher=uac']);
$in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;
for (1 .. 3) {
	quiet(2.5);
	is($out->update(headers => ['Session-Expires' => '100;refresher=uac'])->code, 200,
		"the caller's refresh $_ is answered");
}
is($switch->control('calls')->[0]{legs}[0]{timer}{refreshes}, 3, 'and counted');
is($switch->control('calls')->[0]{state}, 'active', 'the session has outlived its first end');
$alice->{serve} = {};
ok($out->ended(10), 'then it stays silent: BYE to it');
ok($in->ended, 'and to the other leg');
$cdr = ($switch->cdrs(2))[1];
is($cdr->{reason}, 'Session Timeout', 'the record: reason');
is($cdr->{detail}, 'refresh-expired', 'and detail');
is($cdr->{ended_by}, 'server', 'and by whom');
finish;
