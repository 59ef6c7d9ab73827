# K8: what does not fit is said, with the figures and the smallest change that would.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

sub switch_with {
	my ($users, $keepalive, %arg) = @_;
	return start_switch(users => [1001 .. 1000 + $users], clock_rate => 50, config => {
		plugins => {registrar => {}, keepalive => $keepalive}}, %arg);
}

sub lines { my ($switch, $event) = @_; return $switch->log_events(tag => 'keepalive', event => $event) }

subtest 'more endpoints than a period can serve' => sub {
	my $switch = switch_with(24, {period => 10, send_one_time => 1, send_interval => 1000});
	my @phones = map { phone(switch => $switch, user => $_, nat => nat()) } 1001 .. 1024;
	$_->register for @phones[0 .. 11];
	my $line = $switch->wait_log(tag => 'keepalive', event => 'sizing')->{line};
	like $line, qr/endpoints=12 /, 'how many there are';
	like $line, qr/needed_period=12 period=10 send_interval=1000 send_one_time=1 /,
		'the period they need, and the one they have';
	like $line, qr/mend="send_one_time ≥ 2 or period ≥ 12 s"/, 'the smallest change that would help';
	$phones[0]->forget->heartbeat for 1 .. 3;
	is scalar(lines($switch, 'sizing')), 1, 'said once, not with every pass';
	$_->register for @phones[12 .. 23];
	$line = $switch->wait_log(tag => 'keepalive', event => 'sizing', endpoints => 24)->{line};
	like $line, qr/mend="send_one_time ≥ 3 or period ≥ 24 s"/, 'and again when it is much worse';

	my %config = %{$switch->{config}};
	$switch->reload({%config, plugins => {%{$config{plugins}}, keepalive => {period => 10,
		send_one_time => 2, send_interval => 1000}}});
	$line = (lines($switch, 'sizing'))[-1]{line};
	like $line, qr/needed_period=12 .*mend="send_one_time ≥ 3 or period ≥ 12 s"/,
		'a reload looks at it anew';
	my $before = lines($switch, 'sizing');
	$switch->reload({%config, plugins => {%{$config{plugins}}, keepalive => {period => 10,
		send_one_time => 3, send_interval => 1000}}});
	is scalar(lines($switch, 'sizing')), $before, 'and the advice is right: now it fits';
	is $switch->control('keepalive')->{needed_period}, 8, 'as the command says';
	$switch->stop;
};

subtest 'copies, periods of their own, and the end of a range' => sub {
	my $lua = "local policy = {}\nfunction policy.keepalive(endpoint)\n"
		. "\tif endpoint.user > '1006' then return { period = 20 } end\nend\nreturn policy\n";
	my $switch = switch_with(12, {period => 10, send_one_time => 1, send_interval => 1000, copies => 2},
		lua => $lua);
	phones($switch, nat => nat());
	my $line = $switch->wait_log(tag => 'keepalive', event => 'sizing', endpoints => 12)->{line};
	like $line, qr/needed_period=24 .*copies=2 .*mend="send_one_time ≥ 2 or period ≥ 30 s"/,
		'six of 10 s and six of 20 s, with two copies each: 1.8 times what there is';
	$switch->stop;

	$switch = switch_with(3, {period => 10, send_one_time => 10000, send_interval => 10000,
		copies => 10}, lua => $lua);
	phones($switch, nat => nat());
	is scalar(lines($switch, 'sizing')), 0, 'thirty datagrams in one burst of 10 s just fit';
	$switch->stop;
};

subtest 'at start' => sub {
	my $switch = switch_with(31, {period => 10, send_one_time => 3, send_interval => 1000});
	my ($line) = lines($switch, 'forecast');
	like $line->{line}, qr/endpoints=31 needed_period=11 .*configured.*"send_one_time ≥ 4 or period ≥ 11 s"/,
		'what the configured endpoints would need is said at once';
	is scalar(lines($switch, 'sizing')), 0, 'though nobody is there yet';
	$switch->stop;
};

subtest 'what fits' => sub {
	my $switch = switch_with(10, {period => 10, send_one_time => 1, send_interval => 1000});
	my ($phone) = phones($switch, nat => nat());
	$phone->heartbeat for 1 .. 2;
	is scalar(lines($switch, 'sizing')), 0, 'is not warned of';
	is scalar(lines($switch, 'forecast')), 0, 'nor expected not to';
	$switch->stop;
};

finish;
