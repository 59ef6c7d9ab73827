# A real client: sipp registers with digest over UDP and TCP, one by one and as a load.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

plan skip_all => 'sipp is not installed' unless Holdline::Test::Sipp::available();
my $switch = start_switch(users => [1001, 1002]);
my %user = (udp => '1001', tcp => '1002');

for my $transport (qw(udp tcp)) {
	my $user = $user{$transport};
	my $sipp = sipp(scenario => 'uac_register', remote => $switch->address($transport),
		transport => $transport, user => $user, password => $switch->password($user), calls => 20,
		rate => 50);
	ok $sipp->succeeded, "twenty registrations over $transport";
	my $rows = $switch->control('endpoints', user => $user);
	if ($transport eq 'udp') {
		is scalar(@$rows), 1, 'of one contact';
		is $rows->[0]{received_port}, $sipp->{port}, 'where sipp is';
		near $rows->[0]{expires_in}, 600, 5, 'for the time it asked for';
	} else {
		is scalar(@$rows), 0, 'whose contact ends with its connection';
	}
	my $wrong = sipp(scenario => 'uac_register', remote => $switch->address($transport),
		transport => $transport, user => $user, password => 'wrong');
	$wrong->wait_exit;
	is $wrong->exit_code, 1, 'and none with a wrong password';
}

# Always the same device, that begins anew each time: another Call-ID, a CSeq of 1.
my $load = sipp(scenario => 'uac_register', remote => $switch->address('udp'), user => '1001',
	password => $switch->password('1001'), calls => 2000, rate => 1000);
ok $load->succeeded, 'two thousand registrations, a thousand a second';
is scalar(grep { $_->{received_port} == $load->{port} }
	@{$switch->control('endpoints', user => '1001')}), 1, 'all of one contact';

finish;
