# K5: send_one_time datagrams back to back, then a pause of send_interval.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 5;

# The arrival times (s of the switch's clock) of one whole pass over `count` phones.
sub one_pass {
	my ($count, %keepalive) = @_;
	my $switch = start_switch(users => [1001 .. 1000 + $count], clock_rate => $rate, config => {
		plugins => {registrar => {}, keepalive => {period => 15, %keepalive}}});
	my @phones = phones($switch, nat => nat());
	# The pass that first reaches the last phone reaches all the others before it.
	$phones[-1]->heartbeat(20);
	my @at = sort { $a <=> $b } map { my @beat = $_->heartbeats; @beat ? $beat[-1]->at : () } @phones;
	is scalar(@at), $count, 'each phone got one';
	$switch->stop;
	return map { ($_ - $at[0]) * $rate } @at;
}

for my $interval (100, 500, 1000) {
	my $count = $interval == 100 ? 31 : 11;
	my $per_second = 1000 / $interval;
	my @at = one_pass($count, send_one_time => 1, send_interval => $interval);
	my $took = ($count - 1) * $interval / 1000;
	near $at[-1], $took, 0.15, "send_interval $interval, one at a time: $per_second a second";
	my @gap = map { $at[$_] - $at[$_ - 1] } 1 .. $#at;
	my $good = grep { abs($_ - $interval / 1000) < 0.09 } @gap;
	cmp_ok $good, '>=', @gap * 0.8, 'evenly';
}

my @at = one_pass(20, send_one_time => 5, send_interval => 1000);
my @start = @at[0, 5, 10, 15];
near $start[$_], $_, 0.15, 'batch ' . ($_ + 1) . " starts after $_ pauses" for 1 .. 3;
my $widest = (sort { $b <=> $a } map { $at[$_ + 4] - $at[$_] } 0, 5, 10, 15)[0];
cmp_ok $widest, '<', 0.3, 'five of them back to back';

finish;
