# Listeners that come and go for as long as the switch runs: their number in one run has no end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my $switch = start_switch(users => [1001], clock_rate => 100);
my $config = $switch->{config};
my @stay = @{$config->{switch}{listen}};
sub listen_on { my (@more) = @_;
	return $switch->reload({%$config, switch => {%{$config->{switch}}, listen => [@stay, @more]}}) }

my ($opened, @odd) = 0;
wait_for {
	my @some = map { "udp:127.0.1.$_:0" } 1 .. 60;
	listen_on();
	my $answer = listen_on(@some);
	if ($answer->{ok}) {
		$opened += @some;
	} elsif ($answer->{error} !~ /no more than 1024 listeners in 5 minutes/) {
		push @odd, $answer->{error};
	}
	return $opened >= 2400 || @odd;
} 40;
is_deeply \@odd, [], 'listeners are opened and closed';
cmp_ok $opened, '>=', 2400, 'more than there is room for at a time';
ok((wait_for { listen_on('udp:127.0.0.2:0')->{ok} } 10), 'one more, as soon as there is room');
my ($address) = map { /^udp:(127\.0\.0\.2:\d+)$/ } @{$switch->control('status')->{listen}};
is scalar(@{$switch->control('status')->{listen}}), @stay + 1, 'status has those that are open';
my $phone = phone(switch => $switch, user => 1001, server => $address, local => '127.0.0.2');
is $phone->register->code, 200, 'it serves';
is $phone->unregister->code, 200, 'whoever came by it';
finish;
