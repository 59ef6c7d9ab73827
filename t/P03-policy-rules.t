#!/usr/bin/perl
# The stock policy.lua: the first of `policy.rules` that matches and speaks about a question decides.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Holdline::Test;

my @rules = (
	{name => 'quiet room', match => {user => '1003'}, keepalive => 'off'},
	{name => 'yealink at the office', match => {user_agent => 'Yealink*', network => 'office'},
		keepalive => {message => "\r\n\r\n", period => 15, method => 'udp'}},
	{name => 'yealink', match => {user_agent => ['Yealink*', 'Old Yea*']},
		no_timer => {max_duration => 60, action => 'probe'}, media => 'on'},
	{match => {user => '10?4'}, no_timer => 30, media => 'off'},
	{name => 'as configured', match => {aor => '1005@*'}, keepalive => 'on', media => 'auto'},
	{name => 'elsewhere', match => {received => '127.0.9.0/24', transport => 'udp', nat => 'off'},
		keepalive => {period => 50}},
);

sub settings {
	my (@own) = @_;
	return (users => [1001 .. 1006], clock_rate => 20, config => {
		switch => {networks => {office => ['127.0.5.0/24']}},
		policy => {rules => \@own},
		plugins => {registrar => {}, keepalive => {period => 40, targets => 'all'},
			'session-timer' => {}, 'media-proxy' => {between_net => 'off', media_timeout => 0}}});
}

my $switch = start_switch(settings(@rules));
my %place = (1001 => ['Yealink T46', '127.0.5.1'], 1002 => ['Yealink T46', '127.0.0.1'],
	1003 => ['Yealink T46', '127.0.5.1'], 1004 => ['Snom', '127.0.0.1'],
	1005 => ['Snom', '127.0.9.1'], 1006 => ['Old Yea 1', '127.0.9.1']);
my %phone = map { $_ => phone(switch => $switch, user => $_, timer => 0, user_agent => $place{$_}[0],
	local => $place{$_}[1]) } keys %place;
$_->register for values %phone;

# keepalive: [decided_by, enabled, period]
my %beat = (1001 => ['yealink at the office', 1, 15], 1002 => ['default', 1, 40],
	1003 => ['quiet room', 0], 1004 => ['default', 1, 40], 1005 => ['default', 1, 40],
	1006 => ['elsewhere', 1, 50]);
for my $user (sort keys %beat) {
	my $beat = $switch->endpoint($user)->{keepalive};
	is($beat->{decided_by}, $beat{$user}[0], "$user: heartbeat by $beat{$user}[0]");
	is(!!$beat->{enabled}, !!$beat{$user}[1], "$user: heartbeat or none");
	is($beat->{period}, $beat{$user}[2], "$user: its period") if $beat{$user}[1];
}
is($phone{1001}->heartbeat->bytes, "\r\n\r\n", 'the rule\'s payload on the wire');
is($phone{1002}->heartbeat->bytes, 'HELLO', 'the configured one for the others');
is(scalar $phone{1003}->heartbeats, 0, 'and nothing where it is off');

# no_timer and media: [caller, callee, limits of caller and callee, media reason]
my $records = 0;
for my $case (
	[1001, 1006, [60, 'yealink'], [60, 'yealink'], qr/^policy: yealink$/],
	[1002, 1005, [60, 'yealink'], [7200, 'default'], qr/^policy: yealink$/],
	[1004, 1005, [30, 'rule 4'], [7200, 'default'], qr/^policy: rule 4$/],
	[1005, 1004, [7200, 'default'], [30, 'rule 4'], qr/^policy: rule 4$/],
	[1004, 1001, [30, 'rule 4'], [60, 'yealink'], qr/^policy: yealink$/],
) {
	my ($caller, $callee, @rest) = @$case;
	my $reason = pop @rest;
	my $name = "$caller calls $callee";
	my $out = $phone{$caller}->invite($callee, sdp => 1);
	my $in = $phone{$callee}->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	my ($row) = @{$switch->control('calls')};
	for my $i (0, 1) {
		my $leg = $row->{legs}[$i];
		is($leg->{limit_by}, $rest[$i][1], "$name: $leg->{side}: limited by $rest[$i][1]");
		near($leg->{limit_in}, $rest[$i][0], 10, "$name: $leg->{side}: to $rest[$i][0] s");
	}
	is($out->bye->code, 200, "$name: hung up");
	$in->ended;
	my $cdr = ($switch->cdrs(++$records))[-1];
	like($cdr->{media_reason}, $reason, "$name: the record has the rule about media");
	is(!!$cdr->{media_relayed}, $reason =~ /yealink/, "$name: relayed or not");
	is($cdr->{caller_timer}, "none, limit $rest[0][0] s by $rest[0][1]", "$name: and about the limit");
}

# The rule's action: the peer is asked at the limit, and lives; the other leg's limit ends the call.
{
	my $out = $phone{1002}->invite(1004, sdp => 1);
	my $in = $phone{1004}->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	ok($in->ended, 'hangup at 30 s, the shorter limit');
	ok($out->ended, 'for both');
	is(($switch->cdrs(++$records))[-1]{detail}, 'no-timer-limit', 'recorded');
	$out = $phone{1002}->invite(1006, sdp => 1);
	$in = $phone{1006}->incoming;
	$in->answer(sdp => 1);
	$out->answered;
	ok($_->expect(sub { ($_[0]->method || '') =~ /^(?:UPDATE|OPTIONS)$/ }, 10, 'a probe'),
		'probe: the peer is asked at 60 s') for $out, $in;
	is($switch->control('calls')->[0]{state}, 'active', 'and the call goes on');
	$out->bye;
}
is(scalar($switch->log_events(tag => 'policy', event => 'failed')), 0, 'no rule failed');

# What --check and a reload say of mistakes in the rules.
for my $case (
	[{name => 'x', match => {user_agnet => 'a'}}, qr/policy\.rules\[1\].*user_agnet.*user_agent/],
	[{name => 'x', keepalive => {period => 5}}, qr/policy\.rules\[1\]\.keepalive\.period.*10 to 86400/],
	[{name => 'x', no_timer => {action => 'shout'}}, qr/no_timer\.action.*shout.*hangup, probe/],
	[{name => 'x', media => 'perhaps'}, qr/policy\.rules\[1\]\.media/],
	[{name => 'x', matches => {}}, qr/policy\.rules\[1\]\.matches: unknown key/],
) {
	my ($exit, $text) = switch_object(settings($case->[0]), args => ['--check'])->run;
	is($exit, 2, 'a mistake in the rules is refused');
	like($text, $case->[1], 'and named');
}
finish;
