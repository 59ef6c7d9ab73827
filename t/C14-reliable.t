#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Reliable provisional responses (RFC 3262), each leg by itself: the switch acknowledges a callee's,
# and sends a caller its own where the caller insists, or can and the callee's was one.
my $rate = 20;
my $switch = start_switch(users => [1001, 1002], clock_rate => $rate);
my ($alice, $bob) = phones($switch);
my @reliable = (Require => '100rel', RSeq => 7000);

sub ring {
	my (@headers) = @_;
	my $out = $alice->invite('1002', sdp => 1, headers => [@headers]);
	my $in = $bob->incoming;
	return ($out, $in);
}

sub prack {
	my ($out, $progress, %arg) = @_;
	my $rack = $progress->header('RSeq') . ' ' . $progress->header('CSeq');
	return $out->request('PRACK', headers => [RAck => $arg{rack} || $rack], %arg);
}

# The callee's role is its own: the caller knows nothing of it.
{
	my ($out, $in) = ring();
	like($in->invite_message->header('Supported'), qr/\b100rel\b/, 'to the callee: 100rel');
	$in->respond(183, sdp => 1, headers => \@reliable);
	my $prack = $in->expect('PRACK');
	is($prack->header('RAck'), '7000 ' . $in->invite_message->header('CSeq'), 'its 183 gets PRACK');
	is($prack->to_tag, $in->{local_tag}, 'in the early dialog');
	my $progress = $out->expect(183);
	is($progress->header('RSeq'), undef, 'the caller gets a plain 183');
	is($progress->header('Require'), undef, 'which asks for nothing');
	like($progress->body, qr/^m=audio/m, 'with the SDP');
	$alice->forget;
	$in->respond(183, sdp => 1, headers => \@reliable);
	$in->respond(180, headers => [Require => '100rel', RSeq => 7002]);
	$in->respond(180, headers => [Require => '100rel', RSeq => 7001]);
	is($in->expect('PRACK')->header('RAck'), '7001 ' . $in->invite_message->header('CSeq'),
		'one seen before, and one out of order, are not acknowledged');
	$out->expect(180);
	is(scalar(my @again = $alice->seen(183)), 0, 'nor passed on');
	$in->answer(sdp => 1);
	$out->answered;
	$out->bye;
	$in->ended;
}

# The caller's role.
{
	my ($out, $in) = ring(Require => '100rel');
	$in->respond(180);
	my $ringing = $out->expect(180);
	like($ringing->header('Require'), qr/\b100rel\b/, 'a caller that insists gets it reliably');
	my $rseq = $ringing->header('RSeq');
	ok($out->expect(180), 'again, until its PRACK comes');
	$in->respond(183, sdp => 1);
	is(prack($out, $ringing, rack => '1 1 INVITE')->code, 481, 'a PRACK for nothing: 481');
	is(prack($out, $ringing)->code, 200, 'the right one: 200');
	my $progress = $out->expect(183);
	is($progress->header('RSeq'), $rseq + 1, 'then comes what waited, with the next number');
	$in->respond(200, sdp => 1);
	ok($in->expect('ACK'), 'the callee answers');
	ok(!$alice->wait_message({code => 200, method => 'INVITE'}, 0.2),
		'the 200 waits for the PRACK of the answer');
	is(prack($out, $progress)->code, 200, 'PRACK');
	is($out->answered->code, 200, 'and then it comes');
	is($out->bye->code, 200, 'the call is one like any other');
	$in->ended;
}

# Both support it: what is reliable on one leg is reliable on the other, each with its numbers.
{
	my ($out, $in) = ring(Supported => 'timer, 100rel');
	$in->respond(180);
	is($out->expect(180)->header('RSeq'), undef, 'what is not reliable there is not here');
	$in->respond(183, sdp => 1, headers => \@reliable);
	my $progress = $out->expect(183);
	ok($progress->header('RSeq'), 'what is, is');
	isnt($progress->header('RSeq'), 7000, 'with a number of our own');
	is(prack($out, $progress)->code, 200, 'PRACK');
	# An offer in a PRACK goes on as UPDATE.
	my $offer = $alice->sdp_text({direction => 'sendonly', version => 2});
	$in->respond(180, headers => [Require => '100rel', RSeq => 7001]);
	my $answer = prack($out, $out->expect(180), sdp => $offer);
	is($answer->code, 200, 'a PRACK with an offer is answered');
	like($answer->body, qr/^m=audio/m, 'with an answer');
	is($in->expect('UPDATE')->body, $offer, 'by the callee, who had an UPDATE');
	is($out->cancel->code, 200, 'cancelled');
	is($out->failed->code, 487, 'and ended');
}

# Nobody acknowledges.
{
	my ($out, $in) = ring(Require => '100rel');
	$in->respond(180);
	$out->expect(180);
	my $began = now();
	is($out->failed(10)->code, 504, 'a caller that never acknowledges is refused');
	near((now() - $began) * $rate, 32, 4, 'after 64*T1');
	ok($in->expect('CANCEL'), 'and the callee stops ringing');
	my $cdr = ($switch->cdrs(4))[-1];
	is("$cdr->{reason}, $cdr->{detail}, $cdr->{sip_code}", 'No ACK, no-prack, 504', 'recorded');
	my @repeated = $alice->seen(180);
	cmp_ok(scalar @repeated, '>=', 6, 'after repeating it');

	($out, $in) = ring(Require => '100rel');
	$in->respond(183, sdp => 1);
	$out->expect(183);
	$in->respond(200, sdp => 1);
	$in->expect('ACK');
	is($out->failed(10)->code, 504, 'the same when the answer was there');
	ok($in->ended, 'which gets its BYE');
	is(($switch->cdrs(5))[-1]{detail}, 'no-prack', 'recorded');
}
is($switch->control('status')->{calls}, 0, 'no call is left');
finish;
