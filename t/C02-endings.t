#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Every way a call ends before or after its answer, and what the record says of it.
my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => 20, config => {
	switch => {timeout_invite => 10, timeout_ringing => 20}});
my ($alice, $bob) = map { phone(switch => $switch, user => $_) } 1001, 1002;
$_->register for $alice, $bob;
my $records = 0;

sub record_says {
	my ($name, %want) = @_;
	my @record = $switch->cdrs(++$records);
	is(scalar @record, $records, "$name: one record");
	my $cdr = $record[-1];
	is($cdr->{$_}, $want{$_}, "$name: $_") for sort keys %want;
	return $cdr;
}

sub ring {
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	return ($out, $in);
}

is($alice->invite('4711', sdp => 1)->failed->code, 404, 'an unknown user: 404');
record_says('unknown', reason => 'Not Found', sip_code => 404, ended_by => 'server',
	answered => undef, pdd_ms => undef);

is($alice->invite('1003', sdp => 1)->failed->code, 480, 'a user who is not registered: 480');
record_says('not registered', sip_code => 480, ended_by => 'server');

for my $case ([486, 'Busy'], [603, 'Rejected'], [488, 'Rejected']) {
	my ($out, $in) = ring();
	$in->reject($case->[0]);
	is($out->failed->code, $case->[0], "the callee says $case->[0]");
	record_says($case->[0], reason => $case->[1], sip_code => $case->[0], ended_by => 'callee');
}

{
	my ($out, $in) = ring();
	$in->respond(302, headers => [Contact => '<sip:1009@192.0.2.7>']);
	my $moved = $out->failed;
	is($moved->code, 302, 'a redirection goes to the caller');
	is($moved->header('Contact'), '<sip:1009@192.0.2.7>', 'with its target');
	record_says('moved', sip_code => 302, ended_by => 'callee');
}
{
	my ($out, $in) = ring();
	$in->respond(180);
	$out->expect(180);
	is($out->cancel->code, 200, 'the caller cancels');
	ok($in->expect('CANCEL'), 'the callee gets the CANCEL');
	is($out->failed->code, 487, 'the caller gets 487');
	record_says('cancelled', reason => 'Cancelled', sip_code => 487, ended_by => 'caller');
}
{
	my ($out, $in) = ring();
	$in->respond(180);
	ok($in->expect('CANCEL', 10), 'a callee who rings for ever gets CANCEL');
	is($out->failed->code, 480, 'the caller gets 480');
	record_says('ringing', reason => 'No Answer', detail => 'ringing-timeout', sip_code => 480,
		ended_by => 'server');
}
{
	my $gone = phone(switch => $switch, user => 1003);
	$gone->register;
	$gone->silent(1);
	my $out = $alice->invite('1003', sdp => 1);
	is($out->failed(10)->code, 408, 'a callee who is gone: 408');
	record_says('silent', reason => 'No Response', detail => 'invite-timeout', sip_code => 408,
		ended_by => 'server');
}
{
	my ($out, $in) = ring();
	$in->answer(sdp => 1);
	$out->answered;
	my ($row) = @{$switch->control('calls')};
	$switch->control('hangup', id => $row->{id});
	ok($out->ended, 'hangup: BYE to the caller');
	ok($in->ended, 'hangup: BYE to the callee');
	record_says('hangup', ended_by => 'server', sip_code => 200);
	like($switch->control_answer('hangup', id => $row->{id})->{error}, qr/no call/,
		'an ended call cannot be hung up again');
}
{
	my ($out, $in) = ring();
	$alice->{never_ack} = 1;
	$in->answer(sdp => 1);
	$out->answered;
	ok($in->ended(10), 'no ACK: the callee gets BYE');
	ok($out->ended, 'no ACK: the caller gets BYE');
	cmp_ok($alice->retransmissions, '>=', 5, 'the 200 was repeated meanwhile');
	record_says('no ACK', reason => 'No ACK', detail => 'no-ack', ended_by => 'server');
	$alice->{never_ack} = 0;
}
{
	my ($out, $in) = ring();
	$in->answer(sdp => 1);
	$out->answered;
	$switch->signal('TERM');
	ok($out->ended, 'an orderly stop: BYE to the caller');
	ok($in->ended, 'an orderly stop: BYE to the callee');
	$switch->wait_exit(15);
	is($switch->exit_code, 0, 'and exit status 0');
	record_says('stop', ended_by => 'server', reason => 'Switch Stop');
}
done_testing();
