#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# A phone whose way changes in mid-call is found again; one whose way is gone ends the call.
my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => 20,
	config => {plugins => {registrar => {}, 'session-timer' => {ttl => 100}}});
my $nat = nat(outside => '127.0.0.2');
my $alice = phone(switch => $switch, user => 1001);
my $bob = phone(switch => $switch, user => 1002, nat => $nat);
is($_->register->code, 200, 'registered') for $alice, $bob;

my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;
my $before = $switch->endpoint(1002)->{received_port};
$nat->rebind;
is($bob->register->code, 200, 'the NAT gives the phone another port, and it registers from there');
isnt($switch->endpoint(1002)->{received_port}, $before, 'the switch sees it');
ok($in->expect('UPDATE', 10), 'the next refresh finds it at the new port');
$out->bye;
ok($in->ended, 'and so does the BYE');
is(($switch->cdrs(1))[0]{reason}, 'Normal', 'the call was not cut');

my $tcp = phone(switch => $switch, user => 1003, transport => 'tcp');
$tcp->register;
$out = $alice->invite('1003', sdp => 1);
$in = $tcp->incoming;
$in->answer(sdp => 1);
$out->answered;
$tcp->close;
ok($out->ended(10), 'its connection is gone: the refresh cannot be sent, the other leg gets BYE');
my $cdr = ($switch->cdrs(2))[1];
is($cdr->{reason}, 'Session Timeout', 'record: reason');
is($cdr->{detail}, 'refresh-failed', 'record: detail');
finish;
