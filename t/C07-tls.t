#!/usr/bin/perl
# SIP over TLS: registrations and calls, certificates that are checked, changed by a reload, asked for.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Certificate qw(authority certificate);
use File::Temp qw(tempdir);

plan(skip_all => 'needs openssl and IO::Socket::SSL (Debian: openssl, libio-socket-ssl-perl)')
	unless Holdline::Test::Certificate::available();
my $dir = tempdir('holdline-tls-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $ca = authority($dir, 'ca');
my $stranger = authority($dir, 'stranger');
certificate($dir, 'first', by => $ca);
certificate($dir, 'second', by => $ca, names => 'DNS:second.example,IP:127.0.0.1');
certificate($dir, 'client', by => $ca);
certificate($dir, 'imposter', by => $stranger);
certificate($dir, 'elsewhere', by => $ca, names => 'IP:192.0.2.1');

sub tls { my ($name, %more) = @_;
	return {certificate => "$dir/$name.pem", key => "$dir/$name.key", %more} }
# A number of five digits is the port of a server to call over TLS.
my $policy = <<'LUA';
return { route = function(call)
	local port = call.request_uri:match("^sip:(%d%d%d%d%d)@")
	if port then return { "sips:service@127.0.0.1:" .. port } end
end }
LUA
my $switch = start_switch(users => [1001, 1002, 1003], lua => $policy, config => {
	switch => {listen => ['udp:127.0.0.1:0', 'tls:127.0.0.1:0', 'tls:[::1]:0'], tls => tls('first')},
	gateways => {trunk => {address => 'sip:127.0.0.77:5070', prefix => '00'}}});
my $config = $switch->{config};
my %trusting = (SSL_verify_mode => 1, SSL_ca_file => $ca, SSL_verifycn_scheme => 'default',
	SSL_hostname => '', SSL_verifycn_name => '127.0.0.1');

sub tls_phone {
	my ($user, %arg) = @_;
	my $tls = delete $arg{tls} || {%trusting};
	return phone(switch => $switch, user => $user, transport => 'tls', tls => $tls, %arg);
}
sub subject { my ($phone) = @_; my ($stream) = values %{$phone->link->{stream}};
	return $stream->peer_certificate('cn') }
sub reload_switch { my (%more) = @_;
	return $switch->reload({%$config, switch => {%{$config->{switch}}, %more}}) }

# Tries until the log says why that is refused: it has one such line a second.
sub refused {
	my ($reason, $try) = @_;
	my @like = (event => 'disconnected', transport => 'tls', why => $reason);
	my $before = $switch->log_events(@like);
	return wait_for { $try->(); quiet(0.1); $switch->log_events(@like) > $before };
}
sub refused_phone {
	my ($reason, %tls) = @_;
	return refused($reason, sub { eval { my $phone = tls_phone(1001, tls => {%tls});
		wait_for { $phone->link->closed } } });
}

# ---- registering and calling
my $alice = tls_phone(1001);
my $bob = phone(switch => $switch, user => 1002);
my $carol = tls_phone(1003, local => '::1', tls => {});
is($_->register->code, 200, "$_->{user} registers over $_->{transport}") for $alice, $bob, $carol;
is(subject($alice), 'first', 'the certificate is the configured one');
my $row = $switch->endpoint(1001);
is($row->{transport}, 'tls', 'the contact says tls');
is($row->{received_port}, (split /:/, $alice->address)[-1], 'and where it came from');
my $own = $switch->address('tls');
for my $pair ([$alice, $bob], [$bob, $alice], [$carol, $alice]) {
	my ($from, $to) = @$pair;
	my $name = "$from->{user} calls $to->{user}";
	my $out = $from->invite($to->user, sdp => 1);
	my $in = $to->incoming;
	my $protocol = uc $to->{transport};
	like($in->invite_message->header('Via'), qr/^SIP\/2\.0\/$protocol /, "$name: Via");
	like($in->invite_message->header('Contact'), $to == $alice ? qr/\@\Q$own\E;transport=tls>/
		: qr/\@127\.0\.0\.1:\d+>/, "$name: Contact");
	$in->respond(180);
	$out->expect(180);
	$in->answer(sdp => 1);
	$out->answered;
	is($in->reinvite(sdp => 1)->code, 200, "$name: re-INVITE");
	is($out->bye->code, 200, "$name: BYE");
	ok($in->ended, "$name: both end");
}
$alice->send_raw("\r\n\r\n");
ok($alice->expect({raw => "\r\n"}), 'a double CRLF is answered with CRLF');
my $body = 'x' x 60000;
$alice->start_request($alice->make_request('MESSAGE', 'sip:1002@holdline.test', body => $body));
is($alice->expect(sub { ($_[0]->code || 0) >= 400 })->method, 'MESSAGE',
	'a message over several records comes through in one piece');

# ---- a reload
my $call = $alice->invite('1002', sdp => 1);
my $called = $bob->incoming;
$called->answer;
$call->answered;
ok(reload_switch(tls => tls('second'))->{ok}, 'another certificate is taken by a reload');
my $late = tls_phone(1003);
is(subject($late), 'second', 'who comes now sees it');
is($late->register->code, 200, 'and is served');
is($call->reinvite->code, 200, 'a call over a connection from before goes on');
is($call->bye->code, 200, 'to its end');
$called->ended;
for my $bad (['none.pem', tls('second', certificate => "$dir/none.pem"), qr/tls\.certificate: \S*none\.pem: No such/],
	['a key of another', tls('second', key => "$dir/first.key"), qr/tls\.key: \S*first\.key: is not the key/],
	['no authority', tls('second', verify => 'required', ca => "$dir/first.key"), qr/tls\.ca: \S*first\.key: holds/]) {
	my ($name, $tls, $line) = @$bad;
	my $answer = reload_switch(tls => $tls);
	ok(!$answer->{ok}, "$name: the reload fails");
	like($answer->{error}, qr/^\S*holdline\.yaml:\d+:\d+: switch\.$line/, "$name: and says where and why");
	is(subject(tls_phone(1001)), 'second', "$name: the old certificate stays");
}
ok($switch->endpoint(1001), 'the connection from before all that still stands');

# ---- what is not TLS, or not good enough
my ($tcp) = phone(user => 1001, transport => 'tcp', server => $own);
$tcp->send_raw("OPTIONS sip:x SIP/2.0\r\n\r\n");
ok(wait_for { $tcp->link->closed }, 'SIP in the clear is refused there');
ok(refused(qr/^TLS: unsupported protocol/, sub {
	system qq{openssl s_client -connect $own -tls1_1 -cipher 'DEFAULT\@SECLEVEL=0' </dev/null >/dev/null 2>&1}
}), 'TLS 1.1 is refused');
is(tls_phone(1001, tls => {SSL_version => 'TLSv1_2'})->register->code, 200, 'TLS 1.2 is not');

# ---- certificates of clients
my $mutual = tls('second', ca => $ca, verify => 'required');
my %client = (SSL_cert_file => "$dir/client.pem", SSL_key_file => "$dir/client.key");
my %imposter = (SSL_cert_file => "$dir/imposter.pem", SSL_key_file => "$dir/imposter.key");
ok(reload_switch(tls => $mutual)->{ok}, 'verify: required');
ok(refused_phone(qr/^TLS: peer did not return a certificate/), 'without a certificate there is no connection');
ok(refused_phone(qr/^TLS: unable to get local issuer/, %imposter), "nor with a stranger's");
is(tls_phone(1001, tls => {%trusting, %client})->register->code, 200, 'with a good one there is');
ok(reload_switch(tls => {%$mutual, verify => 'optional'})->{ok}, 'verify: optional');
is(tls_phone(1001)->register->code, 200, 'it need not be shown');
ok(refused_phone(qr/^TLS: unable to get local issuer/, %imposter), 'but what is shown must be good');

# ---- certificates of servers that the switch calls
sub server {
	my ($name) = @_;
	return phone(user => 'service', transport => 'tls', listen => 1, server => $own,
		tls => {SSL_cert_file => "$dir/$name.pem", SSL_key_file => "$dir/$name.key"});
}
sub call_server { return $bob->invite((split /:/, $_[0]->address)[-1], sdp => 1) }
my $good = server('first');
for my $verify (qw(off required)) {
	ok(reload_switch(tls => {%$mutual, verify => $verify})->{ok}, "verify: $verify, calling out");
	my $out = call_server($good);
	my $in = $good->incoming;
	like($in->invite_message->header('Via'), qr{^SIP/2\.0/TLS \Q$own\E;}, 'Via has the listener');
	like($in->invite_message->header('Contact'), qr/\Q$own\E;transport=tls>/, 'Contact too');
	$in->answer;
	$out->answered;
	is($in->bye->code, 200, 'a request over the connection the switch opened');
	$out->ended;
	$good->link->close;
	$good = server('first');
}
for my $name (qw(imposter elsewhere)) {
	my $started = now;
	is(call_server(server($name))->failed->code, 503, "a server with the certificate '$name' is not called");
	cmp_ok(now() - $started, '<', 5, 'which is clear at once');
}
ok(reload_switch(tls => tls('second'))->{ok}, 'verify: off again');
my $careless = server('imposter');
my $out = call_server($careless);
$careless->incoming->reject(486);
is($out->failed->code, 486, 'then any certificate will do');
finish;
