#!/usr/bin/perl
# M8: what is no RTP is counted and never forwarded, tiny and jumbo packets pass.
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
hear_each_other($call, $in, 'a call');

sub header { my ($flags, $type) = @_; return pack 'CCnNN', $flags, $type, 1, 160, 7 }

my @bad = (
	['RTP of version 1', header(0x40, 0) . 'x' x 160],
	['RTP of version 0', header(0x00, 0) . 'x' x 160],
	['RTP of version 3', header(0xc0, 0) . 'x' x 160],
	['eleven bytes of a header', substr header(0x80, 0), 0, 11],
	['fifteen CSRCs that are not there', header(0x8f, 0) . 'x' x 20],
	['an extension that is not there', header(0x90, 0)],
	['an extension longer than the packet', header(0x90, 0) . pack('nn', 0xbede, 1000) . 'x' x 160],
	['half an RTCP header', pack 'CCn', 0x80, 200, 1],
	['nothing', ''],
	['one byte', "\x80"],
	['text', 'INVITE sip:1002@127.0.0.1 SIP/2.0'],
	['64 KiB', header(0x80, 0) . 'x' x 65000],
);
$_->forget for $left, $right;
$left->send_bytes($_->[1]) for @bad;
my $last = $left->send_one;
ok($right->wait_received(1), 'what comes behind them passes');
is(($right->received)[0]{bytes}, $last, '  and nothing else has');
my $stream = media_of($switch)->{streams}[0]{caller};
is($stream->{invalid}, scalar @bad, join ', ', map { $_->[0] } @bad[0 .. 3], ['… are all counted']);
is($switch->control('media')->{invalid}, scalar @bad, 'in the sum too');

# On the RTCP port
$left->send_control($_->[1]) for @bad;
$left->send_report($right);
ok($right->wait_report, 'RTCP behind the same passes');
is(scalar $right->reports, 1, '  and nothing else');

for my $size (12, 13, 1472, 4000, 8972, 9216) {
	$right->forget;
	my $bytes = header(0x80, 0) . 'j' x ($size - 12);
	$left->send_bytes($bytes);
	$right->wait_received(1);
	is(($right->received)[0]{bytes}, $bytes, "$size bytes pass unchanged");
}
$right->forget;
$left->send_bytes(header(0x80, 0) . 'j' x 9205);
$last = $left->send_one;
$right->wait_received(1);
is(($right->received)[0]{bytes}, $last, '9,217 are dropped, not cut');
hear_each_other($call, $in, 'and the call goes on');
$call->bye;

finish;
