# K16: every packet from an endpoint's tuple is proof of life; with `skip_active` it saves the heartbeat.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 50;

sub switch_with {
	my (%keepalive) = @_;
	return start_switch(users => [1001, 1002, 1003], clock_rate => $rate, config => {
		plugins => {registrar => {nat_expire => 3600},
			keepalive => {period => 10, targets => 'all', %keepalive}}});
}

# Two phones for a second and a half, the first of which speaks all the time.
sub speak {
	my ($switch, $bytes) = @_;
	my @phone = map { phone(switch => $switch, user => $_) } 1001, 1002;
	$_->register for @phone;
	my $end = now() + 1.5;
	while (now() < $end) {
		$phone[0]->send_raw($bytes);
		quiet(0.05);
	}
	return @phone;
}

subtest 'skip_active: on' => sub {
	my $switch = switch_with(skip_active => 'on');
	my ($active, $silent) = speak($switch, "\r\n\r\n");
	is scalar $active->heartbeats, 0, 'who speaks all the time needs none';
	cmp_ok scalar $silent->heartbeats, '>=', 5, 'who is silent gets them';
	my $own = $switch->endpoint('1001')->{keepalive};
	cmp_ok $own->{skipped}, '>=', 5, 'the endpoint shows how often it was skipped';
	is $own->{missed}, 0, 'which is not missed';
	my $result = $switch->control('keepalive');
	cmp_ok $result->{skipped}, '>=', 5, 'the switch shows it, too';
	is $result->{missed}, 0, 'and misses none';
	ok $active->heartbeat, 'once it is silent it gets one';
	$switch->stop;
};

subtest 'skip_active: off' => sub {
	my $switch = switch_with();
	my ($active) = speak($switch, "\0");
	cmp_ok scalar $active->heartbeats, '>=', 5, 'speaking saves nothing';
	is $switch->endpoint('1001')->{keepalive}{skipped}, 0, 'none is skipped';
	$switch->stop;
};

subtest 'proof of life' => sub {
	my $switch = switch_with(method => 'options', options_fail_limit => 1);
	my $phone = phone(switch => $switch, user => '1003', manual => ['OPTIONS']);
	$phone->register;
	$switch->wait_log(tag => 'keepalive', event => 'unreachable');
	is $switch->endpoint('1003')->{reachable}, JSON::PP::false, 'unreachable';
	$phone->send_raw("\r\n\r\n");
	$switch->control_until(sub { $_->[0]{reachable} }, 'endpoints', user => '1003');
	pass 'any packet of its makes it reachable again';
	$switch->stop;
};

finish;
