# K7: a pass that is not done when the next begins starts again; who was left out is counted.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $count = 15;

# One datagram a second and a period of 10 s: ten of fifteen can be served.
sub overrun {
	my ($mode) = @_;
	my $switch = start_switch(users => [1001 .. 1000 + $count], clock_rate => 20, config => {
		plugins => {registrar => {}, keepalive => {period => 10, send_one_time => 1,
			send_interval => 1000, $mode ? (overrun => $mode) : ()}}});
	return ($switch, phones($switch, nat => nat()));
}

subtest 'restart, the documented way' => sub {
	my ($switch, @phones) = overrun();
	my $first = $phones[0];
	$first->heartbeat(5) for 1 .. 5;
	my $result = $switch->control_until(sub { $_->{missed_last_cycle} }, 'keepalive');
	near $result->{missed_last_cycle}, 5, 1, 'five are left out in a cycle';
	cmp_ok $result->{missed}, '>=', 2 * 4, 'and summed up';
	is $result->{needed_period}, 15, 'the switch says which period would do';
	is scalar $phones[-1]->heartbeats, 0, 'the last one starves';
	my $keepalive = $switch->endpoint($phones[-1]->user)->{keepalive};
	cmp_ok $keepalive->{missed}, '>=', 2, 'which its own figures show';
	is $keepalive->{sent}, 0, 'none sent';
	is $switch->endpoint('1001')->{keepalive}{missed}, 0, 'the first one misses none';
	my @warning = $switch->log_events(level => 'warn', tag => 'keepalive', event => 'cycle');
	cmp_ok scalar(@warning), '>=', 1, 'the log warns';
	cmp_ok scalar(@warning), '<=', $switch->control('keepalive')->{cycles} + 1, 'once a cycle';
	$switch->stop;
};

subtest 'resume: nobody starves' => sub {
	my ($switch, @phones) = overrun('resume');
	ok $phones[-1]->heartbeat(5), 'the last one is served too';
	cmp_ok scalar(grep { $_->heartbeats } @phones), '==', $count, 'as everybody is';
	ok $switch->control_until(sub { $_->{missed} }, 'keepalive'), 'who waits is counted all the same';
	$switch->stop;
};

finish;
