# Malformed messages: 400 where they can be answered, dropped where not, and the next one is served.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Sip qw(random_token);

my $switch = start_switch(users => [1001]);
my $phone = phone(switch => $switch, user => '1001');

# A sound REGISTER as text, with s/// on top.
sub spoilt {
	my ($change) = @_;
	my $text = $phone->make_request('REGISTER', 'sip:holdline.test',
		to => '<sip:1001@holdline.test>')->as_string;
	local $_ = $text;
	$change->();
	return $_;
}

sub still_serves {
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is $phone->register(auth => 0)->code, 401, "$name: the next message is served";
}

my %answered = (
	'no From' => sub { s/^From:.*\r\n//m },
	'no To' => sub { s/^To:.*\r\n//m },
	'CSeq without a number' => sub { s/^CSeq: \d+/CSeq: x/m },
	'CSeq of another method' => sub { s/^(CSeq: \d+) REGISTER/$1 INVITE/m },
	'CSeq too big' => sub { s/^CSeq: \d+/CSeq: 99999999999/m },
	'a body shorter than Content-Length' => sub { s/^Content-Length: 0/Content-Length: 500/m },
	'a Content-Length that is no number' => sub { s/^Content-Length: 0/Content-Length: -1/m },
	'a broken From' => sub { s/^From:.*\r\n/From: <sip:1001\@holdline.test;tag=\r\n/m },
	'a Via without a host' => sub { s/^Via:.*\r\n/Via: SIP\/2.0\/UDP\r\n/m },
	'a header without a colon' => sub { s/^User-Agent:.*\r\n/User-Agent Holdline\r\n/m },
);

subtest 'what can be answered' => sub {
	for my $name (sort keys %answered) {
		$phone->send_raw(spoilt($answered{$name}));
		my $answer = $phone->wait_message('4xx', 2);
		is $answer && $answer->code, 400, "$name: 400";
		still_serves($name);
	}
};

my %dropped = (
	'noise' => join('', map { chr($_ * 37 & 255) } 1 .. 300),
	'a start line alone' => "REGISTER sip:holdline.test SIP/2.0\r\n\r\n",
	'half a start line' => "REGISTER sip:hold",
	'no Via' => spoilt(sub { s/^Via:.*\r\n//m }),
	'no Call-ID' => spoilt(sub { s/^Call-ID:.*\r\n//m }),
	'no CSeq' => spoilt(sub { s/^CSeq:.*\r\n//m }),
	'a response to nothing' => "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKnone\r\n"
		. "From: <sip:a\@b>;tag=1\r\nTo: <sip:a\@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
	'a response without anything' => "SIP/2.0 200 OK\r\n\r\n",
	'an ACK to nothing' => spoilt(sub { s/REGISTER/ACK/g }),
);

subtest 'what cannot' => sub {
	for my $name (sort keys %dropped) {
		$phone->forget;
		$phone->send_raw($dropped{$name});
		still_serves($name);
		is scalar($phone->seen(sub { !$_[0]{transaction} })), 0, "$name: no answer";
	}
};

subtest 'life signs are no mistakes' => sub {
	my $before = () = $switch->log_events(level => qr/warn|error/);
	$phone->forget;
	$phone->send_raw($_) for "\r\n\r\n", "\r\n", "\0", "\0\0\0\0", '';
	still_serves('CRLF and NUL');
	is scalar($phone->seen(sub { !$_[0]{transaction} })), 0, 'not answered';
	is scalar(() = $switch->log_events(level => qr/warn|error/)), $before, 'nor logged';
};

subtest 'the figures' => sub {
	my $figure = sub {
		my %row = map { $_->{name} => $_->{value} } @{$switch->control('metrics')};
		return map { $row{"holdline_${_}_total"} } qw(malformed messages_received messages_sent);
	};
	my @before = $figure->();
	my $tcp = phone(switch => $switch, user => '1001', transport => 'tcp');
	$tcp->send_raw(spoilt(sub { s/^Content-Length: 0/Content-Length: -1/m }));
	is $tcp->expect('4xx')->code, 400, 'a stream that cannot be cut into messages';
	still_serves('figures');
	my @after = $figure->();
	is $after[0], $before[0] + 1, 'is counted, too';
	is $after[1], $before[1] + 1, 'as is what came';
	cmp_ok $after[2], '>', $before[2], 'and went';
	is $switch->control('status')->{malformed}, $after[0], 'status says the same';
};

subtest 'too much of it' => sub {
	my $many = spoilt(sub { s/^User-Agent:/("X-A: b\r\n" x 3000) . 'User-Agent:'/me });
	my $long = spoilt(sub { s/^User-Agent: /'User-Agent: ' . 'x' x 60000/me });
	$phone->send_raw($_), still_serves(length($_) . ' bytes') for $many, $long;
	my $quiet = () = $switch->log_events(level => 'warn');
	$phone->send_raw($dropped{noise}) for 1 .. 200;
	still_serves('a flood');
	cmp_ok scalar(() = $switch->log_events(level => 'warn')) - $quiet, '<=', 2,
		'the log is not flooded';
};

subtest 'on a stream' => sub {
	my $tcp = phone(switch => $switch, user => '1001', transport => 'tcp');
	$tcp->send_raw("\r\n\r\n");
	is $tcp->heartbeat->bytes, "\r\n", 'a double CRLF is answered with CRLF (K13)';
	$tcp->send_raw(spoilt($answered{'no To'}));
	is $tcp->expect('4xx')->code, 400, 'a mistake is answered';
	my $whole = $tcp->make_request('OPTIONS', 'sip:holdline.test')->as_string;
	$tcp->send_raw(substr $whole, 0, 40);
	quiet(0.05);
	$tcp->send_raw(substr($whole, 40) . $tcp->make_request('OPTIONS', 'sip:holdline.test')->as_string);
	$tcp->expect({method => 'OPTIONS', code => 200}) for 1, 2;
	pass 'in pieces and two at once';
	$tcp->send_raw("\x16\x03\x01 this is no SIP at all\r\n\r\n" x 20);
	my $next = phone(switch => $switch, user => '1001', transport => 'tcp');
	is $next->register->code, 200, 'after noise the next connection is served';
};

finish;
