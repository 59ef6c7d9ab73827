# Calls with media, for scenarios of the relay.
package Holdline::Test::Media;
use strict;
use warnings;
use Exporter qw(import);
use Test::More ();
use Holdline::Test;
our @EXPORT = qw(talker connected hear_each_other heard_both_ways media_of live_call via_switch);

# A registered phone with an RTP end of its own; behind NAT when `nat` is given.
sub talker {
	my ($switch, $user, %arg) = @_;
	my @place = $arg{nat} ? (nat => $arg{nat}, host => $arg{host} || '192.168.1.10')
		: (local => $arg{local} || '127.0.0.1');
	my $phone = phone(switch => $switch, user => $user, rtp => rtp(@place), @place, %arg);
	$phone->register->code == 200 or die "phone $user cannot register\n" . $phone->story;
	return $phone;
}

# A call that is set up: (caller's side, callee's side). `offer` and `answer` are SDP as phones take it.
sub connected {
	my ($alice, $bob, %arg) = @_;
	my $call = $alice->invite($bob->user, sdp => $arg{offer} || 1);
	my $in = $bob->incoming;
	$in->respond(200, sdp => $arg{answer} || 1);
	$call->answered;
	$in->expect('ACK');
	return ($call, $in);
}

# Both start to send to where the other side's SDP says; true when `count` packets came each way.
sub heard_both_ways {
	my ($call, $in, $count) = @_;
	my ($alice, $bob) = map { $_->{phone}{rtp} } $call, $in;
	$_->forget for $alice, $bob;
	$alice->start($call->remote_sdp);
	$bob->start($in->remote_sdp);
	my $heard = $alice->wait_received($count) && $bob->wait_received($count);
	$_->stop for $alice, $bob;
	return $heard;
}

sub hear_each_other {
	my ($call, $in, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok(heard_both_ways($call, $in, 5), $name);
}

# Whether the SDP that a side was given names the switch, and not the other phone.
sub via_switch {
	my ($side, $other) = @_;
	my $rtp = $other->{phone}{rtp};
	return $side->remote_sdp->{port} != $rtp->port;
}

# The only call of the switch, as `calls` and as `call ID` show it.
sub live_call {
	my ($switch) = @_;
	my ($row) = @{$switch->control('calls')};
	return $switch->control('call', id => $row->{id});
}

sub media_of { return live_call(@_)->{media} }

1;
__END__

=head1 NAME

Holdline::Test::Media - calls with media

=head1 SYNOPSIS

	my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
	my ($call, $in) = connected($alice, $bob);
	hear_each_other($call, $in, 'both are heard');
	is media_of($switch)->{reason}, 'mode:on';

=cut
