#!/usr/bin/perl
# G7: the switch registers at gateways that ask for it, keeps the binding and gives it back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $carrier = carrier(user => 'trunk', password => 'se"cret', algorithms => ['SHA-256', 'MD5']);
my $proxy = carrier(user => 'two', password => 'pw', code => 407, qop => 0, min_expires => 90);
my %gateways = (
	carrier => {address => 'sip:' . $carrier->address, prefix => '00',
		register => {user => 'trunk', password => 'se"cret'}},
	proxy => {address => 'sip:' . $proxy->address, prefix => '11',
		register => {user => 'two', password => 'pw', expire => 60, send_unregister => 'off'}},
);
my $switch = start_switch(users => [1001], clock_rate => 20, config => {gateways => {%gateways}});
my $own = $switch->address('udp');

sub registration {
	my ($name, $condition) = @_;
	my $find = sub { (grep { $_->{name} eq $name } @{$_[0]})[0]{registration} };
	return $find->($switch->control_until(sub { local $_ = $find->($_[0]); $condition->() }, 'gateways'));
}

# The first registration: challenged, answered with the first algorithm offered.
my $first = $carrier->next_register;
is($first->uri, 'sip:' . $carrier->address, 'the Request-URI is the registrar\'s');
is($first->header('To'), '<sip:trunk@127.0.0.1>', 'To is the address of record, without a port');
like($first->header('From'), qr/^<sip:trunk\@127\.0\.0\.1>;tag=\w+$/, 'and From, with a tag');
is($first->header('Contact'), "<sip:trunk\@$own>", 'Contact is the user at the switch');
is($first->header('Expires'), 3600, 'expire: auto asks for an hour');
ok(!defined $first->header('Authorization'), 'no credentials unasked');
my $second = $carrier->next_register;
is($second->{wrong}, '', 'the challenge is answered: response, nonce-count, uri, opaque');
like($second->header('Authorization'), qr/algorithm=SHA-256, .*qop=auth, nc=00000001/,
	'with the topmost algorithm (RFC 8760)');
is($second->call_id, $first->call_id, 'in the same Call-ID');
is($second->cseq, $first->cseq + 1, 'with the next CSeq');
my $state = registration('carrier', sub { $_->{state} eq 'registered' });
is($state->{user}, 'trunk', 'the control socket shows the user');
near($state->{expires_in}, 3590, 20, 'and how long the binding is good');
is($state->{last_code}, 200, 'and the last answer');
ok(!$state->{nat}, 'nothing is between us');

# 407, no qop, 423.
is($proxy->next_register->header('Expires'), 60, 'its own expiry is asked for');
my $again = $proxy->next_register;
is($again->{wrong}, '', '407 is answered in Proxy-Authorization, without qop as in RFC 2069');
is($proxy->next_register->header('Expires'), 90, '423: no less than Min-Expires is asked for');
registration('proxy', sub { $_->{state} eq 'registered' });

# A refresh comes before the end, with the credentials of before and the next nonce-count.
$carrier->forget;
my $refresh = $proxy->next_register(10);
ok(defined $proxy->{binding}, 'the short binding is refreshed before it ends');
is($refresh->{wrong}, '', 'unasked, with the nonce of before');

# A call from the registered gateway to the contact, and one out with credentials on 407.
my $alice = phone(switch => $switch, user => 1001);
$alice->register;
$carrier->{server} = $own;
my $in = $carrier->invite('1001', sdp => 1);
$alice->incoming->answer(sdp => 1);
$in->answered;
$in->bye;
my $to_contact = $carrier->transact($carrier->make_request('INVITE', "sip:trunk\@$own", sdp => 1));
is($to_contact->code, 404, 'an INVITE to the contact is routed: nobody is called trunk');

my $out = $alice->invite('11555', sdp => 1);
my $leg = $proxy->incoming;
my $bare = $leg->invite_message;
ok(!defined $bare->header('Proxy-Authorization'), 'an INVITE goes out without credentials first');
$proxy->{nonce} = 'n0'; $proxy->{count} = 0; $proxy->{qop} = 1;
$leg->reject(407, headers => {'Proxy-Authenticate' =>
	'Digest realm="carrier.test", nonce="n0", opaque="o/\"p", qop="auth"'});
my $paid = $proxy->incoming;
my $invite = $paid->invite_message;
is($proxy->wrong($invite), '', '407 to INVITE is answered with the password');
is($invite->call_id, $bare->call_id, 'in the same Call-ID');
is($invite->cseq, $bare->cseq + 1, 'with the next CSeq');
is($invite->body, $bare->body, 'and the same offer');
$paid->answer(sdp => 1);
$out->answered;
my $bye = $proxy->expect('BYE') if $out->bye;
like($bye->header('Proxy-Authorization'), qr/nc=0000000[2-9]/, 'the BYE carries them unasked');

$out = $alice->invite('11556', sdp => 1);
for my $nonce (qw(a b)) {
	$proxy->incoming->reject(407, headers => {'Proxy-Authenticate' =>
		qq(Digest realm="carrier.test", nonce="$nonce", qop="auth")});
}
is($out->failed->code, 403, 'a second 407 means: not with this password; the caller gets 403');

# Over TCP: a connection that goes takes the binding with it, so it is made anew at once.
my $stream = carrier(user => 's', password => 'pw', transport => 'tcp', listen => 1);
$switch->{config}{gateways}{stream} = {address => 'sip:' . $stream->address . ';transport=tcp',
	prefix => '22', register => {user => 's', password => 'pw'}};
ok($switch->reload($switch->{config})->{ok}, 'a gateway is added');
is($stream->next_register->header('Contact'), '<sip:s@' . $switch->address('tcp') . ';transport=tcp>',
	'over TCP: Contact is the TCP listener');
my $tcp = registration('stream', sub { $_->{state} eq 'registered' });
ok(!$tcp->{nat}, 'the port a connection leaves from is no NAT');
registration('stream', sub { $_->{expires_in} < 3560 });
$stream->forget;
for my $connection (values %{$stream->link->{stream}}) {
	Holdline::Test::Loop->remove($connection);
	close $connection;
}
$stream->link->{stream} = {};
ok(wait_for { $stream->registers >= 1 }, 'a lost connection: registered anew at once');
registration('stream', sub { $_->{state} eq 'registered' });
delete $switch->{config}{gateways}{stream};
$switch->reload($switch->{config});
ok(wait_for { !defined $stream->{binding} }, 'and unregistered over it');

# Taken out of the file: unregistered. Stopped: the other, unless told not to.
$carrier->forget;
delete $switch->{config}{gateways}{carrier};
ok($switch->reload($switch->{config})->{ok}, 'the gateway is taken out of the file');
my $bye_bye = $carrier->next_register(10);
$bye_bye = $carrier->next_register(10) while $bye_bye->header('Expires') ne '0';
is($bye_bye->header('Expires'), 0, 'and the binding out of its registrar');
wait_for { !defined $carrier->{binding} };
ok(!defined $carrier->{binding}, 'for good');
is(scalar @{$switch->control('gateways')}, 1, 'one gateway is left');
$switch->{config}{gateways}{carrier} = $gateways{carrier};
$switch->reload($switch->{config});
registration('carrier', sub { $_->{state} eq 'registered' });
$proxy->forget;
$switch->stop;
wait_for { !defined $carrier->{binding} };
ok(!defined $carrier->{binding}, 'a switch that stops unregisters');
ok(!(grep { $_->header('Expires') eq '0' } $proxy->registers), 'unless send_unregister is off');
finish;
