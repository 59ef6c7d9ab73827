#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Requests inside a call: what concerns the session goes across, the rest is answered by the leg.
my $switch = start_switch(users => [1001, 1002]);
my ($alice, $bob) = phones($switch);
my $out = $alice->invite('1002', sdp => 1);
my $in = $bob->incoming;
$in->answer(sdp => 1);
$out->answered;

my $hold = $alice->sdp_text({direction => 'sendonly', version => 2});
my $answer = $out->reinvite(sdp => $hold);
is($answer->code, 200, 're-INVITE of the caller is answered');
my $passed = $in->expect('INVITE');
is($passed->body, $hold, 'the callee saw the same offer');
ok($in->expect('ACK'), 'and got its ACK');
is($in->reinvite->code, 200, 're-INVITE of the callee');
is($out->expect('INVITE')->body, $bob->sdp_text(1), 'reached the caller');
ok($out->expect('ACK'), 'and was acknowledged');

is($out->update(sdp => 1)->code, 200, 'UPDATE with SDP is answered');
ok($in->expect('UPDATE')->body, 'by the other side');
$bob->forget;
is($out->update->code, 200, 'UPDATE without SDP is answered');
is($out->request('OPTIONS')->code, 200, 'OPTIONS, too');
is($out->request('INFO', body => "Signal=5\r\n", type => 'application/dtmf-relay')->code, 200, 'INFO');
my $info = $in->expect('INFO');
is($info->body, "Signal=5\r\n", 'has passed with its body');
is($info->header('Content-Type'), 'application/dtmf-relay', 'and type');
is(scalar(my @update = $bob->seen('UPDATE')), 0, 'what the leg answered itself has not');

# A refused re-INVITE leaves the call as it was.
$bob->{serve}{INVITE} = sub { $_[0]->respond($_[1], 488) };
is($out->reinvite(sdp => $hold)->code, 488, 'the refusal of a re-INVITE comes back');
delete $bob->{serve}{INVITE};
is($switch->control('calls')->[0]{state}, 'active', 'the call goes on');

# Glare: both at once.
$bob->forget;
$bob->{manual} = ['INVITE'];
my $one = $out->start_request('INVITE', sdp => $hold);
my $pending = $in->expect('INVITE');
is($in->reinvite(sdp => 1)->code, 491, 'a re-INVITE against a pending one: 491');
$bob->respond($pending, 200, sdp => 1);
is($alice->final($one)->code, 200, 'the first is answered');
$out->{transaction} = $one;
$out->{invite_cseq} = $one->{request}->cseq;
$out->ack;
ok($in->expect('ACK'), 'and acknowledged');
$bob->{manual} = [];

is($out->request('INFO', cseq => 1)->code, 500, 'a CSeq that goes backwards: 500');
my $stranger = $alice->make_request('BYE', 'sip:' . $switch->address('udp'), to => $out->{remote},
	from => '<sip:1001@holdline.test>;tag=wrong', call_id => $out->call_id);
is($alice->transact($stranger)->code, 481, 'a BYE with the wrong tag: 481');
is($switch->control('status')->{calls}, 1, 'and the call stands');
$out->bye;
ok($in->ended, 'it ends when it should');
finish;
