#!/usr/bin/perl
# M5: a third party that sends 200 packets a second before and after the phones are heard; RTCP from
# somebody else; a phone whose address changes in the call.
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
my ($home, $office) = ($alice->{rtp}, $bob->{rtp});
my @third = map { rtp(local => '127.0.0.9', interval => 0.005) } 1, 2;

my ($call, $in) = connected($alice, $bob);
my @to = map { $_->remote_sdp->{port} } $call, $in;

# Before: nobody has said a word yet
$third[$_]->start("127.0.0.1:$to[$_]") for 0, 1;
wait_for { $third[0]->sent >= 100 } 5;
is(scalar $_->received, 0, 'before a word is said, a third party is heard by nobody') for $home, $office;
ok(heard_both_ways($call, $in, 50), 'while it goes on, the two talk');
is($office->altered($home), 0, 'the callee hears the caller only');
is($home->altered($office), 0, 'the caller the callee only');
$office->wait_received($home->sent);
is(scalar $office->received, $home->sent, 'and every packet');
$_->stop for @third;
is(scalar $_->received, 0, 'the third party hears nothing') for @third;

# What it sent is counted, every packet
my $sent = $third[0]->sent;
$switch->control_until(sub { $_[0][0]{media}{streams}[0]{caller}{rejected} == $sent }, 'calls');
is(media_of($switch)->{streams}[0]{callee}{rejected}, $third[1]->sent, 'all it sent is counted');
is($switch->control('media')->{rejected}, $sent + $third[1]->sent, 'in the sum as well');
is(scalar $switch->log_events(event => 'media-rejected'), 2, 'and logged once for each leg');

# RTCP of somebody else
$third[0]->send_report($third[1]);
$home->send_report($office);
ok($office->wait_report, 'RTCP of the phone passes');
is(scalar $office->reports, 1, 'that of a third party does not');

# Another network: the phone's address changes, and it says so
my $moved = nat(outside => '127.0.0.3');
my $abroad = rtp(nat => $moved, host => '10.0.0.5');
$office->forget;
$abroad->target($call->remote_sdp)->send_one for 1 .. 5;
$alice->{rtp} = $abroad;
$call->reinvite(sdp => {host => '127.0.0.3'});
hear_each_other($call, $in, 'an offer from another address is believed');
is($office->altered($abroad), 0, 'and nothing was of what came before it');
$office->forget;
$home->send_one for 1 .. 5;
$abroad->send_one;
$office->wait_received(1);
is($office->altered($abroad), 0, 'the old address is a stranger now');
$call->bye;
$switch->stop;

# A carrier whose media come from its signalling's neighbours, or from anywhere
for my $case (['learn_prefix', 8, '127.0.0.77', 1], ['learn_from', 'any', '127.0.0.77', 3]) {
	my ($key, $value, $host, $first) = @$case;
	$switch = start_switch(users => [1001, 1002], config => {
		plugins => {registrar => {}, 'media-proxy' => {mode => 'on', $key => $value}}});
	my ($carol, $dave) = map { talker($switch, $_) } 1001, 1002;
	$dave->{rtp} = rtp(local => $host);
	($call, $in) = connected($carol, $dave, answer => {host => '192.168.7.7'});
	hear_each_other($call, $in, "$key: $value lets another host teach");
	my $wanted = $dave->{rtp}->sent - $first + 1;
	$carol->{rtp}->wait_received($wanted);
	is(scalar $carol->{rtp}->received, $wanted, "  by packet $first");
	$call->bye;
	$switch->stop;
}

finish;
