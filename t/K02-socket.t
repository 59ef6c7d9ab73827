# K2: a heartbeat leaves by the very socket, and from the very address, that the REGISTER came to.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

subtest 'several sockets' => sub {
	my @hosts = map { "127.0.0.$_" } 3 .. 6;
	my $switch = start_switch(users => [1001 .. 1012], clock_rate => 20, config => {
		switch => {listen => [map { "udp:$_:0" } @hosts]},
		plugins => {registrar => {}, keepalive => {period => 10}}});
	my @server = $switch->ready->{line} =~ /udp:(127\.0\.0\.[3-6]:\d+)/g;
	is scalar(@server), 4, 'four of them';
	my @phones = map { my $phone = phone(switch => $switch, user => $_, nat => nat(),
		server => $server[$_ % 4]); $phone->register; $phone } 1001 .. 1012;
	my @right = grep { $_->heartbeat->from eq $_->server } @phones;
	is scalar(@right), 12, 'each phone hears from its own, though they came in turn';
	my $result = $switch->control('keepalive');
	my %sent = map { $_->{socket} => $_->{sent} } @{$result->{sockets}};
	is scalar(grep { ($sent{"udp:$_"} || 0) >= 3 } @server), 4, 'the command shows each of them';
	ok scalar(grep { $result->{slowest_socket} eq "udp:$_" } @server), 'and which is the slowest';
	$switch->stop;
};

# On the real clock: a faster one is for loopback listeners only.
subtest 'a wildcard' => sub {
	my $switch = start_switch(users => [1001, 1002], config => {
		switch => {listen => ['udp:0.0.0.0:0']},
		plugins => {registrar => {}, keepalive => {period => 10, targets => 'all'}}});
	my ($port) = $switch->ready->{line} =~ /udp:0\.0\.0\.0:(\d+)/;
	my @phones = map { phone(switch => $switch, user => $_, timeout => 15,
		server => '127.0.0.' . ($_ - 980) . ":$port") } 1001, 1002;
	is $_->register->code, 200, 'registered at ' . $_->server for @phones;
	is $_->heartbeat->from, $_->server, 'the heartbeat comes from there' for @phones;
	$switch->stop;
};

# A port that nobody listens to any more answers with ICMP, which the kernel reports to whoever
# sends next.
subtest 'connection refused' => sub {
	my $switch = start_switch(users => [1001 .. 1009], clock_rate => 20, config => {
		plugins => {registrar => {}, keepalive => {period => 10, targets => 'all'}}});
	my @phones = phones($switch);
	my @gone = @phones[0, 3, 4, 8];
	$_->heartbeat for @phones;
	$_->close for @gone;
	my @left = grep { my $phone = $_; !grep { $phone == $_ } @gone } @phones;
	$_->forget for @left;
	for my $phone (@left) {
		$phone->heartbeat for 1 .. 4;
	}
	pass 'the others get theirs, pass by pass';
	my %row = map { $_->{user} => $_->{keepalive} } @{$switch->control('endpoints')};
	cmp_ok $row{$_->user}{refused}, '>=', 3, $_->user . ' is counted as refused' for @gone;
	is $row{$_->user}{refused}, 0, $_->user . ' is not' for @left;
	is $row{$_->user}{missed}, 0, 'nobody has missed one' for @phones;
	my $result = $switch->control('keepalive');
	cmp_ok $result->{refused}, '>=', 12, 'and summed up';
	is $left[0]->register->code, 200, 'the socket serves as ever';
	$switch->stop;
};

finish;
