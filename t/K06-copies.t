# K6: `copies` of each heartbeat, for lossy links; each counts against send_one_time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 20;

sub switch_with {
	my ($users, %keepalive) = @_;
	return start_switch(users => [1001 .. 1000 + $users], clock_rate => $rate, config => {
		plugins => {registrar => {}, keepalive => {period => 10, %keepalive}}});
}

my $switch = switch_with(1, copies => 3);
my ($phone) = phones($switch, nat => nat());
my @at = map { $phone->heartbeat->at } 1 .. 6;
cmp_ok $at[2] - $at[0], '<', 2 / $rate, 'three in one pass';
near(($at[3] - $at[0]) * $rate, 10, 2, 'and three in the next');
is $switch->endpoint('1001')->{keepalive}{sent} % 3, 0, 'each is counted';
is $switch->control('keepalive')->{needed_period}, 0.5, 'one burst of 500 ms has room for them';
$switch->stop;

$switch = switch_with(4, copies => 2, send_one_time => 2, send_interval => 1000);
my @phones = phones($switch, nat => nat());
$phones[-1]->heartbeat for 1 .. 2;
my @beats = (heartbeats(@phones))[0 .. 7];
is_deeply [map { $_->[0]->user } @beats], [map { ($_, $_) } 1001 .. 1004], 'copies come together';
my @pause = map { ($beats[$_]->[1]->at - $beats[$_ - 2]->[1]->at) * $rate } 2, 4, 6;
is scalar(grep { $_ > 0.45 } @pause), 3, 'and count against send_one_time';
is $switch->control('keepalive')->{needed_period}, 4, 'as the needed period says';
$switch->stop;

for my $case ([0, 2], [1, 0], [10, 0], [11, 2]) {
	my ($copies, $expected) = @$case;
	my ($exit) = switch_object(args => ['--check'], config => {plugins => {
		keepalive => {copies => $copies}}})->run;
	is $exit, $expected, "$copies: " . ($expected ? 'refused' : 'accepted');
}

finish;
