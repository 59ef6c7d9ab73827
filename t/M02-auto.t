#!/usr/bin/perl
# M2: mode auto, its six steps in their order; the first that applies decides.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my %endpoints = (
	plain => {}, other => {},
	on => {media_proxy => 'on'}, must => {media_proxy => 'must_on'}, off => {media_proxy => 'off'},
	office => {network => 'office'}, carrier => {network => 'carrier'},
	natted => {nat => 'yes'}, away => {nat => 'yes', network => 'office'},
	'natted-off' => {nat => 'yes', media_proxy => 'off'},
);
$_->{password} = 'secret' for values %endpoints;

sub auto_switch {
	my (%settings) = @_;
	return start_switch(config => {
		switch => {networks => {office => ['10.0.0.0/8'], carrier => ['172.16.0.0/12']}},
		plugins => {registrar => {}, 'media-proxy' => {mode => 'auto', %settings}},
		endpoints => \%endpoints});
}

my $secure = {proto => 'RTP/SAVP', lines => ['a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:'
	. 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj']};

sub check_calls {
	my ($switch, @calls) = @_;
	my %phone;
	for (@calls) {
		my ($from, $to, $relayed, $reason, $offer) = @$_;
		my ($alice, $bob) = map { $phone{$_} ||= talker($switch, $_) } $from, $to;
		my ($call, $in) = connected($alice, $bob, $offer ? (offer => $offer) : ());
		my $media = media_of($switch);
		is($media->{reason}, $reason, "$from calls $to: $reason");
		is(!!$media->{relayed}, !!$relayed, $relayed ? '  relayed' : '  direct');
		is(!!via_switch($in, $call), !!$relayed, '  and so it is');
		$call->bye;
		$switch->control_until(sub { !@{$_[0]} }, 'calls');
	}
	return;
}

my $switch = auto_switch();
check_calls($switch,
	['on', 'off', 1, 'auto:1 caller requires it'],
	['off', 'on', 1, 'auto:1 callee requires it'],
	['plain', 'must', 1, 'auto:1 callee requires it'],
	['off', 'plain', 0, 'auto:2 caller disables it'],
	['plain', 'natted-off', 0, 'auto:2 callee disables it'],
	['plain', 'off', 0, 'auto:2 callee disables it', $secure],
	['plain', 'other', 1, 'auto:3 encrypted media', $secure],
	['office', 'carrier', 1, 'auto:4 different networks'],
	['plain', 'office', 1, 'auto:4 different networks'],
	['natted', 'office', 1, 'auto:4 different networks'],
	['natted', 'plain', 1, 'auto:5 caller behind NAT'],
	['plain', 'natted', 1, 'auto:5 callee behind NAT'],
	['office', 'away', 1, 'auto:5 callee behind NAT'],
	['plain', 'other', 0, 'auto:6 direct'],
);
$switch->stop;

$switch = auto_switch(between_net => \'off', behind_nat => \'off');
check_calls($switch,
	['office', 'carrier', 0, 'auto:6 direct'],
	['natted', 'plain', 0, 'auto:6 direct'],
);
$switch->stop;

finish;
