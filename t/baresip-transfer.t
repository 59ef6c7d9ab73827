#!/usr/bin/perl
# Real softphones hold, resume and transfer through the relay.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan(skip_all => 'baresip is not installed (Debian: baresip-core)')
	unless Holdline::Test::Baresip::available();

my $switch = start_switch(users => [1001, 1002, 1003], config => {
	plugins => {registrar => {}, 'session-timer' => {}, 'media-proxy' => {mode => 'on'}}});
my ($alice, $bob, $carol) = map { baresip(switch => $switch, user => $_) } 1001, 1002, 1003;
is($_->register->{type}, 'REGISTER_OK', "baresip $_->{user} registers") for $alice, $bob, $carol;

sub packets {
	my $rows = $switch->control('calls');
	my $stream = $rows->[0] && $rows->[0]{media} && $rows->[0]{media}{streams}[0];
	return $stream ? $stream->{caller}{packets} : 0;
}

sub grows { my $now = packets(); return wait_for { packets() > $now + 20 } 8 }

$alice->dial('1002');
$bob->event('CALL_INCOMING');
$bob->accept;
$_->event('CALL_ESTABLISHED') for $alice, $bob;
ok(grows(), 'audio flows');
my ($row) = @{$switch->control('calls')};
sub reinvites { return scalar grep { $_->{method} eq 'INVITE' && !$_->{status} && $_->{side} eq 'callee' }
	@{$switch->control('call', id => $row->{id})->{messages}} }
$alice->command('hold');
ok(wait_for(sub { reinvites() == 2 }, 5), 'hold is a re-INVITE that reaches the other softphone');
$alice->command('resume');
ok(wait_for(sub { reinvites() == 3 }, 5), 'and so is resume');
ok(grows(), 'audio flows again');
is($switch->control('calls')->[0]{state}, 'active', 'it is the same call');

$alice->command('transfer', 'sip:1003@' . $switch->address('udp'));
$carol->event('CALL_INCOMING', 15);
$carol->accept;
$carol->event('CALL_ESTABLISHED');
pass('a blind transfer: the third softphone is called by the second, and answers');
ok(wait_for(sub { grep { $_->{caller} eq '1002' && $_->{callee} eq '1003'
	&& $_->{state} eq 'active' } @{$switch->control('calls')} }, 10), 'these two talk');
$_->event('CALL_CLOSED') for $alice, $bob;
$bob->hangup;
$carol->event('CALL_CLOSED');
ok(wait_for(sub { !$switch->control('status')->{calls} }), 'no call is left') or do {
	diag(explain($switch->control('call', id => $_->{id}))) for @{$switch->control('calls')};
	$switch->tail;
};
is_deeply([map { [@$_{qw(caller callee ended_by reason)}] } $switch->cdrs(2)],
	[['1001', '1002', 'caller', 'Normal'], ['1002', '1003', 'caller', 'Normal']],
	'two calls, two records: the first ends with the transfer, the second when its caller hangs up');
$_->stop for $alice, $bob, $carol;
finish;
