#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# A policy's target `sip:x@name`: looked up when the call needs it, as RFC 3263 says, while nothing
# else waits; what is not found is a target that failed, and the next one is called.
my @far = map { carrier(user => "far$_", local => "127.0.0.$_") } 1 .. 3;
my @port = map { $_->address =~ /:(\d+)$/ } @far;
my $dns = dns(
	'one.test' => {A => ['127.0.0.1']},
	'_sip._udp.srv.test' => {SRV => [[20, 0, $port[2], 'three.test'], [10, 0, $port[1], 'two.test']]},
	'two.test' => {A => ['127.0.0.2']}, 'three.test' => {A => ['127.0.0.3']},
);
my $switch = start_switch(users => [1001, 1002], clock_rate => 20, config => {
	switch => {nameservers => [$dns->address]}}, lua => <<"LUA");
local routes = {
	["1"] = { "sip:one\@one.test:$port[0]" },
	["2"] = { "sip:srv\@srv.test" },
	["3"] = { "sip:gone\@none.test", "user:1002" },
	["4"] = { "sip:gone\@none.test" },
	["5"] = { { "sip:one\@one.test:$port[0]", "user:1002" }, "sip:srv\@srv.test" },
	["6"] = { "sip:one\@" },
	["7"] = { "sip:srv\@srv.test;transport=sctp" },
}
return { route = function(call) return routes[call.request_uri:match("^sip:(%d)@")] end }
LUA
$_->{server} = $switch->address('udp') for @far;
my ($alice, $bob) = phones($switch);
my $records = 0;

sub hang_up {
	my ($out, $in) = @_;
	$in->answer(sdp => 1);
	$out->answered;
	is($out->bye->code, 200, 'it is a call like any other');
	$in->ended;
	return ($switch->cdrs(++$records))[-1];
}

{
	my $out = $alice->invite('1', sdp => 1);
	my $in = $far[0]->incoming;
	is($in->invite_message->uri, "sip:one\@one.test:$port[0]", 'the Request-URI keeps the name');
	is($dns->queries('SRV', '_sip._udp.one.test'), 0, 'with a port there is no SRV to ask for');
	is(hang_up($out, $in)->{callee_addr}, $far[0]->address, 'the record has the address');
}
{
	my $out = $alice->invite('2', sdp => 1);
	$far[1]->incoming->reject(503);
	my $in = $far[2]->incoming;
	is($in->invite_message->uri, 'sip:srv@srv.test', 'SRV: by priority; 503: the next server');
	hang_up($out, $in);
}
{
	my $began = now();
	my $out = $alice->invite('3', sdp => 1);
	my $in = $bob->incoming;
	cmp_ok(now() - $began, '<', 1, 'a name that is not there: the next target, at once');
	hang_up($out, $in);
	$out = $alice->invite('4', sdp => 1);
	is($out->failed->code, 503, 'and without one 503');
	my $cdr = ($switch->cdrs(++$records))[-1];
	is("$cdr->{reason}, $cdr->{detail}, $cdr->{ended_by}", 'Unavailable, unresolved, server',
		'the record says why');
	is($switch->wait_log(event => 'unresolved', tag => 'call')->{target}, 'sip:gone@none.test',
		'and the log which');
}
{
	my $out = $alice->invite('5', sdp => 1);
	my @in = ($far[0]->incoming, $bob->incoming);
	$_->reject(486) for @in;
	my $in = $far[1]->incoming;
	pass('names ring together with others, and come in turn');
	hang_up($out, $in);
}
# A name server that is silent: the call waits so long and no longer, and can be cancelled meanwhile.
{
	$dns->mode('silent');
	my $out = $alice->invite('3', sdp => 1);
	my $row = $switch->control_until(sub { @{$_[0]} }, 'calls')->[0];
	is($row->{state}, 'routing', 'DNS is silent: the call waits');
	is($out->cancel->code, 200, 'it can be cancelled');
	is($out->failed->code, 487, 'and is');
	is(($switch->cdrs(++$records))[-1]{reason}, 'Cancelled', 'with its record');
	my $began = now();
	$out = $alice->invite('3', sdp => 1);
	my $in = $bob->incoming(10);
	near((now() - $began) * 20, 5, 3, 'after 5 s the next target has its turn');
	hang_up($out, $in);
	$out = $alice->invite('3', sdp => 1);
	$switch->control_until(sub { @{$_[0]} }, 'calls');
	$switch->reload({%{$switch->{config}}});
	$in = $bob->incoming(10);
	hang_up($out, $in);
	$dns->mode('answer');
}
# What is no place to call is the script's mistake.
for my $number (6, 7) {
	is($alice->invite($number, sdp => 1)->failed->code, 404, "$number: default routing follows");
	$records++;
	like($switch->wait_log(event => 'route-target')->{line}, qr/default routing/, 'and the log says so');
}
is($switch->control('status')->{calls}, 0, 'no call is left');
finish;
