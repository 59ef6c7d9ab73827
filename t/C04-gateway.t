#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Numbers go to gateways by prefix, the next one on failure; gateways are not challenged.
my ($first, $second) = map { phone(user => "carrier$_", server => '127.0.0.1:1', auto_answer => 0) } 1, 2;
sub gateway {
	my ($phone, $prefix, %more) = @_;
	return {address => 'sip:' . $phone->address, prefix => $prefix, %more};
}
my $switch = start_switch(users => [1001], config => {gateways => {
	'carrier-a' => gateway($first, '00'), 'carrier-b' => gateway($second, '0')}});
$_->{server} = $switch->address('udp') for $first, $second;
my $alice = phone(switch => $switch, user => 1001);
$alice->register;

my $out = $alice->invite('004930123', sdp => 1);
my $in = $first->incoming;
is($in->invite_message->uri, 'sip:004930123@' . $first->address, 'the longest prefix wins; the number is kept');
like($in->invite_message->header('From'), qr/<sip:1001\@127\.0\.0\.1>/, 'From shows our address');
$in->answer(sdp => 1);
$out->answered;
$out->bye;
ok($in->ended, 'ended');
my ($cdr) = $switch->cdrs(1);
is($cdr->{gateway}, 'carrier-a', 'the record names the gateway');

$out = $alice->invite('00777', sdp => 1);
$first->incoming->reject(503);
$in = $second->incoming;
$in->answer(sdp => 1);
$out->answered;
is(($switch->control('calls'))->[0]{legs}[1]{gateway}, 'carrier-b', '503: the next gateway has it');
$in->bye;
ok($out->ended, 'the gateway hangs up');
is(($switch->cdrs(2))[1]{gateway}, 'carrier-b', 'so says the record');

$out = $alice->invite('00778', sdp => 1);
$first->incoming->reject(486);
is($out->failed->code, 486, 'busy is the callee\'s word: no other gateway is tried');
is($alice->invite('9', sdp => 1)->failed->code, 404, 'no prefix fits: 404');

my $from = $first->invite('1001', sdp => 1);
my $ring = $alice->incoming;
$ring->answer(sdp => 1);
$from->answered;
$from->bye;
ok($ring->ended, 'a call from a gateway needs no password');
$cdr = ($switch->cdrs(5))[4];
is($cdr->{gateway}, 'carrier-a', 'its record names the gateway it came from');
finish;
