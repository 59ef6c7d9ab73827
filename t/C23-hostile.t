#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# Peers that break the rules in a call, or bend them: each case gets the answer the RFC names, ends
# with one record and no call left, and the switch goes on.
my $rate = 20;
my $switch = start_switch(users => [1001, 1002, 1003], clock_rate => $rate, config => {
	switch => {listen => ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0']}});
my ($alice, $bob, $carol) = phones($switch);
my $records = 0;

sub ring {
	my ($from, $number, $to, @header) = @_;
	my $out = $from->invite($number, sdp => 1, headers => [@header]);
	return ($out, $to->incoming);
}

sub talk {
	my ($out, $in) = ring($alice, '1002', $bob);
	$in->answer(sdp => 1);
	$out->answered;
	return ($out, $in);
}

# One record more, and nothing left of it.
sub over {
	my ($name, $want) = @_;
	my @cdr = $switch->cdrs(++$records, 10);
	is(scalar @cdr, $records, "$name: one record");
	my $cdr = $cdr[-1];
	is(join(' ', map { $_ // 'null' } @$cdr{qw(ended_by reason sip_code)}), $want, "$name: $want")
		if $want;
	is($switch->control('status')->{calls}, 0, "$name: no call is left");
	$_->forget for $alice, $bob, $carol;
	return;
}

subtest 'answers without a To tag' => sub {
	my ($out, $in) = ring($alice, '1002', $bob);
	my $text = $in->respond(180)->as_string;
	$out->expect(180);
	my $ok = $bob->respond($in->invite_message, 200, sdp => 1);
	(my $bare = $ok->as_string) =~ s/^(To:[^\r]*?);tag=[^\r;]*/$1/m;
	$bob->send_raw($bare) for 1 .. 3;
	$out->answered;
	$out->bye;
	over('tag lost', 'caller Normal 200');
	($out, $in) = ring($alice, '1002', $bob);
	my $bytes = $in->invite_message;
	my $answer = Holdline::Test::Sip->new_response(200, 'OK');
	$answer->add($_ => [$bytes->headers($_)]) for qw(Via From To Call-ID CSeq);
	$answer->add('Content-Type' => 'application/sdp');
	$answer->{body} = $bob->sdp_text(1);
	$bob->send_raw($answer->as_string) for 1 .. 3;
	my $final = $alice->wait_message(sub { ($_[0]->code || 0) >= 200 }, 2);
	if ($final && $final->code < 300) {
		$out->{remote} = $final->header('To');
		$out->{remote_target} = $final->header('Contact') =~ s/[<>]//gr;
		$out->ack;
		$bob->send_raw($answer->as_string);
		$out->bye;
	}
	over('never a tag');
};

subtest 'Contact that is missing or nonsense' => sub {
	for my $contact (undef, '<>', '*', 'nonsense', '<sip:>', '<tel:+49>', '<http://x>') {
		my $name = $contact // 'none';
		my $out = $alice->invite('1002', sdp => 1, headers => [Contact => $contact]);
		if (my $refusal = $alice->wait_message(sub { ($_[0]->code || 0) >= 300 }, 0.3)) {
			is($refusal->code, 400, "$name: 400");
			$records += $switch->cdrs($records + 1) > $records;
			next;
		}
		my $in = $bob->incoming;
		$in->answer(sdp => 1);
		$out->answered;
		$in->bye;
		ok($alice->wait_message('BYE', 2), "$name: served, and hung up");
		over($name);
	}
	for my $contact (undef, '*') {
		my $name = 'callee: ' . ($contact // 'none');
		my ($out, $in) = ring($alice, '1002', $bob);
		$in->answer(sdp => 1, headers => [Contact => $contact]);
		$out->answered;
		$out->bye;
		ok($bob->wait_message('BYE', 2), "$name: hung up");
		over($name, 'caller Normal 200');
	}
	my ($out, $in) = ring($alice, '1002', $bob);
	$in->respond(200, sdp => 1, headers => [Contact => '<>']);
	is($out->failed(5)->code, 408, 'an answer that cannot be read is none: 408');
	over('unreadable', 'server No Response 408');
};

subtest 'BYE before the answer' => sub {
	my ($out, $in) = ring($alice, '1002', $bob);
	$in->respond(180);
	$out->expect(180);
	is($out->bye->code, 200, 'a caller may (RFC 3261 15): 200');
	is($out->failed->code, 487, 'its INVITE gets 487');
	ok($in->expect('CANCEL'), 'the callee stops ringing');
	over('BYE of the caller', 'caller Cancelled 487');
	my $second = phone(switch => $switch, user => 1002);
	$second->register;
	($out, $in) = ring($alice, '1002', $bob);
	my $other = $second->incoming;
	$_->respond(180) for $in, $other;
	$out->expect(180);
	is($in->bye->code, 200, 'a callee must not, but some do: it wants no call');
	ok($in->expect('CANCEL'), 'its INVITE is cancelled');
	ok(!$second->wait_message('CANCEL', 0.1), 'the other fork rings on');
	$other->answer(sdp => 1);
	is($out->answered->code, 200, 'and may answer');
	$out->bye;
	$other->ended;
	over('BYE of a fork', 'caller Normal 200');
	$second->unregister;
	$second->close;
	($out, $in) = ring($alice, '1002', $bob);
	$in->respond(180);
	$out->expect(180);
	$in->bye;
	is($out->failed->code, 480, 'the only callee: 480');
	over('BYE of the callee', 'callee No Answer 480');
};

subtest 'ACK with a wrong From tag is none' => sub {
	my ($out, $in) = ring($alice, '1002', $bob);
	$alice->{never_ack} = 1;
	$in->answer(sdp => 1);
	$out->answered;
	(my $ack = $out->_request('ACK', cseq => $out->{invite_cseq})->as_string)
		=~ s/^(From:[^\r]*tag=)\w+/${1}wrong/m;
	$alice->send_raw($ack);
	ok($out->ended(5), 'the call ends for want of an ACK');
	is(($switch->cdrs($records + 1, 5))[-1]{detail}, 'no-ack', 'and says so');
	$alice->{never_ack} = 0;
	over('ACK', 'server No ACK 200');
};

subtest 're-INVITE while an UPDATE is pending' => sub {
	my ($out, $in) = talk();
	$bob->{manual} = ['UPDATE'];
	my $update = $out->start_request('UPDATE', sdp => $alice->sdp_text({version => 2}));
	my $passed = $in->expect('UPDATE');
	is($in->start_request('INVITE', sdp => 1) && $bob->expect({code => '4xx', method => 'INVITE'})->code,
		491, 'from the other side: 491');
	my $again = $out->start_request('INVITE', sdp => 1);
	my $answer = $alice->final($again);
	is($answer->code, 500, 'from the same side: 500');
	like($answer->header('Retry-After'), qr/^\d+$/, 'with Retry-After');
	my $bare = $out->update;
	is($bare->code, 200, 'an UPDATE without offer disturbs nobody');
	$bob->respond($passed, 200, sdp => 1);
	is($alice->final($update)->code, 200, 'the UPDATE gets its answer');
	$bob->{manual} = [];
	is($in->reinvite(sdp => 1)->code, 200, 'then a re-INVITE is free to go');
	$out->bye;
	$in->ended;
	over('UPDATE', 'caller Normal 200');
};

subtest 'bodies of 64 KiB and more' => sub {
	my $tcp = phone(switch => $switch, user => 1003, transport => 'tcp');
	$tcp->register;
	my ($out, $in) = ring($tcp, '1002', $bob);
	$in->answer(sdp => 1);
	$out->answered;
	is($out->request('INFO', body => 'x' x 65536, type => 'text/plain')->code, 413, '64 KiB: 413');
	ok(wait_for { $tcp->link->closed }, 'and the connection is closed: who knows what follows');
	is($switch->control('calls')->[0]{state}, 'active', 'the call stands');
	is($out->request('INFO', body => 'y', type => 'text/plain')->code, 200,
		'and goes on over another connection');
	is($in->request('INFO', body => 'z', type => 'text/plain')->code, 200, 'both ways');
	my $lie = $out->_request('INFO', body => 'short', type => 'text/plain')->as_string;
	for my $case (['-5', 400], ['5x', 400], ['999999', 413]) {
		(my $text = $lie) =~ s/^Content-Length: 5/Content-Length: $case->[0]/m;
		$tcp->send_raw($text);
		is($tcp->expect('4xx')->code, $case->[1], "Content-Length: $case->[0]: $case->[1]");
		wait_for { !%{$tcp->link->{stream}} };
	}
	is($out->bye->code, 200, 'it ends as usual');
	over('large', 'caller Normal 200');
	$tcp->unregister;
	$tcp->close;
};

subtest 'forks over TCP and UDP' => sub {
	my $tcp = phone(switch => $switch, user => 1002, transport => 'tcp');
	$tcp->register;
	for my $round ('UDP answers', 'TCP answers', 'TCP is lost', 'both answer') {
		my ($out, $in) = ring($alice, '1002', $bob);
		my $other = $tcp->incoming;
		$_->respond(180) for $in, $other;
		$out->expect(180);
		my ($winner, $loser) = $round eq 'TCP answers' ? ($other, $in) : ($in, $other);
		if ($round eq 'TCP is lost') {
			$tcp->close;
			$switch->control_until(sub { @{$_[0]} == 1 }, 'endpoints', user => 1002);
		} elsif ($round eq 'both answer') {
			$loser->{phone}{manual} = ['CANCEL'];
			$_->respond(200, sdp => 1) for $winner, $loser;
			ok($_->expect('ACK'), "$round: each gets its ACK") for $winner, $loser;
			$out->answered;
			ok($loser->ended, "$round: and one its BYE");
		}
		if ($round ne 'both answer') {
			$winner->answer(sdp => 1);
			$out->answered;
		}
		$loser->expect('CANCEL') if $round =~ /^(?:UDP|TCP) answers/;
		is($out->bye->code, 200, "$round: hung up");
		over($round, 'caller Normal 200');
		if ($round eq 'TCP is lost') {
			$tcp = phone(switch => $switch, user => 1002, transport => 'tcp');
			$tcp->register;
		}
	}
	$tcp->unregister;
	$tcp->close;
};

subtest 'session timers that are none' => sub {
	for my $value ('0', '-1', '99999999999999999999', '90;refresher=nobody', ';', '90;90;90', 'x') {
		my $out = $alice->invite('1002', sdp => 1, headers => ['Session-Expires' => $value]);
		my $refusal;
		wait_for { ($refusal) = grep { ($_->code || 0) >= 300 } @{$alice->{inbox}};
			$refusal || grep { ($_->{method} || '') eq 'INVITE' } @{$bob->{inbox}} };
		if ($refusal) {
			$alice->expect(sub { $_[0] == $refusal });
			like($refusal->code, qr/^4(?:00|22)$/, "Session-Expires: $value: " . $refusal->code);
		} else {
			my $in = $bob->incoming;
			$in->answer(sdp => 1);
			my $granted = $out->answered->header('Session-Expires');
			cmp_ok($granted =~ /^(\d+)/ && $1, '>=', 90, "Session-Expires: $value: granted $granted");
			$out->bye;
			$in->ended;
		}
		over("SE $value");
	}
	for my $value ('1;refresher=uac', '1;refresher=uas', '0', 'x', '4294967295;refresher=uac') {
		my ($out, $in) = ring($alice, '1002', $bob);
		$in->answer(sdp => 1, headers => ['Session-Expires' => $value]);
		$out->answered;
		quiet(0.3);
		is($switch->control('calls')->[0]{state}, 'active', "callee's Session-Expires: $value: the call stands");
		cmp_ok(scalar(my @u = $bob->seen('UPDATE')), '<=', 2, 'and is not refreshed all the time');
		$out->bye;
		$in->ended;
		over("callee's SE $value");
	}
};

subtest 'a spiral' => sub {
	# Somebody in front of 1002 forwards its call to another user of the switch.
	my ($out, $in) = ring($alice, '1002', $bob);
	my $spiral = Holdline::Test::Sip->parse($in->invite_message->bytes);
	$spiral->{uri} = 'sip:1003@holdline.test';
	my @via = $spiral->headers('Via');
	$spiral->set(Via => [$bob->via('z9hG4bKspiral'), @via]);
	$bob->send_raw($spiral->as_string);
	my $answer = $bob->expect(sub { ($_[0]->code || 0) >= 300 });
	like($answer->code, qr/^(?:407|482)$/, 'is asked who it is, or refused: ' . $answer->code);
	$in->reject(486);
	$out->failed;
	over('spiral', 'callee Busy 486');
};
finish;
