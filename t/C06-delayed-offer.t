#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# An INVITE without SDP: the callee offers in its 200, the caller answers in its ACK.
my $switch = start_switch(users => [1001, 1002]);
my ($alice, $bob) = phones($switch);
my $out = $alice->invite('1002');
my $in = $bob->incoming;
is($in->invite_message->body, '', 'no offer is invented');
$in->respond(200, sdp => 1);
my $offer = $out->expect({code => '2xx', method => 'INVITE'});
like($offer->body, qr/^m=audio/m, 'the offer reaches the caller in the 200');
$out->ack(sdp => 1);
like($in->expect('ACK')->body, qr/^m=audio/m, 'the answer reaches the callee in the ACK');
is($out->bye->code, 200, 'the caller hangs up');
ok($in->ended, 'ended');

$out = $alice->invite('1002', headers => [Require => 'timer, 100rel, foo']);
my $refusal = $out->failed;
is($refusal->code, 420, 'what we cannot do is refused');
is($refusal->header('Unsupported'), 'foo', 'by name');
$out = $alice->invite('1002', sdp => 1, headers => ['Max-Forwards' => 0]);
is($out->failed->code, 483, 'no hop left: 483');
finish;
