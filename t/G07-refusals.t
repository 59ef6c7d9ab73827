#!/usr/bin/perl
# G7: registrations that fail: back-off, no hammering; and those behind NAT.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 100;
my %gw = (
	wrong => carrier(user => 'u', password => 'right'),
	busy => carrier(user => 'u', refuse => 503),
	later => carrier(user => 'u', refuse => 503, refuse_headers => {'Retry-After' => 900}),
	stale => carrier(user => 'u', password => 'pw', expires => 40),
	nat => carrier(user => 'u', mapped => '203.0.113.7:40000'),
);
my %gateways = map { ($_ => {address => 'sip:' . $gw{$_}->address, prefix => $_,
	register => {user => 'u', password => 'pw', retry_delay => 30}}) } keys %gw;
$gateways{nat}{options_period} = 30;
$gateways{mute} = {address => 'sip:127.0.0.1:1;transport=tcp', prefix => 'mute',
	register => {user => 'u', password => 'pw'}};
my $switch = start_switch(clock_rate => $rate, config => {gateways => \%gateways});

sub registration {
	my ($name, $condition) = @_;
	my $find = sub { (grep { $_->{name} eq $name } @{$_[0]})[0]{registration} };
	return $find->($switch->control_until(sub { local $_ = $find->($_[0]); $condition->() }, 'gateways'));
}

# A wrong password: one REGISTER with it, then five minutes of peace at least, then more.
my $wrong = registration('wrong', sub { $_->{state} eq 'rejected' });
is(scalar $gw{wrong}->registers, 2, 'a wrong password is sent once');
is($wrong->{last_code}, 401, 'the answer is shown');
is($wrong->{last_reason}, 'it does not take the password', 'in words');
ok($wrong->{next_in} > 250 && $wrong->{next_in} <= 376, "the next is minutes away ($wrong->{next_in} s)");
ok(!defined $wrong->{expires_in}, 'there is no binding');

# The delays of a gateway that answers 503: 30, 60, 120 s, up to a quarter more each.
wait_for { $gw{busy}->registers >= 4 } 10;
my @at = map { $_->at * $rate } $gw{busy}->registers;
for my $n (1 .. 3) {
	my $delay = 30 * 2 ** ($n - 1);
	my $waited = $at[$n] - $at[$n - 1];
	ok($waited >= $delay - 1 && $waited <= $delay * 1.25 + 15, "failure $n: $delay s and a bit");
}
is(registration('busy', sub { 1 })->{state}, 'failed', 'that state is no matter of the password');
delete $gw{busy}{refuse};
registration('busy', sub { $_->{state} eq 'registered' });
ok(1, 'and is over as soon as it is accepted');
is(scalar $gw{later}->registers, 1, 'Retry-After: 900 is kept to');
like(registration('mute', sub { defined $_->{last_reason} })->{last_reason}, qr/cannot be sent|refused/,
	'a gateway that cannot be reached says so');

# The nonce grows old: answered anew, the password is not in question.
registration('stale', sub { $_->{state} eq 'registered' });
$gw{stale}{nonce} = 'another';
$gw{stale}->forget;
wait_for { $gw{stale}->registers >= 2 } 10;
my ($old, $new) = $gw{stale}->registers;
is($old->{wrong}, 'nonce', 'a refresh with an old nonce is answered stale=true');
is($new->{wrong}, '', 'and comes again with the new one');
is(registration('stale', sub { 1 })->{state}, 'registered', 'the registration stands');

# Behind NAT: a short expiry, the mapping kept by CRLF, a new mapping registered at once.
my $nat = registration('nat', sub { $_->{nat} && $_->{state} eq 'registered' });
is($nat->{mapped}, '203.0.113.7:40000', 'the answer\'s received and rport show the mapping');
ok($nat->{next_in} <= 60, 'it is refreshed as a short binding is');
ok($gw{nat}->expect({raw => "\r\n\r\n"}), 'its mapping is kept by a double CRLF');
wait_for { grep { $_->header('Expires') eq '120' } $gw{nat}->registers } 10;
is(($gw{nat}->registers)[-1]->header('Expires'), 120, 'expire: auto asks for two minutes there');
$gw{nat}->forget;
$gw{nat}{mapped} = '203.0.113.7:41000';
$switch->wait_log(event => 'mapped', gateway => 'nat', address => '203.0.113.7:41000', timeout => 10);
ok($gw{nat}->registers || wait_for { $gw{nat}->registers }, 'a new mapping is registered');
is(registration('nat', sub { $_->{mapped} =~ /41000/ })->{state}, 'registered', 'and the binding stands');
finish;
