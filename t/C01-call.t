#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Two phones call each other through the switch: two dialogs that show nothing of each other.
my $switch = start_switch(users => [1001, 1002]);
my ($alice, $bob) = phones($switch);

my $out = $alice->invite('1002', sdp => 1, headers => [Subject => 'dinner', 'X-Own' => 'no']);
my $in = $bob->incoming;
my $invite = $in->invite_message;
is($out->expect(100)->code, 100, 'the caller gets 100 at once');
$in->respond(180);
is($out->expect(180)->code, 180, 'ringing reaches the caller');
$in->answer(sdp => 1);
my $answer = $out->answered;

isnt($invite->call_id, $out->call_id, 'the callee has a Call-ID of its own');
like($invite->header('From'), qr/<sip:1001\@/, 'From names the caller');
like($invite->header('To'), qr/<sip:1002\@/, 'To names who was called');
like($invite->uri, qr/^sip:1002\@\Q@{[$bob->host_port]}\E/, 'the Request-URI is the Contact as registered');
is(scalar $invite->headers('Via'), 1, 'one Via: the switch is an end of the dialog');
my $address = $switch->address('udp');
like($invite->header('Contact'), qr/\Q$address\E/, 'the Contact is the switch');
unlike($invite->as_string =~ s/\r\n\r\n.*//sr, qr/\Q@{[$alice->host_port]}\E/,
	'no header shows the caller\'s address');
is($invite->header('Subject'), 'dinner', 'Subject passes');
is($invite->header('X-Own'), undef, 'unknown headers do not');
is($invite->header('Max-Forwards'), 69, 'Max-Forwards counts down');
like($answer->header('Contact'), qr/\Q$address\E/, 'the caller talks to the switch, too');
is($in->remote_sdp_text, $alice->sdp_text(1), 'a direct call leaves the offer untouched')
	if $switch->control('calls')->[0]{media}{relayed} eq '0';

my ($row) = @{$switch->control('calls')};
is($row->{state}, 'active', 'the call is active');
is(scalar @{$row->{legs}}, 2, 'and has two legs');
is($switch->control('call', id => $row->{id})->{id}, $row->{id}, 'it is found by its id');
is($switch->control('status')->{calls}, 1, 'it is counted');

is($out->bye->code, 200, 'the caller hangs up');
ok($in->ended, 'the callee gets its BYE');
my ($cdr) = $switch->cdrs(1);
is($cdr->{id}, $row->{id}, 'the record has the call\'s id');
is($cdr->{$_->[0]}, $_->[1], "record: $_->[0]") for ['caller', '1001'], ['callee', '1002'],
	['ended_by', 'caller'], ['reason', 'Normal'], ['detail', undef], ['sip_code', 200],
	['caller_addr', $alice->received], ['callee_addr', $bob->received], ['gateway', undef],
	['codec', 'PCMU'];
like($cdr->{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "record: $_ is UTC with milliseconds")
	for qw(started answered ended);
cmp_ok($cdr->{pdd_ms}, '>=', 0, 'record: post-dial delay');

$out = $bob->invite('1001', sdp => 1);
$in = $alice->incoming;
$in->answer(sdp => 1);
$out->answered;
is($in->bye->code, 200, 'now the callee hangs up');
ok($out->ended, 'the caller gets its BYE');
is(($switch->cdrs(2))[1]{ended_by}, 'callee', 'and the record says who');
is($switch->control('status')->{calls}, 0, 'no call is left');
is($in->request('INFO')->code, 481, 'a request in the ended dialog: 481');
finish;
