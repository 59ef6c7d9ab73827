# G4: the algorithms and their order, and credentials with every field broken in turn.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Sip qw(parse_challenge digest_header);

my $switch = start_switch(users => [1001, 1002], config => {plugins => {
	registrar => {auth_max_retry => 0}, 'media-proxy' => {}}});
my $phone = phone(switch => $switch, user => '1001');

sub challenges { return map { parse_challenge($_) } $_[0]->headers('WWW-Authenticate') }
sub fresh { return challenges($phone->register(auth => 0, headers => $_[0] || [])) }

# Credentials for a fresh challenge, changed by `change`.
sub answer {
	my ($change, %arg) = @_;
	my @challenge = fresh();
	my ($challenge) = grep { $_->{algorithm} eq ($arg{offered} || 'MD5') } @challenge;
	local $_ = digest_header(challenge => $challenge, user => '1001', method => 'REGISTER',
		password => 'secret-1001', uri => 'sip:holdline.test', %arg);
	$change->() if $change;
	return $phone->register(auth => 0, headers => [Authorization => $_]);
}

sub nothing_stored {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is scalar(@{$switch->control('endpoints')}), 0, 'and nothing is registered';
}

subtest 'every field broken in turn' => sub {
	my @broken = (
		['username', 403, sub { s/username="1001"/username="1009"/ }],
		['username of another', 403, sub { s/username="1001"/username="1002"/ }],
		['realm', 401, sub { s/realm="holdline.test"/realm="other.test"/ }],
		['nonce, its end', 403, sub { s/nonce="(.)/'nonce="' . ($1 eq '0' ? '1' : '0')/e }],
		['nonce, made up', 403, sub { s/nonce="\w+"/nonce="abc"/ }],
		['uri', 403, sub { s/uri="[^"]+"/uri="sip:holdline.example"/ }],
		['uri that is none', 400, sub { s/uri="[^"]+"/uri="holdline"/ }],
		['response, a digit', 403, sub { s/response="(.)/'response="' . ($1 eq '0' ? '1' : '0')/e }],
		['response, too short', 400, sub { s/response="./response="/ }],
		['response, no digits', 400, sub { s/response="./response="x/ }],
		['cnonce', 403, sub { s/cnonce="/cnonce="x/ }],
		['nc', 403, sub { s/nc=00000001/nc=00000002/ }],
		['nc, no number', 400, sub { s/nc=00000001/nc=0000000g/ }],
		['nc, too short', 400, sub { s/nc=00000001/nc=1/ }],
		['qop', 401, sub { s/qop=auth/qop=auth-int/ }],
		['qop unknown', 401, sub { s/qop=auth/qop=none/ }],
		['algorithm unknown', 401, sub { s/algorithm=MD5/algorithm=MD4/ }],
		['algorithm of a session', 401, sub { s/algorithm=MD5/algorithm=MD5-sess/ }],
		['algorithm of another length', 400, sub { s/algorithm=MD5/algorithm=SHA-256/ }],
		['scheme', 401, sub { s/^Digest/Basic/ }],
		(map { my $name = $_; ["without $name", 400, sub { s/(^Digest |, )$name=[^,]+/$1/;
			s/, ,/,/; s/^Digest , /Digest / }] } qw(username realm nonce uri response)),
		['without cnonce', 400, sub { s/, cnonce=[^,]+// }],
		['without nc', 400, sub { s/, nc=[^,]+// }],
		['without qop alone', 403, sub { s/, qop=auth// }],
		(map { my $name = $_; ["$name twice", 400, sub { s/(?=\b$name=)("?)/$name=x, $1/ }] }
			qw(username realm nonce uri response cnonce nc algorithm)),
		['an open quote', 400, sub { s/"$// }],
		['nothing', 400, sub { $_ = 'Digest ' }],
	);
	for my $case (@broken) {
		my ($name, $code, $change) = @$case;
		my $response = answer($change);
		is $response->code, $code, "$name: $code";
		is scalar(challenges($response)), 2, 'with new challenges' if $code == 401;
	}
	nothing_stored();
};

subtest 'right credentials at the wrong time or place' => sub {
	my $stale = sub { return lc((challenges($_[0]))[0]{stale} || 'false') };
	my ($challenge) = fresh();
	$challenge->{nonce} = '0' x length $challenge->{nonce};
	my $foreign = answer(undef, challenge => $challenge);
	is $foreign->code, 401, 'a nonce of another switch: 401';
	is $stale->($foreign), 'true', 'stale: the phone need not ask for the password';
	is answer(undef, user => '1002', password => 'secret-1002')->code, 403,
		"another user's, right: 403";
	is answer(undef, uri => 'sip:anything.example')->code, 200,
		'a uri with another host is accepted: proxies rewrite hosts';
	$phone->unregister;
	my $call = sub {
		my ($uri) = @_;
		my $request = $phone->make_request('INVITE', 'sip:1002@holdline.test', sdp => 1);
		my $refused = $phone->transact($request, auth => 0);
		my ($proxy) = map { parse_challenge($_) } $refused->headers('Proxy-Authenticate');
		my $again = $phone->credentials($request, $proxy, 1);
		$again->set('Proxy-Authorization' => digest_header(challenge => $proxy, user => '1001',
			method => 'INVITE', password => 'secret-1001', uri => $uri));
		return $phone->transact($again, auth => 0)->code;
	};
	is $call->('sip:1009@holdline.test'), 400, 'a call with credentials for another number: 400';
	is $call->('sip:%31002@10.0.0.1'), 480, 'for the same number at another host: served';
	nothing_stored();
};

subtest 'without qop (RFC 2617 §3.2.2.1)' => sub {
	my ($challenge) = fresh();
	delete $challenge->{qop};
	my $old = sub { return answer(undef, challenge => $challenge, @_) };
	is $old->()->code, 200, 'an old phone is served';
	my $again = $old->();
	is $again->code, 401, 'once with each nonce: it has no count';
	is lc((challenges($again))[0]{stale}), 'true', 'and is told that the nonce is used up';
	my (undef, $sha) = fresh();
	delete $sha->{qop};
	is $old->(challenge => $sha)->code, 400, 'SHA-256 is younger than qop';
	$phone->unregister;
};
$switch->stop;

subtest 'one algorithm' => sub {
	$switch = start_switch(users => [1001], config => {plugins => {
		registrar => {auth_algorithms => ['SHA-256']}}});
	$phone = phone(switch => $switch, user => '1001');
	is_deeply [map { $_->{algorithm} } fresh()], ['SHA-256'], 'is the only one offered';
	my ($challenge) = fresh();
	my $md5 = answer(undef, offered => 'SHA-256', challenge => {%$challenge, algorithm => 'MD5'});
	is $md5->code, 401, 'an answer by MD5 is none';
	is lc((challenges($md5))[0]{stale} || 'false'), 'false', 'whatever its nonce';
	is answer(undef, offered => 'SHA-256')->code, 200, 'one by SHA-256 is';
	is_deeply [map { $_->{algorithm} } fresh(['User-Agent' => 'baresip v1.0'])], ['SHA-256'],
		'auth_md5_only needs MD5 in the list';
	$switch->stop;
};

subtest 'their order' => sub {
	$switch = start_switch(users => [1001], config => {plugins => {
		registrar => {auth_algorithms => ['SHA-256', 'MD5']}}});
	$phone = phone(switch => $switch, user => '1001');
	is_deeply [map { $_->{algorithm} } fresh()], ['SHA-256', 'MD5'], 'is as configured';
	is $phone->register->code, 200, 'a phone takes the first';
	is $phone->{last_challenge}{algorithm}, 'SHA-256', 'which is the better one';
	my ($challenge) = fresh(['User-Agent' => 'baresip v1.0.0']);
	is $challenge->{algorithm}, 'MD5', 'a client that knows MD5 only gets that';
	my $strong = answer(undef, challenge => {%$challenge, algorithm => 'SHA-256'});
	is $strong->code, 401, 'an answer by an algorithm not offered with that nonce is none';
	$switch->stop;
};

subtest 'a list that cannot be' => sub {
	for my $list ("[MD5, SHA-1]", "[]", "[MD5, md5]") {
		my $bad = switch_object(args => ['--check'],
			config => {plugins => {registrar => {auth_algorithms => 'LIST'}}});
		my $text = do { local (@ARGV, $/) = $bad->config_path; <> };
		$text =~ s/"?LIST"?/$list/;
		$bad->write_config($text);
		my ($exit, $told) = $bad->run;
		is $exit, 2, "auth_algorithms: $list is refused";
		like $told, qr/plugins\.registrar\.auth_algorithms: .*allowed: a list of MD5, SHA-256/, 'in words';
	}
};

subtest 'a digest of one algorithm only' => sub {
	my $ha1 = Digest::MD5::md5_hex('1005:holdline.test:pw');
	$switch = start_switch(lua => "return {credentials = function(user, realm)\n"
		. "if user == '1005' then return {ha1 = '$ha1', algorithm = 'MD5'} end end}",
		config => {plugins => {registrar => {auth_algorithms => ['SHA-256', 'MD5']}}});
	$phone = phone(switch => $switch, user => '1005', password => 'pw');
	my (undef, $md5) = fresh();
	my ($sha) = fresh();
	my $other = answer(undef, challenge => $sha, user => '1005', password => 'pw');
	is $other->code, 401, 'the other algorithm cannot be checked';
	is_deeply [map { $_->{algorithm} } challenges($other)], ['MD5'], 'so the phone is asked for this one';
	is answer(undef, challenge => (challenges($other))[0], user => '1005', password => 'pw')->code,
		200, 'and let in';
	is answer(undef, challenge => $md5, user => '1005', password => 'no')->code, 403, 'or not';
	$switch->stop;
};

finish;
