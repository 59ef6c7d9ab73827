#!/usr/bin/perl
# Odd endpoints by sipp, which shares no code with our phones: compact and lower-case header names,
# tel: URIs, no Allow, no Supported, long dialogs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan(skip_all => 'sipp is not installed (Debian: sip-tester)')
	unless Holdline::Test::Sipp::available();
my %port = map { $_ => Holdline::Test::Sipp::free_port('127.0.0.1') } qw(caller callee);
my $switch = start_switch(config => {
	plugins => {'session-timer' => {}, 'media-proxy' => {mode => 'on'}},
	gateways => {caller => {address => "sip:127.0.0.1:$port{caller}", prefix => '9'},
		callee => {address => "sip:127.0.0.1:$port{callee}", prefix => '+49'}}});
my $calls = 10;
my $callee = sipp(scenario => 'uas_odd', calls => $calls, port => $port{callee}, seconds => 30);
my $caller = sipp(scenario => 'uac_odd', calls => $calls, rate => 10, port => $port{caller},
	remote => $switch->address('udp'), to => '+4930123', seconds => 30);
ok($caller->succeeded, 'the caller saw what it expected');
ok($callee->succeeded, 'and so did the callee');
like($callee->messages, qr{^Subject: a subject\r?$}m, 'a compact Subject is one');
my @record = $switch->cdrs($calls, 10);
is(scalar @record, $calls, 'one record for each call');
is(scalar(grep { $_->{reason} eq 'Normal' && $_->{callee} eq '+4930123' && $_->{caller} eq '+4940555'
	&& $_->{codec} eq 'PCMU' && $_->{media_relayed} } @record), $calls, 'of what it was');
is(scalar(grep { $_->{caller_timer} =~ /^none, limit/ && $_->{callee_timer} =~ /^none, limit/ }
	@record), $calls, 'without session timers, under the limit');
is($switch->control('status')->{calls}, 0, 'no call is left');
finish;
