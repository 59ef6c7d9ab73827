# K1, K2: the raw bytes HELLO, to the received address, from the very socket the REGISTER came in at.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => 20, config => {
	switch => {listen => ['udp:127.0.0.1:0', 'udp:127.0.0.3:0', 'udp:[::1]:0']},
	plugins => {registrar => {}, keepalive => {period => 10}}});
my ($first, $second) = $switch->ready->{line} =~ /udp:(127\.0\.0\.[13]:\d+)/g;

my $nat = nat(outside => '127.0.0.2');
my $phone = phone(switch => $switch, user => '1001', nat => $nat, server => $first);
is $phone->register->code, 200, 'a phone behind a NAT registers';
my $beat = $phone->heartbeat;
is unpack('H*', $beat->bytes), '48454c4c4f', 'the heartbeat is the five bytes HELLO';
is $beat->from, $first, 'from the socket that took the REGISTER';
is $beat->{local}, $phone->received, 'to the address the NAT gave it';
is $phone->heartbeat->bytes, 'HELLO', 'and again';

my $other = phone(switch => $switch, user => '1002', nat => $nat, host => '192.168.1.11',
	server => $second);
is $other->register->code, 200, 'another registers at the second listener';
is $other->heartbeat->from, $second, 'and gets its heartbeat from there';

my $six = phone(switch => $switch, user => '1003', local => '::1',
	contact => '<sip:1003@[fd00::5]:5060>');
is $six->register->code, 200, 'a third over IPv6';
is $six->heartbeat->from, $switch->address('udp', '::1'), 'likewise';

is $nat->blocked, 0, 'a port-restricted NAT let all of them in';
my $keepalive = $switch->endpoint('1001')->{keepalive};
ok $keepalive->{enabled}, 'the switch says it keeps this one alive';
is $keepalive->{message}, 'HELLO', 'with what';
is $keepalive->{period}, 10, 'how often';
is $keepalive->{method}, 'udp', 'how';
is $keepalive->{decided_by}, 'default', 'and by whose decision';
cmp_ok $keepalive->{sent}, '>=', 2, 'counted';
cmp_ok $keepalive->{last_sent_ago}, '<=', 11, 'and dated';
is $keepalive->{missed}, 0, 'none missed';

finish;
