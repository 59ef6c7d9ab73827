# G5: wrong passwords suspend a user from that source; an unknown user looks just the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 50;
my $switch = start_switch(users => [1001, 1002], clock_rate => $rate, config => {
	plugins => {registrar => {auth_max_retry => 3, auth_suspend => 60}}});

sub attempt {
	my ($user, $password, %arg) = @_;
	return phone(switch => $switch, user => $user, password => $password, %arg)->register;
}

subtest 'three wrong passwords' => sub {
	is attempt('1001', 'guess')->code, 403, 'the first is refused';
	my $second = attempt('1001', 'guess');
	is $second->code, 403, 'the second too';
	ok !defined $second->header('Retry-After'), 'without a word about suspension';
	my $third = attempt('1001', 'guess');
	my $end = now() + 60 / $rate;
	is $third->code, 403, 'the third suspends';
	near $third->header('Retry-After'), 60, 1, 'for auth_suspend seconds';
	my $right = attempt('1001', 'secret-1001');
	is $right->code, 403, 'now the right password is refused too';
	cmp_ok $right->header('Retry-After'), '<=', 60, 'and told how long';
	is attempt('1002', 'secret-1002')->code, 200, 'another user from there is not';
	is attempt('1001', 'secret-1001', local => '127.0.0.5')->code, 200, 'nor that user from elsewhere';
	wait_for { now() > $end } 5;
	is attempt('1001', 'secret-1001')->code, 200, 'it ends by itself';
};

subtest 'a right password in between' => sub {
	for (1, 2) {
		is attempt('1002', 'guess')->code, 403, 'two wrong ones' for 1, 2;
		is attempt('1002', 'secret-1002')->code, 200, 'and the right one';
	}
};

subtest 'a user that does not exist' => sub {
	my $phone = phone(switch => $switch, user => '9999', password => 'guess');
	is $phone->register(auth => 0)->code, 401, 'is challenged';
	my @answer = map { attempt('9999', 'guess', local => '127.0.0.6') } 1 .. 3;
	is_deeply [map { $_->code } @answer], [403, 403, 403], 'and refused like a wrong password';
	near $answer[2]->header('Retry-After'), 60, 1, 'and suspended like one';
	my @rejected = $switch->log_events(event => 'rejected');
	ok scalar(@rejected), 'the log has it';
	ok !(grep { $_->{line} =~ /guess|secret-|response=/ } $switch->log_events()), 'without secrets';
};

finish;
