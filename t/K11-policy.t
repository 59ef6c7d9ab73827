# K11: policy decides per endpoint: payload, period, method or none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 20;

subtest 'a script of one\'s own' => sub {
	my $switch = start_switch(users => [1001 .. 1005], clock_rate => $rate,
		config => {plugins => {registrar => {}, keepalive => {period => 10}}}, lua => <<'LUA');
local policy = {}
function policy.keepalive(endpoint)
	if endpoint.user == "1001" then return { message = "\r\n\r\n", period = 25 } end
	if endpoint.user == "1002" then return false end
	if endpoint.user == "1003" then return { method = "options" } end
	if endpoint.user == "1004" then error("no idea") end
end
return policy
LUA
	my %phone = map { $_->user => $_ } phones($switch, nat => nat());
	my @beat = map { $phone{1001}->heartbeat(5) } 1 .. 4;
	is $beat[0]->bytes, "\r\n\r\n", 'its own payload';
	near(($beat[3]->at - $beat[0]->at) / 3 * $rate, 25, 0.5, 'and its own period');
	is scalar $phone{1002}->heartbeats, 0, 'false: none';
	ok !$switch->endpoint('1002')->{keepalive}{enabled}, 'and the switch says so';
	my $options = $phone{1003}->expect('OPTIONS');
	is scalar $phone{1003}->heartbeats, 0, 'OPTIONS in place of the datagram';
	like $options->header('From'), qr/^(?!.*1003\@)/, 'from the switch, not from the user itself';
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1003');
	ok $switch->endpoint('1003')->{reachable}, 'its answer shows the phone reachable';
	is $phone{1005}->heartbeat->bytes, 'HELLO', 'nil: as configured';
	is $phone{1004}->heartbeat->bytes, 'HELLO', 'an error: as configured';
	my ($error) = grep { $_->{line} =~ /no idea/ } $switch->log_events();
	like $error->{line}, qr/policy\.lua:6/, 'logged with the script\'s line';
	like $error->{line}, qr/1004/, 'and the endpoint';
	my @five = map { $_->at } $phone{1005}->heartbeats;
	near(($five[-1] - $five[0]) / $#five * $rate, 10, 0.5, 'the others keep the period of all');
	$switch->stop;
};

subtest 'rules of the stock script' => sub {
	my $switch = start_switch(users => [2001, 2002, 2003], clock_rate => $rate, config => {
		plugins => {registrar => {}, keepalive => {period => 10}},
		policy => {rules => [
			{name => 'yealink', match => {user_agent => 'Yealink*'},
				keepalive => {message => "\r\n\r\n", period => 15}},
			{name => 'quiet ones', match => {user => '2002'}, keepalive => 'off'},
		]}});
	my $nat = nat();
	my ($yealink, $quiet, $plain) = map { phone(switch => $switch, user => $_, nat => $nat,
		port => $_, user_agent => $_ == 2001 ? 'Yealink SIP-T46S 66.85' : 'Other') } 2001 .. 2003;
	$_->register for $yealink, $quiet, $plain;
	is $yealink->heartbeat->bytes, "\r\n\r\n", 'the rule\'s payload';
	is $plain->heartbeat->bytes, 'HELLO', 'no rule: as configured';
	$plain->heartbeat for 1 .. 2;
	is scalar $quiet->heartbeats, 0, 'off: none';
	my $keepalive = $switch->endpoint('2001')->{keepalive};
	is $keepalive->{decided_by}, 'yealink', 'the decision names its rule';
	is $keepalive->{period}, 15, 'and the period';
	is $switch->endpoint('2003')->{keepalive}{decided_by}, 'default', 'or the default';
	$switch->stop;
};

my %mischief = ('an endless loop' => 'while true do end', 'a wrong type' => 'return 42',
	'a wrong value' => 'return { period = "soon" }', 'an unknown word' => 'return { method = "x" }',
	'too short a period' => 'return { period = 1 }', 'a loop in pcall' =>
	'while true do pcall(function() while true do end end) end');

subtest 'what a script may not do' => sub {
	for my $name (sort keys %mischief) {
		my $switch = start_switch(users => [3001], clock_rate => 50, config => {
			plugins => {registrar => {}, keepalive => {period => 10}}}, lua => <<"LUA");
local policy = {}
function policy.keepalive(endpoint)
	$mischief{$name}
end
return policy
LUA
		my ($phone) = phones($switch, nat => nat());
		is $phone->heartbeat->bytes, 'HELLO', "$name: as configured";
		my ($line) = grep { $_->{line} =~ /policy/ } $switch->log_events(level => qr/warn|error/);
		like $line->{line}, qr/3001/, 'logged with the endpoint';
		$switch->stop;
	}
};

finish;
