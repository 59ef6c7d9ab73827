# K12: OPTIONS and CRLFs as heartbeats: reachability, round trip, and what becomes of the dead.
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
	like $options->header('From'), qr/\Q@{[$phone->server]}\E>;tag=\w/, 'which names itself';
	isnt $options->header('From'), $options->header('To'), 'and is not the user';
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
	is $dead->{keepalive}{unanswered}, 2, 'which are shown';
	$phone->silent(0)->forget;
	$phone->respond($phone->expect('OPTIONS'), 200);
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	pass 'an answer brings it back';
	$switch->stop;
};

subtest 'by way of a proxy' => sub {
	my $switch = switch_with(method => 'options');
	my $proxy = phone(switch => $switch, user => '1001', manual => ['OPTIONS'],
		contact => '<sip:1001@192.168.7.7:5062;ob>');
	my @path = ('<sip:edge.example:5070;lr;x=1>', '<sip:inner.example;lr>');
	$proxy->register(headers => [Path => join(', ', @path), Supported => 'path']);
	my $options = $proxy->expect('OPTIONS');
	is $options->{local}, $proxy->address, 'over the stored flow, not to the Contact';
	is_deeply [$options->list('Route')], \@path, 'the stored Path is the Route, in order';
	is $options->uri, 'sip:1001@192.168.7.7:5062;ob', 'the Contact is the Request-URI';
	$proxy->respond($options, 200);
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	pass 'the answer counts';
	$switch->stop;
};

subtest 'on_dead: remove' => sub {
	my $switch = switch_with(method => 'options', options_fail_limit => 1, on_dead => 'remove');
	my $phone = phone(switch => $switch, user => '1001', manual => ['OPTIONS']);
	$phone->register;
	$phone->expect('OPTIONS');
	$switch->wait_log(event => 'unreachable', tag => 'endpoint');
	is_deeply $switch->control('endpoints'), [], 'a contact that never answers is removed';
	$phone->forget;
	$phone->register;
	ok $phone->expect('OPTIONS'), 'and asked again when it comes back';
	$switch->stop;
};

# Its place in the table of contacts is taken by the next: what was asked of one is none of the other's.
subtest 'who goes while it is being asked' => sub {
	my $switch = switch_with(method => 'options', options_fail_limit => 1, on_dead => 'remove');
	my ($gone, $next) = map { phone(switch => $switch, user => $_, manual => ['OPTIONS']) } 1001, 1002;
	my @asked;
	for my $late (1, 0) {
		$gone->forget->register;
		push @asked, $gone->expect('OPTIONS');
		$gone->unregister;
		is $next->register->code, 200, 'another comes into its place';
		$gone->respond($asked[0], 200) if $late;
	}
	is $next->register->code, 200, 'and again, behind a late answer of the first';
	ok !defined $switch->endpoint('1002')->{reachable}, 'which is no answer of his';
	$next->{manual} = [];
	$next->forget->expect('OPTIONS');
	# Timer F of the second question.
	quiet(35 / $rate);
	is scalar @{$switch->control('endpoints', user => '1002')}, 1, 'nor is its silence';
	is scalar(my @dead = $switch->log_events(event => 'unreachable')), 0, 'and nobody is dead';
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
	cmp_ok $switch->endpoint('1001')->{rtt_ms}, '>', 0, 'and gives the round trip';
	$phone->forget;
	$phone->heartbeat;
	my $asked = now();
	$switch->control_until(sub { $_->[0]{keepalive}{unanswered} == 1 }, 'endpoints', user => '1001');
	near((now() - $asked) * $rate, 10, 3, 'a pong is waited for ten seconds');
	$switch->control_until(sub { defined $_->[0]{reachable} && !$_->[0]{reachable} }, 'endpoints',
		user => '1001');
	pass 'two without a pong: unreachable';
	$phone->forget;
	$phone->send_raw("\r\n\r\n");
	# One of ours may come in between.
	ok $phone->expect({raw => "\r\n"}), 'a ping of its own is answered at once';
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	pass 'and is life';
	$phone->close;
	$switch->control_until(sub { !@$_ }, 'endpoints', user => '1001');
	pass 'a closed connection takes its contact along';
	$switch->stop;
};

subtest 'a stream without pongs' => sub {
	my $switch = switch_with(options_fail_limit => 2, on_dead => 'remove');
	my $dead = phone(switch => $switch, user => '1001', transport => 'tcp');
	my $alive = phone(switch => $switch, user => '1002', transport => 'tcp');
	$_->register for $dead, $alive;
	my $end = now() + 5;
	until ($dead->link->{closed} || now() > $end) {
		my $ping = $alive->wait_message(sub { $_[0]{raw} }, 0.1);
		$alive->send_raw("\r\n") if $ping;
	}
	ok $dead->link->{closed}, 'on_dead: remove closes the connection';
	my @left = map { $_->{user} } @{$switch->control('endpoints')};
	is_deeply \@left, ['1002'], 'its contact is gone, the one that answers stays';
	my ($line) = $switch->log_events(tag => 'endpoint', event => 'unreachable');
	is $line->{user}, '1001', 'and the log says why';
	is $dead->register->code, 200, 'it comes back over another';
	$switch->stop;
};

subtest 'OPTIONS on a stream' => sub {
	my $switch = switch_with(method => 'options');
	my $phone = phone(switch => $switch, user => '1001', transport => 'tcp');
	$phone->register;
	is $phone->expect('OPTIONS')->from, $phone->server, 'where that is set, over the connection';
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1001');
	is $switch->endpoint('1001')->{keepalive}{method}, 'options', 'in place of CRLFs';
	is scalar $phone->heartbeats, 0, 'of which there are none';
	$switch->stop;
};

my @checks = (
	["method: pigeon", qr/:\d+:23: plugins\.keepalive\.method: .*udp.*options/, 'an unknown method'],
	["method: crlf", qr/:\d+:23: plugins\.keepalive\.method: /, 'CRLF, which is for streams'],
	["on_dead: bury", qr/plugins\.keepalive\.on_dead: .*mark.*remove/, 'an unknown end'],
	["options_fail_limit: 0", qr/plugins\.keepalive\.options_fail_limit: .*1/, 'a limit of 0'],
	["options_fail_limit: 101", qr/plugins\.keepalive\.options_fail_limit: .*100/, 'or of 101'],
);
subtest 'what is refused' => sub {
	for my $check (@checks) {
		my ($row, $says, $name) = @$check;
		my ($exit, $text) = switch_object(args => ['--check'], yaml =>
			"switch: {listen: ['udp:127.0.0.1:0'], plugin_dir: '$ENV{HOLDLINE_PLUGIN_DIR}'}\n"
			. "plugins:\n  keepalive: {$row}\n")->run;
		is $exit, 2, $name;
		like $text, $says, 'at its place, with what is allowed';
	}
};

finish;
