#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# What passes from leg to leg and what does not: Reason, Retry-After and what the configuration
# names pass; no header of one leg shows an address, Call-ID or tag of the other.
my $switch = start_switch(users => [1001, 1002], config => {
	switch => {pass_headers => ['X-Account', 'P-Charge-Info']}});
my $alice = phone(switch => $switch, user => 1001, local => '127.0.0.5', user_agent => 'Alice');
my $bob = phone(switch => $switch, user => 1002, local => '127.0.0.6', user_agent => 'Bob');
$_->register for $alice, $bob;

sub ring {
	my ($out) = $alice->invite('1002', sdp => 1, headers => [@_]);
	my $in = $bob->incoming;
	return ($out, $in);
}

# Every header of every message of a phone, but for what it sent itself.
sub shows {
	my ($phone, $what) = @_;
	return map { $_->summary } $phone->seen(sub {
		my ($head) = split /\r\n\r\n/, $_[0]->bytes, 2;
		$head =~ /\Q$what\E/;
	});
}

my ($out, $in) = ring('X-Account' => '42', 'P-Charge-Info' => '<sip:42@127.0.0.5:5066>',
	'X-Secret' => 'no', 'Alert-Info' => '<http://127.0.0.5/ring.wav>');
my $invite = $in->invite_message;
is($invite->header('X-Account'), '42', 'a header that is named passes');
is($invite->header('X-Secret'), undef, 'another does not');
like($invite->header('P-Charge-Info'), qr/^<sip:42\@127\.0\.0\.1>/, 'an address in it is hidden');
$in->respond(183, sdp => 1, headers => ['X-Account' => 'early']);
is($out->expect(183)->header('X-Account'), 'early', 'in a provisional response');
$in->answer(sdp => 1, headers => ['X-Account' => 'late']);
is($out->answered->header('X-Account'), 'late', 'in the answer');
$out->reinvite(headers => ['X-Account' => 'again']);
is($in->expect('INVITE')->header('X-Account'), 'again', 'and in requests inside the call');
$out->update(sdp => 1);
$in->request('INFO', headers => ['X-Account' => 'back']);
is($out->expect('INFO')->header('X-Account'), 'back', 'both ways');
$out->request('REFER', headers => ['Refer-To' => '<sip:1003@127.0.0.5:5062>',
	'Referred-By' => '<sip:1001@127.0.0.5>']);
my $refer = $in->expect('REFER');
like($refer->header('Refer-To'), qr/^<sip:1003\@127\.0\.0\.1>/, 'Refer-To names no address either');
$out->bye(headers => [Reason => 'Q.850;cause=16;text="Normal"']);
is($in->ended->header('Reason'), 'Q.850;cause=16;text="Normal"', 'the Reason of a BYE passes');
for my $case ([$alice, $bob, $out, $in], [$bob, $alice, $in, $out]) {
	my ($phone, $other, $own, $far) = @$case;
	is_deeply([shows($phone, $other->link->local =~ s/:.*//r)], [],
		"no header that $phone->{user_agent} saw shows where $other->{user_agent} is");
	is_deeply([shows($phone, $far->call_id)], [], 'nor its Call-ID');
	is_deeply([shows($phone, $far->{local_tag})], [], 'nor its tag');
	is_deeply([shows($phone, $other->{user_agent})], [], 'nor what it is');
}

($out, $in) = ring();
$in->respond(180);
$out->expect(180);
$in->reject(503, headers => ['Retry-After' => 120, Reason => 'Q.850;cause=34']);
my $refusal = $out->failed;
is($refusal->code, 503, 'a refusal passes');
is($refusal->header('Retry-After'), 120, 'with Retry-After');
is($refusal->header('Reason'), 'Q.850;cause=34', 'and Reason');

($out, $in) = ring();
$in->respond(180);
$out->expect(180);
my $cancel = $out->{transaction}{request};
my $request = Holdline::Test::Sip->new_request('CANCEL', $cancel->uri);
$request->add(map { $_ => $cancel->header($_) } qw(Via From To Call-ID));
$request->add('Max-Forwards' => 70, CSeq => $cancel->cseq . ' CANCEL',
	Reason => 'SIP;cause=200;text="Call completed elsewhere"');
$alice->transact($request);
is($in->expect('CANCEL')->header('Reason'), 'SIP;cause=200;text="Call completed elsewhere"',
	'the Reason of a CANCEL passes');
is($out->failed->code, 487, 'the INVITE ends with 487');
($out, $in) = ring();
$in->respond(180);
$out->expect(180);
$out->cancel;
like($in->expect('CANCEL')->header('Reason'), qr/cause=487/, 'a CANCEL without says who it was');
$out->failed;

my @bad = switch_object(config => {switch => {pass_headers => ['X-Good', 'Via', 'no name']}},
	args => ['--check'])->run;
is($bad[0], 2, 'headers that a leg has of its own cannot pass');
like($bad[1], qr/pass_headers.*"Via" belongs to one leg/, 'and --check says so');
like($bad[1], qr/"no name" is not the name of a header/, 'for what is no name, too');
finish;
