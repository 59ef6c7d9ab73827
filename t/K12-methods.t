# K12, K13: OPTIONS and CRLF as heartbeats, reachability and round trip, noise.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 50;

sub switch_with {
	my (%keepalive) = @_;
	return start_switch(users => [1001, 1002, 1003], clock_rate => $rate, config => {
		plugins => {registrar => {nat_expire => 3600}, keepalive => {period => 10, targets => 'all',
			%keepalive}}});
}

subtest 'OPTIONS' => sub {
	my $switch = switch_with(method => 'options', options_fail_limit => 2);
	my $phone = phone(switch => $switch, user => '1001', nat => nat(), manual => ['OPTIONS']);
	$phone->register;
	ok !defined $switch->endpoint('1001')->{reachable}, 'nobody has asked yet';
	my $options = $phone->expect('OPTIONS');
	is $options->from, $phone->server, 'from the socket that took the REGISTER';
	is $options->{local}, $phone->received, 'to the address it came from';
	is $options->uri, 'sip:1001@192.168.1.10:5060', 'for the Contact as sent';
	unlike $options->header('From'), qr/1001/, 'from the switch';
	$phone->respond($options, 486);
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	my $endpoint = $switch->endpoint('1001');
	cmp_ok $endpoint->{rtt_ms}, '>', 0, 'any final answer is life, and gives the round trip';
	is $endpoint->{keepalive}{method}, 'options', 'the method is shown';
	is scalar $phone->heartbeats, 0, 'no datagram beside it';
	$phone->silent(1);
	$switch->wait_log(tag => 'keepalive', event => 'unreachable');
	my $dead = $switch->endpoint('1001');
	ok defined $dead->{reachable} && !$dead->{reachable}, 'two without an answer: unreachable';
	$phone->silent(0)->forget;
	$phone->respond($phone->expect('OPTIONS'), 200);
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	pass 'an answer brings it back';
	$switch->stop;
};

subtest 'on_dead: remove' => sub {
	my $switch = switch_with(method => 'options', options_fail_limit => 1, on_dead => 'remove');
	my $phone = phone(switch => $switch, user => '1001', manual => ['OPTIONS']);
	$phone->register;
	$phone->expect('OPTIONS');
	$switch->wait_log(event => 'unreachable', tag => 'endpoint');
	is_deeply $switch->control('endpoints'), [], 'a contact that never answers is removed';
	$switch->stop;
};

subtest 'CRLF on a stream' => sub {
	my $switch = switch_with(options_fail_limit => 2);
	my $phone = phone(switch => $switch, user => '1001', transport => 'tcp');
	$phone->register;
	my $ping = $phone->heartbeat;
	is $ping->bytes, "\r\n\r\n", 'a double CRLF, not the message';
	$phone->send_raw("\r\n");
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	is $switch->endpoint('1001')->{keepalive}{method}, 'crlf', 'its pong shows it reachable';
	$switch->control_until(sub { defined $_->[0]{reachable} && !$_->[0]{reachable} }, 'endpoints',
		user => '1001');
	pass 'two without a pong: unreachable';
	$phone->forget;
	$phone->send_raw("\r\n\r\n");
	is $phone->heartbeat->bytes, "\r\n", 'a ping of its own is answered at once';
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	pass 'and is life';
	$phone->close;
	$switch->control_until(sub { !@$_ }, 'endpoints', user => '1001');
	pass 'a closed connection takes its contact along';
	$switch->stop;
};

subtest 'noise' => sub {
	my $switch = switch_with(message => '');
	my $phone = phone(switch => $switch, user => '1001');
	$phone->register;
	$phone->forget;
	$phone->send_raw($_) for "\r\n\r\n", "\r\n", "\0", "\0\0\0\0", " \r\n";
	is $phone->register->code, 200, 'the next REGISTER is served';
	is scalar $phone->heartbeats, 0, 'no noise was answered';
	is scalar $switch->log_events(level => qr/warn|error/), 0, 'or complained of';
	$switch->stop;
};

subtest 'skip_active' => sub {
	my $switch = switch_with(skip_active => 'on');
	my @phone = map { phone(switch => $switch, user => $_) } 1001, 1002;
	$_->register for @phone;
	my $timer = now() + 2;
	while (now() < $timer) {
		$phone[0]->send_raw("\r\n\r\n");
		quiet(0.05);
	}
	is scalar $phone[0]->heartbeats, 0, 'who speaks all the time needs none';
	cmp_ok scalar $phone[1]->heartbeats, '>=', 7, 'who is silent gets them';
	is $switch->endpoint('1001')->{keepalive}{missed}, 0, 'and is not counted as missed';
	$switch->stop;
};

subtest 'copies' => sub {
	my $switch = switch_with(copies => 3);
	my $phone = phone(switch => $switch, user => '1001');
	$phone->register;
	my @at = map { $phone->heartbeat->at } 1 .. 6;
	cmp_ok $at[2] - $at[0], '<', 2 / $rate, 'three in one pass';
	near(($at[3] - $at[0]) * $rate, 10, 2, 'and three in the next');
	$switch->stop;
};

finish;
