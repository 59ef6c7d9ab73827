#!/usr/bin/perl
# Two real softphones register with digest and call each other through the relay.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan(skip_all => 'baresip is not installed (Debian: baresip-core)')
	unless Holdline::Test::Baresip::available();

my $switch = start_switch(users => [1001, 1002, 1003], config => {
	plugins => {registrar => {}, keepalive => {}, 'session-timer' => {},
		'media-proxy' => {mode => 'on'}}});
my ($alice, $bob) = map { baresip(switch => $switch, user => $_) } 1001, 1002;
is($_->register->{type}, 'REGISTER_OK', "baresip $_->{user} registers") for $alice, $bob;
like($switch->endpoint('1001')->{user_agent}, qr/baresip/, 'it is a baresip');

# Waits until so many packets came from either side; returns the stream.
sub stream_of {
	my ($count) = @_;
	my $rows = $switch->control_until(sub {
		my $stream = $_->[0] && $_->[0]{media} && $_->[0]{media}{streams}[0];
		return $stream && $stream->{caller}{packets} >= $count
			&& $stream->{callee}{packets} >= $count;
	}, 'calls');
	return $rows->[0]{media}{streams}[0];
}

$alice->dial('1002');
$bob->event('CALL_INCOMING');
$alice->event('CALL_RINGING');
$bob->accept;
$_->event('CALL_ESTABLISHED') for $alice, $bob;
my $stream = stream_of(50);
is($stream->{codec}, 'PCMU', 'a second of audio went both ways');
my ($row) = @{$switch->control('calls')};
is($row->{state}, 'active', 'the call is active');
is($row->{media}{reason}, 'mode:on', 'by the relay');
$alice->hangup;
$bob->event('CALL_CLOSED');
my ($cdr) = $switch->cdrs(1);
is($cdr->{caller}, '1001', 'record: caller');
is($cdr->{callee}, '1002', 'record: callee');
is($cdr->{reason}, 'Normal', 'record: reason');
is($cdr->{ended_by}, 'caller', 'record: who hung up');
ok($cdr->{media_relayed}, 'record: relayed');
is($cdr->{media_reason}, 'mode:on', 'record: why');
is($cdr->{codec}, 'PCMU', 'record: codec');
for my $side (qw(caller callee)) {
	cmp_ok($cdr->{streams}[0]{$side}{packets}, '>=', $stream->{$side}{packets},
		"record: packets of the $side");
	is($cdr->{streams}[0]{$side}{lost}, 0, "record: none of the $side lost");
}

$bob->dial('1001');
$alice->event('CALL_INCOMING');
$alice->accept;
$_->event('CALL_ESTABLISHED') for $alice, $bob;
stream_of(10);
$alice->hangup;
$bob->event('CALL_CLOSED');
$cdr = ($switch->cdrs(2))[1];
is($cdr->{caller}, '1002', 'the other way round: caller');
is($cdr->{ended_by}, 'callee', 'and the callee hangs up');

$bob->dial('1003');
like($bob->event('CALL_CLOSED')->{param}, qr/480/, 'nobody is there: 480 reaches the softphone');
$bob->dial('1001');
$alice->event('CALL_INCOMING');
$alice->hangup;
$bob->event('CALL_CLOSED');
is(($switch->cdrs(4))[3]{reason}, 'Busy', 'a call that is refused');

$bob->dial('1001');
$alice->event('CALL_INCOMING');
$bob->hangup;
$alice->event('CALL_CLOSED');
is(($switch->cdrs(5))[4]{reason}, 'Cancelled', 'a call that is given up');
is($switch->control('status')->{calls}, 0, 'no call is left');
$_->stop for $alice, $bob;
finish;
