# K15: passes start exactly a period apart; a stall neither bunches nor shifts what follows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 20;
my $period = 10 / $rate;    # real seconds

sub phase { return $_[0] / $period - int($_[0] / $period) }

# How far two moments are from being whole periods apart, in periods.
sub shift_between {
	my ($from, $to) = @_;
	my $shift = phase($to - $from);
	return $shift > 0.5 ? 1 - $shift : $shift;
}

# The pass that first reached the last phone, in order of arrival: [phone, message].
sub last_pass {
	my (@phones) = @_;
	$phones[-1]->heartbeat(5);
	my %latest = map { $_->[0] => $_ } heartbeats(@phones);
	return sort { $a->[1]->at <=> $b->[1]->at } values %latest;
}

subtest 'no drift' => sub {
	my $switch = start_switch(users => [1001], clock_rate => $rate, config => {
		plugins => {registrar => {}, keepalive => {period => 10}}});
	my ($phone) = phones($switch, nat => nat());
	my @at = map { $phone->heartbeat->at } 1 .. 11;
	near $at[10] - $at[0], 10 * $period, 0.1 * $period, 'ten periods take ten periods';

	$switch->signal('STOP');
	quiet(2.6 * $period);
	$switch->signal('CONT');
	$phone->forget;
	my @after = map { $phone->heartbeat->at } 1 .. 4;
	cmp_ok shift_between($at[0], $after[$_]), '<', 0.15, 'after a stall the phase is the old one'
		for 2, 3;
	my @gap = map { $after[$_] - $after[$_ - 1] } 2 .. 3;
	cmp_ok $_, '>', 0.8 * $period, 'and nothing is bunched' for @gap;
	$switch->stop;
};

subtest 'the order of registration' => sub {
	my $switch = start_switch(users => [1001 .. 1008], clock_rate => $rate, config => {
		plugins => {registrar => {}, keepalive => {period => 10, send_one_time => 1,
			send_interval => 1000}}});
	my @phones = phones($switch, nat => nat());
	is_deeply [map { $_->[0]->user } last_pass(@phones)], [1001 .. 1008], 'a pass goes by it';
	$switch->stop;
};

subtest 'pacing: even' => sub {
	my $switch = start_switch(users => [1001 .. 1010], clock_rate => $rate / 2, config => {
		plugins => {registrar => {}, keepalive => {period => 10, pacing => 'even'}}});
	my @phones = phones($switch, nat => nat());
	my @at = map { $_->[1]->at } last_pass(@phones);
	is scalar(@at), 10, 'a pass';
	my @gap = map { ($at[$_] - $at[$_ - 1]) * $rate / 2 } 1 .. $#at;
	is scalar(grep { abs($_ - 1) < 0.4 } @gap), 9, 'spread over its period: one a second';
	$switch->stop;
};

finish;
