#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# 491 and what avoids it: who owns the Call-ID waits longer, and a refresh waits for a transaction
# that is under way.
my $rate = 5;
my $switch = start_switch(users => [1001, 1002], clock_rate => $rate,
	config => {plugins => {registrar => {}, 'session-timer' => {ttl => 90, update_segment => 10}}});
my ($alice, $bob) = phones($switch);

# The phone answers 491 once and notes when the next try comes.
sub second_try {
	my ($phone) = @_;
	my @at;
	$phone->{serve}{UPDATE} = sub {
		push @at, now();
		$_[0]->respond($_[1], @at == 1 ? 491 : 200);
	};
	wait_for { @at >= 2 } 10;
	delete $phone->{serve}{UPDATE};
	return @at < 2 ? undef : ($at[1] - $at[0]) * $rate;
}

my ($out, $in) = answered_call($alice, '1002', $bob);
my $callee = second_try($bob);
cmp_ok($callee, '>=', 2.1, 'the switch made the Call-ID: it waits 2.1 s at least');
cmp_ok($callee, '<=', 4.6, 'and 4 s at most');
my $caller = second_try($alice);
cmp_ok($caller, '<=', 2.6, 'the caller made it: 2 s at most');
is($switch->control('calls')->[0]{state}, 'active', 'the call survives');

# The callee's re-INVITE is pending at the caller: no refresh meets it.
$alice->forget;
$alice->{manual} = ['INVITE'];
my $pending = $in->start_request('INVITE', sdp => 1);
my $passed = $alice->expect('INVITE');
$alice->forget;
quiet(30 / $rate);
is(scalar(my @met = $alice->seen('UPDATE')), 0, 'no refresh while a re-INVITE is under way');
$bob->forget;
$alice->respond($passed, 200, sdp => 1);
is($bob->final($pending)->code, 200, 'which is answered');
@$in{qw(transaction invite_cseq)} = ($pending, $pending->{request}->cseq);
$in->ack;
ok($_->expect('UPDATE', 5), "then the refresh of $_->{user} comes") for $alice, $bob;
$alice->{manual} = [];

# Two INVITEs in a row of one side: 500 with Retry-After, not 491, and the first goes on.
$bob->{manual} = ['INVITE'];
my $one = $out->start_request('INVITE', sdp => 1);
$passed = $in->expect('INVITE');
my $two = $out->request('INVITE', sdp => 1);
is($two->code, 500, 'an INVITE before the last was answered: 500');
like($two->header('Retry-After'), qr/^\d+$/, 'with Retry-After');
$bob->respond($passed, 200, sdp => 1);
is($alice->final($one)->code, 200, 'the first is answered');
@$out{qw(transaction invite_cseq)} = ($one, $one->{request}->cseq);
$out->ack;
$bob->{manual} = [];
$out->bye;
ok($in->ended, 'the end');
finish;
