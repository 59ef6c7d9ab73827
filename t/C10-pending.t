#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# A request that is passed on gets its final answer, whatever becomes of the call (RFC 3261 §15.1.2).
my $switch = start_switch(users => [1001, 1002], clock_rate => 50);
my ($alice, $bob) = phones($switch);

sub pending {
	my ($method, @arg) = @_;
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	$bob->{manual} = [$method];
	my $request = $out->start_request($method, @arg);
	my $passed = $in->expect($method);
	return ($out, $in, $request, $passed);
}

for my $case (['INVITE', sdp => 1], ['INFO', body => 'x']) {
	my ($method, @arg) = @$case;
	my ($out, $in, $request) = pending($method, @arg);
	is($out->bye->code, 200, "$method is pending, the caller hangs up");
	is($alice->final($request)->code, 487, "$method gets 487");
	ok($in->ended, 'the callee gets its BYE');
	($out, $in, $request) = pending($method, @arg);
	is($in->bye->code, 200, "$method is pending, the callee hangs up");
	is($alice->final($request)->code, 487, "$method gets 487");
}

# A callee that only says 100 to a re-INVITE.
my ($out, $in, $request, $passed) = pending('INVITE', sdp => 1);
$bob->respond($passed, 100);
ok($in->expect('CANCEL', 10), 'after a minute of thinking it is cancelled');
is($alice->final($request, 10)->code, 408, 'and the caller hears of it');
is($switch->control('calls')->[0]{state}, 'active', 'the call is as it was');
$out->bye;
finish;
