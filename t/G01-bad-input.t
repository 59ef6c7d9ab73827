# G1: what no phone means: the right status, nothing stored half, nothing leaked, and on it goes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001, 1002, 1003], config => {plugins => {
	registrar => {expire => 86400}}});
my $phone = phone(switch => $switch, user => '1001');
my $own = $phone->contact;

sub uris { return map { $_->{contact} } @{$switch->control('endpoints', user => $_[0])} }
sub count { return scalar @{$switch->control('endpoints', user => $_[0])} }

# One REGISTER and what it must come to; whatever was refused has left nothing behind.
sub refused {
	my ($code, $name, %arg) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $response = $phone->register(%arg);
	is $response->code, $code, "$name: $code";
	is_deeply [uris('1001')], [], 'nothing of it is stored';
	return $response;
}

sub granted {
	my ($wanted, $name, %arg) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $response = $phone->register(%arg);
	is $response->code == 200 ? $response->params('Contact')->{expires} : $response->code, $wanted,
		$name;
	$phone->unregister;
	return;
}

subtest 'contacts' => sub {
	my $many = sub { join ', ', map { "<sip:$_\@10.0.0.1>" } 1 .. $_[0] };
	refused(400, '200 contacts in one header', contact => $many->(200));
	refused(400, '200 contacts on lines of their own',
		contact => [map { "<sip:$_\@10.0.0.1>" } 1 .. 200]);
	refused(403, 'more than max_contacts', contact => $many->(11));
	refused(400, 'a contact twice', contact => "$own, <sip:x\@10.0.0.1>, <SIP:x\@10.0.0.1>");
	refused(400, 'two stars', contact => '*, *', expires => 0);
	refused(400, 'two stars on two lines', contact => ['*', '*'], expires => 0);
	refused(400, 'a star beside a contact', contact => "$own, *", expires => 0);
	refused(400, 'a star without Expires', contact => '*', expires => undef);
	refused(400, 'a star with an expiry that is none', contact => '*', expires => 'zero');
	refused(400, 'the switch itself', contact => '<sip:1001@' . $switch->address('udp') . '>');
	refused(400, 'the switch itself over TCP',
		contact => '<sip:' . $switch->address('tcp') . ';transport=tcp>');
	refused(400, 'no host', contact => '<sip:1001@>');
	refused(400, 'a telephone number', contact => '<tel:+4930>');
	refused(400, 'a web page', contact => '<http://192.0.2.1/>');
	refused(400, 'a host with a quote', contact => '<sip:1001@192.0.2.1"x>');
	refused(400, 'one without end', contact => '<sip:1001@192.0.2.1');
	refused(400, 'a long one', contact => '<sip:' . 'x' x 2100 . '@192.0.2.1>');
	refused(400, 'a long instance',
		contact => $own . ';+sip.instance="<urn:' . 'x' x 2100 . '>"');
	refused(400, "an instance that is none: $_", contact => "$own;+sip.instance=$_")
		for '"<urn:x', '"<urn:x\"y>"', '"<urn:x>y>"', '"<urn: x>"', '"<urn:x"';
	refused(400, 'one of 129 parameters', contact => $own . ';a=b' x 129);
	refused(400, 'a good one and one of 129 parameters',
		contact => "$own, <sip:x\@10.0.0.1>" . ';a=b' x 129);
	is $phone->register(auth => 0, contact => $own . ';a=b' x 129)->code, 401,
		'a stranger is asked who he is first';
	refused(400, 'a good one and a bad one', contact => "$own, <sip:\@\@>");
	refused(423, 'a good one and one too brief', contact => "$own, <sip:x\@10.0.0.1>;expires=5");
};

subtest 'q' => sub {
	refused(400, "q=$_", contact => "$own;q=$_")
		for '1.001', '1.5', '2', '-0.1', '0.1234', 'high', '.5', '0,5', '""';
	for my $q ('0', '1', '0.5', '0.123', '1.000', '0.') {
		is $phone->register(contact => "$own;q=$q")->code, 200, "q=$q is good";
	}
	$phone->unregister;
};

subtest 'expiry' => sub {
	# RFC 3261 §20.19: up to 2^32-1; §10.2.1.1: what is none stands for an hour.
	granted(86400, 'Expires: 4294967295 is cut to expire', expires => 4294967295);
	granted(3600, "Expires: $_ stands for an hour", expires => $_)
		for '99999999999', '4294967296', '-1', 'soon', '1e3', '60s', '9' x 100;
	granted(3600, "expires=$_ does, too", contact => "$own;expires=$_", expires => 60)
		for '99999999999', '-5', 'x', '"60"';
	granted(60, 'Expires: 60 ; x=y', expires => '60 ; x=y');
	my $brief = refused(423, 'a second', expires => 1);
	is $brief->header('Min-Expires'), 30, 'Min-Expires';
};

subtest 'order' => sub {
	$phone->register(cseq => 100, expires => 600);
	my ($before) = @{$switch->control('endpoints', user => '1001')};
	my $again = $phone->register(cseq => 98, contact => "$own, <sip:new\@10.0.0.1>", expires => 900);
	is $again->code, 500, 'a CSeq that has been seen: 500';
	is_deeply [uris('1001')], [$before->{contact}], 'the new contact beside it is not stored either';
	is $phone->register(cseq => 50, contact => '*', expires => 0)->code, 500, 'nor does an old star remove';
	is count('1001'), 1, 'anything';
	is $phone->register(cseq => 1, call_id => 'another@test', expires => 300)->code, 200,
		'a phone that began anew counts from 1';
	near((@{$switch->control('endpoints', user => '1001')})[0]{expires_in}, 300, 2, 'and is heard');
	$phone->{register_cseq} = 200;
	$phone->unregister;
};

subtest 'length' => sub {
	local $phone->{user_agent} = 'Phone ' . 'x' x 10_000;
	is $phone->register->code, 200, 'an oversize User-Agent registers';
	my ($endpoint) = @{$switch->control('endpoints', user => '1001')};
	is length $endpoint->{user_agent}, 255, 'and is cut';
	$phone->unregister;
	$phone->{user_agent} = "Ph\"o\\ne \x{c3}\x{28} \x01";
	is $phone->register->code, 200, 'a wild one, too';
	is count('1001'), 1, 'and can be shown';
	$phone->unregister;
	is $phone->register(call_id => 'x' x 3000)->code, 200, 'a long Call-ID';
	$phone->{register_cseq} = 300;
	$phone->unregister;
};

subtest 'whose' => sub {
	my $of = sub {
		my ($to) = @_;
		my $request = $phone->make_request('REGISTER', 'sip:holdline.test', to => $to,
			headers => [Contact => $own]);
		return $phone->transact($request)->code;
	};
	is $of->('<sip:holdline.test>'), 404, 'To without user: 404';
	is $of->('<tel:+4930>'), 403, 'To with a number only is no user with that password';
	is $of->('<sip:' . 'u' x 300 . '@holdline.test>'), 404, 'To with a user nobody has: 404';
	is $of->('<sip:1002@holdline.test>'), 403, "another user's: 403";
	is $of->('<sip:%31%30%301@holdline.test>'), 200, 'escapes that say 1001 are 1001';
	is_deeply [uris('1002')], [], 'the other has nothing';
	is count('1001'), 1, 'and 1001 its contact';
	my $call = phone(switch => $switch, user => '1002')->invite('%31001', sdp => 1);
	my $in = $phone->incoming;
	ok $in, 'which a call to %31001 reaches';
	$in->respond(486);
	is $call->failed->code, 486, 'and is answered';
	$phone->{register_cseq} = 400;
	$phone->unregister;
};

my $last = phone(switch => $switch, user => '1003');
is $last->register->code, 200, 'after all that a phone registers';
is $switch->control('status')->{contacts}, 1, 'and is the only one';
finish;
