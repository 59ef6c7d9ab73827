# K19: a reload, and `param set`, reach those who are registered at once: message, period, targets and
# policy hold without a REGISTER, in any number, and who keeps his period keeps his phase.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $rate = 20;

# The passes under way: their periods, and how many endpoints each has.
sub rings { return join ' ', map { "$_->{period}:$_->{endpoints}" } @{$_[0]{rings}} }

subtest 'six hundred contacts' => sub {
	my @users = 1001 .. 1020;
	my $switch = start_switch(users => \@users, clock_rate => $rate, config => {plugins => {
		registrar => {auth => 'off', max_contacts => 100},
		keepalive => {period => 10, targets => 'all'}}});
	for my $user (@users) {
		my $phone = phone(switch => $switch, user => $user);
		is $phone->register(contact => join ', ', map { "<sip:$_\@10.0.0.1>" } 1 .. 30)->code, 200,
			"thirty contacts of $user";
	}
	my $set = sub {
		my ($name, $value, $wanted) = @_;
		$switch->control('param', op => 'set', name => "keepalive.$name", value => $value);
		is rings($switch->control_until(sub { rings($_) eq $wanted }, 'keepalive')), $wanted,
			"$name: $value";
	};
	is rings($switch->control('keepalive')), '10:600', 'all have the configured period';
	$set->(period => 25, '25:600');
	$set->(message => '', '');
	$set->(message => 'HI', '25:600');
	$set->(targets => 'nat', '25:600');
	$switch->stop;
};

subtest 'what they get' => sub {
	my $switch = start_switch(users => [1001, 1002], clock_rate => $rate, config => {plugins => {
		registrar => {}, keepalive => {period => 10, targets => 'all'}}},
		lua => "return {keepalive = function(e) if e.user == '1002' then return {message = 'A'} end end}");
	my @phones = phones($switch);
	is $_->heartbeat->bytes, $_->user eq '1002' ? 'A' : 'HELLO', $_->user . ' by the first script'
		for @phones;
	my $first = $phones[0]->heartbeat->at;
	$switch->write_file('policy.lua',
		"return {keepalive = function(e) if e.user == '1002' then return {message = 'B'} end end}");
	ok $switch->reload->{ok}, 'another script';
	$_->forget for @phones;
	is $phones[1]->heartbeat->bytes, 'B', 'its next heartbeat is that of the second';
	is $phones[0]->heartbeat->bytes, 'HELLO', 'the other has the one it had';
	my $periods = ($phones[0]->heartbeat->at - $first) * $rate / 10;
	near $periods, sprintf('%.0f', $periods), 0.15, 'at its old phase';
	$switch->control('param', op => 'set', name => 'keepalive.targets', value => 'nat');
	$switch->control_until(sub { !$_->{endpoints} }, 'keepalive');
	$_->forget for @phones;
	quiet(1.5 * 10 / $rate);
	is scalar(my @none = heartbeats(@phones)), 0, 'targets: nat: none in the open';
	$switch->stop;
};

finish;
