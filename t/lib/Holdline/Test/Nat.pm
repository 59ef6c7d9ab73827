# A NAT in user space. Inside, phones hand it datagrams in the same process; outside it owns one real
# socket per (inside source, outside destination) and lets in only what that rule allows.
package Holdline::Test::Nat;
use strict;
use warnings;
use Holdline::Test::Link qw(address arrival socket_address udp_socket);
use Holdline::Test::Loop;

# mapping: symmetric (one socket per destination) or cone (one per inside source).
# refresh: both (RFC 4787 REQ-6 both ways) or outbound (only the inside keeps a mapping alive).
sub new {
	my ($class, %arg) = @_;
	return bless {
		outside => $arg{outside} || '127.0.0.2',
		mapping => $arg{mapping} || 'symmetric',
		refresh => $arg{refresh} || 'both',
		idle => $arg{idle} || 0,    # real seconds, 0 = for ever
		inside => {},               # inside address => callback
		map => {},                  # key => { socket, address, inside, remotes, used }
		dead => [],                 # mappings gone: their sockets only count what knocks
		blocked => 0,
		passed => 0,
		knocks => [],               # [source, outside address, bytes] of the blocked ones
	}, $class;
}

sub attach {
	my ($self, $inside, $callback) = @_;
	die "$inside is taken" if $self->{inside}{$inside};
	$self->{inside}{$inside} = $callback;
	return;
}

sub detach {
	my ($self, $inside) = @_;
	delete $self->{inside}{$inside};
	$self->_kill($_) for grep { $self->{map}{$_}{inside} eq $inside } keys %{$self->{map}};
	return;
}

sub _key {
	my ($self, $inside, $to) = @_;
	return $self->{mapping} eq 'cone' ? $inside : "$inside $to";
}

sub _live {
	my ($self, $key) = @_;
	my $row = $self->{map}{$key} or return;
	my $age = Holdline::Test::Loop::now() - $row->{used};
	return $row unless $self->{idle} && $age > $self->{idle};
	$self->_kill($key);
	return;
}

# The socket stays open so that what comes too late is counted, not answered with ICMP.
sub _kill {
	my ($self, $key) = @_;
	my $row = delete $self->{map}{$key} or return;
	$row->{gone} = 1;
	push @{$self->{dead}}, $row;
	return;
}

sub _open {
	my ($self, $inside, $key) = @_;
	my $socket = udp_socket($self->{outside});
	my $row = {socket => $socket, address => address(getsockname $socket), inside => $inside,
		remotes => {}, used => Holdline::Test::Loop::now()};
	$self->{map}{$key} = $row;
	Holdline::Test::Loop->add($socket, sub { $self->_receive($row, $key) });
	return $row;
}

sub _receive {
	my ($self, $row, $key) = @_;
	while (defined(my $peer = $row->{socket}->recv(my $bytes, 65536))) {
		my $from = address($peer);
		$self->_live($key) unless $row->{gone};
		my $deliver = $self->{inside}{$row->{inside}};
		if ($row->{gone} || !$row->{remotes}{$from} || !$deliver) {
			$self->{blocked}++;
			push @{$self->{knocks}}, [$from, $row->{address}, $bytes];
			next;
		}
		my $now = arrival($row->{socket});
		$row->{used} = $now if $self->{refresh} eq 'both';
		$self->{passed}++;
		$deliver->($bytes, $from, $now, $row->{address});
	}
	return;
}

sub send {
	my ($self, $inside, $to, $bytes) = @_;
	my $key = $self->_key($inside, $to);
	my $row = $self->_live($key) || $self->_open($inside, $key);
	$row->{remotes}{$to} = 1;
	$row->{used} = Holdline::Test::Loop::now();
	return $row->{socket}->send($bytes, 0, socket_address($to));
}

# Where the outside sees that inside source: nothing when no mapping is alive.
sub outside {
	my ($self, $inside, $to) = @_;
	my ($key) = defined $to ? $self->_key($inside, $to)
		: grep { $self->{map}{$_}{inside} eq $inside } sort keys %{$self->{map}};
	my $row = defined $key ? $self->_live($key) : undef;
	return $row ? $row->{address} : undef;
}

# The router restarts: every mapping is gone, the next packet out gets another port.
sub rebind {
	my ($self) = @_;
	$self->_kill($_) for keys %{$self->{map}};
	return;
}

sub blocked { return $_[0]{blocked} }
sub passed { return $_[0]{passed} }
sub knocks { return @{$_[0]{knocks}} }

1;
__END__

=head1 NAME

Holdline::Test::Nat - a user-space NAT on loopback

=head1 SYNOPSIS

	my $nat = Holdline::Test::Nat->new(outside => '127.0.0.2', idle => 2, refresh => 'outbound');
	my $phone = phone(nat => $nat, host => '192.168.1.10', port => 5060, ...);
	$nat->outside('192.168.1.10:5060', $switch_address);   # 127.0.0.2:PORT
	$nat->rebind; $nat->blocked; $nat->knocks;

=head1 DESCRIPTION

Filtering is always by exact remote address and port. C<mapping> is C<symmetric> (default) or
C<cone>; C<refresh> is C<both> or C<outbound>; C<idle> is in real seconds, so divide by the switch's
clock rate. A mapping that expired or was rebound keeps its socket open to count what still knocks.

=cut
