# K4: one pass a period, 30 s unless told, 10 to 86400.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 40;

# Arrival times of `count` heartbeats of a phone registered at a switch with that configuration.
sub arrivals {
	my ($count, %keepalive) = @_;
	my $switch = start_switch(users => [1001], clock_rate => $rate, config => {
		plugins => {registrar => {}, keepalive => \%keepalive}});
	my ($phone) = phones($switch, nat => nat());
	my @at = map { $phone->heartbeat(10)->at } 1 .. $count;
	is $switch->control('keepalive')->{period}, $keepalive{period} || 30, 'the switch says so';
	$switch->stop;
	return @at;
}

for my $period (10, 25) {
	my @at = arrivals(6, period => $period);
	near(($at[5] - $at[0]) / 5 * $rate, $period, 0.2, "period: $period is $period s");
}
my @at = arrivals(3);
near(($at[2] - $at[0]) / 2 * $rate, 30, 1, 'by default 30 s');

for my $case ([9, 2], [10, 0], [86400, 0], [86401, 2]) {
	my ($period, $expected) = @$case;
	my ($exit) = switch_object(args => ['--check'], config => {plugins => {
		keepalive => {period => $period}}})->run;
	is $exit, $expected, "$period s is " . ($expected ? 'refused' : 'accepted');
}

finish;
