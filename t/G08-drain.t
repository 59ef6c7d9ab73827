#!/usr/bin/perl
# A listener that a reload takes away: nothing new begins there, and nobody who is there loses his way.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use IO::Socket::INET;

my $second = Holdline::Test::Sipp::free_port('127.0.0.2');
my @stay = ('udp:127.0.0.1:0', 'tcp:127.0.0.1:0');
my @go = ("udp:127.0.0.2:$second", "tcp:127.0.0.2:$second");
my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => 10, config => {
	switch => {listen => [@stay, @go], connections => {idle_timeout => 40}},
	plugins => {registrar => {}, keepalive => {period => 10, targets => 'all'}, 'session-timer' => {},
		'media-proxy' => {}}});
my $config = $switch->{config};
sub listen_on { my (@address) = @_;
	return $switch->reload({%$config, switch => {%{$config->{switch}}, listen => [@address]}}) }

my $home = phone(switch => $switch, user => 1001);
my %there = (server => "127.0.0.2:$second", local => '127.0.0.2', switch => $switch);
my $udp = phone(%there, user => 1002);
my $tcp = phone(%there, user => 1003, transport => 'tcp');
is($_->register->code, 200, "$_->{user} registers") for $home, $udp, $tcp;
my $call = $home->invite('1003', sdp => 1);
my $in = $tcp->incoming;
$in->answer;
$call->answered;

ok(listen_on(@stay)->{ok}, 'both listeners of an address are taken away');
is(scalar(grep { /127\.0\.0\.2/ } @{$switch->control('status')->{listen}}), 0, 'status has them no more');
ok($switch->wait_log(event => 'listener-draining', transport => $_), "the log says that $_ drains")
	for qw(udp tcp);
is($in->reinvite(sdp => 1)->code, 200, 'a call over them goes on');
$udp->expect({raw => 'HELLO'}, 8);
pass('heartbeats go on');
my $ring = $home->invite('1002', sdp => 1);
$udp->incoming->reject(486);
is($ring->failed->code, 486, 'who is registered there can be called');
is($udp->register(expires => 600)->code, 503, 'a registration is not renewed there');
is($tcp->register(expires => 600)->code, 503, 'over TCP neither');
is($udp->invite('1001', sdp => 1)->failed->code, 503, 'nor does a call begin there');
ok(!IO::Socket::INET->new(PeerAddr => "127.0.0.2:$second"), 'nobody else can connect');
ok(!IO::Socket::INET->new(LocalAddr => "127.0.0.2:$second", Proto => 'udp'), 'the UDP socket is still there');

is($udp->unregister->code, 200, 'unregistering is served');
ok($switch->wait_log(event => 'listener-closed', transport => 'udp'), 'and nobody is left: it is closed');
ok(IO::Socket::INET->new(LocalAddr => "127.0.0.2:$second", Proto => 'udp'), 'its port is free');
is($call->bye->code, 200, 'the call ends');
$in->ended;
$tcp->unregister;
ok($switch->wait_log(event => 'disconnected', why => qr/^idle/, timeout => 30),
	'a connection that nobody needs is closed as any other');
ok($switch->wait_log(event => 'listener-closed', transport => 'tcp'), 'and its listener with it');

# One that comes back before it is empty goes on as if nothing had been.
ok(listen_on(@stay, "udp:127.0.0.2:$second")->{ok}, 'a listener again');
is($udp->register->code, 200, 'serves');
ok(listen_on(@stay)->{ok}, 'goes');
is($udp->register->code, 503, 'serves nothing new');
ok(listen_on(@stay, "udp:127.0.0.2:$second")->{ok}, 'and is back before it was closed');
is($udp->register->code, 200, 'the phone may stay');
ok((grep { /127\.0\.0\.2/ } @{$switch->control('status')->{listen}}), 'and status has it again');
finish;
