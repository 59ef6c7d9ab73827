# G5: the tools of those who scan the Internet, and what they find: no user, no password.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Sipvicious;

plan skip_all => 'sipvicious is not installed' unless Holdline::Test::Sipvicious::available();

my @crack = ('-u', '1004', '-r', '1225-1240');
my %endpoint = (endpoints => {1004 => {password => '1234'}});

# Starts one, from an address of its own: each wants port 5060.
sub attack {
	my ($switch, $local, $tool, @args) = @_;
	return Holdline::Test::Sipvicious->new(tool => $tool, remote => $switch->address('udp'),
		local => "127.0.0.$local", seconds => 9, args => \@args);
}

my $switch = start_switch(users => [1003, 1005], config => {%endpoint});
my @methods = qw(REGISTER INVITE OPTIONS);
my %scan = map { $methods[$_] => attack($switch, 11 + $_, 'svwar', '-e', '1002-1006',
	'-m', $methods[$_], '--force') } 0 .. $#methods;
my $crack = attack($switch, 20, 'svcrack', @crack);

subtest 'svwar looks for extensions' => sub {
	for my $method (qw(REGISTER INVITE)) {
		is_deeply [$scan{$method}->findings], [], "$method: all look alike, it finds none";
		like $scan{$method}->output, qr/found nothing/, 'and says so';
	}
	my @found = map { $_->[0] } $scan{OPTIONS}->findings;
	ok !(grep { /^100[345]$/ } @found) || (grep { /^100[26]$/ } @found),
		'OPTIONS: it does not tell users from others';
};

subtest 'svcrack guesses' => sub {
	# Refused, it repeats itself for good: it is stopped then.
	is_deeply [$crack->findings], [], 'the tenth password is right, and it does not find it';
	my @suspended = $switch->log_events(event => 'suspended');
	is scalar(@suspended), 1, 'for it is suspended';
	is "$suspended[0]{user} $suspended[0]{seconds}", '1004 180', 'that user from that address';
	is scalar(@{$switch->control('endpoints')}), 0, 'nobody is registered';
	my $phone = phone(switch => $switch, user => '1004', local => '127.0.0.5');
	is $phone->register->code, 200, 'the user himself registers from elsewhere';
	my $other = phone(switch => $switch, user => '1005', local => $suspended[0]{source});
	is $other->register->code, 200, 'and others from there';
};

my $open = start_switch(config => {%endpoint, plugins => {registrar => {auth_max_retry => 0}}});
my $quiet = start_switch(config => {%endpoint,
	plugins => {registrar => {reply_unauthorized => \'off'}}});
$crack = attack($open, 21, 'svcrack', @crack);
my %map = (on => attack($open, 22, 'svmap'), off => attack($quiet, 23, 'svmap'));

subtest 'auth_max_retry: 0' => sub {
	is_deeply [$crack->findings], [['1004', '1234']], 'is never: the same guesses find the password';
	is scalar(() = $open->log_events(event => 'suspended')), 0, 'nobody is suspended';
};

subtest 'svmap looks for switches' => sub {
	is scalar(my @found = $map{on}->findings), 1, 'reply_unauthorized: on: it finds one';
	is scalar(@found = $map{off}->findings), 0, 'off: it finds none';
};

finish;
