# K13: a double CRLF on a stream is answered with CRLF at once; a datagram of noise is proof of life
# and otherwise dropped in silence.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001, 1002], clock_rate => 10, config => {
	plugins => {registrar => {}, keepalive => {message => ''}}});

subtest 'datagrams' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my $stranger = phone(switch => $switch, user => '1002');
	$phone->register;
	$phone->forget;
	for my $from ($phone, $stranger) {
		$from->send_raw($_) for "\r\n\r\n", "\r\n", "\0", "\0\0\0\0", " \r\n", "\n", "\0" x 1200;
	}
	is $phone->register->code, 200, 'the next REGISTER is served';
	is scalar($phone->heartbeats) + $stranger->heartbeats, 0, 'no noise was answered';
	is scalar $switch->log_events(level => qr/warn|error/), 0, 'or complained of';
	is $switch->control('status')->{malformed}, 0, 'or counted as malformed';
};

subtest 'streams' => sub {
	my $phone = phone(switch => $switch, user => '1001', transport => 'tcp');
	my $sent = now();
	$phone->send_raw("\r\n\r\n");
	my $pong = $phone->heartbeat;
	is $pong->bytes, "\r\n", 'a double CRLF is answered with one, registered or not';
	cmp_ok $pong->at - $sent, '<', 0.5, 'at once';
	$phone->register;
	$phone->forget;
	$phone->send_raw("\r\n\r\n" x 3);
	my $answers = '';
	$answers .= $phone->heartbeat->bytes while length $answers < 6;
	is $answers, "\r\n" x 3, 'each of them';
	$phone->send_raw("\r\n\r");
	$phone->send_raw("\nOPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx1\r\n"
		. "From: <sip:a\@b>;tag=1\r\nTo: <sip:a\@b>\r\nCall-ID: x\@y\r\nCSeq: 1 OPTIONS\r\n"
		. "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	is $phone->heartbeat->bytes, "\r\n", 'one in two pieces as well';
	is $phone->expect(200)->call_id, 'x@y', 'and the request behind it';
	$phone->forget;
	$phone->send_raw("\r\n");
	is $phone->register->code, 200, 'a single CRLF is a pong:';
	is scalar $phone->heartbeats, 0, 'not answered';
	$phone->close;
};

$switch->stop;
finish;
