#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Before the answer: early media of one fork only, and requests in the early dialog (RFC 3311).
my $switch = start_switch(users => [1001, 1002]);
my $alice = phone(switch => $switch, user => 1001);
my ($desk, $mobile) = map { phone(switch => $switch, user => 1002) } 1, 2;
$_->register for $alice, $desk, $mobile;

my $out = $alice->invite('1002', sdp => 1);
my @in = map { $_->incoming } $desk, $mobile;
my $tone = $desk->sdp_text({port => 40000});
my $other = $mobile->sdp_text({port => 40002});
$in[1]->respond(180);
is($out->expect(180)->body, '', 'ringing of one');
$in[0]->respond(183, sdp => $tone);
is($out->expect(183)->body, $tone, 'early media of the other');
$in[1]->respond(183, sdp => $other);
is($out->expect(183)->body, '', 'a second one\'s is not heard: the dialog has one session');
$in[0]->respond(183, sdp => $tone);
is($out->expect(183)->body, $tone, 'the first one\'s may come again');

# UPDATE in the early dialog goes to the fork that is heard, and comes from it.
my $hold = $alice->sdp_text({direction => 'sendonly', version => 2});
is($out->update(sdp => $hold)->code, 200, 'UPDATE of the caller before the answer');
is($in[0]->expect('UPDATE')->body, $hold, 'reaches the fork that is heard');
is(scalar(my @no = $mobile->seen('UPDATE')), 0, 'and not the other');
is($in[0]->update(sdp => $tone)->code, 200, 'UPDATE of that fork');
is($out->expect('UPDATE')->body, $tone, 'reaches the caller');
is($in[0]->request('INFO', body => 'x')->code, 200, 'INFO, too');
is($out->expect('INFO')->body, 'x', 'with its body');
is($out->request('INVITE', sdp => 1)->code, 500, 'but no INVITE before the first is answered');

# The one that is heard gives up: the other is heard.
$in[0]->reject(486);
$in[1]->respond(183, sdp => $other);
is($out->expect(183)->body, $other, 'when it is gone, the other is heard');
$in[1]->answer(sdp => $other);
is($out->answered->body, $other, 'and answers');
is($switch->control('calls')->[0]{state}, 'active', 'the call is up');
$out->bye;
ok($in[1]->ended, 'and ends');
finish;
