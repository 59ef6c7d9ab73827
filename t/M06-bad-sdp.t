#!/usr/bin/perl
# M6: SDP that is wrong is refused with 488 where it is to be relayed, or passed; nothing is ever
# half open.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $head = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\n";
my $good = "c=IN IP4 127.0.0.1\r\nt=0 0\r\n";
my %bad = (
	'100 m-lines' => $head . $good . join('', map { "m=audio $_ RTP/AVP 0\r\n" } 4000 .. 4099),
	'port 70000' => "$head${good}m=audio 70000 RTP/AVP 0\r\n",
	'a negative port' => "$head${good}m=audio -1 RTP/AVP 0\r\n",
	'IPv6 in IP4' => "${head}c=IN IP4 ::1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
	'no format' => "$head${good}m=audio 4000 RTP/AVP\r\n",
	'a line of nonsense' => "$head${good}m=audio 4000 RTP/AVP 0\r\nnonsense\r\n",
);

sub bad_switch {
	my ($mode) = @_;
	my $switch = start_switch(users => [1001, 1002], config => {
		plugins => {registrar => {}, 'media-proxy' => {mode => $mode}}});
	return ($switch, map { talker($switch, $_) } 1001, 1002);
}

my ($switch, $alice, $bob) = bad_switch('on');
my $records = 0;
for my $name (sort keys %bad) {
	my $call = $alice->invite(1002, sdp => $bad{$name});
	is($call->failed->code, 488, "an offer with $name is refused");
	$switch->cdrs(++$records);
	is($switch->control('media')->{used}, 0, '  and nothing is open');

	$call = $alice->invite(1002, sdp => 1);
	my $in = $bob->incoming;
	$in->respond(200, sdp => $bad{$name});
	is($call->failed->code, 488, "an answer with $name ends the call");
	$in->ended;
	$switch->cdrs(++$records);
	is($switch->control('media')->{used}, 0, '  and nothing is left open');

	my ($talk, $talked) = connected($alice, $bob);
	is($talk->reinvite(sdp => $bad{$name})->code, 488, "a re-INVITE with $name is refused");
	hear_each_other($talk, $talked, '  and the call goes on');
	$talk->bye;
	$switch->cdrs(++$records);
}

# No c= at all: where the phone is shows by its packets
my $call = $alice->invite(1002, sdp => "${head}t=0 0\r\nm=audio " . $alice->{rtp}->port . " RTP/AVP 0\r\n");
my $in = $bob->incoming;
$in->answer(sdp => 1);
$call->answered;
is($in->remote_sdp->{host}, '127.0.0.1', 'without c= the call gets one');
hear_each_other($call, $in, 'and the phone is heard, and hears');
$call->bye;
$switch->cdrs(++$records);

# Our own port in somebody else's SDP would make a circle
($call, $in) = connected($alice, $bob);
my $own = $in->remote_sdp->{port};
is($call->reinvite(sdp => {host => '127.0.0.1', port => $own})->code, 488, 'a port of the relay itself is refused');
hear_each_other($call, $in, 'and the call goes on');
$call->bye;
$switch->cdrs(++$records);
is($switch->control('media')->{used}, 0, 'nothing is open in the end');
$switch->stop;

# … and so would the port that this very call is going to have
my ($first) = Holdline::Test::Switch::port_range() =~ /^(\d+)/;
for my $guess ($first, $first + 2) {
	($switch, $alice, $bob) = bad_switch('on');
	my $circle = $alice->invite(1002, sdp => {host => '127.0.0.1', port => $guess});
	is($circle->failed->code, 488, 'a port that is about to be the relay\'s is refused');
	$switch->cdrs(1);
	is($switch->control('media')->{used}, 0, '  and nothing is open');
	$switch->stop;
}

($switch, $alice, $bob) = bad_switch('off');
for my $name (sort keys %bad) {
	my $direct = $alice->invite(1002, sdp => $bad{$name});
	my $heard = $bob->incoming;
	is($heard->invite_message->body, $bad{$name}, "direct: $name passes byte for byte");
	$heard->respond(486);
	$direct->failed;
}

finish;
