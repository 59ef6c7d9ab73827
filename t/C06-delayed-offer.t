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

# A re-INVITE without SDP, from either side: the other offers in its 200, and is answered in the ACK.
for my $case (['caller', $out, $in], ['callee', $in, $out]) {
	my ($who, $from, $to) = @$case;
	my $ours = $from->{phone}->sdp_text({direction => 'sendonly', version => 5});
	my $theirs = $to->{phone}->sdp_text({direction => 'recvonly', version => 5});
	$to->{phone}->forget;
	$to->{phone}{manual} = ['INVITE'];
	my $transaction = $from->start_request('INVITE');
	my $again = $to->expect('INVITE');
	is($again->body, '', "re-INVITE of the $who: no offer is invented");
	$to->{phone}->respond($again, 200, sdp => $theirs);
	my $ok = $from->{phone}->final($transaction);
	is($ok->body, $theirs, 'the other side offers');
	$from->{invite_cseq} = $transaction->{request}->cseq;
	ok(!$to->{phone}->wait_message('ACK', 0.1), 'and waits for the answer');
	$from->ack(sdp => $ours);
	is($to->expect('ACK')->body, $ours, 'which comes in the ACK');
	$to->{phone}{manual} = [];
	is($switch->control('calls')->[0]{state}, 'active', 'the call goes on');
	is($to->reinvite(sdp => $theirs)->code, 200, 'and so does a re-INVITE with SDP');
	is($from->expect('INVITE')->body, $theirs, 'that reaches the other');
	$to->{phone}{manual} = ['INVITE'];
	$transaction = $from->start_request('INVITE');
	$to->{phone}->respond($to->expect('INVITE'), 488);
	is($from->{phone}->final($transaction)->code, 488, 'one that is refused');
	is($switch->control('calls')->[0]{state}, 'active', 'leaves the session as it was');
	$to->{phone}{manual} = [];
}
is($out->bye->code, 200, 'the caller hangs up');
ok($in->ended, 'ended');

$out = $alice->invite('1002', headers => [Require => 'timer, 100rel, foo']);
my $refusal = $out->failed;
is($refusal->code, 420, 'what we cannot do is refused');
is($refusal->header('Unsupported'), 'foo', 'by name');
$out = $alice->invite('1002', sdp => 1, headers => ['Max-Forwards' => 0]);
is($out->failed->code, 483, 'no hop left: 483');
finish;
