#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# "Calls drop at 30 s" is a 200 whose ACK never arrived, and the record says so: not a session that
# timed out, which is another matter. Both end both legs and free the media port (T7).
# The range has room for one call: the next only has media when the last has given its ports back.
my ($first) = Holdline::Test::Switch::port_range() =~ /^(\d+)/;
my $records = 0;
my $switch = start_switch(users => [1001, 1002], clock_rate => 50, config => {
	plugins => {registrar => {}, 'session-timer' => {ttl => 100},
		'media-proxy' => {mode => 'on', media_timeout => 0, port_quarantine => 0,
			port_range => $first . '-' . ($first + 3)}}});
my ($alice, $bob) = phones($switch);

sub ports { return scalar map { @{$_->{media}{streams} || []} } @{$switch->control('calls')} }

for my $case (['no-ack', 'No ACK', 32], ['refresh-expired', 'Session Timeout', 100],
	['refresh-failed', 'Session Timeout', 82]) {
	my ($detail, $reason, $seconds) = @$case;
	my $out = $alice->invite('1002', sdp => 1,
		$detail eq 'refresh-expired' ? (headers => ['Session-Expires' => '100;refresher=uac']) : ());
	my $in = $bob->incoming;
	$alice->{never_ack} = $detail eq 'no-ack';
	$in->answer(sdp => 1);
	$out->answered;
	my $answered = now();
	cmp_ok(ports(), '>', 0, "$detail: the media is relayed");
	$alice->{manual} = $detail eq 'refresh-failed' ? ['UPDATE'] : [];
	ok($in->ended(10), 'BYE to the callee');
	ok($out->ended, 'BYE to the caller');
	near((now() - $answered) * 50, $seconds, 6, "after $seconds s");
	is(ports(), 0, 'the ports are free');
	my $cdr = ($switch->cdrs(++$records))[-1];
	is("$cdr->{reason}, $cdr->{detail}, $cdr->{ended_by}", "$reason, $detail, server",
		'the record says which it was');
	is($cdr->{sip_code}, 200, 'of an answered call');
	$alice->{never_ack} = 0;
}
finish;
