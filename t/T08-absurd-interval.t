#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

# An interval beyond a day is no session timer: whoever asks for one, or answers with one, has the
# limit of a leg without, so that nobody switches the end of zombie calls off.
my $switch = start_switch(users => [1001, 1002], clock_rate => 20, config => {
	plugins => {registrar => {},
		'session-timer' => {ttl => 180, no_timer_max_duration => 400}}});
my ($alice, $bob) = phones($switch);
my $records = 0;

sub legs { return @{$switch->control('calls')->[0]{legs}} }

# Alice calls with her headers; Bob answers with his.
sub call {
	my ($asked, $granted) = @_;
	my $out = $alice->invite('1002', sdp => 1, headers => $asked);
	my $in = $bob->incoming;
	$in->answer(sdp => 1, headers => $granted);
	my $answer = $out->answered;
	$switch->control_until(sub { $_[0][0]{state} eq 'active' }, 'calls');
	return ($out, $in, $answer);
}

sub untimed {
	my ($name, $message) = @_;
	is($message->header('Session-Expires'), undef, "$name has no Session-Expires");
	unlike(join(',', $message->headers('Require')), qr/\btimer\b/, "$name requires no timer");
}

sub limited {
	my ($name, $leg) = @_;
	ok(!$leg->{timer}{active}, "$name: no timer runs");
	is($leg->{limit_by}, 'default', "$name: but the limit of a leg without");
	my $id = $switch->control('calls')->[0]{id};
	my $line = $switch->wait_log(event => 'no-session-timer', call => $id);
	is("$line->{side} $line->{limit} $line->{by}", "$leg->{side} 400 default", "$name: as is logged");
}

sub hang_up {
	my ($out, $in) = @_;
	$out->bye;
	$in->ended;
	return ($switch->cdrs(++$records))[-1];
}

my @refresher = ('Session-Expires' => '200;refresher=uac');
for my $minimum (86401, 4294967295, 99999999999) {
	my ($out, $in, $answer) = call([@refresher, 'Min-SE' => $minimum]);
	untimed("Min-SE $minimum: 200", $answer);
	limited("Min-SE $minimum", (legs())[0]);
	my $invite = $in->invite_message;
	is($invite->header('Min-SE'), 90, 'the callee hears nothing of it');
	is($invite->header('Session-Expires'), '180;refresher=uac', 'and is asked for our interval');
	is((legs())[1]{timer}{session_expires}, 180, 'which it has');
	is(hang_up($out, $in)->{caller_timer}, 'none, limit 400 s by default', 'recorded');
}
for my $granted (86401, 999999999, 99999999999) {
	my ($out, $in) = call([], ['Session-Expires' => "$granted;refresher=uas"]);
	limited("$granted s are answered", (legs())[1]);
	is(hang_up($out, $in)->{callee_timer}, 'none, limit 400 s by default', 'recorded');
}

# The limit is kept.
my ($out, $in) = call([], ['Session-Expires' => '999999999;refresher=uas']);
ok($in->ended(40), 'the limit comes');
$out->ended;
is(($switch->cdrs(++$records))[-1]{detail}, 'no-timer-limit', 'and is told as such');

# Within reason a peer has its way.
for my $granted (600, 86400) {
	($out, $in) = call([], ['Session-Expires' => "$granted;refresher=uas"]);
	is((legs())[1]{timer}{session_expires}, $granted, "$granted s for the 180 asked for are taken");
	hang_up($out, $in);
}
($out, $in, my $answer) = call([@refresher, 'Min-SE' => 86400]);
is($answer->header('Session-Expires'), '86400;refresher=uac', 'Min-SE 86400 is granted');
hang_up($out, $in);
($out, $in, $answer) = call(['Session-Expires' => '4294967295;refresher=uac']);
is($answer->header('Session-Expires'), '180;refresher=uac', 'what is only a wish is lowered');

# In the dialog a timer is lost that way, and got back.
untimed('UPDATE with Min-SE 4000000000: 200',
	$out->update(headers => [@refresher, 'Min-SE' => 4000000000]));
limited('after UPDATE', (legs())[0]);
is($out->update(headers => [@refresher, 'Min-SE' => 100])->header('Session-Expires'),
	'180;refresher=uac', 'the next UPDATE with a sane one is granted');
ok((legs())[0]{timer}{active}, 'and the timer runs again');
hang_up($out, $in);

# 422: what it wants beyond a day is not offered; the request goes again without a timer.
$out = $alice->invite('1002', sdp => 1);
my $invite = $bob->incoming->invite_message;
$bob->respond($invite, 422, headers => ['Min-SE' => 86401]);
my $again = $bob->expect(sub { my $m = shift; ($m->{method} || '') eq 'INVITE'
	&& $m->cseq > $invite->cseq }, 5, 'the INVITE again');
is($again->header('Min-SE'), undef, 'the INVITE after such a 422 has no Min-SE');
untimed('it', $again);
unlike(join(',', $again->headers('Supported')), qr/\btimer\b/, 'nor does it support timers');
is($again->body, $invite->body, 'the same offer');
$bob->respond($again, 200, sdp => 1);
$out->answered;
$switch->control_until(sub { $_[0][0]{state} eq 'active' }, 'calls');
limited('after the 422', (legs())[1]);
$out->bye;
$switch->cdrs(++$records);

# A refresh of ours meets the same.
my @asked;
$bob->{serve}{UPDATE} = sub {
	my ($phone, $update) = @_;
	push @asked, $update->header('Session-Expires') // 'none';
	return $phone->respond($update, 200) if $asked[-1] eq 'none';
	$phone->respond($update, 422, headers => ['Min-SE' => 4000000000]);
};
($out, $in) = call([]);
$switch->control_until(sub { !$_[0][0]{legs}[1]{timer}{active} }, 'calls');
is("@asked", '180;refresher=uac none', 'a refresh, too, comes again without');
limited('after the refresh', (legs())[1]);
hang_up($out, $in);

# Nor is it asked for a third time.
$out = $alice->invite('1002', sdp => 1);
$invite = $bob->incoming->invite_message;
$bob->respond($invite, 422, headers => ['Min-SE' => 86401]);
$again = $bob->expect(sub { my $m = shift; ($m->{method} || '') eq 'INVITE'
	&& $m->cseq > $invite->cseq }, 5, 'the INVITE again');
$bob->respond($again, 422, headers => ['Min-SE' => 86401]);
is($out->failed->code, 500, 'a 422 to a request without timer is a failure');
finish;
