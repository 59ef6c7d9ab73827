#!/usr/bin/perl
# --clock-rate: a switch whose time runs faster, for tests and rehearsals on loopback only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Time::Local qw(timegm);
use Holdline::Test;

for my $rate (0, 101, -1, '2x', '1.5', '') {
	my ($exit, $text) = switch_object(args => ["--clock-rate=$rate"])->run;
	is($exit, 2, "--clock-rate '$rate' is refused");
	like($text, qr/--clock-rate \Q$rate\E: 1 to 100 is allowed/, 'with what is allowed');
}

for my $listen ('udp:0.0.0.0:0', 'tcp:0.0.0.0:0', 'udp:[::]:0', 'udp:192.0.2.1:0') {
	my ($exit, $text) = switch_object(clock_rate => 2, config => {
		switch => {listen => ['udp:127.0.0.1:0', $listen]}})->run;
	is($exit, 2, "$listen: refused, it is not loopback");
	like($text, qr/--clock-rate 2 .*loopback/, 'and why');
}

sub seconds_of {
	my ($text) = @_;
	my ($year, $month, $day, $hour, $minute, $second) = $text
		=~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d\.\d+)Z/ or die "no time in: $text";
	return timegm(0, $minute, $hour, $day, $month - 1, $year) + $second;
}

sub start_at {
	my ($rate) = @_;
	return start_switch(users => [1001, 1002], clock_rate => $rate, config => {
		switch => {listen => ['udp:127.0.0.1:0', 'udp:127.0.0.2:0', 'tcp:127.0.0.1:0']},
		plugins => {registrar => {}, keepalive => {period => 20, targets => 'all'},
			'session-timer' => {}}});
}

for my $rate (1, 10, 100) {
	my $before = time;
	my $switch = start_at($rate);
	my $started = seconds_of($switch->ready->{line});
	cmp_ok($started, '>=', $before - 1, "rate $rate: the clock starts at the real time");
	cmp_ok($started, '<=', time + $rate, 'and not later');
	my ($alice, $bob) = phones($switch);
	my $first = $switch->control('status')->{uptime};
	my $expires = $switch->endpoint('1001')->{expires_in};
	my $at = now();
	my $out = $alice->invite('1002', sdp => 1);
	$bob->incoming->answer(sdp => 1);
	$out->answered;
	my $answered = now();
	quiet(1);
	$out->bye;
	my $spent = now() - $answered;
	my ($cdr) = $switch->cdrs(1);
	my $tolerance = 0.15 * $rate;
	near($cdr->{duration}, $rate * $spent, $tolerance, "rate $rate: duration in the record");
	near(seconds_of($cdr->{ended}) - seconds_of($cdr->{answered}), $cdr->{duration}, 0.01,
		"rate $rate: and its times");
	near($switch->control('status')->{uptime} - $first, $rate * (now() - $at), $tolerance,
		"rate $rate: uptime");
	near($expires - $switch->endpoint('1001')->{expires_in}, $rate * (now() - $at), $tolerance + 1,
		"rate $rate: what is left of a registration");
	my $line = $switch->wait_log(tag => 'call', event => 'ended');
	near(seconds_of($line->{line}) - seconds_of($cdr->{ended}), 0, $tolerance,
		"rate $rate: the log has the same clock");
	next if $rate == 1;
	my @beat = map { $alice->heartbeat } 1 .. 3;
	near(($beat[2]->at - $beat[1]->at) * $rate, 20, $tolerance, "rate $rate: heartbeats");
}
finish;
