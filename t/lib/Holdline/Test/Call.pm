# One dialog of a phone (RFC 3261 §12), as caller or as callee.
package Holdline::Test::Call;
use strict;
use warnings;
use Holdline::Test::Sip qw(name_uri random_token sdp_parse);

sub _new {
	my ($class, $phone, %arg) = @_;
	my $self = bless {phone => $phone, state => 'early', cseq => 1, %arg}, $class;
	push @{$phone->{calls}}, $self;
	return $self;
}

sub place {
	my ($class, $phone, $to, %arg) = @_;
	my $uri = $phone->target($to);
	my $self = $class->_new($phone, side => 'caller', call_id => $arg{call_id}
		|| random_token(16) . '@test', local_tag => random_token(), remote_target => $uri,
		peer => $arg{destination} || $phone->server);
	$self->{local} = $arg{from} || '<' . $phone->aor . ">;tag=$self->{local_tag}";
	$self->{remote} = "<$uri>";
	my $request = $phone->make_request('INVITE', $uri, from => $self->{local},
		call_id => $self->{call_id}, %arg);
	$self->{local_sdp} = $request->body;
	$self->{cseq} = $self->{invite_cseq} = $request->cseq;
	$self->{transaction} = $phone->start_request($request, call => $self, auth => $arg{auth},
		destination => $self->{peer});
	return $self;
}

sub received {
	my ($class, $phone, $invite) = @_;
	my $self = $class->_new($phone, side => 'callee', call_id => $invite->call_id,
		local_tag => random_token(), invite => $invite, peer => $invite->from,
		remote => $invite->header('From'), remote_tag => $invite->from_tag);
	$self->{local} = $invite->header('To') . ";tag=$self->{local_tag}";
	return $self;
}

sub call_id { return $_[0]{call_id} }
sub state { return $_[0]{state} }
sub invite_message { return $_[0]{invite} }
sub remote_sdp { return $_[0]{remote_sdp} }
sub remote_sdp_text { return $_[0]{remote_sdp_text} }

sub owns {
	my ($self, $request) = @_;
	return 0 unless $request->call_id eq $self->{call_id};
	return ($request->to_tag || '') eq $self->{local_tag}
		|| (!defined $request->to_tag && $self->{side} eq 'callee'
			&& $request->method ne 'INVITE' && $request->from_tag eq $self->{remote_tag});
}

sub _learn {
	my ($self, $message) = @_;
	my $contact = $message->header('Contact');
	$self->{remote_target} = name_uri($contact) if defined $contact;
	my $sdp = sdp_parse($message->body);
	@$self{qw(remote_sdp remote_sdp_text)} = ($sdp, $message->body) if $sdp;
	return;
}

sub on_request {
	my ($self, $request) = @_;
	$self->{peer} = $request->from;
	$self->_learn($request) if $request->method =~ /^(?:INVITE|UPDATE|ACK|PRACK)$/;
	$self->{state} = 'ended' if $request->method eq 'BYE';
	$self->{state} = 'confirmed' if $request->method eq 'ACK' && $self->{state} eq 'answered';
	return;
}

sub on_response {
	my ($self, $response) = @_;
	return unless $response->method eq 'INVITE' && $response->code > 100;
	return if $response->code >= 300;
	$self->_learn($response);
	$self->{remote} = $response->header('To');
	$self->{remote_tag} = $response->to_tag;
	return;
}

# What a phone does by itself in a call; true when the request has been answered.
sub serve {
	my ($self, $request) = @_;
	my $phone = $self->{phone};
	my $method = $request->method;
	if ($method eq 'INVITE' && !defined $request->to_tag) {
		return $self->_auto_answer;
	} elsif ($method eq 'INVITE' || $method eq 'UPDATE') {
		my $sdp = length $request->body || $method eq 'INVITE' ? $self->{local_sdp} : undef;
		$phone->respond($request, 200, defined $sdp ? (sdp => $sdp) : ());
	} elsif ($method eq 'CANCEL') {
		$phone->respond($request, 200);
		$phone->respond($self->{invite}, 487) if $self->{state} eq 'early';
		$self->{state} = 'ended';
	} elsif ($method ne 'ACK') {
		$phone->respond($request, 200);
	}
	return 1;
}

sub _auto_answer {
	my ($self) = @_;
	my $mode = $self->{phone}{auto_answer} or return 0;
	my %answer = ref $mode ? %$mode : ();
	my $code = delete $answer{code} || 200;
	$self->respond(180) if $code < 300;
	$self->respond($code, $code < 300 ? (sdp => 1) : (), %answer);
	return 1;
}

# ---- the callee's side

sub respond {
	my ($self, $code, %arg) = @_;
	my $response = $self->{phone}->respond($self->{invite}, $code, %arg);
	$self->{local_sdp} = $response->body if length $response->body;
	$self->{state} = 'answered' if $code >= 200 && $code < 300;
	$self->{state} = 'ended' if $code >= 300;
	return $response;
}

# Sends the 200 and waits for its ACK; returns that.
sub answer {
	my ($self, %arg) = @_;
	my $timeout = delete $arg{timeout};
	$arg{sdp} = 1 unless exists $arg{sdp};
	delete $arg{sdp} unless defined $arg{sdp};
	$self->respond(200, %arg);
	return $self->expect('ACK', $timeout);
}

sub reject {
	my ($self, $code, %arg) = @_;
	$self->respond($code || 486, %arg);
	return $self->expect('ACK', $arg{timeout});
}

# ---- the caller's side

# Waits for the 2xx and acknowledges it; returns the 2xx.
sub answered {
	my ($self, $timeout) = @_;
	my $response = $self->expect({code => '2xx', method => 'INVITE'}, $timeout);
	$self->{state} = 'confirmed';
	$self->ack unless $self->{phone}{never_ack};
	return $response;
}

sub failed {
	my ($self, $timeout) = @_;
	my $response = $self->expect(sub { my $m = shift; $m->method eq 'INVITE' && $m->code
		&& $m->code >= 300 }, $timeout, 'a failure of the call');
	$self->{state} = 'ended';
	return $response;
}

sub ack {
	my ($self, %arg) = @_;
	my $ack = $self->_request('ACK', %arg, cseq => $self->{invite_cseq});
	$self->{transaction}{ack} = $ack;
	$self->{phone}->send_message($ack, $self->{peer});
	return $ack;
}

sub cancel {
	my ($self, %arg) = @_;
	my $phone = $self->{phone};
	my $invite = $self->{transaction}{request};
	my $cancel = Holdline::Test::Sip->new_request('CANCEL', $invite->uri);
	$cancel->add(Via => $invite->header('Via'), 'Max-Forwards' => 70,
		From => $invite->header('From'), To => $invite->header('To'),
		'Call-ID' => $self->{call_id}, CSeq => $invite->cseq . ' CANCEL');
	return $phone->transact($cancel, %arg, call => $self, destination => $self->{peer});
}

# ---- both sides

sub expect {
	my ($self, $pattern, $timeout, $name) = @_;
	my $match = Holdline::Test::Phone::matcher($pattern);
	return $self->{phone}->expect(sub { my $m = shift; !$m->{raw} && $m->call_id eq $self->{call_id}
		&& $match->($m) }, $timeout, $name || (ref $pattern ? 'expected message' : $pattern));
}

sub _request {
	my ($self, $method, %arg) = @_;
	$arg{cseq} ||= ++$self->{cseq};
	return $self->{phone}->make_request($method, $self->{remote_target}, from => $self->{local},
		to => $self->{remote}, call_id => $self->{call_id}, %arg);
}

# A request in the dialog; returns the final response.
sub request {
	my ($self, $method, %arg) = @_;
	my $transaction = $self->start_request($method, %arg);
	return $self->{phone}->final($transaction, $arg{timeout});
}

sub start_request {
	my ($self, $method, %arg) = @_;
	my $request = $self->_request($method, %arg);
	return $self->{phone}->start_request($request, call => $self, auth => $arg{auth},
		destination => $self->{peer});
}

sub update { my ($self, @arg) = @_; return $self->request('UPDATE', @arg) }

sub reinvite {
	my ($self, %arg) = @_;
	$arg{sdp} = $self->{local_sdp} unless exists $arg{sdp};
	my $transaction = $self->start_request('INVITE', %arg);
	my $response = $self->{phone}->final($transaction, $arg{timeout});
	if ($response->code < 300) {
		$self->{local_sdp} = $transaction->{request}->body;
		$self->{transaction} = $transaction;
		$self->{invite_cseq} = $transaction->{request}->cseq;
		$self->ack unless $self->{phone}{never_ack};
	}
	return $response;
}

sub bye {
	my ($self, %arg) = @_;
	$self->{state} = 'ended';
	return $self->request('BYE', %arg);
}

# Waits for the other side's BYE (the phone has answered it); returns it.
sub ended {
	my ($self, $timeout) = @_;
	return $self->expect('BYE', $timeout);
}

1;
__END__

=head1 NAME

Holdline::Test::Call - one call of a Holdline::Test::Phone

=head1 DESCRIPTION

Made by C<< $phone->invite >> and C<< $phone->incoming >>.

Caller: C<expect>, C<answered> (waits for the 2xx, sends ACK), C<failed>, C<ack>, C<cancel>.
Callee: C<respond(code, sdp, headers)>, C<answer> (200, waits for ACK), C<reject(code)>,
C<invite_message>. Both: C<bye>, C<reinvite>, C<update>, C<request(method)>, C<start_request>,
C<ended> (waits for BYE), C<remote_sdp>, C<remote_sdp_text>, C<state>, C<call_id>.

=cut
