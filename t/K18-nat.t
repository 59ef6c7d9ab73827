# K18: which method keeps which NAT open. One that counts traffic in both directions is kept by the
# datagram; one that counts only what leaves it needs an OPTIONS, whose answer does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 50;
my $idle = 25 / $rate;    # real seconds: a pinhole of 25 s

# Whether a phone behind such a NAT, idle for three times its timeout, is still rung; and the NAT.
sub rung {
	my (%arg) = @_;
	my $switch = start_switch(users => [1001, 1002], clock_rate => $rate, config => {
		plugins => {registrar => {nat_expire => 3600}, keepalive => {period => 10,
			method => $arg{method} || 'udp', $arg{off} ? (message => '') : ()}}});
	my $nat = nat(refresh => $arg{refresh}, idle => $idle, mapping => $arg{mapping} || 'symmetric');
	my $phone = phone(switch => $switch, user => '1001', nat => $nat, user_agent => undef);
	my $caller = phone(switch => $switch, user => '1002');
	$_->register for $phone, $caller;
	my $before = $phone->received;
	quiet(3 * $idle);
	my $call = $caller->invite('1001', sdp => 1);
	my $ringing = $phone->wait_message('INVITE', 1);
	my $same = ($phone->received || '') eq $before;
	$call->cancel;
	$switch->stop;
	return ($ringing ? 1 : 0, $same, $nat);
}

for my $mapping ('symmetric', 'cone') {
	my ($ringing, $same) = rung(refresh => 'both', mapping => $mapping);
	is $ringing, 1, "$mapping, refreshed both ways: HELLO keeps it open, the phone is rung";
	ok $same, 'through the pinhole of its REGISTER';
}
my ($ringing, $same, $nat) = rung(refresh => 'outbound');
is $ringing, 0, 'refreshed by outbound traffic only: HELLO does not keep it open';
cmp_ok $nat->blocked, '>=', 1, 'the NAT keeps out what comes';
($ringing, $same) = rung(refresh => 'outbound', method => 'options');
is $ringing, 1, 'but OPTIONS does: its answer goes out';
ok $same, 'through the same pinhole';
($ringing) = rung(refresh => 'both', method => 'options');
is $ringing, 1, 'and it does for the other kind as well';
($ringing, $same, $nat) = rung(refresh => 'both', off => 1);
is $ringing, 0, 'without heartbeats either closes';
is $nat->passed, 2, 'nothing but the answers to the REGISTERs came in';

finish;
