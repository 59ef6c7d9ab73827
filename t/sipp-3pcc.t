#!/usr/bin/perl
# Third party call control (RFC 3725) by sipp: a controller with a call to each of two parties through
# the switch; the first offers in its 200, the second answers that, and the ACK brings the answer back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan(skip_all => 'sipp is not installed (Debian: sip-tester)')
	unless Holdline::Test::Sipp::available();
my %port = map { $_ => Holdline::Test::Sipp::free_port('127.0.0.1') }
	qw(controller_a controller_b party_a party_b);
my %prefix = (party_a => '1', party_b => '2', controller_a => '8', controller_b => '9');
my $calls = 10;

sub listens {
	my ($port) = @_;
	open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
	return scalar grep { /^\s*\d+: \S+:(\w+) \S+ 0A / && hex $1 == $port } <$in>;
}

for my $mode ('off', 'on') {
	my $switch = start_switch(config => {
		plugins => {'session-timer' => {}, 'media-proxy' => {mode => $mode}},
		gateways => {map { ($_ => {address => "sip:127.0.0.1:$port{$_}", prefix => $prefix{$_}}) }
			keys %prefix}});
	my %party = (a => sipp(scenario => 'uas_offer', calls => $calls, port => $port{party_a}),
		b => sipp(scenario => 'uas_answer', calls => $calls, port => $port{party_b}));
	# The half that waits for the other's word listens for it, so it comes first.
	my $twin = Holdline::Test::Sipp::free_port('127.0.0.1');
	my $half = sub { my ($side, $to) = @_; return sipp(scenario => "3pcc_controller_$side",
		calls => $calls, rate => 10, port => $port{"controller_$side"}, to => $to,
		remote => $switch->address('udp'), args => ['-3pcc', "127.0.0.1:$twin"]) };
	my %half = (b => $half->('b', '2002'));
	wait_for { listens($twin) } 10;
	$half{a} = $half->('a', '1001');
	ok($half{$_}->succeeded, "relay $mode: the controller's half towards party $_") for qw(a b);
	ok($party{$_}->succeeded, "relay $mode: party $_") for qw(a b);
	my @record = $switch->cdrs(2 * $calls, 10);
	is(scalar(grep { $_->{reason} eq 'Normal' && $_->{ended_by} eq 'caller' } @record), 2 * $calls,
		"relay $mode: a record for each half of each call");
	is(scalar(grep { $_->{codec} && $_->{codec} eq 'PCMU' } @record), 2 * $calls,
		"relay $mode: each with what was negotiated");
	is($switch->control('status')->{calls}, 0, "relay $mode: no call is left");
	$switch->stop;
}
finish;
