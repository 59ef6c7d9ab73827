# G5: reply_unauthorized: off leaves who is not known without an answer, and keeps nothing of him.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my %registrar = (reply_unauthorized => \'off', auth_max_retry => 2);
my $switch = start_switch(users => [1001], config => {plugins => {registrar => {%registrar}},
	gateways => {carrier => {address => 'sip:127.0.0.9', match => ['127.0.0.9'], prefix => '00'}}});
my $sentinel = phone(switch => $switch, user => '1001', local => '127.0.0.4');

# Whatever the stranger sent has been dealt with once somebody behind him is answered.
sub silent {
	my ($phone, $name, $request) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$phone->forget;
	$phone->send_message($request) for 1, 2;
	is $sentinel->register(auth => 0)->code, 401, "$name: who is known is answered behind it";
	is scalar($phone->seen(sub { 1 })), 0, 'the stranger is not';
	return;
}

subtest 'an unknown user' => sub {
	my $phone = phone(switch => $switch, user => '9999', password => 'x');
	silent($phone, 'REGISTER', $phone->make_request('REGISTER', 'sip:holdline.test',
		to => '<sip:9999@holdline.test>'));
	silent($phone, $_, $phone->make_request($_, 'sip:1001@holdline.test'))
		for qw(INVITE MESSAGE OPTIONS SUBSCRIBE);
	my $request = $phone->make_request('REGISTER', 'sip:holdline.test',
		to => '<sip:1001@holdline.test>');
	my $challenge = $sentinel->register(auth => 0);
	my ($header) = map { Holdline::Test::Sip::parse_challenge($_) }
		$challenge->headers('WWW-Authenticate');
	silent($phone, 'credentials of nobody', $phone->credentials($request, $header, 0));
	my @ignored = $switch->log_events(event => 'rejected', code => 0);
	ok scalar(@ignored), 'the log has it';
};

subtest 'a user who exists' => sub {
	my $phone = phone(switch => $switch, user => '1001', password => 'wrong');
	is $phone->register->code, 403, 'learns that his password is wrong';
	is $phone->register->code, 403, 'and that he is suspended';
	my $right = phone(switch => $switch, user => '1001', local => '127.0.0.3');
	is $right->register->code, 200, 'registers with the right one';
	is $right->request('OPTIONS', 'sip:holdline.test')->code, 200, 'and may ask with OPTIONS then';
	my $call = $right->invite('9999', sdp => 1);
	is $call->failed->code, 404, 'and call';
};

subtest 'a gateway' => sub {
	my $gateway = phone(switch => $switch, user => 'carrier', local => '127.0.0.9');
	is $gateway->request('OPTIONS', 'sip:holdline.test')->code, 200, 'is answered';
};

subtest 'over TCP' => sub {
	my $phone = phone(switch => $switch, user => '9999', transport => 'tcp');
	silent($phone, 'REGISTER', $phone->make_request('REGISTER', 'sip:holdline.test',
		to => '<sip:9999@holdline.test>'));
};
$switch->stop;

subtest 'users of the policy are known' => sub {
	$switch = start_switch(config => {plugins => {registrar => {%registrar}}}, lua => <<'LUA');
return {credentials = function(user) if user == "7001" then return {password = "pw"} end end}
LUA
	my $phone = phone(switch => $switch, user => '7001', password => 'pw');
	is $phone->register->code, 200, 'challenged and let in';
	$switch->stop;
};

subtest 'without authentication' => sub {
	$switch = start_switch(users => [1001], config => {plugins => {
		registrar => {%registrar, auth => \'off'}}});
	$sentinel = phone(switch => $switch, user => '1001');
	my $phone = phone(switch => $switch, user => '9999');
	$phone->send_message($phone->make_request('REGISTER', 'sip:holdline.test',
		to => '<sip:9999@holdline.test>'));
	is $sentinel->register->code, 200, 'who is configured is registered';
	is scalar($phone->seen(sub { 1 })), 0, 'who is not gets no answer';
	$switch->stop;
};

finish;
