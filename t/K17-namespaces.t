# K17: a real router. A phone behind the kernel's NAT is rung after it was idle for longer than the
# pinhole lasts; one without heartbeats is not.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Router;

my $why = Holdline::Test::Router::why_not();
plan skip_all => $why if $why;

# The switch's clock is the real one: 10 s is the shortest period.
my $pinhole = 12;
my $router = Holdline::Test::Router->new(timeout => $pinhole);
my $outside = $router->address('outside');
my $switch = $router->within(switch => sub {
	return start_switch(users => ['1003'], config => {
		switch => {listen => ['udp:' . $router->address('switch') . ':0']},
		plugins => {registrar => {}, keepalive => {period => 10}},
		endpoints => {1001 => {password => 'a'}, 1002 => {password => 'b', keepalive => 'off'}}});
});

sub behind {
	my ($user) = @_;
	my $phone = $router->within(phone => sub {
		return phone(switch => $switch, user => $user, local => $router->address('phone'));
	});
	is $phone->register->code, 200, "$user registers";
	my $row = $switch->endpoint($user);
	is $row->{received}, $outside, 'the switch sees the router';
	is $row->{nat}, JSON::PP::true, 'and that there is a NAT';
	return $phone;
}

my ($kept, $idle) = map { behind($_) } 1001, 1002;
my $caller = $router->within(switch => sub {
	return phone(switch => $switch, user => '1003', local => $router->address('switch'));
});
$caller->register;

my $start = now();
is $kept->heartbeat(15)->bytes, 'HELLO', 'HELLO comes through the NAT';
is $kept->heartbeat(15)->bytes, 'HELLO', 'and again';
wait_for { now() > $start + $pinhole + 3 } $pinhole + 5;
is scalar $idle->heartbeats, 0, 'the other one gets none';

my $call = $caller->invite('1001', sdp => 1);
ok $kept->wait_message('INVITE', 3), 'the one with heartbeats is rung after longer than the pinhole';
$call->cancel;
$call = $caller->invite('1002', sdp => 1);
ok !$idle->wait_message('INVITE', 3), 'the one without is not';
$call->cancel;

# The pinhole is what was missing: a packet from inside opens it again.
is $idle->register->code, 200, 'it registers again';
$caller->invite('1002', sdp => 1);
ok $idle->wait_message('INVITE', 3), 'and is rung';

finish;
