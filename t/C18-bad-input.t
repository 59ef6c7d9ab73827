#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;
use Holdline::Test::Sip qw(random_token);

# What does not belong, while a call is up: each gets the code the RFC names, and the call stands.
my $switch = start_switch(users => [1001, 1002]);
my ($alice, $bob) = phones($switch);
my ($out, $in);

sub call {
	$out = $alice->invite('1002', sdp => 1);
	$in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	$switch->control_until(sub { $_[0][0] && $_[0][0]{state} eq 'active' }, 'calls');
	return;
}

sub untouched {
	my ($name) = @_;
	my ($row) = @{$switch->control('calls')};
	is($row && $row->{state}, 'active', "$name: the call is untouched");
	return;
}

# A request of the dialog as text, with s/// on top.
sub spoilt {
	my ($method, $change, %arg) = @_;
	local $_ = $out->_request($method, %arg)->as_string;
	$change->() if $change;
	return $_;
}

sub answer_to {
	my ($text) = @_;
	$alice->forget;
	$alice->send_raw($text);
	my $answer = $alice->wait_message('4xx', 2);
	return $answer && $answer->code;
}

call();
for my $method (qw(BYE INVITE UPDATE INFO OPTIONS REFER MESSAGE NOTIFY PRACK)) {
	my $stray = $alice->make_request($method, 'sip:1002@holdline.test',
		to => '<sip:1002@holdline.test>;tag=none', from => $out->{local}, call_id => 'none');
	is($alice->transact($stray)->code, 481, "$method outside any dialog: 481");
}
untouched('requests outside');
for my $case (['From', qr/(From: [^\r]*tag=)\w+/], ['To', qr/(To: [^\r]*tag=)\w+/]) {
	my ($name, $pattern) = @$case;
	is(answer_to(spoilt('BYE', sub { s/$pattern/${1}wrong/ })), 481, "a wrong $name tag: 481");
}
is($out->request('INFO', cseq => 1, body => 'x')->code, 500, 'CSeq that goes backwards: 500');
untouched('wrong tags and numbers');

$alice->send_raw(spoilt('ACK', undef, cseq => 999));
$alice->send_raw(spoilt('ACK', sub { s/(To: [^\r]*tag=)\w+/${1}wrong/ }, cseq => 2));
untouched('ACK to nothing');
is($out->cancel->code, 200, 'CANCEL too late: 200, since there was such an INVITE');
untouched('CANCEL too late');
my $nothing = Holdline::Test::Sip->parse($out->_request('CANCEL')->as_string);
is($alice->transact($nothing)->code, 481, 'CANCEL of nothing: 481');

for my $branch (random_token(12), $in->invite_message->branch) {
	my $response = $bob->respond($in->invite_message, 200, sdp => 1);
	$response->set(Via => 'SIP/2.0/UDP ' . $switch->address('udp') . ";branch=z9hG4bK$branch");
	$bob->send_raw($response->as_string);
}
$bob->send_raw("SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP " . $switch->address('udp')
	. ";branch=z9hG4bKnobody\r\nFrom: <sip:a\@b>;tag=1\r\nTo: <sip:a\@b>;tag=2\r\nCall-ID: x\r\n"
	. "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
untouched('responses to nobody');

# Bodies.
my $before = $in->invite_message->body;
my $garbage = $out->request('INVITE', body => "this is no SDP\r\n", type => 'application/sdp');
cmp_ok($garbage->code, '>=', 200, 'an SDP that is none gets an answer: ' . $garbage->code);
if ($garbage->code < 300) {
	@$out{qw(invite_cseq)} = ($garbage->cseq);
	$out->ack;
}
untouched('an SDP that is none');
my $tcp = phone(switch => $switch, user => 1001, transport => 'tcp');
$tcp->register;
my $large = $tcp->request('OPTIONS', '1002', body => 'x' x 60000);
is($large->code, 200, 'a body of 60,000 bytes is read');
my $info = $out->request('INFO', body => 'y' x 40000, type => 'text/plain');
is($info->code, 200, 'and one of 40,000 passes');
is(length $in->expect('INFO')->body, 40000, 'as it was');
untouched('large bodies');
is(answer_to(spoilt('INFO', sub { s/Content-Length: \d+/Content-Length: 900/ }, body => 'short')),
	400, 'a Content-Length that is too large: 400');
is(answer_to(spoilt('INFO', sub { s/Content-Length: \d+/Content-Length: -5/ }, body => 'short')),
	400, 'one that is no number: 400');
$bob->forget;
is($alice->transact(Holdline::Test::Sip->parse(spoilt('INFO',
	sub { s/Content-Length: \d+/Content-Length: 5/ }, body => 'short and more')))->code, 200,
	'one that is too small: the rest is no part of it');
is($in->expect('INFO')->body, 'short', 'and does not pass');
untouched('Content-Length that lies');

for my $header ('Call-ID', 'CSeq') {
	my $code = answer_to(spoilt('BYE', sub { s/^$header:[^\r]*\r\n//m }));
	is($code, undef, "without $header there is nothing to answer");
}
is(answer_to(spoilt('BYE', sub { s/^From:[^\r]*\r\n//m })), 400, 'without From: 400');
is(answer_to(spoilt('BYE', sub { s/^(CSeq: \d+) BYE/$1 INVITE/m })), 400,
	'CSeq of another method: 400');
is(answer_to(spoilt('BYE', sub { s/^(User-Agent|Content-Length)/("X-A: b\r\n" x 300) . $1/me })),
	400, '300 header lines: 400');
untouched('what is malformed');

is($out->bye->code, 200, 'BYE');
is($out->request('BYE')->code, 481, 'BYE again: 481');
$in->ended;
is(scalar(my @record = $switch->cdrs(1)), 1, 'one record for all of it');
is($record[0]{reason}, 'Normal', 'of a normal call');
call();
$out->bye;
is($in->request('BYE')->code, 481, 'BYE against a BYE: 481');
is(scalar(@record = $switch->cdrs(2)), 2, 'and one record');

# SDP that is none in the first INVITE, and one of 64 KiB.
my $none = $alice->invite('1002', body => 'no SDP at all', type => 'application/sdp');
my $final = $alice->wait_message(sub { ($_[0]->code || 0) >= 300 }, 1);
if ($final) {
	cmp_ok($final->code, '>=', 400, 'an offer that is none is refused: ' . $final->code);
} else {
	$bob->incoming->reject(488);
	is($none->failed->code, 488, 'an offer that is none is the callee\'s to refuse');
}
is($switch->control('status')->{calls}, 0, 'no call is left');
finish;
