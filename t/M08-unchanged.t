#!/usr/bin/perl
# M8: payload, sequence number, timestamp and SSRC arrive unchanged.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $switch = start_switch(users => [1001, 1002], config => {
	plugins => {registrar => {}, 'media-proxy' => {mode => 'on'}}});
my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
my ($call, $in) = connected($alice, $bob);
my ($left, $right) = map { $_->{rtp} } $alice, $bob;

$left->{sequence} = 65530;
ok(heard_both_ways($call, $in, 50), 'a second of sound each way');
wait_for { $left->received == $right->sent && $right->received == $left->sent } 2;
is(scalar $right->received, $left->sent, 'every packet of the caller arrives');
is(scalar $left->received, $right->sent, 'and every one of the callee');
is($right->altered($left), 0, 'bit by bit as it was sent');
is($left->altered($right), 0, 'both ways');
is_deeply([map { $_->{bytes} } $right->received], [map { $_->{bytes} } @{$left->{sent}}],
	'in the order they were sent, over the wrap of the sequence number');

# What a packet may look like besides: CSRCs, an extension, padding, an odd length
my %packets = (
	'CSRCs' => pack('CCnNNNN', 0x82, 0, 1, 2, 3, 4, 5) . 'x' x 160,
	'an extension' => pack('CCnNNnnN', 0x90, 0x80, 1, 2, 3, 0xbede, 1, 7) . 'y' x 160,
	'padding' => pack('CCnNN', 0xa0, 101, 1, 2, 3) . "zzz\1",
	'a header alone' => pack('CCnNN', 0x80, 13, 1, 2, 3),
	'1,400 bytes' => pack('CCnNN', 0x80, 99, 1, 2, 3) . 'v' x 1388,
);
for my $name (sort keys %packets) {
	$right->forget;
	$left->send_bytes($packets{$name});
	$right->wait_received(1);
	my ($got) = $right->received;
	is($got->{bytes}, $packets{$name}, "a packet with $name");
}
$call->bye;

finish;
