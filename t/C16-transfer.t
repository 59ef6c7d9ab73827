#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Transfers across the switch: blind (RFC 3515) and attended with Replaces (RFC 3891), where the
# dialog that is to be replaced has another name on each leg.
my $switch = start_switch(users => [1001, 1002, 1003]);
my ($alice, $bob, $carol) = phones($switch);

# NOTIFY of how it goes, as the transferee sends it.
sub notify {
	my ($call, $refer, $code, $id) = @_;
	return $call->request('NOTIFY', body => "SIP/2.0 $code\r\n", type => 'message/sipfrag',
		headers => [Event => 'refer' . ($id ? ';id=' . $refer->cseq : ''),
			'Subscription-State' => $code >= 200 ? 'terminated;reason=noresource' : 'active']);
}

# Blind: alice, in a call with bob, sends him to carol.
{
	my ($out, $in) = answered_call($alice, '1002', $bob);
	$bob->{serve}{REFER} = sub { $_[0]->respond($_[1], 202) };
	my $answer = $out->request('REFER', headers => ['Refer-To' => '<sip:1003@holdline.test>',
		'Referred-By' => '<sip:1001@' . $alice->host_port . '>']);
	is($answer->code, 202, 'REFER is accepted by the transferee');
	my $refer = $in->expect('REFER');
	is($refer->header('Refer-To'), '<sip:1003@holdline.test>', 'who sees the target');
	is(notify($in, $refer, 100, 1)->code, 200, 'and reports');
	my $notify = $out->expect('NOTIFY');
	is($notify->body, "SIP/2.0 100\r\n", 'to who sent it');
	my ($sent) = map { $_->[2] } grep { $_->[1] eq '>' && ($_->[2]->method || '') eq 'REFER' }
		@{$alice->{history}};
	is($notify->header('Event'), 'refer;id=' . $sent->cseq, 'under the number of that one\'s REFER');
	my ($third, $third_in) = answered_call($bob, '1003', $carol);
	is(notify($in, $refer, 200)->code, 200, 'it has succeeded');
	$out->expect('NOTIFY');
	is($out->bye->code, 200, 'the first call ends');
	ok($in->ended, 'on both legs');
	is($switch->control('status')->{calls}, 1, 'the other goes on');
	$third->bye;
	$third_in->ended;
}

# Attended: alice talks to bob, then to carol, and connects the two.
for my $direction ('alice called carol', 'carol called alice') {
	my ($out, $in) = answered_call($alice, '1002', $bob);
	my ($to_carol, $at_carol) = $direction =~ /^alice/ ? answered_call($alice, '1003', $carol)
		: reverse answered_call($carol, '1001', $alice);
	my ($theirs) = $to_carol->{remote} =~ /tag=([^;>]+)/;
	my $replaces = $to_carol->call_id . ";to-tag=$theirs;from-tag=$to_carol->{local_tag}";
	(my $escaped = $replaces) =~ s/([;=@])/sprintf '%%%02X', ord $1/ge;
	$out->request('REFER', headers => ['Refer-To' =>
		"<sip:1003\@holdline.test?Replaces=$escaped>"]);
	my $refer = $in->expect('REFER');
	my ($named) = $refer->header('Refer-To') =~ /Replaces=([^>]*)/;
	ok($named, "$direction: the transferee is told what to replace");
	unlike($named, qr/\Q@{[$to_carol->call_id]}\E/, 'and nothing of the transferor\'s dialog');
	$named =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	my $new = $bob->invite('1003', sdp => 1, headers => [Replaces => $named,
		Require => 'replaces']);
	my $arrived = $carol->incoming;
	my ($call_id, $to, $from) = $arrived->invite_message->header('Replaces')
		=~ /^([^;]+);to-tag=([^;]+);from-tag=(.*)/;
	is($call_id, $at_carol->call_id, 'at the target it names the dialog as that one knows it');
	is($to, $at_carol->{local_tag}, 'to-tag is its own');
	is($from, $at_carol->{remote} =~ /tag=([^;>]+)/ ? $1 : '', 'from-tag the switch\'s');
	$arrived->answer(sdp => 1);
	is($new->answered->code, 200, 'the two are connected');
	is($at_carol->bye->code, 200, 'the target ends the call it had');
	ok($to_carol->ended, 'and the transferor hears of it');
	$out->bye;
	$in->ended;
	is($switch->control('status')->{calls}, 1, 'one call is left');
	$new->bye;
	$arrived->ended;
}

# A target that knows no Replaces: where that is required it says so, and the transferor hears of it;
# where it is not, the target ignores it (RFC 3891 §3) and has a second call until the transferor
# hangs up the first.
for my $required (1, 0) {
	my ($out, $in) = answered_call($alice, '1002', $bob);
	my ($to_carol, $at_carol) = answered_call($alice, '1003', $carol);
	my ($theirs) = $to_carol->{remote} =~ /tag=([^;>]+)/;
	my $replaces = $to_carol->call_id . ";to-tag=$theirs;from-tag=$to_carol->{local_tag}";
	(my $escaped = $replaces) =~ s/([;=@])/sprintf '%%%02X', ord $1/ge;
	$bob->{serve}{REFER} = sub { $_[0]->respond($_[1], 202) };
	is($out->request('REFER', headers => ['Refer-To' => "<sip:1003\@holdline.test?Replaces=$escaped>"])
		->code, 202, 'a transfer to somebody without Replaces is accepted');
	my $refer = $in->expect('REFER');
	my ($named) = $refer->header('Refer-To') =~ /Replaces=([^>]*)/;
	$named =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	my $new = $bob->invite('1003', sdp => 1, headers => [Replaces => $named,
		$required ? (Require => 'replaces') : ()]);
	my $arrived = $carol->incoming;
	is($arrived->invite_message->header('Require'), $required ? 'replaces' : undef,
		'what the transferee requires, the target is asked');
	if ($required) {
		$arrived->respond(420, headers => [Unsupported => 'replaces']);
		my $failed = $new->failed;
		is($failed->code, 420, 'which cannot: 420');
		is($failed->header('Unsupported'), 'replaces', 'and what it was');
		is(notify($in, $refer, 420)->code, 200, 'the transferee reports that');
		is($out->expect('NOTIFY')->body, "SIP/2.0 420\r\n", 'to the transferor');
		is($switch->control('status')->{calls}, 2, 'whose two calls are as they were');
	} else {
		$arrived->answer(sdp => 1);
		is($new->answered->code, 200, 'it takes it for a second call');
		is($switch->control('status')->{calls}, 3, 'which it has beside the first');
		is(notify($in, $refer, 200)->code, 200, 'the transferee reports success');
		$out->expect('NOTIFY');
	}
	$_->bye for $out, $to_carol;
	$_->ended for $in, $at_carol;
	next if $required;
	is($switch->control('status')->{calls}, 1, 'the transferor hangs up, and one call is left');
	$new->bye;
	$arrived->ended;
}

# What cannot be replaced.
my %case = ('no such dialog' => ['abc;to-tag=1;from-tag=2', 481], 'half a name' => ['abc', 400]);
for my $name (sort keys %case) {
	my ($value, $code) = @{$case{$name}};
	is($bob->invite('1003', sdp => 1, headers => [Replaces => $value])->failed->code, $code,
		"Replaces with $name: $code");
}
my ($out, $in) = answered_call($alice, '1003', $carol);
my ($tag) = $out->{remote} =~ /tag=([^;>]+)/;
my $own = $out->call_id . ";to-tag=$tag;from-tag=$out->{local_tag}";
is($bob->invite('1003', sdp => 1, headers => [Replaces => "$own;early-only"])->failed->code, 486,
	'early-only, and it was answered: 486');
$out->bye;
$in->ended;
is($bob->invite('1003', sdp => 1, headers => [Replaces => $own])->failed->code, 481,
	'a call that has ended: 481');
finish;
