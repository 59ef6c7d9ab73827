#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# A peer that refreshes and falls silent: both legs end before its session does, by so many seconds
# or by RFC 4028's min(32, a third). A refused refresh is tried twice more.
my $rate = 30;

sub in_call {
	my ($timer) = @_;
	my $switch = start_switch(users => [1001, 1002], clock_rate => $rate,
		config => {plugins => {registrar => {}, 'session-timer' => {ttl => 120, %$timer}}});
	my ($alice, $bob) = phones($switch);
	my $out = $alice->invite('1002', sdp => 1,
		headers => ['Session-Expires' => '120;refresher=uac']);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	return ($switch, $out, $in, now());
}

for my $case ([0, 120], [20, 100], ['auto', 88]) {
	my ($early, $end) = @$case;
	my ($switch, $out, $in, $answered) = in_call({early_hangup => $early});
	near($switch->control('calls')->[0]{legs}[0]{timer}{next_in}, $end, 4,
		"early_hangup: $early: the session ends after $end s");
	ok($out->ended(10), 'BYE to the silent peer');
	near((now() - $answered) * $rate, $end, 5, 'then, not before and not after');
	ok($in->ended, 'and to the other');
	my ($cdr) = $switch->cdrs(1);
	is("$cdr->{reason}, $cdr->{detail}, $cdr->{ended_by}",
		'Session Timeout, refresh-expired, server', 'and the record says why');
	near($cdr->{duration}, $end, 3, 'and for how long it was');
	cmp_ok($cdr->{last_alive}, 'lt', $cdr->{ended}, 'and when the last sign of life came');
	$switch->stop;
}

my ($switch, $out, $in, $answered) = in_call({});
my @try;
my $bob = $in->{phone};
$bob->{serve}{UPDATE} = sub { push @try, (now() - $answered) * $rate; $_[0]->respond($_[1], 500) };
ok($in->ended(10), '500 to every refresh: the call ends with its session');
is(scalar @try, 3, 'after a refresh and two more tries');
near($try[0], 60, 4, 'at ttl / update_segment');
near($try[1], 80, 4, 'a third of the rest later');
near($try[2], 100, 4, 'and another');
is(($switch->cdrs(1))[0]{detail}, 'refresh-failed', 'the record calls it a failure');
finish;
