#!/usr/bin/perl
# M3: the step that decided is in the log, on the control socket and in the record, in the same words.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Media;

my $switch = start_switch(users => [1001, 1002], config => {
	plugins => {registrar => {}, 'media-proxy' => {}}});
my $nat = nat();
my $alice = talker($switch, 1001, nat => $nat);
my $bob = talker($switch, 1002);
my $reason = 'auto:5 caller behind NAT';

my ($call, $in) = connected($alice, $bob);
my $logged = $switch->wait_log(event => 'media-decision');
is($logged->{reason}, $reason, 'in the log');
is($logged->{relayed}, 'true', 'with what it means');
is(media_of($switch)->{reason}, $reason, 'on the control socket');
hear_each_other($call, $in, 'both are heard');
my ($stream) = @{media_of($switch)->{streams}};
is($stream->{type}, 'audio', 'the control socket shows the stream');
is($stream->{codec}, 'PCMU', 'its codec');
cmp_ok($stream->{caller}{packets}, '>=', 5, 'what came from the caller');
is($stream->{caller}{bytes}, 172 * $stream->{caller}{packets}, 'in bytes');
cmp_ok($stream->{callee}{packets}, '>=', 5, 'and from the callee');
$call->bye;

my ($cdr) = $switch->cdrs(1);
is($cdr->{media_reason}, $reason, 'in the record');
ok($cdr->{media_relayed}, 'with what it means');
is($cdr->{codec}, 'PCMU', 'and the codec');
is($cdr->{streams}[0]{caller}{packets}, $alice->{rtp}->sent, 'all packets of the caller are counted');
is($cdr->{streams}[0]{callee}{packets}, $bob->{rtp}->sent, 'and all of the callee');
is($cdr->{streams}[0]{$_}{lost}, 0, "none of the $_ lost") for qw(caller callee);

# The codec is that of the answer, whatever was offered first
($call, $in) = connected($alice, $bob, answer => $bob->sdp_text({}) =~ s{RTP/AVP .*\r}{RTP/AVP 8 101\r}r);
is(media_of($switch)->{streams}[0]{codec}, 'PCMA', 'the codec of the answer counts');
$call->bye;
is(($switch->cdrs(2))[1]{codec}, 'PCMA', 'in the record too');

finish;
