#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Many calls at once: what one costs in memory and processor, and that after they are over
# descriptors, gauges and memory are where they began. SOAK_CALLS says how many (20000).
plan(skip_all => 'sipp is not installed (Debian: sip-tester)')
	unless Holdline::Test::Sipp::available();
my $calls = $ENV{SOAK_CALLS} || 20000;
my $rate = 400;
my %port = map { $_ => Holdline::Test::Sipp::free_port('127.0.0.1') } qw(caller callee);
my $switch = start_switch(config => {
	switch => {log => {level => 'warn'}},
	plugins => {'session-timer' => {}, 'media-proxy' => {mode => 'off'}},
	gateways => {caller => {address => "sip:127.0.0.1:$port{caller}", prefix => '9'},
		callee => {address => "sip:127.0.0.1:$port{callee}", prefix => '1'}}});
my $pid = $switch->{pid};

sub kib {
	open my $in, '<', "/proc/$pid/status" or die;
	my ($rss) = map { /^VmRSS:\s+(\d+)/ } <$in>;
	return $rss;
}

sub cpu {
	open my $in, '<', "/proc/$pid/stat" or die;
	my @field = split / /, (<$in> =~ s/^.*\) //r);
	return ($field[11] + $field[12]) / 100;
}

sub descriptors { return scalar(() = glob "/proc/$pid/fd/*") }

sub gauges {
	my %value = map { ($_->{name} =~ s/^holdline_//r) => $_->{value} } @{$switch->control('metrics')};
	return join ' ', map { "$_ $value{$_}" } qw(calls legs transactions);
}

# A wave of so many calls that are all up at once; (KiB, CPU seconds) while they are, and after.
sub wave {
	my ($count) = @_;
	my $hold = int(1000 * ($count / $rate + 4));
	my $before = cpu();
	my $callee = sipp(scenario => 'uas_answer', calls => $count, port => $port{callee},
		seconds => 300, args => ['-l', $count + 10]);
	my $caller = sipp(scenario => 'uac_hold', calls => $count, port => $port{caller},
		remote => $switch->address('udp'), to => '123', rate => $rate, pause => $hold,
		seconds => 300, args => ['-l', $count + 10]);
	$switch->control_until(sub { $_->{calls} >= $count }, 'status') if $count <= 2000;
	wait_for { $switch->control('status')->{calls} >= $count } 120 if $count > 2000;
	my ($up, $spent) = (kib(), cpu() - $before);
	ok($caller->succeeded(300), "$count calls: the caller saw what it expected");
	ok($callee->succeeded(300), 'and the callee');
	wait_for { gauges() eq 'calls 0 legs 0 transactions 0' } 60;
	is(gauges(), 'calls 0 legs 0 transactions 0', 'afterwards the gauges agree: nothing is left');
	return ($up, $spent);
}

my (undef, $few) = wave(100);
my ($begin, $fd) = (kib(), descriptors());
my ($up, $spent) = wave($calls);
my $each = ($up - $begin) / $calls;
diag(sprintf '%d calls up: %.1f KiB a call, %.0f us to set one up (%.0f with 100)', $calls, $each,
	1e6 * $spent / $calls, 1e6 * $few / 100);
cmp_ok($each, '<=', 12, 'a call is at most 12 KiB');
is(descriptors(), $fd, 'as many descriptors as before');
my ($again) = wave($calls);
cmp_ok($again, '<=', $up * 1.1, 'the same again needs no more memory');
is(descriptors(), $fd, 'nor descriptors');
finish;
