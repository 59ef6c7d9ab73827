# K10: a heartbeat never extends a registration; it stops when that ends and follows a new mapping.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 20;
my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => $rate, config => {
	plugins => {registrar => {}, keepalive => {period => 10}}});

subtest 'unregistered' => sub {
	my $phone = phone(switch => $switch, user => '1001', nat => nat());
	$phone->register;
	$phone->heartbeat;
	$phone->unregister;
	my $gone = now();
	quiet(2.5 * 10 / $rate);
	my @late = grep { $_->at > $gone + 1 / $rate } $phone->heartbeats;
	is scalar(@late), 0, 'none more than a second after unregistering';
};

subtest 'expired' => sub {
	my $phone = phone(switch => $switch, user => '1002', nat => nat());
	my $start = now();
	$phone->register(expires => 35);
	$phone->heartbeat for 1 .. 3;
	cmp_ok $switch->endpoint('1002')->{expires_in}, '<', 30, 'three heartbeats later the time runs down';
	my $end = $start + 35 / $rate;
	wait_for { now() > $end + 25 / $rate } 10;
	is scalar(grep { $_->at > $end + 1 / $rate } $phone->heartbeats), 0,
		'none more than a second after expiry';
	is scalar @{$switch->control('endpoints', user => '1002')}, 0, 'the contact is gone';
};

subtest 'moved' => sub {
	my $nat = nat();
	my $phone = phone(switch => $switch, user => '1003', nat => $nat);
	$phone->register;
	my $before = $phone->heartbeat->{local};
	$nat->rebind;
	is $phone->register->code, 200, 'registered again through another mapping';
	my $beat = $phone->heartbeat;
	isnt $beat->{local}, $before, 'the heartbeat comes to the new port';
	is $beat->{local}, $phone->received, 'the one of the re-REGISTER';
	$phone->heartbeat;
	is scalar($nat->knocks), 0, 'and the old one hears nothing';
	my @contact = @{$switch->control('endpoints', user => '1003')};
	is scalar(@contact), 1, 'it is one contact';
	is "$contact[0]{received}:$contact[0]{received_port}", $phone->received, 'where it is now';
};

finish;
