# A scripted SIP user agent. It answers by itself what a test rarely cares about (challenges, BYE,
# OPTIONS, session refreshes) and leaves everything else in the inbox for `expect`.
package Holdline::Test::Phone;
use strict;
use warnings;
use Holdline::Test::Call;
use Holdline::Test::Link qw(join_address split_address);
use Holdline::Test::Loop;
use Holdline::Test::Sip qw(digest_header name_uri parse_challenge random_token sdp_make);

my %defaults = (
	user => 'test', domain => 'holdline.test', transport => 'udp', local => '127.0.0.1',
	timer => 1,                       # Supported: timer, and refreshes are answered with it
	allow => 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, MESSAGE, REFER, NOTIFY',
	user_agent => 'Holdline-Test', rport => 1, never_ack => 0, silent => 0, timeout => 5,
	manual => [],                     # methods not answered automatically
	serve => {},                      # method => sub (phone, request): answers it instead
	retransmit => 0,                  # own requests over UDP, RFC 3261 Timer A/E
);

sub new {
	my ($class, %arg) = @_;
	my $self = bless {%defaults, manual => [], serve => {}, %arg, inbox => [], history => [], pending => {}, served => {},
		calls => [], register_cseq => 0, nonce_count => {}, retransmissions => 0}, $class;
	$self->{register_id} = random_token(16) . '@test';
	my $switch = $self->{switch};
	$self->{server} ||= $switch->address($self->{transport}, $self->{local}) if $switch;
	$self->{password} = $switch->password($self->{user})
		if $switch && !exists $self->{password};
	if ($self->{nat}) {
		$self->{host} ||= '192.168.1.10';
		$self->{port} ||= 5060;
		$self->{inside} = join_address($self->{host}, $self->{port});
	}
	$self->{link} = Holdline::Test::Link->new(
		(map { $_ => $self->{$_} } qw(transport local nat inside server listen bind tls)),
		on_packet => sub { $self->_packet(@_) });
	my ($host, $port) = split_address($self->{link}->local);
	$self->{host} ||= $host;
	$self->{port} ||= $port;
	return $self;
}

sub user { return $_[0]{user} }
sub address { return $_[0]{link}->local }
sub server { return $_[0]{server} }
sub link { return $_[0]{link} }
sub retransmissions { return $_[0]{retransmissions} }
sub silent { $_[0]{silent} = $_[1]; return $_[0] }

sub close {
	my ($self) = @_;
	$self->{link}->close;
	Holdline::Test::Loop->cancel(delete $_->{timer}) for values %{$self->{pending}};
	return;
}

# Where the switch sees this phone.
sub received {
	my ($self) = @_;
	return $self->{nat} ? $self->{nat}->outside($self->{inside}, $self->{server}) : $self->address;
}

sub host_port { return join_address(@{$_[0]}{qw(host port)}) }
sub aor { return "sip:$_[0]{user}\@$_[0]{domain}" }

sub contact {
	my ($self) = @_;
	return $self->{contact} if defined $self->{contact};
	my $transport = $self->{transport} eq 'udp' ? '' : ";transport=$self->{transport}";
	return "<sip:$self->{user}\@" . $self->host_port . "$transport>";
}

sub via {
	my ($self, $branch) = @_;
	return 'SIP/2.0/' . uc($self->{transport}) . ' ' . ($self->{via_host_port} || $self->host_port)
		. ";branch=$branch" . ($self->{rport} ? ';rport' : '');
}

# ---- sending

sub send_raw {
	my ($self, $bytes, $to) = @_;
	return $self->{link}->send($bytes, $to || $self->{server});
}

# Sends a message object; a response goes to where its request came from.
sub send_message {
	my ($self, $message, $to) = @_;
	push @{$self->{history}}, [Holdline::Test::Loop::now(), '>', $message];
	return $self->send_raw($message->as_string, $to);
}

# A request with everything a request needs; `headers` replace or add, undef removes.
sub make_request {
	my ($self, $method, $uri, %arg) = @_;
	my $request = Holdline::Test::Sip->new_request($method, $uri);
	my $from_tag = $arg{from_tag} || random_token();
	my $to = $arg{to} || "<$uri>";
	$request->add(
		'Via' => $self->via($arg{branch} || 'z9hG4bK' . random_token(12)),
		'Max-Forwards' => 70,
		'From' => $arg{from} || '<' . $self->aor . ">;tag=$from_tag",
		'To' => $to,
		'Call-ID' => $arg{call_id} || random_token(16) . '@test',
		'CSeq' => ($arg{cseq} || 1) . " $method");
	$request->add('Contact' => $self->contact) if $method =~ /^(?:INVITE|UPDATE|REGISTER)$/;
	$request->add('User-Agent' => $self->{user_agent}) if defined $self->{user_agent};
	$request->add('Allow' => $self->{allow})
		if defined $self->{allow} && $method =~ /^(?:INVITE|UPDATE|REGISTER)$/;
	$request->add('Supported' => 'timer') if $self->{timer} && $method =~ /^(?:INVITE|UPDATE)$/;
	$self->fill($request, %arg);
	return $request;
}

# Body and caller-given headers, for requests and responses alike.
sub fill {
	my ($self, $message, %arg) = @_;
	my $body = defined $arg{sdp} ? $self->sdp_text($arg{sdp}) : $arg{body};
	if (defined $body) {
		$message->add('Content-Type' => $arg{type} || (defined $arg{sdp} ? 'application/sdp'
			: 'text/plain'));
		$message->{body} = $body;
	}
	my @headers = ref $arg{headers} eq 'HASH' ? map { $_ => $arg{headers}{$_} }
		sort keys %{$arg{headers}} : @{$arg{headers} || []};
	while (my ($name, $value) = splice @headers, 0, 2) {
		$message->set($name, $value);
	}
	return $message;
}

# sdp => 1: this phone's own; a hash: sdp_make's arguments over it; a text: as it is.
sub sdp_text {
	my ($self, $sdp) = @_;
	return $sdp if !ref $sdp && $sdp =~ /^v=/;
	my %own = (host => $self->{host});
	%own = (host => $self->{rtp}->host, port => $self->{rtp}->port) if $self->{rtp};
	return sdp_make(%own, ref $sdp ? %$sdp : ());
}

# Starts a client transaction; its responses come to the inbox marked with it.
sub start_request {
	my ($self, $request, %arg) = @_;
	my $transaction = {request => $request, auth => $arg{auth}, to => $arg{destination}
		|| $self->{server}, tries => 0, call => $arg{call}};
	$self->_send_transaction($transaction);
	return $transaction;
}

sub _send_transaction {
	my ($self, $transaction) = @_;
	my $request = $transaction->{request};
	$self->{pending}{$request->branch . $request->method} = $transaction;
	$self->send_message($request, $transaction->{to});
	$self->_arm($transaction, 0.5) if $self->{retransmit} && $self->{transport} eq 'udp';
	return;
}

sub _arm {
	my ($self, $transaction, $delay) = @_;
	$transaction->{timer} = Holdline::Test::Loop->after($delay, sub {
		return if $transaction->{answered};
		$self->send_message($transaction->{request}, $transaction->{to});
		$self->_arm($transaction, $delay * 2 > 4 ? 4 : $delay * 2);
	});
	return;
}

# Sends the request and waits for its final response.
sub transact {
	my ($self, $request, %arg) = @_;
	return $self->final($self->start_request($request, %arg), $arg{timeout});
}

sub final {
	my ($self, $transaction, $timeout) = @_;
	return $self->expect(sub { my $m = shift; ($m->{transaction} || 0) == $transaction
		&& $m->code >= 200 }, $timeout, 'final response to ' . $transaction->{request}->summary);
}

# A request outside dialogs: OPTIONS, MESSAGE, anything.
sub request {
	my ($self, $method, $uri, %arg) = @_;
	return $self->transact($self->make_request($method, $self->target($uri), %arg), %arg);
}

sub target {
	my ($self, $to) = @_;
	$to = $to->{user} if ref $to;
	return $to =~ /^(?:sips?|tel):/ ? $to : "sip:$to\@$self->{domain}";
}

# Registers and returns the final response, the challenge answered on the way.
sub register {
	my ($self, %arg) = @_;
	my $contact = exists $arg{contact} ? $arg{contact} : $self->contact;
	my $expires = exists $arg{expires} ? $arg{expires} : 3600;
	my @headers = (Contact => $contact, Expires => $expires);
	push @headers, ref $arg{headers} eq 'HASH' ? %{$arg{headers}} : @{$arg{headers} || []};
	my $request = $self->make_request('REGISTER', "sip:$self->{domain}",
		to => '<' . $self->aor . '>', call_id => $arg{call_id} || $self->{register_id},
		cseq => $arg{cseq} || ++$self->{register_cseq}, headers => \@headers);
	return $self->transact($request, %arg);
}

sub unregister {
	my ($self, %arg) = @_;
	return $self->register(%arg, expires => 0);
}

sub invite {
	my ($self, $to, %arg) = @_;
	return Holdline::Test::Call->place($self, $to, %arg);
}

# The next call that comes in.
sub incoming {
	my ($self, $timeout) = @_;
	my $invite = $self->expect(sub { my $m = shift; ($m->{method} || '') eq 'INVITE'
		&& $m->{call} && !defined $m->to_tag }, $timeout, 'an incoming call');
	return $invite->{call};
}

# Answers a request; the To tag is this phone's for that dialog.
sub respond {
	my ($self, $request, $code, %arg) = @_;
	my $response = Holdline::Test::Sip->new_response($code, $arg{reason});
	$response->add($_ => [$request->headers($_)]) for qw(Via Record-Route From);
	my $to = $request->header('To');
	my $tag = $arg{tag} || ($request->{call} ? $request->{call}{local_tag} : random_token());
	$to .= ";tag=$tag" if $code > 100 && !defined $request->to_tag;
	$response->add(To => $to, 'Call-ID' => $request->call_id, CSeq => $request->header('CSeq'));
	if ($code < 300 && $request->method =~ /^(?:INVITE|UPDATE)$/) {
		$response->add(Contact => $self->contact);
		$response->add(Allow => $self->{allow}) if defined $self->{allow};
		$response->add(Supported => 'timer') if $self->{timer};
		$self->_timer_headers($request, $response) if $code >= 200;
	}
	$self->fill($response, %arg);
	$self->{served}{$request->branch . $request->method} = $response;
	$self->send_message($response, $request->from);
	return $response;
}

# RFC 4028 §9: keep what was asked for; who was not named is the one who asked.
sub _timer_headers {
	my ($self, $request, $response) = @_;
	my $asked = $request->header('Session-Expires');
	return unless $self->{timer} && defined $asked;
	my ($seconds) = $asked =~ /^(\d+)/;
	my $refresher = $request->params('Session-Expires')->{refresher} || 'uac';
	$response->add('Session-Expires' => "$seconds;refresher=$refresher");
	$response->add(Require => 'timer') if $refresher eq 'uac';
	return;
}

# ---- receiving

sub _packet {
	my ($self, $bytes, $from, $at, $local) = @_;
	return if $self->{silent};
	my $message = Holdline::Test::Sip->parse($bytes)
		|| bless {bytes => $bytes, headers => [], body => '', raw => 1}, 'Holdline::Test::Sip';
	@$message{qw(bytes from at local)} = ($bytes, $from, $at, $local);
	push @{$self->{history}}, [$at, '<', $message];
	my $keep = $message->{raw} ? 1 : $message->is_request ? $self->_request($message)
		: $self->_response($message);
	push @{$self->{inbox}}, $message if $keep;
	return;
}

sub _request {
	my ($self, $request) = @_;
	my $method = $request->method;
	my $key = $request->branch . $method;
	if (exists $self->{served}{$key}) {
		$self->{retransmissions}++;
		my $response = $self->{served}{$key};
		$self->send_message($response, $request->from) if $response;
		return 0;
	}
	$self->{served}{$key} = undef;
	my ($call) = grep { $_->owns($request) } @{$self->{calls}};
	if (!$call && $method eq 'INVITE' && !defined $request->to_tag) {
		$call = Holdline::Test::Call->received($self, $request);
	}
	$request->{call} = $call;
	$call->on_request($request) if $call;
	$self->_serve($request) unless grep { $_ eq $method } @{$self->{manual}};
	return 1;
}

sub _serve {
	my ($self, $request) = @_;
	my $method = $request->method;
	my $call = $request->{call};
	if (my $own = $self->{serve}{$method}) {
		$own->($self, $request);
	} elsif ($method eq 'OPTIONS') {
		$self->respond($request, 200, headers => [Allow => $self->{allow}]);
	} elsif ($call && $call->serve($request)) {
		return;
	} elsif (!$call && defined $request->to_tag && $method ne 'ACK') {
		$self->respond($request, 481);
	} elsif (!$call && $method =~ /^(?:MESSAGE|NOTIFY)$/) {
		$self->respond($request, 200);
	}
	return;
}

sub _response {
	my ($self, $response) = @_;
	my $transaction = $self->{pending}{$response->branch . $response->method} or return 1;
	$response->{transaction} = $transaction;
	$response->{call} = $transaction->{call};
	$transaction->{answered} = 1;
	my $final = $response->code >= 200;
	my $invite = $response->method eq 'INVITE';
	if ($final && $transaction->{final}) {
		$self->{retransmissions}++;
		my $ack = $transaction->{ack};
		$self->send_message($ack, $transaction->{to}) if $ack && !$self->{never_ack};
		return 0;
	}
	$transaction->{final} = $response if $final;
	$self->_ack_failure($transaction, $response) if $invite && $response->code >= 300;
	return 0 if $response->code =~ /^40[17]$/ && $self->_authenticate($transaction, $response);
	$transaction->{call}->on_response($response) if $transaction->{call};
	return 1;
}

# RFC 3261 §17.1.1.3
sub _ack_failure {
	my ($self, $transaction, $response) = @_;
	return if $self->{never_ack};
	my $request = $transaction->{request};
	my $ack = Holdline::Test::Sip->new_request('ACK', $request->uri);
	$ack->add(Via => $request->header('Via'), 'Max-Forwards' => 70, From => $request->header('From'),
		To => $response->header('To'), 'Call-ID' => $request->call_id,
		CSeq => $request->cseq . ' ACK');
	$transaction->{ack} = $ack;
	$self->send_message($ack, $transaction->{to});
	return;
}

# Repeats the request with credentials: once, and once more when only the nonce was stale.
sub _authenticate {
	my ($self, $transaction, $response) = @_;
	return 0 if !defined $self->{password} || (defined $transaction->{auth} && !$transaction->{auth});
	my $proxy = $response->code == 407;
	my @challenge = map { parse_challenge($_) }
		$response->headers($proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate');
	my $wanted = $self->{algorithm};
	my ($challenge) = grep { !$wanted || lc($_->{algorithm} || 'MD5') eq lc $wanted } @challenge;
	return 0 unless $challenge;
	my $stale = lc($challenge->{stale} || '') eq 'true';
	return 0 if $transaction->{tries}++ >= ($stale ? 2 : 1);
	my $request = $transaction->{request};
	# The challenge again is answered as it was, and is no answer to what follows.
	$self->{pending}{$request->branch . $request->method} = {%$transaction};
	$transaction->{request} = $self->credentials($request, $challenge, $proxy);
	$transaction->{call}{invite_cseq} = $transaction->{request}->cseq if $transaction->{call};
	delete @$transaction{qw(final ack answered)};
	$self->{register_cseq} = $transaction->{request}->cseq if $request->method eq 'REGISTER';
	$self->_send_transaction($transaction);
	return 1;
}

# A copy of `request` with the answer to `challenge`, a new branch and the next CSeq.
sub credentials {
	my ($self, $request, $challenge, $proxy) = @_;
	my $again = Holdline::Test::Sip->parse($request->as_string);
	my $cseq = $request->cseq + 1;
	$again->set(Via => $self->via('z9hG4bK' . random_token(12)));
	$again->set(CSeq => "$cseq " . $request->method);
	$again->set($proxy ? 'Proxy-Authorization' : 'Authorization' => digest_header(
		challenge => $challenge, user => $self->{auth_user} || $self->{user},
		password => $self->{password}, method => $request->method, uri => $request->uri,
		nc => ++$self->{nonce_count}{$challenge->{nonce}}));
	$self->{last_challenge} = $challenge;
	my $call = $self->call_of($request);
	$call->{cseq} = $cseq if $call;
	return $again;
}

sub call_of {
	my ($self, $message) = @_;
	my ($call) = grep { $_->{call_id} eq $message->call_id } @{$self->{calls}};
	return $call;
}

# ---- waiting

# A pattern is a method ('BYE'), a code (200), a class ('18x', '2xx'), { code, method }, { raw }, a
# regular expression over the bytes, or a sub of the message.
sub matcher {
	my ($pattern) = @_;
	return $pattern if ref $pattern eq 'CODE';
	if (ref $pattern eq 'Regexp') {
		return sub { $_[0]->bytes =~ $pattern };
	}
	if (ref $pattern eq 'HASH') {
		my @test;
		push @test, matcher($pattern->{code}) if defined $pattern->{code};
		push @test, sub { $_[0]->method eq $pattern->{method} } if defined $pattern->{method};
		push @test, sub { $_[0]{raw} && $_[0]->bytes eq $pattern->{raw} } if defined $pattern->{raw};
		return sub { my $m = shift; !grep { !$_->($m) } @test };
	}
	if ($pattern =~ /^([1-6][0-9x]{2})$/) {
		(my $code = $1) =~ tr/x/./;
		return sub { defined $_[0]->code && $_[0]->code =~ /^$code$/ };
	}
	return sub { ($_[0]{method} || '') eq $pattern };
}

# Takes the first match out of the inbox, waiting for it; dies with what came instead.
sub expect {
	my ($self, $pattern, $timeout, $name) = @_;
	$timeout = $self->{timeout} unless defined $timeout;
	my $found = $self->wait_message($pattern, $timeout);
	return $found if $found;
	$name ||= ref $pattern eq 'HASH' ? join ' ', map { "$_=$pattern->{$_}" } sort keys %$pattern
		: $pattern;
	die "phone $self->{user}: no $name within $timeout s. What happened:\n" . $self->story;
}

# The same, but returns nothing instead of dying.
sub wait_message {
	my ($self, $pattern, $timeout) = @_;
	my $match = matcher($pattern);
	my $found;
	Holdline::Test::Loop->wait_for(sub {
		for my $i (0 .. $#{$self->{inbox}}) {
			next unless $match->($self->{inbox}[$i]);
			$found = splice @{$self->{inbox}}, $i, 1;
			return 1;
		}
		return 0;
	}, $timeout);
	return $found;
}

# The next datagram that is no SIP.
sub heartbeat {
	my ($self, $timeout) = @_;
	return $self->expect(sub { $_[0]{raw} }, $timeout, 'heartbeat');
}

sub heartbeats {
	my ($self) = @_;
	return $self->seen(sub { $_[0]{raw} });
}

# Everything received so far that matches, whether or not somebody has expected it.
sub seen {
	my ($self, $pattern) = @_;
	my $match = matcher($pattern);
	return map { $_->[2] } grep { $_->[1] eq '<' && $match->($_->[2]) } @{$self->{history}};
}

sub forget {
	my ($self) = @_;
	@{$self->{inbox}} = @{$self->{history}} = ();
	return $self;
}

sub story {
	my ($self) = @_;
	my $start = @{$self->{history}} ? $self->{history}[0][0] : 0;
	return join '', map {
		my ($at, $way, $message) = @$_;
		my $text = $message->{raw} ? 'raw ' . unpack 'H*', $message->bytes : $message->summary;
		sprintf "  %8.3f %s %s\n", $at - $start, $way, $text;
	} @{$self->{history}};
}

1;
__END__

=head1 NAME

Holdline::Test::Phone - a scripted SIP phone

=head1 SYNOPSIS

	my $alice = phone(switch => $switch, user => '1001', nat => $nat);
	$alice->register(expires => 600);
	my $beat = $alice->heartbeat;                    # ->bytes ->from ->at
	my $call = $alice->invite('1002', sdp => 1);
	$call->expect(180); $call->answered; $call->bye;
	my $in = $bob->incoming; $in->respond(180); $in->answer(sdp => 1);
	$alice->send_raw("OPTIONS sip:x SIP/2.0\r\n..."); $alice->expect(400);

=head1 OPTIONS OF new

user, password (default: the switch's), auth_user, algorithm (MD5 or SHA-256: take that challenge),
domain, transport (udp or tcp), local, bind (TCP source host), server, listen, nat, host, port (in
Via, Contact and SDP), contact, via_host_port, rport, timer, allow, user_agent, never_ack, silent,
manual (methods to leave unanswered), serve ({ METHOD => sub (phone, request) }: your own answer),
auto_answer (1 or { sdp, headers, code }), rtp, retransmit, timeout.

=head1 METHODS

register, unregister, request, invite, incoming, respond, send_raw, send_message, make_request,
start_request, transact, expect, wait_message, heartbeat, seen, forget, silent, received, story.

Without C<manual> the phone answers OPTIONS, MESSAGE and NOTIFY, and in a call BYE, CANCEL, UPDATE,
INFO and re-INVITE; what it answered is in the inbox all the same, auto-answered calls too (C<forget>
empties it). Responses 401 and 407 are answered
with credentials unless C<< auth => 0 >>.

=cut
