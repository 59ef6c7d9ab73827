# A gateway that the switch registers at: a phone that answers REGISTER, with digest if it shall.
package Holdline::Test::Registrar;
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex);
use parent -norequire, 'Holdline::Test::Phone';
use Holdline::Test::Phone;
use Holdline::Test::Sip qw(parse_challenge random_token);

# user, password (none: no challenge), algorithms => ['MD5'], realm, code => 401 | 407,
# expires (granted at most), min_expires, mapped (address it says it saw), refuse => code, qop.
sub new {
	my ($class, %arg) = @_;
	my $self = $class->SUPER::new(auto_answer => 0, server => '127.0.0.1:1', realm => 'carrier.test',
		algorithms => ['MD5'], code => 401, expires => 3600, qop => 1, %arg);
	$self->{register_password} = delete $self->{password};
	$self->{registers} = [];
	$self->{serve} = {%{$self->{serve}}, REGISTER => \&_register, OPTIONS => \&_options};
	return $self;
}

# Every REGISTER so far, or since the last call of `forget`.
sub registers { return @{$_[0]{registers}} }
sub forget { @{$_[0]{registers}} = (); return }

# Waits for the next REGISTER.
sub next_register {
	my ($self, $timeout) = @_;
	return $self->expect('REGISTER', $timeout, 'a REGISTER');
}

# What the switch is told of itself: the top Via with received and rport.
sub _via {
	my ($self, $request) = @_;
	my ($host, $port) = ($self->{mapped} || $request->from) =~ /^\[?(.*?)\]?:(\d+)$/;
	my ($top, @rest) = $request->headers('Via');
	$top =~ s/;rport(?![=\w])/;rport=$port;received=$host/;
	return [$top, @rest];
}

sub _answer {
	my ($self, $request, $code, %headers) = @_;
	return $self->respond($request, $code, headers => {Via => $self->_via($request), %headers});
}

sub _options {
	my ($self, $request) = @_;
	return if $self->{mute};
	return $self->_answer($request, 200);
}

sub _challenge {
	my ($self, $request, $stale) = @_;
	$self->{nonce} = random_token(20);
	$self->{count} = 0;
	my @value = map { qq(Digest realm="$self->{realm}", nonce="$self->{nonce}", opaque="o/\\"p")
		. ($self->{qop} ? ', qop="auth,auth-int"' : '') . ", algorithm=$_"
		. ($stale ? ', stale=true' : '') } @{$self->{algorithms}};
	my $name = $self->{code} == 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate';
	return $self->_answer($request, $self->{code}, $name => \@value);
}

# '' when the credentials are good, else what is wrong.
sub wrong {
	my ($self, $request) = @_;
	my $header = $request->header($self->{code} == 407 ? 'Proxy-Authorization' : 'Authorization')
		or return 'no credentials';
	my $got = parse_challenge($header);
	my $hash = $got->{algorithm} eq 'SHA-256' ? \&sha256_hex : \&md5_hex;
	return 'nonce' unless ($got->{nonce} || '') eq ($self->{nonce} || 'none');
	my $ha1 = $hash->("$self->{user}:$self->{realm}:$self->{register_password}");
	my $ha2 = $hash->($request->method . ":$got->{uri}");
	my $middle = $self->{qop} ? "$got->{nc}:$got->{cnonce}:auth:" : '';
	return 'response' unless $got->{response} eq $hash->("$ha1:$got->{nonce}:$middle$ha2");
	return 'nc' if $self->{qop} && hex $got->{nc} != ++$self->{count};
	return 'uri' unless $got->{uri} eq $request->uri;
	return 'opaque' unless $got->{opaque} eq 'o/\\"p';
	return '';
}

sub _register {
	my ($self, $request) = @_;
	push @{$self->{registers}}, $request;
	return if $self->{mute};
	return $self->_answer($request, $self->{refuse}, %{$self->{refuse_headers} || {}})
		if $self->{refuse};
	if (defined $self->{register_password}) {
		my $wrong = $request->{wrong} = $self->wrong($request);
		return $self->_challenge($request, $wrong eq 'nonce') if $wrong;
	}
	my $asked = $request->header('Expires');
	return $self->_answer($request, 423, 'Min-Expires' => $self->{min_expires})
		if $asked && $asked < ($self->{min_expires} || 0);
	my $granted = $asked < $self->{expires} ? $asked : $self->{expires};
	my $contact = $request->header('Contact');
	$self->{binding} = $granted ? $contact : undef;
	return $self->_answer($request, 200, $granted
		? (Contact => ["<sip:other\@192.0.2.9>;expires=9999", "$contact;expires=$granted"]) : ());
}

1;
__END__

=head1 NAME

Holdline::Test::Registrar - a carrier's gateway with a registrar

=head1 SYNOPSIS

	my $carrier = carrier(user => 'trunk', password => 'secret', algorithms => ['SHA-256', 'MD5']);
	gateways => {carrier => {address => 'sip:' . $carrier->address,
		register => {user => 'trunk', password => 'secret'}}}
	my $register = $carrier->next_register; $carrier->{binding};

=head1 DESCRIPTION

A L<Holdline::Test::Phone> that serves REGISTER by what its fields say, which a test may change as it
goes: C<refuse> (a code), C<mute> (no answer), C<mapped>, C<expires>, C<min_expires>.

=cut
