#!/usr/bin/perl
# M4: pairs of ports, rtcp-mux, quarantine, and a range that is full.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my ($first) = Holdline::Test::Switch::port_range() =~ /^(\d+)/;

sub relay_switch {
	my (%arg) = @_;
	my $settings = delete $arg{settings} || {};
	return start_switch(users => [1001 .. 1004], %arg, config => {
		switch => {listen => ['udp:127.0.0.1:0', 'udp:[::1]:0']},
		plugins => {registrar => {}, 'media-proxy' => {mode => 'on', %$settings}}});
}

my $switch = relay_switch();
my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
my ($call, $in) = connected($alice, $bob);
my ($to_caller, $to_callee) = map { $_->remote_sdp->{port} } $call, $in;
is($_ % 2, 0, "RTP goes to an even port: $_") for $to_caller, $to_callee;
ok($_ >= $first && $_ < $first + 200, 'of port_range') for $to_caller, $to_callee;
isnt($to_caller, $to_callee, 'each leg has its own');
is($call->remote_sdp->{host}, '127.0.0.1', 'at the address of the switch');
hear_each_other($call, $in, 'both are heard');
my ($source) = $alice->{rtp}->sources;
is($source, "127.0.0.1:$to_caller", 'from the port that is sent to');

$alice->{rtp}->send_report($bob->{rtp});
ok($bob->{rtp}->wait_report, 'RTCP passes on the next odd port');
my ($report) = $bob->{rtp}->reports;
is($report->{from}, '127.0.0.1:' . ($to_callee + 1), 'and leaves from one');
is($report->{bytes}, $alice->{rtp}{rtcp_sent}[0]{bytes}, 'unchanged');

my $before = $in->remote_sdp_text;
$call->reinvite;
is($in->remote_sdp_text, $before, 'a re-INVITE without change is passed byte for byte');
$call->reinvite(sdp => {direction => 'sendonly'});
is($in->remote_sdp->{port}, $to_callee, 'the port stays for the life of the leg');
is($in->remote_sdp->{version}, 2, 'the version of the SDP counts changes');
$in->reinvite;
is($call->remote_sdp->{port}, $to_caller, 'on both legs');
is($switch->control('media')->{used}, 2, 'a pair for each');
$call->bye;
$switch->cdrs(1);
is($switch->control('media')->{used}, 0, 'none is left after the call');

# rtcp-mux
($call, $in) = connected($alice, $bob, map { $_ => {lines => ['a=rtcp-mux']} } qw(offer answer));
hear_each_other($call, $in, 'rtcp-mux: both are heard');
$bob->{rtp}->forget;
$alice->{rtp}->send_bytes(pack('CCnN', 0x80, 200, 1, 1));
ok($bob->{rtp}->wait_received(1), 'RTCP passes on the RTP port');
$call->bye;

# IPv6 on one side
my $carol = eval { talker($switch, 1003, local => '::1') };
SKIP: {
	skip 'no IPv6 here', 3 unless $carol;
	($call, $in) = connected($alice, $carol);
	is($in->remote_sdp->{host}, '::1', 'a leg over IPv6 is given an IPv6 address');
	is($call->remote_sdp->{host}, '127.0.0.1', 'the other an IPv4 one');
	hear_each_other($call, $in, 'both are heard');
	$call->bye;
}
$switch->stop;

# Three pairs: one call, and half of another
$switch = relay_switch(clock_rate => 20, settings => {port_range => "$first-" . ($first + 5)});
my @phones = map { talker($switch, $_) } 1001 .. 1004;
($call, $in) = connected(@phones[0, 1]);
my @used = map { $_->remote_sdp->{port} } $call, $in;
my $second = $phones[2]->invite(1004, sdp => 1);
is($second->failed->code, 503, 'a full range gives 503');
$switch->wait_log(event => 'ports-exhausted');
pass('and a line in the log');
my $ports = $switch->control('media');
is($ports->{used}, 2, 'nothing is half set up');
is($ports->{refused}, 1, 'and it is counted');
hear_each_other($call, $in, 'the first call goes on');
my $ended = now();
$call->bye;
$switch->cdrs(2);
is($switch->control('media')->{resting}, 2, 'its ports rest');
is($phones[2]->invite(1004, sdp => 1)->failed->code, 503, 'and are not used again');
$switch->control_until(sub { !$_[0]{resting} }, 'media');
near((now() - $ended) * 20, 10, 3, 'for 10 s');
($call, $in) = connected(@phones[2, 3]);
hear_each_other($call, $in, 'then they are');
$call->bye;
$switch->stop;

# What a range must be
my ($exit, $text) = switch_object(args => ['--check'], config => {plugins => {registrar => {},
	'media-proxy' => {port_range => '10001-10002'}}})->run;
is($exit, 2, 'a range without a pair is refused');
like($text, qr/plugins\.media-proxy\.port_range: .*10001-10002/, 'by name and value');
SKIP: {
	open my $in_use, '<', '/proc/sys/net/ipv4/ip_local_port_range' or skip 'no such range', 1;
	my ($low) = split ' ', <$in_use>;
	$switch = relay_switch(settings => {port_range => "$low-" . ($low + 99)});
	ok($switch->log_events(event => 'port-range-overlap'), 'a range the kernel gives away is warned of');
	$switch->stop;
}

finish;
