#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Certificate qw(authority certificate);
use File::Temp qw(tempdir);

# A caller whose connection dies while it hears the ringing can hear no answer: the callee stops
# ringing at once, and the record says why. A call that stands survives; the caller may come back.
my $tls = Holdline::Test::Certificate::available();
my $dir = tempdir('holdline-lost-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
certificate($dir, 'own', by => authority($dir, 'ca')) if $tls;
my @listen = qw(udp:127.0.0.1:0 tcp:127.0.0.1:0);
my $switch = start_switch(users => [1001, 1002, 1003], config => {switch => {
	listen => [@listen, $tls ? 'tls:127.0.0.1:0' : ()],
	$tls ? (tls => {certificate => "$dir/own.pem", key => "$dir/own.key"}) : ()}});
my ($bob, $carol) = map { phone(switch => $switch, user => $_) } 1002, 1003;
$_->register for $bob, $carol;
my $records = 0;

sub ended_as {
	my ($name) = @_;
	my $cdr = ($switch->cdrs(++$records))[-1];
	is("$cdr->{reason}, $cdr->{detail}, $cdr->{ended_by}, $cdr->{sip_code}",
		'Cancelled, connection-lost, caller, 487', "$name: the record says why");
	is($switch->control('status')->{calls}, 0, "$name: no call is left");
}

for my $transport ('tcp', $tls ? 'tls' : ()) {
	my $alice = phone(switch => $switch, user => 1001, transport => $transport);
	$alice->register;
	$alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->respond(180);
	$alice->expect(180);
	$alice->close;
	ok($in->expect('CANCEL', 2), "$transport: lost while it rings: CANCEL, long before an answer");
	ended_as("$transport, ringing");
}
{
	my $alice = phone(switch => $switch, user => 1001, transport => 'tcp');
	$alice->register;
	$alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;    # which says nothing: CANCEL has to wait for its first word
	$alice->close;
	ended_as('before any ringing');
	$in->respond(180);
	ok($in->expect('CANCEL', 2), 'CANCEL follows the first provisional response');
}
# Answered and acknowledged, the connection is one way to the caller, not the call.
{
	my $alice = phone(switch => $switch, user => 1001, transport => 'tcp');
	$alice->register;
	my $out = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	$switch->control_until(sub { $_[0][0]{state} eq 'active' }, 'calls');
	my ($stream) = values %{$alice->link->{stream}};
	Holdline::Test::Loop->remove($stream);
	delete @{$alice->link->{stream}}{keys %{$alice->link->{stream}}};
	close $stream;
	$switch->control_until(sub { !@{$_[0]} }, 'endpoints', user => 1001);
	is($switch->control('calls')->[0]{state}, 'active', 'a call that stands survives its connection');
	is($out->bye->code, 200, 'the caller hangs up over another');
	ok($in->ended, 'and the callee hears of it');
	is(($switch->cdrs(++$records))[-1]{reason}, 'Normal', 'a normal end');
}
# UDP has no connection to lose, and the other forks of a call are as they were.
{
	my $out = $carol->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->respond(180);
	$out->expect(180);
	is($out->cancel->code, 200, 'over UDP it takes a CANCEL');
	is($out->failed->code, 487, 'which ends it');
}
finish;
