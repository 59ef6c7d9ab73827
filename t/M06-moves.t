#!/usr/bin/perl
# M6: what moves, and when: an offer that comes late, media that move before a word was said, an offer
# that is refused or finds no port, several phones that speak before one answers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my ($first) = Holdline::Test::Switch::port_range() =~ /^(\d+)/;
my $switch = start_switch(users => [1001, 1002], config => {
	plugins => {registrar => {}, 'media-proxy' => {mode => 'on', port_quarantine => 0,
		port_range => "$first-" . ($first + 7)}}});
my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
my ($left, $right) = map { $_->{rtp} } $alice, $bob;
my ($call, $in);

sub used { return $switch->control('media')->{used} }

# The callee offers (in its 200), the caller answers in its ACK; then the other way round
$call = $alice->invite(1002);
$in = $bob->incoming;
$in->respond(200, sdp => 1);
my $offer = $call->expect({code => '2xx', method => 'INVITE'});
isnt($call->remote_sdp->{port}, $right->port, 'an offer in a 200 names the relay');
$call->ack(sdp => 1);
isnt((split ' ', ($in->expect('ACK')->body =~ /^m=(.*)/m)[0])[1], $left->port, 'the answer in the ACK too');
hear_each_other($call, $in, 'and both are heard');
for my $case (['caller', $call, $in], ['callee', $in, $call]) {
	my ($who, $from, $to) = @$case;
	$to->{phone}->forget;
	$to->{phone}{manual} = ['INVITE'];
	my $elsewhere = rtp(local => '127.0.0.6');
	my $old = $to->{phone}{rtp};
	$to->{phone}{rtp} = $elsewhere;
	my $transaction = $from->start_request('INVITE');
	my $again = $to->expect('INVITE');
	$to->{phone}->respond($again, 200,
		sdp => $to->{phone}->sdp_text({host => '127.0.0.6', port => $elsewhere->port, version => 7}));
	$from->{phone}->final($transaction);
	$from->{invite_cseq} = $transaction->{request}->cseq;
	$from->ack(sdp => $from->{phone}->sdp_text({version => 7}));
	$to->expect('ACK');
	$to->{phone}{manual} = [];
	hear_each_other($call, $in, "re-INVITE of the $who without SDP: the other moves in its 200");
	$to->{phone}{rtp} = $old;
	$to->reinvite(sdp => {version => 9});
	hear_each_other($call, $in, '  and back');
	$elsewhere->close;
}
is(used(), 2, 'all of that with one pair of ports a leg');
$call->bye;

# Before a word was said, and while the old place still talks
($call, $in) = connected($alice, $bob);
$right->start($in->remote_sdp);
$bob->{rtp} = rtp(local => '127.0.0.7');
$in->reinvite(sdp => {host => '127.0.0.7', port => $bob->{rtp}->port});
hear_each_other($call, $in, 'media that move while they are being learned');
$left->forget;
$bob->{rtp}->send_one for 1 .. 3;
$left->wait_received(3);
is($left->altered($bob->{rtp}), 0, 'are heard from the new place alone, though the old one talks on');
$right->stop;

# An offer that is refused changes nothing
my $nowhere = rtp(local => '127.0.0.8');
for my $try ({host => '127.0.0.8', port => $nowhere->port},
		join "\r\n", 'v=0', 'o=- 1 2 IN IP4 127.0.0.8', 's=-', 'c=IN IP4 127.0.0.8', 't=0 0',
			'm=image ' . $nowhere->port . ' udptl t38', '') {
	$bob->forget;
	$bob->{manual} = ['INVITE'];
	my $transaction = $call->start_request('INVITE', sdp => $try);
	$bob->respond($in->expect('INVITE'), 488);
	is($alice->final($transaction)->code, 488, ref $try ? 'an offer that is refused' : 'a fax that is refused');
	hear_each_other($call, $in, '  leaves the media where they were');
	is(scalar $nowhere->received, 0, '  and the other place hears nothing');
}
$bob->{manual} = [];

# Ports run out in the middle of a call
my @lines = map { "m=video 60$_ RTP/AVP 99" } 10, 20;
is($call->reinvite(sdp => {lines => \@lines})->code, 503, 'an offer that needs more ports than there are: 503');
is(used(), 2, '  takes none');
hear_each_other($call, $in, '  and the call goes on');
$bob->{rtp}->close;
$bob->{rtp} = $right;
$in->reinvite(sdp => 1);
is($call->reinvite(sdp => {lines => [$lines[0]]})->code, 200, 'one that finds them');
is(used(), 4, '  has them');
$call->reinvite(sdp => 1);
hear_each_other($call, $in, 'an m-line that is gone in the next offer hurts nobody');
$call->bye;
$switch->control_until(sub { !@$_ }, 'calls');
is(used(), 0, 'and they come back');

# Three phones ring and speak before one of them answers
my @ring = ($bob, map { talker($switch, 1002, local => "127.0.0.$_") } 11, 12);
$call = $alice->invite(1002, sdp => 1);
my @in = map { $_->incoming } @ring;
is(used(), 4, 'three phones ring: a pair for each and one for the caller');
my $port;
for my $i (0 .. 2) {
	$in[$i]->respond(183, sdp => {host => $ring[$i]{local} || '127.0.0.1', port => $ring[$i]{rtp}->port});
	$call->expect(183);
	$port ||= $call->remote_sdp->{port};
	is($call->remote_sdp->{port}, $port, 'early media of phone ' . ($i + 1) . ': the same port for the caller');
}
$in[1]->respond(200, sdp => {host => '127.0.0.11', port => $ring[1]{rtp}->port});
$call->answered;
$in[1]->expect('ACK');
is($call->remote_sdp->{port}, $port, 'the second answers: still the same');
$_->expect('CANCEL') for @in[0, 2];
$switch->control_until(sub { $_->{used} == 2 }, 'media');
pass('the pairs of the others are given back');
$ring[$_]{rtp}->target($in[$_]->remote_sdp)->send_one for 0, 2;
hear_each_other($call, $in[1], 'the one that answered is heard, and hears');
is($left->altered($ring[1]{rtp}), 0, 'and nobody else');
$call->bye;
$switch->control_until(sub { !@$_ }, 'calls');
is(used(), 0, 'nothing is left');

finish;
