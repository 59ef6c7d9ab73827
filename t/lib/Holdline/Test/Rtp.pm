# One end of an RTP stream (RFC 3550): sends a paced stream whose packets are known byte for byte,
# records what arrives and from where. RTCP goes on the next odd port.
package Holdline::Test::Rtp;
use strict;
use warnings;
use Holdline::Test::Link qw(address join_address split_address udp_socket);
use Holdline::Test::Loop;

my $next_ssrc = 0x10000000 + ($$ & 0xffff) * 0x1000;
my $next_inside = 40000;

sub new {
	my ($class, %arg) = @_;
	my $self = bless {
		payload_type => $arg{payload_type} || 0,
		interval => $arg{interval} || 0.02,    # seconds
		samples => 160,                        # timestamp units a packet
		ssrc => $arg{ssrc} || $next_ssrc++,
		sequence => defined $arg{sequence} ? $arg{sequence} : int rand 60000,
		timestamp => int rand 0x70000000,
		sent => [], received => [], rtcp_sent => [], rtcp_received => [],
	}, $class;
	my @callback = map { my $kind = $_; sub { $self->_receive($kind, @_) } } qw(received rtcp_received);
	if ($arg{nat}) {
		my $port = $arg{port} || ($next_inside += 2);
		$self->{host} = $arg{host} || '192.168.1.10';
		$self->{port} = $port;
		$self->{links} = [map { Holdline::Test::Link->new(nat => $arg{nat},
			inside => join_address($self->{host}, $port + $_), on_packet => $callback[$_]) } 0, 1];
	} else {
		$self->{links} = _pair($arg{local} || '127.0.0.1', @callback);
		@$self{qw(host port)} = split_address($self->{links}[0]->local);
	}
	return $self;
}

# An even port and the odd one after it.
sub _pair {
	my ($local, @callback) = @_;
	for (1 .. 200) {
		my $port = 20000 + 2 * int rand 6000;
		my @link = map { my $i = $_; eval { Holdline::Test::Link->new(transport => 'udp',
			local => $local, local_port => $port + $i, on_packet => $callback[$i]) } } 0, 1;
		return \@link if @link == 2 && $link[0] && $link[1];
		$_->close for grep { $_ } @link;
	}
	die "no free pair of ports on $local";
}

sub host { return $_[0]{host} }
sub port { return $_[0]{port} }
sub ssrc { return $_[0]{ssrc} }

sub _receive {
	my ($self, $kind, $bytes, $from, $at) = @_;
	push @{$self->{$kind}}, {bytes => $bytes, from => $from, at => $at};
	return;
}

sub packet {
	my ($self) = @_;
	my $sequence = $self->{sequence}++ & 0xffff;
	my $timestamp = $self->{timestamp} += $self->{samples};
	my $payload = substr(pack('N*', map { $sequence * 2654435761 + $_ & 0xffffffff } 1 .. 40), 0, 160);
	return pack('CCnNN', 0x80, $self->{payload_type}, $sequence, $timestamp & 0xffffffff,
		$self->{ssrc}) . $payload;
}

sub send_one {
	my ($self) = @_;
	my $bytes = $self->packet;
	push @{$self->{sent}}, {bytes => $bytes, at => Holdline::Test::Loop::now()};
	$self->{links}[0]->send($bytes, $self->{to});
	return $bytes;
}

sub send_bytes {
	my ($self, $bytes, $to) = @_;
	return $self->{links}[0]->send($bytes, $to || $self->{to});
}

# `to` is an address or a parsed SDP.
sub target {
	my ($self, $to) = @_;
	$self->{to} = ref $to ? join_address($to->{host}, $to->{port}) : $to;
	return $self;
}

sub start {
	my ($self, $to) = @_;
	$self->target($to) if defined $to;
	$self->stop;
	$self->{next} = Holdline::Test::Loop::now();
	$self->_tick;
	return $self;
}

sub _tick {
	my ($self) = @_;
	$self->send_one;
	$self->{next} += $self->{interval};
	$self->{timer} = Holdline::Test::Loop->at($self->{next}, sub { $self->_tick });
	return;
}

sub stop {
	my ($self) = @_;
	Holdline::Test::Loop->cancel(delete $self->{timer});
	return $self;
}

# A sender report with one report block about `peer` (RFC 3550 §6.4.1).
sub send_report {
	my ($self, $peer) = @_;
	my $bytes = pack 'CCnNNNNNN', $peer ? 0x81 : 0x80, 200, $peer ? 12 : 6, $self->{ssrc},
		time + 2208988800, 0, $self->{timestamp} & 0xffffffff, scalar @{$self->{sent}},
		160 * @{$self->{sent}};
	$bytes .= pack 'NNNNNN', $peer->{ssrc}, 0, $peer->{sequence} & 0xffff, 0, 0, 0 if $peer;
	return $self->send_control($bytes);
}

# Any bytes, on the RTCP port.
sub send_control {
	my ($self, $bytes) = @_;
	my ($host, $port) = split_address($self->{to});
	push @{$self->{rtcp_sent}}, {bytes => $bytes};
	$self->{links}[1]->send($bytes, join_address($host, $port + 1));
	return $bytes;
}

# A receiver report about `peer` that answers its sender report at once (RFC 3550 §6.4.2).
sub answer_report {
	my ($self, $report, %arg) = @_;
	my ($ssrc, $stamp) = unpack 'x4 N x2 N', $report;
	return $self->send_control(pack 'CCnNNNNNNN', 0x81, 201, 7, $self->{ssrc}, $ssrc, $arg{lost} || 0,
		0, $arg{jitter} || 0, $stamp, 0);
}

sub sent { return scalar @{$_[0]{sent}} }
sub received { return @{$_[0]{received}} }
sub reports { return @{$_[0]{rtcp_received}} }

sub forget {
	my ($self) = @_;
	$self->{$_} = [] for qw(sent received rtcp_sent rtcp_received);
	return $self;
}

sub wait_received {
	my ($self, $count, $timeout) = @_;
	return Holdline::Test::Loop->wait_for(sub { @{$self->{received}} >= $count }, $timeout || 5);
}

sub wait_report {
	my ($self, $timeout) = @_;
	return Holdline::Test::Loop->wait_for(sub { @{$self->{rtcp_received}} }, $timeout || 5);
}

# How many of the received packets `peer` did not send just so: payload, sequence, timestamp, SSRC.
sub altered {
	my ($self, $peer) = @_;
	my %sent = map { $_->{bytes} => 1 } @{$peer->{sent}};
	return scalar grep { !$sent{$_->{bytes}} } @{$self->{received}};
}

sub sources {
	my ($self) = @_;
	my %seen = map { $_->{from} => 1 } @{$self->{received}};
	return sort keys %seen;
}

sub parse {
	my ($bytes) = @_;
	my ($flags, $type, $sequence, $timestamp, $ssrc) = unpack 'CCnNN', $bytes;
	return {version => $flags >> 6, payload_type => $type & 0x7f, marker => $type >> 7,
		sequence => $sequence, timestamp => $timestamp, ssrc => $ssrc, payload => substr $bytes, 12};
}

sub close {
	my ($self) = @_;
	$self->stop;
	$_->close for @{$self->{links}};
	return;
}

1;
__END__

=head1 NAME

Holdline::Test::Rtp - an RTP sender and receiver

=head1 SYNOPSIS

	my $rtp = rtp();                       # or rtp(nat => $nat, host => '192.168.1.10')
	$rtp->start($call->remote_sdp);        # 20 ms pacing on the shared loop
	$other->wait_received(20) or fail;
	is $other->altered($rtp), 0;
	$rtp->send_report($other); $other->wait_report;
	$other->answer_report(($other->reports)[0]{bytes}, lost => 3);

=cut
