# K5: a socket that takes no more (ENOBUFS) is gone on with where it stopped: nobody is left out, nobody
# gets two.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Router;

my $why = Holdline::Test::Router::why_not();
plan skip_all => $why if $why;

my @users = (1001 .. 1080);
my $router = Holdline::Test::Router->new;
my $switch = $router->within(switch => sub {
	return start_switch(users => \@users, config => {
		switch => {listen => ['udp:' . $router->address('switch') . ':0']},
		plugins => {registrar => {auth => 'off'}, keepalive => {period => 10}}});
});
my @phones = $router->within(phone => sub {
	return phones($switch, local => $router->address('phone'));
});

# A line that takes 20 heartbeats at once and then 50 a second; what is too much it refuses.
my $narrow = $router->narrow(switch => '25kbit', 1540, 1400);
plan skip_all => 'tc has no tbf here' unless $narrow;

$phones[-1]->heartbeat(15);
my @got = map { scalar $_->heartbeats } @phones;
is scalar(grep { $_ == 1 } @got), @users, 'in a pass each phone got one';
my @at = sort { $a <=> $b } map { ($_->heartbeats)[0]->at } @phones;
cmp_ok $at[-1] - $at[0], '>', 0.3, 'though the line was far too narrow for all at once';
my $result = $switch->control('keepalive');
cmp_ok $result->{sockets}[0]{full}, '>', 0, 'the switch says how often its socket was full';
is $result->{sockets}[0]{sent}, scalar(@users), 'and what it has sent';
is $result->{missed}, 0, 'nobody was missed';

finish;
