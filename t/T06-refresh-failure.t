#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# A refresh that nobody answers, or that is answered 481 or 408, ends both legs at once.
my $switch = start_switch(users => [1001, 1002], clock_rate => 50,
	config => {plugins => {registrar => {}, 'session-timer' => {ttl => 100},
		'media-proxy' => {mode => 'on', media_timeout => 0}}});
my ($alice, $bob) = phones($switch);
my $records = 0;

sub record_is {
	my ($detail) = @_;
	my $cdr = ($switch->cdrs(++$records, 10))[-1];
	is($cdr->{reason}, 'Session Timeout', "$detail: reason");
	is($cdr->{detail}, $detail, "$detail: detail");
	is($cdr->{ended_by}, 'server', "$detail: by the server");
	is($switch->control('status')->{calls}, 0, "$detail: no call is left");
}

for my $code (481, 408) {
	my ($out, $in) = answered_call($alice, '1002', $bob);
	$bob->{serve}{UPDATE} = sub { $_[0]->respond($_[1], $code) };
	ok($in->ended(10), "$code to a refresh: BYE to that leg");
	ok($out->ended, "$code: BYE to the other");
	record_is('refresh-failed');
	delete $bob->{serve}{UPDATE};
}

# Other refusals are tried again each interval, until the session's end.
{
	my ($out, $in) = answered_call($alice, '1002', $bob);
	my $tries = 0;
	$bob->{serve}{UPDATE} = sub { $tries++; $_[0]->respond($_[1], 500) };
	ok($out->ended(10), '500 to every refresh: ended with the session');
	cmp_ok($tries, '>=', 1, 'after trying');
	record_is('refresh-failed');
	delete $bob->{serve}{UPDATE};
}

# 491 is no failure.
{
	my ($out, $in) = answered_call($alice, '1002', $bob);
	my $busy = 1;
	$bob->{serve}{UPDATE} = sub { $_[0]->respond($_[1], $busy-- > 0 ? 491 : 200) };
	$switch->control_until(sub { $_[0][0]{legs}[1]{timer}{refreshes} }, 'calls');
	pass('491, and a while later the refresh passes');
	is($switch->control('calls')->[0]{state}, 'active', 'the call survives');
	$out->bye;
	$in->ended;
	$records++;
	delete $bob->{serve}{UPDATE};
}

# Nothing at all.
{
	my ($out, $in) = answered_call($alice, '1002', $bob);
	$bob->silent(1);
	ok($out->ended(10), 'no answer to a refresh (Timer F): BYE to the other leg');
	record_is('refresh-failed');
	$bob->silent(0);
	ok($in->expect('BYE', 5), 'and to the silent one, repeated until it hears');
}
finish;
