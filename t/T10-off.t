#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# session_timer: off of an endpoint or a gateway never offers and never accepts timers there, as
# caller and as callee, and has the limit of a leg without timer; refresher says who refreshes.
my $carrier = phone(user => 'carrier', server => '127.0.0.1:1');
my $switch = start_switch(users => [1001, 1002, 1003], config => {
	endpoints => {1003 => {password => 'secret-1003', session_timer => 'off'},
		1002 => {password => 'secret-1002', refresher => 'them'}},
	gateways => {carrier => {address => 'sip:' . $carrier->address, prefix => '00',
		session_timer => 'off'}}});
$carrier->{server} = $switch->address('udp');
my ($alice, $bob, $off) = phones($switch);

sub call {
	my ($from, $to, $phone, %arg) = @_;
	my $out = $from->invite($to, sdp => 1, %arg);
	my $in = $phone->incoming;
	my $answer = $in->answer(sdp => 1) && $out->answered;
	my ($row) = @{$switch->control('calls')};
	my $update = $out->update(headers => ['Session-Expires' => '100;refresher=uac']);
	$out->bye;
	$in->ended;
	return ($in->invite_message, $answer, $update, @{$row->{legs}});
}

sub bare {
	my ($name, $message) = @_;
	is($message->header($_), undef, "$name has no $_") for qw(Session-Expires Min-SE);
	unlike(join(',', $message->headers('Supported')), qr/\btimer\b/, "$name supports no timer");
	unlike(join(',', $message->headers('Require')), qr/\btimer\b/, "$name requires none");
}

for my $case (['an endpoint', '1003', $off], ['a gateway', '00123', $carrier]) {
	my ($name, $number, $phone) = @$case;
	my ($invite, undef, undef, undef, $leg) = call($alice, $number, $phone);
	bare("$name is called: INVITE", $invite);
	ok(!$leg->{timer}{active}, 'no timer runs');
	is($leg->{limit_by}, 'default', 'but the limit of a leg without');
	my (undef, $answer, $update, $own) = call($phone, '1001', $alice,
		headers => ['Session-Expires' => '600;refresher=uac'],
		$phone == $carrier ? (from => '<sip:49301@carrier.test>;tag=c' . int rand 1e6) : ());
	bare("$name calls with a timer: 200", $answer);
	is($update->header('Session-Expires'), undef, 'nor does its UPDATE get one');
	ok(!$own->{timer}{active}, 'and none runs');
}
my $small = $off->invite('1001', sdp => 1, headers => ['Session-Expires' => '10']);
$alice->incoming->answer(sdp => 1);
is($small->answered->code, 200, 'what is not accepted is not refused as too small either');
$small->bye;

my ($invite, undef, undef, undef, $leg) = call($alice, '1002', $bob);
is($invite->header('Session-Expires'), '600;refresher=uas', 'refresher: them: the callee is asked');
is($leg->{timer}{refresher}, 'peer', 'and it refreshes');
my (undef, $answer, undef, $own) = call($bob, '1001', $alice);
is($answer->header('Session-Expires'), '600;refresher=uac', 'as caller, too');
is($own->{timer}{refresher}, 'peer', 'and it does');
(undef, $answer) = call($bob, '1001', $alice, headers => ['Session-Expires' => '600;refresher=uas']);
is($answer->header('Session-Expires'), '600;refresher=uas', 'unless it asks the switch to');
finish;
