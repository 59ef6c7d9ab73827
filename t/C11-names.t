#!/usr/bin/perl
# Gateways by name (RFC 3263): A, AAAA and SRV records, their TTL, the hosts file, and DNS that fails.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my @gw = map { carrier(user => "gw$_", local => $_ < 4 ? "127.0.0.$_" : '127.0.0.1') } 1 .. 5;
my @port = map { $_->address =~ /:(\d+)$/ } @gw;
my $dns = dns(
	'a.test' => {A => ['127.0.0.1'], ttl => 30},
	'_sip._udp.srv.test' => {SRV => [[10, 0, $port[1], 'two.test'], [20, 0, $port[2], 'three.test']],
		ttl => 3600},
	'two.test' => {A => ['127.0.0.2'], ttl => 3600}, 'three.test' => {A => ['127.0.0.3'], ttl => 3600},
);
my $hosts = do { local (@ARGV, $/) = '/etc/hosts'; <> };
my ($local_name) = $hosts =~ /^\s*127\.0\.0\.1\s+.*?(\S+)/m;
my $switch = start_switch(users => [1001], clock_rate => 20, config => {
	switch => {nameservers => [$dns->address]},
	gateways => {
		a => {address => "sip:a.test:$port[0]", prefix => '1'},
		srv => {address => 'sip:srv.test', prefix => '2'},
		none => {address => 'sip:none.test:5060', prefix => '33'},
		fallback => {address => 'sip:' . $gw[3]->address, prefix => '3'},
		hosts => {address => 'sip:' . ($local_name || 'localhost') . ":$port[4]", prefix => '4'},
	}});
$_->{server} = $switch->address('udp') for @gw;
my $alice = phone(switch => $switch, user => 1001);
$alice->register;

is_deeply($switch->gateway('a', sub { @{$_->{servers}} })->{servers}, ["127.0.0.1:$port[0]"],
	'a name with a port: its address, that port');
is($dns->queries('SRV', '_sip._udp.a.test'), 0, 'SRV is not asked when there is a port');
my $out = $alice->invite('123', sdp => 1);
my $in = $gw[0]->incoming;
is($in->invite_message->uri, "sip:123\@a.test:$port[0]", 'the Request-URI keeps the name');
is($in->invite_message->header('To'), '<sip:123@a.test>', 'so does To');
$in->reject(486);
is($out->failed->code, 486, 'the call is the gateway\'s');

my $srv = $switch->gateway('srv', sub { @{$_->{servers}} == 2 });
is_deeply([sort @{$srv->{servers}}], ["127.0.0.2:$port[1]", "127.0.0.3:$port[2]"],
	'SRV: host and port of each record');
$out = $alice->invite('200', sdp => 1);
$gw[1]->incoming->reject(503);
$in = $gw[2]->incoming;
ok(1, 'the lower priority first; 503: the gateway\'s next server (RFC 3263)');
is($in->invite_message->uri, 'sip:200@srv.test', 'with the same Request-URI');
$in->reject(486);
is($out->failed->code, 486, 'and its word is final');
$out = $alice->invite('201', sdp => 1);
$gw[1]->incoming->reject(486);
is($out->failed->code, 486, 'busy is not asked of the other server');
my $call = $gw[2]->invite('1001', sdp => 1);
my $ring = $alice->incoming;
is($switch->control('calls')->[0]{legs}[0]{gateway}, 'srv', 'a call from a server is the gateway\'s');
$ring->reject(486);
$call->failed;

# A name that is not there: said in words, and the call goes on at once.
my $none = $switch->gateway('none', sub { defined $_->{fault} });
is($none->{fault}, 'its name is not in DNS', 'an unknown name is told');
my $before = now;
$out = $alice->invite('331', sdp => 1);
$in = $gw[3]->incoming;
ok(now() - $before < 0.5, 'its calls go to the next gateway at once');
$in->reject(486);
$out->failed;

is_deeply($switch->gateway('hosts', sub { @{$_->{servers}} })->{servers}, ["127.0.0.1:$port[4]"],
	'names of the hosts file need no DNS');
is($dns->queries('A', lc($local_name || 'localhost')), 0, 'and are not asked for');

# The answer was good for 30 s of the switch's clock, 1.5 of ours.
my $asked = $dns->queries('A', 'a.test');
$dns->set('a.test' => {A => ['127.0.0.2'], ttl => 30});
is_deeply($switch->gateway('a', sub { $_->{servers}[0] =~ /^127\.0\.0\.2/ })->{servers}, ["127.0.0.2:$port[0]"],
	'when the TTL is over the new address holds');
ok($dns->queries('A', 'a.test') > $asked, 'it was asked for again');
is($dns->queries('A', 'two.test'), 1, 'what is good for an hour was asked for once');

# DNS fails: what was known is used on; what never was known is a clear failure.
$dns->mode('fail');
$switch->wait_log(event => 'unresolved', gateway => 'a', timeout => 10);
is(scalar @{$switch->gateway('a', sub { 1 })->{servers}}, 1, 'no answer from DNS: the address of before holds');
$dns->mode('answer');
$dns->set('none.test' => {A => ['127.0.0.1'], ttl => 30});
$switch->gateway('none', sub { @{$_->{servers}} });
ok(!defined $switch->gateway('none', sub { 1 })->{fault}, 'a name that appears is found without a restart');
$dns->set('a.test' => undef);
$switch->gateway('a', sub { !@{$_->{servers}} });
is($alice->invite('124', sdp => 1)->failed->code, 503, 'a name that is gone has no calls: 503');
my ($record) = grep { ($_->{detail} || '') eq 'gateway-unresolved' } $switch->cdrs(6);
is($record->{gateway}, 'a', 'the record says why, and of which gateway');
is($record->{reason}, 'Unavailable', 'and the caller why not');

# IPv6, where there is a listener for it.
SKIP: {
	my $six = eval { carrier(user => 'six', local => '::1') } or skip 'no IPv6 here', 2;
	my ($port6) = $six->address =~ /:(\d+)$/;
	$dns->set('six.test' => {AAAA => ['::1'], ttl => 60});
	my $both = start_switch(users => [1001], config => {
		switch => {nameservers => [$dns->address], listen => ['udp:127.0.0.1:0', 'udp:[::1]:0']},
		gateways => {six => {address => "sip:six.test:$port6", prefix => '6'}}});
	my $carol = phone(switch => $both, user => 1001);
	$carol->register;
	wait_for { @{$both->control('gateways')->[0]{servers}} };
	my $far = $carol->invite('61', sdp => 1);
	my $near = $six->incoming;
	is($near->invite_message->uri, "sip:61\@six.test:$port6", 'AAAA: the call goes over IPv6');
	$near->reject(486);
	is($far->failed->code, 486, 'and back');
}

# Silence, at start: nothing waits for it.
$dns->mode('silent');
my $early = now;
my $late = start_switch(users => [1001], config => {switch => {nameservers => [$dns->address]},
	gateways => {srv => {address => 'sip:srv.test'}}});
ok(now() - $early < 3, 'a silent name server does not hold up the start');
my $bob = phone(switch => $late, user => 1001);
$bob->register;
is($bob->invite('5', sdp => 1)->failed->code, 503, 'nor a call');
like($late->control('gateways')->[0]{fault} // 'null', qr/null|no DNS server/, 'it is being looked up');
finish;
