#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# 422 on either leg stays there: it is asked again with the peer's minimum, on the same dialog, twice
# at most, and no gateway is given up for it.
my ($first, $second) = map { phone(user => $_, server => '127.0.0.1:1') } qw(first second);
my $switch = start_switch(users => [1001, 1002], clock_rate => 20, config => {
	plugins => {registrar => {}, 'session-timer' => {ttl => 100}},
	gateways => {first => {address => 'sip:' . $first->address, prefix => '00',
		failover_on => ['4xx', '5xx']},
		second => {address => 'sip:' . $second->address, prefix => '0'}}});
my ($alice, $bob) = phones($switch);

# A callee that wants more, then still more.
sub refuse {
	my ($phone, $invite, $minimum) = @_;
	$phone->respond($invite, 422, headers => ['Min-SE' => $minimum]);
	return $phone->expect(sub { my $m = shift; ($m->{method} || '') eq 'INVITE'
		&& $m->cseq > $invite->cseq }, 5, 'the INVITE again');
}

my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
my $invite = $in->invite_message;
is($invite->header('Session-Expires'), '100;refresher=uac', 'ttl is asked for');
my $again = refuse($bob, $invite, 1800);
is($again->header('Session-Expires'), '1800;refresher=uac', '422: the same with its minimum');
is($again->header('Min-SE'), 1800, 'which is named');
is($again->call_id, $invite->call_id, 'same Call-ID');
is($again->from_tag, $invite->from_tag, 'same From tag');
is($again->to_tag, undef, 'no To tag of the failure');
is($again->cseq, $invite->cseq + 1, 'CSeq + 1');
is($again->body, $invite->body, 'the same offer');
is($again->header('Max-Forwards'), $invite->header('Max-Forwards'), 'no hop more');
my $third = refuse($bob, $again, 2400);
is($third->header('Session-Expires'), '2400;refresher=uac', 'a second round: the larger minimum');
$bob->respond($third, 200, sdp => 1);
my $answer = $out->answered;
is($answer->header('Session-Expires'), '100;refresher=uas', 'nothing of it shows on the other leg');
is(scalar(my @shown = $alice->seen(422)), 0, 'no 422 has reached the caller');
is($switch->control('calls')->[0]{legs}[1]{timer}{session_expires}, 2400, 'the session is so long');

# A re-INVITE that is passed on and answered 422.
$bob->forget;
$bob->{manual} = ['INVITE'];
my $hold = $alice->sdp_text({direction => 'sendonly', version => 2});
my $transaction = $out->start_request('INVITE', sdp => $hold);
my $passed = $bob->expect('INVITE');
$again = refuse($bob, $passed, 3000);
is($again->header('Session-Expires'), '3000;refresher=uac', 'a passed re-INVITE, too, comes again');
is($again->body, $hold, 'with the caller\'s offer');
$bob->respond($again, 200, sdp => 1);
is($alice->final($transaction)->code, 200, 'and the caller hears of its success alone');
@$out{qw(transaction invite_cseq)} = ($transaction, $transaction->{request}->cseq);
$out->ack;
$bob->{manual} = [];
$out->bye;

# Two rounds are enough; what then reaches the caller is no 422.
my $failing = $alice->invite('1002', sdp => 1);
$invite = $bob->incoming->invite_message;
for my $round (1, 2) {
	$invite = refuse($bob, $invite, 1000 * $round);
}
$bob->respond($invite, 422, headers => ['Min-SE' => 9000]);
is($failing->failed->code, 500, 'a third 422 is a failure, and the caller is not asked to mend it');

# A gateway's 422 is none of its failures.
$out = $alice->invite('004930', sdp => 1);
$invite = $first->incoming->invite_message;
$again = refuse($first, $invite, 1200);
is($again->header('Session-Expires'), '1200;refresher=uac', 'the gateway is asked again');
$first->respond($again, 200, sdp => 1);
$out->answered;
is(scalar(my @no = $second->seen('INVITE')), 0, 'the next gateway is not');
$out->bye;
is(($switch->cdrs(3))[-1]{gateway}, 'first', 'as the record says');

# 422 to our refresh.
my ($minimum, @asked) = (130);
$bob->{serve}{UPDATE} = sub {
	my ($phone, $update) = @_;
	my ($seconds) = $update->header('Session-Expires') =~ /^(\d+)/;
	push @asked, $seconds;
	return $phone->respond($update, 422, headers => ['Min-SE' => $minimum])
		if $seconds < $minimum;
	$phone->respond($update, 200, headers => ['Session-Expires' => "$seconds;refresher=uac"]);
};
$out = $alice->invite('1002', sdp => 1);
$in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;
$switch->control_until(sub { $_[0][0]{legs}[1]{timer}{refreshes} }, 'calls');
is("@asked[0, 1]", '100 130', 'a refresh is raised and comes again at once');
is($switch->control('calls')->[0]{legs}[1]{timer}{session_expires}, 130, 'the session is longer now');
$out->bye;
$in->ended;

# Ours: only with Supported: timer, and only Session-Expires counts.
my $refused = $alice->invite('1002', sdp => 1, headers => ['Session-Expires' => '60'])->failed;
is($refused->code, 422, 'less than min_se: 422');
is($refused->header('Min-SE'), 90, 'with our Min-SE');
$out = $alice->invite('1002', sdp => 1, headers => ['Session-Expires' => '60'], timer => 0);
$out = do {
	local $alice->{timer} = 0;
	$alice->invite('1002', sdp => 1, headers => ['Session-Expires' => '60']);
};
$bob->incoming->answer(sdp => 1);
is($out->answered->code, 200, 'without Supported: timer the call goes on');
$out->bye;
my ($busy, $callee) = ($alice->invite('1002', sdp => 1), $bob->incoming);
$callee->answer(sdp => 1);
$busy->answered;
is($busy->update(headers => ['Session-Expires' => '30'])->code, 422, 'an UPDATE, too, gets 422');
is($switch->control('calls')->[0]{state}, 'active', 'and the session is as it was');
is($busy->update(headers => ['Session-Expires' => '90'])->code, 200, '90 s without Min-SE is enough');
$busy->bye;
finish;
