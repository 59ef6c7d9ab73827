#!/usr/bin/perl
# M6: two real softphones whose media are encrypted end to end (SRTP, keys by SDES): the relay passes
# keys and packets as they are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan(skip_all => 'baresip is not installed (Debian: baresip-core)')
	unless Holdline::Test::Baresip::available();

my $switch = start_switch(users => [1001, 1002], config => {
	plugins => {registrar => {}, keepalive => {}, 'session-timer' => {}, 'media-proxy' => {}}});
my ($alice, $bob) = map { baresip(switch => $switch, user => $_, modules => ['srtp.so'],
	params => ';mediaenc=srtp-mand') } 1001, 1002;
is($_->register->{type}, 'REGISTER_OK', "baresip $_->{user} registers") for $alice, $bob;

$alice->dial('1002');
$bob->event('CALL_INCOMING');
$bob->accept;
$_->event('CALL_ESTABLISHED') for $alice, $bob;
my $calls = $switch->control_until(sub {
	my $stream = $_[0][0] && $_[0][0]{media}{streams}[0];
	return $stream && $stream->{caller}{packets} >= 100 && $stream->{callee}{packets} >= 100;
}, 'calls');
is($calls->[0]{media}{reason}, 'auto:3 encrypted media', 'an encrypted call is relayed');
for my $phone ($alice, $bob) {
	# A packet that cannot be authenticated says so in its log; with a changed key, all of them. (Its
	# very first RTCP a baresip sends in the clear.)
	like($phone->log_text, qr/srtp.*SRTP is Enabled/is, "$phone->{user}: SRTP is in use");
	unlike($phone->log_text, qr/failed to decrypt RTP /, "$phone->{user}: every packet is authentic");
}
my $stream = $calls->[0]{media}{streams}[0];
is($stream->{$_}{invalid} + $stream->{$_}{rejected}, 0, "nothing of the $_ is dropped") for qw(caller callee);
$alice->hangup;
$bob->event('CALL_CLOSED');
my ($cdr) = $switch->cdrs(1);
is($cdr->{media_reason}, 'auto:3 encrypted media', 'the record says why');
is($cdr->{streams}[0]{$_}{lost}, 0, "none of the $_ lost") for qw(caller callee);
$_->stop for $alice, $bob;

finish;
