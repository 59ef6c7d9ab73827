#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Sip qw(random_token);

# Loops and copies: Max-Forwards counts down, our own INVITE that comes back and the same INVITE by
# another way are 482, and the call they copy goes on.
my $carrier = phone(user => 'carrier', server => '127.0.0.1:1');
my $peer = phone(user => 'peer', server => '127.0.0.1:1', local => '127.0.0.9');
my $switch = start_switch(config => {
	gateways => {carrier => {address => 'sip:' . $carrier->address, prefix => '00'},
		peer => {address => 'sip:' . $peer->address, prefix => '99'}}});
$_->{server} = $switch->address('udp') for $carrier, $peer;

my $out = $peer->invite('001', sdp => 1, headers => ['Max-Forwards' => 7]);
my $in = $carrier->incoming;
is($in->invite_message->header('Max-Forwards'), 6, 'Max-Forwards: one less');
my $back = Holdline::Test::Sip->parse($in->invite_message->bytes);
$back->set(Via => $carrier->via('z9hG4bK' . random_token(12)));
is($carrier->transact($back)->code, 482, 'our INVITE, come back from the gateway: 482');
$in->respond(180);
ok($out->expect(180), 'the call itself goes on');

my $copy = Holdline::Test::Sip->parse($out->{transaction}{request}->as_string);
$copy->set(Via => $peer->via('z9hG4bK' . random_token(12)));
is($peer->transact($copy)->code, 482, 'the same INVITE by another way: 482');
my $next = Holdline::Test::Sip->parse($copy->as_string);
$next->set(Via => $peer->via('z9hG4bK' . random_token(12)));
$next->set(CSeq => ($copy->cseq + 1) . ' INVITE');
my $retry = $peer->start_request($next);
ok($carrier->incoming, 'but a retry with the next CSeq is a call');
$in->answer(sdp => 1);
$out->answered;
is($switch->control('status')->{refused}{looped}, 2, 'both are counted');
$out->bye;
ok($in->ended, 'and the call ends as usual');
is($peer->invite('001', sdp => 1, headers => ['Max-Forwards' => 0])->failed->code, 483,
	'no hop left: 483');
finish;
