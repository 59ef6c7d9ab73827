# The test library against itself: what scenarios rely on, without a switch.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Link qw(udp_socket address socket_address);
use Holdline::Test::Sip qw(digest_header parse_challenge sdp_make sdp_parse);
use Holdline::Test::Yaml qw(yaml_text);

sub response_of {
	my ($header) = @_;
	return ($header =~ /response="([0-9a-f]+)"/)[0];
}

subtest 'messages' => sub {
	my $bytes = join "\r\n", 'INVITE sip:b@h SIP/2.0', 'v: SIP/2.0/UDP 10.0.0.1:5060;branch=z9x;RPORT',
		'f: "A, B" <sip:a@h;x=y>;tag=t1', 't: <sip:b@h>', 'i: abc', 'CSEQ: 7 INVITE',
		'm: <sip:a@1.2.3.4>;q=0.5, <sip:a@5.6.7.8>', 'x: 90;Refresher=UAS', 'Subject: one',
		'  two', 'l: 4', '', 'body';
	my $message = Holdline::Test::Sip->parse($bytes);
	is $message->method, 'INVITE', 'method';
	is $message->header('Call-ID'), 'abc', 'compact form found by its long name';
	is $message->cseq, 7, 'names match in any case';
	is $message->from_tag, 't1', 'parameters after the angle brackets only';
	is $message->params('via')->{rport}, '', 'a bare parameter is there';
	is_deeply [$message->list('Contact')], ['<sip:a@1.2.3.4>;q=0.5', '<sip:a@5.6.7.8>'], 'list';
	is $message->params('Session-Expires')->{refresher}, 'UAS', 'x: is Session-Expires';
	is $message->header('s'), 'one two', 'folded line';
	is $message->body, 'body', 'body';
	is_deeply [map { $_->[0] } @{$message->{headers}}[0 .. 2]], [qw(v f t)], 'order kept';
	is(Holdline::Test::Sip->parse('HELLO'), undef, 'a heartbeat is no message');
	is(Holdline::Test::Sip->parse($_), undef, 'nor are line ends') for "\r\n\r\n", "\r\n";
};

subtest 'digest' => sub {
	my $rfc2617 = parse_challenge('Digest realm="testrealm@host.com", qop="auth,auth-int", '
		. 'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"');
	is response_of(digest_header(challenge => $rfc2617, user => 'Mufasa', method => 'GET',
		password => 'Circle Of Life', uri => '/dir/index.html', cnonce => '0a4f113b')),
		'6629fae49393a05397450978507c4ef1', 'RFC 2617 example';
	my %rfc7616 = (user => 'Mufasa', password => 'Circle of Life', method => 'GET',
		uri => '/dir/index.html', cnonce => 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ');
	my $challenge = 'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, '
		. 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
		. 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
	is response_of(digest_header(%rfc7616, challenge => parse_challenge(sprintf $challenge, 'MD5'))),
		'8ca523f5e9506fed4657c9700eebdbec', 'RFC 7616 MD5 example';
	is response_of(digest_header(%rfc7616,
		challenge => parse_challenge(sprintf $challenge, 'SHA-256'))),
		'753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1', 'RFC 7616 SHA-256 example';
};

subtest 'session descriptions and YAML' => sub {
	my $sdp = sdp_parse(sdp_make(host => '10.0.0.7', port => 4002, version => 9,
		direction => 'sendonly'));
	is "$sdp->{host}:$sdp->{port}", '10.0.0.7:4002', 'address';
	is $sdp->{version}, 9, 'version';
	is $sdp->{media}[0]{direction}, 'sendonly', 'direction';
	is yaml_text({switch => {listen => ['udp:127.0.0.1:0'], n => 5}, u => {1001 => {password => '12'}},
		m => "\r\n"}), qq(m: "\\r\\n"\nswitch:\n  listen:\n    - "udp:127.0.0.1:0"\n  n: 5\nu:\n)
		. qq(  "1001":\n    password: "12"\n), 'YAML';
};

subtest 'log lines' => sub {
	my $row = Holdline::Test::Switch::parse_line('2026-01-01T00:00:00.000Z level=info tag=main '
		. 'event=ready note="a \"b\" c" listen=udp:127.0.0.1:5060,tcp:[::1]:5061');
	is_deeply [@$row{qw(level event note)}], ['info', 'ready', 'a "b" c'], 'text';
	is(Holdline::Test::Switch::parse_line('{"event":"ready","port":5}')->{port}, 5, 'JSON');
	my $switch = bless {ready => $row}, 'Holdline::Test::Switch';
	is $switch->port('udp'), 5060, 'the port of a listener';
	is $switch->address('tcp', '::1'), '[::1]:5061', 'and an IPv6 one';
};

for my $transport (qw(udp tcp)) {
	subtest "two phones call each other over $transport" => sub {
		my $bob = phone(user => 'bob', transport => $transport, listen => 1, auto_answer => 0);
		my $alice = phone(user => 'alice', transport => $transport, server => $bob->address);
		my $call = $alice->invite('bob', sdp => {port => 4000});
		my $in = $bob->incoming;
		is $in->remote_sdp->{port}, 4000, 'the offer arrives';
		$in->respond(180);
		is $call->expect(180)->reason, 'Ringing', 'it rings';
		$in->respond(200, sdp => {port => 5000});
		is $call->answered->sdp->{port}, 5000, 'the answer arrives';
		$in->expect('ACK');
		is $in->state, 'confirmed', 'acknowledged';
		is $call->update(headers => ['Session-Expires' => '90;refresher=uac'])
			->header('Session-Expires'), '90;refresher=uac', 'UPDATE is answered with the timer';
		is $in->reinvite->code, 200, 're-INVITE the other way';
		is $call->expect('INVITE')->method, 'INVITE', 'what was answered can be looked at';
		is $in->bye->code, 200, 'BYE';
		ok $call->ended, 'seen by the other side';
		$call = $alice->invite('bob', sdp => 1);
		$bob->incoming;
		is $call->cancel->code, 200, 'CANCEL is answered';
		is $call->failed->code, 487, 'the INVITE ends with 487';
		$_->close for $alice, $bob;
	};
}

subtest 'over IPv6' => sub {
	my $bob = eval { phone(user => 'bob', local => '::1', auto_answer => 1) }
		or plan skip_all => 'no IPv6 here';
	my $alice = phone(user => 'alice', local => '::1', server => $bob->address);
	my $call = $alice->invite('bob', sdp => 1);
	ok $call->answered, 'answered by itself';
	is $call->bye->code, 200, 'BYE';
};

subtest 'challenge, retransmission, silence' => sub {
	my $registrar = phone(user => 'registrar', manual => ['REGISTER']);
	my $phone = phone(user => '1001', password => 'secret', server => $registrar->address,
		retransmit => 1);
	my $request = $phone->make_request('REGISTER', 'sip:holdline.test', to => '<sip:1001@holdline.test>');
	my $transaction = $phone->start_request($request);
	my $first = $registrar->expect('REGISTER');
	$registrar->respond($first, 401, headers => ['WWW-Authenticate' =>
		'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256']);
	my $second = $registrar->expect('REGISTER');
	my $given = parse_challenge($second->header('Authorization'));
	is_deeply [@$given{qw(username algorithm qop nc)}], [qw(1001 SHA-256 auth 00000001)], 'credentials';
	is $second->cseq, $first->cseq + 1, 'CSeq goes up';
	$registrar->respond($second, 200);
	is $phone->final($transaction)->code, 200, 'accepted';
	$registrar->silent(1);
	$transaction = $phone->start_request($phone->make_request('OPTIONS', 'sip:x@h'));
	quiet(0.1);
	is scalar $registrar->seen('OPTIONS'), 0, 'a silent phone sees nothing';
	$registrar->silent(0);
	is $phone->final($transaction)->code, 200, 'the repeated request is answered';
};

subtest 'the NAT' => sub {
	my $server = phone(user => 'server');
	my $nat = nat(outside => '127.0.0.2', idle => 0.3, refresh => 'outbound');
	my $inside = phone(user => 'in', nat => $nat, host => '192.168.1.10', port => 5060,
		server => $server->address);
	$inside->send_raw('one');
	my $first = $server->heartbeat;
	is $first->bytes, 'one', 'a datagram goes out';
	like $first->from, qr/^127\.0\.0\.2:/, 'from the outside address';
	is $first->from, $inside->received, 'which the phone can name';
	$server->send_raw('two', $first->from);
	is $inside->heartbeat->bytes, 'two', 'the answer comes in';
	my $stranger = phone(user => 'stranger');
	$stranger->send_raw('knock', $first->from);
	wait_for { $nat->blocked };
	is_deeply [$nat->knocks], [[$stranger->address, $first->from, 'knock']], 'strangers stay out';
	is scalar $inside->heartbeats, 1, 'and reach nobody';
	quiet(0.4);
	$server->send_raw('late', $first->from);
	wait_for { $nat->blocked == 2 };
	is $nat->blocked, 2, 'the mapping expires; inbound traffic did not keep it';
	$inside->send_raw('again');
	my $second = $server->heartbeat;
	isnt $second->from, $first->from, 'the next mapping is a new port';
	$nat->rebind;
	is $inside->received, undef, 'a rebound mapping is gone';
	$inside->send_raw('third');
	isnt $server->heartbeat->from, $second->from, 'and comes back elsewhere';
	my $keeping = nat(idle => 0.3);
	my $kept = phone(user => 'kept', nat => $keeping, server => $server->address);
	$kept->send_raw('start');
	my $mapped = $server->heartbeat->from;
	for (1 .. 3) {
		quiet(0.2);
		$server->send_raw('stay', $mapped);
		$kept->heartbeat;
	}
	is $keeping->blocked, 0, 'refresh both: inbound traffic keeps a mapping';
};

subtest 'a call out of a NAT, with RTP' => sub {
	my $nat = nat();
	my $far = rtp();
	my $bob = phone(user => 'bob', rtp => $far);
	my $near = rtp(nat => $nat, host => '192.168.1.10');
	my $alice = phone(user => 'alice', nat => $nat, host => '192.168.1.10', port => 5060,
		server => $bob->address, rtp => $near);
	my $call = $alice->invite('bob', sdp => 1);
	my $in = $bob->incoming;
	like $in->invite_message->header('Contact'), qr/192\.168\.1\.10:5060/, 'a private Contact';
	like $in->invite_message->from, qr/^127\.0\.0\.2:/, 'from a public address';
	is $in->remote_sdp->{host}, '192.168.1.10', 'a private address in the SDP';
	$in->respond(200, sdp => 1);
	$call->answered;
	$near->start($call->remote_sdp);
	ok $far->wait_received(10), 'RTP goes out';
	$far->start(($far->sources)[0]);
	ok $near->wait_received(10), 'and comes back through the mapping';
	is $far->altered($near) + $near->altered($far), 0, 'unchanged';
	my @at = map { $_->{at} } @{$near->{sent}}[0 .. 9];
	near $at[9] - $at[0], 0.18, 0.06, 'a packet every 20 ms';
	$near->send_report($far);
	ok $far->wait_report, 'RTCP on the next port';
	$far->send_bytes('x' x 172, ($far->sources)[0]);
	wait_for { $near->altered($far) };
	is $near->altered($far), 1, 'a packet the peer never recorded counts as altered';
	is $call->bye->code, 200, 'BYE';
	$_->close for $near, $far;
};

# A phone that is a registrar: challenges, then accepts.
sub registrar {
	my $challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5';
	return phone(user => 'registrar', auto_answer => 1, rtp => rtp(), @_, serve => {
		REGISTER => sub {
			my ($self, $request) = @_;
			my @answer = $request->header('Authorization')
				? (200, headers => [Contact => $request->header('Contact')])
				: (401, headers => ['WWW-Authenticate' => $challenge]);
			$self->respond($request, @answer);
		},
	});
}

subtest 'sipp' => sub {
	plan skip_all => 'sipp is not installed' unless Holdline::Test::Sipp::available();
	my $server = registrar();
	my %account = (remote => $server->address, user => '1001', password => 'secret');
	ok sipp(scenario => 'uac_register', %account)->succeeded, 'registers with digest';
	ok sipp(scenario => 'uac_call', %account, to => '1002', calls => 3, rate => 50, pause => 20)
		->succeeded, 'calls';
	my $callee = sipp(scenario => 'uas_answer');
	my $call = $server->invite('1002', destination => $callee->address, sdp => 1);
	$call->answered;
	is $call->bye->code, 200, 'is called';
	ok $callee->succeeded, 'and saw what it should';
	my $refused = sipp(scenario => 'uac_call', %account, remote => phone(user => 'busy',
		auto_answer => {code => 486})->address, to => '1002');
	$refused->wait_exit;
	is $refused->exit_code, 1, 'a refused call is a failure';
};

subtest 'baresip' => sub {
	plan skip_all => 'baresip is not installed' unless Holdline::Test::Baresip::available();
	my $server = registrar();
	my $baresip = baresip(user => '1001', password => 'secret', server => $server->address);
	$baresip->register;
	my @register = $server->seen('REGISTER');
	like $register[-1]->header('Authorization'), qr/username="1001"/, 'registers with digest';
	eval { $baresip->command('hangupall') };
	like $@, qr/command not found/, 'a command that it does not know is no success';
	$baresip->dial('1002');
	$baresip->event('CALL_ESTABLISHED');
	ok $server->{rtp}->wait_received(5), 'sends RTP';
	$server->{rtp}->start(($server->{rtp}->sources)[0]);
	ok $baresip->event('CALL_RTPESTAB'), 'hears RTP';
	$baresip->hangup;
	ok $server->expect('BYE'), 'hangs up';
	my $call = $server->invite('1001', destination => $register[-1]->from, sdp => 1);
	$baresip->event('CALL_INCOMING');
	$baresip->accept;
	ok $call->answered, 'answers';
	is $call->reinvite->code, 200, 'takes a re-INVITE';
	$call->bye;
	ok $baresip->event('CALL_CLOSED'), 'sees the BYE';
	$baresip->stop;
	$server->{rtp}->stop;
};

finish;
