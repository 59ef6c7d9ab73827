#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Transfers whose messages cross, are lost or never answered: a call that has been hung up is no call
# at once, whatever is still under way in it, has one record, and leaves no transaction.
my $switch = start_switch(users => [1001, 1002], clock_rate => 20);
my ($alice, $bob) = phones($switch);
my $records = 0;

sub over {
	my ($name, $by) = @_;
	my @cdr = $switch->cdrs(++$records);
	is(scalar @cdr, $records, "$name: one record");
	is(join(' ', @{$cdr[-1]}{qw(ended_by reason sip_code)}), "$by Normal 200", "$name: $by Normal 200");
	is($switch->control('status')->{calls}, 0, "$name: no call is left");
	$_->silent(0)->forget->{manual} = [] for $alice, $bob;
	return;
}

sub talk { return answered_call($alice, '1002', $bob) }

sub refer {
	my ($call) = @_;
	return $call->start_request('REFER', headers => ['Refer-To' => '<sip:1003@holdline.test>']);
}

sub notify {
	my ($call) = @_;
	return $call->start_request('NOTIFY', body => "SIP/2.0 200\r\n", type => 'message/sipfrag',
		headers => [Event => 'refer', 'Subscription-State' => 'terminated;reason=noresource']);
}

# A transferred call whose REFER has its 202.
sub referred {
	my ($out, $in) = talk();
	$bob->{serve}{REFER} = sub { $_[0]->respond($_[1], 202) };
	is($alice->final(refer($out))->code, 202, 'REFER is accepted');
	delete $bob->{serve}{REFER};
	$in->expect('REFER');
	return ($out, $in);
}

{
	my ($out, $in) = talk();
	$bob->{manual} = ['REFER'];
	my $refer = refer($out);
	my $passed = $in->expect('REFER');
	is($out->bye->code, 200, 'BYE while the REFER is not answered');
	is($alice->final($refer)->code, 487, 'which is answered now');
	ok($in->ended, 'and the transferee hung up');
	is($switch->control('status')->{calls}, 0, 'there is no call any more');
	$bob->respond($passed, 202);
	is($bob->final(notify($in))->code, 481, 'what the transferee reports of it has no dialog');
	over('202 behind the BYE', 'caller');
}
{
	my ($out, $in) = talk();
	$bob->{manual} = ['REFER'];
	my $refer = refer($out);
	$in->expect('REFER');
	my $bye = $in->start_request('BYE');
	is($bob->final($bye)->code, 200, 'the transferee hangs up without an answer to the REFER');
	is($alice->final($refer)->code, 487, 'which is answered all the same');
	ok($out->ended, 'and the transferor hung up');
	over('REFER never answered', 'callee');
}
{
	my ($out, $in) = referred();
	$alice->{manual} = ['NOTIFY'];
	my ($notify, $bye) = (notify($in), $in->start_request('BYE'));
	is($bob->final($bye)->code, 200, 'BYE right behind the NOTIFY');
	is($bob->final($notify)->code, 487, 'to which the transferor has no answer');
	ok($out->ended, 'but it hears of the BYE');
	over('NOTIFY never answered', 'callee');
}
{
	my ($out, $in) = referred();
	$alice->{manual} = ['NOTIFY'];
	my $notify = notify($in);
	my $heard = $out->expect('NOTIFY');
	my $bye = $out->start_request('BYE');
	$alice->respond($heard, 200);
	is($alice->final($bye)->code, 200, 'the transferor hangs up before it answers the NOTIFY');
	is($bob->final($notify)->code, 487, 'which has its answer already');
	ok($in->ended, 'and the transferee is hung up');
	over('BYE before the 200 of NOTIFY', 'caller');
}
{
	my ($out, $in) = referred();
	my @bye = ($out->start_request('BYE'), $in->start_request('BYE'));
	my $notify = notify($in);
	is($alice->final($bye[0])->code, 200, 'both hang up, and the transferee reports');
	like($bob->final($bye[1])->code, qr/^(?:200|481)$/, 'each has an answer to its BYE');
	is($bob->final($notify)->code, 481, 'and the report none but that it is too late');
	over('BYE against BYE and NOTIFY', 'caller');
}
{
	my ($out, $in) = referred();
	$alice->{manual} = ['BYE'];
	$bob->{manual} = ['BYE'];
	my $bye = $in->start_request('BYE');
	$bob->final($bye);
	$out->expect('BYE');
	$bob->send_message($bye->{request}, $in->{peer}) for 1 .. 3;
	my $answers = sub { scalar(my @seen = $bob->seen({code => 200, method => 'BYE'})) };
	ok(wait_for(sub { $answers->() == 4 }), 'a BYE whose 200 was lost has it again');
	is($switch->control('status')->{calls}, 0, 'the call is none, though nobody answers its BYE');
	over('BYE without a 200', 'callee');
}
{
	my ($out, $in) = referred();
	$bob->silent(1);
	is($out->bye->code, 200, 'BYE to a transferee that is gone');
	is($switch->control('status')->{calls}, 0, 'there is no call any more');
	over('a peer that is gone', 'caller');
}
{
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->respond(200, sdp => 1);
	my $answer = $out->expect(200);
	$in->expect('ACK');
	is($bob->final($in->start_request('BYE'))->code, 200, 'the callee hangs up before the caller\'s ACK');
	is($switch->control('status')->{calls}, 0, 'there is no call any more');
	$out->ack;
	ok($out->ended, 'the caller is hung up after its ACK (RFC 3261 15)');
	over('BYE before the ACK', 'callee');
}
{
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->respond(200, sdp => 1);
	$out->expect(200);
	is($out->bye->code, 200, 'the caller hangs up and sends no ACK');
	ok($in->expect($_), "the callee gets its $_") for qw(ACK BYE);
	over('BYE instead of the ACK', 'caller');
}

my %left;
ok($switch->control_until(sub {
	%left = map { $_->{name} => $_->{value} } grep { $_->{name} =~ /^holdline_(?:transactions|legs)$/ }
		@{$_[0]};
	return keys %left == 2 && !grep { $_ } values %left;
}, 'metrics'), 'no leg and no transaction is left');
finish;
