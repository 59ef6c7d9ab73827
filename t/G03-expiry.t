# G3: granted is min(asked, expire), behind NAT min(asked, nat_expire).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

sub granted {
	my ($phone, $asked) = @_;
	my $response = $phone->register(expires => $asked);
	return $response->code == 200 ? $response->params('Contact')->{expires} : $response->code;
}

my $switch = start_switch(users => [1001, 1002, 1003]);
my $open = phone(switch => $switch, user => '1001');
my $hidden = phone(switch => $switch, user => '1002', nat => nat());
is granted($open, 7200), 3600, 'in the open: expire is the most';
is granted($open, 600), 600, 'less is granted as asked';
is granted($open, undef), 3600, 'nothing asked is expire';
is granted($hidden, 3600), 300, 'behind NAT: nat_expire is the most';
is granted($hidden, 120), 120, 'less is granted as asked';
is granted($hidden, undef), 300, 'nothing asked is nat_expire';
near $switch->endpoint('1002')->{expires_in}, 300, 2, 'and the contact lives that long';
$switch->stop;

$switch = start_switch(users => [1001, 1002], clock_rate => 20, config => {plugins => {
	registrar => {expire => 1200, nat_expire => 60, min_expire => 20}}});
$open = phone(switch => $switch, user => '1001');
$hidden = phone(switch => $switch, user => '1002', nat => nat());
is granted($open, 3600), 1200, 'expire as configured';
my $start = now();
is granted($hidden, 3600), 60, 'nat_expire as configured';
is granted($hidden, 19), 423, 'min_expire as configured';
$switch->control_until(sub { !@$_ }, 'endpoints', user => '1002');
near now() - $start, 3, 0.5, 'a phone behind NAT that goes away is gone after nat_expire';
is scalar @{$switch->control('endpoints')}, 1, 'the other one is still there';

finish;
