#!/usr/bin/perl
# M6: all that a session may be: several m-lines, hold and resume, media that move, early media, key
# presses, T.38, IPv4 and IPv6.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $switch = start_switch(users => [1001 .. 1004], config => {
	switch => {listen => ['udp:127.0.0.1:0', 'udp:[::1]:0']},
	plugins => {registrar => {}, 'media-proxy' => {mode => 'on'}}});
my ($alice, $bob) = map { talker($switch, $_) } 1001, 1002;
my ($left, $right) = map { $_->{rtp} } $alice, $bob;
my ($call, $in);

# Moves a packet from one RTP end to the other; false when it does not arrive as it was.
sub passes {
	my ($from, $to, $bytes) = @_;
	$to->forget;
	$from->send_bytes($bytes);
	$to->wait_received(1) or return 0;
	return ($to->received)[0]{bytes} eq $bytes;
}

# Early media: the caller hears an announcement, both ways, before and after the answer
$call = $alice->invite(1002, sdp => 1);
$in = $bob->incoming;
$right->start($in->remote_sdp);
ok($left->wait_received(5), 'what the callee says before its SDP has come is heard');
$in->respond(183, sdp => 1);
$call->expect(183);
hear_each_other($call, $in, 'early media, both ways');
my $port = $call->remote_sdp->{port};
$in->respond(200, sdp => 1);
$call->answered;
is($call->remote_sdp->{port}, $port, 'the answer goes on with the same port');
hear_each_other($call, $in, 'and the call with the same media');

# Key presses (RFC 4733): one timestamp, marker on the first, three ends
$left->target($call->remote_sdp);
ok(passes($left, $right, pack('CCnNN', 0x80, 101 | ($_ == 0 && 0x80), 900 + $_, 5000, 77)
	. pack('CCn', 5, $_ > 2 ? 0x8a : 0x0a, 160 * ($_ + 1))), "key press, packet $_") for 0 .. 5;

# Hold in all its forms, and resume
for my $hold ({direction => 'sendonly'}, {direction => 'inactive'}, {host => '0.0.0.0'}) {
	my ($form) = %$hold;
	$call->reinvite(sdp => $hold);
	my $seen = $in->remote_sdp->{media}[0];
	is($seen->{$form}, $hold->{$form}, "hold by $form=$hold->{$form} arrives as it was said");
	is($seen->{port} % 2, 0, '  with a port of the relay');
	$call->reinvite(sdp => 1);
	hear_each_other($call, $in, '  and is taken back');
}

# Media that move, whoever moves them
for ([$alice, $call, 'caller'], [$bob, $in, 'callee']) {
	my ($phone, $side, $who) = @$_;
	$phone->{rtp} = rtp(local => '127.0.0.5');
	$side->reinvite(sdp => {host => '127.0.0.5', port => $phone->{rtp}->port});
	hear_each_other($call, $in, "the ${who}'s media move");
}
$call->bye;
$_->{rtp}->close for $alice, $bob;
($alice->{rtp}, $bob->{rtp}) = ($left, $right);

# Audio, video and text at once; one of them refused
my @more = map { [rtp(), rtp()] } 1, 2;
sub lines_of { my ($end, @port) = @_; return [map { "m=$_->[0] $_->[1] RTP/AVP $_->[2]" }
	['video', $port[0] // $more[0][$end]->port, 99], ['text', $port[1] // $more[1][$end]->port, 98]] }
($call, $in) = connected($alice, $bob, offer => {lines => lines_of(0)}, answer => {lines => lines_of(1, undef, 0)});
hear_each_other($call, $in, 'audio of three m-lines');
my ($video, $text) = @{$call->remote_sdp->{media}}[1, 2];
is($text->{port}, 0, 'the refused text is refused');
$_->[0]->target("127.0.0.1:$video->{port}") for $more[0];
ok(passes($more[0][0], $more[0][1], $more[0][0]->packet), 'video passes by a port of its own');
is_deeply([map { $_->{type} } @{media_of($switch)->{streams}}], ['audio', 'video', 'text'], 'each is listed');
$call->reinvite(sdp => {lines => lines_of(0)});
$call->bye;

# T.38: a call that turns into a fax
($call, $in) = connected($alice, $bob);
my $fax = join "\r\n", 'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0',
	'm=image %d udptl t38', 'a=T38FaxVersion:0', 'a=T38MaxBitRate:14400', '';
$bob->{auto_answer} = 0;
$in->{local_sdp} = sprintf $fax, $right->port;
is($call->reinvite(sdp => sprintf $fax, $left->port)->code, 200, 'T.38 is negotiated');
like($in->remote_sdp_text, qr/^m=image \d+ udptl t38\r$/m, 'as it is');
like($in->remote_sdp_text, qr/^a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r$/m, 'with its attributes');
$left->target($call->remote_sdp);
$right->target($in->remote_sdp);
ok(passes($left, $right, pack('nC', $_, 1) . 'T.30'), "UDPTL packet $_") for 0, 1;
ok(passes($right, $left, "\0"), 'a packet of one byte, and back');
$call->bye;

# A bundle (RFC 8843), and RTCP with it
($call, $in) = connected($alice, $bob,
	offer => {lines => ['a=rtcp-mux', 'a=mid:0', 'm=video 6000 RTP/AVP 99', 'a=mid:1']},
	answer => {lines => ['a=rtcp-mux', 'a=mid:0', 'm=video ' . $right->port . ' RTP/AVP 99', 'a=mid:1']});
my @ports = map { $_->{port} } @{$call->remote_sdp->{media}};
is($ports[1], $ports[0], 'what the callee bundles is bundled for the caller');
hear_each_other($call, $in, 'and heard');
$call->bye;

# IPv4 to IPv6, direct or relayed
my $carol = eval { talker($switch, 1003, local => '::1') };
SKIP: {
	skip 'no IPv6 here', 6 unless $carol;
	for (['four to six', $alice, $carol], ['six to four', $carol, $bob]) {
		my ($name, $from, $to) = @$_;
		($call, $in) = connected($from, $to);
		like($in->remote_sdp->{origin}, qr/ IN IP[46] \Q@{[$to == $carol ? '::1' : '127.0.0.1']}\E$/,
			"$name: o= is of the callee's family");
		hear_each_other($call, $in, "$name: both are heard");
		$call->bye;
	}
}
$switch->stop;

$switch = start_switch(users => [1001, 1003], config => {
	switch => {listen => ['udp:127.0.0.1:0', 'udp:[::1]:0']},
	plugins => {registrar => {}, 'media-proxy' => {}}});
SKIP: {
	skip 'no IPv6 here', 3 unless $carol;
	($alice, $carol) = (talker($switch, 1001), talker($switch, 1003, local => '::1'));
	($call, $in) = connected($alice, $carol);
	is(media_of($switch)->{reason}, 'families: IPv4 and IPv6', 'auto relays what could not hear each other');
	hear_each_other($call, $in, 'so they do');
	$call->bye;
	pass('and hang up');
}

finish;
