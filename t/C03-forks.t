#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# All contacts of a user ring; the first answer wins.
my $switch = start_switch(users => [1001, 1002]);
my $alice = phone(switch => $switch, user => 1001);
my ($desk, $mobile) = map { phone(switch => $switch, user => 1002) } 1, 2;
is($_->register->code, 200, 'registered') for $alice, $desk, $mobile;

my $out = $alice->invite('1002', sdp => 1);
my @in = map { $_->incoming } $desk, $mobile;
isnt($in[0]->call_id, $in[1]->call_id, 'each fork is a dialog of its own');
$_->respond(180) for @in;
$out->expect(180);
$in[1]->answer(sdp => 1);
my $cancel = $in[0]->expect('CANCEL');
like($cancel->header('Reason'), qr/completed elsewhere/, 'the others are told why they stop ringing');
$out->answered;
$out->bye;
ok($in[1]->ended, 'the winner is hung up');
my @record = $switch->cdrs(1);
is(scalar @record, 1, 'one call, one record');
is($record[0]{callee_addr}, $mobile->received, 'of the one that answered');

# One refuses, the other goes on ringing; the best failure reaches the caller.
$out = $alice->invite('1002', sdp => 1);
@in = map { $_->incoming } $desk, $mobile;
$in[0]->reject(486);
$in[1]->respond(180);
$out->expect(180);
$in[1]->reject(480);
my $failure = $out->failed;
is($failure->code, 486, 'busy says more than not available');
is(($switch->cdrs(2))[1]{reason}, 'Busy', 'so does the record');

# 6xx ends it for all.
$out = $alice->invite('1002', sdp => 1);
@in = map { $_->incoming } $desk, $mobile;
$in[1]->respond(180);
$in[0]->reject(603);
ok($in[1]->expect('CANCEL'), '603 from one: the other stops ringing');
is($out->failed->code, 603, 'the caller gets 603');

# A 2xx that crosses the CANCEL is ACKed and ended (RFC 3261 §13.2.2.4).
$desk->{manual} = ['CANCEL'];
$out = $alice->invite('1002', sdp => 1);
@in = map { $_->incoming } $desk, $mobile;
$_->respond(180) for @in;
$in[1]->answer(sdp => 1);
my $late = $in[0]->expect('CANCEL');
$desk->respond($late, 200);
$in[0]->answer(sdp => 1);
ok($in[0]->ended, 'an answer too late gets ACK and BYE');
$out->answered;
is($switch->control('status')->{calls}, 1, 'the call itself goes on');

# A proxy behind the callee forked: a second 2xx with another tag is another dialog.
$mobile->respond($in[1]->invite_message, 200, tag => 'second', sdp => 1);
for my $method (qw(ACK BYE)) {
	ok($mobile->expect(sub { ($_[0]->method || '') eq $method
		&& ($_[0]->to_tag || '') eq 'second' }), "a second answer gets its own $method");
}
is($switch->control('status')->{calls}, 1, 'and the call goes on');
$out->bye;
ok($in[1]->ended, 'and ends as usual');
is(scalar(my @all = $switch->cdrs(4)), 4, 'four calls, four records');
finish;
