#!/usr/bin/perl
# M7: loss, jitter, round trip, what the other end reports and a MOS, while the call runs and in its
# record; one-way audio is flagged while it lasts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $switch = start_switch(users => [1001, 1002], clock_rate => 10, config => {
	plugins => {registrar => {}, 'media-proxy' => {mode => 'on', media_timeout => 0}}});
my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
my ($left, $right) = map { $_->{rtp} } $alice, $bob;
my ($call, $in) = connected($alice, $bob);

# 100 packets of which every tenth is lost on the way to the switch
$left->target($call->remote_sdp);
$right->target($in->remote_sdp);
my $packets = 0;
for (1 .. 100) {
	$_ % 10 ? ++$packets && $left->send_one : $left->packet;
	$right->send_one;
}
$switch->control_until(sub {
	my $stream = $_[0][0]{media}{streams}[0];
	return $stream->{caller}{packets} == $packets && $stream->{callee}{packets} == 100;
}, 'calls');
$left->send_report;
$right->wait_report or die 'no report';
quiet(0.1);
$right->answer_report(($right->reports)[0]{bytes}, lost => 25, jitter => 160);
$left->wait_report or die 'no answer';

my $media = media_of($switch);
my ($caller, $callee) = @{$media->{streams}[0]}{qw(caller callee)};
is($caller->{lost}, 9, 'what was lost from the caller is counted');
is($callee->{lost}, 0, 'and nothing from the callee');
cmp_ok($callee->{rtt_ms}, '>=', 100, 'how far the callee is shows by its RTCP');
cmp_ok($callee->{rtt_ms}, '<', 2000, '  in real time, whatever the clock rate');
is($caller->{rtt_ms}, undef, 'how far the caller is nobody has said');
is($caller->{far_lost}, 25, 'the callee says what it lost of the caller');
is($caller->{far_jitter_ms}, 20, 'and its jitter');
is($callee->{far_lost}, undef, 'the caller has said nothing');
cmp_ok($callee->{mos}, '>', 4, 'what comes from the callee sounds well');
cmp_ok($caller->{mos}, '<', 3, 'what comes from the caller does not: a quarter is lost at the far end');
cmp_ok($caller->{mos}, '>=', 1, '  but it is a MOS');

# The same for people, and for monitoring
my $id = live_call($switch)->{id};
my $shown = `COLUMNS=200 $ENV{HOLDLINECTL} -s @{[$switch->control_path]} call $id`;
like($shown, qr/FROM CALLER +LOST +JITTER +RTT +MOS/, 'holdlinectl call shows it');
like($shown, qr/audio +PCMU +90 +9 .* \Q$caller->{mos}\E +100 +0 .* \Q$callee->{mos}\E/, '  by stream');
my %metric = map { $_->{name} => $_->{value} } @{$switch->control('metrics')};
is($metric{holdline_media_packets_total}, 190, 'metrics: packets');
is($metric{holdline_media_lost_total}, 9, '  lost');
is($metric{holdline_media_calls}, 1, '  calls that are relayed');
is($metric{holdline_media_port_pairs_used}, 2, '  ports');
near($metric{holdline_media_mos}, ($caller->{mos} + $callee->{mos}) / 2, 0.02, '  the mean MOS');

# One side falls silent while the other goes on
is($media->{one_way}, undef, 'nothing is one-way yet');
$left->start;
my $line = $switch->wait_log(event => 'one-way-audio');
is($line->{silent}, 'callee', 'one side silent for one_way_after is flagged in the log');
is(media_of($switch)->{one_way}, 'callee', 'and in the call');
like(`COLUMNS=200 $ENV{HOLDLINECTL} -s @{[$switch->control_path]} call $id`,
	qr/one-way: nothing from the callee/, 'for people too');
$right->start;
$switch->wait_log(event => 'one-way-over');
is(media_of($switch)->{one_way}, undef, 'until both are heard again');
$call->reinvite(sdp => {direction => 'sendonly'});
$right->stop;
quiet(2);
is(scalar $switch->log_events(event => 'one-way-audio'), 1, 'on hold, one side is meant to be silent');
$left->stop;
$call->bye;

my ($cdr) = $switch->cdrs(1);
my $stream = $cdr->{streams}[0];
is($stream->{caller}{far_lost}, 25, 'the record has what was reported');
cmp_ok($stream->{callee}{rtt_ms}, '>=', 100, 'the round trip');
cmp_ok($stream->{callee}{mos}, '>', 4, 'and the MOS');
is($stream->{caller}{lost}, 10, 'and what was lost');

# SRTP: what is encrypted is not read
my $secure = {proto => 'RTP/SAVP', lines => ['a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:'
	. 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj']};
($call, $in) = connected($alice, $bob, offer => $secure, answer => $secure);
hear_each_other($call, $in, 'an encrypted call');
$left->forget->send_report($right);
$right->forget->wait_report;
$right->answer_report($left->{rtcp_sent}[0]{bytes}, lost => 99);
ok($left->wait_report, 'passes its RTCP');
is(media_of($switch)->{streams}[0]{caller}{far_lost}, undef, 'of which nothing is believed');
$call->bye;

finish;
