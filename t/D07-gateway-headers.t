#!/usr/bin/perl
# D7: what a gateway is shown of the caller, and where the called number of its own calls is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $gw = carrier(user => 'gw');
my $from = phone(user => '4930', server => '127.0.0.1:1', local => '127.0.0.2', auto_answer => 0);
my %settings = (
	10 => {},
	11 => {privacy => 'id', identity => 'pai'},
	12 => {privacy => 'none', identity => 'ppi', display => 'off'},
	13 => {identity => 'rpid', display => 'number'},
	14 => {privacy => 'id', identity => 'rpid'},
	15 => {identity => 'pass'},
	16 => {register => {user => 'trunk', password => 'pw'}, invite_use_contact => 'on'},
);
my %gateways = map { ("gw$_" => {address => 'sip:' . $gw->address, prefix => $_, %{$settings{$_}}}) }
	keys %settings;
$gateways{from} = {address => 'sip:' . $from->address, callee_from => 'to', prefix => 'x'};
$gateways{plain} = {address => 'sip:127.0.0.3:5060', match => ['127.0.0.3'], prefix => 'y'};
my $switch = start_switch(users => [1001], config => {gateways => \%gateways});
my $own = $switch->address('udp');
$_->{server} = $own for $gw, $from;
my $alice = phone(switch => $switch, user => 1001);
$alice->register;

# The INVITE that a gateway gets for a call of alice, or of the other gateway.
sub invite {
	my ($number, $phone, %headers) = @_;
	$phone ||= $alice;
	my $tag = 'a' . $number;
	my $user = $phone->user;
	my $out = $phone->invite($number, sdp => 1, headers => {%headers,
		From => qq("Alice A." <sip:$user\@holdline.test>;tag=$tag)});
	my $in = $gw->incoming;
	$in->reject(486);
	$out->failed;
	return $in->invite_message;
}

my $invite = invite('10', undef, Privacy => 'header');
like($invite->header('From'), qr/^"Alice A\." <sip:1001\@127\.0\.0\.1>;tag=/, 'From has name and number');
is($invite->header('Contact'), "<sip:1001\@$own>", 'Contact the number');
is($invite->header('Privacy'), 'header', 'privacy: ignore leaves the header to the caller');
is($invite->header('P-Asserted-Identity'), undef, 'identity: none asserts nobody');

$invite = invite('11');
like($invite->header('From'), qr/^"Anonymous" <sip:anonymous\@anonymous\.invalid>;tag=/,
	'privacy: id hides the caller in From (RFC 3323)');
is($invite->header('Contact'), "<sip:anonymous\@$own>", 'and in Contact');
is($invite->header('Privacy'), 'id', 'and asks for it to stay so');
is($invite->header('P-Asserted-Identity'), '"Alice A." <sip:1001@127.0.0.1>',
	'identity: pai tells the gateway who it is (RFC 3325)');

$invite = invite('12', undef, Privacy => 'id');
like($invite->header('From'), qr/^<sip:1001\@127\.0\.0\.1>;tag=/, 'display: off leaves the name out');
is_deeply([$invite->headers('Privacy')], ['none'], 'privacy: none takes the place of the caller\'s');
is($invite->header('P-Preferred-Identity'), '<sip:1001@127.0.0.1>', 'identity: ppi');

$invite = invite('13');
like($invite->header('From'), qr/^"1001" <sip:1001\@127\.0\.0\.1>;tag=/, 'display: number');
is($invite->header('Remote-Party-ID'),
	'"1001" <sip:1001@127.0.0.1>;party=calling;screen=yes;privacy=off', 'identity: rpid');
is(invite('14')->header('Remote-Party-ID'),
	'"Alice A." <sip:1001@127.0.0.1>;party=calling;screen=yes;privacy=full', 'with privacy: id');

my $pai = '"Bob" <sip:+4930@carrier.test>';
$invite = invite('15', undef, 'P-Asserted-Identity' => $pai);
is($invite->header('P-Asserted-Identity'), undef, 'pass: an endpoint asserts nothing');
my $trunk = phone(user => '4930', server => $own, local => '127.0.0.3');
$invite = invite('15', $trunk, 'P-Asserted-Identity' => $pai, 'Remote-Party-ID' => '<sip:1@x>');
is($invite->header('P-Asserted-Identity'), $pai, 'pass: what another gateway asserts');
is($invite->header('Remote-Party-ID'), '<sip:1@x>', 'in whatever header');

$invite = invite('16');
is($invite->header('Contact'), "<sip:trunk\@$own>",
	'invite_use_contact: the Contact that is registered there');

# callee_from: to
my $call = $from->invite('trunk', sdp => 1, to => '<sip:1001@holdline.test>');
my $in = $alice->incoming;
is($in->invite_message->header('To'), '<sip:1001@holdline.test>', 'callee_from: to; To is called');
$in->reject(486);
$call->failed;
is(($switch->cdrs(9))[-1]{callee}, '1001', 'so says the record');
$call = $trunk->invite('1001', sdp => 1, to => '<sip:trunk@holdline.test>');
ok($alice->incoming->reject(486), 'request-uri: the Request-URI is');
$call->failed;

# The same for all gateways by the VOS3000 names, where a gateway has no word of its own.
$switch->{config}{vos3000} = {SS_SIP_USER_AGENT_PRIVACY => 'id', SS_SIP_E164_DISPLAY_FROM => 'number',
	SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT => 'on', SS_SIP_OPTIONS_CHECK_PERIOD => 40,
	SS_SIP_USER_AGENT_EXPIRE => 600, SS_SIP_USER_AGENT_RETRY_DELAY => 90,
	SS_SIP_USER_AGENT_SEND_UNREGISTER => 'off'};
$gw->{registers} = [];
ok($switch->reload($switch->{config})->{ok}, 'the VOS3000 names of all this are known');
$invite = invite('10');
is($invite->header('Privacy'), 'id', 'SS_SIP_USER_AGENT_PRIVACY is the default of every gateway');
$invite = invite('12');
is($invite->header('Privacy'), 'none', 'but not of one that has its own');
is($invite->header('P-Preferred-Identity'), '<sip:1001@127.0.0.1>', 'nor does display change there');
ok($gw->expect('OPTIONS'), 'SS_SIP_OPTIONS_CHECK_PERIOD: it is supervised');
wait_for { grep { $_->header('Expires') eq '600' } $gw->registers };
ok((grep { $_->header('Expires') eq '600' } $gw->registers), 'SS_SIP_USER_AGENT_EXPIRE: asked for');
finish;
