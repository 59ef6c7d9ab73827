# G4: digest authentication, MD5 and SHA-256, nonces, replay, 401 and 407.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Sip qw(parse_challenge digest_header);

my $switch = start_switch(users => [1001, 1002], clock_rate => 50, config => {
	plugins => {registrar => {nonce_expire => 30}}, endpoints => {1003 => {nat => 'auto'}}});

# A REGISTER with credentials for `challenge`; %change goes over what digest_header gets.
sub attempt {
	my ($phone, $challenge, %change) = @_;
	my $uri = 'sip:holdline.test';
	my $value = digest_header(challenge => $challenge, user => '1001', method => 'REGISTER',
		password => 'secret-1001', uri => $uri, %change);
	return $phone->register(auth => 0, headers => [Authorization => $value]);
}

sub challenges { return map { parse_challenge($_) } $_[0]->headers('WWW-Authenticate') }

subtest 'the challenge' => sub {
	my $response = phone(switch => $switch, user => '1001')->register(auth => 0);
	is $response->code, 401, 'REGISTER: 401';
	my @challenge = challenges($response);
	is_deeply [map { $_->{algorithm} } @challenge], ['MD5', 'SHA-256'], 'both algorithms, MD5 first';
	is_deeply [map { $_->{realm} } @challenge], [('holdline.test') x 2], 'realm';
	is_deeply [map { $_->{qop} } @challenge], ['auth', 'auth'], 'qop';
	is $switch->control('status')->{transactions}, 0, 'and no transaction is kept for a stranger';
	my $call = phone(switch => $switch, user => '1001')->invite('1002', sdp => 1, auth => 0);
	my $refused = $call->failed;
	is $refused->code, 407, 'INVITE: 407';
	like $refused->header('Proxy-Authenticate'), qr/^Digest .*realm="holdline\.test"/, 'with its header';
};

for my $algorithm ('MD5', 'SHA-256') {
	subtest $algorithm => sub {
		my $phone = phone(switch => $switch, user => '1001', algorithm => $algorithm);
		is $phone->register->code, 200, 'the right password';
		is $phone->{last_challenge}{algorithm}, $algorithm, "by $algorithm";
		is $phone->unregister->code, 200, 'and again';
		$phone->{password} = 'wrong';
		is $phone->register->code, 403, 'the wrong one';
		is scalar @{$switch->control('endpoints')}, 0, 'registers nobody';
	};
}

subtest 'nonces' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my ($challenge) = challenges($phone->register(auth => 0));
	is attempt($phone, $challenge, nc => 1)->code, 200, 'first use';
	is attempt($phone, $challenge, nc => 2)->code, 200, 'next use';
	is attempt($phone, $challenge, nc => 2)->code, 401, 'a replay';
	is attempt($phone, $challenge, nc => 1)->code, 401, 'an older count';
	my $foreign = attempt($phone, {%$challenge, nonce => 'f' x length $challenge->{nonce}});
	is $foreign->code, 401, 'a nonce that is not ours';
	($challenge) = challenges($phone->register(auth => 0));
	my $late;
	wait_for { ($late = attempt($phone, $challenge, nc => ++$challenge->{used}))->code == 401 } 5;
	is $late->code, 401, 'nonce_expire seconds later the nonce is no longer good';
	is lc((challenges($late))[0]{stale} || ''), 'true', 'stale=true says that the password was right';
};

subtest 'who is who' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my ($challenge) = challenges($phone->register(auth => 0));
	my $other = attempt($phone, $challenge, user => '1002', password => 'secret-1002');
	cmp_ok $other->code, '>=', 400, "another user's password does not register this user";
	my $stranger = phone(switch => $switch, user => '9999', password => 'x')->register;
	cmp_ok $stranger->code, '>=', 400, 'an unknown user';
	my $bare = phone(switch => $switch, user => '1003', password => '')->register;
	cmp_ok $bare->code, '>=', 400, 'an endpoint without password';
};
$switch->stop;

$switch = start_switch(users => [1001], config => {plugins => {registrar => {auth => 'off'}},
	endpoints => {1003 => {nat => 'auto'}}});
subtest 'auth: off' => sub {
	is phone(switch => $switch, user => $_)->register(auth => 0)->code, 200, "$_ needs no password"
		for 1001, 1003;
	cmp_ok phone(switch => $switch, user => '9999')->register(auth => 0)->code, '>=', 400,
		'but has to be configured';
};

finish;
