#!/usr/bin/perl
# M6: ICE in the SDP of relayed calls: passed, with the relay as the last resort, or taken out; checks
# pass through the relay.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my @candidate = map { "a=candidate:1 $_ UDP 213070643$_ 192.168.1.10 400$_ typ host" } 1, 2;
my @ice = ('a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', @candidate);

# The lines about ICE in what a phone was given.
sub ice_lines { my ($side) = @_; return grep { /^a=(?:ice-|candidate)/ } @{$side->remote_sdp->{media}[0]{lines}} }

my %want = (
	pass => sub { @ice },
	relay => sub {
		my ($port) = @_;
		return (@ice[0, 1], (map { "a=candidate:holdline $_ UDP " . (16777216 - $_) . ' 127.0.0.1 '
			. ($port + $_ - 1) . ' typ relay raddr 0.0.0.0 rport 9' } 1, 2), @candidate);
	},
	remove => sub { () },
);

for my $mode (sort keys %want) {
	my $switch = start_switch(users => [1001, 1002], config => {
		plugins => {registrar => {}, 'media-proxy' => {mode => 'on', ice => $mode}}});
	my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
	my ($call, $in) = connected($alice, $bob, map { $_ => {lines => \@ice} } qw(offer answer));
	for (['callee', $in], ['caller', $call]) {
		my ($who, $side) = @$_;
		is_deeply([ice_lines($side)], [$want{$mode}->($side->remote_sdp->{port})], "ice: $mode, as the $who sees it");
	}
	my ($left, $right) = map { $_->{rtp} } $alice, $bob;
	my $check = pack('nnN', 1, 0, 0x2112a442) . 'transaction!';
	$left->target($call->remote_sdp)->send_bytes($check);
	ok($right->wait_received(1), '  a check passes before anything else has');
	is(($right->received)[0]{bytes}, $check, '  as it was sent');
	hear_each_other($call, $in, '  and both are heard');
	$call->bye;
	$switch->stop;
}

finish;
