#!/usr/bin/perl
# M7: silence ends a call, not while it is on hold.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

sub silent_switch {
	my (%settings) = @_;
	return start_switch(users => [1001, 1002], clock_rate => 20, config => {
		plugins => {registrar => {}, 'media-proxy' => {mode => 'on', media_timeout => 20, %settings}}});
}

my $switch = silent_switch();
my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
my ($call, $in) = connected($alice, $bob);
hear_each_other($call, $in, 'a call');
my $last = now();
$call->ended;
$in->ended;
near((now() - $last) * 20, 21, 4, 'is ended on both legs when it was silent for media_timeout');
my ($cdr) = $switch->cdrs(1);
is($cdr->{reason}, 'Media Timeout', 'the record has the reason');
is($cdr->{detail}, 'media-timeout', 'the detail');
is($cdr->{ended_by}, 'server', 'and who ended it');
is($switch->control('media')->{used}, 0, 'by then its ports were free');

# Before the answer nobody need speak: an announcement that is silent, twice as long
$call = $alice->invite(1002, sdp => 1);
$in = $bob->incoming;
$in->respond(183, sdp => 1);
$call->expect(183);
hear_each_other($call, $in, 'early media');
quiet(2);
is(scalar @{$switch->control('calls')}, 1, 'that fall silent are left alone');
$in->respond(200, sdp => 1);
$call->answered;
$in->expect('ACK');
$call->bye;
$switch->cdrs(2);

($call, $in) = connected($alice, $bob);
hear_each_other($call, $in, 'another');
$call->reinvite(sdp => {direction => 'sendonly'});
my $resumed;
quiet(2);
is(scalar @{$switch->control('calls')}, 1, 'is left alone on hold, twice as long');
$call->reinvite(sdp => 1);
$resumed = now();
$call->ended;
near((now() - $resumed) * 20, 21, 4, 'and ended when it was taken back and stayed silent');
$switch->stop;

$switch = silent_switch(media_timeout_when => 'either');
($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
($call, $in) = connected($alice, $bob);
hear_each_other($call, $in, 'with `either`');
$alice->{rtp}->start;
$in->ended;
is(($switch->cdrs(1))[0]{detail}, 'media-timeout', 'one silent side is enough');
$alice->{rtp}->stop;
$switch->stop;

$switch = silent_switch(media_timeout => 0);
($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
($call, $in) = connected($alice, $bob);
quiet(2);
is(scalar @{$switch->control('calls')}, 1, 'media_timeout 0: never');
$call->bye;
$switch->stop;

finish;
