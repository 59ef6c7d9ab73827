#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# No open relay: a stranger gets nowhere, whatever plugins are left out. And no loop: a gateway that
# is the switch itself ends a call at once.
my $carrier = phone(user => 'carrier', server => '127.0.0.1:1');
my $port = Holdline::Test::Sipp::free_port('127.0.0.1');
my $switch = start_switch(users => [1001], config => {
	switch => {listen => ["udp:127.0.0.1:$port"]}, plugins => {'session-timer' => {}},
	gateways => {carrier => {address => 'sip:' . $carrier->address, prefix => '00'},
		mirror => {address => "sip:127.0.0.1:$port", prefix => '99', match => ['127.0.0.9/32']}}});
my $stranger = phone(switch => $switch, user => 'stranger', local => '127.0.0.5');
is($stranger->invite('0049', sdp => 1)->failed->code, 403, 'without the registrar nobody is known: 403');
my ($cdr) = $switch->cdrs(1);
is($cdr->{detail}, 'not-authenticated', 'and the record says why');
is(scalar(my @got = $carrier->seen('INVITE')), 0, 'the gateway hears nothing of it');

my $peer = phone(switch => $switch, user => 'peer', local => '127.0.0.9');
is($peer->invite('991', sdp => 1)->failed->code, 482, 'a gateway that is the switch: loop detected');
is(scalar(my @record = $switch->cdrs(2)), 2, 'one call, one record');
finish;
