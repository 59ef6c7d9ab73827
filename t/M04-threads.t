#!/usr/bin/perl
# M4: `relay_threads` workers, each with an epoll set of its own over which the calls are spread; their
# figures are read without stopping them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $threads = 3;
my @callers = 1001 .. 1006;
my $switch = start_switch(users => [@callers, map { $_ + 1000 } @callers], config => {
	plugins => {registrar => {}, 'media-proxy' => {mode => 'on', relay_threads => $threads}}});
my $pid = $switch->pid;

sub text_of { my ($path) = @_; open my $in, '<', $path or return ''; local $/; return <$in> }

is(scalar(grep { text_of($_) =~ /^relay-/ } glob "/proc/$pid/task/*/comm"), $threads,
	"$threads threads relay");

# How many descriptors are in each epoll set, by the set's own.
sub watched {
	return map { my $count = () = text_of($_) =~ /^tfd:/mg; $count ? ($_ => $count) : () }
		glob "/proc/$pid/fdinfo/*";
}

my %before = watched();
my @call = map { [connected(talker($switch, $_), talker($switch, $_ + 1000))] } @callers;
my @rtp = map { [map { $_->{phone}{rtp} } @$_] } @call;
my %during = watched();
my @more = map { $during{$_} } grep { !$before{$_} } keys %during;    # the relay's were empty
is_deeply(\@more, [(4 * @callers / $threads) x $threads],
	'their sockets, RTP and RTCP of two legs a call, are spread evenly');

for my $i (0 .. $#call) {
	$rtp[$i][$_]->start($call[$i][$_]->remote_sdp) for 0, 1;
}
my $asked = 0;
wait_for { $switch->control('calls'); $asked++; $rtp[0][0]->sent >= 100 } 20;
$_->stop for map { @$_ } @rtp;
my @pairs = map { [@$_], [reverse @$_] } @rtp;
wait_for { !grep { $_->[0]->received != $_->[1]->sent } @pairs } 5;
cmp_ok($asked, '>', 20, "while all talk, all figures are read $asked times");
is(scalar(grep { $_->[0]->received != $_->[1]->sent } @pairs), 0, 'and no packet is lost');
is(scalar(grep { $_->[0]->altered($_->[1]) } @pairs), 0, 'or comes to another call');
is_deeply([map { $_->{media}{streams}[0]{caller}{packets} } sort { $a->{caller} cmp $b->{caller} }
	@{$switch->control('calls')}], [map { scalar $_->[0]->sent } @rtp], 'each has its own figures');

$_->[0]->bye for @call;
$switch->control_until(sub { !@$_ }, 'calls');
my $empty = wait_for { my %after = watched(); !grep { !$before{$_} } keys %after } 5;
ok($empty, 'when all have hung up, their sets are empty');

finish;
