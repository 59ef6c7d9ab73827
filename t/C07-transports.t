#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# UDP and TCP, IPv4 and IPv6, several listeners: each leg goes the way its phone came.
my $switch = start_switch(users => [1001, 1002, 1003, 1004], config => {switch => {
	listen => ['udp:127.0.0.1:0', 'udp:127.0.0.3:0', 'tcp:127.0.0.1:0', 'udp:[::1]:0', 'tcp:[::1]:0']}});
my $udp = phone(switch => $switch, user => 1001);
my $tcp = phone(switch => $switch, user => 1002, transport => 'tcp');
my $udp6 = phone(switch => $switch, user => 1003, local => '::1');
my $tcp6 = phone(switch => $switch, user => 1004, local => '::1', transport => 'tcp');
my %name = (1001 => 'UDP', 1002 => 'TCP', 1003 => 'UDP over IPv6', 1004 => 'TCP over IPv6');
is($_->register->code, 200, "registered by $name{$_->user}") for $udp, $tcp, $udp6, $tcp6;
is($switch->endpoint(1003)->{received}, '::1', 'an IPv6 address alone is bare');
is($switch->endpoint(1003)->{local}, $switch->address('udp', '::1'), 'with a port it has brackets');
is($switch->endpoint(1002)->{transport}, 'tcp', 'the transport is known');

for my $pair ([$udp, $tcp], [$tcp, $udp6], [$udp6, $tcp6], [$tcp6, $udp]) {
	my ($from, $to) = @$pair;
	my $name = $name{$from->user} . ' calls ' . $name{$to->user};
	my $out = $from->invite($to->user, sdp => 1);
	my $in = $to->incoming;
	my $via = $in->invite_message->header('Via');
	like($via, $to->{transport} eq 'tcp' ? qr/SIP\/2\.0\/TCP/ : qr/SIP\/2\.0\/UDP/, "$name: Via");
	$in->respond(180);
	$out->expect(180);
	$in->answer(sdp => 1);
	$out->answered;
	is($in->reinvite(sdp => 1)->code, 200, "$name: re-INVITE passes");
	is($out->bye->code, 200, "$name: BYE");
	ok($in->ended, "$name: both ends");
}
is(scalar(my @record = $switch->cdrs(4)), 4, 'four records');

# The second UDP listener: requests that came to it are answered from it.
my ($second) = $switch->{ready}{line} =~ /udp:(127\.0\.0\.3:\d+)/;
my $phone = phone(switch => $switch, user => 1001, server => $second, local => '127.0.0.1');
is($phone->register->code, 200, 'registered at the second listener');
my $out = $udp->invite('1001', sdp => 1);
my $in = $phone->incoming;
is($in->invite_message->from, $second, 'a call to it leaves from there');
$in->reject(486);
$udp->incoming->reject(486);
is($out->failed->code, 486, 'and its answer comes back');

my $options = $udp->request('OPTIONS', 'sip:' . $switch->address('udp'), auth => 0);
is($options->code, 200, 'OPTIONS to the switch is answered');
like($options->header('Allow'), qr/INVITE.*UPDATE/, 'with what it can do');
is($udp->request('PUBLISH', 'sip:1001@holdline.test')->code, 405, 'a method it does not serve: 405');

# A connection that is gone takes its contact along.
$tcp->close;
$switch->control_until(sub { !@{$_[0]} }, 'endpoints', user => 1002);
pass('the contact of a closed connection is removed');
is($udp->invite('1002', sdp => 1)->failed->code, 480, 'and its user is not there');
finish;
