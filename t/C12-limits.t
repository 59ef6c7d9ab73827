#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Limits: calls in all, of one endpoint as caller and as callee, INVITEs a second; each with its
# code, its counter and its record. And the absolute end of a call that nothing else ends.
my %second = (password => 'secret-1002', max_calls => 1);
my $switch = start_switch(users => [1001, 1002, 1003], config => {
	switch => {max_calls => 2}, endpoints => {1002 => \%second}});
my ($alice, $bob, $carol) = phones($switch);
my $records = 0;

sub record_says {
	my ($name, @want) = @_;
	my $cdr = ($switch->cdrs(++$records))[-1];
	is(join(' ', map { $_ // '-' } @$cdr{qw(sip_code detail ended_by)}), join(' ', @want),
		"$name: the record says so");
	return;
}

sub refused { return $switch->control('status')->{refused}{$_[0]} }

my ($one, $one_in) = answered_call($alice, '1002', $bob);
my $second = $alice->invite('1002', sdp => 1);
is($second->failed->code, 486, 'a callee at its limit is busy');
record_says('callee', 486, 'limit-callee', 'server');
is($bob->invite('1003', sdp => 1)->failed->code, 403, 'as a caller it is refused');
record_says('caller', 403, 'limit-caller', 'server');
is(refused('limit_endpoint'), 2, 'both are counted');
my ($two) = answered_call($alice, '1003', $carol);
my $third = $carol->invite('1001', sdp => 1)->failed;
is($third->code, 503, 'calls in all are limited: 503');
like($third->header('Retry-After'), qr/^\d+$/, 'with Retry-After');
record_says('in all', 503, 'limit-calls', 'server');
is(refused('limit_calls'), 1, 'and counted');
$one->bye;
$one_in->ended;
$records++;
$switch->cdrs($records);
($one, $one_in) = answered_call($alice, '1002', $bob);
pass('when a call ends there is room again');
$_->bye for $one, $two;
$records += 2;
$switch->cdrs($records);

# INVITEs a second.
ok($switch->reload({%{$switch->{config}}, switch => {%{$switch->{config}{switch}},
	max_calls => 0, max_invite_rate => 5}})->{ok}, 'limits are reloadable');
$alice->{password} = undef;
my @burst = map { $alice->invite('1009', sdp => 1, auth => 0) } 1 .. 3;
$_->failed for @burst;
pass('what is challenged is no call and counts for nothing');
$alice->{password} = 'secret-1001';
my %code;
$code{$_->failed->code}++ for map { $alice->invite('1009', sdp => 1) } 1 .. 8;
is($code{404}, 5, 'five a second are served');
is($code{503}, 3, 'the rest gets 503');
$records += 8;
is(scalar(grep { ($_->{detail} // '') eq 'limit-rate' && $_->{sip_code} == 503 }
	$switch->cdrs($records)), 3, 'each with its record');
is(refused('limit_rate'), 3, 'and counted');
quiet(0.5);
is($alice->invite('1009', sdp => 1)->failed->code, 404, 'a while later there is room again');
$switch->stop;
$_->close for $alice, $bob, $carol;

# The reaper: without plugin, without session timer, without anybody who hangs up.
my $rate = 50;
my $carrier = phone(user => 'carrier', server => '127.0.0.1:1');
my $peer = phone(user => 'peer', server => '127.0.0.1:1', local => '127.0.0.9');
$switch = start_switch(clock_rate => $rate, config => {plugins => {},
	switch => {max_call_duration => 60, timeout_ringing => 0},
	gateways => {carrier => {address => 'sip:' . $carrier->address, prefix => '00'},
		peer => {address => 'sip:' . $peer->address, prefix => '99'}}});
$_->{server} = $switch->address('udp') for $carrier, $peer;
my ($out, $in) = answered_call($peer, '001', $carrier);
my $answered = now();
ok($out->ended(5), 'the reaper: BYE to the caller');
ok($in->ended, 'and to the callee');
near((now() - $answered) * $rate, 60, 6, 'at the absolute deadline');
my ($cdr) = $switch->cdrs(1);
is("$cdr->{reason}, $cdr->{detail}, $cdr->{ended_by}", 'Max Duration, call-deadline, server',
	'and the record says so');
$out = $peer->invite('001', sdp => 1);
$in = $carrier->incoming;
$in->respond(180);
is($out->failed(5)->code, 480, 'a call that rings for ever is ended, too');
ok($in->expect('CANCEL'), 'with CANCEL');
is(($switch->cdrs(2))[1]{detail}, 'call-deadline', 'and recorded');
is(refused('reaped'), 2, 'both are counted');
finish;
