#!/usr/bin/perl
# sipp, which shares no code with us, calls sipp through the switch: one call, then a load.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan(skip_all => 'sipp is not installed (Debian: sip-tester)')
	unless Holdline::Test::Sipp::available();

my $switch = start_switch(users => [1001, 1002]);

# sipp registers its port, then answers on it.
my $port = Holdline::Test::Sipp::free_port('127.0.0.1');
my $registering = sipp(scenario => 'uac_register', remote => $switch->address('udp'), port => $port,
	user => '1002', password => 'secret-1002');
ok($registering->succeeded, 'sipp registers');
is($switch->endpoint('1002')->{received_port}, $port, 'from the port it will answer on');

sub callee {
	my ($calls) = @_;
	return sipp(scenario => 'uas_answer', calls => $calls, port => $port, seconds => 30);
}

sub caller_of {
	my ($calls, %arg) = @_;
	return sipp(scenario => 'uac_call', remote => $switch->address('udp'), user => '1001',
		password => 'secret-1001', to => '1002', calls => $calls, seconds => 30, %arg);
}

my $answering = callee(1);
my $calling = caller_of(1, pause => 100);
ok($calling->succeeded, 'one call: the caller saw what it expected');
ok($answering->succeeded, 'and so did the callee');
like($calling->messages, qr/^SIP\/2\.0 407 .*^Proxy-Authenticate: /ms, 'it was challenged');
like($calling->messages, qr/^Proxy-Authorization: Digest .*username="1001"/ms,
	'and answered with credentials');
my ($cdr) = $switch->cdrs(1);
is($cdr->{caller}, '1001', 'record: caller');
is($cdr->{callee}, '1002', 'record: callee');
is($cdr->{callee_addr}, "127.0.0.1:$port", 'record: where it went');
is($cdr->{reason}, 'Normal', 'record: reason');
is($cdr->{ended_by}, 'caller', 'record: who hung up');
near($cdr->{duration}, 0.1, 0.09, 'record: duration');

my $load = 100;
$answering = callee($load);
$calling = caller_of($load, rate => 50, pause => 200);
ok($calling->succeeded, "$load calls at 50/s: all succeed for the caller");
ok($answering->succeeded, 'and for the callee');
my @record = $switch->cdrs($load + 1, 10);
is(scalar @record, $load + 1, 'one record for each call');
my %id = map { $_->{id} => 1 } @record;
is(scalar keys %id, $load + 1, 'each with an id of its own');
is(scalar(grep { $_->{reason} eq 'Normal' && $_->{sip_code} == 200 && $_->{answered} } @record),
	$load + 1, 'all of answered calls that ended normally');
is($switch->control('status')->{calls}, 0, 'no call is left');
is($switch->control_until(sub { $_->{cdr_waiting} == 0 }, 'status')->{cdr_waiting}, 0,
	'no record waits');
$switch->stop;
is(scalar($switch->cdrs($load + 1)), $load + 1, 'and none came twice');
done_testing();
