# K14: endpoints not behind NAT get none; `targets: all` and the endpoint's own setting override.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my %endpoints = (2001 => {password => 'a', keepalive => 'on'},
	2002 => {password => 'b', keepalive => 'off'}, 2003 => {password => 'c', keepalive => 'auto'});

sub switch_for {
	my ($targets) = @_;
	return start_switch(users => [1001], clock_rate => 50, config => {endpoints => \%endpoints,
		plugins => {registrar => {}, keepalive => {period => 10, targets => $targets}}});
}

sub registered {
	my ($switch, $user, @arg) = @_;
	my $phone = phone(switch => $switch, user => $user, @arg);
	is $phone->register->code, 200, "$user registers";
	return $phone;
}

subtest 'targets: nat' => sub {
	my $switch = switch_for('nat');
	my $open = registered($switch, '1001');
	my $forced = registered($switch, '2001');
	my $never = registered($switch, '2002', nat => nat());
	my $hidden = registered($switch, '2003', nat => nat());
	$hidden->heartbeat for 1 .. 3;
	is scalar $open->heartbeats, 0, 'in the open: none';
	is scalar $never->heartbeats, 0, 'keepalive: off: none, though behind NAT';
	cmp_ok scalar $forced->heartbeats, '>=', 2, 'keepalive: on: yes, though in the open';
	ok !$switch->endpoint('1001')->{keepalive}{enabled}, 'the switch says so';
	is $switch->control('keepalive')->{endpoints}, 2, 'and counts two';
	$switch->stop;
};

subtest 'targets: all' => sub {
	my $switch = switch_for('all');
	my $open = registered($switch, '1001');
	my $never = registered($switch, '2002', nat => nat());
	$open->heartbeat for 1 .. 3;
	pass 'in the open: heartbeats all the same';
	is scalar $never->heartbeats, 0, 'keepalive: off: none';
	$switch->stop;
};

finish;
