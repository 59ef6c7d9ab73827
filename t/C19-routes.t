#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Routes of the policy: lists in turn, nested lists together, and redirections that are followed.
my $switch = start_switch(users => [1001 .. 1004], lua => <<'LUA');
local routes = {
	["7000"] = {{"user:1002", "user:1003"}, "user:1004"},
	["7001"] = {"user:1002", {"user:1003", "user:1004"}},
	["7002"] = {"user:1002", redirect = "follow"},
	["7003"] = {"user:1002", "user:1004", redirect = "follow"},
	["7004"] = {"user:1002", redirect = "sometimes"},
}
local policy = {}
function policy.route(call)
	return routes[call.request_uri:match("sip:(%d+)@")]
end
return policy
LUA
my ($alice, $bob, $carol, $dave) = phones($switch);
my $records = 0;

sub moved { my ($in, @uri) = @_;
	$in->respond(302, headers => [Contact => join ', ', map { "<$_>" } @uri]); return }
sub rings { my ($phone) = @_; return scalar(my @seen = $phone->seen('INVITE')) }
sub start { $_->forget for $bob, $carol, $dave; return $alice->invite($_[0], sdp => 1) }

{
	my $out = start('7000');
	my @in = map { $_->incoming } $bob, $carol;
	is(rings($dave), 0, 'a nested list rings together, what follows it does not yet');
	$in[0]->reject(486);
	quiet(0.1);
	is(rings($dave), 0, 'one refuses, the other still rings');
	$in[1]->reject(480);
	my $last = $dave->incoming;
	pass('then comes the next in the list');
	$last->answer(sdp => 1);
	is($out->answered->code, 200, 'and answers');
	$out->bye;
	is(($switch->cdrs(++$records))[-1]{callee_addr}, $dave->received, 'as the record says');
}
{
	my $out = start('7001');
	my $first = $bob->incoming;
	is(rings($carol) + rings($dave), 0, 'serial first');
	$first->reject(480);
	my @in = map { $_->incoming } $carol, $dave;
	pass('then parallel');
	$_->respond(180) for @in;
	$out->expect(180);
	$in[1]->answer(sdp => 1);
	my $cancel = $in[0]->expect('CANCEL');
	is($cancel->header('Reason'), 'SIP;cause=200;text="Call completed elsewhere"',
		'the loser is told why it stops ringing');
	$out->answered;
	$out->bye;
	$records++;
}
{
	my $out = start('7002');
	moved($bob->incoming, 'sip:1003@holdline.test');
	my $in = $carol->incoming;
	pass('a redirection is followed where the policy says so');
	is($in->invite_message->header('Max-Forwards'), 69, 'with one hop less as for any target');
	$in->answer(sdp => 1);
	$out->answered;
	is(scalar(my @shown = $alice->seen(302)), 0, 'the caller hears nothing of it');
	$out->bye;
	is(($switch->cdrs(++$records))[-1]{callee_addr}, $carol->received, 'the record has who answered');
}
{
	my $out = start('7003');
	moved($bob->incoming, 'sip:1009@holdline.test', 'sip:x@elsewhere.example',
		'sip:1003@' . $carol->address);
	$carol->incoming->reject(486);
	my $in = $dave->incoming;
	pass('its Contacts come before what was to come anyway; who is nobody is left out');
	$in->reject(480);
	is($out->failed->code, 486, 'the best failure reaches the caller');
	$records++;
}
{
	my $out = start('7002');
	my $rounds = 0;
	while (my $invite = $bob->wait_message(sub { ($_[0]{method} || '') eq 'INVITE' }, 0.5)) {
		moved($invite->{call}, 'sip:1002@holdline.test');
		$rounds++;
	}
	is($rounds, 6, 'a circle ends after five');
	is($out->failed->code, 302, 'with what was heard last');
	is(($switch->cdrs(++$records))[-1]{sip_code}, 302, 'and its record');
}
{
	my $out = $alice->invite('1002', sdp => 1);
	moved($bob->incoming, 'sip:1003@holdline.test');
	my $refusal = $out->failed;
	is($refusal->code, 302, 'by default a redirection is the caller\'s to follow');
	is($refusal->header('Contact'), '<sip:1003@holdline.test>', 'with its target');
	$records++;
	$alice->invite('7004', sdp => 1)->failed;
	ok(scalar($switch->log_events(tag => 'policy', line => qr/redirect/)),
		'a word that is none is an error of the policy');
}
finish;
