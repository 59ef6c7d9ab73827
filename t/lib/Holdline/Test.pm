# What a scenario needs, in one use line.
package Holdline::Test;
use strict;
use warnings;
use Exporter qw(import);
use Test::More;
use Holdline::Test::Loop;
use Holdline::Test::Sip;
use Holdline::Test::Link;
use Holdline::Test::Nat;
use Holdline::Test::Rtp;
use Holdline::Test::Phone;
use Holdline::Test::Registrar;
use Holdline::Test::Dns;
use Holdline::Test::Switch;
use Holdline::Test::Sipp;
use Holdline::Test::Baresip;

our @EXPORT = (@Test::More::EXPORT, qw(start_switch switch_object phone phones nat rtp quiet now
	wait_for near finish answered_call source_path loop sipp baresip heartbeats carrier dns));

sub loop { return 'Holdline::Test::Loop' }
sub now { return Holdline::Test::Loop::now() }
sub quiet { return Holdline::Test::Loop->quiet(@_) }
sub wait_for(&;$) { my ($condition, $timeout) = @_;
	return Holdline::Test::Loop->wait_for($condition, $timeout || 5, 0.02) }

sub switch_object { return Holdline::Test::Switch->new(@_) }
sub start_switch { return Holdline::Test::Switch->new(@_)->start }
sub nat { return Holdline::Test::Nat->new(@_) }
sub rtp { return Holdline::Test::Rtp->new(@_) }
sub sipp { return Holdline::Test::Sipp->new(@_) }
sub baresip { return Holdline::Test::Baresip->new(@_) }
sub carrier { return Holdline::Test::Registrar->new(@_) }
sub dns { return Holdline::Test::Dns->new(@_) }
sub phone { return Holdline::Test::Phone->new(@_) }

# One registered phone for each user of the switch; behind a NAT each has a port of its own.
sub phones {
	my ($switch, %arg) = @_;
	my $port = $arg{nat} ? delete $arg{port} || 5060 : undef;
	return map {
		my $phone = phone(%arg, switch => $switch, user => $_, $port ? (port => $port++) : ());
		my $response = $phone->register;
		$response->code == 200 or die "phone $_ cannot register\n" . $phone->story;
		$phone;
	} @{$switch->{users}};
}

# A call to `number` that the phone `to` answers: (caller's side, callee's side). `invite` are
# arguments of the INVITE.
sub answered_call {
	my ($from, $number, $to, %invite) = @_;
	my $out = $from->invite($number, sdp => 1, %invite);
	my $in = $to->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	return ($out, $in);
}

# Every heartbeat these phones have had, in order of arrival: [phone, message].
sub heartbeats {
	my (@phones) = @_;
	return sort { $a->[1]->at <=> $b->[1]->at }
		map { my $phone = $_; map { [$phone, $_] } $phone->heartbeats } @phones;
}

# Passes when `got` is within `tolerance` of `wanted`.
sub near {
	my ($got, $wanted, $tolerance, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $good = defined $got && abs($got - $wanted) <= $tolerance;
	ok($good, $name) or diag(sprintf 'got %s, wanted %s +- %s', defined $got ? $got : 'nothing',
		$wanted, $tolerance);
	return $good;
}

# A file of the source tree: source_path('scripts/policy.lua').
sub source_path {
	my ($name) = @_;
	(my $root = $INC{'Holdline/Test.pm'}) =~ s{t/lib/Holdline/Test\.pm$}{};
	return ($root eq '' ? './' : $root) . $name;
}

# Stops every switch (each stop is a test) and ends the plan.
sub finish {
	Holdline::Test::Switch->stop_all;
	done_testing();
	return;
}

1;
__END__

=head1 NAME

Holdline::Test - everything a scenario of the switch needs

=head1 SYNOPSIS

	use FindBin;
	use lib "$FindBin::Bin/lib";
	use Holdline::Test;

	my $switch = start_switch(users => [1001, 1002]);
	my ($alice, $bob) = phones($switch);
	my $call = $alice->invite('1002', sdp => 1);
	my $in = $bob->incoming;
	$in->respond(180);
	$call->expect(180);
	$in->respond(200, sdp => 1);
	$call->answered;
	$call->bye;
	is((($switch->cdrs(1))[0])->{reason}, 'Normal', 'the record says so');
	finish;

=head1 DESCRIPTION

Exports all of Test::More and C<start_switch>, C<switch_object> (not started), C<phone>, C<phones>
(one registered for each user), C<nat>, C<rtp>, C<sipp>, C<baresip>, C<carrier>, C<dns>, C<wait_for { } seconds>, C<quiet(seconds)>, C<now>,
C<near>, C<answered_call(from, number, to)>, C<heartbeats(phones)>, C<source_path>, C<finish>. Environment: C<HOLDLINE>, C<HOLDLINE_PLUGIN_DIR>,
C<HOLDLINE_TEST_PATIENCE> (a factor on all time-outs).

=cut
