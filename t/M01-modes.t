#!/usr/bin/perl
# M1: mode on, off, auto, must_on, and what takes a call out of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

# The policy takes calls to 1003 out of the relay, and those to 1004 in.
my $policy = <<'LUA';
local policy = {}
function policy.media(call)
	if call.callee.user == "1003" then return "off", "quiet room" end
	if call.callee.user == "1004" then return "on", "studio" end
end
return policy
LUA

sub switch_in_mode {
	my ($mode) = @_;
	return start_switch(users => [1001 .. 1004], lua => $policy, config => {
		plugins => {registrar => {}, 'media-proxy' => {mode => $mode}},
		endpoints => {
			1005 => {password => 'secret', media_proxy => 'off'},
			1006 => {password => 'secret', media_proxy => 'must_on'},
			1007 => {password => 'secret', media_proxy => 'on'},
		}});
}

# Calls that user from 1001; checks where its media go and what is said of it.
sub check_call {
	my ($switch, $alice, $user, $relayed, $reason, $name) = @_;
	my $bob = talker($switch, $user);
	my ($call, $in) = connected($alice, $bob);
	my $media = media_of($switch);
	is($media->{reason}, $reason, "$name: $reason");
	is(!!$media->{relayed}, !!$relayed, $relayed ? '  relayed' : '  direct');
	is(!!via_switch($call, $in), !!$relayed, '  as the SDP of the caller');
	is(!!via_switch($in, $call), !!$relayed, '  and of the callee says');
	is($in->remote_sdp_text, $call->{local_sdp}, '  the SDP passes untouched') if !$relayed;
	hear_each_other($call, $in, '  both are heard');
	$call->bye;
	$switch->control_until(sub { !@{$_[0]} }, 'calls');
	$_->close for $bob, $bob->{rtp};
}

my %calls = (
	on => [
		[1002, 1, 'mode:on', 'on relays every call'],
		[1005, 1, 'mode:on', 'even of an endpoint that is off'],
		[1003, 0, 'policy: quiet room', 'only a policy takes one out'],
	],
	off => [
		[1002, 0, 'mode:off', 'off relays none'],
		[1007, 0, 'mode:off', 'not even of an endpoint that is on'],
		[1006, 1, 'must_on: callee', 'but of one that must'],
		[1004, 1, 'policy: studio', 'or where a policy says so'],
	],
	must_on => [
		[1002, 1, 'mode:must_on', 'must_on relays all'],
		[1005, 1, 'mode:must_on', 'whatever an endpoint says'],
		[1003, 1, 'mode:must_on', 'whatever a policy says'],
	],
	auto => [
		[1002, 0, 'auto:6 direct', 'auto leaves alone what needs no relay'],
		[1006, 1, 'auto:1 callee requires it', 'and relays what does'],
	],
);

for my $mode (qw(on off must_on auto)) {
	my $switch = switch_in_mode($mode);
	my $alice = talker($switch, 1001);
	check_call($switch, $alice, @$_) for @{$calls{$mode}};
	$switch->stop;
}

my ($exit, $text) = switch_object(args => ['--check'], config => {
	plugins => {registrar => {}, 'media-proxy' => {mode => 'sometimes'}}})->run;
is($exit, 2, 'another mode is refused');
like($text, qr/plugins\.media-proxy\.mode: .*sometimes/, 'by its name');

finish;
