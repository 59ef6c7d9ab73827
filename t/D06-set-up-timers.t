#!/usr/bin/perl
# D6: each stage of waiting for a callee has its timer; then the next gateway, else 408 or 480.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my ($slow, $last) = map { phone(user => "gw$_", server => '127.0.0.1:1', auto_answer => 0) } 1, 2;
my $rate = 50;
my $switch = start_switch(users => [1001], clock_rate => $rate, config => {gateways => {
	slow => {address => 'sip:' . $slow->address, prefix => '00'},
	last => {address => 'sip:' . $last->address, prefix => '0'},
	alone => {address => 'sip:' . $slow->address, prefix => '9'},
	final => {address => 'sip:' . $slow->address, prefix => '77', failover_on => ['5xx']},
	never => {address => 'sip:' . $last->address, prefix => '7'},
}});
$_->{server} = $switch->address('udp') for $slow, $last;
my $alice = phone(switch => $switch, user => 1001);
$alice->register;

my %show = (
	none => sub {},
	trying => sub { $_[0]->respond(100) },
	progress => sub { $_[0]->respond(183) },
	early => sub { $_[0]->respond(183, sdp => 1) },
	ringing => sub { $_[0]->respond(180) },
);
# what the callee does, the seconds it has, the caller's code, the record's reason and detail
my @stages = (
	[none => 10, 408, 'No Response', 'invite-timeout'],
	[trying => 20, 408, 'No Response', 'trying-timeout'],
	[progress => 20, 480, 'No Answer', 'progress-timeout'],
	[early => 120, 480, 'No Answer', 'progress-timeout'],
	[ringing => 120, 480, 'No Answer', 'ringing-timeout'],
);
my $records = 0;
for my $stage (@stages) {
	my ($what, $seconds, $code, $reason, $detail) = @$stage;
	my $out = $alice->invite('9123', sdp => 1);
	my $in = $slow->incoming;
	my $begun = now;
	$show{$what}->($in);
	my $failure = $out->failed(10);
	is($failure->code, $code, "$what: the caller gets $code");
	my $waited = (now() - $begun) * $rate;
	ok($waited > $seconds - 2 && $waited < $seconds + $rate, "after $seconds s")
		or diag("waited $waited s");
	my $record = ($switch->cdrs(++$records))[-1];
	is($record->{reason}, $reason, 'the record says so');
	is($record->{detail}, $detail, 'and which timer it was');
	is($record->{sip_code}, $code, 'with the code');
	is($record->{gateway}, 'alone', 'and the gateway');
	is($record->{ended_by}, 'server', 'it was the switch that gave up');
	ok($in->expect('CANCEL'), 'the gateway gets CANCEL') if $what ne 'none';
}

# The next gateway gets the call, with all its time.
my $out = $alice->invite('00123', sdp => 1);
my $first = $slow->incoming;
$first->respond(100);
my $second = $last->incoming(10);
ok(1, 'a gateway that stays at 100: the next one is called');
$second->answer(sdp => 1);
$out->answered;
$out->bye;
is(($switch->cdrs(++$records))[-1]{gateway}, 'last', 'the record names the one that answered');

$out = $alice->invite('00124', sdp => 1);
$slow->incoming->respond(180);
$last->incoming(10)->reject(503);
is($out->failed->code, 480, 'rang in vain, then 503: the caller gets 480');
my $record = ($switch->cdrs(++$records))[-1];
is($record->{detail}, 'ringing-timeout', 'the detail is of the failure that was told');
is($record->{reason}, 'No Answer', 'so is the reason');

$out = $alice->invite('00125', sdp => 1);
$slow->incoming->respond(100);
$last->incoming(10)->reject(486);
is($out->failed->code, 486, 'silence, then busy: busy tells more');
$record = ($switch->cdrs(++$records))[-1];
is($record->{detail}, undef, 'and has no detail of ours');
is($record->{ended_by}, 'callee', 'it was the callee\'s word');

$out = $alice->invite('77123', sdp => 1);
$slow->incoming;
is($out->failed(10)->code, 408, 'failover_on without timeout: the time-out is final');
ok(!$last->wait_message('INVITE', 0), 'and nobody else is called');
finish;
