# A name server on 127.0.0.1: A, AAAA and SRV records out of a table, over UDP (RFC 1035, RFC 2782).
package Holdline::Test::Dns;
use strict;
use warnings;
use Socket qw(AF_INET6 inet_aton inet_pton);
use Holdline::Test::Link;
use Holdline::Test::Loop;

my %type = (A => 1, AAAA => 28, SRV => 33);
my %name_of = reverse %type;

# records: name => {A => [...], AAAA => [...], SRV => [[priority, weight, port, target], ...], ttl}.
sub new {
	my ($class, %records) = @_;
	my $self = bless {records => {%records}, queries => [], mode => 'answer'}, $class;
	my $socket = Holdline::Test::Link::udp_socket('127.0.0.1');
	$self->{socket} = $socket;
	Holdline::Test::Loop->add($socket, sub {
		while (defined(my $peer = $socket->recv(my $bytes, 4096))) {
			last unless length $peer;
			my $answer = $self->_answer($bytes);
			$socket->send($answer, 0, $peer) if defined $answer;
		}
	});
	return $self;
}

sub address { return Holdline::Test::Link::address(getsockname $_[0]{socket}) }
sub set { my ($self, $name, $records) = @_; $self->{records}{$name} = $records; return $self }
# answer | silent | fail (SERVFAIL)
sub mode { $_[0]{mode} = $_[1]; return $_[0] }

# How often that was asked: queries('A', 'carrier.example').
sub queries {
	my ($self, $type, $name) = @_;
	return scalar grep { $_->[0] eq $type && $_->[1] eq $name } @{$self->{queries}};
}

sub close {
	my ($self) = @_;
	Holdline::Test::Loop->remove($self->{socket});
	$self->{socket}->close;
	return;
}

sub _name { return join('', map { pack 'C/a*', $_ } split /\./, $_[0]) . "\0" }

sub _data {
	my ($type, $value) = @_;
	return inet_aton($value) if $type eq 'A';
	return inet_pton(AF_INET6, $value) if $type eq 'AAAA';
	return pack('n3', @$value[0 .. 2]) . ($value->[3] eq '.' ? "\0" : _name($value->[3]));
}

sub _answer {
	my ($self, $query) = @_;
	my ($id, $flags, $count) = unpack 'n3', $query;
	my ($at, @label) = (12);
	while (my $length = ord substr $query, $at, 1) {
		push @label, substr $query, $at + 1, $length;
		$at += $length + 1;
	}
	my ($number) = unpack 'n', substr $query, $at + 1, 2;
	my ($name, $type) = (lc join('.', @label), $name_of{$number} || $number);
	push @{$self->{queries}}, [$type, $name];
	return if $self->{mode} eq 'silent';
	my $known = $self->{records}{$name};
	my @values = $self->{mode} eq 'answer' && $known ? @{$known->{$type} || []} : ();
	my $code = $self->{mode} eq 'fail' ? 2 : $known ? 0 : 3;
	my $ttl = $known && defined $known->{ttl} ? $known->{ttl} : 60;
	my $answers = join '', map {
		my $data = _data($type, $_);
		"\xc0\x0c" . pack('nnNn', $number, 1, $ttl, length $data) . $data;
	} @values;
	return pack('n6', $id, 0x8180 | $code, 1, scalar @values, 0, 0)
		. substr($query, 12, $at + 5 - 12) . $answers;
}

1;
__END__

=head1 NAME

Holdline::Test::Dns - a tiny name server

=head1 SYNOPSIS

	my $dns = dns('carrier.example' => {A => ['127.0.0.1'], ttl => 30},
		'_sip._udp.carrier.example' => {SRV => [[10, 60, 5060, 'gw.carrier.example']]});
	switch => {nameservers => [$dns->address]}
	$dns->set('carrier.example' => {A => ['127.0.0.2']}); $dns->mode('fail'); $dns->queries('A', $name);

=cut
