# K8, K9: what does not fit is said, with the figures and the smallest change that would.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

sub switch_with {
	my ($users, $registrar, $keepalive) = @_;
	return start_switch(users => [1001 .. 1000 + $users], clock_rate => 50, config => {
		plugins => {registrar => $registrar, keepalive => $keepalive}});
}

sub sizing { return grep { $_->{line} =~ /tag=keepalive event=sizing/ } $_[0]->log_events() }

subtest 'more endpoints than a period can serve' => sub {
	my $switch = switch_with(12, {}, {period => 10, send_one_time => 1, send_interval => 1000});
	my @phones = phones($switch, nat => nat());
	my $line = $switch->wait_log(tag => 'keepalive', event => 'sizing')->{line};
	like $line, qr/endpoints=12 /, 'how many there are';
	like $line, qr/needed_period=12 period=10 /, 'the period they need, and the one they have';
	like $line, qr/mend="send_one_time ≥ 2 or period ≥ 12 s"/, 'the smallest change that would help';
	$phones[0]->forget->heartbeat for 1 .. 3;
	is scalar(sizing($switch)), 1, 'said once, not with every pass';
	$switch->stop;
};

subtest 'a period that is long for the registrations' => sub {
	my $switch = switch_with(1, {nat_expire => 300}, {period => 61});
	like((sizing($switch))[0]{line}, qr/period=61 nat_expire=300 .*fifth/,
		'more than a fifth of nat_expire');
	$switch->stop;
	$switch = switch_with(1, {nat_expire => 300}, {period => 301});
	like((sizing($switch))[0]{line}, qr/period=301 nat_expire=300 .*exceeds/,
		'more than all of it');
	$switch->stop;
};

subtest 'what fits' => sub {
	my $switch = switch_with(3, {nat_expire => 300}, {period => 60});
	my ($phone) = phones($switch, nat => nat());
	$phone->heartbeat;
	is scalar(sizing($switch)), 0, 'is not warned of';
	$switch->stop;
};

finish;
