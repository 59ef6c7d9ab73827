#!/usr/bin/perl
# M7, D3: a packet of a call's media is a sign of life: last_alive follows it while the call runs, in
# its record, and in that of a call which a crash interrupted.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Time::Local qw(timegm);
use Holdline::Test;
use Holdline::Test::Media;

my $rate = 20;    # of the clock
my $state = switch_object()->dir . '/kept';

sub incarnation {
	return start_switch(users => [1001, 1002], clock_rate => $rate, config => {
		switch => {state_dir => $state}, plugins => {registrar => {}, 'media-proxy' => {mode => 'on',
			media_timeout => 20}}});
}

# RFC 3339 in seconds
sub seconds {
	my ($year, $month, $day, $hour, $minute, $second) = $_[0] =~ /(\d+(?:\.\d+)?)/g;
	return timegm(0, $minute, $hour, $day, $month - 1, $year) + $second;
}

my $switch = incarnation();
my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
my ($call, $in) = connected($alice, $bob);

sub alive { return seconds(live_call($switch)->{last_alive}) }

# Until `last_alive` is so many seconds of the switch's clock later than `since`.
sub alive_after {
	my ($since) = @_;
	return $switch->control_until(sub { $_[0][0] && seconds($_[0][0]{last_alive}) > $since }, 'calls');
}

my $set_up = alive();
$alice->{rtp}->start($call->remote_sdp);
ok(alive_after($set_up + 5), 'while one side talks, its call is alive without a SIP message');
$alice->{rtp}->stop;

$call->reinvite(sdp => {direction => 'sendonly'});
my $held = alive();
my $reports = Holdline::Test::Loop->at(now() + 0.5, sub { $bob->{rtp}->target($in->remote_sdp);
	$bob->{rtp}->send_report });
ok(alive_after($held + 5), 'on hold too, by RTCP');
$call->reinvite(sdp => {direction => 'sendrecv'});

my $resumed = alive();
$alice->{rtp}->start;
alive_after($resumed + 5);
$alice->{rtp}->stop;
$call->ended;
my ($cdr) = $switch->cdrs(1);
is($cdr->{detail}, 'media-timeout', 'when all fell silent the call was ended');
near(seconds($cdr->{ended}) - seconds($cdr->{last_alive}), 20, 4,
	'and the record says that the last packet came a media_timeout before');
cmp_ok(seconds($cdr->{last_alive}), '>', $resumed + 5, 'long after the last message');

# The row of a call that is up follows every five seconds
($call, $in) = connected($alice, $bob);
my $answered = alive();
$alice->{rtp}->start($call->remote_sdp);
my ($up) = @{$switch->control('calls')};
alive_after($answered + 30);
$switch->kill_now;
$alice->{rtp}->stop;
$switch = incarnation();
$switch->control_until(sub { grep { $_->{id} eq $up->{id} } @$_ }, 'cdr');
($cdr) = grep { $_->{id} eq $up->{id} } $switch->cdrs(1);
is($cdr->{detail}, 'switch-restart', 'a crash interrupts a call whose two talk');
cmp_ok(seconds($cdr->{last_alive}), '>', $answered + 15, 'and its record knows of their packets');
is($cdr->{ended}, $cdr->{last_alive}, 'it ended with the last one known');

finish;
