#!/usr/bin/perl
# Real softphones over TCP and over TLS: they register and call each other, and what they lose with
# their connection is lost at once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Certificate qw(authority certificate);
use File::Temp qw(tempdir);

plan(skip_all => 'baresip is not installed (Debian: baresip-core)')
	unless Holdline::Test::Baresip::available();
plan(skip_all => 'needs openssl and IO::Socket::SSL (Debian: openssl, libio-socket-ssl-perl)')
	unless Holdline::Test::Certificate::available();
my $dir = tempdir('holdline-tls-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $ca = authority($dir, 'ca');
certificate($dir, 'switch', by => $ca);

my $switch = start_switch(users => [1001, 1002], config => {
	switch => {listen => ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'tls:127.0.0.1:0'],
		tls => {certificate => "$dir/switch.pem", key => "$dir/switch.key"}},
	plugins => {registrar => {}, keepalive => {period => 10, targets => 'all'}, 'session-timer' => {},
		'media-proxy' => {mode => 'on'}}});

my $records = 0;
for my $pair (['tcp', 'tcp'], ['tls', 'tls'], ['tls', 'tcp']) {
	my @phone = map { baresip(switch => $switch, user => 1001 + $_, transport => $pair->[$_]) } 0, 1;
	my $name = "$pair->[0] calls $pair->[1]";
	is($phone[$_]->register->{type}, 'REGISTER_OK', "$name: 100@{[$_ + 1]} registers") for 0, 1;
	is($switch->endpoint(1001 + $_)->{transport}, $pair->[$_], "$name: over $pair->[$_]") for 0, 1;
	$phone[0]->dial('1002');
	$phone[1]->event('CALL_INCOMING');
	$phone[1]->accept;
	$_->event('CALL_ESTABLISHED') for @phone;
	$switch->control_until(sub {
		my $stream = $_->[0] && $_->[0]{media} && $_->[0]{media}{streams}[0];
		return $stream && $stream->{caller}{packets} >= 25 && $stream->{callee}{packets} >= 25;
	}, 'calls');
	pass("$name: they hear each other");
	$phone[1]->hangup;
	$phone[0]->event('CALL_CLOSED');
	my $cdr = ($switch->cdrs(++$records))[-1];
	is("$cdr->{reason} by $cdr->{ended_by}", 'Normal by callee', "$name: and hang up");
	$_->stop for @phone;
	$switch->control_until(sub { !@$_ }, 'endpoints');
	pass("$name: their contacts are gone with them");
}
finish;
