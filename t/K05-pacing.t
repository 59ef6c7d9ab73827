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

# How late each was, in s: against the beat of the one that was least so. A machine that is busy makes
# some of them late, a pacer that waits `send_interval` after each makes all that follow so.
sub lateness {
	my ($interval, @at) = @_;
	my @offset = map { $at[$_] - $_ * $interval } 0 .. $#at;
	my ($least) = sort { $a <=> $b } @offset;
	return map { $_ - $least } @offset;
}

sub median { return (sort { $a <=> $b } @_)[$#_ / 2] }

# A pacer that is wrong is so in each pass; one that a busy machine held up is looked at again.
my $passes = 3;

for my $interval (100, 500, 1000) {
	my $count = $interval == 100 ? 31 : 11;
	my $per_second = 1000 / $interval;
	my ($late, $even);
	for my $pass (1 .. $passes) {
		my @late = lateness($interval / 1000,
			one_pass($count, send_one_time => 1, send_interval => $interval));
		($late, $even) = (median(@late[-5 .. -1]), scalar grep { $_ < 0.09 } @late);
		last if $late <= 0.15 && $even >= $count * 0.8;
	}
	near $late, 0, 0.15, "send_interval $interval, one at a time: $per_second a second";
	cmp_ok $even, '>=', $count * 0.8, 'evenly';
}

my ($together, $width, $pause);
for my $pass (1 .. $passes) {
	my @at = one_pass(20, send_one_time => 5, send_interval => 1000);
	$together = grep { $_ < 0.15 } lateness(1, @at[0, 5, 10, 15]);
	$width = median(map { $at[$_ + 4] - $at[$_] } 0, 5, 10, 15);
	$pause = median(map { $at[$_] - $at[$_ - 1] } 5, 10, 15);
	last if $together >= 3 && $width < 0.3 && $pause > 0.7;
}
cmp_ok $together, '>=', 3, 'batches start a pause apart';
cmp_ok $width, '<', 0.3, 'five of them back to back';
cmp_ok $pause, '>', 0.7, 'and then none';

finish;
