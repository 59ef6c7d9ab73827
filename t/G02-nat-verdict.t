# G2: received address, received port, Contact as sent and the NAT verdict are four facts; RFC 3581.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001 .. 1007], config => {endpoints => {
	2001 => {password => 'x', nat => \'yes'}, 2002 => {password => 'x', nat => \'no'},
	2003 => {password => 'x', force_rport => \'on'}}});
my $server = $switch->address('udp');

sub fact { return $switch->endpoint($_[0]) }

subtest 'a phone in the open' => sub {
	my $phone = phone(switch => $switch, user => '1001');
	my $response = $phone->register;
	my $via = $response->params('Via');
	is $via->{received}, '127.0.0.1', 'rport asked for: received is given even when equal';
	is $via->{rport}, $phone->{port}, 'and the port';
	my $endpoint = fact('1001');
	ok !$endpoint->{nat}, 'not behind NAT';
	is "$endpoint->{received}:$endpoint->{received_port}", $phone->address, 'received';
};

subtest 'a phone behind a NAT' => sub {
	my $nat = nat(outside => '127.0.0.2');
	my $phone = phone(switch => $switch, user => '1002', nat => $nat, host => '192.168.1.10');
	my $response = $phone->register;
	my ($port) = $phone->received =~ /:(\d+)$/;
	is $response->params('Via')->{received}, '127.0.0.2', 'received';
	is $response->params('Via')->{rport}, $port, 'rport';
	my $endpoint = fact('1002');
	ok $endpoint->{nat}, 'behind NAT';
	is $endpoint->{nat_reason}, "Contact 192.168.1.10:5060 differs from source 127.0.0.2:$port",
		'with the reason in words';
	is $endpoint->{received}, '127.0.0.2', 'received address';
	is $endpoint->{received_port}, $port, 'received port';
	is $endpoint->{contact}, 'sip:1002@192.168.1.10:5060', 'Contact as sent';
	is $nat->blocked, 0, 'nothing went astray';
};

subtest 'each difference is enough' => sub {
	my $contact = phone(switch => $switch, user => '1003', contact => '<sip:1003@10.0.0.9:5060>');
	$contact->register;
	ok fact('1003')->{nat}, 'Contact host';
	my $port = phone(switch => $switch, user => '1004');
	$port->{contact} = '<sip:1004@127.0.0.1:' . ($port->{port} ^ 1) . '>';
	$port->register;
	ok fact('1004')->{nat}, 'Contact port';
	my $via = phone(switch => $switch, user => '1005', via_host_port => '10.0.0.9:5060');
	$via->register;
	is fact('1005')->{nat_reason}, 'Via 10.0.0.9:5060 differs from source ' . $via->address, 'Via';
};

subtest 'the 200 says what the 401 said' => sub {
	my $phone = phone(switch => $switch, user => '1002', nat => nat(outside => '127.0.0.3'));
	$phone->register;
	my @via = map { $_->[2]->params('Via') } grep { $_->[1] eq '<' && $_->[2]->code }
		@{$phone->{history}};
	is scalar(@via), 2, 'a challenge and an answer';
	is $via[0]{rport}, $via[1]{rport}, 'one rport';
	is $via[0]{received}, $via[1]{received}, 'one received: nobody registers anew for a difference';
};

subtest 'no rport asked for, none given' => sub {
	my $phone = phone(switch => $switch, user => '1006', rport => 0);
	my $response = $phone->register;
	is $response->code, 200, 'the answer goes to the port in Via';
	ok !exists $response->params('Via')->{rport}, 'without rport';
};

subtest 'force_rport' => sub {
	my $elsewhere = '127.0.0.1:' . rtp()->port;
	my %via = (rport => 0, via_host_port => $elsewhere, timeout => 0.5);
	my $lost = phone(switch => $switch, user => '1006', %via);
	ok !eval { $lost->register; 1 }, 'without it the answer goes astray, to the port in Via';
	my $phone = phone(switch => $switch, user => '2003', %via);
	my $response = $phone->register;
	is $response->code, 200, 'with it, to where the request came from';
	ok !exists $response->params('Via')->{rport}, 'but rport is not put where nobody asked';
	my $call = $phone->invite('9999', sdp => 1);
	is $call->failed->code, 404, 'calls too';
};

subtest 'the endpoint can say it itself' => sub {
	my $open = phone(switch => $switch, user => '2001');
	$open->register;
	ok fact('2001')->{nat}, 'nat: yes';
	my $hidden = phone(switch => $switch, user => '2002', nat => nat());
	$hidden->register;
	ok !fact('2002')->{nat}, 'nat: no';
};

subtest 'TCP: the source port says nothing' => sub {
	my $phone = phone(switch => $switch, user => '1007', transport => 'tcp');
	$phone->{contact} = '<sip:1007@127.0.0.1:5060;transport=tcp>';
	$phone->{via_host_port} = '127.0.0.1:5060';
	$phone->register;
	ok !fact('1007')->{nat}, 'another port alone is no NAT';
};

finish;
