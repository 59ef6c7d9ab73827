#!/usr/bin/perl
# D3: every ending there is, one row each, and its record compared field by field: what is not said
# here is null, zero or false in it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Holdline::Test;

my $policy = <<'LUA';
-- The caller's INVITE says what the policy shall decide.
return {
	route = function(call)
		local target, code = call:header("X-Target"), call:header("X-Reject")
		if target then return { target } end
		if code then return { reject = tonumber(code), reason = "not today" } end
	end,
	media = function(call) return call:header("X-Media") end,
	no_timer = function(call, leg)
		if call.caller.user == "1005" then return { max_duration = 60, action = "probe" } end
	end,
}
LUA
my $dns = dns();
my $gateway = phone(user => 'gw', server => '127.0.0.1:1');
my $switch = start_switch(users => [1001 .. 1005], lua => $policy, clock_rate => 50, config => {
	endpoints => {1006 => {password => 'secret-1006', max_calls => 1}},
	switch => {state_dir => switch_object()->dir . '/kept', nameservers => [$dns->address],
		listen => ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'], timeout_invite => 10, timeout_trying => 12,
		timeout_progress => 14, timeout_progress_sdp => 16, timeout_ringing => 40,
		max_call_duration => 180},
	plugins => {registrar => {}, 'session-timer' => {ttl => 100, no_timer_max_duration => 70,
			probe_fail_limit => 1},
		'media-proxy' => {mode => 'off', media_timeout => 60, media_timeout_when => 'both'}},
	gateways => {
		carrier => {address => 'sip:' . $gateway->address, prefix => '9'},
		full => {address => 'sip:127.0.0.1:5', prefix => '81', max_calls => 1},
		nowhere => {address => 'sip:none.test:5060', prefix => '82'}}});
$gateway->{server} = $switch->address('udp');
my %phone = map { $_ => phone(switch => $switch, user => $_, $_ == 1005 ? (timer => 0) : (),
	$_ == 1004 ? (transport => 'tcp') : (),
	$_ == 1006 ? (password => 'secret-1006') : ()) } 1001, 1002, 1004 .. 1006;
$_->register for values %phone;
my ($alice, $bob) = @phone{1001, 1002};

sub invite { my ($number, %header) = @_; return $alice->invite($number, sdp => 1, headers => [%header]) }
sub refused { my ($out) = @_; $out->failed(10); return }
sub ring { my (%header) = @_; my $out = invite('1002', %header); return ($out, $bob->incoming) }

# An answered call between bob and whoever.
sub talk {
	my ($from, @header) = @_;
	my $out = $from->invite('1002', sdp => 1, headers => [@header]);
	my $in = $bob->incoming;
	$in->respond(180);
	$out->expect(180);
	$in->answer(sdp => 1);
	$out->answered;
	$switch->control_until(sub { $_[0][0] && $_[0][0]{state} eq 'active' }, 'calls');
	return ($out, $in);
}
sub both_ended { my ($out, $in) = @_; $_->ended(10) for $in, $out; return }
sub callee_says { my ($code, %arg) = @_; return sub { my ($out, $in) = ring();
	$in->respond($code, %arg); refused($out) } }
sub target_says { my (%header) = @_; return sub { refused(invite('1002', %header)) } }
sub callee_then_silent { my ($code, %arg) = @_; return sub { my ($out, $in) = ring();
	$in->respond($code, %arg) if $code; refused($out) } }
sub limited { my ($name, $value, $run) = @_; return sub {
	$switch->control('param', op => 'set', name => $name, value => $value);
	$run->();
	$switch->control('param', op => 'set', name => $name, value => 0) } }

my $timer = '100 s, refresher ';
my %talked = (pdd => 1, codec => 'PCMU', caller_timer => "${timer}switch", callee_timer => "${timer}switch");
my %rang = (pdd => 1);
my %nobody = (callee_addr => undef, media_reason => undef);    # was called
# name, what happens, ended_by, reason, detail, sip_code, and what else is not as in most records
my @endings = (
	['caller hangs up', sub { my ($out, $in) = talk($alice); $out->bye; $in->ended },
		'caller', 'Normal', undef, 200, %talked],
	['callee hangs up', sub { my ($out, $in) = talk($alice); $in->bye; $out->ended },
		'callee', 'Normal', undef, 200, %talked],
	['operator hangs up', sub { my ($out, $in) = talk($alice);
			$switch->control('hangup', id => $switch->control('calls')->[0]{id}); both_ended($out, $in) },
		'server', 'Normal', 'hangup', 200, %talked],
	['caller cancels', sub { my ($out, $in) = ring(); $in->respond(180); $out->expect(180);
			$out->cancel; refused($out) }, 'caller', 'Cancelled', undef, 487, %rang],
	['callee is busy', callee_says(486), 'callee', 'Busy', undef, 486],
	['callee is busy everywhere', callee_says(600), 'callee', 'Busy', undef, 600],
	['callee declines', callee_says(603), 'callee', 'Rejected', undef, 603],
	['callee cannot', callee_says(488), 'callee', 'Rejected', undef, 488],
	['callee has moved', callee_says(302, headers => [Contact => '<sip:a@192.0.2.1>']),
		'callee', 'Rejected', undef, 302],
	['callee does not answer', callee_says(480), 'callee', 'No Answer', undef, 480],
	['callee knows nobody', callee_says(404), 'callee', 'Not Found', undef, 404],
	['callee is out of service', callee_says(503), 'callee', 'Unavailable', undef, 503],
	['callee times out', callee_says(408), 'callee', 'No Response', undef, 408],
	['callee challenges', callee_says(401), 'callee', 'Rejected', undef, 403],
	['callee knows no such number', callee_says(604), 'callee', 'Not Found', undef, 604],
	['caller without Contact', sub { refused(invite('1002', Contact => undef)) }, 'server', 'Rejected',
		'no-contact', 400, %nobody],
	['caller hangs up while it rings', sub { my ($out, $in) = ring(); $in->respond(180);
			$out->expect(180); $out->bye; refused($out) }, 'caller', 'Cancelled', undef, 487, %rang],
	['callee hangs up while it rings', sub { my ($out, $in) = ring(); $in->respond(180);
			$out->expect(180); $in->bye; refused($out) }, 'callee', 'No Answer', undef, 480, %rang],
	['unknown number', sub { refused(invite('4711')) }, 'server', 'Not Found', undef, 404, %nobody,
		callee => '4711'],
	['user without contact', sub { refused(invite('1003')) }, 'server', 'No Answer', undef, 480,
		%nobody, callee => '1003'],
	['policy rejects', target_says('X-Reject' => 603), 'server', 'Rejected', undef, 603, %nobody],
	['nothing at all', callee_then_silent(0), 'server', 'No Response', 'invite-timeout', 408],
	['only 100', callee_then_silent(100), 'server', 'No Response', 'trying-timeout', 408],
	['only 183', callee_then_silent(183), 'server', 'No Answer', 'progress-timeout', 480, %rang],
	['early media', callee_then_silent(183, sdp => 1), 'server', 'No Answer', 'progress-timeout', 480,
		%rang, codec => 'PCMU'],
	['rings for ever', callee_then_silent(180), 'server', 'No Answer', 'ringing-timeout', 480, %rang],
	['nobody listens', target_says('X-Target' => 'sip:x@127.0.0.1:1;transport=tcp'),
		'server', 'Unavailable', 'unreachable', 503, callee_addr => '127.0.0.1:1'],
	['no such host', target_says('X-Target' => 'sip:x@none.test'), 'server', 'Unavailable',
		'unresolved', 503, %nobody],
	['gateway without address', sub { refused(invite('82')) }, 'server', 'Unavailable',
		'gateway-unresolved', 503, %nobody, callee => '82', gateway => 'nowhere'],
	['gateway is full', sub {
			my $first = invite('81');
			$switch->control_until(sub { @{$_[0]} }, 'calls');
			refused(invite('81'));
			$first->cancel; refused($first) },
		['server', 'Unavailable', 'gateway-limit', 503, %nobody, callee => '81', gateway => 'full'],
		['caller', 'Cancelled', undef, 487, callee => '81', callee_addr => '127.0.0.1:5',
			gateway => 'full']],
	['gateway answers', sub { my $out = invite('90'); my $in = $gateway->incoming;
			$in->answer(sdp => 1); $out->answered; $out->bye; $in->ended },
		'caller', 'Normal', undef, 200, %talked, callee => '90', callee_addr => $gateway->address,
		gateway => 'carrier'],
	['gateway calls', sub { my $out = $gateway->invite('1002', sdp => 1); $bob->incoming->reject(486);
			refused($out) },
		'callee', 'Busy', undef, 486, caller => 'gw', caller_addr => $gateway->address,
		gateway => 'carrier'],
	['a loop', sub { refused(invite('1002', 'X-Target' => 'sip:1002@' . $switch->address('udp'))) },
		'server', 'Rejected', 'loop', 482, %nobody],
	['caller has its calls', sub {
			my $first = $phone{1006}->invite('1002', sdp => 1);
			my $in = $bob->incoming;
			refused($phone{1006}->invite('1002', sdp => 1));
			$in->reject(486); refused($first) },
		['server', 'Rejected', 'limit-caller', 403, %nobody, caller => '1006',
			caller_addr => $phone{1006}->received],
		['callee', 'Busy', undef, 486, caller => '1006', caller_addr => $phone{1006}->received]],
	['callee has its calls', sub {
			my $first = invite('1006');
			my $in = $phone{1006}->incoming;
			refused(invite('1006'));
			$in->reject(486); refused($first) },
		['server', 'Busy', 'limit-callee', 486, %nobody, callee => '1006'],
		['callee', 'Busy', undef, 486, callee => '1006', callee_addr => $phone{1006}->received]],
	['too many calls', sub {
			my ($first, $in) = ring();
			limited('switch.max_calls', 1, sub { refused(invite('1002')) })->();
			$in->reject(486); refused($first) },
		['server', 'Unavailable', 'limit-calls', 503, %nobody],
		['callee', 'Busy', undef, 486]],
	['too many INVITEs', limited('switch.max_invite_rate', 1, sub {
			my ($first, $in) = ring();
			refused(invite('1002'));
			$in->reject(486); refused($first) }),
		['server', 'Unavailable', 'limit-rate', 503, %nobody],
		['callee', 'Busy', undef, 486]],
	['connection lost', sub {
			$phone{1004}->invite('1002', sdp => 1);
			$bob->incoming->respond(180);
			$phone{1004}->expect(180);
			$phone{1004}->close },
		'caller', 'Cancelled', 'connection-lost', 487, %rang, caller => '1004',
		caller_addr => $phone{1004}->received],
	['no ACK', sub { $alice->{never_ack} = 1; my ($out, $in) = ring(); $in->answer(sdp => 1);
			$out->answered; both_ended($out, $in); $alice->{never_ack} = 0 },
		'server', 'No ACK', 'no-ack', 200, %talked],
	['no PRACK', sub { my ($out, $in) = ring(Require => '100rel'); $in->respond(180); refused($out) },
		'server', 'No ACK', 'no-prack', 504, %rang],
	['answer that is none', sub { my ($out, $in) = ring('X-Media' => 'on');
			$in->respond(200, sdp => "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
				. "c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 70000 RTP/AVP 0\r\n"); refused($out) },
		'server', 'Rejected', 'bad-answer', 488, pdd => 0, media_relayed => 1,
		media_reason => 'policy: policy'],
	['refresh refused', sub {
			$_->{serve}{UPDATE} = sub { $_[0]->respond($_[1], 481) } for $alice, $bob;
			both_ended(talk($alice));
			delete $_->{serve}{UPDATE} for $alice, $bob },
		'server', 'Session Timeout', 'refresh-failed', 200, %talked],
	['peer does not refresh', sub { both_ended(talk($alice,
			'Session-Expires' => '90;refresher=uac')) },
		'server', 'Session Timeout', 'refresh-expired', 200, %talked,
		caller_timer => '90 s, refresher peer', refreshes => 1],
	['probe finds nobody', sub { $phone{1005}{manual} = ['UPDATE']; both_ended(talk($phone{1005}));
			$phone{1005}{manual} = [] },
		'server', 'Session Timeout', 'probe-failed', 200, %talked, caller => '1005',
		caller_addr => $phone{1005}->received, caller_timer => 'none, limit 60 s by policy',
		refreshes => 1],
	['no timer', sub { $alice->{timer} = 0; both_ended(talk($alice)); $alice->{timer} = 1 },
		'server', 'Max Duration', 'no-timer-limit', 200, %talked,
		caller_timer => 'none, limit 70 s by default', refreshes => 1],
	['no media', sub { both_ended(talk($alice, 'X-Media' => 'on')) },
		'server', 'Media Timeout', 'media-timeout', 200, %talked, media_relayed => 1,
		media_reason => 'policy: policy', streams => 1, refreshes => 2],
	['the absolute end', sub { both_ended(talk($alice)) },
		'server', 'Max Duration', 'call-deadline', 200, %talked, refreshes => 6],
);

my %null = map { $_ => undef } qw(detail gateway codec caller_timer callee_timer streams);
my $seen = 0;

sub times_fit {
	my ($cdr) = @_;
	my @moment = grep { defined } @$cdr{qw(started answered ended)};
	return 0 if grep { !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } @moment, $cdr->{last_alive};
	return 0 if "@moment" ne join ' ', sort @moment;
	return 0 if $cdr->{last_alive} lt $cdr->{started} || $cdr->{last_alive} gt $cdr->{ended};
	my $spoke = defined $cdr->{answered}
		? milliseconds($cdr->{ended}) - milliseconds($cdr->{answered}) : 0;
	return abs($cdr->{duration} * 1000 - $spoke) < 1.5;    # each is rounded by itself
}

# Of the day: none of these calls lasts until midnight.
sub milliseconds {
	my ($hours, $minutes, $seconds) = $_[0] =~ /T(\d+):(\d+):([\d.]+)Z/;
	return ($hours * 3600 + $minutes * 60 + $seconds) * 1000;
}

sub compare {
	my ($name, $cdr, $by, $reason, $detail, $code, %more) = @_;
	my %said = %$cdr;
	my $pdd = delete $more{pdd};
	delete @said{qw(id started ended duration last_alive)};
	ok(times_fit($cdr), "$name: its times fit") or diag(explain($cdr));
	is(defined delete $said{pdd_ms}, !!$pdd, "$name: whether it rang") if defined $pdd || $code != 200;
	is(defined delete $said{answered}, $code == 200, "$name: whether it was answered");
	$said{media_relayed} = $said{media_relayed} ? 1 : 0;
	$said{streams} = scalar @{$said{streams}} if $said{streams};
	is_deeply(\%said, {%null, caller => '1001', callee => '1002', caller_addr => $alice->received,
		callee_addr => $bob->received, ended_by => $by, reason => $reason, detail => $detail,
		sip_code => $code, media_relayed => 0, media_reason => 'mode:off', refreshes => 0,
		%more}, "$name: the record");
	return;
}

for my $ending (@endings) {
	my ($name, $play, @want) = @$ending;
	@want = [@want] unless ref $want[0];
	$play->();
	my @cdr = $switch->cdrs($seen + @want, 10);
	is(scalar @cdr, $seen + @want, "$name: one record for each call");
	compare($name, $cdr[$seen + $_], @{$want[$_]}) for 0 .. $#want;
	$seen += @want;
}
is($switch->control('status')->{calls}, 0, 'no call is left');

# The two that end the switch as well.
my ($out, $in) = talk($alice);
$switch->signal('TERM');
both_ended($out, $in);
$switch->wait_exit(15);
compare('orderly stop', ($switch->cdrs(++$seen))[-1], 'server', 'Switch Stop', 'switch-stop', 200,
	%talked);
$switch->start;
$_->{server} = $switch->address('udp') for $alice, $bob, $gateway;
$_->register for $alice, $bob;
talk($alice);
$switch->control_until(sub { $_->{rows_waiting} == 0 && $_->{rows_written} >= 3 }, 'status');
$switch->kill_now;
$switch->start;
# What plugins add at the end is not there.
compare('crash', ($switch->cdrs(++$seen))[-1], 'server', 'Switch Restart', 'switch-restart', 200,
	pdd => 1, media_reason => undef);

# A stranger gets that far only where no plugin asks who it is.
my $open = start_switch(config => {plugins => {'session-timer' => {}}});
my $stranger = phone(switch => $open, user => 'stranger');
refused($stranger->invite('1002', sdp => 1));
compare('a stranger', ($open->cdrs(1))[0], 'server', 'Rejected', 'not-authenticated', 403, %nobody,
	caller => 'stranger', caller_addr => $stranger->received);
finish;
