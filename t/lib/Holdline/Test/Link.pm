# How a phone's bytes travel: a UDP socket, TCP or TLS connections, or a place behind a Holdline::Test::Nat.
# Addresses are strings as the contract writes them: 127.0.0.1:5060, [::1]:5060.
package Holdline::Test::Link;
use strict;
use warnings;
use Exporter qw(import);
use IO::Socket::IP;
use Time::HiRes qw(clock_gettime CLOCK_REALTIME);
use Socket qw(AF_INET AF_INET6 SOCK_DGRAM SOCK_STREAM SOL_SOCKET SO_RCVBUF inet_ntop inet_pton
	pack_sockaddr_in pack_sockaddr_in6 sockaddr_family unpack_sockaddr_in unpack_sockaddr_in6);
use IO::Select;
use Holdline::Test::Loop;
our @EXPORT_OK = qw(address arrival join_address split_address socket_address udp_socket);

my $last_stamp = 0x8907;    # SIOCGSTAMPNS: when the datagram read last came in

sub split_address {
	my ($address) = @_;
	return ($1, $2) if $address =~ /^\[([^\]]*)\]:(\d+)$/;
	return ($1, $2) if $address =~ /^([^:]*):(\d+)$/;
	die "not an address: $address";
}

sub join_address {
	my ($host, $port) = @_;
	return $host =~ /:/ ? "[$host]:$port" : "$host:$port";
}

sub socket_address {
	my ($host, $port) = split_address($_[0]);
	return $host =~ /:/ ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $host))
		: pack_sockaddr_in($port, inet_pton(AF_INET, $host));
}

sub address {
	my ($packed) = @_;
	my $family = sockaddr_family($packed);
	my ($port, $host) = $family == AF_INET6 ? unpack_sockaddr_in6($packed)
		: unpack_sockaddr_in($packed);
	return join_address(inet_ntop($family, $host), $port);
}

sub udp_socket {
	my ($host, $port) = @_;
	my $socket = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port || 0, Proto => 'udp',
		Type => SOCK_DGRAM, Blocking => 0) or die "UDP $host: $@";
	setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 1 << 20;
	arrival($socket);    # the kernel stamps datagrams once it has been asked
	return $socket;
}

# When the datagram read last from this socket came in, on the clock of Loop::now: by the kernel, so
# that a test process that had to wait for the processor does not take it for the switch's delay.
sub arrival {
	my ($socket) = @_;
	my $now = Holdline::Test::Loop::now();
	my $stamp = "\0" x 16;
	ioctl $socket, $last_stamp, $stamp or return $now;
	my ($seconds, $nanoseconds) = unpack 'q q', $stamp;
	my $age = clock_gettime(CLOCK_REALTIME) - $seconds - $nanoseconds / 1e9;
	return $age > 0 && $age < 60 ? $now - $age : $now;
}

# on_packet gets (bytes, source address, arrival time, the address it came in at).
sub new {
	my ($class, %arg) = @_;
	my $kind = $arg{nat} ? 'Nat' : {tcp => 'Tcp', tls => 'Tls'}->{$arg{transport}} || 'Udp';
	return "Holdline::Test::Link::$kind"->open(%arg);
}

package Holdline::Test::Link::Udp;

sub open {
	my ($class, %arg) = @_;
	my $socket = Holdline::Test::Link::udp_socket($arg{local}, $arg{local_port});
	my $self = bless {socket => $socket}, $class;
	$self->{local} = Holdline::Test::Link::address(getsockname $socket);
	Holdline::Test::Loop->add($socket, sub {
		while (defined(my $peer = $socket->recv(my $bytes, 65536))) {
			last unless length $peer;
			next if $self->_loses;
			my $from = Holdline::Test::Link::address($peer);
			$arg{on_packet}->($bytes, $from, Holdline::Test::Link::arrival($socket), $self->{local});
			last unless defined fileno $socket;
		}
	});
	return $self;
}

sub local { return $_[0]{local} }

# From now on so many packets of a hundred are lost, each way, in an order that is the same each time.
sub lose {
	my ($self, $percent) = @_;
	$self->{loss} = $percent;
	$self->{dice} ||= 7;
	return $self;
}

sub lost { return $_[0]{lost} || 0 }

sub _loses {
	my ($self) = @_;
	return 0 unless $self->{loss};
	$self->{dice} = ($self->{dice} * 1103515245 + 12345) % 2147483648;
	return 0 if ($self->{dice} >> 16) % 100 >= $self->{loss};
	return ++$self->{lost};
}

sub send {
	my ($self, $bytes, $to) = @_;
	return length $bytes if $self->_loses;
	return $self->{socket}->send($bytes, 0, Holdline::Test::Link::socket_address($to));
}

sub close {
	my ($self) = @_;
	Holdline::Test::Loop->remove($self->{socket});
	$self->{socket}->close;
	return;
}

package Holdline::Test::Link::Tcp;

sub open {
	my ($class, %arg) = @_;
	my $self = bless {on_packet => $arg{on_packet}, host => $arg{bind} || $arg{local}, stream => {},
		tls => $arg{tls} || {}}, $class;
	if ($arg{listen}) {
		my $listener = IO::Socket::IP->new(LocalHost => $arg{local}, LocalPort => 0, Listen => 8,
			Proto => 'tcp', ReuseAddr => 1) or die "TCP $arg{local}: $@";
		$self->{listener} = $listener;
		$self->{local} = Holdline::Test::Link::address(getsockname $listener);
		Holdline::Test::Loop->add($listener, sub {
			my $socket = $listener->accept;
			$self->_take($self->_secure($socket, SSL_server => 1)) if $socket;
		});
	} elsif ($arg{server}) {
		$self->_connect($arg{server});
	}
	return $self;
}

sub local { return $_[0]{local} }
sub closed { return $_[0]{closed} || 0 }

# What a connection speaks once it stands: bytes as they are.
sub _secure { return $_[1] }

# Appends what has come; undef at the end of the connection.
sub _receive {
	my ($self, $socket, $buffer) = @_;
	return sysread($socket, $$buffer, 65536, length $$buffer) || undef;
}

sub _connect {
	my ($self, $to) = @_;
	my ($host, $port) = Holdline::Test::Link::split_address($to);
	my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Proto => 'tcp',
		LocalHost => $self->{host}) or die "TCP to $to: $@";
	$self->{local} ||= Holdline::Test::Link::address(getsockname $socket);
	$self->_take($socket = $self->_secure($socket));
	return $socket;
}

sub _take {
	my ($self, $socket) = @_;
	return unless $socket;
	my $name = getpeername $socket or return $self->{closed}++;
	my $peer = Holdline::Test::Link::address($name);
	my $here = Holdline::Test::Link::address(getsockname $socket);
	my $buffer = '';
	$self->{stream}{$peer} = $socket;
	Holdline::Test::Loop->add($socket, sub {
		if (!defined $self->_receive($socket, \$buffer)) {
			Holdline::Test::Loop->remove($socket);
			delete $self->{stream}{$peer};
			close $socket;
			$self->{closed}++;
			return;
		}
		while (defined(my $message = _next_message(\$buffer))) {
			$self->{on_packet}->($message, $peer, Holdline::Test::Loop::now(), $here);
		}
	});
	return;
}

# RFC 3261 §18.3 framing; a CRLF between messages is a keepalive and handed up as such.
sub _next_message {
	my ($buffer) = @_;
	return $1 if $$buffer =~ s/^((?:\r\n){1,2})//;
	my $end = index $$buffer, "\r\n\r\n";
	return if $end < 0;
	my ($length) = substr($$buffer, 0, $end) =~ /^(?:Content-Length|l)\s*:\s*(\d+)/mi;
	my $total = $end + 4 + ($length || 0);
	return if length $$buffer < $total;
	return substr $$buffer, 0, $total, '';
}

sub send {
	my ($self, $bytes, $to) = @_;
	my $socket = $self->{stream}{$to} || $self->_connect($to);
	my $sent = 0;
	while ($sent < length $bytes) {
		my $n = syswrite $socket, $bytes, length($bytes) - $sent, $sent;
		return unless defined $n || $self->_blocked($socket);
		$sent += $n || 0;
	}
	return $sent;
}

# Whether what could not be written can be tried again.
sub _blocked { return 0 }

sub close {
	my ($self) = @_;
	for my $socket (values %{$self->{stream}}, $self->{listener} || ()) {
		Holdline::Test::Loop->remove($socket);
		CORE::close $socket;
	}
	$self->{stream} = {};
	return;
}

package Holdline::Test::Link::Tls;
our @ISA = ('Holdline::Test::Link::Tcp');

# `tls` has IO::Socket::SSL's own arguments; without any, whatever the peer shows is good.
sub _secure {
	my ($self, $socket, @role) = @_;
	require IO::Socket::SSL;
	my $secure = IO::Socket::SSL->start_SSL($socket, @role, SSL_verify_mode => 0, %{$self->{tls}});
	if (!$secure) {
		$self->{failure} = "$IO::Socket::SSL::SSL_ERROR";
		return if @role;
		die "TLS: $self->{failure}\n";
	}
	$secure->blocking(0);
	return $secure;
}

sub failure { return $_[0]{failure} }

# TLS has messages of its own: readable does not mean that there are bytes.
sub _receive {
	my ($self, $socket, $buffer) = @_;
	while (1) {
		my $got = sysread $socket, $$buffer, 65536, length $$buffer;
		return 1 if !defined $got && $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_READ();
		return undef unless $got;
	}
}

# … and a write may have to wait for what TLS itself has to say.
sub _blocked {
	my ($self, $socket) = @_;
	return 0 if $IO::Socket::SSL::SSL_ERROR != IO::Socket::SSL::SSL_WANT_WRITE();
	IO::Select->new($socket)->can_write(1);
	return 1;
}

package Holdline::Test::Link::Nat;

sub open {
	my ($class, %arg) = @_;
	my $self = bless {nat => $arg{nat}, local => $arg{inside}}, $class;
	$arg{nat}->attach($arg{inside}, $arg{on_packet});
	return $self;
}

sub local { return $_[0]{local} }
sub send { return $_[0]{nat}->send($_[0]{local}, $_[2], $_[1]) }
sub close { return $_[0]{nat}->detach($_[0]{local}) }

1;
__END__

=head1 NAME

Holdline::Test::Link - UDP, TCP, TLS or NATed transport of a phone

=head1 DESCRIPTION

C<< Holdline::Test::Link->new(transport => 'udp'|'tcp'|'tls', local => HOST, nat => NAT, inside => ADDRESS,
server => ADDRESS, listen => 1, on_packet => CODE) >> gives an object with C<local>,
C<send(bytes, to)> and C<close>. TCP connects to C<server> at once, so that C<local> is the address
the server will see; with C<listen> it accepts connections there too. TLS takes IO::Socket::SSL's
arguments in C<tls>. A UDP link loses packets when told so: C<lose(percent)>; C<lost> says how many.

Functions: C<split_address>, C<join_address>, C<address(sockaddr)>, C<socket_address(text)>,
C<udp_socket(host, port)>, C<arrival(socket)>.

=cut
