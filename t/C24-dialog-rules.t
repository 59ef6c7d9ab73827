#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# What others got wrong in a dialog: which messages move the remote target, which re-arm a session
# timer, what one leg's refresh shows the other, and where Session-Expires may stand.
my $rate = 50;
my $switch = start_switch(users => [1001, 1002], clock_rate => $rate,
	config => {plugins => {registrar => {}, 'session-timer' => {ttl => 200}}});
my ($alice, $bob) = phones($switch);

sub talk {
	my (@header) = @_;
	$_->forget for $alice, $bob;
	my $out = $alice->invite('1002', sdp => 1, headers => [@header]);
	my $in = $bob->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	$switch->control_until(sub { $_[0][0] && $_[0][0]{state} eq 'active' }, 'calls');
	return ($out, $in);
}

sub over { my ($out, $in) = @_; $out->bye; $in->ended; return }
sub timers { return map { $_->{timer} } @{$switch->control('calls')->[0]{legs}} }

# Session-Expires is of requests and of 2xx, and an answer's is no longer than what was asked for.
{
	my $out = $alice->invite('1002', sdp => 1, headers => ['Session-Expires' => '120;refresher=uac']);
	my $in = $bob->incoming;
	$in->respond($_) for 180, 183;
	is($out->expect($_)->header('Session-Expires'), undef, "$_: no Session-Expires") for 180, 183;
	$in->answer(sdp => 1);
	is($out->answered->header('Session-Expires'), '120;refresher=uac', 'what was asked for, no more');
	over($out, $in);
}

# The remote target (RFC 3261 §12.2): re-INVITE and UPDATE move it, an ACK and an INFO do not.
{
	my ($out, $in) = talk();
	my $at = sub { "<sip:$_[0]\@" . $alice->host_port . '>' };
	my $target = sub { $in->request('INFO', body => 'x', type => 'text/plain');
		my ($user) = $out->expect('INFO')->uri =~ /^sip:(\w+)@/; return $user };
	is($target->(), '1001', 'the target is the Contact of the INVITE');
	$out->request('INFO', body => 'x', type => 'text/plain', headers => [Contact => $at->('info')]);
	is($target->(), '1001', 'the Contact of an INFO is none');
	$out->reinvite(headers => [Contact => $at->('again')]);
	is($target->(), 'again', 'that of a re-INVITE is');
	$out->ack(headers => [Contact => $at->('ack')]);
	is($target->(), 'again', 'that of an ACK is not');
	is($out->update(headers => [Contact => $at->('update')])->code, 200, 'UPDATE');
	is($target->(), 'update', 'that of an UPDATE is');
	$bob->forget->{manual} = ['INVITE'];
	my $transaction = $out->start_request('INVITE', sdp => 1, headers => [Contact => $at->('refused')]);
	$bob->respond($in->expect('INVITE'), 488);
	is($alice->final($transaction)->code, 488, 'a re-INVITE that fails');
	$bob->{manual} = [];
	over($out, $in);
}

# Every 2xx to INVITE or UPDATE, whoever sent it, starts that leg's timer anew, or ends it.
for my $case (['re-INVITE', sub { $_[0]->reinvite }], ['UPDATE with SDP', sub {
	$_[0]->update(sdp => $_[0]{phone}->sdp_text({version => 2})) }]) {
	my ($name, $play) = @$case;
	for my $side (0, 1) {
		my ($out, $in) = talk();
		$switch->control_until(sub { !grep { $_->{timer}{next_in} > 80 } @{$_[0][0]{legs}} }, 'calls');
		my @from = ($out, $in);
		is($play->($from[$side])->code, 200, "$name of the " . ('caller', 'callee')[$side]);
		cmp_ok($_->{next_in}, '>', 85, 'the timer of this leg and of the other start anew') for timers();
		over($out, $in);
	}
}
{
	my ($out, $in) = talk();
	$_->{timer} = 0 for $alice, $bob;
	is($in->reinvite->code, 200, 're-INVITE of a peer that takes its timer back');
	my @leg = @{$switch->control('calls')->[0]{legs}};
	ok(!$leg[0]{timer}{active}, 'the 2xx without Session-Expires ends that leg\'s timer');
	ok(defined $leg[0]{limit_in}, 'which has a limit instead');
	$_->{timer} = 1 for $alice, $bob;
	over($out, $in);
}

# A refresh of the switch's, refused or not, is nothing to the other leg.
{
	my @answer = (491, 500, 200);
	$bob->{serve}{UPDATE} = sub { $_[0]->respond($_[1], shift(@answer) || 200) };
	my ($out, $in) = talk('Session-Expires' => '200;refresher=uac');
	$alice->forget;
	$switch->control_until(sub { $_[0][0]{legs}[1]{timer}{refreshes} }, 'calls');
	is(scalar(@answer), 0, 'the callee refused twice, and then took it');
	is(scalar(my @heard = $alice->seen(sub { 1 })), 0, 'the caller hears nothing of it');
	delete $bob->{serve}{UPDATE};
	over($out, $in);
}

# What is no session of ours passes both ways, and its answer comes back.
{
	my ($out, $in) = talk();
	for my $pair (['caller', $out, $in], ['callee', $in, $out]) {
		my ($who, $from, $to) = @$pair;
		for my $method (qw(INFO MESSAGE NOTIFY)) {
			$to->{phone}{serve}{$method} = sub { $_[0]->respond($_[1], 202) };
			is($from->request($method, body => "$who $method", type => 'text/plain',
				headers => [Event => 'x', 'Subscription-State' => 'active'])->code, 202,
				"$method of the $who is answered by the other");
			is($to->expect($method)->body, "$who $method", 'which got it as it was');
			delete $to->{phone}{serve}{$method};
		}
	}
	over($out, $in);
}
is($switch->control('status')->{calls}, 0, 'no call is left');
finish;
