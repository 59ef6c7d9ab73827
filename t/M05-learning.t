#!/usr/bin/perl
# M5: symmetric RTP. The relay learns where a phone behind NAT is, and keeps strangers out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $switch = start_switch(users => [1001, 1002], config => {
	plugins => {registrar => {}, 'media-proxy' => {}}});
my $nat = nat();
my $alice = talker($switch, 1001, nat => $nat);
my $bob = talker($switch, 1002);
my $stranger = rtp(local => '127.0.0.9');

my ($call, $in) = connected($alice, $bob);
my ($to_caller, $to_callee) = map { $_->remote_sdp->{port} } $call, $in;
my ($home, $office) = ($alice->{rtp}, $bob->{rtp});

# A private address in the SDP costs nothing
like($call->{local_sdp}, qr/c=IN IP4 192\.168\.1\.10/, 'the phone knows its private address only');
hear_each_other($call, $in, 'it is heard, and hears');
is(join(' ', $home->sources), "127.0.0.1:$to_caller", 'through its own NAT, from the port it sends to');

# RTP bleed
$_->forget for $home, $office;
$stranger->target("127.0.0.1:$to_caller")->send_one for 1 .. 5;
$stranger->target("127.0.0.1:$to_callee")->send_one for 1 .. 5;
ok(heard_both_ways($call, $in, 5), 'while strangers knock, the two talk');
is($office->altered($home), 0, 'the callee hears the caller only');
is($home->altered($office), 0, 'and the caller the callee');
is(scalar $stranger->received, 0, 'the stranger hears nothing');
my ($stream) = @{media_of($switch)->{streams}};
is($stream->{$_}{rejected}, 5, "packets in the place of the $_ are counted") for qw(caller callee);
is(scalar $switch->log_events(event => 'media-rejected', leg => 'caller'), 1, 'and logged, once');

# A re-INVITE moves the media
my $elsewhere = rtp(local => '127.0.0.3');
$bob->{rtp} = $elsewhere;
$in->reinvite(sdp => 1);
$home->forget->start;
ok($elsewhere->wait_received(5), 'an offer from another place is believed');
$home->stop;
hear_each_other($call, $in, 'and learned anew');
$home->forget;
$office->send_one for 1 .. 3;
$elsewhere->send_one;
ok($home->wait_received(1), 'it is heard');
is($home->altered($elsewhere), 0, 'and the old place is not any more');

# The NAT forgets: the same host comes from another port
$nat->rebind;
quiet(1.1);
hear_each_other($call, $in, 'after a NAT rebinding the call goes on');
ok($switch->log_events(event => 'media-moved', leg => 'caller'), 'which is logged');
$call->bye;

# Both behind NAT
my $other_nat = nat(outside => '127.0.0.4');
my $carol = talker($switch, 1002, nat => $other_nat, host => '10.1.1.1');
$bob->unregister;
($call, $in) = connected($alice, $carol);
hear_each_other($call, $in, 'two phones behind two NATs hear each other');
is($other_nat->blocked + 0, 0, 'and nothing knocks in vain');
$call->bye;

finish;
