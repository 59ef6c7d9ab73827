#!/usr/bin/perl
# Which gateway a call goes to: weights, limits, failures, and whether it answers OPTIONS.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my %gw = map { $_ => carrier(user => $_) } qw(heavy light spare full next down up);
sub row {
	my ($name, $prefix, %more) = @_;
	return ($name => {address => 'sip:' . $gw{$name}->address, prefix => $prefix, %more});
}
my %gateways = (
	row('heavy', '1', weight => 3), row('light', '1'), row('spare', '1', weight => 0),
	row('full', '2', max_calls => 1, match => ['127.0.0.2/32']), row('next', '2', weight => 0,
		failover_on => [486]),
	row('down', '33', options_period => 5), row('up', '3', options_period => 5),
	# Nobody listens on that port of 127.0.0.1: refused over TCP.
	refused => {address => 'sip:127.0.0.1:1;transport=tcp', prefix => '44'},
	behind => {address => 'sip:' . $gw{next}->address, prefix => '4'},
	lonely => {address => 'sip:127.0.0.1:1;transport=tcp', prefix => '55'},
);
my $switch = start_switch(users => [1001], clock_rate => 20, config => {gateways => \%gateways});
$_->{server} = $switch->address('udp') for values %gw;
my $alice = phone(switch => $switch, user => 1001);
$alice->register;

# Places a call and returns it with the gateway phone that got it, and its side.
sub place {
	my ($number, @names) = @_;
	my $out = $alice->invite($number, sdp => 1);
	my ($in, $who);
	Holdline::Test::Loop->wait_for(sub {
		for my $name (@names) {
			my $invite = $gw{$name}->wait_message(sub { my $m = shift; $m->call_id && $m->{call}
				&& ($m->{method} || '') eq 'INVITE' && !defined $m->to_tag }, 0) or next;
			($in, $who) = ($invite->{call}, $name);
		}
		return $in;
	}, 5) or die "call to $number went nowhere\n" . $alice->story;
	return ($out, $in, $who);
}

# Weights 3 : 1 : 0. Of 120 calls the heavy one has 90 on average; less than 70 or more than 110 is
# once in 20,000 runs.
my %count = map { $_ => 0 } qw(heavy light spare);
for my $n (1 .. 120) {
	my ($out, $in, $who) = place("1$n", qw(heavy light spare));
	$count{$who}++;
	$in->reject(404);
	$out->failed;
}
ok($count{heavy} > 70 && $count{heavy} < 110, "weight 3 against 1: $count{heavy} of 120")
	or diag(join ' ', %count);
is($count{spare}, 0, 'weight 0 has none while the others work');
my ($out, $in, $who) = place('1', qw(heavy light spare));
$in->reject(503);
my $second = $who eq 'heavy' ? 'light' : 'heavy';
$gw{$second}->incoming->reject(503);
my $third = $gw{spare}->incoming;
$third->answer(sdp => 1);
$out->answered;
ok(1, 'and is called when both failed');
$out->bye;

# One call at once; the next passes on. Calls from it count, and so do its other addresses.
($out, $in) = place('21', 'full');
$in->answer(sdp => 1);
$out->answered;
is($switch->gateway('full', sub { $_->{calls} == 1 })->{max_calls}, 1, 'the gateway is full');
my ($other, $passed, $name) = place('22', qw(full next));
is($name, 'next', 'the next call passes on to the next gateway');
$passed->reject(486);
is($other->failed->code, 486, 'which has the last word');
my $from = $gw{full}->invite('1001', sdp => 1);
my $refused = $from->failed;
is($refused->code, 503, 'a call from a full gateway is refused');
is($refused->header('Retry-After'), 5, 'for a while');
$out->bye;
$switch->gateway('full', sub { $_->{calls} == 0 });
$from = phone(user => 'x', local => '127.0.0.2', server => $switch->address('udp'));
my $matched = $from->invite('1001', sdp => 1);
my $ring = $alice->incoming;
is($switch->control('calls')->[0]{legs}[0]{gateway}, 'full', 'match: another address is the gateway');
$ring->reject(486);
$matched->failed;
my ($limited) = grep { ($_->{detail} || '') eq 'gateway-limit' } $switch->cdrs(124);
is($limited->{gateway}, 'full', 'the record of the refused call names it');

my %metric = map { ($_->{name} . ($_->{labels} // '') => $_->{value}) } @{$switch->control('metrics')};
is($metric{'holdline_calls_limited_totallimit="gateway"'}, 2,
	'both are counted');

# A list of its own for failing over replaces the default.
$switch->{config}{gateways}{full}{max_calls} = 0;
$switch->{config}{gateways}{full}{failover_on} = ['4xx'];
$switch->reload($switch->{config});
($out, $in) = place('23', 'full');
$in->reject(503);
is($out->failed->code, 503, 'failover_on [4xx]: 503 is final');
($out, $in) = place('24', 'full');
$in->reject(486);
($in) = $gw{next}->incoming;
$in->reject(404);
is($out->failed->code, 486, '486 passes on, and the better answer is the caller\'s');

# Refused at once: no waiting for a time-out.
my $before = now;
($out, $in) = place('441', 'next');
ok(now() - $before < 0.4, 'a connection that is refused: the next gateway at once');
$in->reject(486);
$out->failed;
is($alice->invite('551', sdp => 1)->failed->code, 503, 'and 503 when there is no next');
my ($record) = grep { ($_->{detail} || '') eq 'unreachable' } $switch->cdrs(128);
is($record->{gateway}, 'lonely', 'the record says which gateway could not be reached');

# Supervision.
my $ping = $gw{down}->expect('OPTIONS');
my $own = $switch->address('udp');
like($ping->header('From'), qr/^<sip:\Q$own\E>;tag=\w+$/, 'the ping is from the switch');
is($ping->uri, 'sip:' . $gw{down}->address, 'to the gateway');
my $row = $switch->gateway('down', sub { $_->{reachable} });
ok($row->{rtt_ms} > 0, 'an answer: reachable, with its time');
is($switch->gateway('heavy', sub { 1 })->{reachable}, undef, 'without options_period: not known');
$gw{down}{mute} = 1;
$switch->wait_log(event => 'unreachable', gateway => 'down', timeout => 15);
ok(!$switch->gateway('down', sub { 1 })->{reachable}, 'silence: unreachable');
($out, $in, $who) = place('331', qw(down up));
is($who, 'up', 'calls go to the others first, even by a shorter prefix');
$in->reject(503);
$gw{down}->incoming->reject(486);
is($out->failed->code, 486, 'it is tried last');
$gw{down}{mute} = 0;
$switch->wait_log(event => 'reachable', gateway => 'down', timeout => 15);
($out, $in, $who) = place('332', qw(down up));
is($who, 'down', 'it has its calls again when it answers');
$in->reject(486);
$out->failed;
finish;
