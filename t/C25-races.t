#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Messages that cross: CANCEL, BYE, 200, PRACK and re-INVITE in orders that happen on real wires. Each
# call has one record and leaves nothing.
my $switch = start_switch(users => [1001, 1002], clock_rate => 20);
my ($alice, $bob) = phones($switch);
my $records = 0;

sub over {
	my ($name, $want) = @_;
	my @cdr = $switch->cdrs(++$records, 10);
	is(scalar @cdr, $records, "$name: one record");
	is(join(' ', @{$cdr[-1]}{qw(ended_by reason sip_code)}), $want, "$name: $want");
	is($switch->control('status')->{calls}, 0, "$name: no call is left");
	$_->forget->{manual} = [] for $alice, $bob;
	return;
}

sub ring {
	my (@header) = @_;
	my $out = $alice->invite('1002', sdp => 1, headers => [@header]);
	my $in = $bob->incoming;
	$in->respond(180);
	$out->expect(180);
	return ($out, $in);
}

sub talk {
	my ($out, $in) = ring();
	$in->answer(sdp => 1);
	$out->answered;
	return ($out, $in);
}

{
	my $out = $alice->invite('1002', sdp => 1);
	$alice->expect(100);
	is($out->cancel->code, 200, 'CANCEL before the callee has said anything');
	is($out->failed->code, 487, 'ends the INVITE');
	my $in = $bob->incoming;
	$in->respond(180);
	ok($in->expect('CANCEL'), 'the callee is told as soon as it may be (RFC 3261 9.1)');
	over('early CANCEL', 'caller Cancelled 487');
}
{
	my ($out, $in) = ring();
	$bob->{manual} = ['CANCEL'];
	$out->cancel;
	$in->respond(200, sdp => 1);
	ok($in->expect($_), "a 200 that crosses the CANCEL gets $_") for qw(ACK BYE);
	is($out->failed->code, 487, 'the caller its 487');
	over('200 against CANCEL', 'caller Cancelled 487');
}
{
	my ($out, $in) = ring();
	$bob->{manual} = ['CANCEL'];
	$out->cancel;
	is($out->failed->code, 487, 'a callee that does not answer CANCEL holds nobody up');
	over('CANCEL ignored', 'caller Cancelled 487');
	my $none = sub { !grep { $_->{name} eq 'holdline_transactions' && $_->{value} } @{$_[0]} };
	ok($switch->control_until($none, 'metrics'), 'and no transaction waits for it for ever');
}
{
	my ($out, $in) = talk();
	my @bye = ($out->start_request('BYE'), $in->start_request('BYE'));
	like($alice->final($bye[0])->code, qr/^(?:200|481)$/, 'both hang up at once: one answer');
	like($bob->final($bye[1])->code, qr/^(?:200|481)$/, 'and the other');
	over('BYE against BYE', 'caller Normal 200');
}
{
	my ($out, $in) = talk();
	my ($again, $bye) = ($out->start_request('INVITE', sdp => 1), $out->start_request('BYE'));
	is($alice->final($bye)->code, 200, 'BYE behind a re-INVITE');
	like($alice->final($again)->code, qr/^(?:200|487)$/, 'which gets its answer all the same');
	ok($in->ended, 'the callee is hung up');
	over('BYE behind re-INVITE', 'caller Normal 200');
}
{
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$alice->expect(100);
	$out->{remote} .= ';tag=guess';
	is($out->request($_)->code, 481, "$_ in a dialog that is not there yet: 481")
		for qw(UPDATE PRACK INFO BYE);
	$in->reject(486);
	$out->failed;
	over('too early', 'callee Busy 486');
}
{
	my ($out, $in) = do { my $call = $alice->invite('1002', sdp => 1, headers => [Require => '100rel']);
		($call, $bob->incoming) };
	$in->respond(180);
	my $ringing = $out->expect(180);
	my $prack = $out->_request('PRACK', headers => [RAck => $ringing->header('RSeq') . ' '
		. $ringing->header('CSeq')]);
	$alice->send_message($prack, $out->{peer}) for 1 .. 3;
	ok($alice->wait_message({code => 200, method => 'PRACK'}, 2), "copy $_ of a PRACK: 200") for 1 .. 3;
	$alice->send_message($out->{transaction}{request}, $out->{peer}) for 1 .. 3;
	$in->answer(sdp => 1);
	is($out->answered->code, 200, 'copies of the INVITE disturb nobody');
	$out->bye;
	$in->ended;
	over('copies', 'caller Normal 200');
}
{
	my ($out, $in) = talk();
	$bob->{manual} = ['INVITE', 'CANCEL'];
	my $again = $out->start_request('INVITE', sdp => 1);
	my $passed = $in->expect('INVITE');
	$bob->respond($passed, 100);
	my $invite = $again->{request};
	my $cancel = Holdline::Test::Sip->new_request('CANCEL', $invite->uri);
	$cancel->add($_ => $invite->header($_)) for qw(Via Max-Forwards From To Call-ID);
	$cancel->add(CSeq => $invite->cseq . ' CANCEL');
	is($alice->transact($cancel, destination => $out->{peer})->code, 200, 'CANCEL of a re-INVITE');
	$bob->respond($in->expect('CANCEL'), 200);
	$bob->respond($passed, 200, sdp => 1);
	is($alice->final($again)->code, 200, 'that was answered already');
	$out->{invite_cseq} = $invite->cseq;
	$out->ack;
	ok($in->expect('ACK'), 'stands, with its ACK');
	$out->bye;
	$in->ended;
	over('CANCEL of a re-INVITE', 'caller Normal 200');
}
{
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	my $progress = $bob->respond($in->invite_message, 183, sdp => 1)->as_string;
	for my $odd (['CSeq: \d+ INVITE', 'CSeq: 99 INVITE'], ['CSeq: (\d+) INVITE', 'CSeq: 1 BYE'],
		['SIP/2.0 183 [^\r]*', 'SIP/2.0 999 What'], ['SIP/2.0 183 [^\r]*', 'SIP/2.0 099 What']) {
		my ($from, $to) = @$odd;
		(my $text = $progress) =~ s{$from}{$to};
		$bob->send_raw($text);
	}
	$in->answer(sdp => 1);
	is($out->answered->code, 200, 'responses that cannot be are none');
	$out->bye;
	$in->ended;
	over('odd responses', 'caller Normal 200');
}
finish;
