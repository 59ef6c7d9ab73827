#!/usr/bin/perl
# Connections: contacts live and die with theirs, calls to the dead fail over at once, and nobody holds
# a connection for nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001 .. 1005], clock_rate => 10, config => {
	switch => {connections => {max => 40, max_per_address => 20, idle_timeout => 60}},
	plugins => {registrar => {}, 'session-timer' => {}, 'media-proxy' => {}}});
my $server = $switch->address('tcp');
my $alice = phone(switch => $switch, user => 1001);
is($alice->register->code, 200, 'a caller');

sub tcp_phone { return phone(switch => $switch, user => shift, transport => 'tcp', @_) }
sub contacts { return $switch->control('endpoints', user => shift) }

# ---- a contact is its connection's
my $bob = tcp_phone(1002);
my $other = tcp_phone(1002);
is($_->register->code, 200, 'a device over TCP') for $bob, $other;
my $call = $alice->invite('1002', sdp => 1);
my $rings = $bob->incoming;
$other->incoming->respond(180);
$rings->respond(180);
$call->expect(180);
my $since = now;
$bob->close;
is($switch->wait_log(tag => 'endpoint', event => 'disconnected')->{user}, '1002',
	'the log says that a contact went with its connection');
is(scalar @{contacts(1002)}, 1, 'that one only');
$other->close;
is($call->failed->code, 503, 'a call that rings at lost connections only has failed');
cmp_ok(now() - $since, '<', 2, 'at once');
is(($switch->cdrs(1))[0]{reason}, 'Unavailable', 'which its record says');

# ---- outbound (RFC 5626): a newer flow replaces an older one
my $instance = '<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>';
sub flow_phone {
	my ($reg_id) = @_;
	my $phone = tcp_phone(1003);
	is($phone->register(contact => '<sip:1003@' . $phone->address . ";transport=tcp;ob>"
		. ";+sip.instance=\"$instance\";reg-id=$reg_id", headers => {Supported => 'outbound, path'})->code,
		200, "flow $reg_id");
	return $phone;
}
my ($old, $new) = map { flow_phone(1) } 1, 2;
is(scalar @{contacts(1003)}, 1, 'a flow with the same reg-id replaces the older');
my $second = flow_phone(2);
$old->close;
$second->request('OPTIONS', 'sip:holdline.test', auth => 0);
is(scalar @{contacts(1003)}, 2, 'the end of the replaced one takes nothing along');
$new->close;
$switch->control_until(sub { @$_ == 1 }, 'endpoints', user => 1003);
is($switch->endpoint(1003)->{received_port}, (split /:/, $second->address)[-1], 'the end of one leaves the other');

# ---- framing: what a peer may do to its own connection, and never to another's
my $dave = tcp_phone(1004);
is($dave->register->code, 200, 'somebody else over TCP');
my $half = tcp_phone(1005);
my $options = $half->make_request('OPTIONS', 'sip:holdline.test')->as_string;
$half->send_raw(substr $options, 0, 40);
is($dave->request('OPTIONS', 'sip:holdline.test', auth => 0)->code, 200,
	'half a message of one keeps no other waiting');
$half->send_raw($_) for split //, substr $options, 40;
is($half->expect(200)->method, 'OPTIONS', 'the rest may come byte by byte');
my @many = map { $dave->make_request('OPTIONS', "sip:$_\@holdline.test") } 1 .. 300;
$dave->send_raw(join "\r\n\r\n", map { $_->as_string } @many);
$dave->expect({code => 200, method => 'OPTIONS'}) for 1 .. 300;
pass('three hundred in one go, with pings between them, are all answered');
my $large = $dave->make_request('MESSAGE', 'sip:1001@holdline.test', body => 'y' x 64000);
$dave->start_request($large);
ok($dave->expect(sub { ($_[0]->code || 0) >= 400 && $_[0]->method eq 'MESSAGE' }), 'a body of 64,000 bytes is answered');
for my $lie (['a length that is none', "Content-Length: many\r\n\r\n"],
	['a negative one', "Content-Length: -5\r\n\r\n"],
	['one beyond all measure', "Content-Length: 4000000000\r\n\r\n"],
	['two that differ', "Content-Length: 0\r\nContent-Length: 5\r\n\r\n"],
	['no SIP at all', "x\r\n\r\nGET / HTTP/1.0\r\n\r\n"],
	['headers without end', 'X-Long: ' . 'z' x 70000]) {
	my ($name, $end) = @$lie;
	my $liar = tcp_phone(1005);
	(my $bytes = $options) =~ s/Content-Length:.*//s;
	$liar->send_raw($bytes . $end);
	ok(wait_for { $liar->link->closed }, "$name: the connection is closed");
}
my $short = tcp_phone(1005);
(my $lie = $options) =~ s/Content-Length:.*\z/Content-Length: 3\r\n\r\nabcOPTIONS garbage\r\n\r\n/s;
$short->send_raw($lie);
is($short->expect(200)->method, 'OPTIONS', 'a body is cut where Content-Length says');
is($dave->request('OPTIONS', 'sip:holdline.test', auth => 0)->code, 200, 'all that is nothing to others');

# ---- for how long
my $lazy = tcp_phone(1005);
my $slow = tcp_phone(1005);
$slow->send_raw('OPTIONS sip:x SIP/2.0');
ok(wait_for { $slow->link->closed }, 'a message that is not finished ends its connection');
cmp_ok($lazy->link->closed, '==', 0, 'sooner than nothing at all');
ok((wait_for { $lazy->link->closed } 12), 'an idle connection is closed');
is($dave->link->closed, 0, 'unless somebody is registered over it');
is($switch->endpoint(1004)->{user}, 1004, 'who still is');

# ---- how many
my @crowd = map { tcp_phone(1005) } 1 .. 30;
wait_for {; grep({ $_->link->closed } @crowd) >= 10 };
my $left = grep { !$_->link->closed } @crowd;
cmp_ok($left, '<=', 20, "one address has no more than it may ($left of 30 stay)");
my @guests = map { my $host = "127.0.1.$_"; map { tcp_phone(1005, local => '127.0.0.1', bind => $host) } 1 .. 15 } 1, 2;
wait_for {; grep({ $_->link->closed } @guests) >= 10 };
$left = grep { !$_->link->closed } @guests;
cmp_ok($left, '<=', 20, "nor are there more in all ($left of 30 stay)");
is($dave->request('OPTIONS', 'sip:holdline.test', auth => 0)->code, 200, 'who was there is served');
$_->close for @crowd, @guests, $half, $short;

# ---- a thousand, and none is left
$switch->control_until(sub { 1 }, 'status');
sub descriptors { my @fd = glob "/proc/@{[$switch->pid]}/fd/*"; return scalar @fd }
wait_for { $switch->log_events(event => 'disconnected') > 3 };
my $config = $switch->{config};
ok($switch->reload({%$config, switch => {%{$config->{switch}},
	connections => {max => 2000, max_per_address => 2000}}})->{ok}, 'room for a thousand');
my $before = 0;
wait_for { my $count = descriptors(); my $same = $count == $before; $before = $count; quiet(0.1); $same };
my @thousand = map { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $switch->port('tcp'),
	Type => Socket::SOCK_STREAM()) } 1 .. 1000;
ok(wait_for { descriptors() >= $before + 1000 }, 'a thousand connections');
is($dave->request('OPTIONS', 'sip:holdline.test', auth => 0)->code, 200, 'one among them is served');
@thousand = ();
ok(wait_for { descriptors() <= $before }, 'and afterwards as many descriptors as at first');
finish;
